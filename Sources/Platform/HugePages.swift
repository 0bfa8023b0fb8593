import Foundation

/// The huge pages a machine has to give: what a design that asks for them decides by.
///
/// Models and native designs read the same files of the kernel, so that they decide alike; another
/// process that takes reserved pages between the two readings makes them differ.
public struct HugePages: Equatable, Sendable {
  /// Reserved pages of 2 MiB that nobody has.
  public var reserved: UInt64
  /// Reserved pages of 1 GiB that nobody has.
  public var gigantic: UInt64
  /// Whether madvise gets transparent huge pages.
  public var transparent: Bool

  public init(reserved: UInt64, gigantic: UInt64, transparent: Bool) {
    self.reserved = reserved
    self.gigantic = gigantic
    self.transparent = transparent
  }

  /// This machine's, now: none where the kernel doesn't say.
  /// - Parameter folder: laid out as /sys/kernel/mm is.
  public static func current(
    folder: URL = URL(fileURLWithPath: "/sys/kernel/mm")
  ) -> HugePages {
    func left(_ size: String) -> UInt64 {
      let pages = folder.appendingPathComponent("hugepages/hugepages-\(size)")
      let all = number(pages.appendingPathComponent("free_hugepages"))
      let promised = number(pages.appendingPathComponent("resv_hugepages"))
      return all > promised ? all - promised : 0
    }
    let enabled = text(folder.appendingPathComponent("transparent_hugepage/enabled"))
    return HugePages(
      reserved: left("2048kB"), gigantic: left("1048576kB"),
      transparent: enabled.contains("[always]") || enabled.contains("[madvise]"))
  }

  private static func text(_ file: URL) -> String {
    (try? String(contentsOf: file, encoding: .utf8)) ?? ""
  }

  private static func number(_ file: URL) -> UInt64 {
    UInt64(text(file).prefix { $0.isASCII && $0.isNumber }) ?? 0
  }
}
