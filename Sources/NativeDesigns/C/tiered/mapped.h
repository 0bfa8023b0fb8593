// Mappings: one block each, and the cache of those that were freed, least recently used last.

enum {
#if TIERS
  CACHE_ENTRIES = MALLOMETER_TOGGLE_REGION_CACHE_ENTRIES,
#else
  CACHE_ENTRIES = 0,
#endif
#if IS(REGION_CACHE_BYTES, 16MIB)
  CACHE_BYTES = 16 << 20,
#elif IS(REGION_CACHE_BYTES, 256MIB)
  CACHE_BYTES = 256 << 20,
#else
  CACHE_BYTES = 64 << 20,
#endif
};

/// The hints that go with a new mapping; a cached one had them before.
FAST void mapping_advise(char *region, size_t bytes) {
  int before = errno;
#if TIERS && (IS(MADVISE, WILLNEED) || IS(MADVISE, BOTH))
  COUNT(ADVISE_WILL_NEED);
  madvise(region, bytes, MADV_WILLNEED);
#endif
#if TIERS && (IS(MADVISE, SEQUENTIAL) || IS(MADVISE, BOTH))
  COUNT(ADVISE_SEQUENTIAL);
  madvise(region, bytes, MADV_SEQUENTIAL);
#endif
  (void)region, (void)bytes;
  errno = before;
}

/// Two to a line.
struct cached_region {
  _Alignas(LINE_BYTES / 2) char *region;
  size_t bytes;
  uint16_t next, previous;
};

#if TIERS && !IS(REGION_CACHE_ENTRIES, 0)

/// Slot 0 begins and ends the list, the most recently used first. One slot more than entries: a
/// region is entered before the one that it drives out leaves.
static struct {
  _Alignas(LINE_BYTES) struct mutex_lock lock;
  size_t bytes;
  uint16_t count;
  /// Slots that were ever used; those that are free again.
  uint16_t used;
  uint16_t free;
  _Alignas(LINE_BYTES) struct cached_region slots[CACHE_ENTRIES + 2];
  SHARED_LINES(lines, CACHE_ENTRIES / 2 + 1)
} cache = {.lock = MUTEX_LOCK_INITIALLY};

static void cache_remove(uint16_t slot) {
  struct cached_region *entry = &cache.slots[slot];
  SHARED_WRITE(cache.lines[entry->previous / 2]);
  SHARED_WRITE(cache.lines[entry->next / 2]);
  SHARED_WRITE(cache.lines[slot / 2]);
  cache.slots[entry->previous].next = entry->next;
  cache.slots[entry->next].previous = entry->previous;
  cache.bytes -= entry->bytes;
  cache.count--;
  entry->next = cache.free;
  cache.free = slot;
}

/// The most recently freed region that has the bytes, and at most a quarter more.
/// - Parameter bytes: becomes the region's own.
static char *cache_take(size_t *bytes) {
  char *region = NULL;
  mutex_acquire(&cache.lock);
  for (uint16_t slot = cache.slots[0].next; slot; slot = cache.slots[slot].next) {
    COUNT(REGION_CACHE_PROBE);
    struct cached_region *entry = &cache.slots[slot];
    if (entry->bytes >= *bytes && entry->bytes - *bytes <= *bytes / 4) {
      COUNT(REGION_CACHE_HIT);
      region = entry->region;
      *bytes = entry->bytes;
      cache_remove(slot);
      break;
    }
  }
  mutex_release(&cache.lock);
  return region;
}

/// Keeps a freed region, and unmaps those that are too many then, outside the lock.
static void cache_put(char *region, size_t bytes) {
  if (bytes > CACHE_BYTES) {
    region_unmap(region, bytes);
    return;
  }
  struct cached_region victims[CACHE_ENTRIES + 1];
  uint32_t evicted = 0;
  mutex_acquire(&cache.lock);
  COUNT(REGION_CACHE_STORE);
  uint16_t slot = cache.free;
  if (slot)
    cache.free = cache.slots[slot].next;
  else
    slot = ++cache.used;
  uint16_t first = cache.slots[0].next;
  SHARED_WRITE(cache.lines[slot / 2]);
  SHARED_WRITE(cache.lines[first / 2]);
  SHARED_WRITE(cache.lines[0]);
  cache.slots[slot] = (struct cached_region){region, bytes, first, 0};
  cache.slots[first].previous = slot;
  cache.slots[0].next = slot;
  cache.bytes += bytes;
  cache.count++;
  while (cache.count > CACHE_ENTRIES || cache.bytes > CACHE_BYTES) {
    COUNT(REGION_CACHE_EVICT);
    uint16_t last = cache.slots[0].previous;
    victims[evicted++] = cache.slots[last];
    cache_remove(last);
  }
  mutex_release(&cache.lock);
  for (uint32_t victim = 0; victim < evicted; victim++)
    region_unmap(victims[victim].region, victims[victim].bytes);
}

#endif

FAST void mapping_write(char *payload, char *region, size_t bytes, enum tier tier, uint32_t kind) {
  struct mapped_header *mapping = mapping_of(payload);
  mapping->region = region;
  mapping->bytes = bytes;
  header_write(payload, tier, kind);
}

/// A block with a mapping of its own; the payload is NULL when out of memory.
SLOW struct tiered_block mapped_allocate(struct tiered_heap *heap, size_t size, size_t alignment) {
  size_t offset = alignment > MAPPED_OFFSET ? alignment : MAPPED_OFFSET;
  // A payload without bytes still has an address of its own.
  size_t bytes = pattern_bytes(heap, align_up(offset + (size ? size : 1), OS_PAGE_BYTES));
  struct tiered_block block = {0};
  char *region = NULL;
#if TIERS && !IS(REGION_CACHE_ENTRIES, 0)
  // Regions of the cache are aligned to pages.
  if (alignment <= OS_PAGE_BYTES) {
    region = cache_take(&bytes);
    if (region)
      STATISTIC(heap, hits, 1);
    else
      STATISTIC(heap, misses, 1);
  }
#endif
  if (!region) {
    region = region_map(bytes, alignment > OS_PAGE_BYTES ? alignment : OS_PAGE_BYTES);
    if (!region) return block;
    mapping_advise(region, bytes);
    block.fresh = true;
  }
  block.payload = region + offset;
  mapping_write(block.payload, region, bytes, MAPPED_TIER, 0);
  return block;
}

SLOW void mapped_free(struct mapped_header *mapping) {
#if TIERS && !IS(REGION_CACHE_ENTRIES, 0)
  cache_put(mapping->region, mapping->bytes);
#else
  region_unmap(mapping->region, mapping->bytes);
#endif
}
