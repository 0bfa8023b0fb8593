#include <time.h>

#include "player.h"

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
/// make one slower. Both operands are registers, because recent cores add immediates up while they
/// rename, several in a cycle.
uint64_t measure_core_hertz(uint64_t ticks_per_second) {
  enum { ADDITIONS = 32768, ROUNDS = 8 };
  uint64_t best = ~0ull, value = 1, one = 1;
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t from = __rdtsc();
    for (int left = ADDITIONS; left > 0; left -= 8)
      __asm__ volatile(
          "add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n"
          "add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n"
          : "+r"(value)
          : "r"(one));
    uint64_t ticks = __rdtsc() - from;
    if (ticks < best) best = ticks;
  }
  return (uint64_t)((double)ADDITIONS * (double)ticks_per_second / (double)best);
}
