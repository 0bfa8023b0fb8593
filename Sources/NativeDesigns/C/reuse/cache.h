#ifndef MALLOMETER_REUSE_CACHE_H
#define MALLOMETER_REUSE_CACHE_H

/// The cache of recent frees: bins of call sites × four classes (1, 2, 4, 8 MiB).
///
/// A bin is a slot for one block, or an intrusive list of up to sixteen, of which the last freed is
/// looked at. A block serves a request if the call site is the same and the bytes suffice.
/// Size-segregated there is one row of bins, and no site to compare. What finds no place drives the
/// block out that was freed last before it: it is the one that a request would have been offered.
/// The global cache has one lock; the thread-local one has none, and is emptied when its thread ends.

#include "reuse.h"

#define CACHE_MINIMUM ((size_t)1 << 20)
/// From here on a block is too big for the largest class.
#define CACHE_MAXIMUM ((size_t)16 << 20)

enum { CACHE_CLASSES = 4 };

static inline bool cache_takes(size_t bytes) {
#if IS(CACHE, OFF)
  (void)bytes;
  return false;
#else
  return bytes - CACHE_MINIMUM < CACHE_MAXIMUM - CACHE_MINIMUM;
#endif
}

static inline uint32_t cache_class(size_t bytes) {
  COUNT(CACHE_CLASS);
  return 63 - (uint32_t)__builtin_clzll(bytes / CACHE_MINIMUM);
}

#if !IS(CACHE, OFF)

#if !REUSE_KEYED_BY_SITE
enum { CACHE_SITES = 1 };
#elif IS(CACHE_SITES, 256)
enum { CACHE_SITES = 256 };
#else
enum { CACHE_SITES = 64 };
#endif

#if IS(FREE_LISTS, ON)
enum { CACHE_LIST_MAXIMUM = 16 };

struct cache_slot {
  /// The block freed last; the others are linked behind it.
  struct reuse_header *block;
  uint64_t count;
};
#else
struct cache_slot {
  struct reuse_header *block;
  uintptr_t site;
  /// Bytes the caller may use.
  size_t actual;
  uint64_t valid;
};
#endif

enum { CACHE_SLOTS_PER_LINE = LINE_BYTES / sizeof(struct cache_slot) };

struct cache_state {
  alignas(LINE_BYTES) struct spin_lock lock;
  /// The thread's end is watched for; it has come.
  bool watched;
  bool closed;
  alignas(LINE_BYTES) struct cache_slot slots[CACHE_SITES][CACHE_CLASSES];
  /// Two slots, or four lists, share one.
  SHARED_LINES(lines, CACHE_SITES * CACHE_CLASSES / CACHE_SLOTS_PER_LINE)
};

#if IS(CACHE, THREAD_LOCAL)
THREAD_LOCAL(struct cache_state, thread_cache, {});
#define CACHE_HERE THREAD(thread_cache)
#else
static struct cache_state cache;
#define CACHE_HERE cache
#endif

static inline struct cache_slot *cache_slot_of(uintptr_t site, uint32_t class) {
#if IS(CACHE, THREAD_LOCAL)
  COUNT(THREAD_LOCAL_ACCESS);
#endif
#if REUSE_KEYED_BY_SITE
  COUNT(SITE_HASH);
  struct cache_slot *slot = &CACHE_HERE.slots[(site >> 12) % CACHE_SITES][class];
#else
  (void)site;
  struct cache_slot *slot = &CACHE_HERE.slots[0][class];
#endif
#if IS(CACHE_PREFETCH, ON)
  COUNT(CACHE_PREFETCH);
  __builtin_prefetch(slot, 0, 3);
#endif
  return slot;
}

/// Beside a write to a slot; a thread's own are never shared.
static inline void cache_write(const struct cache_slot *slot) {
#if IS(CACHE, GLOBAL)
  SHARED_WRITE(cache.lines[(slot - cache.slots[0]) / CACHE_SLOTS_PER_LINE]);
#endif
  (void)slot;
}

static inline void cache_lock(void) {
#if IS(CACHE, GLOBAL)
  lock_acquire(&cache.lock);
#endif
}

static inline void cache_unlock(void) {
#if IS(CACHE, GLOBAL)
  lock_release(&cache.lock);
#endif
}

/// The block that the slot offers, taken out of it; NULL if it doesn't serve.
static inline struct reuse_header *cache_slot_take(struct cache_slot *slot, size_t size,
                                                   uintptr_t site) {
#if IS(FREE_LISTS, ON)
  struct reuse_header *block = slot->block;
  if (!block) {
    return NULL;
  }
  COUNT(HEADER_READ);
#if REUSE_KEYED_BY_SITE
  if (block->site != site) {
    return NULL;
  }
#endif
  (void)site;
  if (block->actual < size) {
    return NULL;
  }
  COUNT(FREE_LIST_POP);
  cache_write(slot);
  slot->block = *link_of(block);
  slot->count--;
  return block;
#else
  if (!slot->valid || (REUSE_KEYED_BY_SITE && slot->site != site) || slot->actual < size) {
    return NULL;
  }
  cache_write(slot);
  slot->valid = 0;
  return slot->block;
#endif
}

/// Puts a block into a slot. What it drove out has to be released; NULL if nothing was.
static inline struct reuse_header *cache_slot_put(struct cache_slot *slot,
                                                  struct reuse_header *block, uintptr_t site) {
  struct reuse_header *evicted = NULL;
#if IS(FREE_LISTS, ON)
  (void)site;
  if (slot->count == CACHE_LIST_MAXIMUM) {
    COUNT(CACHE_EVICT);
    evicted = slot->block;
    slot->block = *link_of(evicted);
    slot->count--;
  }
  COUNT(FREE_LIST_PUSH);
  cache_write(slot);
  *link_of(block) = slot->block;
  slot->block = block;
  slot->count++;
#else
  COUNT(CACHE_STORE);
  if (slot->valid) {
    COUNT(CACHE_EVICT);
    evicted = slot->block;
  }
  cache_write(slot);
  *slot = (struct cache_slot){block, site, block->actual, 1};
#endif
  return evicted;
}

/// Any block of a slot, taken out of it; NULL when there is none.
static __attribute__((unused)) struct reuse_header *cache_slot_drain(struct cache_slot *slot) {
  struct reuse_header *block = slot->block;
#if IS(FREE_LISTS, ON)
  if (block) {
    slot->block = *link_of(block);
    slot->count--;
  }
  return block;
#else
  bool valid = slot->valid;
  slot->valid = 0;
  return valid ? block : NULL;
#endif
}

/// A block of at least `size` bytes that was freed and came from the same site, or NULL.
static inline struct reuse_header *cache_take(size_t size, uintptr_t site) {
  struct cache_slot *slot = cache_slot_of(site, cache_class(size));
  cache_lock();
  COUNT(CACHE_LOOKUP);
  struct reuse_header *block = cache_slot_take(slot, size, site);
  if (block) {
    COUNT(CACHE_HIT);
  }
  cache_unlock();
  return block;
}

/// Puts a freed block into its slot. What it drove out has to be released; NULL if nothing was.
static inline struct reuse_header *cache_put(struct reuse_header *block, uintptr_t site,
                                             uint32_t class) {
  struct cache_slot *slot = cache_slot_of(site, class);
#if IS(CACHE, THREAD_LOCAL)
  if (UNLIKELY(CACHE_HERE.closed)) {
    return block;
  }
  if (UNLIKELY(!CACHE_HERE.watched)) {
    CACHE_HERE.watched = true;
    thread_on_exit(&CACHE_HERE);
  }
#endif
  cache_lock();
  struct reuse_header *evicted = cache_slot_put(slot, block, site);
  cache_unlock();
  return evicted;
}

#endif

#endif
