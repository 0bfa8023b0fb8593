// Heaps: one per thread. An ended thread's heap waits, whole, for the next thread that starts:
// blocks in it stay valid, and others may go on freeing them.

FAST void heap_lock(struct pool_heap *heap) {
#if IS_LOCKED
  lock_acquire(&heap->lock);
#else
  (void)heap;
#endif
}

FAST void heap_unlock(struct pool_heap *heap) {
#if IS_LOCKED
  lock_release(&heap->lock);
#else
  (void)heap;
#endif
}

/// A heap without pages.
#define EMPTY_HEAP(heap)                                                                           \
  {.direct = {[0 ... SMALL_WORDS] = &heap.empty}, .first = {[0 ... BIN_COUNT - 1] = &heap.empty}}

#if IS_GLOBAL
static struct pool_heap global_heap = EMPTY_HEAP(global_heap);

FAST struct pool_heap *heap_here(void) { return &global_heap; }
FAST int heap_is_unset(struct pool_heap *heap) { return heap != &global_heap; }
SLOW __attribute__((unused)) struct pool_heap *heap_begin(void) { return &global_heap; }

static void design_thread_exit(void *value) { (void)value; }
static void design_before_fork(void) { lock_wait(&global_heap.lock); }
static void design_after_fork_parent(void) { lock_release(&global_heap.lock); }
static void design_after_fork_child(void) { lock_release(&global_heap.lock); }

static void heap_collect_delayed(struct pool_heap *heap) { (void)heap; }
#else

/// What a thread has before its first allocation: nothing to give, and never written to.
static struct pool_heap unset_heap = EMPTY_HEAP(unset_heap);

THREAD_LOCAL(struct pool_heap *, thread_heap, &unset_heap);

FAST struct pool_heap *heap_here(void) {
  COUNT_THREAD_LOCAL();
  return THREAD(thread_heap);
}

FAST int heap_is_unset(struct pool_heap *heap) { return heap == &unset_heap; }

static struct {
  struct mutex_lock lock;
  struct pool_heap *first;
#if IS_LOCKED
  /// Every heap, abandoned or not.
  struct pool_heap *all;
#endif
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
#if IS_LOCKED
    mutex_wait(&abandoned.lock);
    heap->next_heap = abandoned.all;
    abandoned.all = heap;
    mutex_release(&abandoned.lock);
#endif
  }
  THREAD(thread_heap) = heap;
  thread_on_exit(heap);
  return heap;
}

/// Frees what other threads freed in this heap's full pages.
static void heap_collect_delayed(struct pool_heap *heap) {
#if IS_LOCKED
  (void)heap;
#else
  if (LIKELY(!atomic_load_explicit(&heap->delayed, memory_order_relaxed))) return;
  COUNT(ATOMIC_UNCONTENDED);
  SHARED_WRITE(heap->delayed_line);
  struct pool_block *block = atomic_exchange_explicit(&heap->delayed, NULL, memory_order_acquire);
  while (block) {
    struct pool_block *next = block_next(block);
    COUNT(REMOTE_COLLECT);
    free_local_flagged(heap, page_of(block), block);
    block = next;
  }
#endif
}

static void design_thread_exit(void *value) {
  struct pool_heap *heap = value;
  heap_lock(heap);
  heap_collect_delayed(heap);
  magazines_empty(heap);
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
  heap_unlock(heap);
  THREAD(thread_heap) = &unset_heap;
  mutex_acquire(&abandoned.lock);
  heap->next_abandoned = abandoned.first;
  abandoned.first = heap;
  mutex_release(&abandoned.lock);
}

#if IS_LOCKED
// Every heap is whole when its lock is held: in the child all of them go on serving.
static void design_before_fork(void) {
  mutex_wait(&abandoned.lock);
  for (struct pool_heap *heap = abandoned.all; heap; heap = heap->next_heap)
    lock_wait(&heap->lock);
}

static void design_after_fork_parent(void) {
  for (struct pool_heap *heap = abandoned.all; heap; heap = heap->next_heap)
    lock_release(&heap->lock);
  mutex_release(&abandoned.lock);
}

static void design_after_fork_child(void) { design_after_fork_parent(); }
#else
// In the child the heaps of the other threads are left alone: one may have been cut off in the
// middle of a change. Blocks in them can still be used and freed.
static void design_before_fork(void) { mutex_wait(&abandoned.lock); }
static void design_after_fork_parent(void) { mutex_release(&abandoned.lock); }
static void design_after_fork_child(void) { mutex_release(&abandoned.lock); }
#endif
#endif
