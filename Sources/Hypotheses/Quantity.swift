import Designs
import Foundation

/// What a claim speaks about: an expression over measures and numbers.
///
/// A plain tree, so that whoever judges a claim can walk it: first for the `measures` to obtain,
/// then with `value(coreGHz:measure:)` for the number.
public indirect enum Quantity: Hashable, Sendable {
  case number(Double, ClaimUnit)
  case measured(Measure)
  case negated(Quantity)
  case combined(Operation, Quantity, Quantity)
}

/// The four operations of arithmetic.
public enum Operation: String, CaseIterable, Sendable {
  case plus = "+"
  case minus = "−"
  case times = "×"
  case over = "÷"

  var bindsTightly: Bool { self == .times || self == .over }

  func apply(_ left: Double, _ right: Double) -> Double {
    switch self {
    case .plus: left + right
    case .minus: left - right
    case .times: left * right
    case .over: left / right
    }
  }
}

extension Quantity {
  /// Every measure in it once, in the order in which they are first named.
  public var measures: [Measure] {
    var found: [Measure] = []
    visit { if !found.contains($0) { found.append($0) } }
    return found
  }

  /// Whether it is arithmetic on numbers alone: nothing has to be measured to know it.
  public var isConstant: Bool { measures.isEmpty }

  /// The value in its dimension's own unit: nanoseconds, bytes, operations per nanosecond, or a
  /// plain number. A division by zero gives infinity or NaN.
  /// - Parameters:
  ///   - coreGHz: the core clock, which numbers in cycles are converted with.
  ///   - measure: the value of a measure, in its dimension's own unit.
  public func value<Failure: Error>(
    coreGHz: Double, measure: (Measure) throws(Failure) -> Double
  ) throws(Failure) -> Double {
    switch self {
    case .number(let number, let unit): number * unit.scale(coreGHz: coreGHz)
    case .measured(let name): try measure(name)
    case .negated(let inner): -(try inner.value(coreGHz: coreGHz, measure: measure))
    case .combined(let operation, let left, let right):
      operation.apply(
        try left.value(coreGHz: coreGHz, measure: measure),
        try right.value(coreGHz: coreGHz, measure: measure))
    }
  }

  /// The value of an expression of numbers alone, or nil where something has to be measured.
  public func constantValue(coreGHz: Double) -> Double? {
    guard isConstant else { return nil }
    return value(coreGHz: coreGHz) { _ in .nan }
  }

  /// Whether a number in it has this unit.
  public func mentions(_ unit: ClaimUnit) -> Bool {
    switch self {
    case .number(_, let own): own == unit
    case .measured: false
    case .negated(let inner): inner.mentions(unit)
    case .combined(_, let left, let right): left.mentions(unit) || right.mentions(unit)
    }
  }

  private func visit(_ body: (Measure) -> Void) {
    switch self {
    case .number: break
    case .measured(let measure): body(measure)
    case .negated(let inner): inner.visit(body)
    case .combined(_, let left, let right):
      left.visit(body)
      right.visit(body)
    }
  }
}

extension Quantity {
  /// A step of a design that a sum charges twice: alone and within a component, or within two.
  public var stepChargedTwice: (step: Step, first: Measure, second: Measure)? {
    switch self {
    case .number, .measured: return nil
    case .negated(let inner): return inner.stepChargedTwice
    case .combined(let operation, let left, let right):
      if operation == .plus {
        for case .cost(let one, let side) in left.charged {
          for case .cost(let other, side) in right.charged {
            if let step = one.steps.first(where: other.steps.contains) {
              return (step, .cost(one, side), .cost(other, side))
            }
          }
        }
      }
      return left.stepChargedTwice ?? right.stepChargedTwice
    }
  }

  /// Costs that are added up in it.
  private var charged: [Measure] {
    switch self {
    case .number: []
    case .measured(let measure): [measure]
    case .negated: []
    case .combined(.plus, let left, let right), .combined(.times, let left, let right):
      left.charged + right.charged
    case .combined(.minus, let left, _), .combined(.over, let left, _): left.charged
    }
  }
}

extension Quantity: CustomStringConvertible {
  /// As claims write it: reading it gives the same tree.
  public var description: String {
    switch self {
    case .number(let number, let unit):
      unit == .ratio
        ? ClaimNumber.text(number) : "\(ClaimNumber.text(number)) \(unit.rawValue)"
    case .measured(let measure): measure.description
    case .negated(let inner): "−\(inner.isSum || inner.isProduct ? "(\(inner))" : "\(inner)")"
    case .combined(let operation, let left, let right):
      "\(left.side(of: operation, isRight: false)) \(operation.rawValue) "
        + right.side(of: operation, isRight: true)
    }
  }

  private func side(of operation: Operation, isRight: Bool) -> String {
    let needed = operation.bindsTightly ? isSum || (isRight && isProduct) : isRight && isSum
    return needed ? "(\(self))" : description
  }

  private var isSum: Bool {
    if case .combined(let operation, _, _) = self { return !operation.bindsTightly }
    return false
  }

  private var isProduct: Bool {
    if case .combined(let operation, _, _) = self { return operation.bindsTightly }
    return false
  }
}

/// Numbers as claims write them: plain decimals.
enum ClaimNumber {
  /// Digits with at most one point and at most one sign before them: no exponents, infinities or
  /// hexadecimal.
  static func value(_ text: String) -> Double? {
    var digits = Substring(text)
    if digits.first == "−" { digits = "-" + digits.dropFirst() }
    let unsigned = digits.drop { "+-".contains($0) }
    guard digits.count - unsigned.count <= 1, unsigned.first?.isNumber == true,
      unsigned.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") })
    else { return nil }
    return Double(digits)
  }

  /// The shortest decimal that reads back as the same number.
  static func text(_ number: Double) -> String {
    for digits in 0..<20 {
      let text = String(format: "%.\(digits)f", number)
      if Double(text) == number { return text }
    }
    return String(number)
  }
}
