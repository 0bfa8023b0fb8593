import Designs
import Foundation
import Platform
import Replay
import Traces

/// Looks at the machine: programs, libraries, clock, memory, the files of the installation.
struct Doctor {
  typealias Check = DoctorReport.Check

  let environment: [String: String]

  init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    self.environment = environment
  }

  func checks() -> [Check] {
    programs() + allocators() + machine() + places() + installation()
  }

  // MARK: - Programs

  private func programs() -> [Check] {
    [
      program("cc", package: "gcc libc6-dev", why: "compiles variants of designs", required: true),
      program(
        "swift", why: "builds mallometer itself", remedy: "install Swift 6.2: https://swift.org"),
      program("valgrind", package: "valgrind", why: "counts instructions for the outside check"),
      program("strace", package: "strace", why: "shows what a recorded program asks the kernel"),
      program("readelf", package: "binutils", why: "names the symbols of call sites"),
    ]
  }

  private func program(
    _ name: String, package: String? = nil, why: String, remedy: String? = nil,
    required: Bool = false
  ) -> Check {
    let found = ChildProcess.find(name, environment: environment)
    return Check(
      name: name, ok: found != nil, detail: found ?? "not on PATH; it \(why)",
      remedy: found == nil ? remedy ?? package.map { "sudo apt-get install -y \($0)" } : nil,
      required: required)
  }

  // MARK: - Allocators

  private func allocators() -> [Check] {
    SystemAllocator.all.filter { $0 != .glibc }.map(library)
  }

  private func library(_ allocator: SystemAllocator) -> Check {
    do throws(SystemLibraryError) {
      let found = try SystemLibraries().find(allocator.name)
      return Check(
        name: allocator.name, ok: true, detail: found?.path ?? "", remedy: nil, required: false)
    } catch {
      return Check(
        name: allocator.name, ok: false, detail: error.message,
        remedy: "sudo apt-get install -y \(allocator.package)", required: false)
    }
  }

  // MARK: - The machine

  private func machine() -> [Check] {
    [clock(), pinning(), hugePages(), counters()]
  }

  private func clock() -> Check {
    let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let flags =
      information.split(separator: "\n").first { $0.hasPrefix("flags") }?
      .split(separator: " ").map(String.init) ?? []
    let wanted = ["constant_tsc", "nonstop_tsc"]
    let missing = wanted.filter { !flags.contains($0) }
    return Check(
      name: "clock", ok: missing.isEmpty,
      detail: missing.isEmpty
        ? "time stamp counter ticks at a constant rate"
        : "no \(missing.joined(separator: ", ")): times change with the core's clock",
      remedy: missing.isEmpty
        ? nil : "use a machine whose /proc/cpuinfo names constant_tsc and nonstop_tsc",
      required: false)
  }

  private func pinning() -> Check {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let allowed =
      status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list") }
      .map { $0.drop { !$0.isNumber } }.map(String.init) ?? "unknown"
    let several = allowed.contains { ",-".contains($0) }
    return Check(
      name: "processors", ok: several,
      detail: "this process may run on processors \(allowed)",
      remedy: several ? nil : "with one processor alone the rest of the system disturbs replays",
      required: false)
  }

  private func hugePages() -> Check {
    let path = "/sys/kernel/mm/transparent_hugepage/enabled"
    let modes = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let mode =
      modes.split(separator: " ").first { $0.hasPrefix("[") }
      .map { $0.trimmingCharacters(in: CharacterSet(charactersIn: "[]\n")) } ?? "unknown"
    return Check(
      name: "huge pages", ok: mode != "always",
      detail: "transparent huge pages: \(mode)",
      remedy: mode == "always" ? "echo madvise | sudo tee \(path)" : nil, required: false)
  }

  private func counters() -> Check {
    let path = "/proc/sys/kernel/perf_event_paranoid"
    let level = (try? String(contentsOfFile: path, encoding: .utf8))?
      .trimmingCharacters(in: .whitespacesAndNewlines)
    let hardware = FileManager.default.fileExists(atPath: "/sys/bus/event_source/devices/cpu")
    return Check(
      name: "performance counters", ok: true,
      detail: hardware
        ? "present (paranoid level \(level ?? "unknown")); mallometer doesn't need them"
        : "none in this machine; mallometer doesn't need them",
      remedy: nil, required: false)
  }

  // MARK: - Room

  private func places() -> [Check] {
    [
      room("temporary folder", at: NSTemporaryDirectory(), atLeast: 1 << 30),
      room("shared memory", at: "/dev/shm", atLeast: 256 << 20),
      room("this folder", at: FileManager.default.currentDirectoryPath, atLeast: 1 << 30),
    ]
  }

  private func room(_ name: String, at path: String, atLeast needed: Int64) -> Check {
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: path)
    guard let free = (attributes?[.systemFreeSize] as? NSNumber)?.int64Value else {
      return Check(
        name: name, ok: false, detail: "\(path) can't be looked at",
        remedy: "sudo mkdir -p \(path)", required: false)
    }
    let writable = FileManager.default.isWritableFile(atPath: path)
    let ok = free >= needed && writable
    return Check(
      name: name, ok: ok,
      detail: "\(path): \(free >> 20) MiB free\(writable ? "" : ", not writable")",
      remedy: ok
        ? nil
        : writable
          ? "free \((needed - free) >> 20) MiB in \(path)"
          : "go to a folder that you may write to, or set TMPDIR", required: false)
  }

  // MARK: - Our own files

  private func installation() -> [Check] {
    let installation: Installation
    do {
      installation = try Installation(environment: environment)
    } catch {
      return [
        Check(
          name: "installation", ok: false, detail: error.message, remedy: error.remedy,
          required: true)
      ]
    }
    return [
      file("recorder") { () throws(InstallationError) in try installation.recorder() },
      file("player") { () throws(InstallationError) in try installation.player() },
      traces(BundledTraces(folder: installation.traces)),
    ]
  }

  private func file(
    _ name: String, _ find: () throws(InstallationError) -> URL
  ) -> Check {
    do {
      return Check(name: name, ok: true, detail: try find().path, remedy: nil, required: true)
    } catch {
      return Check(
        name: name, ok: false, detail: error.message, remedy: error.remedy, required: true)
    }
  }

  /// Every trace against the checksum that the manifest keeps of it.
  private func traces(_ bundled: BundledTraces) -> Check {
    let found = bundled.files.count
    let wrong = bundled.entries.filter {
      (try? SHA256.hexadecimal(ofFile: bundled.path(of: $0))) != $0.sha256
    }.map(\.file)
    let ok = found > 0 && !bundled.entries.isEmpty && wrong.isEmpty
    let remark = bundled.entries.isEmpty ? ", no MANIFEST" : ", checksums right"
    return Check(
      name: "bundled traces", ok: ok,
      detail: wrong.isEmpty
        ? "\(found) in \(bundled.folder.path)\(remark)"
        : "missing or changed: \(wrong.joined(separator: ", "))",
      remedy: ok ? nil : "git checkout -- '\(bundled.folder.path)'", required: false)
  }
}
