// Freeing: a push on the page's own list for the owner, by compare-and-swap for others.

/// `start` is where the block, or its header if there is one, starts: a payload without bytes lies
/// behind its block.
FAST struct pool_segment *segment_of(const void *start) {
  // Less one: a huge block may start where the next segment would.
  return (struct pool_segment *)(((uintptr_t)start - 1) & ~(uintptr_t)(SEGMENT_BYTES - 1));
}

FAST struct pool_page *page_in(struct pool_segment *segment, const void *start) {
  return &segment->pages[((uintptr_t)start - (uintptr_t)segment) >> segment->page_shift];
}

static struct pool_page *page_of(const void *start) { return page_in(segment_of(start), start); }

/// The start of the block that holds this address.
static struct pool_block *block_start(struct pool_page *page, const void *inside) {
  COUNT(BLOCK_UNALIGN);
  size_t offset = (size_t)((const char *)inside - page->start);
  return (struct pool_block *)(page->start + offset / page->block_bytes * page->block_bytes);
}

PATH void push_local(struct pool_page *page, struct pool_block *block) {
  COUNT(FREE_LIST_PUSH);
  SHARED_WRITE(*page_line(page));
#if HAS_ONE_LIST
  block_set_next(block, page->free);
  page->free = block;
#else
  block_set_next(block, page->local_free);
  page->local_free = block;
#endif
}

/// Frees a block, given by its start, in a page that may be full.
static void free_local_flagged(struct pool_heap *heap, struct pool_page *page,
                               struct pool_block *block) {
  push_local(page, block);
  uint32_t used = page_add_used(page, (uint32_t)-1);
  if (page_flags(page) & PAGE_FULL) page_make_available(heap, page);
  if (used == 0) page_retire(heap, page);
}

#if !IS_LOCKED
static void free_remote(struct pool_segment *segment, struct pool_page *page,
                        struct pool_block *block) {
  COUNT(REMOTE_FREE);
  uintptr_t list = atomic_load_explicit(&page->remote, memory_order_relaxed);
  uintptr_t wanted;
  COUNT(ATOMIC_UNCONTENDED);
  for (;;) {
    block_set_next(block, (struct pool_block *)list);
    wanted = list & REMOTE_NOTIFY ? 0 : (uintptr_t)block;
    if (LIKELY(atomic_compare_exchange_weak_explicit(&page->remote, &list, wanted,
                                                     memory_order_acq_rel, memory_order_relaxed)))
      break;
    COUNT(ATOMIC_CONTENDED);
  }
  SHARED_WRITE(*page_line(page));
  if (!(list & REMOTE_NOTIFY)) return;
  struct pool_heap *heap = segment->heap;
  struct pool_block *first = atomic_load_explicit(&heap->delayed, memory_order_relaxed);
  COUNT(ATOMIC_UNCONTENDED);
  for (;;) {
    block_set_next(block, first);
    if (LIKELY(atomic_compare_exchange_weak_explicit(&heap->delayed, &first, block,
                                                     memory_order_release, memory_order_relaxed)))
      break;
    COUNT(ATOMIC_CONTENDED);
  }
  SHARED_WRITE(heap->delayed_line);
}
#endif

/// Everything but a block of a local page that is neither full nor holds moved starts.
SLOW void free_other(struct pool_heap *heap, struct pool_segment *segment, struct pool_page *page,
                     struct pool_block *start) {
  uint8_t flags = page_flags(page);
  if (flags & PAGE_HUGE) {
    region_unmap(segment->region, segment->region_bytes);
    return;
  }
  if (flags & PAGE_ALIGNED) start = block_start(page, start);
#if !IS_LOCKED
  if (segment->heap != heap) {
    free_remote(segment, page, start);
    return;
  }
#endif
  free_local_flagged(heap, page, start);
}

FAST struct pool_header *header_of(void *block) {
  return (struct pool_header *)((char *)block - sizeof(struct pool_header));
}

/// Reads a block's header, where there is one, and refuses a block whose magic number is gone.
FAST void header_check(void *block) {
#if MALLOMETER_TOGGLE_HEADER > 0
  COUNT(HEADER_READ);
  COUNT(MAGIC_CHECK);
  if (UNLIKELY(header_of(block)->magic != HEADER_MAGIC))
    design_abort("free or realloc of a block that is not allocated", block);
#else
  (void)block;
#endif
}

FAST void header_write(void *block, size_t size, uintptr_t site) {
#if MALLOMETER_TOGGLE_HEADER > 0
  COUNT(HEADER_WRITE);
  struct pool_header *header = header_of(block);
  header->magic = HEADER_MAGIC;
  header->site_low = (uint32_t)site;
  header->size = size;
#if MALLOMETER_TOGGLE_HEADER == MALLOMETER_HEADER_32
  header->site = site;
  header->reserved = 0;
#endif
#else
  (void)block, (void)size, (void)site;
#endif
}

/// Frees a block whose page's heap is known, and locked if it has a lock.
FAST void free_here(struct pool_heap *heap, struct pool_segment *segment, struct pool_page *page,
                    struct pool_block *start) {
  if (UNLIKELY(segment->heap != heap) || UNLIKELY(page_is_flagged(page))) {
    free_other(heap, segment, page, start);
    return;
  }
  if (magazine_push(heap, page, start)) return;
  push_local(page, start);
  if (UNLIKELY(page_add_used(page, (uint32_t)-1) == 0)) page_retire(heap, page);
}

PATH void free_any(void *block) {
  header_check(block);
  COUNT(PAGE_LOOKUP);
  COUNT_BRANCHES();
  COUNT_PATH();
  COUNT_FLAGS();
  struct pool_block *start = (struct pool_block *)((char *)block - HEADER_BYTES);
  struct pool_segment *segment = segment_of(start);
  struct pool_page *page = page_in(segment, start);
#if IS_LOCKED
  // A region of its own is no heap's.
  if (UNLIKELY(page_flags(page) & PAGE_HUGE)) {
    free_other(segment->heap, segment, page, start);
    return;
  }
  // The lock of the heap that has the page, whoever frees.
  struct pool_heap *heap = segment->heap;
  heap_lock(heap);
  free_here(heap, segment, page, start);
  heap_unlock(heap);
#else
  free_here(heap_here(), segment, page, start);
#endif
}

static inline void design_free(void *block) { free_any(block); }
