import Designs

/// A document that claims come from.
public struct SeedDocument: Hashable, Sendable {
  /// As claims name it: three digits.
  public let number: String
  /// The file's name.
  public let file: String
  /// Its first heading.
  public let title: String
  /// In the order of the document.
  public let sections: [Section]

  /// A section of a document.
  public struct Section: Hashable, Sendable {
    /// As claims name it.
    public let name: String
    /// As it stands in the document.
    public let title: String
  }

  /// Reads `sections.yaml`: a document whose entry is wrong is left out.
  static func read(path: String) -> (documents: [SeedDocument], errors: [ClaimError]) {
    var documents: [SeedDocument] = []
    var errors: [ClaimError] = []
    do throws(DesignError) {
      let file = try StrictMapping(path: path)
      try file.allow(["seeds"])
      for entry in try file.mappings("seeds") {
        do throws(DesignError) {
          let document = try SeedDocument(entry.get())
          if let first = documents.first(where: { $0.number == document.number }) {
            throw .repeatedName(
              document.number, first: first.file, at: try entry.get().text("number").place)
          }
          documents.append(document)
        } catch {
          errors.append(.reading(error))
        }
      }
    } catch {
      errors.append(.reading(error))
    }
    return (documents, errors)
  }

  private init(_ entry: StrictMapping) throws(DesignError) {
    try entry.allow(["number", "file", "title", "sections"])
    number = try entry.text("number").text
    file = try entry.text("file").text
    title = try entry.text("title").text
    sections =
      try entry.mapping("sections")?.pairs().map { Section(name: $0.key, title: $0.text) } ?? []
    if sections.isEmpty { throw .missingKey("sections", at: entry.place) }
  }
}

/// Where a claim was made.
public enum ClaimSource: Hashable, Sendable, CustomStringConvertible {
  case section(SeedDocument, SeedDocument.Section)
  /// Anything else: a paper, an issue, a colleague.
  case text(String)

  /// The document's file name and the section, or the text.
  public var description: String {
    switch self {
    case .section(let document, let section): "\(document.file), \(section.title)"
    case .text(let text): text
    }
  }

  /// The document's number, or nil.
  public var seed: String? {
    if case .section(let document, _) = self { return document.number }
    return nil
  }
}
