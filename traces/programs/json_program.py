"""Builds, writes and reads JSON documents: json_program.py ROUNDS"""

import json
import random
import sys

random.seed(3)
for round in range(int(sys.argv[1])):
    document = [
        {
            "id": i,
            "name": "item-%d" % (i * 7919 % 100003),
            "tags": ["t%d" % random.randrange(500) for _ in range(random.randrange(8))],
            "price": random.random() * 1000,
            "nested": {"text": "x" * random.randrange(600, 3000), "values": list(range(i % 90))},
        }
        for i in range(3000)
    ]
    text = json.dumps(document, indent=1)
    again = json.loads(text)
    by_name = {entry["name"]: entry for entry in again}
    again.sort(key=lambda entry: (-len(entry["tags"]), entry["name"]))
    lines = [line.upper() for line in text.splitlines() if len(line) > 512]
    del by_name, lines
