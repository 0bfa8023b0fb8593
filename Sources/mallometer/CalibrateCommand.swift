import ArgumentParser
import Experiments
import Platform
import Replay
import Reports

struct CalibrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Measure this machine's clocks and primitives, and steps on their own.",
    discussion: """
      Takes about half a minute. A step alone is the design's own code in a tight loop, less the \
      loop, on metadata that is in the first cache level; steps of the machine are chases and \
      passes through memory. Steps that can't be timed alone are listed with the reason.

      Example:
        mallometer calibrate
      """)

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let context = common.context
    try context.print(CalibrateReport(context.laboratory().calibrate()))
  }
}

/// What `calibrate` prints.
struct CalibrateReport: Report {
  let coreGHz: Double
  let tscGHz: Double
  let primitives: [Calibration.Primitive]
  let steps: [StepCost]
  let notIsolated: [Reason]

  struct StepCost: Encodable {
    let step: String
    let ns: Estimate
  }

  struct Reason: Encodable {
    let step: String
    let reason: String
  }

  init(_ calibration: Calibration) {
    coreGHz = calibration.coreGHz
    tscGHz = calibration.tscGHz
    primitives = calibration.primitives
    steps = calibration.steps.map { StepCost(step: $0.step.name, ns: $0.ns) }
    notIsolated = calibration.notIsolated.map { Reason(step: $0.step.name, reason: $0.reason) }
  }

  var text: String {
    var table = Table(["primitive", "ns"])
    for primitive in primitives { table.add(primitive.name, Text.estimate(primitive.ns)) }
    var stepTable = Table(["step alone", "ns"])
    for step in steps { stepTable.add(step.step, Text.estimate(step.ns)) }
    var reasons = Table(["not alone", "because"], align: [.left, .left])
    for one in notIsolated { reasons.add(one.step, one.reason) }
    return
      "core clock \(Text.number(coreGHz)) GHz, time stamp counter \(Text.number(tscGHz)) GHz\n\n"
      + table.text + "\n" + stepTable.text + "\n" + reasons.text
  }
}
