import CPlatform

/// The processors that this process may run on.
public enum ProcessorSet {
  /// Their numbers, ascending; empty where the system doesn't tell.
  public static var available: [Int] {
    (0..<1024).filter { mallometer_may_run_on(Int32($0)) != 0 }
  }
}
