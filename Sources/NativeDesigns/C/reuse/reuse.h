#ifndef MALLOMETER_REUSE_H
#define MALLOMETER_REUSE_H

/// The reuse family: hakmem's scheme, written anew from its description.
///
/// A block is a header and what the caller gets. Above a threshold, which a policy may learn, a
/// block is a mapping of its own; below, it comes from the backing. A freed block of 1 MiB or more
/// goes into a cache keyed by call site and size class, and is handed out again from there.
///
/// One file per part: policy.h chooses the threshold, cache.h remembers recent frees, backing.h
/// serves what is below (heap.h: in front of it, a heap per thread), mapping.h what is above the
/// threshold (arena.h: cut from larger mappings), reuse.c puts them together.

#include <stdalign.h>
#include <stdbool.h>

/// Whether a toggle has this value in the variant that is being compiled.
#define IS(toggle, value) (MALLOMETER_TOGGLE_##toggle == MALLOMETER_##toggle##_##value)

/// The smallest payload: room for the link of a free block.
enum { REUSE_MINIMUM = 16 };

/// Larger requests can't be met by any address space.
#define REUSE_MAXIMUM ((size_t)1 << 46)

// MARK: Header

enum reuse_method {
  REUSE_METHOD_MAPPED = 1,
  REUSE_METHOD_BACKING = 2,
  /// A second header before an aligned block: `actual` is the distance to the block proper.
  REUSE_METHOD_ALIGNED = 3,
  /// Cut from an arena.
  REUSE_METHOD_ARENA = 4,
};

#define REUSE_LIVE 0x4c495645u
#define REUSE_FREE 0x46524545u

#if IS(HEADER, 32)
struct reuse_header {
  uint32_t magic;
  // No bit-fields: writing one reads its neighbours first, and the first read of a fresh page is a
  // page fault besides that of the first write.
  uint8_t method;
  uint8_t alignment_log2;
  /// The class in MiB; 0 where the block can't be cached.
  uint16_t class_mebibytes;
  /// Bytes asked for when the block left the backing.
  uint64_t requested;
  /// Bytes the caller may use.
  uint64_t actual;
  uintptr_t site;
};
#else
struct reuse_header {
  uint32_t magic;
  uint8_t method;
  uint8_t alignment_log2;
  uint16_t unused;
  uint64_t actual;
};
#endif

enum { REUSE_HEADER = sizeof(struct reuse_header) };
#if IS(HEADER, 32)
_Static_assert(REUSE_HEADER == 32, "the header is 32 bytes");
#else
_Static_assert(REUSE_HEADER == 16, "the header is 16 bytes");
#endif

/// Only a header with a site, and a cache that asks for it, can tell call sites apart.
#define REUSE_KEYED_BY_SITE (IS(HEADER, 32) && IS(BINS, HASHED) && !IS(CACHE, OFF))

static inline struct reuse_header *header_of(void *payload) {
  return (struct reuse_header *)((char *)payload - REUSE_HEADER);
}

static inline void *payload_of(struct reuse_header *header) {
  return (char *)header + REUSE_HEADER;
}

/// The link of a free block lies in its payload, so that the header is kept.
static inline struct reuse_header **link_of(struct reuse_header *header) {
  return (struct reuse_header **)payload_of(header);
}

/// Costs a load and a compare where the check is on, nothing where it is off.
static inline void check_magic(const struct reuse_header *header, uint32_t expected) {
#if IS(MAGIC_CHECK, ON)
  COUNT(MAGIC_CHECK);
  if (UNLIKELY(header->magic != expected)) {
    design_abort(expected == REUSE_LIVE && header->magic == REUSE_FREE
                     ? "this block was freed before"
                     : "not a block of this allocator, or its header was overwritten",
                 (const char *)header + sizeof *header);
  }
#else
  (void)header, (void)expected;
#endif
}

static inline void mark_magic(struct reuse_header *header, uint32_t magic) {
#if IS(MAGIC_CHECK, ON)
  COUNT(MAGIC_MARK);
  header->magic = magic;
#else
  (void)header, (void)magic;
#endif
}

static inline size_t pages_of(size_t bytes) { return bytes / OS_PAGE_BYTES; }

#endif
