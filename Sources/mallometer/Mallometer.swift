import ArgumentParser

@main
struct Mallometer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mallometer",
    abstract: "Record, replay, simulate and explain what memory allocators cost.",
    version: "0.1.0",
    subcommands: [])
}
