#ifndef MALLOMETER_REUSE_BACKING_H
#define MALLOMETER_REUSE_BACKING_H

/// Serves blocks below the threshold.
///
/// `segregated`: one heap behind one lock, or one in front of it per thread (heap.h). A bin per size class (multiples of 16 to 128 bytes, then
/// four per doubling) keeps an intrusive list of free blocks, last in first out, and a run it cuts new
/// blocks from. Runs are cut from segments of 4 MiB; blocks above 256 KiB are a region of their own.
/// Nothing goes back to the kernel. `glibc`: the C library's malloc, opaque.

#include "reuse.h"

enum {
  BACKING_BINS = 80,
  BACKING_RUN = 64 << 10,
  /// The largest block of which a plain run holds several.
  BACKING_SMALL = 16 << 10,
  /// The largest block that shares a segment.
  BACKING_MIDDLE = 256 << 10,
  BACKING_SEGMENT = 4 << 20,
};

struct backing_bin {
  struct reuse_header *free;
  /// What is left of the bin's run.
  char *next;
  char *end;
  /// Free blocks, where somebody counts them: in a thread's heap.
  size_t count;
};

struct backing_state {
  alignas(LINE_BYTES) struct spin_lock lock;
  /// What is left of the current segment.
  char *next;
  char *end;
  alignas(LINE_BYTES) struct backing_bin bins[BACKING_BINS];
  /// Two bins share one.
  SHARED_LINES(lines, BACKING_BINS / 2)
};

static struct backing_state backing;

/// A block as it comes from the backing.
struct backing_block {
  struct reuse_header *header;
  size_t bytes;
  /// Never used before: its payload is zero.
  bool fresh;
  bool recycled;
  /// Kernel calls + pages mapped.
  uint64_t cost;
};

static inline uint32_t backing_bin_of(size_t bytes) {
  if (bytes <= 128) {
    COUNT(SIZE_CLASS_SHIFT);
    return (uint32_t)(bytes + 15) / 16 - 1;
  }
  COUNT(SIZE_CLASS_LEADING_ZEROS);
  uint32_t log2 = 63 - (uint32_t)__builtin_clzll(bytes - 1);
  uint32_t quarter = (uint32_t)((bytes - 1) >> (log2 - 2)) & 3;
  return 8 + (log2 - 7) * 4 + quarter;
}

static inline size_t backing_bin_bytes(uint32_t bin) {
  if (bin < 8) {
    return (size_t)(bin + 1) * 16;
  }
  uint32_t log2 = 7 + (bin - 8) / 4;
  return (size_t)(5 + (bin - 8) % 4) << (log2 - 2);
}

#if IS(BACKING, SEGREGATED)

/// A run for a bin that has neither a free block nor a rest. False when out of memory.
SLOW bool backing_refill(struct backing_bin *bin, struct backing_block *block) {
  if (block->bytes > BACKING_MIDDLE) {
    char *region = region_map(block->bytes, OS_PAGE_BYTES);
    if (!region) {
      return false;
    }
    block->cost = 1 + pages_of(block->bytes);
    bin->next = region;
    bin->end = region + block->bytes;
    return true;
  }
  size_t run = block->bytes <= BACKING_SMALL ? (size_t)BACKING_RUN
                                             : align_up(block->bytes * 4, BACKING_RUN);
  if ((size_t)(backing.end - backing.next) < run) {
    char *segment = region_map(BACKING_SEGMENT, OS_PAGE_BYTES);
    if (!segment) {
      return false;
    }
    backing.next = segment;
    backing.end = segment + BACKING_SEGMENT;
  }
  COUNT(RUN_CARVE);
  bin->next = backing.next;
  bin->end = bin->next + run;
  backing.next += run;
  return true;
}

static inline void backing_free_shared(struct reuse_header *header, size_t bytes) {
  uint32_t number = backing_bin_of(bytes);
  struct backing_bin *bin = &backing.bins[number];
  lock_acquire(&backing.lock);
  SHARED_WRITE(backing.lines[number / 2]);
  COUNT(FREE_LIST_PUSH);
  *link_of(header) = bin->free;
  bin->free = header;
  lock_release(&backing.lock);
}

#if IS(HEAP, THREAD_LOCAL)
#include "heap.h"
#else

/// `block.header` is NULL when out of memory.
static inline struct backing_block backing_allocate(size_t bytes) {
  uint32_t number = backing_bin_of(bytes);
  struct backing_block block = {.bytes = backing_bin_bytes(number)};
  struct backing_bin *bin = &backing.bins[number];
  lock_acquire(&backing.lock);
  SHARED_WRITE(backing.lines[number / 2]);
  if (LIKELY(bin->free)) {
    COUNT(FREE_LIST_POP);
    block.header = bin->free;
    block.recycled = true;
    bin->free = *link_of(block.header);
  } else if (LIKELY((size_t)(bin->end - bin->next) >= block.bytes) ||
             backing_refill(bin, &block)) {
    COUNT(BLOCK_CARVE);
    block.header = (struct reuse_header *)bin->next;
    block.fresh = true;
    bin->next += block.bytes;
  }
  lock_release(&backing.lock);
  return block;
}

static inline void backing_free(struct reuse_header *header, size_t bytes) {
  backing_free_shared(header, bytes);
}

#endif

#else

/// glibc's malloc under the names that a replacement of malloc leaves alone.
extern void *__libc_malloc(size_t size);
extern void __libc_free(void *block);

static inline struct backing_block backing_allocate(size_t bytes) {
  COUNT(BACKING_CALL);
  size_t rounded = align_up(bytes, 16);
  return (struct backing_block){.header = __libc_malloc(rounded), .bytes = rounded};
}

static inline void backing_free(struct reuse_header *header, size_t bytes) {
  (void)bytes;
  COUNT(BACKING_CALL);
  __libc_free(header);
}

#endif

#endif
