import Experiments
import Platform
import Traces

extension CommandContext {
  /// For everything that a command times: what one look has learnt of the cores serves the next.
  static let processors = QuietProcessor()

  /// Where runs come from, telling this command's progress.
  func laboratory(
    _ options: WorkloadOptions = WorkloadOptions(), builds: Int = Laboratory.usualBuilds,
    measuresAnew: Bool = false
  ) throws -> Laboratory {
    let laboratory = try Laboratory(
      installation: installation(), notebook: openNotebook(), options: options, seed: seed,
      processors: Self.processors, builds: builds, measuresAnew: measuresAnew)
    laboratory.notice = { progress.note($0) }
    laboratory.stage = { progress.begin($0, total: $1) }
    laboratory.progress = { progress.advance(detail: $0) }
    return laboratory
  }
}
