// locked: the coarse-grained system heap that thread-local heaps are compared with. Every thread
// allocates from one heap, behind one lock or one per size class.

#include "heap.h"

static inline struct locked_header *header_of(const void *payload) {
  return (struct locked_header *)payload - 1;
}

static inline struct locked_header *header_write(struct locked_header *header, uint32_t kind,
                                                 size_t bytes) {
  COUNT(HEADER_WRITE);
  header->magic = MAGIC_LIVE;
  header->kind = kind;
  header->bytes = bytes;
  return header;
}

static inline void magic_check(const struct locked_header *header) {
  COUNT(HEADER_READ);
  COUNT(MAGIC_CHECK);
  if (UNLIKELY(header->magic != MAGIC_LIVE))
    design_abort(header->magic == MAGIC_FREE
                     ? "this block was freed before"
                     : "not a block of this allocator, or its header was overwritten",
                 header + 1);
}

/// The block proper of a payload, both headers checked where it is aligned.
static inline struct locked_header *block_of(const void *payload) {
  struct locked_header *header = header_of(payload);
  magic_check(header);
  if (LIKELY(header->kind != KIND_ALIGNED)) return header;
  header = header_of((const char *)payload - header->bytes);
  magic_check(header);
  return header;
}

SLOW struct locked_header *region_allocate(size_t size, size_t alignment) {
  if (size > LARGEST_REGION) return out_of_memory();
  size_t bytes = align_up(HEADER_BYTES + size, OS_PAGE_BYTES);
  struct locked_header *block = region_map(bytes, alignment);
  return block ? header_write(block, KIND_REGION, bytes) : NULL;
}

static inline struct locked_header *block_allocate(size_t size, bool *fresh) {
  *fresh = true;
  if (UNLIKELY(size > HEAP_LARGEST - HEADER_BYTES)) return region_allocate(size, OS_PAGE_BYTES);
  // Room for the link of a free block.
  uint32_t bin = bin_of(HEADER_BYTES + (size ? size : 1));
  struct locked_header *block = bin_take(bin, fresh);
  return LIKELY(block != NULL) ? header_write(block, bin, bin_bytes(bin)) : NULL;
}

/// A block big enough to hold an aligned payload behind a second header. Beyond a page's alignment
/// it is a region of its own, as only regions can be had aligned.
SLOW void *allocate_aligned(size_t size, size_t alignment) {
  if (size > LARGEST_REGION || alignment > LARGEST_REGION) return out_of_memory();
  size_t reserve = size + alignment + HEADER_BYTES;
  bool fresh;
  struct locked_header *block = alignment > OS_PAGE_BYTES ? region_allocate(reserve, alignment)
                                                          : block_allocate(reserve, &fresh);
  if (!block) return NULL;
  char *payload = (char *)(block + 1);
  char *aligned = (char *)align_up((uintptr_t)payload + HEADER_BYTES, alignment);
  header_write(header_of(aligned), KIND_ALIGNED, (size_t)(aligned - payload));
  return aligned;
}

static inline void *design_allocate(size_t size, size_t alignment, int zeroed, uintptr_t site) {
  (void)site;
  if (UNLIKELY(alignment > NATURAL_ALIGNMENT)) return allocate_aligned(size, alignment);
  bool fresh;
  struct locked_header *block = block_allocate(size, &fresh);
  if (UNLIKELY(!block)) return NULL;
  if (zeroed && !fresh) zero_lines(block + 1, size);
  return block + 1;
}

static inline void block_free(struct locked_header *block) {
  if (UNLIKELY(block->kind == KIND_REGION)) {
    region_unmap(block, block->bytes);
    return;
  }
  COUNT(MAGIC_MARK);
  block->magic = MAGIC_FREE;
  bin_give(block->kind, block);
}

static inline void design_free(void *payload) { block_free(block_of(payload)); }

static inline size_t usable_bytes(const struct locked_header *block, const void *payload) {
  return (size_t)((const char *)block + block->bytes - (const char *)payload);
}

static size_t design_usable_size(void *payload) { return usable_bytes(block_of(payload), payload); }

/// In place where the block fits and is not less than half used.
static inline void *design_reallocate(void *payload, size_t size, uintptr_t site) {
  struct locked_header *block = block_of(payload);
  size_t usable = usable_bytes(block, payload);
  if (size <= usable && size >= usable / 2) {
    COUNT(REALLOCATE_IN_PLACE);
    return payload;
  }
  void *moved = design_allocate(size, 0, 0, site);
  if (!moved) return NULL;
  copy_lines(moved, payload, size < usable ? size : usable);
  block_free(block);
  return moved;
}

static void design_thread_exit(void *value) { (void)value; }
static void design_before_fork(void) { heap_lock_all(); }
static void design_after_fork_parent(void) { heap_unlock_all(); }
static void design_after_fork_child(void) { heap_unlock_all(); }
