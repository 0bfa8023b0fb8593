/* A given number of calls on a few thousand blocks, the same in every run; prints "done". */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LIVE = 3000 };

int main(int count, char **arguments) {
  if (count < 2) return 2;
  unsigned long bound = strtoul(arguments[1], NULL, 10);
  unsigned long long state = 88172645463325252ull;
  static void *blocks[LIVE];
  for (unsigned long i = 0; i < bound; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    void **block = &blocks[(state >> 20) % LIVE];
    size_t size = 1 + (state >> 40) % 500;
    if (*block == NULL)
      *block = i % 5 == 0 ? calloc(2, size) : malloc(size);
    else if (i % 4 == 0)
      *block = realloc(*block, size);
    else {
      free(*block);
      *block = NULL;
    }
  }
  return write(1, "done\n", 5) == 5 ? 0 : 1;
}
