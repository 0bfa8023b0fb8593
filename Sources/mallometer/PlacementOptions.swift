import ArgumentParser
import Experiments

/// In how many layouts an own design is measured.
struct PlacementOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Builds of each own design with its code placed differently; repeats take turns.",
      valueName: "n"))
  var builds = Laboratory.usualBuilds

  func validate() throws { try Self.check(builds) }

  /// What `--builds` may be, for commands that have another default, too.
  static func check(_ builds: Int) throws {
    guard (1...64).contains(builds) else { throw ValidationError("--builds must be 1 to 64") }
  }
}
