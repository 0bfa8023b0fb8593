#!/bin/bash
# Records the bundled traces again, or with --large three of at least 20 million events.
#
#   traces/record.sh                    all bundled traces, and MANIFEST
#   traces/record.sh NAME…              only these
#   traces/record.sh --large FOLDER     three large traces into FOLDER, outside the repository
#
# MALLOMETER names the executable; the default is the release build of this checkout.
# Counts vary from machine to machine with the versions of the programs.
set -euo pipefail
cd "$(dirname "$0")"
traces=$PWD
mallometer=${MALLOMETER:-$(cd .. && pwd)/.build/release/mallometer}
[ -x "$mallometer" ] || { echo "$mallometer is missing: make build, or set MALLOMETER" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
programs=$traces/programs
large=
if [ "${1:-}" = --large ]; then
  large=${2:?give a folder for the large traces}
  mkdir -p "$large"
  large=$(cd "$large" && pwd)
  shift 2
fi
wanted=("$@")

# name | program of the image to keep | preparation | command; all run in an empty folder.
# $N is 1, or a larger number under --large.
workloads() {
  cat <<'END'
cc1|cc1|python3 $P/source.py $((45 * N)) > source.c|gcc -O2 -c source.c
cc1plus|cc1plus|cp $P/templates.cc .|g++ -O0 -c templates.cc
python-json|python3|true|/usr/bin/python3 $P/json_program.py $((18 * N))
python-objects|python3|true|env PYTHONMALLOC=malloc PYTHONHASHSEED=0 /usr/bin/python3 $P/objects_program.py $((60000 * N))
perl|perl|python3 $P/words.py $((25000 * N)) > words|perl $P/words.pl words
mawk|mawk|python3 $P/words.py $((25000 * N)) > words|mawk -f $P/words.awk words
tclsh|tclsh|python3 $P/words.py $((120000 * N)) > words|tclsh $P/lists.tcl words
git-log|git|git init -q r && python3 $P/history.py $((1500 * N)) \| git -C r fast-import --quiet|git -C r log -p --stat main
git-repack|git|git init -q r && python3 $P/history.py $((1500 * N)) \| git -C r fast-import --quiet|git -C r -c pack.threads=2 repack -adfq
sqlite3|sqlite3|true|sqlite3 shop.db ".read $P/bulk.sql"
jq|jq|python3 $P/json_lines.py $((6000 * N)) > data|jq -c "[.tags[] \| ascii_upcase] + [.name, (.values \| add), (.text \| length)]" data
redis-server|redis-server|true|bash $P/redis.sh $((30000 * N))
xz|xz|python3 $P/words.py $((200000 * N)) > words|xz -T2 -1 --block-size=256KiB -k words
pipeline|pipeline|cc -O2 -pthread -o pipeline $P/pipeline.c|./pipeline $((150000 * N))
swift-words|words|swiftc -O -o words $P/words.swift && python3 $P/words.py $((50000 * N)) > text|./words text
END
}

matches() {
  [ ${#wanted[@]} = 0 ] && return 0
  for name in "${wanted[@]}"; do [ "$name" = "$1" ] && return 0; done
  return 1
}

record() { # name, program, preparation, command
  local name=$1 program=$2 preparation=$3 command=$4 folder=$work/$1
  mkdir -p "$folder/run"
  echo "$name: $command" >&2
  (
    cd "$folder/run"
    export P=$programs N LC_ALL=C
    eval "$preparation"
    "$mallometer" record -o "$folder/traces" --report "$folder/report.json" --quiet -- \
      bash -c "exec $command" > /dev/null
  )
  python3 - "$folder/report.json" "$program" "${target}/$name.mlt" "$command" "$N" << 'END'
import hashlib, json, os, re, shutil, sys
report, program, target, command, times = sys.argv[1:]
command = command.replace("$P", "programs")
command = re.sub(r"\$\(\((\d+) \* N\)\)", lambda m: str(int(m[1]) * int(times)), command)
images = [p for p in json.load(open(report))["processes"] if p.get("trace")]
images = [p for p in images if re.fullmatch(program, p["program"])]
if not images:
    sys.exit(f"no image of {program} in {report}")
image = max(images, key=lambda p: p["events"])
if image["dropped"]:
    sys.exit(f"{target}: {image['dropped']} events dropped")
shutil.copyfile(image["trace"], target)
os.chmod(target, 0o644)
digest = hashlib.sha256(open(target, "rb").read()).hexdigest()
line = "\t".join([os.path.basename(target), image["program"], str(image["events"]),
    str(image["threads"]), str(os.path.getsize(target)), digest, command])
open(target + ".line", "w").write(line + "\n")
print(f"  {image['events']} events, {image['threads']} threads, {os.path.getsize(target)} bytes")
END
  rm -rf "$folder"
}

target=${large:-$traces}
N=1
while IFS= read -r line; do
  # A \| within a field isn't a separator.
  IFS='|' read -r name program preparation command <<< "${line//\\|/$'\x01'}"
  preparation=${preparation//$'\x01'/|} command=${command//$'\x01'/|}
  if [ -n "$large" ]; then
    case $name in
      cc1) N=9 ;; python-objects) N=20 ;; pipeline) N=22 ;; *) continue ;;
    esac
  fi
  matches "$name" || continue
  record "$name" "$program" "$preparation" "$command"
done < <(workloads)

# The lines of traces that weren't recorded now stay as they were.
manifest=$target/MANIFEST
{
  echo "# Recorded by traces/record.sh: file, program, events, threads, bytes, SHA-256, command."
  echo "# The same again: traces/record.sh, or traces/record.sh NAME for one (file without .mlt)."
  for trace in "$target"/*.mlt; do
    if [ -f "$trace.line" ]; then
      cat "$trace.line"
      rm "$trace.line"
    elif [ -f "$manifest" ]; then
      grep "^$(basename "$trace")	" "$manifest" || true
    fi
  done
} > "$manifest.new"
mv "$manifest.new" "$manifest"
