import NativeDesigns
import Platform
import TestSupport
import Testing

@testable import Replay

@Suite struct CallgrindProfileTests {
  /// Two functions of the library, one of which calls the C library and one the other.
  private let text = """
    # callgrind format
    version: 1
    positions: line
    events: Ir

    ob=(1) /usr/lib/libc.so.6
    fl=(1) munmap.c
    fn=(1) munmap
    12 4000
    +3 500

    ob=(2) /cache/pool-ab12.so
    fl=(2) entry.c
    fn=(2) malloc
    20 7
    +1 3
    cfn=(3) refill
    calls=2 40
    +1 25
    cob=(1)
    cfn=(1)
    calls=1 12
    * 4500
    * 1

    ob=(1)
    fn=(1)
    12 100

    ob=(2)
    fn=(3)
    40 25
    summary: 4636
    totals: 4636
    """

  @Test func countsWhatTheObjectExecutesItself() throws {
    let profile = try #require(CallgrindProfile(text, object: "pool-ab12.so"))
    #expect(profile.instructions == 7 + 3 + 1 + 25)
    #expect(CallgrindProfile(text, object: "libc.so.6")?.instructions == 4600)
  }

  /// The number may be given to a name first where the object is only called.
  @Test func namesGivenByACall() {
    let text =
      "# callgrind format\nob=(1) /p\nfn=(1) f\n1 9\ncob=(2) /x/a.so\ncfn=(2) g\n"
      + "calls=1 1\n1 50\n\nob=(2)\nfn=(2)\n1 50\n"
    #expect(CallgrindProfile(text, object: "a.so")?.instructions == 50)
  }

  @Test func nothingOfTheObjectIsNothing() {
    #expect(CallgrindProfile(text, object: "other.so")?.instructions == 0)
  }

  @Test func otherTextIsNoProfile() {
    #expect(CallgrindProfile("", object: "a.so") == nil)
    #expect(CallgrindProfile("ob=(1) a.so\n1 5\n", object: "a.so") == nil)
  }

  @Test func withoutValgrindSaysWhatToInstall() throws {
    let compiler = VariantCompiler(installation: try Installation())
    let error = #expect(throws: InstructionCountError.valgrindMissing) {
      try InstructionCount(
        player: testPlayer(), compiler: compiler, environment: ["PATH": "/nowhere"])
    }
    #expect(error?.remedy == "sudo apt-get install -y valgrind")
  }
}
