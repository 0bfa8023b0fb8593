import ArgumentParser
import Designs
import Platform
import Traces

/// The traces and designs of commands that run every design on every trace.
struct DesignArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp("Traces, as record or generate wrote them.", valueName: "trace"),
    completion: .file(extensions: ["mlt"]))
  var traces: [String]

  @Option(
    name: .customLong("design"),
    help: ArgumentHelp(
      "NAME[,toggle=value…], a YAML file, a system allocator or preload:FILE.so; repeat it for several.",
      valueName: "design"))
  var designs: [String] = []

  func validate() throws {
    guard !designs.isEmpty else {
      throw ValidationError("at least one --design is needed; see: mallometer designs")
    }
  }

  /// The designs that are modelled, in the order given.
  func ownDesigns(_ catalogue: DesignCatalogue) throws(DesignError) -> [Design] {
    var known: [Design] = []
    for text in designs {
      let design = try catalogue.ownDesign(text)
      if !known.contains(design) { known.append(design) }
    }
    return known
  }
}

extension CommandContext {
  /// Every design that can be named on this machine, with a word on each file that is left out.
  func designCatalogue() throws -> DesignCatalogue {
    let catalogue = DesignCatalogue(tolerating: try installation().models)
    for problem in catalogue.problems { progress.note("left out: \(problem.error.message)") }
    return catalogue
  }
}
