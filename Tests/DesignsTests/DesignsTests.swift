import Foundation
import TestSupport
import Testing

@testable import Designs

private let models = repository.appendingPathComponent("models")

@Suite struct CommandLineDesigns {
  let catalogue: DesignCatalogue

  init() throws { catalogue = try DesignCatalogue(models: models) }

  @Test(arguments: [
    ("pool", "pool"), ("pool,header=16", "pool,header=16"), ("pool,header=0", "pool"),
    ("reuse,header=16,policy=frozen", "reuse,header=16,policy=frozen"),
    ("reuse,policy=frozen,header=16", "reuse,header=16,policy=frozen"),
    ("hakmem-frozen", "reuse,policy=frozen"),
    ("hakmem-frozen,policy=learn", "reuse"), ("glibc", "glibc"), ("tcmalloc", "tcmalloc"),
  ])
  func canonicalForm(text: String, canonical: String) throws {
    #expect(try catalogue.allocator(text).description == canonical)
  }

  @Test func canonicalFormsReadBackAsThemselves() throws {
    for family in Family.all {
      for design in Design.variants(of: family, limit: 200) {
        #expect(try catalogue.allocator(design.description) == .own(design))
      }
    }
  }

  @Test func namedPointsAreThere() {
    let names = Set(catalogue.points.map(\.name))
    #expect(
      names.isSuperset(of: [
        "mimalloc-like", "hakmem-tiny", "hakmem-tiny-phase-1",
        "hakmem-tiny-phase-2", "hakmem-tiny-phase-3", "hakmem-evolving", "hakmem-baseline",
        "hakmem-frozen",
        "hakmem-minimal",
      ]))
    for point in catalogue.points + catalogue.optimizations {
      #expect(point.source.hasPrefix("00"), "\(point.name) cites a seed document")
    }
  }

  @Test func anUnknownNameListsTheNearestFirst() throws {
    #expect {
      try catalogue.allocator("hakmem-frozn")
    } throws: { error in
      guard case .unknownDesign("hakmem-frozn", let known, _)? = error as? DesignError else {
        return false
      }
      return known.first == "hakmem-frozen" && known.contains("glibc") && known.contains("pool")
    }
  }

  @Test func anUnknownToggleListsTheNearestFirst() throws {
    #expect {
      try catalogue.allocator("reuse,polcy=frozen")
    } throws: { error in
      guard case .unknownToggle("polcy", "reuse", let known, _)? = error as? DesignError else {
        return false
      }
      return known.first == "policy"
    }
  }

  @Test func anUnknownValueListsTheKnownOnes() throws {
    let header = try #require(Family.pool.toggles.first { $0.name == "header" })
    #expect(
      throws: DesignError.unknownValue(
        "8", toggle: "header", family: "pool", known: header.values, at: .option("pool,header=8"))
    ) { try catalogue.allocator("pool,header=8") }
  }

  @Test(arguments: [
    "", ",", "pool,", "pool,header", "pool,=16", "pool,header=", "pool,header=16,header=32",
    "glibc,header=16", "preload:", "preload:/does/not/exist.so", "/does/not/exist.yaml",
    "pool,header=16=17", "Pool", " pool",
  ])
  func badInputIsRefused(text: String) {
    #expect(throws: DesignError.self) { try catalogue.allocator(text) }
  }

  @Test func someoneElsesAllocatorIsNoOwnDesign() {
    #expect(throws: DesignError.self) { try catalogue.ownDesign("glibc") }
  }

  @Test func optimizationsApply() throws {
    let evolving = try catalogue.ownDesign("hakmem-evolving")
    #expect(try catalogue.apply("small-header", to: evolving).description == "reuse,header=16")
    #expect(try catalogue.apply("policy=frozen", to: evolving).description == "reuse,policy=frozen")
    #expect(throws: DesignError.self) { try catalogue.apply("direct-index", to: evolving) }
    #expect(throws: DesignError.self) { try catalogue.apply("small-heder", to: evolving) }
  }
}

@Suite struct PredictedEffects {
  @Test(arguments: [
    ("-150 ns", -150, -150, PredictedEffect.Unit.nanoseconds),
    ("+15..+20 % throughput", 15, 20, .percentOfThroughput),
    ("-3.5..-2 % time", -3.5, -2, .percentOfTime), ("0 ns", 0, 0, .nanoseconds),
  ])
  func readBackAsWritten(text: String, low: Double, high: Double, unit: PredictedEffect.Unit) throws
  {
    let effect = try #require(PredictedEffect(text, source: "001 §6"))
    #expect(effect.low == low && effect.high == high && effect.unit == unit)
    #expect(effect.description == text && effect.source == "001 §6")
  }

  @Test(arguments: [
    "", "-150", "ns", "-150ns", "150 s", "20..15 ns", "1..2..3 ns", "1e3 ns", "inf ns", "nan ns",
    "0x10 ns", ".. ns", "1.. ns", "-150 ns faster", "+15 %",
  ])
  func anythingElseIsRefused(text: String) {
    #expect(PredictedEffect(text, source: "001 §6") == nil)
  }

  /// Each changes something in hakmem as it was described, and contradicts nothing in it.
  @Test func optimizationsOfReuseApplyToHakmem() throws {
    let catalogue = try DesignCatalogue(models: models)
    let evolving = try catalogue.ownDesign("hakmem-evolving")
    for optimization in catalogue.optimizations where optimization.family == .reuse {
      #expect(try catalogue.apply(optimization.name, to: evolving) != evolving)
    }
  }
}

@Suite struct Contradictions {
  let catalogue: DesignCatalogue

  init() throws { catalogue = try DesignCatalogue(models: models) }

  @Test(arguments: [
    ("reuse,threshold=8MiB", "threshold", "policy"),
    ("hakmem-frozen,best-strategy=cached", "best-strategy", "policy"),
    ("reuse,policy=off,active-list=precomputed", "active-list", "policy"),
    ("reuse,random-test=integer,policy=off", "random-test", "policy"),
    ("reuse,header=16,bins=size-segregated", "bins", "header"),
    ("reuse,header=16,site-fields=cacheable", "site-fields", "header"),
    ("reuse,bins=size-segregated,cache-sites=256", "cache-sites", "bins"),
    ("reuse,cache=off,eviction=unmap", "eviction", "cache"),
    ("hakmem-minimal,cache-prefetch=on", "cache-prefetch", "cache"),
    ("hakmem-minimal,free-lists=on", "free-lists", "cache"),
    ("reuse,eviction=unmap,madvise=free", "madvise", "eviction"),
    ("reuse,eviction=unmap,arenas=on", "arenas", "eviction"),
    ("reuse,backing=glibc,heap=thread-local", "heap", "backing"),
  ])
  func areRefusedWithTheReason(text: String, toggle: String, other: String) throws {
    let error = try #require(throws: DesignError.self) { try catalogue.allocator(text) }
    guard case .contradiction(let found, _) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(found.setting.toggle == toggle && found.requirement.toggle == other)
    #expect(error.message.contains(found.requirement.reason))
    // The remedy works.
    let remedy = "\(other)=\(found.requirement.values[0])"
    let rest = text.split(separator: ",").filter { !$0.hasPrefix(other + "=") }
    #expect(throws: Never.self) {
      try catalogue.allocator((rest + [Substring(remedy)]).joined(separator: ","))
    }
    #expect(error.remedy?.contains(remedy) == true)
  }

  @Test(arguments: [
    "reuse,policy=frozen,threshold=8MiB", "reuse,policy=off,threshold=2MiB",
    "reuse,cache=thread-local,eviction=purge", "reuse,header=16,cache-prefetch=on",
  ])
  func whatHasAnEffectIsAccepted(text: String) throws {
    #expect(throws: Never.self) { try catalogue.allocator(text) }
  }

  @Test func optimizationsAreCheckedTogetherWithTheDesign() throws {
    let frozen = try catalogue.ownDesign("hakmem-frozen")
    #expect(throws: DesignError.self) { try catalogue.apply("cached-best-strategy", to: frozen) }
    #expect(throws: Never.self) {
      try catalogue.apply("cached-best-strategy,policy=learn", to: frozen)
    }
  }

  @Test func requirementsNameTogglesAndTheirValues() throws {
    for family in Family.all {
      for toggle in family.toggles {
        for requirement in toggle.requires {
          let other = try family.toggle(requirement.toggle, at: .option(toggle.name))
          #expect(Set(requirement.values).isSubset(of: other.values))
          #expect(other != toggle)
        }
      }
    }
  }
}

@Suite struct DesignFiles {
  /// Reads a design file with this text.
  private func read(_ text: String, holding kind: DesignFile.Kind = .design) throws -> DesignFile {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("design-\(UUID().uuidString).yaml")
    try text.write(to: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: path) }
    return try DesignFile(path: path.path, holding: kind)
  }

  /// Line and column of the error that reading this text gives.
  private func place(_ text: String) -> (line: Int, column: Int)? {
    do {
      _ = try read(text)
      return nil
    } catch let error as DesignError {
      let place: NamePlace
      switch error {
      case .unknownDesign(_, _, let at), .unknownToggle(_, _, _, let at),
        .unknownValue(_, _, _, _, let at), .syntax(_, let at), .unknownKey(_, _, let at),
        .missingKey(_, let at), .wrongKind(_, _, let at), .contradiction(_, let at):
        place = at
      default: return nil
      }
      guard case .file(_, let line, let column) = place else { return nil }
      return (line, column)
    } catch { return nil }
  }

  private let head = "name: x\nfamily: reuse\ndoc: d\nsource: s\n"

  @Test func valuesAreTakenAsWritten() throws {
    let file = try read(head + "toggles: {magic-check: off, header: 16}\n")
    #expect(file.design.description == "reuse,header=16,magic-check=off")
  }

  @Test func aValueMaySayWhereItComesFrom() throws {
    let file = try read(head + "toggles:\n  policy: {value: frozen, source: 001 §6}\n")
    #expect(file.changeSources == ["policy": "001 §6"])
  }

  @Test func errorsNameLineAndColumn() {
    let cases: [(String, Int, Int)] = [
      (head + "toggle: {}\n", 5, 1),
      ("name: x\nfamily: reus\ndoc: d\nsource: s\n", 2, 9),
      (head + "toggles:\n  polcy: learn\n", 6, 3),
      (head + "toggles:\n  policy: lern\n", 6, 11),
      (head + "toggles:\n  policy: {value: learn, sauce: x}\n", 6, 26),
      (head + "toggles: [policy]\n", 5, 10),
      (head + "predicted: {effect: -1 ns, source: s}\n", 5, 1),
      ("name: a,b\nfamily: reuse\ndoc: d\nsource: s\n", 1, 7),
      (head + "toggles:\n  cache: global\n  threshold: 8MiB\n", 7, 3),
      ("name: x\nfamily: [reuse]\ndoc: d\nsource: s\n", 2, 9),
      ("name: 'x\n", 2, 1), ("[]\n", 1, 1), ("", 1, 1),
    ]
    for (text, line, column) in cases {
      let found = place(text)
      #expect(
        found?.line == line && found?.column == column, "\(text) → \(String(describing: found))")
    }
  }

  @Test(arguments: ["name", "family", "doc", "source"])
  func aMissingKeyIsNamed(key: String) {
    let text = head.split(separator: "\n").filter { !$0.hasPrefix(key) }.joined(separator: "\n")
    #expect {
      try read(text)
    } throws: { error in
      if case .missingKey(key, _)? = error as? DesignError { true } else { false }
    }
  }

  @Test func aChangeMayLeaveWhatItRequiresToTheDesign() throws {
    let change = "toggles: {threshold: 8MiB}\n"
    #expect(try read(head + change, holding: .change).changes.count == 1)
    #expect(throws: DesignError.self) { try read(head + change) }
    #expect(throws: DesignError.self) {
      try read(head + "toggles: {threshold: 8MiB, policy: learn}\n", holding: .change)
    }
  }

  @Test func aChangeMaySayWhatIsPredicted() throws {
    let file = try read(
      head + "predicted: {effect: -150 ns, source: 001 §6}\n", holding: .change)
    #expect(file.predicted == PredictedEffect("-150 ns", source: "001 §6"))
    for wrong in [
      "{effect: -150, source: s}", "{effect: -150 ns}", "{source: s}", "-150 ns",
      "{effect: -150 ns, source: s, more: x}", "{effect: [-150 ns], source: s}",
    ] {
      #expect(throws: DesignError.self) {
        try read(head + "predicted: \(wrong)\n", holding: .change)
      }
    }
  }

  @Test func aKeyTwiceIsRefused() {
    #expect(throws: DesignError.self) { try read(head + "name: y\n") }
  }

  /// Runs `body` on a folder `models/` with these files.
  private func withModels(_ files: [String: String], _ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("models-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    for (path, text) in files {
      let file = folder.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    try body(folder)
  }

  /// In one family or in two: `--with NAME` must mean one thing.
  @Test(arguments: ["designs", "optimizations"])
  func aNameTwiceIsRefused(folder: String) throws {
    for second in ["pool", "reuse"] {
      let files = [
        folder + "/a/x.yaml": "name: x\nfamily: pool\ndoc: d\nsource: s\n",
        folder + "/b/x.yaml": "name: x\nfamily: \(second)\ndoc: d\nsource: s\n",
      ]
      try withModels(files) { models in
        let error = #expect(throws: DesignError.self) { try DesignCatalogue(models: models) }
        #expect(error?.message.contains("b/x.yaml:1:1: the name “x” is already taken") == true)
      }
    }
  }

  @Test func aWrongFileStopsOnlyWhatAsksForIt() throws {
    let files = [
      "designs/good.yaml": "name: good\nfamily: pool\ndoc: d\nsource: s\n",
      "designs/bad.yaml": "name: bad\nfamily: pool\ndoc: d\nsource: s\ntoggles:\n  header: 17\n",
      "optimizations/small.yaml":
        "name: small\nfamily: pool\ndoc: d\nsource: s\ntoggles: {header: 16}\n",
      "optimizations/wrong.yaml": "name: wrong\nfamily: [\n",
    ]
    try withModels(files) { models in
      let catalogue = DesignCatalogue(tolerating: models)
      #expect(catalogue.problems.map(\.name) == ["bad", "wrong"])
      let pool = try catalogue.ownDesign("good")
      #expect(try catalogue.apply("small", to: pool)["header"] == "16")
      for (name, place) in [("bad", "bad.yaml:6:11"), ("bad,prefetch=on", "bad.yaml:6:11")] {
        let error = #expect(throws: DesignError.self) { try catalogue.allocator(name) }
        #expect(error?.message.contains(place) == true, "\(error?.message ?? "")")
      }
      let error = #expect(throws: DesignError.self) { try catalogue.apply("wrong", to: pool) }
      #expect(error?.message.contains("wrong.yaml:") == true)
      // Another name that is unknown has nothing to do with them.
      let unknown = #expect(throws: DesignError.self) { try catalogue.allocator("goo") }
      #expect(unknown?.message.contains("there is no design") == true)
      #expect(unknown?.remedy?.contains("nearest first: good") == true)
      // Every named point can't be run when one can't be read.
      #expect(throws: DesignError.self) { try catalogue.variantsAndPoints(of: Family.all) }
    }
  }

  @Test func whereANameWasWrittenIsSaid() throws {
    let catalogue = try DesignCatalogue(models: models)
    let pool = try catalogue.ownDesign("pool")
    let errors =
      [
        ("--design poool: ", { _ = try catalogue.allocator("poool") }),
        ("argument poool: ", { _ = try catalogue.ownDesign("poool", at: .argument("poool")) }),
        ("--with smal: ", { _ = try catalogue.apply("smal", to: pool) }),
        ("--with header=1: ", { _ = try catalogue.apply("header=1", to: pool) }),
      ] as [(String, () throws -> Void)]
    for (beginning, body) in errors {
      let error = #expect(throws: DesignError.self, performing: body)
      #expect(error?.message.hasPrefix(beginning) == true, "\(error?.message ?? "")")
    }
  }
}

@Suite struct Names {
  @Test func editsAreCounted() {
    let cases: [(String, String, Int)] = [
      ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3),
      ("policy", "polciy", 1),
      ("header", "header", 0),
    ]
    for (first, second, distance) in cases {
      #expect(NearestNames.edits(Array(first), Array(second)) == distance)
    }
  }

  @Test func stepNamesReadBack() {
    for step in Step.allCases { #expect(Step(name: step.name) == step) }
    #expect(Step(name: "no-such-step") == nil)
    #expect(Step.translationWalk.name == "translation-walk")
  }
}

@Suite struct Variants {
  @Test func aDesignKnowsWhatDiffersFromItsFamilysDefaults() {
    for family in Family.all {
      #expect(Family(named: family.name) == family)
      #expect(Design(family: family).isDefault && Design(family: family).changes.isEmpty)
      #expect(Design(family: family).description == family.name)
    }
    #expect(Family(named: "pools") == nil)
    let design = Design(family: .pool, changes: ["header": "16", "bins": "60", "index": "direct"])
    #expect(!design.isDefault && design.values["bins"] == "60")
    #expect(design.changes == [Design.Setting(toggle: "header", value: "16")])
    #expect(design.description == "pool,header=16")
  }

  @Test(arguments: Family.all.map(\.name))
  func singleTogglesDifferInOneSettingAndWhatItRequires(name: String) throws {
    let family = try #require(Family(named: name))
    let variants = Design.singleToggleVariants(of: family)
    let values = family.toggles.flatMap { toggle in
      toggle.values.filter { $0 != toggle.defaultValue }
        .map { Design.Setting(toggle: toggle.name, value: $0) }
    }
    #expect(variants.count == 1 + values.count)
    #expect(Set(variants).count == variants.count)
    for (variant, wanted) in zip(variants.dropFirst(), values) {
      #expect(variant.contradiction == nil, "\(variant)")
      let changed = zip(variant.settings, variants[0].settings).filter { $0 != $1 }.map(\.0)
      #expect(changed.contains(wanted))
      let required = try family.toggle(wanted.toggle, at: .option("")).requires.map(\.toggle)
      #expect(changed.allSatisfy { $0 == wanted || required.contains($0.toggle) })
    }
  }

  @Test(arguments: Family.all.map(\.name))
  func combinationsOccurOnceUnlessTheyContradict(name: String) throws {
    let family = try #require(Family(named: name))
    let values = family.toggles.flatMap { toggle in
      toggle.values.filter { $0 != toggle.defaultValue }.map { (toggle.name, $0) }
    }
    var expected = [Set([Design(family: family)]), [], []]
    for (index, first) in values.enumerated() {
      expected[1].insert(Design(family: family, changes: [first.0: first.1]))
      for second in values[index...] where second.0 != first.0 {
        expected[2].insert(
          Design(family: family, changes: [first.0: first.1, second.0: second.1]))
      }
    }
    for toggles in 0...2 {
      let variants = Design.variants(of: family, changing: toggles)
      #expect(Set(variants).count == variants.count)
      #expect(Set(variants) == expected[toggles].filter { $0.contradiction == nil })
    }
  }

  /// With a variant left out, what its values change must still be known from another.
  @Test func everyValueHasASecondVariantWhereAnotherToggleAllowsIt() {
    for family in Family.all {
      let pairs = Design.variants(of: family, changing: 2)
      let variants = Design.variants(of: family, limit: 0)
      for toggle in family.toggles {
        for value in toggle.values where value != toggle.defaultValue {
          guard pairs.contains(where: { $0[toggle.name] == value }) else { continue }
          let having = variants.filter { $0[toggle.name] == value }
          #expect(having.count > 1, "\(family.name),\(toggle.name)=\(value): \(having)")
        }
      }
    }
  }

  /// Beside a lock other changes cost less than without one.
  @Test func aChangeThatDoesNotLockHasASecondVariantThatDoesNotEither() {
    var found = 0
    for family in Family.all {
      let variants = Design.variants(of: family, limit: 0).filter { !$0.locks }
      let pairs = Design.variants(of: family, changing: 2).filter { !$0.locks }
      for one in Design.singleToggleVariants(of: family) where !one.changes.isEmpty && !one.locks {
        func holdsMore(_ other: Design) -> Bool {
          other != one && Set(one.changes).isSubset(of: other.changes)
        }
        guard pairs.contains(where: holdsMore) else { continue }
        #expect(variants.contains(where: holdsMore), "\(one)")
        found += 1
      }
    }
    #expect(found > 30)
  }

  @Test func aLimitCutsPairsThatNoValueNeeds() {
    for family in Family.all {
      let needed = Design.variants(of: family, limit: 0)
      #expect(needed.starts(with: Design.singleToggleVariants(of: family)))
      for limit in 1...40 {
        let variants = Design.variants(of: family, limit: limit)
        #expect(Set(variants).count == variants.count)
        #expect(variants.starts(with: needed))
        #expect(variants.count <= max(limit, needed.count))
        #expect(variants.allSatisfy { $0.contradiction == nil })
      }
    }
  }
}
