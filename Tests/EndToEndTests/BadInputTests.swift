import Foundation
import Platform
import Testing

/// What can go wrong outside of mallometer ends with a sentence, exit 2, and an intact notebook.
@Suite struct BadInputTests {
  let mallometer: CommandLine
  let folder: PrivateFolder
  let trace: String
  let notebook: String

  init() throws {
    mallometer = try CommandLine()
    folder = try PrivateFolder(prefix: "bad-input-test")
    trace = folder.file("mixed.mlt")
    notebook = folder.file("n.sqlite")
    // Several blocks, so that a cut leaves some.
    let made = try mallometer("generate", "random-mixed", "events=200000", "live=500", "-o", trace)
    try #require(made.status == 0, "\(made.errors)")
  }

  private func replay(_ designs: String..., environment: [String: String] = [:]) throws
    -> CommandLine.Result
  {
    try mallometer.run(
      mallometer.executable,
      ["replay", trace, "--repeats", "1", "--quiet", "--format", "json", "--notebook", notebook]
        + designs.flatMap { ["--design", $0] }, environment: environment)
  }

  @Test(arguments: ["info", "simulate", "check", "replay", "fit", "explain"])
  func aTraceThatIsNoneIsRefused(command: String) throws {
    let letter = folder.file("letter.mlt")
    try "dear aunt".write(toFile: letter, atomically: true, encoding: .utf8)
    let options: [String] =
      switch command {
      case "info": []
      case "explain": ["--from", "reuse", "--to", "pool", "--notebook", notebook]
      default: ["--design", "pool", "--notebook", notebook]
      }
    for file in [folder.file("missing.mlt"), letter, folder.path] {
      let result = try mallometer.run(mallometer.executable, [command, file] + options)
      #expect(result.isBadInput(naming: file), "\(result.status) \(result.errors)")
    }
  }

  @Test func anUnknownNameIsLookedForWhereItWasWritten() throws {
    let listed = try mallometer("designs", "poool")
    #expect(listed.isBadInput(naming: "argument poool", "known, nearest first: pool"))
    #expect(!listed.errors.contains("--design"))
    let explained = try mallometer(
      "explain", trace, "--from", "reuse", "--to", "poool", "--notebook", notebook)
    #expect(explained.isBadInput(naming: "--to poool"))
  }

  /// A wrong design file is told of, and stops only the command that asks for it.
  @Test func aWrongDesignFileStopsOnlyWhatAsksForIt() throws {
    let root = try Installation(environment: mallometer.environment).root
    let home = folder.file("home")
    let files = FileManager.default
    try files.createDirectory(atPath: home, withIntermediateDirectories: true)
    try files.copyItem(
      at: root.appendingPathComponent("models"), to: URL(fileURLWithPath: home + "/models"))
    try files.createSymbolicLink(
      atPath: home + "/Sources", withDestinationPath: root.appendingPathComponent("Sources").path)
    let broken = home + "/models/designs/hakmem-tiny.yaml"
    try "name: hakmem-tiny\nfamily: pool\ndoc: d\nsource: s\ntoggles: {headr: 16}\n".write(
      toFile: broken, atomically: true, encoding: .utf8)
    func run(_ arguments: String...) throws -> CommandLine.Result {
      try mallometer.run(
        mallometer.executable, arguments, environment: ["MALLOMETER_HOME": home])
    }
    let other = try run("simulate", trace, "--design", "mimalloc-like", "--memory", "off")
    #expect(other.status == 0 && other.output.contains("pool"))
    #expect(other.errors.contains("left out: \(broken):5:11: family pool has no toggle"))
    let asked = try run("simulate", trace, "--design", "hakmem-tiny")
    #expect(asked.isBadInput(naming: "\(broken):5:11"))
    let all = try run("check", trace, "--design", "pool", "--variants")
    #expect(all.isBadInput(naming: "\(broken):5:11"))
  }

  @Test func aCutTraceGivesItsWholeBlocks() throws {
    let cut = folder.file("cut.mlt")
    let bytes = try Data(contentsOf: URL(fileURLWithPath: trace))
    try bytes.prefix(bytes.count * 2 / 3).write(to: URL(fileURLWithPath: cut))
    let whole = try #require(
      try mallometer("info", trace, "--format", "json").list("traces").first?["events"] as? Int)
    let info = try mallometer.inBothFormats("info", cut)
    let entry = try #require(try info.json.list("traces").first)
    let events = try #require(entry["events"] as? Int)
    #expect(entry["complete"] as? Bool == false && 0 < events && events < whole)
    #expect(info.text.contains("INCOMPLETE"))
    let simulated = try mallometer("simulate", cut, "--design", "pool", "--format", "json")
    #expect(try simulated.list("runs").first?["events"] as? Int == events)
    let checked = try mallometer("check", cut, "--design", "pool", "--format", "json")
    #expect(try checked.list("runs").first?["differing"] as? Int == 0)
    let replayed = try mallometer(
      "replay", cut, "--design", "glibc", "--repeats", "1", "--notebook", notebook)
    #expect(replayed.status == 0, "\(replayed.errors)")
  }

  @Test func aPreloadThatCannotBeLoadedIsRefused() throws {
    #expect(try replay("preload:/nowhere/a.so").isBadInput(naming: "/nowhere/a.so"))
    let text = folder.file("text.so")
    try "no library".write(toFile: text, atomically: true, encoding: .utf8)
    #expect(try replay("preload:\(text)").isBadInput(naming: text))
  }

  @Test func aPlayerThatDiesLosesNothing() throws {
    try #require(try replay("glibc").status == 0)
    let library = folder.file("dying.so")
    let compiled = try mallometer.shell(
      """
      cc -shared -fPIC -x c - -o "$1" <<'END'
      #include <stdlib.h>
      extern void *__libc_malloc(size_t size);
      static unsigned long calls;
      void *malloc(size_t size) {
        if (++calls == 1000) abort();
        return __libc_malloc(size);
      }
      void free(void *block) { (void)block; }
      END
      """, library)
    try #require(compiled.status == 0, "\(compiled.errors)")
    let died = try replay("glibc", "preload:\(library)")
    #expect(died.isBadInput(naming: library, "SIGABRT"), "\(died.status) \(died.errors)")
    try expectMeasurements(atLeast: 2)
  }

  @Test func aMissingCompilerIsNamed() throws {
    let result = try replay(
      "pool",
      environment: ["CC": "/nonexistent/cc", "MALLOMETER_CACHE": folder.file("variants")])
    #expect(result.isBadInput(naming: "/nonexistent/cc", "CC"), "\(result.errors)")
  }

  @Test func aFolderForVariantsThatCannotBeMadeIsNamed() throws {
    let result = try replay("pool", environment: ["MALLOMETER_CACHE": "\(trace)/variants"])
    #expect(result.isBadInput(naming: "MALLOMETER_CACHE"), "\(result.errors)")
  }

  @Test func aFolderThatIsNotThereIsNamed() throws {
    let output = folder.file("no/such/folder/t.mlt")
    let made = try mallometer("generate", "vm", "events=200", "-o", output)
    #expect(made.isBadInput(naming: output), "\(made.errors)")
    let kept = try mallometer(
      "replay", trace, "--design", "glibc", "--repeats", "1", "--notebook",
      folder.file("no/such/folder/n.sqlite"))
    #expect(kept.isBadInput(naming: "no/such/folder/n.sqlite", "--notebook"), "\(kept.errors)")
  }

  @Test(.enabled(if: MountNamespace.isAllowed, "needs the right to mount"))
  func aReadOnlyFolderIsNamed() throws {
    let mounted = folder.file("mounted")
    func run(_ arguments: String...) throws -> CommandLine.Result {
      try MountNamespace.run(
        mallometer, at: mounted, options: "ro", "\"$mallometer\" \"$@\"", arguments)
    }
    let made = try run("generate", "vm", "events=200", "-o", "\(mounted)/t.mlt")
    #expect(made.isBadInput(naming: "\(mounted)/t.mlt", "ead-only"), "\(made.errors)")
    let kept = try run(
      "replay", trace, "--design", "glibc", "--repeats", "1", "--quiet", "--notebook",
      "\(mounted)/n.sqlite")
    #expect(kept.isBadInput(naming: "\(mounted)/n.sqlite"), "\(kept.errors)")
    let recorded = try run("record", "-o", mounted, "--", "/bin/true")
    #expect(recorded.status == 125 && recorded.errors.contains(mounted), "\(recorded.errors)")
  }

  @Test(.enabled(if: MountNamespace.isAllowed, "needs the right to mount"))
  func aFullDiskIsSaidAndTheNotebookKept() throws {
    let mounted = folder.file("mounted")
    let made = try MountNamespace.run(
      mallometer, at: mounted, options: "size=256k",
      "\"$mallometer\" generate random-mixed events=1000000 -o \"$1/t.mlt\"", [mounted])
    #expect(made.isBadInput(naming: "\(mounted)/t.mlt", "space"), "\(made.errors)")
    // Each repeat of 200 windows takes some hundred bytes: the notebook fills up on the way.
    let replayed = try MountNamespace.run(
      mallometer, at: mounted, options: "size=512k",
      """
      "$mallometer" replay "$2" --design glibc --repeats 2000 --quiet --notebook "$1/n.sqlite"
      status=$?
      sqlite3 "$1/n.sqlite" 'PRAGMA integrity_check; SELECT COUNT(*) > 3 FROM measurement' >&2
      exit $status
      """, [mounted, trace])
    #expect(replayed.isBadInput(naming: "\(mounted)/n.sqlite", "no room"), "\(replayed.errors)")
    #expect(replayed.errors.hasSuffix("ok\n1\n"), "\(replayed.errors)")
  }

  private func expectMeasurements(atLeast count: Int) throws {
    let checked = try mallometer.run(
      "/usr/bin/sqlite3",
      [notebook, "PRAGMA integrity_check; SELECT COUNT(*) >= \(count) FROM measurement"])
    #expect(checked.output == "ok\n1\n", "\(checked.output)\(checked.errors)")
  }
}
