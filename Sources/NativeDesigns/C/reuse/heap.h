#ifndef MALLOMETER_REUSE_HEAP_H
#define MALLOMETER_REUSE_HEAP_H

/// A heap per thread in front of the shared one: bins of its own, without a lock.
///
/// A bin that has neither a free block nor a rest takes the shared lock, and with it a batch of the
/// blocks that other threads freed, else a run of its own. A bin whose free blocks are too many gives
/// half of them back, so that a thread which only frees can't hoard what another needs. An ended
/// thread's heap waits, whole, for the next thread that starts.

enum {
  /// A bin gives blocks back when it has more than so many, or more bytes than a run.
  HEAP_MOST_BLOCKS = 256,
  /// But never the last two.
  HEAP_FEWEST_BLOCKS = 2,
  /// A batch that is taken: so many blocks, or half a run of bytes.
  HEAP_BATCH_BLOCKS = 128,
};

struct thread_heap {
  struct backing_bin bins[BACKING_BINS];
  struct thread_heap *next_abandoned;
};

_Static_assert(sizeof(struct thread_heap) <= OS_PAGE_BYTES, "a heap is a page");

THREAD_LOCAL(struct thread_heap *, thread_heap, NULL);

/// Guarded by the shared heap's lock.
static struct thread_heap *abandoned_heaps;

/// The calling thread's heap: an abandoned one, or a new one. NULL when out of memory.
SLOW struct thread_heap *heap_begin(void) {
  int before = errno;
  lock_acquire(&backing.lock);
  struct thread_heap *heap = abandoned_heaps;
  if (heap) {
    abandoned_heaps = heap->next_abandoned;
  }
  lock_release(&backing.lock);
  if (!heap) {
    heap = region_map(sizeof *heap, OS_PAGE_BYTES);
    if (!heap) {
      // A free that has no heap leaves errno alone; an allocation sets it again.
      errno = before;
      return NULL;
    }
    COUNT(HEAP_INIT);
  }
  THREAD(thread_heap) = heap;
  thread_on_exit(heap);
  return heap;
}

/// At the end of its thread.
static void heap_abandon(void) {
  struct thread_heap *heap = THREAD(thread_heap);
  if (heap) {
    THREAD(thread_heap) = NULL;
    lock_acquire(&backing.lock);
    heap->next_abandoned = abandoned_heaps;
    abandoned_heaps = heap;
    lock_release(&backing.lock);
  }
}

static inline struct thread_heap *heap_here(void) {
  COUNT(THREAD_LOCAL_ACCESS);
  struct thread_heap *heap = THREAD(thread_heap);
  return LIKELY(heap) ? heap : heap_begin();
}

/// Blocks that others freed, or a run. False when out of memory.
SLOW bool heap_refill(struct backing_bin *bin, uint32_t number, struct backing_block *block) {
  struct backing_bin *shared = &backing.bins[number];
  bool done = true;
  lock_acquire(&backing.lock);
  SHARED_WRITE(backing.lines[number / 2]);
  if (shared->free) {
    do {
      COUNT(BLOCK_TRANSFER);
      struct reuse_header *moved = shared->free;
      shared->free = *link_of(moved);
      *link_of(moved) = bin->free;
      bin->free = moved;
      bin->count++;
    } while (shared->free && bin->count < HEAP_BATCH_BLOCKS &&
             bin->count * block->bytes < BACKING_RUN / 2);
  } else {
    done = backing_refill(bin, block);
  }
  lock_release(&backing.lock);
  return done;
}

/// Half of a bin's free blocks go to the shared heap.
SLOW void heap_give_back(struct backing_bin *bin, uint32_t number) {
  struct backing_bin *shared = &backing.bins[number];
  lock_acquire(&backing.lock);
  SHARED_WRITE(backing.lines[number / 2]);
  for (size_t left = bin->count / 2; left > 0; left--) {
    COUNT(BLOCK_TRANSFER);
    struct reuse_header *moved = bin->free;
    bin->free = *link_of(moved);
    *link_of(moved) = shared->free;
    shared->free = moved;
    bin->count--;
  }
  lock_release(&backing.lock);
}

/// `block.header` is NULL when out of memory.
static inline struct backing_block backing_allocate(size_t bytes) {
  uint32_t number = backing_bin_of(bytes);
  struct backing_block block = {.bytes = backing_bin_bytes(number)};
  struct thread_heap *heap = heap_here();
  if (UNLIKELY(!heap)) {
    errno = ENOMEM;
    return block;
  }
  struct backing_bin *bin = &heap->bins[number];
  if (UNLIKELY(!bin->free && (size_t)(bin->end - bin->next) < block.bytes) &&
      !heap_refill(bin, number, &block)) {
    return block;
  }
  if (LIKELY(bin->free)) {
    COUNT(FREE_LIST_POP);
    block.header = bin->free;
    block.recycled = true;
    bin->free = *link_of(block.header);
    COUNT(LOCAL_COUNT);
    bin->count--;
  } else {
    COUNT(BLOCK_CARVE);
    block.header = (struct reuse_header *)bin->next;
    block.fresh = true;
    bin->next += block.bytes;
  }
  return block;
}

/// Into the heap of the thread that frees, whoever allocated.
static inline void backing_free(struct reuse_header *header, size_t bytes) {
  struct thread_heap *heap = heap_here();
  if (UNLIKELY(!heap)) {
    backing_free_shared(header, bytes);
    return;
  }
  uint32_t number = backing_bin_of(bytes);
  struct backing_bin *bin = &heap->bins[number];
  COUNT(FREE_LIST_PUSH);
  *link_of(header) = bin->free;
  bin->free = header;
  COUNT(LOCAL_COUNT);
  bin->count++;
  if (UNLIKELY(bin->count > HEAP_FEWEST_BLOCKS &&
               (bin->count > HEAP_MOST_BLOCKS || bin->count * bytes > BACKING_RUN))) {
    heap_give_back(bin, number);
  }
}

#endif
