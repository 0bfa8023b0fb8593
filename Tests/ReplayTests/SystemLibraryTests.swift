import Designs
import Foundation
import Platform
import Testing

@testable import Replay

/// What is known of allocators that lie on the machine.
@Suite struct SystemLibraryTests {
  let folder: PrivateFolder

  init() throws { folder = try PrivateFolder(prefix: "system-library-test") }

  @Test func glibcIsKnownByTheLoadedLibrarysContent() throws {
    let libc = folder.file("libc.so.6")
    try Data("one".utf8).write(to: URL(fileURLWithPath: libc))
    let found = SystemLibraries(folders: [], systemLibrary: libc)
    #expect(try found.identity() == SHA256.hexadecimal(ofFile: libc))
    #expect(try Contender(name: "glibc", library: nil).identities(found) == [found.identity()])
    let before = try found.identity()
    try Data("two".utf8).write(to: URL(fileURLWithPath: libc))
    #expect(try found.identity() != before)
  }

  @Test func withoutALibraryThereIsNoIdentity() throws {
    let found = SystemLibraries(folders: [], systemLibrary: nil)
    #expect(throws: SystemLibraryError.noLibrary) { try found.identity() }
  }

  /// By its own name, in whichever folder the linker found it.
  @Test func theLoadedLibraryIsTheCLibrary() throws {
    let path = try #require(CLibrary.path)
    #expect(URL(fileURLWithPath: path).lastPathComponent == "libc.so.6")
    #expect(FileManager.default.isReadableFile(atPath: path))
  }

  @Test func thisProcessRunsOnOne() throws {
    #expect(try SystemLibraries().identity().count == 64)
  }
}
