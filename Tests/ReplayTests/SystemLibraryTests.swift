import Designs
import Foundation
import Platform
import Testing

@testable import Replay

/// What is known of allocators that lie on the machine.
@Suite struct SystemLibraryTests {
  let folder: PrivateFolder

  init() throws { folder = try PrivateFolder(prefix: "system-library-test") }

  private func libraries(_ mapped: String...) throws -> SystemLibraries {
    let maps = folder.file("maps")
    let lines = mapped.map { "7f3a1c000000-7f3a1c021000 r--p 00000000 fe:00 123    \($0)\n" }
    try Data(lines.joined().utf8).write(to: URL(fileURLWithPath: maps))
    return SystemLibraries(folders: [], maps: maps)
  }

  @Test func glibcIsKnownByTheMappedLibrarysContent() throws {
    let libc = folder.file("libc.so.6")
    let other = folder.file("libm.so.6")
    try Data("one".utf8).write(to: URL(fileURLWithPath: libc))
    try Data("another".utf8).write(to: URL(fileURLWithPath: other))
    let found = try libraries("[heap]", other, libc)
    #expect(try found.identity() == SHA256.hexadecimal(ofFile: libc))
    #expect(try Contender(name: "glibc", library: nil).identities(found) == [found.identity()])
    let before = try found.identity()
    try Data("two".utf8).write(to: URL(fileURLWithPath: libc))
    #expect(try found.identity() != before)
    #expect(try libraries("\(libc) (deleted)").identity() == found.identity())
  }

  @Test func withoutALibraryThereIsNoIdentity() throws {
    let found = try libraries("[heap]", folder.file("libm.so.6"))
    #expect(throws: SystemLibraryError.noLibrary(maps: found.maps)) { try found.identity() }
  }

  @Test func thisProcessRunsOnOne() throws {
    #expect(try SystemLibraries().identity().count == 64)
  }
}
