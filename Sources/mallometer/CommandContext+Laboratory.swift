import Experiments
import Platform
import Traces

extension CommandContext {
  /// The last processor this process may use: the first takes most of the system's interrupts.
  static var processor: Int? { ProcessorSet.available.last }

  /// Where runs come from, telling this command's progress.
  func laboratory(
    _ options: WorkloadOptions = WorkloadOptions(), builds: Int = Laboratory.usualBuilds,
    measuresAnew: Bool = false
  ) throws -> Laboratory {
    let laboratory = try Laboratory(
      installation: installation(), notebook: openNotebook(), options: options, seed: seed,
      processor: Self.processor, builds: builds, measuresAnew: measuresAnew)
    laboratory.notice = { progress.note($0) }
    laboratory.stage = { progress.begin($0, total: $1) }
    laboratory.progress = { progress.advance(detail: $0) }
    return laboratory
  }
}
