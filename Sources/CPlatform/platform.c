#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#if !defined(__x86_64__)
#error "only x86-64 is supported so far: add this architecture's clock here"
#endif

#include <x86intrin.h>

uint64_t mallometer_time_stamp(void) { return __rdtsc(); }

int mallometer_current_cpu(void) { return sched_getcpu(); }

int mallometer_pin_to_cpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

uint64_t mallometer_dependent_additions(uint64_t additions) {
  uint64_t value = additions;
  for (uint64_t left = additions; left >= 16; left -= 16)
    __asm__ volatile(
        "add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n"
        "add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n"
        "add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n"
        "add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n"
        : "+r"(value));
  return value;
}

int mallometer_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno; }
