import Foundation
import NativeDesigns
import Platform
import Replay

/// The checkout that these tests were compiled from.
public let repository = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// The bundled traces' paths, sorted; empty where the folder is missing, which a test must look for.
public let bundledTraces: [String] = {
  let folder = repository.appendingPathComponent("traces").path
  let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  return names.filter { $0.hasSuffix(".mlt") }.sorted().map { "\(folder)/\($0)" }
}()

/// What was built with these tests: the nearest folder above them that holds the player.
public func builtInstallation() throws -> Installation {
  var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
  repeat {
    folder.deleteLastPathComponent()
    let player = folder.appendingPathComponent("mallometer-player")
    if FileManager.default.fileExists(atPath: player.path) { break }
  } while folder.path != "/"
  return try Installation(executable: folder.appendingPathComponent("mallometer"))
}

/// The player that was built with these tests.
public func testPlayer() throws -> Player { try Player(installation: builtInstallation()) }

/// Compiles this checkout's designs.
public func testCompiler() -> VariantCompiler {
  VariantCompiler(sources: repository.appendingPathComponent("Sources/NativeDesigns/C"))
}

/// Models against the counting builds of this checkout.
public func exactnessCheck() throws -> ExactnessCheck {
  ExactnessCheck(player: try testPlayer(), compiler: testCompiler())
}
