// Pages: free lists, queues by bin, and what happens when a page runs full or empty.

FAST uint8_t page_flags(struct pool_page *page) {
  return atomic_load_explicit(&page->flags, memory_order_relaxed);
}

FAST void page_set_flags(struct pool_page *page, uint8_t flags) {
  atomic_store_explicit(&page->flags, flags, memory_order_relaxed);
}

/// Whether its blocks can't simply be pushed on a list of the owner's. Told apart, every flag is
/// loaded and compared by itself.
FAST int page_is_flagged(struct pool_page *page) {
#if MALLOMETER_TOGGLE_PAGE_FLAGS == MALLOMETER_PAGE_FLAGS_SEPARATE
  return UNLIKELY(page_flags(page) & PAGE_FULL) || UNLIKELY(page_flags(page) & PAGE_ALIGNED) ||
         UNLIKELY(page_flags(page) & PAGE_HUGE);
#else
  return page_flags(page) != 0;
#endif
}

/// Whether malloc can take a block from it as it is.
FAST int page_has_block(struct pool_page *page) {
  return page->free || (HAS_BUMP && page->capacity < page->reserved);
}

/// - Returns: the new count.
FAST uint32_t page_add_used(struct pool_page *page, uint32_t change) {
#if MALLOMETER_TOGGLE_USED_COUNTER == MALLOMETER_USED_COUNTER_ATOMIC
  COUNT(USED_COUNTER_ATOMIC);
  return atomic_fetch_add(&page->used, change) + change;
#else
  COUNT(USED_COUNTER_PLAIN);
  uint32_t used = atomic_load_explicit(&page->used, memory_order_relaxed) + change;
  atomic_store_explicit(&page->used, used, memory_order_relaxed);
  return used;
#endif
}

/// Every entry of the direct table that leads to this bin follows the queue's first page.
static void queue_update_direct(struct pool_heap *heap, uint32_t bin) {
#if IS_DIRECT
  if (bin_bytes[bin] > SMALL_BYTES) return;
  uint32_t from = bin == 1 ? 0 : bin_bytes[bin - 1] / 8 + 1;
  uint32_t upTo = bin_bytes[bin] / 8;
  COUNT_N(DIRECT_ENTRY_WRITE, upTo - from + 1);
  for (uint32_t words = from; words <= upTo; words++) heap->direct[words] = heap->first[bin];
#else
  (void)heap, (void)bin;
#endif
}

static void queue_push_front(struct pool_heap *heap, struct pool_page *page) {
  struct pool_page *next = heap->first[page->bin];
  page->previous = NULL;
  if (next == &heap->empty) {
    page->next = NULL;
    heap->last[page->bin] = page;
  } else {
    page->next = next;
    next->previous = page;
  }
  heap->first[page->bin] = page;
  queue_update_direct(heap, page->bin);
}

static void queue_push_back(struct pool_heap *heap, struct pool_page *page) {
  struct pool_page *last = heap->last[page->bin];
  if (!last) {
    queue_push_front(heap, page);
    return;
  }
  page->previous = last;
  page->next = NULL;
  last->next = page;
  heap->last[page->bin] = page;
}

static void queue_remove(struct pool_heap *heap, struct pool_page *page) {
  if (page->next)
    page->next->previous = page->previous;
  else
    heap->last[page->bin] = page->previous;
  if (page->previous) {
    page->previous->next = page->next;
  } else {
    heap->first[page->bin] = page->next ? page->next : &heap->empty;
    queue_update_direct(heap, page->bin);
  }
}

/// Links the next portion of blocks, in address order, unless bumping cuts them one by one.
static void page_extend(struct pool_page *page) {
  if (HAS_BUMP) return;
  uint32_t portion = EXTEND_BYTES / page->block_bytes;
  uint32_t left = (uint32_t)(page->reserved - page->capacity);
  uint32_t count = portion == 0 ? 1 : portion;
  if (count > left) count = left;
  COUNT(PAGE_EXTEND);
  COUNT_N(BLOCK_LINK, count);
  char *block = page->start + (size_t)page->capacity * page->block_bytes;
  page->free = (struct pool_block *)block;
  for (uint32_t linked = 1; linked < count; linked++) {
    char *next = block + page->block_bytes;
    block_set_next((struct pool_block *)block, (struct pool_block *)next);
    block = next;
  }
  block_set_next((struct pool_block *)block, NULL);
  page->capacity = (uint16_t)(page->capacity + count);
}

#if !IS_LOCKED
/// Puts blocks that other threads freed on `free`.
static void page_take_remote(struct pool_page *page, uintptr_t list) {
  struct pool_block *block = (struct pool_block *)(list & ~(uintptr_t)REMOTE_NOTIFY);
  uint32_t count = 0;
  while (block) {
    struct pool_block *next = block_next(block);
    COUNT(REMOTE_COLLECT);
    block_set_next(block, page->free);
    page->free = block;
    count++;
    block = next;
  }
  uint32_t used = atomic_load_explicit(&page->used, memory_order_relaxed);
  atomic_store_explicit(&page->used, used - count, memory_order_relaxed);
}

SLOW void page_collect_remote(struct pool_page *page) {
  COUNT(ATOMIC_UNCONTENDED);
  page_take_remote(page, atomic_exchange_explicit(&page->remote, 0, memory_order_acquire));
}
#endif

/// What eager collection does before every allocation.
FAST void page_check_remote(struct pool_page *page) {
#if IS_EAGER
  COUNT(REMOTE_CHECK);
  if (UNLIKELY(atomic_load_explicit(&page->remote, memory_order_relaxed)))
    page_collect_remote(page);
#else
  (void)page;
#endif
}

/// Makes what was freed available: the owner's frees, and other threads'.
static void page_collect(struct pool_page *page) {
#if HAS_ONE_LIST
  (void)page;
#else
  COUNT(FREE_LIST_COLLECT);
  SHARED_WRITE(*page_line(page));
  if (!page->free) {
    page->free = page->local_free;
    page->local_free = NULL;
  }
#endif
#if !IS_LOCKED
  if (UNLIKELY(atomic_load_explicit(&page->remote, memory_order_relaxed)))
    page_collect_remote(page);
#endif
}

/// Takes a page without free blocks out of its queue.
/// - Returns: 0 when another thread freed a block meanwhile; it is collected then.
static int page_make_full(struct pool_heap *heap, struct pool_page *page) {
#if !IS_LOCKED
  uintptr_t none = 0;
  if (!atomic_compare_exchange_strong(&page->remote, &none, REMOTE_NOTIFY)) {
    COUNT(ATOMIC_CONTENDED);
    page_collect(page);
    return 0;
  }
  COUNT(ATOMIC_UNCONTENDED);
#endif
  COUNT(PAGE_FULL);
  page_set_flags(page, page_flags(page) | PAGE_FULL);
  queue_remove(heap, page);
  return 1;
}

/// Puts a page of which a block was freed back, behind the others.
static void page_make_available(struct pool_heap *heap, struct pool_page *page) {
  COUNT(PAGE_AVAILABLE);
  page_set_flags(page, page_flags(page) & ~PAGE_FULL);
  queue_push_back(heap, page);
#if !IS_LOCKED
  COUNT(ATOMIC_UNCONTENDED);
  uintptr_t remote = atomic_exchange_explicit(&page->remote, 0, memory_order_acquire);
  if (UNLIKELY(remote & ~(uintptr_t)REMOTE_NOTIFY)) page_take_remote(page, remote);
#endif
}

/// A page of which the last block was freed. The only page of its bin is kept: a program that
/// allocates and frees one block in turn would take and return it every time.
SLOW void page_retire(struct pool_heap *heap, struct pool_page *page) {
  COUNT(PAGE_RETIRE);
  page_set_flags(page, 0);
  int only = !page->next && !page->previous;
  if (only && page->block_bytes <= KEPT_BLOCK) return;
  queue_remove(heap, page);
  segment_return_page(heap, page);
}

/// The page that serves a bin next, with a free block; NULL when out of memory.
static struct pool_page *page_find(struct pool_heap *heap, uint32_t bin) {
  struct pool_page *page = heap->first[bin];
  while (page != &heap->empty) {
    COUNT(PAGE_VISIT);
    page_collect(page);
    if (page_has_block(page)) return page;
    if (page->capacity < page->reserved) {
      page_extend(page);
      return page;
    }
    if (!page_make_full(heap, page)) return page;
    page = heap->first[bin];
  }
  page = segment_take_page(heap, bin);
  if (!page) return NULL;
  queue_push_front(heap, page);
  page_extend(page);
  return page;
}
