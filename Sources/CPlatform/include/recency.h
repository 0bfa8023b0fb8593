#ifndef MALLOMETER_RECENCY_H
#define MALLOMETER_RECENCY_H

/// Least-recently-used sets of 32-bit tags, the most recently used first: what every simulated
/// memory access goes through.

#include <stdint.h>

enum {
  /// Tags per vector: sets begin and end at whole vectors.
  MALLOMETER_RECENCY_VECTOR = 4,
};

/// Whether this machine takes a set of 16 words whole.
int mallometer_recency_has_wide(void);

/// How `vectors` says that sets are aligned to 64 bytes, of 16 words, and the machine takes them
/// whole.
enum { MALLOMETER_RECENCY_WIDE = 0 };

/// A level: sets of tags, `stride` words from one to the next, padded with tags that are never
/// looked for; `vectors` × MALLOMETER_RECENCY_VECTOR is at least `ways`.
struct mallometer_recency {
  uint32_t *tags;
  uint32_t stride;
  int vectors;
  uint32_t ways;
  uint32_t sets;
};

/// Moves `tag` to the front of a set, from where it is or, evicting the last way, from outside.
/// Returns 1 if it was there.
int mallometer_recency_access(const struct mallometer_recency *level, uint32_t set, uint32_t tag);

/// Three levels of caches, from the fastest. Sets of the first two are powers of two, the third
/// level's are chosen by a hash of the whole line number, as a shared cache's slices are.
struct mallometer_caches {
  struct mallometer_recency one, two, three;
  /// The position of the load beyond the second level that was last waited for.
  uint64_t leading;
};

/// An access that waits to be made: the tag in the low half. Of a page's translation the high half
/// chooses the sets; of a line it is enum mallometer_line_access and, from bit
/// MALLOMETER_POSITION_SHIFT, the end of its position among all touches.
typedef uint64_t mallometer_access;

/// How a line is accessed: shifts, so that accesses of all kinds are counted in one word.
enum mallometer_line_access {
  MALLOMETER_LINE_LOAD = 0,
  MALLOMETER_LINE_STORE = 16,
  MALLOMETER_LINE_STREAM = 32,
  /// A load that is fetched while one before it is waited for: known once the second level was asked.
  MALLOMETER_LINE_OVERLAPPED = 48,
};

enum { MALLOMETER_POSITION_SHIFT = 40 };

/// A core has so much in flight that it comes to this many further touches while it waits for a
/// load.
enum { MALLOMETER_TOUCHES_IN_FLIGHT = 64 };

/// Accesses that can be made at once at most, so that a count has room in 16 bits.
enum { MALLOMETER_MOST_ACCESSES = 4096 };

/// The accesses that a level did not serve, by kind.
struct mallometer_missed {
  uint32_t loads, stores, streams, overlapped;
};

/// Makes accesses to lines, in order, each a miss filling every level that was asked: `missed` is
/// what each level left to the next, the third one to memory. Overwrites `accesses`.
///
/// Loads that the second level leaves are overlapped where the last one that isn't lies no more than
/// MALLOMETER_TOUCHES_IN_FLIGHT before. `position` is that of the next touch.
///
/// A level is a function of the order of what reaches it, so one level after another gives what one
/// access after another would; and it neither branches on what can't be predicted nor waits for the
/// host's memory.
void mallometer_access_lines(
    struct mallometer_caches *caches, mallometer_access *accesses, uint32_t count,
    uint64_t position, struct mallometer_missed missed[3]);

/// The same for translations in two levels; the numbers of sets are powers of two.
void mallometer_access_translations(
    const struct mallometer_recency levels[2], mallometer_access *accesses, uint32_t count,
    uint32_t missed[2]);

/// The frames of a 2 MiB chunk of pages, by page; 0 where a page has none.
struct mallometer_page_chunk {
  uint64_t key;
  uint32_t *frames;
};

/// Chunks lie at mallometer_page_chunk_index of their key, the number of their first page / 512.
enum { MALLOMETER_PAGE_CHUNKS = 4096 };

/// The low 19 bits of a key count chunks within a region, the others regions: regions of up to 61
/// chunks, in the order of their numbers, lie side by side.
static inline uint32_t mallometer_page_chunk_index(uint64_t key) {
  return (uint32_t)((key & 0x7FFFF) + (key >> 19) * 61) & (MALLOMETER_PAGE_CHUNKS - 1);
}

/// What chooses a page's translation sets: its number with the region as its random base. Regions
/// start at offset 0 here, but at any page in a process.
static inline uint64_t mallometer_translation_index(uint64_t page) {
  return page + ((page >> 28) * 0x9E3779B97F4A7C15u >> 40);
}

/// Accesses that touches give rise to, and what they are found with.
struct mallometer_touch_lists {
  const struct mallometer_page_chunk *chunks;
  /// The most recent page by translation set, and the most recent line by set of the first level.
  uint64_t *recent_pages;
  uint32_t *recent_lines;
  uint32_t page_mask, line_mask;
  mallometer_access *translations, *lines;
  uint32_t translation_count, line_count;
  /// How many touches were listed so far.
  uint64_t position;
};

/// Lists what `touches` (line number × 4 + 0 for a load, 1 for a store, 2 for a stream) must ask
/// the buffers and caches: what is not the most recent of its set.
///
/// Returns at the first touch whose page is not found in `chunks` or has no frame or, if
/// `stops_at_new` is 1, is not the most recent of its set; how many came before.
uint32_t mallometer_list_touches(
    struct mallometer_touch_lists *lists, const uint64_t *touches, uint32_t count,
    uint32_t stops_at_new);

/// Lists the line of a touch whose page lies in `frame`.
static inline void mallometer_list_line(
    struct mallometer_touch_lists *lists, uint64_t touch, uint32_t frame) {
  const uint32_t line = frame << 6 | (uint32_t)(touch >> 2 & 63);
  uint32_t *recent = &lists->recent_lines[line & lists->line_mask];
  lists->lines[lists->line_count] =
      line | (touch & 3) << 36 | lists->position++ << MALLOMETER_POSITION_SHIFT;
  lists->line_count += *recent != line;
  *recent = line;
}

/// Brings `count` lines from `tag` into the second and the third level; returns how many the second
/// did not hold.
uint32_t mallometer_fill_lines(const struct mallometer_caches *caches, uint32_t tag, uint32_t count);

#endif
