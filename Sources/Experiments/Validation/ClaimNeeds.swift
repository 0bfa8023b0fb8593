import Designs
import Hypotheses
import Traces

/// What has to be counted and measured on one workload for all claims that are tried on it.
struct ClaimNeeds {
  let workload: ClaimWorkload
  /// Replayed in turns.
  private(set) var timed: [Allocator] = []
  /// Counted by their models.
  private(set) var counted: [Design] = []
  /// Counted while their threads run beside each other.
  private(set) var concurrent: [Design] = []
  /// Replayed with all events on one thread besides.
  private(set) var scaled: [Allocator] = []
  /// Whose calls of the kernel have to be watched from outside.
  private(set) var traced: [Allocator] = []
  /// Whose steps' costs are asked for.
  private(set) var priced: [Design] = []

  init(_ workload: ClaimWorkload) { self.workload = workload }

  /// Everything for some claims, workload by workload in the order in which they come.
  static func all(_ claims: [Claim], catalogue: DesignCatalogue) -> [ClaimNeeds] {
    var needs: [ClaimNeeds] = []
    for claim in claims {
      guard case .experiment(let experiment) = claim.trial, let workload = experiment.workload
      else { continue }
      if experiment.isStudied { continue }
      var index = needs.firstIndex { $0.workload == workload }
      if index == nil {
        needs.append(ClaimNeeds(workload))
        index = needs.count - 1
      }
      guard let index else { continue }
      needs[index].add(experiment, catalogue)
    }
    return needs
  }

  private mutating func add(_ experiment: Claim.Experiment, _ catalogue: DesignCatalogue) {
    for measure in experiment.quantity.measures {
      for side in measure.sides {
        guard let named = experiment.design(side) else { continue }
        switch measure {
        case .time, .gap, .pageFaults, .bytes(.peakResident, _): time(named.allocator)
        case .payoff(_, let change):
          // The row was checked: what can't be applied is in no claim.
          guard let before = named.design, let after = try? catalogue.apply(change, to: before)
          else { continue }
          for design in [before, after] {
            time(.own(design))
            count(design)
          }
        case .cost, .shareOfGap, .shareOfTime:
          time(named.allocator)
          if let design = named.design {
            count(design)
            if !priced.contains(design) { priced.append(design) }
          }
        case .count:
          guard let design = named.design else { continue }
          if workload.threads == .recorded {
            if !concurrent.contains(design) { concurrent.append(design) }
          } else {
            count(design)
          }
        case .systemCalls:
          if let design = named.design, design.isWhollyModelled {
            count(design)
          } else if !traced.contains(named.allocator) {
            traced.append(named.allocator)
          }
        case .bytes(.header, _): break
        case .bytes(.peakMapped, _), .bytes(.peakLive, _):
          if let design = named.design { count(design) }
        case .scaling:
          time(named.allocator)
          if !scaled.contains(named.allocator) { scaled.append(named.allocator) }
        case .isolatedCost, .events, .allocations, .study: break
        }
      }
    }
    guard !experiment.assumptions.isEmpty, let design = experiment.design(.first)?.design else {
      return
    }
    count(design)
    if experiment.assumptions.contains(where: { $0.cost != nil }), !priced.contains(design) {
      priced.append(design)
    }
  }

  private mutating func time(_ allocator: Allocator) {
    if !timed.contains(allocator) { timed.append(allocator) }
  }

  private mutating func count(_ design: Design) {
    if design.isWhollyModelled, !counted.contains(design) { counted.append(design) }
  }
}

extension Claim.Experiment {
  /// Whether what steps cost is needed to judge it.
  var needsCosts: Bool {
    assumptions.contains { $0.cost != nil }
      || quantity.measures.contains { measure in
        switch measure {
        case .cost, .shareOfGap, .shareOfTime: true
        case .isolatedCost, .count, .time, .gap, .payoff, .pageFaults, .systemCalls, .bytes,
          .scaling, .events, .allocations, .study:
          false
        }
      }
  }

  /// Whether it is tried in the study of score caching.
  var isStudied: Bool {
    if case .scoreCaching? = workload?.origin { return true }
    return false
  }
}

extension Claim {
  /// What has to be done to judge it; nil where nothing has.
  var experiment: Experiment? {
    if case .experiment(let experiment) = trial { return experiment }
    return nil
  }

  /// Whether what `calibrate` finds has a part in its verdict besides costs.
  var needsCalibration: Bool {
    let isIsolated = experiment?.quantity.measures.contains {
      if case .isolatedCost = $0 { return true }
      return false
    }
    return needsClock || isIsolated == true
  }

  /// Whether the core clock has a part in its verdict.
  private var needsClock: Bool {
    if claimed.unit == .cycles { return true }
    if case .arithmetic(let quantity, _) = trial { return quantity.mentions(.cycles) }
    guard let experiment else { return false }
    return experiment.quantity.mentions(.cycles)
      || experiment.assumptions.contains { $0.cost?.unit == .cycles }
  }
}
