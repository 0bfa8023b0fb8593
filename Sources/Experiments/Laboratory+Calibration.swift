import Designs
import Notebook
import Platform
import Replay

/// What `calibrate` leaves in the notebook: steps alone, from which fits take their priors.
public struct StoredCalibration: Sendable, Codable {
  public struct Entry: Sendable, Codable {
    /// The step's name: its number changes between versions.
    public let step: String
    public let ns: Estimate
  }

  public let coreGHz: Double
  public let steps: [Entry]

  init(_ calibration: Calibration) {
    coreGHz = calibration.coreGHz
    steps = calibration.steps.map { Entry(step: $0.step.name, ns: $0.ns) }
  }

  /// Nanoseconds that steps take alone; those that are no longer known are left out.
  var isolated: [Step: Estimate] {
    var result: [Step: Estimate] = [:]
    for entry in steps {
      if let step = Step(name: entry.step) { result[step] = entry.ns }
    }
    return result
  }
}

extension Notebook {
  /// The newest calibration of this machine; nil where there is none.
  func newestCalibration() throws(NotebookError) -> StoredCalibration? {
    try latest(.calibration, as: StoredCalibration.self)?.content
  }
}

extension Laboratory {
  /// Measures the machine and steps on their own, in `Calibration.stages` stages, and keeps what
  /// was found.
  public func calibrate() throws -> Calibration {
    stage("calibrating", Calibration.stages)
    let made = try Calibration.measure(player: player, compiler: compiler, seed: seed) {
      self.progress($0)
    }
    try notebook.add(.calibration, seed: seed, content: StoredCalibration(made))
    return made
  }

  /// The newest calibration, made now where there is none.
  func calibration() throws -> StoredCalibration {
    try notebook.newestCalibration() ?? StoredCalibration(calibrate())
  }

  /// What the newest calibration found steps to take alone, in nanoseconds; empty where there is
  /// none, which the user is told.
  public func isolatedCosts() throws -> [Step: Double] { try stepsAlone()?.steps ?? [:] }

  /// The same, and the calibration's number in the notebook. Nil where there is none: then the user
  /// is told that costs of steps alone are assumed.
  func stepsAlone() throws -> (number: Int64, steps: [Step: Double])? {
    guard let found = try notebook.latest(.calibration, as: StoredCalibration.self) else {
      notice(Self.uncalibrated)
      return nil
    }
    return (found.id, found.content.isolated.mapValues(\.value))
  }

  private static let uncalibrated = """
    no calibration in the notebook: costs of steps alone are assumed; \
    `mallometer calibrate` measures them
    """
}
