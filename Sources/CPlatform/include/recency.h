#ifndef MALLOMETER_RECENCY_H
#define MALLOMETER_RECENCY_H

/// Least-recently-used sets of 32-bit tags, the most recently used first: what every simulated
/// memory access goes through, so it is branch-free but for the two common answers.

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
  /// Tags per vector: sets begin and end at whole vectors.
  MALLOMETER_RECENCY_VECTOR = 4,
};

/// Moves `tag` to the front of the set, from where it is or, evicting the last way, from outside.
/// Returns 1 if it was there.
static inline int mallometer_recency_portable(uint32_t *set, uint32_t ways, uint32_t tag) {
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
__attribute__((always_inline)) static inline int mallometer_recency_vectors(
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
#define MALLOMETER_WIDE __attribute__((target("avx512f"), always_inline)) static inline

/// A whole set of up to 16 ways in one register: 12 instructions. Stored whole, because a load
/// waits for a masked store to leave the store buffer before it can have what was stored.
MALLOMETER_WIDE int mallometer_recency_wide_inline(uint32_t *set, uint32_t ways, uint32_t tag) {
  const __m512i wanted = _mm512_set1_epi32((int)tag);
  const __m512i own = _mm512_load_si512(set);
  const uint32_t found = _mm512_cmpeq_epi32_mask(own, wanted);
  const uint32_t last = (uint32_t)__builtin_ctz(found | 1u << (ways - 1));
  const __m512i neighbour = _mm512_alignr_epi32(own, wanted, 15);
  const __mmask16 moved = (__mmask16)((2u << last) - 1);
  _mm512_store_si512(set, _mm512_mask_mov_epi32(own, moved, neighbour));
  return found != 0;
}

__attribute__((target("avx512f"), noinline)) static int mallometer_recency_wide(
    uint32_t *set, uint32_t ways, uint32_t tag) {
  return mallometer_recency_wide_inline(set, ways, tag);
}
#endif

/// Whether this machine has `mallometer_recency_wide`.
static inline int mallometer_recency_has_wide(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") != 0;
#else
  return 0;
#endif
}

/// How `vectors` says that sets are aligned to 64 bytes, of 16 words, and the machine takes them
/// whole.
enum { MALLOMETER_RECENCY_WIDE = 0 };

/// The same for sets that are aligned to 16 bytes and padded with tags that are never looked for;
/// `vectors` × 4 is at least `ways`.
static inline int mallometer_recency_access(
    uint32_t *set, int vectors, uint32_t ways, uint32_t tag) {
#if defined(__x86_64__)
  switch (vectors) {
    case MALLOMETER_RECENCY_WIDE: return mallometer_recency_wide(set, ways, tag);
    case 2: return mallometer_recency_vectors(set, 2, ways, tag);
    case 3: return mallometer_recency_vectors(set, 3, ways, tag);
    case 4: return mallometer_recency_vectors(set, 4, ways, tag);
    default: break;
  }
#endif
  return mallometer_recency_portable(set, ways, tag);
}

/// Sets as `mallometer_recency_access` takes them: `stride` words from one to the next.
struct mallometer_recency {
  uint32_t *tags;
  uint32_t stride;
  int vectors;
  uint32_t ways;
  uint32_t sets;
};

static inline int mallometer_recency_access_set(
    const struct mallometer_recency *level, uint32_t set, uint32_t tag) {
  return mallometer_recency_access(
      level->tags + (uint64_t)set * level->stride, level->vectors, level->ways, tag);
}

/// Three levels of caches, from the fastest. Sets of the first two are powers of two, the third
/// level's are chosen by a hash of the whole line number, as a shared cache's slices are.
struct mallometer_caches {
  struct mallometer_recency one, two, three;
  /// Whether all sets are of MALLOMETER_RECENCY_WIDE.
  int wide;
};

static inline uint32_t mallometer_hashed_set(const struct mallometer_recency *level, uint32_t tag) {
  return (uint32_t)(((uint64_t)(tag * 0x9E3779B1u) * level->sets) >> 32);
}

#if defined(__x86_64__)
/// One call for all levels: most accesses that leave the first level are served by the second.
__attribute__((target("avx512f"), noinline)) static int mallometer_caches_access_wide(
    const struct mallometer_caches *caches, uint32_t tag) {
  const struct mallometer_recency *one = &caches->one, *two = &caches->two, *three = &caches->three;
  if (mallometer_recency_wide_inline(
          one->tags + (uint64_t)(tag & (one->sets - 1)) * 16, one->ways, tag)) return 1;
  if (mallometer_recency_wide_inline(
          two->tags + (uint64_t)(tag & (two->sets - 1)) * 16, two->ways, tag)) return 2;
  if (mallometer_recency_wide_inline(
          three->tags + (uint64_t)mallometer_hashed_set(three, tag) * 16, three->ways, tag)) return 3;
  return 4;
}

__attribute__((target("avx512f"), noinline)) static int mallometer_translations_access_wide(
    const struct mallometer_recency *one, uint32_t set_one, const struct mallometer_recency *two,
    uint32_t set_two, uint32_t tag) {
  if (mallometer_recency_wide_inline(one->tags + (uint64_t)set_one * 16, one->ways, tag)) return 1;
  if (mallometer_recency_wide_inline(two->tags + (uint64_t)set_two * 16, two->ways, tag)) return 2;
  return 3;
}
#endif

/// Which level serves a line, from 1; 4 is memory. The line becomes the most recent of every level
/// that was asked.
static inline int mallometer_caches_access(const struct mallometer_caches *caches, uint32_t tag) {
#if defined(__x86_64__)
  if (caches->wide) return mallometer_caches_access_wide(caches, tag);
#endif
  if (mallometer_recency_access_set(&caches->one, tag & (caches->one.sets - 1), tag)) return 1;
  if (mallometer_recency_access_set(&caches->two, tag & (caches->two.sets - 1), tag)) return 2;
  return mallometer_recency_access_set(
             &caches->three, mallometer_hashed_set(&caches->three, tag), tag) ? 3 : 4;
}

/// The same for two levels of translations, whose sets the caller chooses; 3 is a walk.
static inline int mallometer_translations_access(
    const struct mallometer_recency *one, uint32_t set_one, const struct mallometer_recency *two,
    uint32_t set_two, uint32_t tag) {
#if defined(__x86_64__)
  if (one->vectors == MALLOMETER_RECENCY_WIDE && two->vectors == MALLOMETER_RECENCY_WIDE) {
    return mallometer_translations_access_wide(one, set_one, two, set_two, tag);
  }
#endif
  if (mallometer_recency_access_set(one, set_one, tag)) return 1;
  return mallometer_recency_access_set(two, set_two, tag) ? 2 : 3;
}

#endif
