// The medium tier: blocks of 1, 2, 4, 8 and 16 KiB from chunks of their own.
//
// Thread-local, a class is a list that only its thread touches. A block goes to the list of the
// thread that frees it; where one thread frees what another allocates, lists beyond their limit
// hand half to a shared one, from which empty ones take.

#if TIERS

enum {
  MEDIUM_CHUNK = 256 << 10,
  /// The most blocks on a thread's list, and how many move at once.
  MEDIUM_LIMIT = 32,
  MEDIUM_MOVE = 16,
  /// Blocks of every class that warming makes ready.
  MEDIUM_WARM = 4,
};

/// The lists that threads share: the only ones, or those that theirs flow over into.
static struct {
  _Alignas(LINE_BYTES) struct mutex_lock lock;
  bool warm;
  _Alignas(LINE_BYTES) struct tiered_class classes[MEDIUM_CLASSES];
  /// Two classes share one.
  SHARED_LINES(lines, MEDIUM_CLASSES / 2 + 1)
} medium = {.lock = MUTEX_LOCK_INITIALLY};

FAST uint32_t medium_class(size_t size) {
  COUNT(SIZE_CLASS_LEADING_ZEROS);
  return 54 - (uint32_t)__builtin_clzll(size - 1);
}

/// Room for the class's bytes behind the header, and payloads aligned to 16.
FAST size_t medium_stride(uint32_t class) { return ((size_t)1024 << class) + 16; }

/// False when out of memory.
SLOW bool medium_refill(struct tiered_class *class) {
  char *chunk = region_map(MEDIUM_CHUNK, OS_PAGE_BYTES);
  if (!chunk) return false;
  COUNT(RUN_CARVE);
  class->next = chunk + 8;
  class->end = chunk + MEDIUM_CHUNK;
  return true;
}

static __attribute__((unused)) void medium_warm(struct tiered_class *classes) {
  COUNT(POOL_WARM);
  for (uint32_t class = 0; class < MEDIUM_CLASSES; class++) {
    if (!medium_refill(&classes[class])) return;
    class_warm(&classes[class], medium_stride(class), MEDIUM_WARM);
  }
}

#if OWN_MEDIUM

/// Takes from the shared list what there is, up to a portion.
/// - Returns: whether it got any.
SLOW bool medium_take(struct tiered_class *class, uint32_t number) {
  struct tiered_class *other = &medium.classes[number];
  mutex_acquire(&medium.lock);
  SHARED_WRITE(medium.lines[number / 2]);
  while (class->count < MEDIUM_MOVE && other->free) {
    COUNT(BLOCK_TRANSFER);
    struct tiered_link *link = other->free;
    other->free = link->next;
    link->next = class->free;
    class->free = link;
    class->count++;
  }
  mutex_release(&medium.lock);
  return class->count > 0;
}

SLOW void medium_give(struct tiered_class *class, uint32_t number) {
  struct tiered_class *other = &medium.classes[number];
  mutex_acquire(&medium.lock);
  SHARED_WRITE(medium.lines[number / 2]);
  for (uint32_t moved = 0; moved < MEDIUM_MOVE; moved++) {
    COUNT(BLOCK_TRANSFER);
    struct tiered_link *link = class->free;
    class->free = link->next;
    link->next = other->free;
    other->free = link;
    class->count--;
  }
  mutex_release(&medium.lock);
}

/// The payload is NULL when out of memory.
static inline struct tiered_block medium_allocate(struct tiered_heap *heap, size_t size) {
  uint32_t number = medium_class(size);
  size_t stride = medium_stride(number);
  struct tiered_class *class = &heap->medium[number];
  struct tiered_block block = {0};
  if (LIKELY(class->free) ||
      (!class_has_room(class, stride) && medium_take(class, number))) {
    block.payload = (char *)class_pop(class);
    class->count--;
  } else if (LIKELY(class_has_room(class, stride)) || medium_refill(class)) {
    block.payload = class_carve(class, stride);
    block.fresh = true;
  }
  if (LIKELY(block.payload)) header_write(block.payload, MEDIUM_TIER, number);
  return block;
}

static inline void medium_free(struct tiered_heap *heap, void *payload, uint32_t number) {
  if (UNLIKELY(!heap)) {
    // No memory for a heap: the shared list takes the block.
    mutex_acquire(&medium.lock);
    SHARED_WRITE(medium.lines[number / 2]);
    class_push(&medium.classes[number], payload);
    mutex_release(&medium.lock);
    return;
  }
  struct tiered_class *class = &heap->medium[number];
  class_push(class, payload);
  if (UNLIKELY(++class->count > MEDIUM_LIMIT)) medium_give(class, number);
}

#else

static inline struct tiered_block medium_allocate(struct tiered_heap *heap, size_t size) {
  (void)heap;
  uint32_t number = medium_class(size);
  size_t stride = medium_stride(number);
  struct tiered_class *class = &medium.classes[number];
  struct tiered_block block = {0};
  mutex_acquire(&medium.lock);
#if WARMS
  if (UNLIKELY(!medium.warm)) {
    medium.warm = true;
    medium_warm(medium.classes);
  }
#endif
  SHARED_WRITE(medium.lines[number / 2]);
  if (LIKELY(class->free)) {
    block.payload = (char *)class_pop(class);
  } else if (LIKELY(class_has_room(class, stride)) || medium_refill(class)) {
    block.payload = class_carve(class, stride);
    block.fresh = true;
  }
  mutex_release(&medium.lock);
  if (LIKELY(block.payload)) header_write(block.payload, MEDIUM_TIER, number);
  return block;
}

static inline void medium_free(struct tiered_heap *heap, void *payload, uint32_t number) {
  (void)heap;
  mutex_acquire(&medium.lock);
  SHARED_WRITE(medium.lines[number / 2]);
  class_push(&medium.classes[number], payload);
  mutex_release(&medium.lock);
}

#endif

#endif
