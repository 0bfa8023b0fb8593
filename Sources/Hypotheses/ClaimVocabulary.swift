import Designs
import Foundation
import Traces

/// What claims may name: designs, sources, components, workloads and traces.
public struct ClaimVocabulary: Sendable {
  /// Designs and optimisations.
  public let catalogue: DesignCatalogue
  /// The documents of `sections.yaml`.
  public let seeds: [SeedDocument]
  /// The components of `components.yaml`.
  public let components: [Component]
  /// The workloads of `workloads.yaml`, each with its name.
  public let workloads: [ClaimWorkload]
  /// Bundled traces, by name without `.mlt`, sorted.
  public let traces: [String]

  /// The files of `models/hypotheses` that hold no claims.
  static let files = [
    "sections.yaml", "components.yaml", "workloads.yaml", ExpectedVerdicts.bundled,
  ]

  /// Reads the vocabulary of `models/hypotheses`. An entry that can't be understood is left out,
  /// and its error is among the errors.
  /// - Parameters:
  ///   - hypotheses: the folder `models/hypotheses`.
  ///   - traces: the folder of the bundled traces.
  static func read(
    hypotheses: URL, catalogue: DesignCatalogue, traces: URL
  ) -> (vocabulary: ClaimVocabulary, errors: [ClaimError]) {
    let names = BundledTraces(folder: traces).names
    let sections = SeedDocument.read(path: hypotheses.appendingPathComponent(files[0]).path)
    let components = entries(of: hypotheses.appendingPathComponent(files[1])) {
      (name, entry) throws(ClaimError) in try Component(entry, name: name)
    }
    let workloads = entries(of: hypotheses.appendingPathComponent(files[2])) {
      (name, entry) throws(ClaimError) in
      try ClaimWorkload(entry, name: name, traces: names)
    }
    return (
      ClaimVocabulary(
        catalogue: catalogue, seeds: sections.documents, components: components.found,
        workloads: workloads.found, traces: names),
      sections.errors + components.errors + workloads.errors
    )
  }

  /// Reads a file that maps names to mappings.
  private static func entries<T>(
    of file: URL, _ read: (String, StrictMapping) throws(ClaimError) -> T
  ) -> (found: [T], errors: [ClaimError]) {
    var found: [T] = []
    var errors: [ClaimError] = []
    let whole: StrictMapping
    do throws(DesignError) {
      whole = try StrictMapping(path: file.path)
    } catch {
      return ([], [.reading(error)])
    }
    for name in whole.keys {
      do throws(ClaimError) {
        let entry = try ClaimError.wrapping { () throws(DesignError) in try whole.mapping(name) }
        if let entry { found.append(try read(name, entry)) }
      } catch {
        errors.append(error)
      }
    }
    return (found, errors)
  }
}

extension Component {
  /// Reads `{doc, steps, per}`; without `per` the first step is what is counted.
  fileprivate init(_ entry: StrictMapping, name: String) throws(ClaimError) {
    let (doc, texts, per) = try ClaimError.wrapping { () throws(DesignError) in
      try entry.allow(["doc", "steps", "per"])
      return (
        try entry.text("doc").text, try entry.texts("steps"), try entry.optionalText("per")
      )
    }
    var steps: [Step] = []
    for (text, place) in texts { steps.append(try Step(claimed: text, at: place)) }
    guard let first = steps.first else {
      throw .malformed("steps", "", "a list of at least one step", at: entry.place)
    }
    let counted: Step
    if let per { counted = try Step(claimed: per.text, at: per.place) } else { counted = first }
    self.init(name: name, doc: doc, steps: steps, per: counted)
  }
}

extension Step {
  /// The step of a name in a file of claims.
  init(claimed name: String, at place: NamePlace) throws(ClaimError) {
    guard let step = Step(name: name) else {
      let known = NearestNames.sorted(Step.allCases.map(\.name), by: name)
      throw .unknown("step", name, known: Array(known.prefix(12)), at: place)
    }
    self = step
  }
}
