import Designs
import Foundation
import TestSupport
import Testing

@testable import Hypotheses

let models = repository.appendingPathComponent("models")
let traces = repository.appendingPathComponent("traces")

/// Read once for all tests.
private let bundled = Result { try ClaimLibrary(models: models, traces: traces) }

@Suite struct BundledClaims {
  let library: ClaimLibrary

  init() throws { library = try bundled.get() }

  @Test func everyRowIsRead() {
    for error in library.errors { Issue.record("\(error)") }
    #expect(library.errors.isEmpty)
  }

  /// A file is read by itself as it is among the others: what it repeats may be in another.
  @Test func everyFileIsReadAlone() throws {
    let files = Set(library.claims.compactMap { $0.place.position?.file })
    #expect(files.count > 5)
    for file in files {
      let alone = try ClaimLibrary(models: models, traces: traces, files: [file])
      #expect(alone.errors.isEmpty, "\(file): \(alone.errors.map(\.message))")
      #expect(!alone.claims.isEmpty)
    }
  }

  @Test(arguments: [("000", 20), ("001", 90), ("002", 32), ("003", 20), ("004", 12)])
  func everyDocumentHasItsRows(seed: String, least: Int) {
    let ordinary = library.claims.filter { $0.source.seed == seed && !$0.isContradiction }
    #expect(ordinary.count >= least, "\(seed): \(ordinary.count)")
    #expect(Set(library.claims.map(\.id)).count == library.claims.count)
  }

  /// Every row names a section that its document's list has, and no list holds one twice.
  @Test func everySectionIsListed() throws {
    #expect(library.vocabulary.seeds.map(\.number) == ["000", "001", "002", "003", "004"])
    for seed in library.vocabulary.seeds {
      #expect(Set(seed.sections.map(\.name)).count == seed.sections.count)
      #expect(Set(seed.sections.map(\.title)).count == seed.sections.count)
    }
    for claim in library.claims {
      for case .section(let document, let section)? in [claim.source, claim.against] {
        #expect(document.sections.contains(section), "\(claim.id)")
        #expect(claim.id.hasPrefix(claim.source.seed ?? "?"), "\(claim.id)")
      }
    }
  }

  /// What is measured or counted here, against all that the documents say. What only repeats another
  /// row is counted once, and where documents contradict themselves nothing can be measured.
  @Test func mostClaimsAreMeasuredHere() {
    let once = library.claims.filter { $0.sameAs == nil && !$0.isContradiction }
    let tried = once.count { $0.kind == .measured || $0.kind == .counted }
    #expect(tried * 100 >= once.count * 60, "\(tried) of \(once.count)")
    #expect(once.count >= 180)
    #expect(once.count { $0.kind == nil } * 10 <= once.count)
  }

  @Test func whatIsSaidTwiceIsCountedOnce() {
    for (index, claim) in library.claims.enumerated() where claim.sameAs == nil {
      for other in library.claims[(index + 1)...] where other.sameAs == nil && claim.kind != nil {
        #expect(!other.repeats(claim), "\(other.id) repeats \(claim.id)")
      }
    }
  }

  /// What two rows say differently of one quantity can't be true of both: a rule that lets both
  /// pass judges neither. Figures within 5 % are the same.
  @Test func whatExcludesEachOtherIsNotAcceptedTogether() {
    let judged = library.claims.filter { $0.quantity != nil && $0.rule != nil }
    for (index, claim) in judged.enumerated() {
      for other in judged[(index + 1)...] where sameQuantity(claim, other) {
        let (one, two) = (claim.claimed, other.claimed)
        let scale = (one.unit.scale(coreGHz: 3), two.unit.scale(coreGHz: 3))
        let gap = max(
          two.low * scale.1 - one.high * scale.0, one.low * scale.0 - two.high * scale.1)
        let size = max(abs(one.high * scale.0), abs(two.high * scale.1))
        guard gap > 0.05 * size, let first = claim.rule, let second = other.rule else { continue }
        let (a, b) = (first.accepted(for: one), second.accepted(for: two))
        let low = max((a.low ?? -.infinity) * scale.0, (b.low ?? -.infinity) * scale.1)
        let high = min((a.high ?? .infinity) * scale.0, (b.high ?? .infinity) * scale.1)
        #expect(low > high, "\(claim.id) and \(other.id) both accept \(low) to \(high)")
      }
    }
  }

  /// Cycles are another machine's: what they are in nanoseconds no document says.
  private func sameQuantity(_ claim: Claim, _ other: Claim) -> Bool {
    guard (claim.claimed.unit == .cycles) == (other.claimed.unit == .cycles),
      claim.quantity == other.quantity
    else { return false }
    guard case .experiment(let one) = claim.trial, case .experiment(let two) = other.trial else {
      return claim.kind == other.kind
    }
    return one.workload == two.workload
      && one.designs.map(\.allocator) == two.designs.map(\.allocator)
  }

  /// A payoff or a total rests on how often its steps are executed, as far as its source says so.
  @Test func predictionsSayWhatTheyRestOn() {
    let resting = library.claims.count {
      if case .experiment(let experiment) = $0.trial { return !experiment.assumptions.isEmpty }
      return false
    }
    #expect(resting >= 60, "\(resting)")
  }

  @Test func everyContradictionIsShownByItsArithmetic() throws {
    #expect(library.contradictions.count >= 30)
    for claim in library.contradictions {
      let (quantity, rule) = try #require(arithmetic(claim), "\(claim.id)")
      #expect(!rule.accepts(value(quantity, claim), for: claim.claimed), "\(claim.id)")
      #expect(claim.expected == .refuted, "\(claim.id)")
    }
  }

  /// Sums that a document gets right, apart from those that the arithmetic refutes.
  @Test func otherArithmeticIsRightButForTheKnownErrors() throws {
    let wrong = library.claims.filter { claim in
      guard !claim.isContradiction, let (quantity, rule) = arithmetic(claim) else { return false }
      return !rule.accepts(value(quantity, claim), for: claim.claimed)
    }
    #expect(Set(wrong.map(\.id)) == ["001-header-lines", "003-sum-pool-amortised"])
    #expect(wrong.allSatisfy { $0.expected == .refuted })
  }

  @Test func componentsAndWorkloadsAreUsed() {
    let text = library.claims.compactMap { $0.quantity?.description }.joined(separator: "\n")
    for component in library.vocabulary.components {
      #expect(text.contains("(\(component.name)"), "\(component.name)")
    }
    let used = Set(
      library.claims.compactMap { claim -> String? in
        guard case .experiment(let experiment) = claim.trial else { return nil }
        return experiment.workload?.name
      })
    #expect(used == Set(library.vocabulary.workloads.compactMap(\.name)))
  }

  /// Whoever tries a claim on a design of the same scheme says so.
  @Test func ownDesignsAreStandIns() {
    for claim in library.claims {
      guard case .experiment(let experiment) = claim.trial else { continue }
      let own = experiment.designs.contains { $0.design != nil }
      #expect(!own || experiment.standIn != nil, "\(claim.id)")
    }
  }

  private func arithmetic(_ claim: Claim) -> (Quantity, Rule)? {
    guard case .arithmetic(let quantity, let rule) = claim.trial else { return nil }
    return (quantity, rule)
  }

  private func value(_ quantity: Quantity, _ claim: Claim) -> Double {
    (quantity.constantValue(coreGHz: 4) ?? .nan) / claim.claimed.unit.scale(coreGHz: 4)
  }
}
