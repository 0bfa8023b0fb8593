#ifndef MALLOMETER_SHARING_PROBE_H
#define MALLOMETER_SHARING_PROBE_H

/// Whether another hardware thread takes part of a core: the player asks while it replays, and
/// whoever starts it before.

#include <stdint.h>
#include <x86intrin.h>

enum {
  MALLOMETER_ADDITIONS_BESIDE = 2500,
  MALLOMETER_ADDITIONS_CHAINED = 1000,
};

/// Ticks of additions that a core does several of in a cycle, and of a chain of them, one a cycle at
/// whatever clock. The first grow by a third where another thread is busy on the core, the second
/// hardly. Takes 0.7 µs and touches no memory.
struct mallometer_sharing_probe {
  uint64_t beside;
  uint64_t chained;
};

/// Additions of which each waits for the one before, one core cycle each; in eights. Both operands are
/// registers, because recent cores add immediates up while they rename, several in a cycle.
static inline void mallometer_chained_additions(int additions) {
  uint64_t value = 1, one = 1;
  for (int left = additions; left > 0; left -= 8)
    __asm__ volatile(
        "add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n"
        "add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n"
        : "+r"(value)
        : "r"(one));
}

static inline struct mallometer_sharing_probe mallometer_probe(void) {
  uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, one = 1;
  uint64_t from = __rdtsc();
  for (int left = MALLOMETER_ADDITIONS_BESIDE; left > 0; left -= 10)
    __asm__ volatile(
        "add %5, %0\n add %5, %1\n add %5, %2\n add %5, %3\n add %5, %4\n"
        "add %5, %0\n add %5, %1\n add %5, %2\n add %5, %3\n add %5, %4\n"
        : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e)
        : "r"(one));
  uint64_t between = __rdtsc();
  mallometer_chained_additions(MALLOMETER_ADDITIONS_CHAINED);
  uint64_t to = __rdtsc();
  return (struct mallometer_sharing_probe){between - from, to - between};
}

#endif
