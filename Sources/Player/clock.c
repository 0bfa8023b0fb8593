#include <string.h>
#include <time.h>

#include "player.h"
#include "sharing_probe.h"

static uint64_t monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

uint64_t measure_ticks_per_second(void) {
  uint64_t from_ns = monotonic_nanoseconds(), from = __rdtsc(), to_ns;
  do to_ns = monotonic_nanoseconds();
  while (to_ns - from_ns < 5000000);
  uint64_t ticks = __rdtsc() - from;
  return (uint64_t)((double)ticks * 1e9 / (double)(to_ns - from_ns));
}

/// The fastest of a few chains of dependent additions, one core cycle each: an interrupt can only
/// make one slower.
uint64_t measure_core_hertz(uint64_t ticks_per_second) {
  enum { ADDITIONS = 32768, ROUNDS = 8 };
  uint64_t best = ~0ull;
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t from = __rdtsc();
    mallometer_chained_additions(ADDITIONS);
    uint64_t ticks = __rdtsc() - from;
    if (ticks < best) best = ticks;
  }
  return (uint64_t)((double)ADDITIONS * (double)ticks_per_second / (double)best);
}

/// Blocks are taken from 64 lists and go back to theirs 256 rounds later: 64 KiB of loads and stores
/// that depend on each other as an allocator's do, and branches that always go one way.
/// Whoever shares the core, its caches or its clock slows this down as it slows down an allocator.
uint64_t measure_reference_ticks(void) {
  enum { BLOCKS = 1024, LISTS = 64, KEPT = 256, CALLS = 8192, ROUNDS = 5 };
  static struct block {
    struct block *next;
    uint64_t list;
    uint64_t rest[6];
  } blocks[BLOCKS];
  static struct block *lists[LISTS], *kept[KEPT];
  memset(lists, 0, sizeof lists);
  memset(kept, 0, sizeof kept);
  for (size_t i = 0; i < BLOCKS; i++) {
    blocks[i] = (struct block){.next = lists[i % LISTS], .list = i % LISTS};
    lists[i % LISTS] = &blocks[i];
  }
  uint64_t ticks[ROUNDS], random = 1;
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t from = __rdtsc();
    for (size_t call = 0; call < CALLS; call++) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      uint64_t list = random >> 58;
      struct block *taken = lists[list];
      if (taken == NULL) continue;
      lists[list] = taken->next;
      struct block *old = kept[call % KEPT];
      kept[call % KEPT] = taken;
      if (old == NULL) continue;
      old->next = lists[old->list];
      lists[old->list] = old;
    }
    uint64_t spent = __rdtsc() - from;
    // The middle one of the rounds counts: an interrupt hits one.
    int place = round;
    for (; place > 0 && ticks[place - 1] > spent; place--) ticks[place] = ticks[place - 1];
    ticks[place] = spent;
  }
  return ticks[ROUNDS / 2];
}
