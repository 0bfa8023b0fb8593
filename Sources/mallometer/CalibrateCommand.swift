import ArgumentParser
import Experiments
import Foundation
import Platform
import Replay
import Reports

struct CalibrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Measure this machine's clocks and primitives, and steps on their own.",
    discussion: """
      Takes some seconds. Steps whose cost does not follow from a primitive are left out.

      Example:
        mallometer calibrate
      """)

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let context = common.context
    context.progress.begin("calibrating")
    let player = try Player(
      installation: context.installation(), cpu: ReplayCommand.processor())
    let calibration = try Calibration.measure(player: player, seed: context.seed)
    let report = CalibrateReport(calibration)
    let kept = StoredCalibration(
      coreGHz: report.coreGHz, steps: report.steps.map { .init(step: $0.step, ns: $0.ns) })
    try context.openNotebook().add(.calibration, seed: context.seed, content: kept)
    try context.print(report)
  }
}

/// What `calibrate` prints.
struct CalibrateReport: Report {
  let coreGHz: Double
  let tscGHz: Double
  let primitives: [Calibration.Primitive]
  let steps: [StepCost]

  struct StepCost: Encodable {
    let step: String
    let ns: Estimate
  }

  init(_ calibration: Calibration) {
    coreGHz = calibration.coreGHz
    tscGHz = calibration.tscGHz
    primitives = calibration.primitives
    steps = calibration.steps.map { StepCost(step: $0.step.name, ns: $0.ns) }
  }

  var text: String {
    var table = Table(["primitive", "ns"])
    for primitive in primitives { table.add(primitive.name, Text.estimate(primitive.ns)) }
    var stepTable = Table(["step alone", "ns"])
    for step in steps { stepTable.add(step.step, Text.estimate(step.ns)) }
    return
      "core clock \(Text.number(coreGHz)) GHz, time stamp counter \(Text.number(tscGHz)) GHz\n\n"
      + table.text + "\n" + stepTable.text
  }
}
