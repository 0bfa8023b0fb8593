import Foundation
import Platform
import TestSupport
import Testing

@testable import Traces

@Suite struct BundledTracesTests {
  @Test func readsWhatTheManifestLists() throws {
    let folder = try PrivateFolder(prefix: "bundled-traces-test")
    let url = URL(fileURLWithPath: folder.path)
    #expect(BundledTraces(folder: url).entries.isEmpty, "there is no manifest")
    let lines = [
      "# file, program, events, threads, bytes, SHA-256, command", "b.mlt\tb\t1\t1\t9\tab\tb -x",
      "short.mlt\tx", "a.mlt\ta\t1\t1\t9\tcd\ta",
    ]
    try lines.joined(separator: "\n").write(
      toFile: folder.file("MANIFEST"), atomically: true, encoding: .utf8)
    try Data().write(to: URL(fileURLWithPath: folder.file("own.mlt")))
    let bundled = BundledTraces(folder: url)
    #expect(bundled.entries.map(\.file) == ["b.mlt", "a.mlt"])
    #expect(bundled.entries.map(\.sha256) == ["ab", "cd"])
    #expect(bundled.names == ["own"], "listed or not")
  }

  /// Every bundled trace is listed, as it is.
  @Test func theManifestIsRight() throws {
    let bundled = BundledTraces(folder: repository.appendingPathComponent("traces"))
    #expect(bundled.entries.map(\.file).sorted() == bundled.files && !bundled.files.isEmpty)
    for entry in bundled.entries {
      #expect(try SHA256.hexadecimal(ofFile: bundled.path(of: entry)) == entry.sha256, "\(entry)")
    }
  }
}
