import Designs
import Foundation
import Models
import Platform
import Replay
import TestSupport
import Testing

@testable import Traces

/// Changes traces behind their checksums, so that every decoder meets what no writer writes.
@Suite struct MutationTests {
  /// `MALLOMETER_MUTATIONS` sets how many; under the address sanitizer 20,000 are meant.
  static let count =
    ProcessInfo.processInfo.environment["MALLOMETER_MUTATIONS"].flatMap { Int($0) } ?? 3000

  /// One block taken apart: its head, column table and columns.
  struct Block {
    var head: [UInt8]
    var columns: [[UInt8]]
    /// What the table says, where that isn't to be computed.
    var lengths: [Int: (UInt32, UInt32)] = [:]
  }

  static func takeApart(_ bytes: [UInt8], _ block: TraceReader.Block) throws -> Block {
    let start = Int(block.offset) + TraceFormat.frameBytes
    let body = Array(bytes[start..<start + block.frame.bodyBytes])
    let columns = ColumnBuffers()
    let file = try TraceFile(path: "/proc/self/exe")
    let loader = BlockLoader(file: file)
    var result = Block(head: Array(body.prefix(TraceFormat.blockHeadBytes)), columns: [])
    for column in Column.allCases {
      let problem = body.withUnsafeBytes {
        loader.load(column, of: $0, into: columns, events: block.events)
      }
      #expect(problem == nil)
      result.columns.append(Array(columns.contents(column)))
    }
    return result
  }

  static func sealed(_ block: Block) -> [UInt8] {
    var table: [UInt8] = []
    var contents: [UInt8] = []
    let compressor = Compressor(level: 1)
    for (index, column) in block.columns.enumerated() {
      var output = [UInt8](repeating: 0, count: Compressor.bound(column.count))
      let stored = column.withUnsafeBytes { input in
        output.withUnsafeMutableBytes { compressor.compress(input, into: $0) }
      }
      let data = stored.map { Array(output.prefix($0)) } ?? column
      let given = block.lengths[index] ?? (UInt32(column.count), UInt32(data.count))
      table += littleEndianBytes(given.0) + littleEndianBytes(given.1)
      contents += data
    }
    var record = [UInt8](repeating: 0, count: TraceFormat.frameBytes)
    record += block.head + table + contents
    record.withUnsafeMutableBytes { BlockSeal.frame($0, tag: TraceFormat.blockTag) }
    return record
  }

  static func mutate(_ block: inout Block, _ generator: inout SeededGenerator) {
    let interesting: [UInt8] = [
      0, 1, 63, 64, 127, 128, 138, 139, 202, 203, 207, 208, 209, 254, 255,
    ]
    for _ in 0...generator.below(4) {
      let value =
        generator.below(2) == 0
        ? interesting[Int(generator.below(UInt64(interesting.count)))]
        : UInt8(truncatingIfNeeded: generator.next())
      switch generator.below(10) {
      case 0:
        block.head[Int(generator.below(UInt64(block.head.count)))] = value
      case 1:
        let column = Int(generator.below(UInt64(block.columns.count)))
        block.lengths[column] = (
          UInt32(truncatingIfNeeded: generator.next() >> generator.below(32)),
          UInt32(truncatingIfNeeded: generator.next() >> generator.below(32))
        )
      case 2:
        let column = Int(generator.below(UInt64(block.columns.count)))
        if !block.columns[column].isEmpty {
          block.columns[column].removeLast(
            Int(generator.below(UInt64(block.columns[column].count + 1))))
        }
      case 3:
        let column = Int(generator.below(UInt64(block.columns.count)))
        block.columns[column] += [UInt8](repeating: value, count: Int(generator.below(40)))
      default:
        let filled = block.columns.indices.filter { !block.columns[$0].isEmpty }
        guard !filled.isEmpty else { continue }
        let column = filled[Int(generator.below(UInt64(filled.count)))]
        let place = Int(generator.below(UInt64(block.columns[column].count)))
        block.columns[column][place] = value
      }
    }
  }

  /// Checks what readers promise of a stream: the reason why nobody downstream checks again.
  static func checkPromises(_ reader: TraceReader) throws {
    let sites = reader.sites.count
    let threads = reader.threads
    let slots = reader.slots
    var broken = 0
    func checker(_ isOperations: Bool) -> (UnsafeBufferPointer<Event>) -> Void {
      var live = [Bool](repeating: false, count: slots)
      return { events in
        for event in events {
          let slot = Int(event.slot)
          let isLive = slot < slots && live[slot]
          var holds = Int(event.site) < sites && Int(event.thread) < threads
          holds = holds && event.size <= TraceFormat.maximumSize && event.alignmentLog2 < 48
          if event.kind.frees {
            holds = holds && isLive
          } else if event.kind == .realloc {
            holds = holds && slot < slots && (isLive || !isOperations)
          } else if event.kind.allocates {
            holds = holds && slot < slots && !isLive
          } else {
            holds = holds && !isOperations
          }
          if slot < slots && event.kind.isOperation { live[slot] = event.kind.allocates }
          if !holds { broken += 1 }
        }
      }
    }
    // Also where a later block makes the stream end with an error.
    defer { #expect(broken == 0) }
    try reader.forEachBlock(checker(false))
    let workload = Workload(trace: reader, options: WorkloadOptions(loops: 2))
    var operations = 0
    let check = checker(true)
    try workload.forEachBlock {
      operations += $0.count
      check($0)
    }
    #expect(operations == workload.operationCount)
    _ = try TraceStatistics(of: reader)
    try runEverything(reader)
  }

  /// What `simulate` and `replay` do with a trace before anything is measured: it may end with an
  /// error of the trace, and with no other.
  static func runEverything(_ reader: TraceReader) throws {
    let recorded = WorkloadOptions(threads: .recorded, pace: .recorded, loops: 2)
    let plain = Workload(trace: reader)
    do {
      for family in [Family.pool, .reuse] {
        let result = try Simulation(design: Design(family: family)).run(plain)
        #expect(result.operations == plain.operationCount)
      }
      _ = try Plan.compile(workload: plain)
      _ = try Plan.compile(workload: Workload(trace: reader, options: recorded))
    } catch is any UserFacingError {
      // Refused in a sentence, as a design's limits or a plan's threads are.
    }
  }

  @Test func resealedMutationsNeverBreakAReader() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("whole.mlt")
    _ = try writeSmallTrace(path, events: 300, blocks: 3)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let whole = try TraceReader(path: path)
    let blocks = try whole.blocks.map { try Self.takeApart(bytes, $0) }
    var generator = SeededGenerator(seed: 2024)
    var opened = 0
    var streamed = 0
    let file = folder.file("mutated.mlt")
    for _ in 0..<Self.count {
      let target = Int(generator.below(UInt64(blocks.count)))
      var mutated = Array(bytes[..<Int(whole.blocks[0].offset)])
      for (index, block) in blocks.enumerated() {
        var block = block
        if index == target { Self.mutate(&block, &generator) }
        mutated += Self.sealed(block)
      }
      try Data(mutated).write(to: URL(fileURLWithPath: file))
      do {
        let reader = try TraceReader(path: file)
        opened += 1
        try Self.checkPromises(reader)
        streamed += 1
      } catch let error as TraceError {
        #expect(error.path == file && (error.block ?? 0) < 3)
      }
    }
    // The harness is worth something only if it gets past the doors, and is stopped inside.
    #expect(opened > Self.count / 3 && streamed < opened && streamed > 0)
  }

  @Test func mutatedHeadersAndFootersAreRefusedOrHarmless() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("whole.mlt")
    _ = try writeSmallTrace(path, events: 60, blocks: 3)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let whole = try TraceReader(path: path)
    let last = whole.blocks[2]
    let footer = Int(last.offset) + last.storedBytes
    var generator = SeededGenerator(seed: 5)
    let file = folder.file("mutated.mlt")
    for _ in 0..<Self.count / 10 {
      var mutated = bytes
      let header = TraceFormat.preambleBytes..<Int(whole.blocks[0].offset)
      let record = generator.below(2) == 0 ? header : footer..<bytes.count - 16
      for _ in 0...generator.below(3) {
        let body = record.lowerBound + TraceFormat.frameBytes..<record.upperBound
        mutated[body.lowerBound + Int(generator.below(UInt64(body.count)))] =
          UInt8(truncatingIfNeeded: generator.next())
      }
      let tag = record == header ? TraceFormat.headerTag : TraceFormat.footerTag
      mutated.withUnsafeMutableBytes {
        BlockSeal.frame(UnsafeMutableRawBufferPointer(rebasing: $0[record]), tag: tag)
      }
      try Data(mutated).write(to: URL(fileURLWithPath: file))
      do {
        let reader = try TraceReader(path: file)
        #expect(reader.eventCount == 60)
        try Self.checkPromises(reader)
      } catch let error as TraceError {
        #expect(error.path == file)
      }
    }
  }
}
