// Allocating: a pop where the bin's first page has a free block, else the search for one.

PATH struct pool_block *pop(struct pool_page *page) {
  struct pool_block *block = page->free;
  COUNT(FREE_LIST_POP);
  SHARED_WRITE(*page_line(page));
  page->free = block_next(block);
#if MALLOMETER_TOGGLE_PREFETCH == MALLOMETER_PREFETCH_ON
  COUNT(BLOCK_PREFETCH);
  __builtin_prefetch(page->free, 1);
#endif
  page_add_used(page, 1);
  return block;
}

/// From a page that has a block.
FAST struct pool_block *take(struct pool_page *page) {
#if HAS_BUMP
  COUNT(BUMP_CHECK);
  if (!page->free) {
    COUNT(BLOCK_BUMP);
    SHARED_WRITE(*page_line(page));
    page_add_used(page, 1);
    return (struct pool_block *)(page->start + (size_t)page->capacity++ * page->block_bytes);
  }
#endif
  return pop(page);
}

/// The bin's first page had no free block.
SLOW struct pool_block *allocate_slow(struct pool_heap *heap, uint32_t bin) {
  COUNT(ALLOCATE_SLOW);
  if (heap_is_unset(heap) && !(heap = heap_begin())) return NULL;
  heap_collect_delayed(heap);
  struct pool_page *page = page_find(heap, bin);
  return page ? take(page) : NULL;
}

#if IS_DIRECT && !HAS_MAGAZINES
SLOW struct pool_block *allocate_small_slow(struct pool_heap *heap, size_t bytes) {
  return allocate_slow(heap, bin_of(bytes));
}
#endif

PATH struct pool_block *allocate_bin(struct pool_heap *heap, uint32_t bin) {
  struct pool_page *page = heap->first[bin];
  page_check_remote(page);
  return LIKELY(page_has_block(page)) ? take(page) : allocate_slow(heap, bin);
}

SLOW void *allocate_huge(struct pool_heap *heap, size_t size, size_t alignment) {
  if (heap_is_unset(heap) && !(heap = heap_begin())) return NULL;
  return huge_allocate(heap, size, alignment);
}

/// Medium and large blocks, by bin.
static struct pool_block *allocate_binned(struct pool_heap *heap, size_t bytes) {
  return allocate_bin(heap, bin_of(bytes));
}

/// A block's start; bytes are with the header, and may have wrapped.
PATH struct pool_block *allocate_block(struct pool_heap *heap, size_t size) {
  size_t bytes = size + HEADER_BYTES;
#if HAS_MAGAZINES
  if (LIKELY(size <= SMALL_BYTES - HEADER_BYTES)) {
    uint32_t bin = bin_of(bytes);
    struct pool_magazine *magazine = &heap->magazines[bin];
    COUNT(MAGAZINE_CHECK);
    return LIKELY(magazine->count) ? magazine_pop(magazine) : allocate_bin(heap, bin);
  }
#elif IS_DIRECT
  if (LIKELY(size <= SMALL_BYTES - HEADER_BYTES)) {
    COUNT(SIZE_CLASS_DIRECT);
    struct pool_page *page = heap->direct[(bytes + 7) / 8];
    page_check_remote(page);
    return LIKELY(page_has_block(page)) ? take(page) : allocate_small_slow(heap, bytes);
  }
#endif
  if (LIKELY(size <= LARGEST_BLOCK - HEADER_BYTES)) return allocate_binned(heap, bytes);
  return allocate_huge(heap, size, 0);
}

/// Where every block of a bin is aligned as asked, any will do; else a larger block is taken and
/// its start moved, and the page remembers that some starts are.
SLOW void *allocate_aligned(struct pool_heap *heap, size_t size, size_t alignment) {
  if (size > LARGEST_BLOCK || alignment > LARGEST_BLOCK)
    return allocate_huge(heap, size, alignment);
  size_t mask = alignment - 1;
  size_t held = size ? size : 1;
  size_t rounded = align_up(held, alignment) + HEADER_BYTES;
  if (rounded <= LARGEST_BLOCK && alignment <= OS_PAGE_BYTES && !(HEADER_BYTES & mask)) {
    uint32_t bin = bin_of(rounded);
    if (!(bin_bytes[bin] & mask)) return allocate_bin(heap, bin);
  }
  size_t total = held + HEADER_BYTES + mask;
  if (total > LARGEST_BLOCK) return allocate_huge(heap, size, alignment);
  struct pool_block *block = allocate_bin(heap, bin_of(total));
  if (!block) return NULL;
  char *payload = (char *)align_up((uintptr_t)block + HEADER_BYTES, alignment);
  char *start = payload - HEADER_BYTES;
  if (start != (char *)block) {
    COUNT(BLOCK_ALIGN);
    struct pool_page *page = page_of(block);
    page_set_flags(page, page_flags(page) | PAGE_ALIGNED);
  }
  return start;
}

PATH void *allocate_any(size_t size, size_t alignment, int zeroed, uintptr_t site) {
  COUNT_BRANCHES();
  COUNT_PATH();
  struct pool_heap *heap = heap_here();
#if IS_LOCKED
  if (UNLIKELY(heap_is_unset(heap)) && !(heap = heap_begin())) return NULL;
  heap_lock(heap);
#endif
  char *start = LIKELY(alignment <= NATURAL_ALIGNMENT)
                    ? (char *)allocate_block(heap, size)
                    : (char *)allocate_aligned(heap, size, alignment);
  heap_unlock(heap);
  if (UNLIKELY(!start)) return NULL;
  char *payload = start + HEADER_BYTES;
  header_write(payload, size, site);
  // A region of its own comes zeroed from the kernel.
  if (zeroed && size <= LARGEST_BLOCK - HEADER_BYTES) zero_lines(payload, size);
  return payload;
}

static inline void *design_allocate(size_t size, size_t alignment, int zeroed, uintptr_t site) {
  return allocate_any(size, alignment, zeroed, site);
}

/// Bytes from here to the end of the block.
static size_t usable_size(void *block) {
  COUNT(PAGE_LOOKUP);
  char *inside = (char *)block - HEADER_BYTES;
  struct pool_segment *segment = segment_of(inside);
  struct pool_page *page = page_in(segment, inside);
  uint8_t flags = page_flags(page);
  if (flags & PAGE_HUGE)
    return (size_t)(segment->region + segment->region_bytes - (char *)block);
  if (!(flags & PAGE_ALIGNED)) return page->block_bytes - HEADER_BYTES;
  char *start = (char *)block_start(page, inside);
  return (size_t)(start + page->block_bytes - (char *)block);
}

static size_t design_usable_size(void *block) { return usable_size(block); }

/// In place where the block fits and is not less than half used.
static inline void *design_reallocate(void *block, size_t size, uintptr_t site) {
  header_check(block);
  size_t usable = usable_size(block);
  if (size <= usable && size >= usable / 2) {
    COUNT(REALLOCATE_IN_PLACE);
    header_write(block, size, site);
    return block;
  }
  void *moved = design_allocate(size, 0, 0, site);
  if (!moved) return NULL;
  copy_lines(moved, block, size < usable ? size : usable);
  design_free(block);
  return moved;
}
