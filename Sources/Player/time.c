#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "player.h"
#include "sharing_probe.h"
#include "window.h"

static struct mallometer_operation buffer[BUFFER_OPERATIONS + LOOKAHEAD];

/// The beginning of a small file, without stdio; empty where it can't be read.
static void read_beginning(const char *path, char *text, size_t room) {
  text[0] = 0;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  ssize_t got = read(file, text, room - 1);
  close(file);
  text[got > 0 ? got : 0] = 0;
}

/// The first number at or after `at`.
static uint64_t number_at(const char *at) {
  while (*at && (*at < '0' || *at > '9')) at++;
  uint64_t value = 0;
  while (*at >= '0' && *at <= '9') value = value * 10 + (uint64_t)(*at++ - '0');
  return value;
}

/// Resident bytes now: the second field of statm, in pages.
static uint64_t resident_bytes(void) {
  char text[256];
  read_beginning("/proc/self/statm", text, sizeof text);
  const char *second = strchr(text, ' ');
  return second ? number_at(second) * 4096 : 0;
}

/// Makes the kernel forget the peak so far: what the player needed to prepare isn't the
/// allocator's.
static void reset_peak(void) {
  int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  if (write(file, "5", 1) < 0) { /* the peak then includes the preparation */
  }
  close(file);
}

static uint64_t peak_resident_bytes(void) {
  char text[4096];
  read_beginning("/proc/self/status", text, sizeof text);
  const char *peak = strstr(text, "VmHWM:");
  return peak ? number_at(peak) * 1024 : 0;
}

DEFINE_WINDOW(window_none, MALLOMETER_TOUCH_NONE, 0)
DEFINE_WINDOW(window_first_line, MALLOMETER_TOUCH_FIRST_LINE, 0)
DEFINE_WINDOW(window_per_page, MALLOMETER_TOUCH_PER_PAGE, 0)
DEFINE_WINDOW(window_all, MALLOMETER_TOUCH_ALL, 0)

/// Maps the windows of the result and the stamps after them, resident before the first is written.
static struct mallometer_window_time *map_windows(
    struct player *p, uint64_t windows, uint64_t stamps) {
  uint64_t bytes = MALLOMETER_RESULT_RECORDS + windows * sizeof(struct mallometer_window_time)
                   + stamps * sizeof(uint64_t);
  if (posix_fallocate(p->result_file, 0, (off_t)bytes) != 0)
    fail(2, "no room for the result", strerror(ENOSPC));
  char *start = mmap(
      NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, p->result_file, 0);
  if (start == MAP_FAILED) fail(2, "cannot map the result", strerror(errno));
  return (struct mallometer_window_time *)(start + MALLOMETER_RESULT_RECORDS);
}

/// Ticks of the shortest probe so far.
static uint64_t least_probe = ~0ull;

static struct mallometer_sharing_probe probe_core(void) {
  struct mallometer_sharing_probe probe = mallometer_probe();
  uint64_t ticks = probe.beside + probe.chained;
  if (ticks < least_probe) least_probe = ticks;
  return probe;
}

/// Asks between windows how much of the core others take. A probe that an interrupt fell into
/// doesn't count.
static void note_sharing(struct mallometer_result_header *result) {
  struct mallometer_sharing_probe probe = probe_core();
  if (probe.beside + probe.chained > 3 * least_probe) return;
  result->probes++;
  result->throughput_ticks += probe.beside;
}

static void play_one_thread(struct player *p, struct mallometer_window_time *windows) {
  static void (*const runs[])(struct player *, const struct mallometer_operation *, size_t) = {
      window_none, window_first_line, window_per_page, window_all};
  void (*run)(struct player *, const struct mallometer_operation *, size_t) = runs[p->plan.touch];
  struct mallometer_result_header *result = p->result;
  struct reader reader = reader_make(&p->threads[0], buffer);
  uint64_t half = p->plan.calls / 2;
  for (int i = 0; i < 8; i++) probe_core();
  for (size_t filled; (filled = reader_fill(&reader)) > 0;) {
    note_sharing(result);
    uint64_t from = __rdtsc();
    for (size_t start = 0; start < filled; start += p->plan.window) {
      size_t count = filled - start < p->plan.window ? filled - start : p->plan.window;
      run(p, buffer + start, count);
      uint64_t to = __rdtsc();
      (windows++)->ticks = to - from;
      result->total_ticks += to - from;
      from = to;
    }
    result->calls_done += filled;
    if (result->core_hertz[1] == 0 && result->calls_done >= half)
      result->core_hertz[1] = measure_core_hertz(result->ticks_per_second);
  }
}

void run_time(struct player *p) {
  struct mallometer_result_header *result = p->result;
  if (p->plan.touch > MALLOMETER_TOUCH_ALL || p->plan.threads == 0
      || (p->plan.threads != 1 && !p->plan.sequenced))
    fail(70, "the plan does not suit timing", NULL);
  const struct mallometer_plan_thread *last = &p->threads[p->plan.threads - 1];
  uint64_t windows = last->first_window + (last->calls + p->plan.window - 1) / p->plan.window;
  uint64_t stamps = p->plan.sequenced && p->result->has_step_counts ? p->plan.calls : 0;
  struct mallometer_window_time *times = map_windows(p, windows, stamps);
  memset(buffer, 0, sizeof buffer);
  result->ticks_per_second = measure_ticks_per_second();
  result->core_hertz[0] = measure_core_hertz(result->ticks_per_second);
  result->reference_ticks[0] = measure_reference_ticks();
  if (p->plan.sequenced) threads_prepare(p, times, stamps ? (uint64_t *)(times + windows) : NULL);
  else if (p->allocator.begin != NULL) p->allocator.begin();
  struct rusage before, after;
  reset_peak();
  result->resident_before = resident_bytes();
  getrusage(RUSAGE_SELF, &before);
  if (p->plan.sequenced) threads_play();
  else play_one_thread(p, times);
  getrusage(RUSAGE_SELF, &after);
  result->resident_peak = peak_resident_bytes();
  result->minor_faults = (uint64_t)(after.ru_minflt - before.ru_minflt);
  result->major_faults = (uint64_t)(after.ru_majflt - before.ru_majflt);
  result->involuntary_switches = (uint64_t)(after.ru_nivcsw - before.ru_nivcsw);
  result->reference_ticks[1] = measure_reference_ticks();
  result->core_hertz[2] = measure_core_hertz(result->ticks_per_second);
}
