import Designs
import Foundation
import Hypotheses
import Notebook
import Platform
import Replay
import Traces

/// How often an allocator that isn't modelled calls the kernel for memory: watched by strace.
enum SystemCallCount {
  private static let calls = ["mmap", "munmap", "madvise"]

  /// What a replay of the workload calls beyond one of a single small block.
  static func evidence(
    _ allocator: Allocator, on setting: ClaimBench.Setting
  ) throws -> Evidence {
    guard let strace = ChildProcess.find("strace") else {
      return .missing(
        .notTestableHere, reason: "strace is not installed, which counts \(allocator)'s calls")
    }
    do {
      return .known(
        exactly: try setting.laboratory.systemCalls(
          setting.sample, allocator, strace: strace, names: calls))
    } catch let error as SystemLibraryError {
      return .missing(.notTestableHere, reason: error.message)
    } catch PlayerError.interrupted {
      throw PlayerError.interrupted
    } catch let error as NotebookError {
      throw error
    } catch let error as any UserFacingError {
      return .missing(.notTestableHere, reason: "strace could not watch it: \(error.message)")
    }
  }
}

extension Laboratory {
  fileprivate func systemCalls(
    _ sample: Sample, _ allocator: Allocator, strace: String, names: [String]
  ) throws -> Double {
    let contender = try Contender(allocator, compiler: compiler, libraries: systemLibraries)
    let build = try contender.identities(systemLibraries)[0]
    let key = try Subject.canonical([
      "system calls", sample.hash, optionsText, contender.name, build,
    ])
    if let known = try notebook.latest(.observation, subject: key, as: Double.self) {
      return known.content
    }
    stage("watching system calls", 2)
    let folder = try PrivateFolder(prefix: "mallometer-strace")
    let small = folder.file("one-block.mlt")
    _ = try Recipes.generate(
      "fixed", parameters: ["events=2", "bytes=16", "batch=1"], seed: 1, path: small)
    let start = try Plan.compile(workload: Workload(trace: try TraceReader.runnable(path: small)))
    var counts: [Double] = []
    for plan in [try plan(for: sample), start] {
      let summary = folder.file("summary")
      try player.watch(
        plan, allocator: contender.name, library: contender.library,
        through: [strace, "-f", "-c", "-e", "trace=" + names.joined(separator: ","), "-o", summary])
      counts.append(Self.sum(try String(contentsOfFile: summary, encoding: .utf8), of: names))
      progress("\(contender.name) on \(sample.name)")
    }
    let found = counts[0] - counts[1]
    try notebook.add(.observation, subject: key, seed: seed, content: found)
    return found
  }

  /// Adds up the column of calls of strace's summary.
  static func sum(_ summary: String, of names: [String]) -> Double {
    summary.split(separator: "\n").reduce(0) { sum, line in
      let words = line.split(whereSeparator: \.isWhitespace)
      guard let name = words.last, names.contains(String(name)), words.count >= 5 else {
        return sum
      }
      return sum + (Double(words[3]) ?? 0)
    }
  }
}
