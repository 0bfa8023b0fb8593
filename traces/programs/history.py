"""Writes a git fast-import stream of COMMITS commits over 300 files: history.py COMMITS"""

import random
import sys

random.seed(5)
out = sys.stdout
files = {}
for n in range(int(sys.argv[1])):
    out.write(f"commit refs/heads/main\nmark :{n + 1}\n")
    out.write(f"committer A U Thor <author@example.org> {1500000000 + n * 3600} +0000\n")
    message = f"Change number {n}\n\nwith some words about why.\n"
    out.write(f"data {len(message)}\n{message}")
    if n:
        out.write(f"from :{n}\n")
    for _ in range(random.randint(1, 5)):
        name = f"d{random.randrange(20)}/f{random.randrange(15)}.txt"
        lines = files.setdefault(name, [f"line {i} of {name}" for i in range(80)])
        for _ in range(4):
            lines[random.randrange(len(lines))] = f"edited {random.randrange(10**9)} in {n}"
        text = "\n".join(lines) + "\n"
        out.write(f"M 100644 inline {name}\ndata {len(text)}\n{text}")
    out.write("\n")
