#include "prediction.h"

enum { RIGHT = 1u << 24, COUNTER_SHIFT = 16 };

void mallometer_predictor_reset(struct mallometer_predictor *predictor) {
  for (uint32_t at = 0; at < MALLOMETER_PREDICTOR_ENTRIES; at++)
    predictor->entries[at] =
        (at < 3 * MALLOMETER_PREDICTOR_TABLE ? 4u : 2u) << COUNTER_SHIFT;
  predictor->history = 0;
}

/// Either value, without a branch whatever the compiler thinks of it.
static inline uint32_t choose(uint32_t condition, uint32_t yes, uint32_t no) {
  return __builtin_unpredictable(condition) ? yes : no;
}

static inline uint64_t mix(uint64_t history, uint32_t site, uint32_t length) {
  const uint64_t recent = history & ((1ull << length) - 1);
  return (recent ^ ((uint64_t)site + 1) << 33) * 0x9E3779B97F4A7C15u;
}

static inline uint32_t place(uint64_t mixed, uint32_t table) {
  return table * MALLOMETER_PREDICTOR_TABLE + (uint32_t)(mixed >> 53);
}

static inline uint32_t tag(uint64_t mixed) { return (uint32_t)(mixed >> 32 & 0xFFFF) | 1; }

static inline uint32_t knows(uint32_t entry, uint32_t tag) { return (entry & 0xFFFF) == tag; }

/// Without branches of its own: a simulated branch that can't be predicted would be one that the
/// host can't predict either.
uint64_t mallometer_predict(
    struct mallometer_predictor *predictor, const uint32_t *branches, uint32_t count) {
  /// The next counter in hexadecimal digits by the old one: not taken; taken, plain and tagged.
  static const uint32_t next[] = {0x65432100, 0x00003321, 0x65432100, 0x77654321};
  uint32_t *entries = predictor->entries;
  uint64_t history = predictor->history;
  uint64_t wrongs = 0;
  for (uint32_t at = 0; at < count; at++) {
    const uint32_t site = branches[at] >> 1, taken = branches[at] & 1;
    const uint64_t one = mix(history, site, 4), two = mix(history, site, 12),
                   three = mix(history, site, 32);
    history = history << 1 | taken;
    const uint32_t short_place = place(one, 0), middle_place = place(two, 1),
                   long_place = place(three, 2);
    const uint32_t in_short = knows(entries[short_place], tag(one));
    const uint32_t in_middle = knows(entries[middle_place], tag(two));
    const uint32_t in_long = knows(entries[long_place], tag(three));
    const uint32_t is_known = in_short | in_middle | in_long;
    uint32_t provider = 3 * MALLOMETER_PREDICTOR_TABLE + (site & (MALLOMETER_PREDICTOR_PLAIN - 1));
    provider = choose(in_short, short_place, provider);
    provider = choose(in_middle, middle_place, provider);
    provider = choose(in_long, long_place, provider);
    const uint32_t entry = entries[provider];
    const uint32_t counter = entry >> COUNTER_SHIFT & 7;
    const uint32_t wrong = (counter > (1 | is_known << 1)) ^ taken;
    const uint32_t stepped = next[is_known << 1 | taken] >> (4 * counter) & 7;
    entries[provider] = (entry & 0xFFFF) | stepped << COUNTER_SHIFT | (wrong ^ 1) << 24;
    // A wrong prediction earns an entry with a longer history than the one that gave it, if the
    // entry there was wrong the last time; else that one loses its right to stay.
    uint32_t candidate = choose(in_short, middle_place, short_place);
    candidate = choose(in_middle, long_place, candidate);
    uint32_t wanted = choose(in_short, tag(two), tag(one));
    wanted = choose(in_middle, tag(three), wanted);
    const uint32_t kept = entries[candidate];
    const uint32_t fresh = wanted | (3 + taken) << COUNTER_SHIFT;
    const uint32_t earned = choose(kept & RIGHT, kept & ~(uint32_t)RIGHT, fresh);
    entries[candidate] = choose(wrong & (in_long ^ 1), earned, kept);
    wrongs += wrong & (site >= MALLOMETER_PREDICTOR_FIRST_CHARGED);
  }
  predictor->history = history;
  return wrongs;
}
