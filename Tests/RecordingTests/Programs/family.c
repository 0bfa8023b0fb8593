/* Every allocation function once, with sizes that tell them apart. */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdlib.h>

int main(void) {
  void *blocks[12];
  int n = 0;
  blocks[n++] = malloc(10001);
  blocks[n++] = calloc(3, 3334);
  void *volatile nothing = NULL; /* or the compiler makes it a malloc */
  blocks[n++] = realloc(nothing, 10003);
  blocks[n++] = memalign(64, 10004);
  if (posix_memalign(&blocks[n++], 128, 10005)) return 1;
  blocks[n++] = aligned_alloc(256, 10240);
  blocks[n++] = valloc(10007);
  blocks[n++] = pvalloc(10008);
  blocks[0] = realloc(blocks[0], 20001);
  blocks[1] = reallocarray(blocks[1], 2, 10001);
  volatile size_t huge = (size_t)-1;
  if (calloc(huge, 2) || reallocarray(blocks[2], huge, 2) || realloc(blocks[2], huge / 2))
    return 2;
  blocks[3] = realloc(blocks[3], 0);
  if (blocks[3]) return 3;
  for (int i = 0; i < n; i++) free(blocks[i]);
  return 0;
}
