import Foundation
import Testing

@testable import Platform

@Suite struct HugePagesTests {
  private func read(_ files: [String: String]) throws -> HugePages {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("huge-pages-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    for (path, text) in files {
      let file = folder.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    return HugePages.current(folder: folder)
  }

  @Test func promisedPagesAreNotFree() throws {
    let pages = try read([
      "hugepages/hugepages-2048kB/free_hugepages": "12\n",
      "hugepages/hugepages-2048kB/resv_hugepages": "5\n",
      "hugepages/hugepages-1048576kB/free_hugepages": "1\n",
      "hugepages/hugepages-1048576kB/resv_hugepages": "3\n",
      "transparent_hugepage/enabled": "always [madvise] never\n",
    ])
    #expect(pages == HugePages(reserved: 7, gigantic: 0, transparent: true))
  }

  @Test func nothingIsThereWhereTheKernelSaysNothing() throws {
    #expect(try read([:]) == HugePages(reserved: 0, gigantic: 0, transparent: false))
    let never = try read(["transparent_hugepage/enabled": "always madvise [never]\n"])
    #expect(!never.transparent)
  }
}
