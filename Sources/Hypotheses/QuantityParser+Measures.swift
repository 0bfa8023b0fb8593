import Designs

extension QuantityParser {
  /// Every name that can begin a measure.
  static let measureNames = [
    "cost", "isolated", "count", "share", "time", "gap", "payoff", "pageFaults", "syscalls",
    "bytes", "scaling", "events", "allocations", "study",
  ]

  /// Reads the arguments of a measure whose name was taken.
  mutating func measure(_ name: String, position: Int) throws(QuantityError) -> Measure {
    switch name {
    case "events": return .events
    case "allocations": return .allocations
    case "time": return .time(try onlySide(of: name))
    case "pageFaults": return .pageFaults(try onlySide(of: name))
    case "syscalls": return .systemCalls(try onlySide(of: name))
    case "scaling": return .scaling(try onlySide(of: name))
    case "cost":
      try open(name)
      return .cost(try component(), try lastSide(of: name))
    case "count":
      try open(name)
      return .count(try step(), try lastSide(of: name))
    case "isolated":
      try open(name)
      return .isolatedCost(try closing(try step()))
    case "share":
      try open(name)
      let component = try component()
      try expect(.comma, "“, gap” or “, time”")
      let base = try word(of: name, among: ["gap", "time"])
      return try closing(base == "gap" ? .shareOfGap(component) : .shareOfTime(component))
    case "gap":
      try open(name)
      let from = try side(of: name)
      try expect(.comma, "“,” and a second design")
      return try closing(.gap(from: from, to: try side(of: name)))
    case "payoff":
      try open(name)
      let side = try side(of: name)
      try expect(.comma, "“,” and an optimisation")
      return try closing(.payoff(side, change: try change()))
    case "bytes":
      try open(name)
      let kind = try word(of: name, among: ByteKind.allCases.map(\.rawValue))
      return .bytes(ByteKind(rawValue: kind) ?? .header, try lastSide(of: name))
    case "study":
      try open(name)
      let observable = try word(of: name, among: StudyObservable.allCases.map(\.rawValue))
      return .study(try closing(StudyObservable(rawValue: observable) ?? .change))
    default:
      throw .unknownMeasure(
        name, known: NearestNames.sorted(Self.measureNames, by: name), position: position)
    }
  }

  private mutating func open(_ name: String) throws(QuantityError) {
    try expect(.open, "“(” after \(name)")
  }

  private mutating func closing<T>(_ value: T) throws(QuantityError) -> T {
    try expect(.close, "“)”")
    return value
  }

  /// `(A)`, `(B)` or nothing, which is the first design.
  private mutating func onlySide(of measure: String) throws(QuantityError) -> Side {
    guard token.kind == .open else { return .first }
    take()
    return try closing(try side(of: measure))
  }

  /// `, B)` or `)`, which is the first design.
  private mutating func lastSide(of measure: String) throws(QuantityError) -> Side {
    guard token.kind == .comma else {
      try expect(.close, "“)”, or “,” and A or B")
      return .first
    }
    take()
    return try closing(try side(of: measure))
  }

  private mutating func side(of measure: String) throws(QuantityError) -> Side {
    let word = try word(of: measure, among: Side.allCases.map(\.rawValue))
    return word == Side.second.rawValue ? .second : .first
  }

  private mutating func word(
    of measure: String, among known: [String]
  ) throws(QuantityError) -> String {
    guard case .name(let name) = token.kind else {
      throw unexpected("one of \(known.joined(separator: ", "))")
    }
    guard known.contains(name) else {
      throw .unknownArgument(
        name, of: measure, known: NearestNames.sorted(known, by: name), position: token.position)
    }
    take()
    return name
  }

  private mutating func step() throws(QuantityError) -> Step {
    guard case .name(let name) = token.kind else { throw unexpected("a step") }
    guard let step = Step(name: name) else {
      throw .unknownStep(name, known: nearest(name, components: []), position: token.position)
    }
    take()
    return step
  }

  private mutating func component() throws(QuantityError) -> Component {
    guard case .name(let name) = token.kind else { throw unexpected("a step or component") }
    let found = components.first { $0.name == name } ?? Step(name: name).map { Component($0) }
    guard let found else {
      throw .unknownStep(
        name, known: nearest(name, components: components), position: token.position)
    }
    take()
    return found
  }

  /// The nearest dozen: the catalogue is long.
  private func nearest(_ name: String, components: [Component]) -> [String] {
    let known = Step.allCases.map(\.name) + components.map(\.name)
    return Array(NearestNames.sorted(known, by: name).prefix(12))
  }

  private mutating func change() throws(QuantityError) -> String {
    switch token.kind {
    case .name(let text), .quoted(let text):
      take()
      return text
    case .number, .operation, .open, .close, .comma, .end:
      throw unexpected("an optimisation's name, or \"toggle=value\" in quotes")
    }
  }
}
