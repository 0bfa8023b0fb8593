import Designs
import Platform

extension SearchExperiment {
  /// A variant over all traces of the search.
  public struct Candidate: Sendable {
    public let design: Design
    /// Variants that count the same on every trace and map as much: nothing tells them apart here.
    public internal(set) var also: [Design] = []
    /// Predicted nanoseconds per event, traces weighing the same.
    public let ns: Estimate
    /// The largest of all traces.
    public let peakMappedBytes: UInt64
    /// Measured, as `ns`; nil where it was not.
    public internal(set) var measuredNs: Estimate?
    /// By how much less it was measured to take than the design that the search started from.
    public internal(set) var measuredPayoffNs: Estimate?
  }

  public enum Objective: String, Sendable, CaseIterable {
    case time, memory, both
  }

  /// The candidates that no other is better than at one of time and memory and no worse at the other,
  /// fastest first, the smallest first among equally fast ones. Of several that are equal at both
  /// all are on it.
  /// - Complexity: O(n log n).
  static func front(_ candidates: [Candidate]) -> [Candidate] {
    let sorted = candidates.sorted {
      ($0.ns.value, $0.peakMappedBytes) < ($1.ns.value, $1.peakMappedBytes)
    }
    var front: [Candidate] = []
    for one in sorted {
      if let last = front.last, one.peakMappedBytes >= last.peakMappedBytes,
        (one.ns.value, one.peakMappedBytes) != (last.ns.value, last.peakMappedBytes)
      {
        continue
      }
      front.append(one)
    }
    return front
  }

  /// Best first by the objective; where both count, the fastest and the smallest by turns.
  static func order(_ front: [Candidate], by objective: Objective) -> [Candidate] {
    let fast = front.sorted { $0.ns.value < $1.ns.value }
    let small = front.sorted { $0.peakMappedBytes < $1.peakMappedBytes }
    switch objective {
    case .time: return fast
    case .memory: return small
    case .both:
      var result: [Candidate] = []
      for pair in zip(fast, small) {
        for one in [pair.0, pair.1] where !result.contains(where: { $0.design == one.design }) {
          result.append(one)
        }
      }
      return result
    }
  }
}

/// Follows the front of time against memory from a design on, whatever says what a design takes.
struct FrontSearch {
  /// What is known of a variant: equal ones count the same steps everywhere and map as much.
  struct Findings {
    let counts: [[Double]]
    let ns: Estimate
    let peakMappedBytes: UInt64
  }

  let objective: SearchExperiment.Objective
  /// How many variants are looked at at once: between, the clock is read.
  let atOnce: Int
  /// What a design can be changed to.
  let changes: (Design) -> [Design]
  /// In the order of the designs.
  let evaluate: ([Design]) throws -> [Findings]
  let isOver: () -> Bool

  private struct Signature: Hashable {
    let counts: [[Double]]
    let peakMappedBytes: UInt64
  }

  /// Tries every single change of a design on the front whose changes haven't all been tried, the
  /// most promising first. One that counts as another does is named with it, and not followed.
  /// - Returns: all that was tried, the start first, and whether nothing promising was left.
  func run(
    from start: Design
  ) throws -> (candidates: [SearchExperiment.Candidate], explored: Int, isExhausted: Bool) {
    var candidates: [SearchExperiment.Candidate] = []
    var places: [Signature: Int] = [:]
    var known: Set<Design> = []
    var followed: Set<Design> = []
    func add(_ designs: [Design]) throws {
      for (design, found) in zip(designs, try evaluate(designs)) {
        known.insert(design)
        let signature = Signature(counts: found.counts, peakMappedBytes: found.peakMappedBytes)
        if let place = places[signature] {
          candidates[place].also.append(design)
        } else {
          places[signature] = candidates.count
          candidates.append(
            SearchExperiment.Candidate(
              design: design, ns: found.ns, peakMappedBytes: found.peakMappedBytes))
        }
      }
    }
    func next() -> Design? {
      SearchExperiment.order(SearchExperiment.front(candidates), by: objective)
        .first { !followed.contains($0.design) }?.design
    }
    try add([start])
    following: while let design = next(), !isOver() {
      let open = changes(design).filter { !known.contains($0) }
      for first in stride(from: 0, to: open.count, by: max(atOnce, 1)) {
        // What wasn't tried is still worth a try: the design isn't followed to its end.
        guard !isOver() else { break following }
        try add(Array(open[first..<min(first + max(atOnce, 1), open.count)]))
      }
      followed.insert(design)
    }
    return (candidates, known.count, next() == nil)
  }
}
