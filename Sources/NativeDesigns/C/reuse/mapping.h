#ifndef MALLOMETER_REUSE_MAPPING_H
#define MALLOMETER_REUSE_MAPPING_H

/// Blocks that are a mapping of their own, and what becomes of them when the cache evicts them.
///
/// Batched: an evicted mapping waits until there are sixteen; then all are purged (MADV_DONTNEED) in
/// one go and retained, address space without memory, until sixty-four are; then the oldest is
/// unmapped for each that comes.

#include "reuse.h"

enum { MAPPING_BATCH = 16, MAPPING_RETAINED = 64 };

struct mapping {
  void *start;
  size_t bytes;
};

struct mapping_state {
  alignas(LINE_BYTES) struct spin_lock lock;
  uint32_t pending_count;
  uint32_t retained_count;
  uint32_t oldest;
  alignas(LINE_BYTES) struct mapping pending[MAPPING_BATCH];
  alignas(LINE_BYTES) struct mapping retained[MAPPING_RETAINED];
};

static struct mapping_state mappings;

static inline void mapping_retain(struct mapping mapping) {
  region_purge(mapping.start, mapping.bytes);
  uint32_t place = mappings.oldest;
  if (mappings.retained_count == MAPPING_RETAINED) {
    struct mapping oldest = mappings.retained[place];
    region_unmap(oldest.start, oldest.bytes);
    mappings.oldest = (place + 1) % MAPPING_RETAINED;
  } else {
    place = mappings.retained_count++;
  }
  mappings.retained[place] = mapping;
}

/// Costs a lock and a store; every sixteenth time, sixteen madvise calls (batched).
static inline void mapping_evict(void *start, size_t bytes) {
#if IS(EVICTION, UNMAP)
  region_unmap(start, bytes);
#else
  lock_acquire(&mappings.lock);
#if IS(EVICTION, PURGE)
  mapping_retain((struct mapping){start, bytes});
#else
  COUNT(BATCH_APPEND);
  mappings.pending[mappings.pending_count++] = (struct mapping){start, bytes};
  if (mappings.pending_count == MAPPING_BATCH) {
    for (uint32_t i = 0; i < MAPPING_BATCH; i++) {
      mapping_retain(mappings.pending[i]);
    }
    mappings.pending_count = 0;
  }
#endif
  lock_release(&mappings.lock);
#endif
}

#endif
