#ifndef MALLOMETER_LOCKED_HEAP_H
#define MALLOMETER_LOCKED_HEAP_H

/// The heap: a bin per size class (multiples of 16 up to 128 bytes, then four per doubling up to
/// 256 KiB) with a list of free blocks, last in first out, and a run that new blocks are cut from.
/// Runs are cut from segments of 4 MiB. Nothing goes back to the kernel.
///
/// Whoever takes or gives a block has the lock: one for all, or (`per-class`) the bin's own, and then
/// the heap's besides to cut a run.

#include <stdalign.h>
#include <stdbool.h>

/// Whether a toggle has this value in the variant that is being compiled.
#define IS(toggle, value) (MALLOMETER_TOGGLE_##toggle == MALLOMETER_##toggle##_##value)

enum {
  HEAP_BINS = 52,
  /// The largest block that shares a segment; what is larger is a region of its own.
  HEAP_LARGEST = 256 << 10,
  HEAP_RUN = 64 << 10,
  /// The largest block of which a plain run holds several.
  HEAP_SMALL = 16 << 10,
  HEAP_SEGMENT = 4 << 20,
};

/// Before every payload. The link of a free block lies in its payload, so that the header is kept.
struct locked_header {
  uint32_t magic;
  uint32_t kind;
  /// Of the whole block, header included; of ALIGNED, from the block's payload to this one.
  uint64_t bytes;
};

enum { HEADER_BYTES = sizeof(struct locked_header) };
_Static_assert(HEADER_BYTES == (int)NATURAL_ALIGNMENT, "payloads are aligned as malloc promises");

enum locked_kind {
  /// Kinds below are bins.
  KIND_REGION = HEAP_BINS,
  /// A second header, before the aligned part of a block.
  KIND_ALIGNED,
};

#define MAGIC_LIVE 0x6c697665u
#define MAGIC_FREE 0x66726565u

struct heap_bin {
  struct locked_header *free;
  /// What is left of the bin's run.
  char *next, *end;
#if IS(LOCK, PER_CLASS)
  struct spin_lock lock;
  char unused[LINE_BYTES - 3 * sizeof(void *) - sizeof(struct spin_lock)];
#else
  uint64_t unused;
#endif
};

static struct {
#if IS(LOCK, MUTEX)
  alignas(LINE_BYTES) struct mutex_lock lock;
#else
  alignas(LINE_BYTES) struct spin_lock lock;
#endif
  /// What is left of the current segment.
  char *next, *end;
  alignas(LINE_BYTES) struct heap_bin bins[HEAP_BINS];
  /// Two bins share one, unless each has a lock and a line of its own.
  SHARED_LINES(lines, HEAP_BINS / 2)
} heap = {
#if IS(LOCK, MUTEX)
    .lock = MUTEX_LOCK_INITIALLY,
#endif
};

static inline struct locked_header **link_of(struct locked_header *block) {
  return (struct locked_header **)(block + 1);
}

static inline uint32_t bin_of(size_t bytes) {
  if (bytes <= 128) {
    COUNT(SIZE_CLASS_SHIFT);
    return (uint32_t)(bytes + 15) / 16 - 1;
  }
  COUNT(SIZE_CLASS_LEADING_ZEROS);
  uint32_t log2 = 63 - (uint32_t)__builtin_clzll(bytes - 1);
  return 8 + (log2 - 7) * 4 + ((uint32_t)((bytes - 1) >> (log2 - 2)) & 3);
}

static inline size_t bin_bytes(uint32_t bin) {
  return bin < 8 ? (size_t)(bin + 1) * 16 : (size_t)(5 + (bin - 8) % 4) << (5 + (bin - 8) / 4);
}

static inline void bin_lock(uint32_t bin) {
#if IS(LOCK, PER_CLASS)
  COUNT(LOCK_LOOKUP);
  lock_acquire(&heap.bins[bin].lock);
#else
#if IS(LOCK, MUTEX)
  mutex_acquire(&heap.lock);
#else
  lock_acquire(&heap.lock);
#endif
  SHARED_WRITE(heap.lines[bin / 2]);
#endif
  (void)bin;
}

static inline void bin_unlock(uint32_t bin) {
#if IS(LOCK, PER_CLASS)
  lock_release(&heap.bins[bin].lock);
#elif IS(LOCK, MUTEX)
  mutex_release(&heap.lock);
#else
  lock_release(&heap.lock);
#endif
  (void)bin;
}

/// Cuts a run for a bin that has neither a free block nor a rest. False when out of memory.
SLOW bool bin_refill(struct heap_bin *bin, size_t bytes) {
  size_t run = bytes <= HEAP_SMALL ? (size_t)HEAP_RUN : align_up(bytes * 4, HEAP_RUN);
#if IS(LOCK, PER_CLASS)
  lock_acquire(&heap.lock);
#endif
  bool has_room = (size_t)(heap.end - heap.next) >= run;
  if (!has_room) {
    char *segment = region_map(HEAP_SEGMENT, OS_PAGE_BYTES);
    if (segment) {
      heap.next = segment;
      heap.end = segment + HEAP_SEGMENT;
      has_room = true;
    }
  }
  if (has_room) {
    COUNT(RUN_CARVE);
    bin->next = heap.next;
    bin->end = bin->next + run;
    heap.next += run;
  }
#if IS(LOCK, PER_CLASS)
  lock_release(&heap.lock);
#endif
  return has_room;
}

/// A block of a bin, or NULL when out of memory; `fresh` tells that its payload was never used.
static inline struct locked_header *bin_take(uint32_t number, bool *fresh) {
  struct heap_bin *bin = &heap.bins[number];
  size_t bytes = bin_bytes(number);
  *fresh = false;
  bin_lock(number);
  struct locked_header *block = bin->free;
  if (LIKELY(block != NULL)) {
    COUNT(FREE_LIST_POP);
    bin->free = *link_of(block);
  } else if (LIKELY((size_t)(bin->end - bin->next) >= bytes) || bin_refill(bin, bytes)) {
    COUNT(BLOCK_CARVE);
    block = (struct locked_header *)bin->next;
    bin->next += bytes;
    *fresh = true;
  }
  bin_unlock(number);
  return block;
}

static inline void bin_give(uint32_t number, struct locked_header *block) {
  struct heap_bin *bin = &heap.bins[number];
  bin_lock(number);
  COUNT(FREE_LIST_PUSH);
  *link_of(block) = bin->free;
  bin->free = block;
  bin_unlock(number);
}

/// Always in this order.
static void heap_lock_all(void) {
#if IS(LOCK, PER_CLASS)
  for (int bin = 0; bin < HEAP_BINS; bin++) lock_wait(&heap.bins[bin].lock);
#endif
#if IS(LOCK, MUTEX)
  mutex_wait(&heap.lock);
#else
  lock_wait(&heap.lock);
#endif
}

static void heap_unlock_all(void) {
#if IS(LOCK, MUTEX)
  mutex_release(&heap.lock);
#else
  lock_release(&heap.lock);
#endif
#if IS(LOCK, PER_CLASS)
  for (int bin = 0; bin < HEAP_BINS; bin++) lock_release(&heap.bins[bin].lock);
#endif
}

#endif
