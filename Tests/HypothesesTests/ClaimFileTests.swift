import Designs
import Foundation
import Platform
import Testing

@testable import Hypotheses

private let good = """
  - id: good
    claim: a free list is popped in 3 ns
    section: "3.3"
    quantity: cost(free-list-pop)
    claimed: 3 ns
    rule: within factor 2
  """

/// Read once for all tests.
private let bundledVocabulary = Result {
  try ClaimLibrary(models: models, traces: traces, files: []).vocabulary
}

/// A row in which one line is replaced, or one more is added.
private func row(_ key: String, _ text: String?) -> String {
  var lines = good.replacing("id: good", with: "id: other").split(separator: "\n").map(String.init)
  let line = text.map { "  \(key): \($0)" }
  if let index = lines.firstIndex(where: { $0.contains(" \(key): ") }) {
    if let line {
      lines[index] = key == "id" ? line.replacing("  id", with: "- id") : line
    } else {
      lines.remove(at: index)
    }
  } else if let line {
    lines.append(line)
  }
  return lines.joined(separator: "\n")
}

@Suite struct ClaimFiles {
  let vocabulary: ClaimVocabulary
  let folder: PrivateFolder

  init() throws {
    vocabulary = try bundledVocabulary.get()
    folder = try PrivateFolder()
  }

  private func read(_ rows: String..., head: String = "") throws -> ClaimFile {
    let path = folder.file("claims.yaml")
    let text = """
      seed: "001"
      workload: vm-scenario
      designs: [hakmem-evolving, glibc]
      standIn: reuse in place of hakmem
      \(head)claims:

      """
    try (text + rows.joined(separator: "\n") + "\n").write(
      toFile: path, atomically: true, encoding: .utf8)
    return ClaimFile(path: path, vocabulary: vocabulary)
  }

  /// Key and text of a bad line, what the message must say and what the remedy must.
  @Test(arguments: [
    ("qantity", "1", "unknown key “qantity”", "quantity"),
    ("claimed", "3 furlongs", "no unit “furlongs”", "ns"),
    ("claimed", "3", "“claimed” must be", "claims.md"),
    ("claimed", "x ns", "“claimed” must be", "claims.md"),
    ("claimed", "5..3 ns", "“claimed” must be", "claims.md"),
    ("claimed", "3 bytes", "can't be claimed in bytes", "ns"),
    ("claimed", "0 ns", "all on one side of zero", "claims.md"),
    ("quantity", "cost(free-list-popp)", "no step or component “free-list-popp”", "free-list-pop"),
    ("quantity", "time(A) +", "character 10", "claims.md"),
    ("quantity", "payoff(A, small-heder)", "small-heder", "small-header"),
    ("quantity", "payoff(A, \"header=17\")", "can't be “17”", "16"),
    ("quantity", "cost(free-list-pop, B)", "needs a whole model", "compare"),
    ("quantity", "scaling(A) × 1 ns", "threads that run at once", "threads: recorded"),
    ("quantity", "study(sorting-time)", "in a study only", "study: score-caching"),
    ("designs", "[hakmem-evolvin]", "hakmem-evolvin", "hakmem-evolving"),
    ("designs", "[\"reuse,header=17\"]", "can't be “17”", "16"),
    ("designs", "[\"reuse,haeder=16\"]", "no toggle “haeder”", "header"),
    ("designs", "[pool, reuse, tiered]", "one or two designs", "claims.md"),
    ("designs", "reuse", "must be a list", "claims.md"),
    ("section", "\"3.9\"", "no section of 001 “3.9”", "3."),
    ("seed", "\"005\"", "no seed “005”", "00"),
    ("workload", "vm-scenari", "no workload “vm-scenari”", "vm-scenario"),
    ("workload", "{recipe: mv}", "isn't a recipe", "generate --list"),
    ("workload", "{recipe: vm, parameters: {batches: 3}}", "no parameter", "key=value"),
    ("workload", "{recipe: vm, trace: cc1}", "exactly one of", "claims.md"),
    ("workload", "{trace: cc2}", "no trace “cc2”", "cc1"),
    ("workload", "{trace: cc1, touch: some}", "no touch “some”", "none"),
    ("workload", "{trace: cc1, loops: 0}", "whole number from 1", "claims.md"),
    ("workload", "{study: score-cashing}", "no study", "score-caching"),
    ("workload", "{study: score-caching}", "population", "claims.md"),
    ("workload", "{study: score-caching, parameters: {population: 1}}", "from 2", "claims.md"),
    ("workload", "{trace: cc1, parameters: {events: 3}}", "nothing of a trace", "leave it out"),
    ("workload", "{trace: cc1, seed: 2}", "nothing of a trace", "leave it out"),
    (
      "workload", "{study: score-caching, parameters: {population: 9}, loops: 2}",
      "nothing of a study", "leave it out"
    ),
    ("rule", "roughly", "“rule” must be", "claims.md"),
    ("rule", "equals within -5 %", "“rule” must be", "claims.md"),
    ("rule", "within factor 1", "“rule” must be", "claims.md"),
    ("rule", "between", "a range", "claims.md"),
    ("id", "a b", "letters, digits and hyphens", "claims.md"),
    ("id", "good", "already taken", "another id"),
    ("expected", "maybe", "no verdict “maybe”", "supported"),
    ("notTestable", "it needs Windows", "no effect", "remove"),
    ("source", "a paper", "either a source or a seed", "remove"),
    ("against", "{section: \"9.9\"}", "no section of 001 “9.9”", "known"),
    ("against", "{seed: \"009\", section: \"1\"}", "no seed “009”", "known"),
    ("assumes", "[{step: magic-chek, times: 1 count}]", "no step “magic-chek”", "magic-check"),
    ("assumes", "[{step: magic-check}]", "neither how often nor how much", "times"),
    ("assumes", "[{step: magic-check, cost: 3 bytes}]", "can't be claimed in bytes", "ns"),
    ("claim", "[a, list]", "“claim” must be a text", "claims.md"),
    ("claim", "a\n  claim: b", "occurs twice", "claims.md"),
    ("workload", "{trace: claims.yaml}", "claims.yaml", "mallometer"),
    ("quantity", "cost(header-read) + cost(header-operations)", "header-read twice", "single"),
    ("sameAs", "god", "no claim “god”", "good"),
    ("sameAs", "good\n  section: summary\n  id: other", "occurs twice", "claims.md"),
  ])
  func badRows(key: String, text: String, message: String, remedy: String) throws {
    let path = folder.file("claims.yaml")
    let file = try read(good, row(key, text), good.replacing("id: good", with: "id: last"))
    let library = ClaimLibrary(files: [path], vocabulary: vocabulary)
    #expect(file.claims.contains { $0.id == "last" })
    #expect(library.claims.map(\.id) == ["good", "last"])
    try #require(library.errors.count == 1)
    let error = library.errors[0]
    #expect(error.message.contains(message), "\(error.message)")
    #expect(error.remedy?.contains(remedy) == true, "\(error.remedy ?? "none")")
    let place = try #require(error.message.firstMatch(of: /claims\.yaml:(\d+):\d+/))
    #expect((12...20).contains(Int(place.1) ?? 0), "\(error.message)")
  }

  @Test(arguments: ["id", "claim", "quantity", "claimed", "rule", "section"])
  func missingKeys(key: String) throws {
    let broken =
      key == "id" ? row("id", nil).replacing("  claim:", with: "- claim:") : row(key, nil)
    let file = try read(good, broken)
    #expect(file.claims.map(\.id) == ["good"])
    try #require(file.errors.count == 1)
    #expect(file.errors[0].message.contains("the key “\(key)” is missing"))
    #expect(file.errors[0].remedy?.contains("claims.md") == true)
  }

  @Test func rowsThatAreNoMappingsHarmNobody() throws {
    let file = try read(good, "- just a text", good.replacing("good", with: "last"))
    #expect(file.claims.map(\.id) == ["good", "last"])
    #expect(file.errors.count == 1)
    #expect(file.errors[0].message.contains("must be a mapping"))
  }

  @Test func badHeads() throws {
    let unknown = try read(good, head: "sede: x\n")
    #expect(unknown.claims.map(\.id) == ["good"], "its rows are judged all the same")
    #expect(unknown.errors.count == 1)
    #expect(unknown.errors[0].message.contains("unknown key “sede”"))
    let path = folder.file("broken.yaml")
    for text in ["", "claims: 3\n", "[", "seed: \"001\"\n", "a: b: c\n"] {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      let file = ClaimFile(path: path, vocabulary: vocabulary)
      #expect(file.claims.isEmpty && file.errors.count == 1, "\(text)")
      #expect(file.errors.first?.message.contains("broken.yaml") == true)
    }
    let missing = ClaimFile(path: folder.file("absent.yaml"), vocabulary: vocabulary)
    #expect(missing.errors.count == 1)
  }

  @Test func unreadableRowsAreKnownById() throws {
    let file = try read(
      good, row("qantity", "1").replacing("other", with: "one"),
      row("claim", "a\n  claim: b").replacing("other", with: "two"),
      row("claim", "\"a\" b").replacing("other", with: "three"),
      good.replacing("id: good", with: "id: last"))
    #expect(file.claims.map(\.id) == ["good", "last"])
    #expect(Set(file.unreadable) == ["one", "two", "three"])
    #expect(file.errors.count == 3)
    // Nothing else is left of it.
    let single = try read(row("claim", "a\n  claim: b"))
    #expect(single.claims.isEmpty && single.errors.count == 1 && single.unreadable == ["other"])
  }

  @Test func repeatsAreOfTheSame() throws {
    let path = folder.file("claims.yaml")
    _ = try read(good, row("sameAs", "good"))
    let both = ClaimLibrary(files: [path], vocabulary: vocabulary)
    #expect(both.errors.isEmpty && both.claims.last?.sameAs == "good")
    _ = try read(good, row("sameAs", "good").replacing("3 ns\n", with: "4 ns\n"))
    let other = ClaimLibrary(files: [path], vocabulary: vocabulary)
    #expect(other.claims.map(\.id) == ["good"] && other.unreadable == ["other"])
    #expect(other.errors.first?.message.contains("something else") == true)
  }

  @Test func expectedVerdictsAreReadStrictly() throws {
    let path = folder.file("expected.yaml")
    let text = ExpectedVerdicts.text([("a", .refuted), ("b", .neverExecuted)])
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let read = ExpectedVerdicts(path: path, ids: ["a", "b"])
    #expect(read.errors.isEmpty && read.verdicts == ["a": .refuted, "b": .neverExecuted])
    try (text + "c: refuted\nd: maybe\n").write(toFile: path, atomically: true, encoding: .utf8)
    let bad = ExpectedVerdicts(path: path, ids: ["a", "b", "d"])
    #expect(bad.verdicts.count == 2 && bad.errors.count == 2)
    #expect(bad.errors[0].message.contains("expected.yaml:4:"))
    #expect(bad.errors[0].message.contains("no claim “c”"))
    #expect(bad.errors[1].message.contains("no verdict “maybe”"))
    #expect(ExpectedVerdicts(path: folder.file("absent.yaml"), ids: nil).errors.count == 1)
  }

  @Test func filesThatAreNoYAMLHarmNoOthers() throws {
    let broken = folder.file("broken.yaml")
    try "claims: [".write(toFile: broken, atomically: true, encoding: .utf8)
    _ = try read(good)
    let library = ClaimLibrary(
      files: [broken, folder.file("claims.yaml")], vocabulary: vocabulary)
    #expect(library.claims.map(\.id) == ["good"])
    #expect(library.errors.count == 1)
  }

  @Test func everythingThatARowSays() throws {
    let file = try read(
      """
        - id: whole
          claim: freezing saves 150 ns
          source: a colleague
          quantity: payoff(A, frozen-policy) × events ÷ allocations
          workload: {recipe: vm, parameters: {batch: 1, events: 200}, touch: none, seed: 7, loops: 3}
          designs: [hakmem-evolving]
          claimed: 100..200 ns
          rule: equals within 10 %
          standIn: none
          expected: never executed
          assumes:
            - {step: policy-selection, per: free-call, times: 1 count, cost: 150 ns}
      """)
    try #require(file.errors.isEmpty && file.claims.count == 1)
    let claim = file.claims[0]
    #expect(claim.source == .text("a colleague") && claim.source.seed == nil)
    #expect(claim.claimed == ClaimedValue(low: 100, high: 200, unit: .nanoseconds))
    #expect(claim.rule == .equals(within: 0.1))
    #expect(claim.expected == .neverExecuted && !claim.isContradiction)
    guard case .experiment(let experiment) = claim.trial else {
      Issue.record("no experiment")
      return
    }
    let workload = try #require(experiment.workload)
    #expect(workload.origin == .recipe("vm", parameters: ["batch=1", "events=200"]))
    #expect(workload.seed == 7 && workload.loops == 3 && workload.touch == .none)
    #expect(experiment.standIn == nil)
    #expect(experiment.design(.first)?.design?.family == .reuse)
    #expect(experiment.design(.second) == nil)
    let assumption = try #require(experiment.assumptions.first)
    #expect(assumption.component.name == "policy-selection" && assumption.per == .freeCall)
    #expect(assumption.times?.description == "1 count")
    #expect(assumption.cost?.description == "150 ns")
  }

  @Test func whatAFileSaysHoldsForItsRows() throws {
    let file = try read(good)
    guard case .experiment(let experiment)? = file.claims.first?.trial else {
      Issue.record("no experiment")
      return
    }
    #expect(experiment.workload?.name == "vm-scenario")
    #expect(experiment.designs.map(\.text) == ["hakmem-evolving", "glibc"])
    #expect(experiment.standIn == "reuse in place of hakmem")
    #expect(file.claims[0].source.description.hasSuffix(".txt, 3.3 Optimized Large Block Handling"))
  }

  @Test func notTestableRowsNeedAReasonOnly() throws {
    let file = try read(
      """
        - id: windows
          claim: it is slow on Windows
          section: summary
          claimed: 30 %
          notTestable: it needs Windows
      """)
    #expect(file.errors.isEmpty)
    #expect(file.claims.first?.trial == .notTestable(reason: "it needs Windows"))
    #expect(file.claims.first?.quantity == nil && file.claims.first?.rule == nil)
  }
}

@Suite struct Rules {
  @Test(arguments: [
    "equals within 25 %", "equals within 0 %", "between", "at least", "at most", "sign",
    "order of magnitude", "within factor 1.5",
  ])
  func writtenAsRead(text: String) {
    #expect(Rule(text)?.description == text)
  }

  @Test(arguments: [
    ("equals within 10 %", "100 ns", 90.0, 110.0), ("equals within 10 %", "-100 ns", -110, -90),
    ("equals within 50 %", "10..20 ns", 5, 30), ("between", "3..5 ns", 3, 5),
    ("within factor 2", "10 ns", 5, 20), ("within factor 2", "-10 ns", -20, -5),
  ])
  func accepts(rule: String, claimed: String, low: Double, high: Double) throws {
    let rule = try #require(Rule(rule))
    let value = try ClaimedValue(claimed, at: .option(""))
    #expect(rule.accepts(low, for: value) && rule.accepts(high, for: value))
    #expect(!rule.accepts(low - 0.01, for: value) && !rule.accepts(high + 0.01, for: value))
    #expect(rule.misfit(of: value) == nil)
  }

  @Test func boundsAndSigns() throws {
    let five = try ClaimedValue("+5 %", at: .option(""))
    #expect(Rule.atLeast.accepts(5, for: five) && !Rule.atLeast.accepts(4.9, for: five))
    #expect(Rule.atMost.accepts(-50, for: five) && !Rule.atMost.accepts(5.1, for: five))
    #expect(Rule.sign.accepts(0.1, for: five) && !Rule.sign.accepts(0, for: five))
    #expect(!Rule.sign.accepts(-5, for: five))
    let down = try ClaimedValue("-5 %", at: .option(""))
    #expect(Rule.sign.accepts(-0.1, for: down) && !Rule.sign.accepts(0, for: down))
    let (low, high) = Rule.atLeast.accepted(for: five)
    #expect(low == 5 && high == nil)
  }

  @Test func dimensionsOfUnits() {
    for unit in ClaimUnit.allCases {
      #expect(ClaimUnit(name: unit.rawValue) == unit)
      #expect(unit.dimension.units.contains(unit))
      #expect(unit.scale(coreGHz: 2) > 0)
    }
    #expect(ClaimUnit.cycles.scale(coreGHz: 4) == 0.25)
    #expect(ClaimUnit(name: "percent") == .percent && ClaimUnit(name: "us") == .microseconds)
  }
}
