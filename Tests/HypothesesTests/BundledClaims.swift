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

  @Test func mostClaimsCanBeTestedHere() {
    let untestable = library.claims.filter {
      if case .notTestable = $0.trial { return true }
      return false
    }
    #expect(untestable.count * 10 <= library.claims.count)
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
