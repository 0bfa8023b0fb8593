import Foundation
import TestSupport
import Testing

/// What `designs` lists, held against the files that declare it: nothing is left out, nothing is
/// listed that no file has, and everything names the seed document and section it comes from.
///
/// The files are read line by line here, not by the code that the command uses.
@Suite struct DesignsListTests {
  let text: String
  let listed: [[String: Any]]

  init() throws {
    let both = try CommandLine().inBothFormats("designs")
    text = both.text
    listed = try both.json.list("designs")
  }

  private func files(below folder: String, ending: String) throws -> [String] {
    let url = repository.appendingPathComponent(folder)
    return try #require(FileManager.default.enumerator(atPath: url.path))
      .compactMap { $0 as? String }.filter { $0.hasSuffix(ending) }.sorted()
      .map { try String(contentsOf: url.appendingPathComponent($0), encoding: .utf8) }
  }

  /// The text behind `key:` at the start of a line.
  private func value(_ key: String, in file: String) -> String? {
    file.split(separator: "\n").first { $0.hasPrefix(key + ": ") }
      .map { String($0.dropFirst(key.count + 2)) }
  }

  /// A document of the seeds, and where in it.
  private func namesASection(_ source: String) -> Bool {
    source.wholeMatch(of: /00[0-4](,| ).+|00[0-4], 00[0-4].+|00[0-4]/) != nil
  }

  @Test(arguments: [("points", "designs"), ("optimisations", "optimizations")])
  func everyFileIsListed(key: String, folder: String) throws {
    let files = try files(below: "models/" + folder, ending: ".yaml")
    #expect(files.count > 5)
    var remaining: [String: [String: Any]] = [:]
    for design in listed {
      for entry in try #require(design[key] as? [[String: Any]]) {
        let name = try #require(entry["name"] as? String)
        #expect(remaining[name] == nil, "\(name) is listed twice")
        remaining[name] = entry.merging(["family": design["name"] ?? ""]) { $1 }
      }
    }
    for file in files {
      let name = try #require(value("name", in: file))
      let found = remaining.removeValue(forKey: name)
      let entry = try #require(found, "\(name) is not listed")
      for key in ["family", "doc", "source"] {
        #expect(entry[key] as? String == value(key, in: file), "\(key) of \(name)")
      }
      let source = try #require(entry["source"] as? String)
      #expect(namesASection(source), "\(name): \(source)")
      #expect(text.contains(name) && text.contains(source))
      let predicted = entry["predicted"] as? [String: Any]
      #expect((predicted != nil) == (value("predicted", in: file) != nil), "\(name)")
      if let predicted, let written = value("predicted", in: file) {
        let effect = try #require(predicted["effect"] as? String)
        #expect(written.contains("effect: \(effect),"), "\(name): \(written)")
        #expect(text.contains(effect))
        #expect(namesASection(try #require(predicted["source"] as? String)))
      }
    }
    #expect(remaining.isEmpty, "no file has \(remaining.keys.sorted())")
  }

  @Test func everyFamilyAndToggleIsListed() throws {
    let declarations = try files(below: "Sources/Designs/Families", ending: ".swift")
    #expect(declarations.count == listed.count)
    for declaration in declarations {
      let family = try #require(declaration.firstMatch(of: /Family\(\s*kind: \.(\w+)/)?.1)
      let design = try #require(listed.first { $0["name"] as? String == String(family) })
      #expect(namesASection(try #require(design["source"] as? String)))
      #expect(text.contains("\(family): "))
      let toggles = try #require(design["toggles"] as? [[String: Any]])
      let declared = declaration.matches(
        of: /Toggle\(\s*"([^"]+)",.*?source:\s*"([^"]+)"/.dotMatchesNewlines())
      #expect(
        Set(declared.map { String($0.1) }) == Set(toggles.compactMap { $0["name"] as? String }))
      for toggle in declared {
        let entry = try #require(toggles.first { $0["name"] as? String == String(toggle.1) })
        #expect(entry["source"] as? String == String(toggle.2))
        #expect(namesASection(String(toggle.2)), "\(family), \(toggle.1): \(toggle.2)")
        #expect(text.contains(String(toggle.1)) && text.contains(String(toggle.2)))
      }
    }
  }

  /// Every item of 001's roadmap, and every variable of its feature isolation tests.
  @Test(
    arguments: [
      ("§6 Phase 7", 3), ("§6 Phase 8", 2), ("§6 Phase 9", 4), ("§9 Priority 1", 4),
      ("§9 Priority 2", 4),
    ].flatMap { part, items in (1...items).map { "\(part) item \($0)" } + [part] }
      + ["DISABLE_BIGCACHE", "DISABLE_ELO", "EVO_POLICY=frozen", "MINIMAL"].map {
        "§8.1 HAKMEM_\($0)"
      })
  func everyItemOfTheRoadmapIsAnOptimisation(item: String) throws {
    let reuse = try #require(listed.first { $0["name"] as? String == "reuse" })
    let sources = try #require(reuse["optimisations"] as? [[String: Any]])
      .compactMap { $0["source"] as? String }
      .flatMap { $0.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) } }
    #expect(sources.contains { $0 == item || $0 == "001 " + item })
  }
}
