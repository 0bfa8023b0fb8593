import Foundation
import Platform

/// What a command found out: one value, printed as text for people or as JSON for programs, with
/// the same numbers.
///
/// The property names are the JSON keys. A value that may be missing is `@Nullable`, so that its
/// key is always there; a quantity with an interval is an `Estimate`.
public protocol Report: Encodable {
  /// The text for people: tables and sentences, lines of at most 100 columns where names allow.
  var text: String { get }
}

/// How a report is printed.
public enum ReportFormat: String, Sendable, CaseIterable {
  case text
  case json
}

extension Report {
  /// The whole report, with a newline at its end.
  public func rendered(as format: ReportFormat) throws(ReportError) -> String {
    switch format {
    case .text: text.hasSuffix("\n") ? text : text + "\n"
    case .json: try Self.json(self) + "\n"
    }
  }

  /// Keys sorted, so that two runs with the same numbers give the same bytes.
  private static func json(_ report: Self) throws(ReportError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(report), as: UTF8.self)
    } catch EncodingError.invalidValue(let value, let context) {
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw ReportError.notRepresentable(path: path, value: "\(value)")
    } catch {
      throw ReportError.notRepresentable(path: "", value: "\(error)")
    }
  }
}

/// A report holds what JSON has no form for: a bug in the command that made it.
public enum ReportError: UserFacingError, Equatable {
  /// `path` is the dotted path of keys; NaN and the infinities are the values that occur.
  case notRepresentable(path: String, value: String)

  public var message: String {
    switch self {
    case .notRepresentable(let path, let value):
      "the result has no JSON form: \(path.isEmpty ? "(top level)" : path) is \(value)"
    }
  }

  public var remedy: String? {
    "this is a bug in mallometer: please report it with the command line that showed it"
  }
}
