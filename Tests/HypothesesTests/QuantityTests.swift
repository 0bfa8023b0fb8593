import Designs
import Platform
import Testing

@testable import Hypotheses

private let components = [
  Component(
    name: "lookup", doc: "a lookup", steps: [.siteHash, .cacheLookup], per: .cacheLookup)
]

private func parse(_ text: String) throws(QuantityError) -> ParsedQuantity {
  try ParsedQuantity(text, components: components)
}

@Suite struct Quantities {
  @Test(arguments: [
    ("1 + 2 × 3", 7.0), ("(1 + 2) × 3", 9), ("8 − 3 − 2", 3), ("8 ÷ 4 ÷ 2", 1), ("2 - -3", 5),
    ("8 / 4 * 2", 4), ("−(1 + 2)", -3), ("−2 × 3", -6), ("1.5 + 0.25", 1.75),
    ("31 ns ÷ 10 ns", 3.1), ("2 MiB ÷ 1 KiB", 2048), ("50 % + 1", 1.5), ("3 µs ÷ 1 ns", 3000),
    ("10 cycles ÷ 1 ns", 2.5), ("1 ÷ 1 ns ÷ 1 Mops", 1000), ("2 count × 3 ns ÷ 1 ns", 6),
    ("0 − 1 s ÷ 1 ms", -1000),
  ])
  func arithmetic(text: String, value: Double) throws {
    let parsed = try parse(text)
    #expect(parsed.dimension == .ratio)
    let found = try #require(parsed.quantity.constantValue(coreGHz: 4))
    #expect(abs(found - value) <= 1e-12 * abs(value))
  }

  @Test(arguments: [
    ("cost(lookup)", Measure.cost(components[0], .first), Dimension.time),
    ("cost(free-list-pop, B)", .cost(Component(.freeListPop), .second), .time),
    ("isolated(magic-check)", .isolatedCost(.magicCheck), .time),
    ("count(page-fault)", .count(.pageFault, .first), .count),
    ("share(lookup, gap)", .shareOfGap(components[0]), .ratio),
    ("share(lookup, time)", .shareOfTime(components[0]), .ratio),
    ("time(B)", .time(.second), .time), ("time", .time(.first), .time),
    ("gap(A, B)", .gap(from: .first, to: .second), .time),
    ("payoff(A, small-header)", .payoff(.first, change: "small-header"), .time),
    ("payoff(B, \"header=16\")", .payoff(.second, change: "header=16"), .time),
    ("pageFaults", .pageFaults(.first), .count), ("syscalls(B)", .systemCalls(.second), .count),
    ("bytes(header)", .bytes(.header, .first), .bytes),
    ("bytes(peak-live, B)", .bytes(.peakLive, .second), .bytes),
    ("scaling(A)", .scaling(.first), .ratio), ("events", .events, .count),
    ("allocations", .allocations, .count), ("study(change)", .study(.change), .ratio),
  ])
  func measures(text: String, measure: Measure, dimension: Dimension) throws {
    let parsed = try parse(text)
    #expect(parsed.quantity == .measured(measure))
    #expect(parsed.dimension == dimension)
    #expect(parsed.mentions == [.init(measure: measure, position: 1)])
    #expect(try parse(parsed.quantity.description) == parsed)
  }

  @Test(arguments: [
    ("1 +", 4), ("(1", 3), ("1 ) 2", 3), ("1 2", 3), ("", 1), ("cost", 5), ("cost(", 6),
    ("cost(free-list-popp)", 6), ("count(lookup)", 7), ("tmie(A)", 1), ("time(C)", 6),
    ("share(lookup, total)", 15), ("5 furlongs", 3), ("1.2.3", 1), ("1 ns + 1 bytes", 6),
    ("1 ns + 1", 6), ("2 × 3 ns × 4 ns", 10), ("1 bytes ÷ 1 ns", 9), ("payoff(A, \"x)", 11),
    ("gap(A)", 6), ("1 § 2", 3), ("payoff(A, 3)", 11), ("bytes(heads)", 7), ("study(x)", 7),
    ("events-1", 1), ("events + 1", 8),
  ])
  func errorsSayWhere(text: String, position: Int) {
    #expect(throws: QuantityError.self) { try parse(text) }
    do throws(QuantityError) {
      _ = try parse(text)
    } catch {
      #expect(error.position == position)
      #expect(!error.problem.isEmpty && !error.remedy.isEmpty)
    }
  }

  @Test func whatIsMeantComesFirst() {
    #expect(throws: QuantityError.self) { try parse("cost(free-list-popp)") }
    do throws(QuantityError) {
      _ = try parse("cost(free-list-popp)")
    } catch {
      #expect(error.remedy.hasPrefix("known, nearest first: free-list-pop"))
    }
  }

  @Test func depthAndLengthAreBounded() {
    let nested = String(repeating: "(", count: 400) + "1" + String(repeating: ")", count: 400)
    #expect(throws: QuantityError.tooDeep(position: 33)) { try parse(nested) }
    #expect(throws: QuantityError.self) { try parse(String(repeating: "−", count: 900) + "1") }
    #expect(throws: QuantityError.tooLong(2001)) {
      try parse(String(repeating: "1+", count: 1000) + "1")
    }
    #expect(throws: Never.self) { try parse(String(repeating: "1+", count: 499) + "1") }
  }

  @Test func everyMeasureIsAskedForOnceInOrder() throws {
    let parsed = try parse("time(B) × events ÷ allocations − time(A) + time(B)")
    #expect(parsed.quantity.measures == [.time(.second), .events, .allocations, .time(.first)])
    let value = parsed.quantity.value(coreGHz: 1) { measure in
      switch measure {
      case .time(.second): 6
      case .time: 2
      case .events: 10
      default: 5
      }
    }
    #expect(value == 16)
    #expect(parsed.quantity.constantValue(coreGHz: 1) == nil)
  }

  /// Random trees come back from their own text.
  @Test func whatIsWrittenReadsBack() throws {
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<2000 {
      let tree = randomRatio(depth: 4, &generator)
      let parsed = try parse(tree.description)
      #expect(parsed.quantity == tree)
    }
  }

  /// Whatever is typed is read or refused at a position within it.
  @Test func mutatedTextsAreReadOrRefused() throws {
    var generator = SeededGenerator(seed: 6)
    let alphabet =
      "()+-−×÷,.\"% AB019aezµ§\u{301}😀\n".map(String.init) + ["cost", "gap", "ns", "time"]
    let texts = [
      "payoff(A, small-header) × events ÷ allocations", "share(lookup, gap) − 5 %",
      "(31 ns + cost(free-list-pop, B)) ÷ 9 ns", "payoff(A, \"header=16,policy=frozen\")",
    ]
    var read = 0
    for _ in 0..<20000 {
      var text = Array(texts[Int(generator.below(4))]).map(String.init)
      for _ in 0...generator.below(4) {
        let place = Int(generator.below(UInt64(text.count)))
        let piece = alphabet[Int(generator.below(UInt64(alphabet.count)))]
        switch generator.below(3) {
        case 0: text[place] = piece
        case 1: text.insert(piece, at: place)
        default: if text.count > 1 { text.remove(at: place) }
        }
      }
      let whole = text.joined()
      do throws(QuantityError) {
        let parsed = try parse(whole)
        read += 1
        #expect(try parse(parsed.quantity.description).quantity == parsed.quantity, "\(whole)")
      } catch {
        #expect((1...whole.count + 1).contains(error.position), "\(whole)")
      }
    }
    #expect(read > 100)
  }

  private func randomRatio(depth: Int, _ generator: inout SeededGenerator) -> Quantity {
    guard depth > 0, generator.below(4) > 0 else {
      return generator.below(2) == 0
        ? .number(Double(generator.below(100_000)) / 1000, .ratio)
        : .measured(.shareOfTime(components[0]))
    }
    if generator.below(6) == 0 { return .negated(randomRatio(depth: depth - 1, &generator)) }
    let operation = Operation.allCases[Int(generator.below(4))]
    return .combined(
      operation, randomRatio(depth: depth - 1, &generator),
      randomRatio(depth: depth - 1, &generator))
  }
}
