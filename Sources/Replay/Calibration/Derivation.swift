import Designs
import Platform

extension Calibration {
  /// How a step's cost follows from what was measured: factor × (primitive − less).
  struct Derivation {
    let step: Step
    let primitive: String
    var less: String?
    var factor = 1.0

    /// Nil where something wasn't measured. A step that takes less than the noise costs nothing: no
    /// bound is below zero.
    func estimate(_ samples: Samples, seed: UInt64) -> Estimate? {
      let values = samples[primitive]
      let baseline = less.map { samples[$0] } ?? []
      guard !values.isEmpty, less == nil || !baseline.isEmpty else { return nil }
      let ns = RepeatStatistics.difference(
        values.map { $0 * factor }, less: baseline.map { $0 * factor }, seed: seed)
      func bounded(_ end: Double?) -> Double? { end.map { max($0, 0) } }
      return Estimate(value: max(ns.value, 0), low: bounded(ns.low), high: bounded(ns.high))
    }

    /// From the machine's primitives.
    static let all = Step.allCases.compactMap { step -> Derivation? in
      guard case .primitive(let name, let less, let factor, _) = step.info.isolation else {
        return nil
      }
      return Derivation(step: step, primitive: name, less: less, factor: factor)
    }

    /// The calibration builds: between them they have every step that has a kernel.
    static let designs: [Design] =
      [
        [:], ["header": "16"], ["encoding": "xor-rotate"], ["magazine": "on"], ["bump": "on"],
        ["prefetch": "on"], ["remote-collection": "eagerly"], ["tls-model": "global-dynamic"],
        ["branch-hints": "off"], ["fast-path": "called"], ["page-flags": "separate"],
      ].map { Design(family: .pool, changes: $0) }
      + [
        [:], ["cache-prefetch": "on"], ["site-fields": "cacheable"], ["backing": "glibc"],
        ["best-strategy": "cached", "active-list": "precomputed", "random-test": "integer"],
      ].map { Design(family: .reuse, changes: $0) }
      + [[:], ["statistics": "relaxed"]].map { Design(family: .tiered, changes: $0) }

    /// From kernels, and from the difference of two builds.
    /// - Parameter names: what was measured, each with its build and, for the loop of a kernel, with
    ///   `/loop` behind it.
    static func kernels(_ names: [String]) -> [Derivation] {
      var kernels: [String: [(step: Step, share: Double)]] = [:]
      var builds: [Derivation] = []
      for step in Step.allCases {
        switch step.info.isolation {
        case .kernel(let kernel, let share): kernels[kernel, default: []].append((step, share))
        case .builds(let toggle, let value, let factor):
          let changed = Design(family: .pool, changes: [toggle: value])
          builds.append(
            Derivation(
              step: step, primitive: "\(changed) malloc-free",
              less: "\(Design(family: .pool)) malloc-free", factor: factor))
        case .primitive, .baseline, .impossible: break
        }
      }
      var found: [Derivation] = []
      for name in names where !name.hasSuffix("/loop") {
        guard let space = name.lastIndex(of: " ") else { continue }
        for (step, share) in kernels[String(name[name.index(after: space)...])] ?? [] {
          found.append(
            Derivation(step: step, primitive: name, less: name + "/loop", factor: share))
        }
      }
      return found + builds
    }

    /// Why a step has no isolated cost.
    static func reason(_ step: Step) -> String {
      step.info.isolation.reason ?? unmeasured
    }

    /// Said of a step that some build should have shown.
    static let unmeasured = "no kernel shows it"
  }
}
