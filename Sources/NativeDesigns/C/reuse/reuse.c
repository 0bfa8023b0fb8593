#include "reuse.h"

#include "backing.h"
#include "cache.h"
#include "mapping.h"
#include "policy.h"

// MARK: Headers

static inline void write_header(struct reuse_header *header, enum reuse_method method,
                                size_t requested, size_t actual, uintptr_t site) {
  COUNT(HEADER_WRITE);
  header->magic = REUSE_LIVE;
  header->method = method;
  header->actual = actual;
#if IS(HEADER, 32)
  header->requested = requested;
  bool cacheable = actual - CACHE_MINIMUM < CACHE_MAXIMUM - CACHE_MINIMUM;
  if (IS(SITE_FIELDS, ALWAYS) || UNLIKELY(cacheable)) {
    COUNT(SITE_FIELDS_WRITE);
    header->site = site;
    header->class_mebibytes =
        cacheable ? (uint16_t)(1u << (63 - (uint32_t)__builtin_clzll(actual / CACHE_MINIMUM))) : 0;
  }
#else
  (void)requested, (void)site;
#endif
}

/// The bytes an aligned block may use: the same wherever the alignment put it.
static inline size_t aligned_actual(const struct reuse_header *header,
                                    const struct reuse_header *block) {
  return block->actual - ((size_t)1 << header->alignment_log2) - REUSE_HEADER;
}

/// Reads and checks the header before a payload, the second one of an aligned block too.
static inline struct reuse_header *read_header(void *payload, size_t *actual) {
  struct reuse_header *header = header_of(payload);
  COUNT(HEADER_READ);
  check_magic(header, REUSE_LIVE);
  if (UNLIKELY(header->method == REUSE_METHOD_ALIGNED)) {
    struct reuse_header *block = header_of((char *)payload - header->actual);
    COUNT(HEADER_READ);
    check_magic(block, REUSE_LIVE);
    *actual = aligned_actual(header, block);
    return block;
  }
  *actual = header->actual;
  return header;
}

// MARK: Allocation

/// A block above the threshold; `header` is NULL when out of memory.
static __attribute__((noinline)) struct backing_block map_block(size_t size, size_t alignment,
                                                                uintptr_t site) {
  struct backing_block block = {.bytes = align_up(REUSE_HEADER + size, OS_PAGE_BYTES)};
  enum reuse_method method = REUSE_METHOD_MAPPED;
#if IS(ARENAS, ON)
  if (LIKELY(block.bytes <= ARENA_LARGEST && alignment <= OS_PAGE_BYTES)) {
    method = REUSE_METHOD_ARENA;
    block.header = mapping_take(&block.bytes, &block.recycled, &block.cost);
    if (block.recycled) {
      check_magic(block.header, REUSE_FREE);
    }
  } else
#endif
  {
    block.header = region_map(block.bytes, alignment);
    // The mapping and, later, taking it back.
    block.cost = 2 + pages_of(block.bytes);
  }
  if (block.header) {
    write_header(block.header, method, size, block.bytes - REUSE_HEADER, site);
  }
  return block;
}

/// The slow half of an allocation that may be cached: the cache, and what is above the threshold.
static __attribute__((noinline)) struct reuse_header *take_cached(size_t size, bool zeroed,
                                                                  uintptr_t site) {
#if IS(CACHE, OFF)
  (void)size, (void)zeroed, (void)site;
  return NULL;
#else
  struct reuse_header *header = cache_take(size, site);
  if (header) {
    check_magic(header, REUSE_FREE);
    mark_magic(header, REUSE_LIVE);
    if (zeroed) {
      zero_lines(payload_of(header), size);
    }
  }
  return header;
#endif
}

static inline void *allocate_block(size_t size, bool zeroed, uintptr_t site) {
  uint32_t strategy;
  size_t threshold = policy_threshold(&strategy);
  if (UNLIKELY(cache_takes(size))) {
    struct reuse_header *cached = take_cached(size, zeroed, site);
    if (cached) {
      return payload_of(cached);
    }
  }
  struct reuse_header *header;
  if (UNLIKELY(size >= threshold)) {
    struct backing_block block = map_block(size, OS_PAGE_BYTES, site);
    header = block.header;
    if (!header) {
      return NULL;
    }
    policy_outcome(strategy, size, block.cost);
    if (zeroed && block.recycled) {
      zero_lines(payload_of(header), size);
    }
  } else {
    size_t payload = size < REUSE_MINIMUM ? REUSE_MINIMUM : size;
    struct backing_block block = backing_allocate(REUSE_HEADER + payload);
    header = block.header;
    if (UNLIKELY(!header)) {
      return NULL;
    }
    if (block.recycled) {
      check_magic(header, REUSE_FREE);
    }
    write_header(header, REUSE_METHOD_BACKING, size, block.bytes - REUSE_HEADER, site);
    policy_outcome(strategy, size, block.cost);
    if (zeroed && !block.fresh) {
      zero_lines(payload_of(header), size);
    }
  }
  evolution_record(size);
  return payload_of(header);
}

/// A block big enough to hold an aligned one behind a second header.
static __attribute__((noinline)) void *allocate_aligned(size_t size, size_t alignment,
                                                        uintptr_t site) {
  size_t reserve = size + alignment + REUSE_HEADER;
  char *payload;
  char *aligned;
  if (alignment <= OS_PAGE_BYTES) {
    payload = allocate_block(reserve, false, site);
    aligned = (char *)align_up((uintptr_t)payload + REUSE_HEADER, alignment);
  } else {
    struct reuse_header *header = map_block(reserve, alignment, site).header;
    payload = header ? payload_of(header) : NULL;
    aligned = (char *)header + alignment;
  }
  if (!payload) {
    return NULL;
  }
  struct reuse_header *header = header_of(aligned);
  COUNT(HEADER_WRITE);
  header->magic = REUSE_LIVE;
  header->method = REUSE_METHOD_ALIGNED;
  header->alignment_log2 = (uint8_t)__builtin_ctzll(alignment);
  header->actual = (size_t)(aligned - payload);
  return aligned;
}

static inline void *design_allocate(size_t size, size_t alignment, int zeroed, uintptr_t site) {
  if (UNLIKELY(size > REUSE_MAXIMUM || alignment > REUSE_MAXIMUM)) {
    return out_of_memory();
  }
  if (UNLIKELY(alignment > NATURAL_ALIGNMENT)) {
    return allocate_aligned(size, alignment, site);
  }
  return allocate_block(size, zeroed, site);
}

// MARK: Free

/// Gives a block back to where it came from; `evicted` tells that the cache had it.
static inline void release(struct reuse_header *header, bool evicted) {
  size_t bytes = header->actual + REUSE_HEADER;
  if (LIKELY(header->method == REUSE_METHOD_BACKING)) {
    backing_free(header, bytes);
  } else if (evicted) {
    mapping_evict(header, bytes);
#if IS(ARENAS, ON)
  } else if (header->method == REUSE_METHOD_ARENA) {
    mapping_give(header);
#endif
  } else {
    region_unmap(header, bytes);
  }
}

#if !IS(CACHE, OFF)
static __attribute__((noinline)) void free_cacheable(struct reuse_header *header) {
#if IS(HEADER, 32)
  COUNT(CACHE_CLASS);
  uint32_t class = (uint32_t)__builtin_ctz(header->class_mebibytes);
  struct reuse_header *evicted = cache_put(header, header->site, class);
#else
  struct reuse_header *evicted = cache_put(header, 0, cache_class(header->actual));
#endif
  if (evicted) {
    COUNT(HEADER_READ);
    release(evicted, true);
  }
}
#endif

static inline void design_free(void *block) {
  size_t actual;
  struct reuse_header *header = read_header(block, &actual);
  mark_magic(header, REUSE_FREE);
#if !IS(CACHE, OFF)
  if (UNLIKELY(cache_takes(header->actual))) {
    free_cacheable(header);
    return;
  }
#endif
  release(header, false);
}

static inline void *design_reallocate(void *block, size_t size, uintptr_t site) {
  if (UNLIKELY(size > REUSE_MAXIMUM)) {
    return out_of_memory();
  }
  size_t actual;
  (void)read_header(block, &actual);
  if (size <= actual && size >= actual / 2) {
    return block;
  }
  void *moved = allocate_block(size, false, site);
  if (moved) {
    size_t kept = size < actual ? size : actual;
    copy_lines(moved, block, kept);
    design_free(block);
  }
  return moved;
}

static size_t design_usable_size(void *block) {
  struct reuse_header *header = header_of(block);
  if (header->method == REUSE_METHOD_ALIGNED) {
    return aligned_actual(header, header_of((char *)block - header->actual));
  }
  return header->actual;
}

// MARK: Threads and processes

#if IS(CACHE, THREAD_LOCAL)
/// Empties the cache of a thread that ends; what it still frees goes past it.
static void cache_close(struct cache_state *state) {
  if (!state->watched) {
    return;
  }
  state->closed = true;
  for (uint32_t row = 0; row < CACHE_SITES; row++) {
    for (uint32_t class = 0; class < CACHE_CLASSES; class++) {
      struct reuse_header *block;
      while ((block = cache_slot_drain(&state->slots[row][class]))) {
        release(block, true);
      }
    }
  }
}
#endif

static void design_thread_exit(void *value) {
  (void)value;
#if IS(CACHE, THREAD_LOCAL)
  cache_close(&CACHE_HERE);
#endif
#if IS(HEAP, THREAD_LOCAL)
  heap_abandon();
#endif
}

/// Always in this order; an allocation holds at most one of them.
static struct spin_lock *const locks[] = {
#if IS(CACHE, GLOBAL)
    &cache.lock,
#endif
    &policy.lock, &backing.lock, &mappings.lock,
};

enum { LOCKS = sizeof locks / sizeof *locks };

static void design_before_fork(void) {
  for (int i = 0; i < LOCKS; i++) {
    lock_wait(locks[i]);
  }
}

static void design_after_fork_parent(void) {
  for (int i = 0; i < LOCKS; i++) {
    lock_release(locks[i]);
  }
}

static void design_after_fork_child(void) { design_after_fork_parent(); }
