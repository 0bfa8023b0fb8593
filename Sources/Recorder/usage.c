/// What the process has used: time, memory, page faults.

#include <sys/resource.h>
#include <time.h>

#include "internal.h"

uint64_t recorder_page_faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (uint64_t)(usage.ru_minflt + usage.ru_majflt);
}

uint64_t recorder_nanoseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

void recorder_note_end(struct mallometer_spool *spool) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  spool->user_ns =
      (uint64_t)usage.ru_utime.tv_sec * 1000000000ULL + (uint64_t)usage.ru_utime.tv_usec * 1000;
  spool->system_ns =
      (uint64_t)usage.ru_stime.tv_sec * 1000000000ULL + (uint64_t)usage.ru_stime.tv_usec * 1000;
  spool->peak_resident_bytes = (uint64_t)usage.ru_maxrss * 1024;
  spool->end_time_stamp = __rdtsc();
}
