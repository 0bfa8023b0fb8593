import Designs

/// What a step may be taken to cost before anything is measured: an order of magnitude from what
/// it does, with a deviation as large as itself.
///
/// A step that data separate forgets its assumption at once: one run in which it takes a tenth of
/// the time outweighs it. A step that is executed a few times in a million operations would
/// otherwise absorb what the model misses and cost milliseconds: then the assumption holds it.
enum AssumedCosts {
  /// Nanoseconds of a step.
  static func nanoseconds(_ step: Step) -> Double { step.info.assumedNs }

  /// How much more than alone a step may cost in place where it finds its lines cold; 0 for steps of
  /// which nothing but the usual is assumed: they find them at hand in place as well.
  static func coldNanoseconds(_ step: Step) -> Double {
    let nanoseconds = nanoseconds(step)
    return nanoseconds == StepInfo.usualNs ? 0 : nanoseconds
  }
}

extension Prior {
  /// From what the step does, without any measurement.
  init(assumed step: Step) {
    let nanoseconds = AssumedCosts.nanoseconds(step)
    self.init(mean: nanoseconds, deviation: nanoseconds)
  }
}
