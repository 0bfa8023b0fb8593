import Designs

/// One row of a file of claims while it is read.
struct ClaimRow {
  static let keys = [
    "id", "claim", "seed", "section", "source", "quantity", "workload", "designs", "claimed",
    "rule", "standIn", "notTestable", "against", "assumes", "expected", "sameAs",
  ]

  typealias Text = (text: String, place: NamePlace)

  let row: StrictMapping
  /// What the row doesn't say of seed, section, workload, designs and stand-in, its file does.
  let file: StrictMapping
  let vocabulary: ClaimVocabulary

  init(
    _ row: StrictMapping, file: StrictMapping, vocabulary: ClaimVocabulary
  ) throws(ClaimError) {
    self.row = row
    self.file = file
    self.vocabulary = vocabulary
    try ClaimError.wrapping { () throws(DesignError) in try row.allow(Self.keys) }
  }

  func claim() throws(ClaimError) -> Claim {
    let (id, place) = try text("id")
    guard id.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) else {
      throw .malformed("id", id, "letters, digits and hyphens", at: place)
    }
    let claimed = try text("claimed")
    let value = try ClaimedValue(claimed.text, at: claimed.place)
    return Claim(
      id: id, claim: try text("claim").text, source: try source(), against: try against(),
      claimed: value, trial: try trial(value, at: claimed.place), expected: try expected(),
      sameAs: try optional("sameAs")?.text, place: place)
  }

  // MARK: Sources

  private func source() throws(ClaimError) -> ClaimSource {
    if let source = try optional("source") {
      for key in ["seed", "section"] where row.keys.contains(key) {
        throw .unusable(
          "a claim", "has either a source or a seed and section, not both",
          remedy: "remove one of the two", at: source.place)
      }
      return .text(source.text)
    }
    guard let seed = try inherited("seed") else {
      throw .reading(.missingKey("seed", at: row.place))
    }
    guard let section = try inherited("section") else {
      throw .reading(.missingKey("section", at: row.place))
    }
    return try self.section(section, of: seed)
  }

  private func against() throws(ClaimError) -> ClaimSource? {
    guard let entry = try wrapped({ () throws(DesignError) in try row.mapping("against") })
    else { return nil }
    let (seed, section) = try wrapped { () throws(DesignError) in
      try entry.allow(["seed", "section"])
      return (try entry.optionalText("seed"), try entry.text("section"))
    }
    if let seed { return try self.section(section, of: seed) }
    guard let document = try inherited("seed") else {
      throw .reading(.missingKey("seed", at: entry.place))
    }
    return try self.section(section, of: document)
  }

  private func section(_ section: Text, of seed: Text) throws(ClaimError) -> ClaimSource {
    let seeds = vocabulary.seeds
    guard let document = seeds.first(where: { $0.number == seed.text }) else {
      throw .unknown(
        "seed", seed.text, known: NearestNames.sorted(seeds.map(\.number), by: seed.text),
        at: seed.place)
    }
    let named = document.sections.first {
      $0.name == section.text || $0.title == section.text
    }
    guard let named else {
      throw .unknown(
        "section of \(document.number)", section.text,
        known: NearestNames.sorted(document.sections.map(\.name), by: section.text),
        at: section.place)
    }
    return .section(document, named)
  }

  // MARK: The trial

  private func trial(_ claimed: ClaimedValue, at place: NamePlace) throws(ClaimError)
    -> Claim.Trial
  {
    if let reason = try optional("notTestable") {
      for key in ["quantity", "rule", "workload", "designs", "standIn", "assumes"]
      where row.keys.contains(key) {
        throw .unusable(
          "“\(key)”", "has no effect on a claim that is not testable",
          remedy: "remove it, or notTestable", at: reason.place)
      }
      return .notTestable(reason: reason.text)
    }
    let text = try text("quantity")
    let parsed: ParsedQuantity
    do throws(QuantityError) {
      parsed = try ParsedQuantity(text.text, components: vocabulary.components)
    } catch {
      throw .quantity(error, text: text.text, at: text.place)
    }
    guard parsed.dimension == claimed.unit.dimension else {
      throw .wrongUnit(claimed.unit, of: parsed.dimension, at: place)
    }
    let written = try self.text("rule")
    let rule = try Rule(written.text, at: written.place)
    if let expected = rule.misfit(of: claimed) {
      throw .malformed("claimed", claimed.description, expected, at: place)
    }
    if parsed.quantity.isConstant { return .arithmetic(parsed.quantity, rule) }
    return .experiment(try experiment(parsed, text, rule))
  }

  private func experiment(
    _ parsed: ParsedQuantity, _ text: Text, _ rule: Rule
  ) throws(ClaimError) -> Claim.Experiment {
    let needsWorkload = parsed.mentions.contains {
      if case .isolatedCost = $0.measure { return false }
      return true
    }
    let workload = needsWorkload ? try self.workload() : nil
    let needsDesigns = parsed.mentions.contains { !$0.measure.sides.isEmpty }
    let designs = needsDesigns || row.keys.contains("designs") ? try self.designs() : []
    if let (step, first, second) = parsed.quantity.stepChargedTwice {
      throw .unusable(
        "the sum", "charges \(step.name) twice, in \(first) and in \(second)",
        remedy: "add up single steps, or a component without what is in it", at: text.place)
    }
    for mention in parsed.mentions {
      try check(mention.measure, workload: workload, designs: designs, at: text.place)
    }
    let standIn = try inherited("standIn")?.text
    return Claim.Experiment(
      quantity: parsed.quantity, rule: rule, workload: workload, designs: designs,
      standIn: standIn == "none" ? nil : standIn, assumptions: try assumptions())
  }

  private func workload() throws(ClaimError) -> ClaimWorkload {
    for mapping in [row, file] where mapping.keys.contains("workload") {
      if mapping.holdsMapping("workload") {
        let entry = try wrapped { () throws(DesignError) in try mapping.mapping("workload") }
        if let entry { return try ClaimWorkload(entry, traces: vocabulary.traces) }
      }
      let (name, place) = try wrapped { () throws(DesignError) in try mapping.text("workload") }
      guard let found = vocabulary.workloads.first(where: { $0.name == name }) else {
        let known = vocabulary.workloads.compactMap(\.name)
        throw .unknown(
          "workload", name, known: NearestNames.sorted(known, by: name), at: place)
      }
      return found
    }
    throw .reading(.missingKey("workload", at: row.place))
  }

  private func designs() throws(ClaimError) -> [NamedAllocator] {
    let mapping = row.keys.contains("designs") ? row : file
    let texts = try wrapped { () throws(DesignError) in try mapping.texts("designs") }
    var designs: [NamedAllocator] = []
    for (text, place) in texts {
      let allocator = try wrapped { () throws(DesignError) in
        try vocabulary.catalogue.allocator(text, at: place)
      }
      designs.append(NamedAllocator(text: text, allocator: allocator))
    }
    guard designs.count <= 2 else {
      throw .malformed("designs", "", "a list of one or two designs", at: texts[2].place)
    }
    return designs
  }

  private func expected() throws(ClaimError) -> Verdict? {
    guard let (text, place) = try optional("expected") else { return nil }
    guard let verdict = Verdict(rawValue: text) else {
      let known = NearestNames.sorted(Verdict.allCases.map(\.rawValue), by: text)
      throw .unknown("verdict", text, known: known, at: place)
    }
    return verdict
  }

  // MARK: Texts

  func text(_ key: String) throws(ClaimError) -> Text {
    try wrapped { () throws(DesignError) in try row.text(key) }
  }

  func optional(_ key: String) throws(ClaimError) -> Text? {
    try wrapped { () throws(DesignError) in try row.optionalText(key) }
  }

  /// The row's text, or the file's.
  func inherited(_ key: String) throws(ClaimError) -> Text? {
    try wrapped { () throws(DesignError) in
      if let own = try row.optionalText(key) { return own }
      return try file.optionalText(key)
    }
  }

  func wrapped<T>(_ body: () throws(DesignError) -> T) throws(ClaimError) -> T {
    try ClaimError.wrapping(body)
  }
}
