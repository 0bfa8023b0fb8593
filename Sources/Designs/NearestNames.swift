/// What someone may have meant by a name that isn't known.
public enum NearestNames {
  /// All of `known`, most similar first; equally similar ones keep their order.
  ///
  /// Similar is what takes few edits, but a name that the other begins or contains counts as near:
  /// `frozen` is closer to `hakmem-frozen` than to `reuse`.
  /// - Complexity: O(n × m²) characters for n names; meant for tens of short names.
  public static func sorted(_ known: [String], by name: String) -> [String] {
    let lowered = name.lowercased()
    return known.enumerated()
      .map { (distance: distance(lowered, $0.element.lowercased()), index: $0.offset) }
      .sorted { ($0.distance, $0.index) < ($1.distance, $1.index) }
      .map { known[$0.index] }
  }

  private static func distance(_ name: String, _ candidate: String) -> Int {
    let edits = edits(Array(name), Array(candidate))
    let contained = !name.isEmpty && (candidate.contains(name) || name.contains(candidate))
    return contained ? min(edits, 1) : edits
  }

  /// Insertions, deletions, substitutions and swaps of neighbours that turn one into the other
  /// (optimal string alignment distance).
  static func edits(_ first: [Character], _ second: [Character]) -> Int {
    var beforePrevious = [Int](repeating: 0, count: second.count + 1)
    var previous = Array(0...second.count)
    for i in 0..<first.count {
      var current = [Int](repeating: i + 1, count: second.count + 1)
      for j in 0..<second.count {
        let substitution = previous[j] + (first[i] == second[j] ? 0 : 1)
        current[j + 1] = min(substitution, previous[j + 1] + 1, current[j] + 1)
        if i > 0, j > 0, first[i] == second[j - 1], first[i - 1] == second[j] {
          current[j + 1] = min(current[j + 1], beforePrevious[j - 1] + 1)
        }
      }
      beforePrevious = previous
      previous = current
    }
    return previous[second.count]
  }
}
