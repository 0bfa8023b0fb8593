import Platform
import Traces

/// What a bare fit takes: the bundled recordings, and as many generated traces as make clusters
/// enough for its intervals. The generated ones are gone with this object.
public struct UsualTraces: Sendable {
  public let recorded: [String]
  private let generated: GeneratedTraces

  /// - Throws: `BundledTracesError`, `PrivateFolderError` or `TraceError`.
  public init(_ installation: Installation) throws {
    recorded = try BundledTraces.paths(installation)
    generated = try GeneratedTraces()
  }

  /// Opens all of them.
  public func open(by laboratory: Laboratory) throws -> [Laboratory.Sample] {
    try recorded.map { try laboratory.open($0) }
      + generated.paths.map { try laboratory.open($0, isPassing: true) }
  }
}
