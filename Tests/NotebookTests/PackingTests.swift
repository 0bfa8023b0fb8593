import Foundation
import Testing

@testable import Notebook

@Suite struct PackingTests {
  @Test(
    arguments: [
      [], [0], [0, 0, 0], [1], [UInt64.max], [UInt64.max, 0, UInt64.max], [5, 5, 5, 6, 6, 0, 0],
      [1 << 63, (1 << 63) - 1, 1 << 63],
    ] as [[UInt64]]) func numbersComeBack(values: [UInt64])
  {
    #expect(Packing.unpack(Packing.pack(values)) == values)
  }

  @Test func randomNumbersComeBack() {
    var state: UInt64 = 7
    for length in 0..<200 {
      let values = (0..<length).map { _ -> UInt64 in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> (state & 63)
      }
      #expect(Packing.unpack(Packing.pack(values)) == values)
    }
  }

  @Test func runsOfEqualNumbersTakeNoRoom() {
    #expect(Packing.pack(Array(repeating: 0, count: 100_000)).count < 10)
  }

  @Test func nanosecondsKeepASixtyFourth() throws {
    let times = [0, 20_123.4567, 1e12]
    let kept = try #require(Packing.unpackNanoseconds(Packing.pack(nanoseconds: times)))
    for (time, again) in zip(times, kept) { #expect(abs(time - again) <= 1.0 / 128) }
  }

  @Test func damagedBytesGiveNothingAndTakeNoMemory() {
    let good = Packing.pack((0..<50).map { UInt64($0 % 7) })
    for index in good.indices {
      for bit in 0..<8 {
        var bad = good
        bad[index] ^= 1 << UInt8(bit)
        if let values = Packing.unpack(bad) { #expect(values.count < 1 << 16) }
      }
      #expect(Packing.unpack(good.prefix(index)) == nil)
    }
    #expect(Packing.unpack(Data()) == nil)
    #expect(Packing.unpack(Data([0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0xFF, 0xFF, 0xFF, 0x7F])) == nil)
  }
}
