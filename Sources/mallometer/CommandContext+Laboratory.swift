import Experiments
import Platform
import Traces

extension CommandContext {
  /// Where runs come from, telling this command's progress.
  func laboratory(
    _ options: WorkloadOptions = WorkloadOptions(), builds: Int = Laboratory.usualBuilds,
    measuresAnew: Bool = false
  ) throws -> Laboratory {
    let laboratory = try Laboratory(
      installation: installation(), notebook: openNotebook(), options: options, seed: seed,
      processors: QuietProcessor(), builds: builds, measuresAnew: measuresAnew)
    laboratory.notice = { progress.note($0) }
    laboratory.stage = { progress.begin($0, total: $1) }
    laboratory.progress = { progress.advance(detail: $0) }
    return laboratory
  }
}
