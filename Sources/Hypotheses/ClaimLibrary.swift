import Designs
import Foundation

/// Every claim that could be read, and every error beside them.
public struct ClaimLibrary: Sendable {
  /// What the claims could name.
  public let vocabulary: ClaimVocabulary
  /// In the order of the files' names and their rows; ids are unique.
  public let claims: [Claim]
  /// In the same order; those of the vocabulary first.
  public let errors: [ClaimError]

  /// Reads the bundled claims, or those of some files, with the bundled vocabulary.
  /// - Parameters:
  ///   - models: the folder `models/`.
  ///   - traces: the folder of the bundled traces.
  ///   - files: paths of files of claims; nil is every file of `models/hypotheses`.
  /// - Throws: only where designs and optimisations can't be read.
  public init(models: URL, traces: URL, files: [String]? = nil) throws(DesignError) {
    let hypotheses = models.appendingPathComponent("hypotheses")
    let (vocabulary, errors) = ClaimVocabulary.read(
      hypotheses: hypotheses, catalogue: try DesignCatalogue(models: models), traces: traces)
    self.init(
      files: files ?? Self.bundled(in: hypotheses), vocabulary: vocabulary, errors: errors)
  }

  init(files: [String], vocabulary: ClaimVocabulary, errors: [ClaimError] = []) {
    self.vocabulary = vocabulary
    var errors = errors
    var claims: [Claim] = []
    var places: [String: NamePlace] = [:]
    for path in files {
      let file = ClaimFile(path: path, vocabulary: vocabulary)
      errors += file.errors
      for claim in file.claims {
        if let first = places[claim.id] {
          errors.append(.repeated(claim.id, first: first, at: claim.place))
        } else {
          places[claim.id] = claim.place
          claims.append(claim)
        }
      }
    }
    self.claims = claims
    self.errors = errors
  }

  /// Claims of which one place of a source can't be right if the other is.
  public var contradictions: [Claim] { claims.filter(\.isContradiction) }

  private static func bundled(in folder: URL) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".yaml") && !ClaimVocabulary.files.contains($0) }.sorted()
      .map { folder.appendingPathComponent($0).path }
  }
}
