import Designs
import Platform
import Traces

/// A claim, or a file of claims, that can't be understood. Known names come nearest first.
public enum ClaimError: UserFacingError, Equatable {
  /// YAML, keys, designs, toggles and optimisations.
  case reading(DesignError)
  case quantity(QuantityError, text: String, at: NamePlace)
  /// A name that is none of the known ones: of a unit, seed, section, workload, trace, …
  case unknown(String, String, known: [String], at: NamePlace)
  case malformed(String, String, String, at: NamePlace)
  /// A recipe or a trace.
  case workload(TraceError, at: NamePlace)
  /// The claimed value is counted in something else than the quantity is.
  case wrongUnit(ClaimUnit, of: Dimension, at: NamePlace)
  case unusable(String, String, remedy: String, at: NamePlace)
  case repeated(String, first: NamePlace, at: NamePlace)

  public var message: String {
    switch self {
    case .reading(let error): error.message
    case .quantity(let error, let text, let place):
      "\(place): the quantity “\(text)”, character \(error.position): \(error.problem)"
    case .unknown(let kind, let name, _, let place): "\(place): there is no \(kind) “\(name)”"
    case .malformed(let key, let text, let expected, let place):
      "\(place): “\(key)” must be \(expected)" + (text.isEmpty ? "" : ", not “\(text)”")
    case .workload(let error, let place): "\(place): \(error.message)"
    case .wrongUnit(let unit, let dimension, let place):
      "\(place): the quantity is a \(dimension.rawValue), which can't be claimed in \(unit.rawValue)"
    case .unusable(let what, let why, _, let place): "\(place): \(what) \(why)"
    case .repeated(let id, let first, let place):
      "\(place): the id “\(id)” is already taken by the claim at \(first)"
    }
  }

  public var remedy: String? {
    switch self {
    case .reading(.syntax), .reading(.missingKey), .reading(.wrongKind):
      "Documentation/claims.md describes the format"
    case .reading(let error): error.remedy
    case .quantity(let error, _, _): error.remedy
    case .unknown(_, _, let known, _):
      known.isEmpty ? "none is known" : "known, nearest first: \(known.joined(separator: ", "))"
    case .malformed: "Documentation/claims.md describes the format"
    case .workload(let error, _): error.remedy
    case .wrongUnit(_, let dimension, _):
      "write it in one of \(dimension.units.map(\.rawValue).joined(separator: ", "))"
    case .unusable(_, _, let remedy, _): remedy
    case .repeated: "give one of the two another id"
    }
  }

  /// Turns the errors of the YAML reader into errors of claims.
  static func wrapping<T>(_ body: () throws(DesignError) -> T) throws(ClaimError) -> T {
    do throws(DesignError) {
      return try body()
    } catch {
      throw .reading(error)
    }
  }
}
