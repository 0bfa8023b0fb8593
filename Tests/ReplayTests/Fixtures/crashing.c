#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// Serves a hundred allocations and then does what MODE says.
static char arena[1 << 20];
static size_t used, calls;

void *malloc(size_t size) {
  const char *mode = getenv("MALLOMETER_TEST_MODE");
  if (++calls > 100 && mode != NULL) {
    if (strcmp(mode, "null") == 0) return NULL;
    if (strcmp(mode, "abort") == 0) {
      if (write(2, "heap corrupted\n", 15) == 15) abort();
    }
    *(volatile int *)8 = 1;
  }
  used = (used + 15) & ~15ull;
  char *block = arena + used;
  used += size;
  return block;
}
void free(void *block) { (void)block; }
void *calloc(size_t count, size_t size) { return memset(malloc(count * size), 0, count * size); }
void *realloc(void *block, size_t size) {
  (void)block;
  return malloc(size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  used = (used + alignment - 1) & ~(alignment - 1);
  return malloc(size);
}
