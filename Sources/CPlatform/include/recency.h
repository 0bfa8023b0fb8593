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
/// A whole set of up to 16 ways in one register: 12 instructions.
__attribute__((target("avx512f"))) static inline int mallometer_recency_wide(
    uint32_t *set, uint32_t ways, uint32_t tag) {
  const __m512i wanted = _mm512_set1_epi32((int)tag);
  const __m512i own = _mm512_load_si512(set);
  const uint32_t found = _mm512_cmpeq_epi32_mask(own, wanted);
  const uint32_t last = (uint32_t)__builtin_ctz(found | 1u << (ways - 1));
  const __m512i neighbour = _mm512_alignr_epi32(own, wanted, 15);
  _mm512_mask_store_epi32(set, (__mmask16)((2u << last) - 1), neighbour);
  return found != 0;
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

#endif
