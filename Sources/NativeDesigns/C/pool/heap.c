// Heaps: one per thread. An ended thread's heap waits, whole, for the next thread that starts:
// blocks in it stay valid, and others may go on freeing them.

/// What a thread has before its first allocation: nothing to give, and never written to.
static struct pool_heap unset_heap = {
    .direct = {[0 ... SMALL_WORDS] = &unset_heap.empty},
    .first = {[0 ... BIN_COUNT - 1] = &unset_heap.empty},
};

THREAD_LOCAL(struct pool_heap *, thread_heap, &unset_heap);

static struct {
  struct mutex_lock lock;
  struct pool_heap *first;
} abandoned = {.lock = MUTEX_LOCK_INITIALLY};

/// The calling thread's first heap: an abandoned one, or a new one. NULL when out of memory.
SLOW struct pool_heap *heap_begin(void) {
  mutex_acquire(&abandoned.lock);
  struct pool_heap *heap = abandoned.first;
  if (heap) abandoned.first = heap->next_abandoned;
  mutex_release(&abandoned.lock);
  if (!heap) {
    heap = region_map(sizeof *heap, OS_PAGE_BYTES);
    if (!heap) return NULL;
    COUNT(HEAP_INIT);
    for (uint32_t words = 0; words <= SMALL_WORDS; words++) heap->direct[words] = &heap->empty;
    for (uint32_t bin = 0; bin < BIN_COUNT; bin++) heap->first[bin] = &heap->empty;
  }
  THREAD(thread_heap) = heap;
  thread_on_exit(heap);
  return heap;
}

/// Frees what other threads freed in this heap's full pages.
static void heap_collect_delayed(struct pool_heap *heap) {
  if (LIKELY(!atomic_load_explicit(&heap->delayed, memory_order_relaxed))) return;
  COUNT(ATOMIC_UNCONTENDED);
  SHARED_WRITE(heap->delayed_line);
  struct pool_block *block = atomic_exchange_explicit(&heap->delayed, NULL, memory_order_acquire);
  while (block) {
    struct pool_block *next = block->next;
    COUNT(REMOTE_COLLECT);
    free_local_flagged(heap, page_of(block), block);
    block = next;
  }
}

static void design_thread_exit(void *value) {
  struct pool_heap *heap = value;
  heap_collect_delayed(heap);
  for (uint32_t bin = 1; bin < BIN_COUNT; bin++) {
    struct pool_page *page = heap->first[bin];
    while (page && page != &heap->empty) {
      struct pool_page *next = page->next;
      page_collect(page);
      if (atomic_load_explicit(&page->used, memory_order_relaxed) == 0) {
        queue_remove(heap, page);
        segment_return_page(heap, page);
      }
      page = next;
    }
  }
  if (heap->spare) region_unmap(heap->spare->region, heap->spare->region_bytes);
  heap->spare = NULL;
  THREAD(thread_heap) = &unset_heap;
  mutex_acquire(&abandoned.lock);
  heap->next_abandoned = abandoned.first;
  abandoned.first = heap;
  mutex_release(&abandoned.lock);
}

// In the child the heaps of the other threads are left alone: one may have been cut off in the
// middle of a change. Blocks in them can still be used and freed.
static void design_before_fork(void) { mutex_wait(&abandoned.lock); }
static void design_after_fork_parent(void) { mutex_release(&abandoned.lock); }
static void design_after_fork_child(void) { mutex_release(&abandoned.lock); }
