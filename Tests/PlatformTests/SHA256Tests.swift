import Foundation
import Testing

@testable import Platform

@Suite struct SHA256Tests {
  private func hash(_ text: String, portion: Int = .max) -> String {
    var hash = SHA256()
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      Array(rest.prefix(portion)).withUnsafeBytes { hash.update($0) }
      rest = rest.dropFirst(portion)
    }
    return hash.hexadecimal()
  }

  /// The examples of FIPS 180-4.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ]) func standardExamples(text: String, expected: String) {
    #expect(hash(text) == expected)
  }

  @Test func portionsMakeNoDifference() {
    for length in [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 200] {
      let text = String(repeating: "x", count: length)
      for portion in [1, 3, 63, 64, 65] { #expect(hash(text, portion: portion) == hash(text)) }
    }
  }

  @Test func aFileThatIsMissingIsSaid() {
    #expect(throws: UnreadableFile.self) { try SHA256.hexadecimal(ofFile: "/nowhere/at/all") }
  }
}
