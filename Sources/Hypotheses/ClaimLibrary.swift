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

  /// The ids of rows that are among the errors, as far as they can be read.
  public let unreadable: Set<String>

  /// Reads the bundled claims, or those of some files, with the bundled vocabulary.
  /// - Parameters:
  ///   - models: the folder `models/`.
  ///   - traces: the folder of the bundled traces.
  ///   - files: paths of files of claims; nil is every file of `models/hypotheses`.
  ///   - expected: a file of verdicts to be expected; nil is the bundled one, if there is one.
  /// - Throws: only where designs and optimisations can't be read.
  public init(
    models: URL, traces: URL, files: [String]? = nil, expected: String? = nil
  ) throws(DesignError) {
    let hypotheses = models.appendingPathComponent("hypotheses")
    let (vocabulary, errors) = ClaimVocabulary.read(
      hypotheses: hypotheses, catalogue: try DesignCatalogue(models: models), traces: traces)
    let all = Self.bundled(in: hypotheses)
    let read = ClaimLibrary(
      files: files ?? all, besides: files == nil ? [] : all, vocabulary: vocabulary,
      errors: errors)
    let bundled = hypotheses.appendingPathComponent(ExpectedVerdicts.bundled).path
    guard let path = expected ?? (FileManager.default.fileExists(atPath: bundled) ? bundled : nil)
    else {
      self = read
      return
    }
    // The bundled file speaks of all bundled claims, some of which may not be asked for.
    let isWhole = expected != nil || files == nil
    let verdicts = ExpectedVerdicts(
      path: path, ids: isWhole ? read.claims.map(\.id) + read.unreadable : nil)
    self.init(
      vocabulary: vocabulary,
      claims: read.claims.map { claim in
        var claim = claim
        claim.expected = verdicts.verdicts[claim.id] ?? claim.expected
        return claim
      }, errors: read.errors + verdicts.errors, unreadable: read.unreadable)
  }

  /// - Parameter others: paths of files whose claims may be repeated, and are not asked for.
  init(
    files: [String], besides others: [String] = [], vocabulary: ClaimVocabulary,
    errors: [ClaimError] = []
  ) {
    var errors = errors
    var claims: [Claim] = []
    var unreadable: Set<String> = []
    var places: [String: NamePlace] = [:]
    for path in files {
      let file = ClaimFile(path: path, vocabulary: vocabulary)
      errors += file.errors
      unreadable.formUnion(file.unreadable)
      for claim in file.claims {
        if let first = places[claim.id] {
          errors.append(.repeated(claim.id, first: first, at: claim.place))
        } else {
          places[claim.id] = claim.place
          claims.append(claim)
        }
      }
    }
    // Most files repeat nothing of others, which then needn't be read.
    let areWhole = claims.allSatisfy { claim in claim.sameAs.map { places[$0] != nil } ?? true }
    let known =
      areWhole ? [] : others.flatMap { ClaimFile(path: $0, vocabulary: vocabulary).claims }
    let repeats = Self.badRepeats(claims, besides: known)
    errors += repeats.map(\.error)
    unreadable.formUnion(repeats.map(\.id))
    claims.removeAll { claim in repeats.contains { $0.id == claim.id } }
    self.init(
      vocabulary: vocabulary, claims: claims, errors: errors, unreadable: unreadable)
  }

  private init(
    vocabulary: ClaimVocabulary, claims: [Claim], errors: [ClaimError], unreadable: Set<String>
  ) {
    self.vocabulary = vocabulary
    self.claims = claims
    self.errors = errors
    self.unreadable = unreadable
  }

  /// Claims that are said to repeat others and don't.
  private static func badRepeats(
    _ claims: [Claim], besides others: [Claim]
  ) -> [(id: String, error: ClaimError)] {
    let all = claims + others
    return claims.compactMap { claim in
      guard let id = claim.sameAs else { return nil }
      guard let original = all.first(where: { $0.id == id }) else {
        let known = NearestNames.sorted(all.map(\.id), by: id).prefix(5)
        return (claim.id, .unknown("claim", id, known: Array(known), at: claim.place))
      }
      guard claim.repeats(original) else {
        return (
          claim.id,
          .unusable(
            "“sameAs”", "names \(id), which is about something else",
            remedy: "give both rows the same quantity, workload, designs, claimed and rule",
            at: claim.place)
        )
      }
      return nil
    }
  }

  /// Claims of which one place of a source can't be right if the other is.
  public var contradictions: [Claim] { claims.filter(\.isContradiction) }

  private static func bundled(in folder: URL) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".yaml") && !ClaimVocabulary.files.contains($0) }
      .sorted()
      .map { folder.appendingPathComponent($0).path }
  }
}
