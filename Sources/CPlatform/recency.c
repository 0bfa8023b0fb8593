#include "recency.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

int mallometer_recency_has_wide(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") != 0;
#else
  return 0;
#endif
}

/// Moves `tag` to the front of the set, from where it is or, evicting the last way, from outside.
/// Returns 1 if it was there.
static inline int access_portable(uint32_t *set, uint32_t ways, uint32_t tag) {
  uint32_t carried = set[0];
  set[0] = tag;
  for (uint32_t way = 1; carried != tag; way++) {
    if (way == ways) return 0;
    uint32_t next = set[way];
    set[way] = carried;
    carried = next;
  }
  return 1;
}

#if defined(__x86_64__)
/// All in registers: a load that overlaps two recent stores would wait for both to leave the
/// store buffer.
__attribute__((always_inline)) static inline int access_vectors(
    uint32_t *set, const int vectors, uint32_t ways, uint32_t tag) {
  const __m128i wanted = _mm_set1_epi32((int)tag);
  __m128i own[4];
  uint32_t found = 0;
  for (int v = 0; v < vectors; v++) {
    own[v] = _mm_load_si128((const __m128i *)set + v);
    const __m128i equal = _mm_cmpeq_epi32(own[v], wanted);
    found |= (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(equal)) << (4 * v);
  }
  // Ways up to the last one take their neighbour's tag, the others keep their own.
  const uint32_t last = (uint32_t)__builtin_ctz(found | 1u << (ways - 1));
  const __m128i bound = _mm_set1_epi32((int)last + 1);
  __m128i before = _mm_slli_si128(wanted, 12);
  for (int v = 0; v < vectors; v++) {
    const __m128i number = _mm_set_epi32(4 * v + 3, 4 * v + 2, 4 * v + 1, 4 * v);
    const __m128i moved = _mm_cmpgt_epi32(bound, number);
    const __m128i neighbour =
        _mm_or_si128(_mm_slli_si128(own[v], 4), _mm_srli_si128(before, 12));
    before = own[v];
    _mm_store_si128(
        (__m128i *)set + v,
        _mm_or_si128(_mm_and_si128(moved, neighbour), _mm_andnot_si128(moved, own[v])));
  }
  return found != 0;
}
#endif

#if defined(__x86_64__)
#define WIDE __attribute__((target("avx512f"), always_inline)) static inline

/// A whole set of up to 16 ways in one register: 12 instructions. Stored whole, because a load
/// waits for a masked store to leave the store buffer before it can have what was stored.
WIDE int access_wide_inline(uint32_t *set, uint32_t ways, uint32_t tag) {
  const __m512i wanted = _mm512_set1_epi32((int)tag);
  const __m512i own = _mm512_load_si512(set);
  const uint32_t found = _mm512_cmpeq_epi32_mask(own, wanted);
  const uint32_t last = (uint32_t)__builtin_ctz(found | 1u << (ways - 1));
  const __m512i neighbour = _mm512_alignr_epi32(own, wanted, 15);
  const __mmask16 moved = (__mmask16)((2u << last) - 1);
  _mm512_store_si512(set, _mm512_mask_mov_epi32(own, moved, neighbour));
  return found != 0;
}

__attribute__((target("avx512f"), noinline)) static int access_wide(
    uint32_t *set, uint32_t ways, uint32_t tag) {
  return access_wide_inline(set, ways, tag);
}
#endif

/// The same for sets that are aligned to 16 bytes and padded with tags that are never looked for;
/// `vectors` × 4 is at least `ways`.
static inline int access_set(
    uint32_t *set, int vectors, uint32_t ways, uint32_t tag) {
#if defined(__x86_64__)
  switch (vectors) {
    case MALLOMETER_RECENCY_WIDE: return access_wide(set, ways, tag);
    case 2: return access_vectors(set, 2, ways, tag);
    case 3: return access_vectors(set, 3, ways, tag);
    case 4: return access_vectors(set, 4, ways, tag);
    default: break;
  }
#endif
  return access_portable(set, ways, tag);
}

int mallometer_recency_access(const struct mallometer_recency *level, uint32_t set, uint32_t tag) {
  return access_set(
      level->tags + (uint64_t)set * level->stride, level->vectors, level->ways, tag);
}

/// Which set an access goes to: by the tag's low bits, by a hash of the tag, by its high half.
enum choice { BY_TAG, BY_HASH, BY_HIGH_HALF };

static inline __attribute__((always_inline)) uint32_t *set_of(
    const struct mallometer_recency *level, enum choice choice, uint32_t stride,
    mallometer_access access) {
  uint32_t tag = (uint32_t)access;
  uint32_t set = choice == BY_TAG ? tag & (level->sets - 1)
                 : choice == BY_HASH
                     ? (uint32_t)(((uint64_t)(tag * 0x9E3779B1u) * level->sets) >> 32)
                     : (uint32_t)(access >> 32) & (level->sets - 1);
  return level->tags + (uint64_t)set * stride;
}

/// What missed, moved to the front in its order.
struct left {
  uint32_t count;
  /// By kind, 16 bits each.
  uint64_t kinds;
};

/// The third level of a large cache lies in the host's memory: fetched so many accesses ahead.
enum { AHEAD = 16 };

/// The accesses of one level, in order. ACCESS(set, tag) is how a set is looked up.
#define MAKE_ACCESSES(STRIDE, ACCESS)                                                    \
  struct left left = {0, 0};                                                             \
  for (uint32_t at = 0; at < count; at++) {                                              \
    const mallometer_access access = accesses[at];                                       \
    if (choice == BY_HASH && at + AHEAD < count)                                         \
      __builtin_prefetch(set_of(level, choice, STRIDE, accesses[at + AHEAD]), 1);        \
    const uint32_t missed = !ACCESS(set_of(level, choice, STRIDE, access), (uint32_t)access); \
    accesses[left.count] = access;                                                       \
    left.count += missed;                                                                \
    if (choice != BY_HIGH_HALF) left.kinds += (uint64_t)missed << (access >> 32 & 63);   \
  }                                                                                      \
  return left

#if defined(__x86_64__)
#define ACCESS_WIDE(set, tag) access_wide_inline(set, ways, tag)
WIDE struct left make_wide(
    const struct mallometer_recency *level, const enum choice choice, mallometer_access *accesses,
    uint32_t count) {
  const uint32_t ways = level->ways;
  MAKE_ACCESSES(16, ACCESS_WIDE);
}
__attribute__((target("avx512f"))) static struct left wide_by_tag(
    const struct mallometer_recency *level, mallometer_access *accesses, uint32_t count) {
  return make_wide(level, BY_TAG, accesses, count);
}
__attribute__((target("avx512f"))) static struct left wide_by_hash(
    const struct mallometer_recency *level, mallometer_access *accesses, uint32_t count) {
  return make_wide(level, BY_HASH, accesses, count);
}
__attribute__((target("avx512f"))) static struct left wide_by_high_half(
    const struct mallometer_recency *level, mallometer_access *accesses, uint32_t count) {
  return make_wide(level, BY_HIGH_HALF, accesses, count);
}
#endif

#define ACCESS_NARROW(set, tag) access_set(set, level->vectors, level->ways, tag)
static inline __attribute__((always_inline)) struct left make_narrow(
    const struct mallometer_recency *level, const enum choice choice, mallometer_access *accesses,
    uint32_t count) {
  MAKE_ACCESSES(level->stride, ACCESS_NARROW);
}

static inline __attribute__((always_inline)) struct left make(
    const struct mallometer_recency *level, const enum choice choice, mallometer_access *accesses,
    uint32_t count) {
#if defined(__x86_64__)
  if (level->vectors == MALLOMETER_RECENCY_WIDE) {
    return choice == BY_TAG    ? wide_by_tag(level, accesses, count)
           : choice == BY_HASH ? wide_by_hash(level, accesses, count)
                               : wide_by_high_half(level, accesses, count);
  }
#endif
  return make_narrow(level, choice, accesses, count);
}

static struct mallometer_missed by_kind(struct left left) {
  return (struct mallometer_missed){
      .loads = left.kinds >> MALLOMETER_LINE_LOAD & 0xFFFF,
      .stores = left.kinds >> MALLOMETER_LINE_STORE & 0xFFFF,
      .streams = left.kinds >> MALLOMETER_LINE_STREAM & 0xFFFF,
      .overlapped = left.kinds >> MALLOMETER_LINE_OVERLAPPED & 0xFFFF};
}

/// Makes those loads overlapped that come while another is waited for; returns how many.
static uint32_t mark_overlapped(
    struct mallometer_caches *caches, mallometer_access *accesses, uint32_t count,
    uint64_t position) {
  uint32_t overlapped = 0;
  for (uint32_t at = 0; at < count; at++) {
    if ((accesses[at] >> 32 & 63) != MALLOMETER_LINE_LOAD) continue;
    // Of its position an access has the end; it lies a batch back at most.
    const uint64_t whole = ~0ull >> MALLOMETER_POSITION_SHIFT;
    const uint64_t own = position - (position - (accesses[at] >> MALLOMETER_POSITION_SHIFT) & whole);
    if (own - caches->leading <= MALLOMETER_TOUCHES_IN_FLIGHT) {
      accesses[at] |= (uint64_t)MALLOMETER_LINE_OVERLAPPED << 32;
      overlapped++;
    } else {
      caches->leading = own;
    }
  }
  return overlapped;
}

void mallometer_access_lines(
    struct mallometer_caches *caches, mallometer_access *accesses, uint32_t count,
    uint64_t position, struct mallometer_missed missed[3]) {
  struct left left = make(&caches->one, BY_TAG, accesses, count);
  missed[0] = by_kind(left);
  left = make(&caches->two, BY_TAG, accesses, left.count);
  missed[1] = by_kind(left);
  missed[1].overlapped = mark_overlapped(caches, accesses, left.count, position);
  missed[1].loads -= missed[1].overlapped;
  left = make(&caches->three, BY_HASH, accesses, left.count);
  missed[2] = by_kind(left);
}

void mallometer_access_translations(
    const struct mallometer_recency levels[2], mallometer_access *accesses, uint32_t count,
    uint32_t missed[2]) {
  missed[0] = make(&levels[0], BY_HIGH_HALF, accesses, count).count;
  missed[1] = make(&levels[1], BY_HIGH_HALF, accesses, missed[0]).count;
}

uint32_t mallometer_fill_lines(const struct mallometer_caches *caches, uint32_t tag, uint32_t count) {
  enum { MOST = 64 };
  mallometer_access accesses[MOST];
  uint32_t missed = 0;
  while (count > 0) {
    const uint32_t now = count < MOST ? count : MOST;
    for (uint32_t at = 0; at < now; at++) accesses[at] = tag + at;
    missed += make(&caches->two, BY_TAG, accesses, now).count;
    for (uint32_t at = 0; at < now; at++) accesses[at] = tag + at;
    make(&caches->three, BY_HASH, accesses, now);
    tag += now;
    count -= now;
  }
  return missed;
}

uint32_t mallometer_list_touches(
    struct mallometer_touch_lists *lists, const uint64_t *touches, uint32_t count,
    uint32_t stops_at_new) {
  struct mallometer_touch_lists own = *lists;
  uint32_t at = 0;
  for (; at < count; at++) {
    const uint64_t touch = touches[at], page = touch >> 8, key = page >> 9;
    const struct mallometer_page_chunk *chunk = &own.chunks[mallometer_page_chunk_index(key)];
    const uint32_t frame = chunk->frames[page & 511];
    const uint64_t index = mallometer_translation_index(page);
    uint64_t *recent = &own.recent_pages[index & own.page_mask];
    const uint32_t is_new = *recent != page;
    if (__builtin_expect((chunk->key != key) | (frame == 0) | (is_new & stops_at_new), 0)) break;
    *recent = page;
    own.translations[own.translation_count] = frame | index << 32;
    own.translation_count += is_new;
    mallometer_list_line(&own, touch, frame);
  }
  lists->translation_count = own.translation_count;
  lists->line_count = own.line_count;
  lists->position = own.position;
  return at;
}
