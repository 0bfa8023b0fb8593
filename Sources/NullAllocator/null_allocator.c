/// The null allocator: preloaded to measure what a replay costs besides the allocator.
///
/// Every block lies in one small region per thread that is resident before measuring begins, so
/// that the touches stay in the first-level cache and never fault. Blocks overlap: nothing may be
/// kept in them. Until `mallometer_null_begin` the loader and libc get real, separate blocks from
/// an arena.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/// Each function in one line of code: across two, an event costs up to a tenth more.
#define EXPORT __attribute__((visibility("default"), aligned(64)))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum {
  ARENA = 4 << 20,
  /// Blocks begin at the multiples of 64 below this, in turn.
  ROTATION = 4096,
  CHUNK = 2 << 20,
};

static char arena[ARENA] __attribute__((aligned(4096)));
static size_t arena_used;

/// The thread's next block: in its region, whose first ROTATION bytes are aligned to as much; NULL
/// before it began. One word, so that a call is hardly more than a call.
static __thread char *next;

/// The block in turn.
static inline char *take_next(void) {
  char *block = next;
  uintptr_t after = (uintptr_t)block + 64;
  next = (char *)(((uintptr_t)block & ~(uintptr_t)(ROTATION - 1)) | (after & (ROTATION - 1)));
  return block;
}

static void *arena_take(size_t size, size_t alignment) {
  size_t from = __atomic_fetch_add(&arena_used, size + alignment + 32, __ATOMIC_RELAXED);
  from = (from + 16 + alignment - 1) & ~(alignment - 1);
  if (from + size > ARENA) return NULL;
  *(size_t *)(arena + from - 16) = size;
  return arena + from;
}

/// As much address space as the largest block needs, all of it on the same few pages: a block of
/// any size can be touched everywhere at the price of one chunk.
static char *map_region(size_t bytes) {
  size_t span = (bytes + ROTATION + CHUNK - 1) & ~(size_t)(CHUNK - 1);
  char *reserved = mmap(
      NULL, span + CHUNK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  int file = memfd_create("mallometer-null", MFD_CLOEXEC);
  if (reserved == MAP_FAILED || file < 0 || ftruncate(file, CHUNK) != 0) _exit(70);
  char *start = (char *)(((uintptr_t)reserved + CHUNK - 1) & ~(uintptr_t)(CHUNK - 1));
  for (size_t at = 0; at < span; at += CHUNK)
    if (mmap(
            start + at, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, file,
            0)
        == MAP_FAILED)
      _exit(70);
  close(file);
  return start;
}

/// Called by every replaying thread before it begins. MALLOMETER_LARGEST is the largest block that
/// will be touched beyond its first line.
EXPORT void mallometer_null_begin(void) {
  const char *largest = getenv("MALLOMETER_LARGEST");
  next = map_region(largest ? strtoull(largest, NULL, 10) : 0);
}

EXPORT void *malloc(size_t size) {
  if (UNLIKELY(next == NULL)) return arena_take(size, 16);
  return take_next();
}

EXPORT void free(void *block) { (void)block; }

EXPORT void *calloc(size_t count, size_t size) {
  if (UNLIKELY(next == NULL)) return arena_take(count * size, 16);
  return take_next();
}

EXPORT void *realloc(void *block, size_t size) {
  if (UNLIKELY(next == NULL)) {
    char *next = arena_take(size, 16);
    if (block == NULL || next == NULL) return next;
    size_t old = ((size_t *)block)[-2];
    return memcpy(next, block, old < size ? old : size);
  }
  return take_next();
}

/// Alignments up to CHUNK are honoured.
EXPORT void *aligned_alloc(size_t alignment, size_t size) {
  if (UNLIKELY(next == NULL)) return arena_take(size, alignment < 16 ? 16 : alignment);
  return (char *)((uintptr_t)take_next() & ~(uintptr_t)(alignment - 1));
}
