import Designs
import Platform

/// The verdicts that claims are known to get: a YAML file that maps ids to verdicts, as
/// `validate --write-expected` writes it.
public struct ExpectedVerdicts: Sendable {
  /// By id.
  public let verdicts: [String: Verdict]
  /// An entry for each line that can't be understood.
  public let errors: [ClaimError]

  /// The name of the file beside the bundled claims.
  public static let bundled = "expected.yaml"

  /// Reads a file strictly: every id must be that of a claim, every verdict one of the six.
  /// - Parameter ids: of the claims; nil where others may be named too.
  public init(path: String, ids: [String]?) {
    var verdicts: [String: Verdict] = [:]
    var errors: [ClaimError] = []
    do throws(DesignError) {
      let file = try StrictMapping(path: path)
      for (id, text, place) in try file.pairs() {
        if let ids, !ids.contains(id) {
          let known = NearestNames.sorted(ids, by: id).prefix(5)
          errors.append(.unknown("claim", id, known: Array(known), at: place))
        } else if let verdict = Verdict(rawValue: text) {
          verdicts[id] = verdict
        } else {
          let known = NearestNames.sorted(Verdict.allCases.map(\.rawValue), by: text)
          errors.append(.unknown("verdict", text, known: known, at: place))
        }
      }
    } catch {
      errors.append(.reading(error))
    }
    self.verdicts = verdicts
    self.errors = errors
  }

  /// The text of such a file.
  public static func text(_ verdicts: [(id: String, verdict: Verdict)]) -> String {
    let lines = verdicts.map { "\($0.id): \($0.verdict.rawValue)\n" }
    return """
      # The verdicts that `mallometer validate --strict` expects, as --write-expected wrote them.

      """ + lines.joined()
  }
}
