import Foundation
import Platform

/// Runs commands where one folder is a file system of its own, small or read-only, that nobody
/// else sees and that is gone with the command.
enum MountNamespace {
  /// Root has its own mounts; everybody else needs a user namespace, which may be forbidden.
  private static var unshare: [String] { getuid() == 0 ? ["-m"] : ["-rm"] }

  static let isAllowed: Bool = {
    let probe = ChildProcess(
      executable: "/usr/bin/unshare",
      arguments: unshare + ["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
    return (try? probe.run().ending) == .exited(status: 0)
  }()

  /// - Parameters:
  ///   - folder: made, and mounted upon with the mount options given.
  ///   - lines: of shell, with `"$mallometer"` and the arguments.
  static func run(
    _ mallometer: CommandLine, at folder: String, options: String, _ lines: String,
    _ arguments: [String]
  ) throws -> CommandLine.Result {
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    return try mallometer.run(
      "/usr/bin/unshare",
      unshare + [
        "bash", "-c", "mount -t tmpfs -o \(options) tmpfs \"$0\" || exit 99\n\(lines)", folder,
      ] + arguments, environment: ["mallometer": mallometer.executable])
  }
}
