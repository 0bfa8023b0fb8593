import CTraceFormat
import Foundation
import TestSupport
import Testing
import Traces

@Suite struct RecorderLibraryTests {
  @Test func needsLibcAlone() throws {
    let bench = try RecordingBench()
    let finished = try bench.run(["readelf", "-d", bench.recorder.path])
    let needed = finished.output.split(separator: "\n").filter { $0.contains("(NEEDED)") }
    #expect(needed.count == 1)
    #expect(needed.allSatisfy { $0.contains("libc.so.6") })
  }

  @Test func recordsEveryFunctionOfTheFamily() throws {
    let bench = try RecordingBench()
    let recorded = try bench.record([try bench.compile("family")])
    #expect(recorded.status == 0)
    let trace = try WholeTrace(#require(recorded.images(of: "family").first))
    #expect(trace.reader.completeness.isComplete)
    #expect(trace.sized(10001).map(\.kind) == [.malloc])
    #expect(trace.sized(10002).map(\.kind) == [.calloc])
    #expect(trace.sized(10003).map(\.kind) == [.realloc])
    let aligned: [(UInt64, UInt8)] = [
      (10004, 6), (10005, 7), (10240, 8), (10007, 12), (12288, 12),
    ]
    for (size, alignment) in aligned {
      #expect(trace.sized(size).map(\.kind) == [.aligned])
      #expect(trace.sized(size).map(\.alignmentLog2) == [alignment])
    }
    let moved = try #require(trace.sized(20001).first)
    #expect(moved.kind == .realloc)
    #expect(moved.slot == trace.sized(10001).first?.slot)
    let array = try #require(trace.sized(20002).first)
    #expect(array.slot == trace.sized(10002).first?.slot)
    for size: UInt64 in [10001, 10002, 10003, 10004, 10005, 10240, 10007, 12288] {
      #expect(trace.free(ofSize: size) != nil, "the block of \(size) bytes was freed")
    }
    #expect(trace.count(.foreignFree) == 0)
    #expect(trace.count(.impliedFree) == 0)
    #expect(trace.events.filter { $0.kind != .threadStart }.allSatisfy { $0.thread == 0 })
    let module = trace.module(of: try #require(trace.sized(10001).first))
    #expect(module.hasSuffix("/family"))
  }

  @Test func recordsWhatDoesNotFitAShortRecord() throws {
    let bench = try RecordingBench()
    let recorded = try bench.record([try bench.compile("wide")])
    #expect(recorded.status == 0)
    let trace = try WholeTrace(#require(recorded.images(of: "wide").first))
    #expect(trace.count(.foreignFree) == 0)
    #expect(trace.count(.impliedFree) == 0)
    // More sites than the recorder has numbers for: both kinds are told apart, turn by turn.
    let sites = 13 * 1024
    #expect(sites > Int(MALLOMETER_MAX_SITES))
    let calls = trace.events.filter {
      $0.kind == .malloc && (100_000..<UInt64(100_000 + sites)).contains($0.size)
    }
    #expect(calls.map(\.size) == (0..<2 * sites).map { UInt64(100_000 + $0 % sites) })
    #expect(Set(calls.map(\.site)).count == sites)
    #expect(calls.prefix(sites).map(\.site) == calls.suffix(sites).map(\.site))
    for size: UInt64 in [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20, 5 << 30] {
      #expect(trace.sized(size).map(\.kind) == [.malloc])
      #expect(trace.free(ofSize: size) != nil)
    }
    #expect(trace.sized(2 << 20).map(\.kind) == [.realloc])
    #expect(trace.sized(50001).map(\.slot) == trace.sized(50000).map(\.slot))
    #expect(trace.free(ofSize: 50001) != nil)
  }

  @Test func keepsTimeOverALongPause() throws {
    let bench = try RecordingBench()
    let recorded = try bench.record([try bench.compile("pause")])
    let trace = try WholeTrace(#require(recorded.images(of: "pause").first))
    let before = try #require(trace.sized(60001).first).time
    let after = try #require(trace.sized(60002).first).time
    let wall = try #require(trace.reader.footer?.wallSeconds)
    #expect(Double(after - before) / 1e9 > 3.99)
    #expect(Double(after) / 1e9 < wall)
  }

  @Test func usesChunksAgainAndAgain() throws {
    let bench = try RecordingBench()
    let program = try bench.compile("brief")
    // A spool of 16 chunks: each is claimed more often than there are generations.
    let threads = 17 * 256
    let recorded = try bench.record([
      "bash", "-c", "ulimit -f 2048; exec \(program) \(threads)",
    ])
    #expect(recorded.status == 0)
    let image = try #require(recorded.images(of: "brief").first)
    #expect(image.dropped == 0)
    #expect(try #require(image.counters["spoolChunks"]) <= 16)
    let trace = try WholeTrace(image)
    let calls = trace.events.filter { $0.size >= 100_000 }
    #expect(calls.map(\.size) == (0..<threads).map { UInt64(100_000 + $0) })
    #expect(trace.count(.foreignFree) == 0)
    #expect(trace.count(.impliedFree) == 0)
    #expect(trace.count(.threadEnd) == threads)
  }

  @Test func recordsBeforeMainAndAfterExit() throws {
    let bench = try RecordingBench()
    let recorded = try bench.record([try bench.compile("early")])
    #expect(recorded.status == 7)
    let trace = try WholeTrace(#require(recorded.images(of: "early").first))
    #expect(trace.sized(11111).count == 1)
    #expect(trace.sized(22222).map(\.kind) == [.realloc])
    #expect(trace.sized(22222).map(\.slot) == trace.sized(11111).map(\.slot))
    #expect(trace.free(ofSize: 22222) != nil)
    #expect(trace.free(ofSize: 33333) != nil)
  }

  @Test func followsEveryWayToStartAProcess() throws {
    let bench = try RecordingBench()
    let program = try bench.compile("processes")
    let recorded = try bench.record([program])
    #expect(recorded.status == 0)
    var sizes: [UInt64: Int] = [:]
    for process in recorded.images(of: "processes") {
      #expect(process.followed && !process.running && process.dropped == 0)
      let trace = try WholeTrace(process)
      #expect(trace.reader.completeness.isComplete)
      for size in Set(trace.events.map(\.size)) where size / 100 == 400 {
        sizes[size, default: 0] += 1
      }
      if trace.sized(40001).count == 1 { #expect(trace.count(.foreignFree) == 1) }
      if trace.sized(40005).count == 1 {
        #expect(trace.sized(40001).isEmpty, "a fork's child writes a stream of its own")
        #expect(trace.free(ofSize: 40000) != nil)
      }
    }
    #expect(
      sizes == [
        40000: 1, 40001: 1, 40002: 1, 40003: 1, 40004: 1, 40005: 1, 40006: 1, 40014: 1,
      ])
    // The first process ran two images, one after the other.
    let names = recorded.images(of: "processes").compactMap(\.trace)
    #expect(names.contains { $0.hasSuffix(".2.mlt") })
  }

  @Test func leavesOtherImagesAloneOnRequest() throws {
    let bench = try RecordingBench()
    let program = try bench.compile("processes")
    let recorded = try bench.record([program], options: ["--no-follow"])
    #expect(recorded.status == 0)
    #expect(recorded.processes.count == 1)
    let trace = try WholeTrace(#require(recorded.processes.first))
    #expect(trace.sized(40000).count == 1)
    #expect(trace.sized(40001).isEmpty)
  }

  @Test func ordersThreadsByTheirTimeStamps() throws {
    let bench = try RecordingBench()
    let recorded = try bench.record([try bench.compile("threads")])
    #expect(recorded.status == 0)
    let process = try #require(recorded.images(of: "threads").first)
    #expect(process.dropped == 0)
    #expect(process.threads >= 309)
    let trace = try WholeTrace(process)
    #expect(trace.count(.foreignFree) == 0)
    #expect(trace.count(.impliedFree) == 0)
    #expect(process.counters["late"] == 0)
    var owner: [UInt32: UInt16] = [:]
    var crossing = 0
    for event in trace.events where event.kind.isOperation {
      if event.kind.allocates { owner[event.slot] = event.thread }
      if event.kind.frees, owner[event.slot] != event.thread { crossing += 1 }
    }
    #expect(crossing >= 4 * 50000)
    #expect(trace.sized(778).count == 300)
    // Blocks that a thread's own destructor frees are freed in the trace.
    let live = trace.events.reduce(into: Set<UInt32>()) { live, event in
      if event.kind.allocates && event.size == 778 { live.insert(event.slot) }
      if event.kind.frees { live.remove(event.slot) }
    }
    #expect(live.isEmpty)
    #expect(trace.count(.threadEnd) >= 308)
  }

  @Test func namesUnloadedModules() throws {
    let bench = try RecordingBench()
    let library = try bench.compile("library", "-shared", "-fPIC")
    let recorded = try bench.record([try bench.compile("loading"), library])
    #expect(recorded.status == 0)
    let trace = try WholeTrace(#require(recorded.images(of: "loading").first))
    let calls = trace.sized(50001)
    #expect(calls.count == 3)
    #expect(calls.allSatisfy { trace.module(of: $0).hasSuffix("/liblibrary.so") })
    #expect(Set(calls.map { trace.reader.sites[Int($0.site)].offset }).count == 1)
  }
}
