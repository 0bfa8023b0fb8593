import Designs

/// The claims of one YAML file, and what of it can't be understood.
public struct ClaimFile: Sendable {
  /// The file it was read from.
  public let path: String
  /// In the order of the rows.
  public let claims: [Claim]
  /// In the order of the rows, one for each bad one.
  public let errors: [ClaimError]

  static let keys = ["seed", "section", "workload", "designs", "standIn", "claims"]

  /// Reads every row that can be understood; a bad row is an error beside the others. A file that
  /// is no YAML, or whose head is wrong, has errors only.
  public init(path: String, vocabulary: ClaimVocabulary) {
    self.path = path
    var claims: [Claim] = []
    var errors: [ClaimError] = []
    do throws(ClaimError) {
      let (file, rows) = try ClaimError.wrapping { () throws(DesignError) in
        let file = try StrictMapping(path: path)
        try file.allow(Self.keys)
        if !file.keys.contains("claims") { throw .missingKey("claims", at: file.place) }
        return (file, try file.mappings("claims"))
      }
      for row in rows {
        do throws(ClaimError) {
          let entry = try ClaimError.wrapping { () throws(DesignError) in try row.get() }
          claims.append(try ClaimRow(entry, file: file, vocabulary: vocabulary).claim())
        } catch {
          errors.append(error)
        }
      }
    } catch {
      errors.append(error)
    }
    self.claims = claims
    self.errors = errors
  }
}
