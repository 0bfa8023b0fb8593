import Designs
import Dispatch
import Synchronization

extension TrainingSet {
  /// A set of runs that are predicted together by a fit that saw none of them.
  struct Fold: Sendable {
    let name: String
    /// What is predicted.
    let heldOut: [Int]
    /// What the fit sees.
    let training: [Int]
  }

  /// Validates by one scheme. Folds with fewer than two training runs are left out.
  /// - Complexity: about three passes over the rows per fold, folds in parallel.
  public func validate(_ scheme: ValidationScheme) -> Validation {
    let folds = folds(scheme).filter { $0.training.count >= 2 && !$0.heldOut.isEmpty }
    let results = Mutex([(Int, [Validation.HeldOut])]())
    DispatchQueue.concurrentPerform(iterations: folds.count) { index in
      let held = evaluate(folds[index], scheme)
      results.withLock { $0.append((index, held)) }
    }
    let heldOut = results.withLock { $0.sorted { $0.0 < $1.0 }.map(\.1) }
    let squares = heldOut.map { runs in Validation.mean(runs.map { $0.logError * $0.logError }) }
    return Validation(
      scheme: scheme, heldOut: heldOut.flatMap { $0 },
      misfit: Validation.mean(squares).squareRoot(), folds: folds.count)
  }

  func folds(_ scheme: ValidationScheme) -> [Fold] {
    let all = Array(runs.indices)
    func fold(_ name: String, _ isHeldOut: (Int) -> Bool) -> Fold {
      Fold(
        name: name, heldOut: all.filter(isHeldOut), training: all.filter { !isHeldOut($0) })
    }
    switch scheme {
    case .leaveOneTraceOut:
      return traces.indices.map { trace in fold(traces[trace]) { rows[$0].trace == trace } }
    case .leaveOneVariantOut:
      return designs.indices.map { variant in
        fold(designs[variant].description) { rows[$0].variant == variant }
      }
    case .leaveOneToggleOut:
      var seen: Set<String> = []
      var result: [Fold] = []
      for design in designs {
        for setting in design.settings where !Self.isDefault(setting, of: design.family) {
          let name = "\(design.family),\(setting.toggle)=\(setting.value)"
          guard seen.insert(name).inserted else { continue }
          result.append(
            fold(name) {
              runs[$0].design.family == design.family
                && runs[$0].design.settings.contains(setting)
            })
        }
      }
      return result
    case .leaveOneAllocatorOut:
      var families: [String] = []
      for design in designs where !families.contains(design.family) {
        families.append(design.family)
      }
      return families.map { family in fold(family) { runs[$0].design.family == family } }
    }
  }

  static func isDefault(_ setting: Design.Setting, of family: String) -> Bool {
    let toggles = Family.all.first { $0.name == family }?.toggles ?? []
    return toggles.first { $0.name == setting.toggle }?.defaultValue == setting.value
  }

  private func evaluate(_ fold: Fold, _ scheme: ValidationScheme) -> [Validation.HeldOut] {
    let fit = RobustFit(self, runs: fold.training, rounds: options.rounds)
    let constant = constant(fold.training)
    return fold.heldOut.map { index in
      let run = runs[index]
      let anchor = Anchor(anchors(index, among: fold.training).map { runs[$0] }, fit.costs)
      return Validation.HeldOut(
        fold: fold.name, trace: run.trace, design: run.design.description,
        measuredNs: rows[index].meanTime, predictedNs: anchor.predictedMean(run, fit.costs),
        modelNs: run.predictedMean(fit.costs),
        windowErrorPercent: run.windowErrorPercent(fit.costs, anchor), constantNs: constant,
        nearestVariantNs: nearest(index, among: fold.training, scheme))
    }
  }

  /// The most similar variants of the same family that were measured on the same trace.
  private func anchors(_ index: Int, among training: [Int]) -> [Int] {
    let candidates = training.filter {
      rows[$0].trace == rows[index].trace && runs[$0].design.family == runs[index].design.family
    }
    let distances = candidates.map { Self.distance(runs[index].design, runs[$0].design) }
    guard let least = distances.min() else { return [] }
    return zip(candidates, distances).filter { $0.1 == least }.map(\.0)
  }

  /// One constant per operation, the best one for relative errors: Σ 1/y ÷ Σ 1/y².
  private func constant(_ training: [Int]) -> Double {
    var first = 0.0
    var second = 0.0
    for index in training {
      let time = rows[index].meanTime
      first += 1 / time
      second += 1 / (time * time)
    }
    return first / second
  }

  /// The measured time of the most similar variant that was seen on this trace; where the trace
  /// itself is unseen, the same variant's (or the most similar one's) mean over other traces.
  /// Equally similar ones are averaged.
  func nearest(_ index: Int, among training: [Int], _ scheme: ValidationScheme) -> Double? {
    let design = runs[index].design
    let sameTrace = training.filter { rows[$0].trace == rows[index].trace }
    let candidates = sameTrace.isEmpty ? training : sameTrace
    var least = Int.max
    var times: [Double] = []
    for candidate in candidates {
      let distance = Self.distance(design, runs[candidate].design)
      if distance < least { (least, times) = (distance, []) }
      if distance == least { times.append(rows[candidate].meanTime) }
    }
    return times.isEmpty ? nil : Validation.mean(times)
  }

  /// Toggles that differ; another family is farther than any of one's own, and nearest by its
  /// defaults.
  static func distance(_ first: Design, _ second: Design) -> Int {
    guard first.family == second.family else {
      return 1000 + second.settings.count { !isDefault($0, of: second.family) }
    }
    return zip(first.settings, second.settings).count { $0 != $1 }
  }
}

extension Run {
  /// Predicted nanoseconds per operation over the whole run.
  public func predictedMean(_ costs: [Double]) -> Double {
    zip(meanCounts, costs).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// Predicted nanoseconds per operation of one window.
  public func predicted(window: Int, _ costs: [Double]) -> Double {
    var sum = costs[Column.intercept]
    let base = window * Step.count
    for step in 0..<Step.count { sum += Double(counts[base + step]) * costs[step] }
    return sum
  }

  /// Mean absolute percentage error of the windows, each relative to its time but to no less than
  /// a quarter of the run's mean: a window of almost nothing but noise has no relative error.
  func windowErrorPercent(_ costs: [Double], _ anchor: Anchor) -> Double {
    let least = max(0.25 * meanNanoseconds, RunRows.floor)
    var sum = 0.0
    for window in 0..<windows {
      let time = Double(nanoseconds[window])
      let error = anchor.predicted(self, window: window, costs) - time
      sum += error.magnitude / max(time, least)
    }
    return 100 * sum / Double(max(windows, 1))
  }
}

/// What a fit left unexplained of the runs most like the one to predict: it is expected of that one
/// as well.
///
/// A variant is hardly ever predicted without having measured anything on the trace: the design it
/// differs from is there. Its time plus the cost of the steps that differ is then the prediction,
/// and only the difference needs the costs. Without such runs the prediction is the costs' alone.
struct Anchor {
  /// Nanoseconds per operation, by window; empty without runs.
  private let residuals: [Double]
  private let mean: Double

  /// - Parameter runs: of one trace, all with the same windows.
  init(_ runs: [Run], _ costs: [Double]) {
    let count = Double(max(runs.count, 1))
    mean = runs.reduce(0) { $0 + ($1.meanNanoseconds - $1.predictedMean(costs)) } / count
    var sums = [Double](repeating: 0, count: runs.first?.windows ?? 0)
    for run in runs {
      for window in sums.indices {
        sums[window] +=
          (Double(run.nanoseconds[window]) - run.predicted(window: window, costs)) / count
      }
    }
    residuals = sums
  }

  /// Nanoseconds per operation over the whole run: never under a quarter of what the costs say.
  func predictedMean(_ run: Run, _ costs: [Double]) -> Double {
    let model = run.predictedMean(costs)
    return max(model + mean, model / 4)
  }

  /// Nanoseconds per operation of one window.
  func predicted(_ run: Run, window: Int, _ costs: [Double]) -> Double {
    let model = run.predicted(window: window, costs)
    return residuals.isEmpty ? model : max(model + residuals[window], model / 4)
  }
}
