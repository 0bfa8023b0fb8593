import Designs
import Foundation
import Platform
import Testing

@testable import NativeDesigns

/// Every family under programs that people run: what they print is what they print over the C
/// library's own malloc.
@Suite struct RealProgramTests {
  static let designs = [
    Design(family: .pool), Design(family: .pool, changes: ["header": "32"]),
    Design(family: .reuse), Design(family: .reuse, changes: ["header": "16"]),
    Design(family: .tiered), Design(family: .tiered, changes: ["tiers": "off"]),
    Design(family: .reuse, changes: ["heap": "thread-local", "free-lists": "on"]),
    Design(family: .reuse, changes: DropInTests.fundamental),
    Design(family: .locked), Design(family: .locked, changes: ["lock": "spin"]),
    Design(family: .locked, changes: ["lock": "per-class"]),
  ]

  let compiler: VariantCompiler

  init() throws { compiler = VariantCompiler(installation: try Installation()) }

  private func run(
    _ program: String, _ arguments: [String], _ extra: [String: String?]
  ) throws -> ChildProcess.Result {
    var variables = ProcessInfo.processInfo.environment
    variables["PYTHONHASHSEED"] = "0"
    variables["LC_ALL"] = "C"
    variables["LD_PRELOAD"] = nil
    for (name, value) in extra { variables[name] = value }
    return try ChildProcess(executable: program, arguments: arguments, environment: variables)
      .run()
  }

  /// Runs a program with and without the design preloaded.
  private func expectTheSame(
    _ program: String, _ arguments: [String], under design: Design,
    variable: String = "LD_PRELOAD", sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let library = try compiler.build(design)
    let expected = try run(program, arguments, [:])
    let ended = try run(program, arguments, [variable: library.path])
    #expect(
      expected.ending == .exited(status: 0), "\(expected.errors)", sourceLocation: sourceLocation)
    #expect(ended.ending == expected.ending, "\(ended.errors)", sourceLocation: sourceLocation)
    #expect(ended.output == expected.output, sourceLocation: sourceLocation)
    #expect(!ended.output.isEmpty, sourceLocation: sourceLocation)
    #expect(!ended.errors.contains("cannot be preloaded"), sourceLocation: sourceLocation)
  }

  @Test(.enabled(if: isInstalled("python3"), lacking("python3")), arguments: designs)
  func python(design: Design) throws {
    let script = """
      import json, threading, zlib
      def work(n): return sum(len(json.dumps({str(i): [i] * n})) for i in range(3000))
      threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
      [t.start() for t in threads]; [t.join() for t in threads]
      print(work(9), zlib.crc32(b'x' * 3000000))
      """
    try expectTheSame("/usr/bin/python3", ["-c", script], under: design)
  }

  @Test(.enabled(if: isInstalled("git"), lacking("git")), arguments: designs)
  func git(design: Design) throws {
    let sources = try Installation().nativeSources.path
    try expectTheSame(
      "/usr/bin/git", ["grep", "--no-index", "-c", "struct", sources], under: design)
  }

  @Test(.enabled(if: isInstalled("gcc"), lacking("gcc")), arguments: designs)
  func gcc(design: Design) throws {
    let scratch = try ScratchFolder()
    let source = scratch.url.appendingPathComponent("hello.c")
    try Data("#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n".utf8)
      .write(to: source)
    try expectTheSame("/usr/bin/gcc", ["-O2", "-S", "-o", "-", source.path], under: design)
  }

  @Test(.enabled(if: isInstalled("sqlite3"), lacking("sqlite3")), arguments: designs)
  func sqlite(design: Design) throws {
    let statements = """
      create table sale(id integer primary key, item text, price real, note text);
      with recursive n(i) as (select 1 union all select i + 1 from n limit 20000)
      insert into sale select i, 'item ' || (i % 500), i % 1000 / 7.0, hex(i * 104729) from n;
      create index sale_item on sale(item);
      select item, count(*), sum(price), group_concat(note) from sale group by item limit 40;
      update sale set note = upper(note) || item where id % 3 = 0;
      delete from sale where id % 5 = 0;
      select count(*), sum(length(note)) from sale;
      select json_group_array(note) from (select note from sale order by note desc limit 200);
      pragma integrity_check;
      """
    try expectTheSame("/usr/bin/sqlite3", [":memory:", statements], under: design)
  }

  /// Two threads that compress and two that decompress; the shell and its other programs too.
  @Test(.enabled(if: isInstalled("xz"), lacking("xz")), arguments: designs)
  func xz(design: Design) throws {
    let script = """
      set -e -o pipefail
      seq 1 100000 | xz -T2 -1 --block-size=128KiB -c | tee >(cksum >&2) | xz -T2 -dc | cksum
      seq 1 100000 | xz -T2 -1 --block-size=128KiB -c | cksum
      """
    try expectTheSame("/bin/bash", ["-c", script], under: design)
  }

  /// A server under load: clients that wait for nothing, values freed on its own threads, and a child
  /// that writes everything down meanwhile. The design is the server's alone.
  @Test(
    .enabled(if: isInstalled("redis-server"), lacking("redis-server")),
    .enabled(if: isInstalled("redis-benchmark"), lacking("redis-benchmark")), arguments: designs)
  func redis(design: Design) throws {
    let scratch = try ScratchFolder()
    try expectTheSame(
      "/bin/bash", ["-c", Self.redisScript, "bash", scratch.url.path], under: design,
      variable: "TESTED")
  }

  private static let redisScript = """
    cd "$1"
    rm -f dump.rdb
    LD_PRELOAD=$TESTED redis-server --port 0 --unixsocket "$1/s" --save '' \
      --lazyfree-lazy-user-del yes --lazyfree-lazy-user-flush yes >log 2>&1 &
    server=$!
    trap 'kill $server 2>/dev/null; wait $server 2>/dev/null' EXIT
    ask() { redis-cli -s "$1/s" "${@:2}"; }
    for try in {1..200}; do
      [ "$(ask "$1" ping 2>&1)" = PONG ] && break
      kill -0 $server || { cat log >&2; exit 3; }
      sleep 0.05
    done
    [ -z "$TESTED" ] || grep -q "$TESTED" /proc/$server/maps || { echo not preloaded >&2; exit 4; }
    load() { redis-benchmark -s "$1/s" -n 3000 -P 4 -c 20 -q "${@:2}" >benchmark || exit 5; }
    load "$1" -d 300 -t set,get,incr,lpush,rpush,sadd,hset,zadd,mset
    ask "$1" bgsave >/dev/null
    load "$1" -r 2000 -d 90 -t set,lpush,hset,zadd
    ask "$1" eval 'for i = 1, 3000 do redis.call("hset", KEYS[1], "f" .. i, "value" .. i) end' 1 h
    ask "$1" eval 'local all = redis.call("hgetall", KEYS[1]) table.sort(all)
      return redis.sha1hex(table.concat(all))' 1 h
    ask "$1" hlen h
    ask "$1" llen mylist
    ask "$1" get counter:__rand_int__
    for try in {1..200}; do
      ask "$1" info persistence | grep -q rdb_bgsave_in_progress:0 && break
      sleep 0.05
    done
    ask "$1" info persistence | grep -o 'rdb_last_bgsave_status:[a-z]*'
    ask "$1" del h mylist
    ask "$1" flushall async
    ask "$1" dbsize
    ask "$1" shutdown nosave
    wait $server
    echo "ended with $?"
    """
}

/// Where the tests run it: a shim earlier on PATH may start anything.
private func isInstalled(_ program: String) -> Bool {
  FileManager.default.isExecutableFile(atPath: "/usr/bin/" + program)
}

private func lacking(_ program: String) -> Comment {
  "/usr/bin/\(program) is not installed: make setup"
}
