"""Writes COUNT JSON documents: json_lines.py COUNT > file"""

import json
import random
import sys

random.seed(6)
for i in range(int(sys.argv[1])):
    print(
        json.dumps(
            {
                "name": f"item-{i * 7919 % 100003}",
                "tags": [f"tag{random.randrange(500)}" for _ in range(random.randrange(9))],
                "values": [random.random() for _ in range(random.randrange(1, 12))],
                "text": "x" * random.randrange(300),
            }
        )
    )
