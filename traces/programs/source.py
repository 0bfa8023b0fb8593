"""Writes a C source of COUNT list types and their functions: source.py COUNT > file.c"""

import random
import sys

random.seed(1)
count = int(sys.argv[1])
print("#include <stdio.h>\n#include <string.h>\n#include <stdlib.h>")
for i in range(count):
    print(
        f"""
struct node{i} {{
  struct node{i} *next;
  char name[32];
  int kind, refs;
  double weight;
  union {{ long i; double d; void *p; }} value;
}};
static struct node{i} *make{i}(struct node{i} *next, int kind) {{
  struct node{i} *n = malloc(sizeof *n);
  if (!n) return 0;
  memset(n, 0, sizeof *n);
  n->next = next;
  n->kind = kind;
  snprintf(n->name, sizeof n->name, "node-{i}-%d", kind);
  switch (kind % 7) {{"""
    )
    for k in range(7):
        a, b, c = random.randint(3, 999), random.randint(2, 99), random.randint(1, 500)
        print(
            f"""  case {k}:
    n->value.i = kind * {a} + {k};
    n->weight += n->value.i / {b}.0;
    for (int j = 0; j < kind; j++) n->refs ^= j * {c};
    break;"""
        )
    a, b = random.randint(1, 99), random.randint(1, 99)
    print(
        f"""  }}
  return n;
}}
int walk{i}(int count) {{
  struct node{i} *list = 0;
  int sum = 0;
  for (int i = 0; i < count; i++) list = make{i}(list, i);
  for (struct node{i} *n = list; n; n = n->next) {{
    if (n->refs > {a} && strcmp(n->name, "x")) sum += n->refs;
    else if (n->weight < {b}) sum -= n->kind;
    else sum ^= (int)n->value.i;
  }}
  while (list) {{ struct node{i} *next = list->next; free(list); list = next; }}
  return sum;
}}"""
    )
print("int main(void) {\n  int sum = 0;")
for i in range(count):
    print(f"  sum += walk{i}({i});")
print("  return sum;\n}")
