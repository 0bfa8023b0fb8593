#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/// A bump allocator in one region that counts calls as steps 0 to 4 and bytes as step 5, and
/// knows where a block lies: what it must report can be worked out by hand.
enum { CAPACITY = 1 << 30 };
static char *region;
static uint64_t used;
static uint64_t counts[STEPS];

static void *take(size_t size, size_t alignment) {
  if (region == NULL)
    region = mmap(
        NULL, CAPACITY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  used = (used + 16 + alignment - 1) & ~(alignment - 1);
  char *block = region + used;
  ((uint64_t *)block)[-1] = size;
  used += (size + 15) & ~15ull;
  return block;
}

// The site goes into step 6, so that the plan's site table is seen to arrive.
static void note(size_t size, uintptr_t site) {
  counts[5] += size;
  counts[6] += site;
}
void *mallometer_malloc_at(size_t size, uintptr_t site) {
  counts[0]++;
  note(size, site);
  return take(size, 16);
}
void *mallometer_calloc_at(size_t count, size_t size, uintptr_t site) {
  counts[1]++;
  note(count * size, site);
  return memset(take(count * size, 16), 0, count * size);
}
void *mallometer_realloc_at(void *block, size_t size, uintptr_t site) {
  counts[2]++;
  note(size, site);
  void *next = take(size, 16);
  size_t old = ((uint64_t *)block)[-1];
  memcpy(next, block, old < size ? old : size);
  return next;
}
void *mallometer_aligned_at(size_t alignment, size_t size, uintptr_t site) {
  counts[3]++;
  note(size, site);
  return take(size, alignment);
}
void mallometer_step_counts(uint64_t *out) { memcpy(out, counts, sizeof counts); }
uint64_t mallometer_locate(const void *block) {
  return 1ull << 40 | (uint64_t)((const char *)block - region);
}

void *malloc(size_t size) { return take(size, 16); }
void *calloc(size_t count, size_t size) { return take(count * size, 16); }
void *realloc(void *block, size_t size) {
  void *next = take(size, 16);
  if (block != NULL) {
    size_t old = ((uint64_t *)block)[-1];
    memcpy(next, block, old < size ? old : size);
  }
  return next;
}
void *aligned_alloc(size_t alignment, size_t size) { return take(size, alignment); }
void free(void *block) {
  if (block != NULL) counts[4]++;
}
