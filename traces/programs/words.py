"""Writes COUNT lines of made-up words with a skewed distribution: words.py COUNT > file"""

import random
import sys

random.seed(2)
syllables = [a + b for a in "bcdfglmnprst" for b in "aeiou"]
words = ["".join(random.choices(syllables, k=random.randint(1, 5))) for _ in range(20000)]
for _ in range(int(sys.argv[1])):
    print(" ".join(words[int(len(words) * random.random() ** 3)] for _ in range(9)))
