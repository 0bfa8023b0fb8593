#ifndef MALLOMETER_REUSE_ARENA_H
#define MALLOMETER_REUSE_ARENA_H

/// Arenas: address space for blocks above the threshold, mapped 64 MiB at a time instead of one
/// mapping for each block.
///
/// A block is cut from the current arena, rounded up to one of four sizes per doubling; a released one
/// waits in its size's list, without its memory if the cache evicted it, and is never unmapped.
/// Guarded by the lock of the mappings.

#include "backing.h"

enum { ARENA_BYTES = 64 << 20, ARENA_LARGEST = 20 << 20 };

struct arena_state {
  /// What is left of the current arena.
  char *next;
  char *end;
  alignas(LINE_BYTES) struct reuse_header *free[BACKING_BINS];
};

static struct arena_state arenas;

/// A block of at least `bytes`, header included. NULL when out of memory.
static inline struct reuse_header *arena_take(size_t *bytes, bool *recycled, uint64_t *cost) {
  uint32_t bin = backing_bin_of(*bytes);
  *bytes = backing_bin_bytes(bin);
  struct reuse_header *block = arenas.free[bin];
  if (block) {
    COUNT(FREE_LIST_POP);
    arenas.free[bin] = *link_of(block);
    *recycled = true;
    return block;
  }
  *cost = pages_of(*bytes);
  if ((size_t)(arenas.end - arenas.next) < *bytes) {
    char *arena = region_map(ARENA_BYTES, OS_PAGE_BYTES);
    if (!arena) {
      return NULL;
    }
    *cost += 1;
    arenas.next = arena;
    arenas.end = arena + ARENA_BYTES;
  }
  COUNT(BLOCK_CARVE);
  block = (struct reuse_header *)arenas.next;
  arenas.next += *bytes;
  return block;
}

static inline void arena_give(struct reuse_header *block) {
  uint32_t bin = backing_bin_of(block->actual + REUSE_HEADER);
  COUNT(FREE_LIST_PUSH);
  *link_of(block) = arenas.free[bin];
  arenas.free[bin] = block;
}

#endif
