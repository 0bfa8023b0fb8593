#include <string.h>

#include "player.h"

/// Count mode and dump mode: one thread, the serialised order.

enum { MAX_STEPS = 1024 };

static struct mallometer_operation buffer[BUFFER_OPERATIONS + LOOKAHEAD];

static void require_counts(const struct player *p) {
  if (p->allocator.step_counts == NULL || p->allocator.locate == NULL)
    fail(2, "this allocator has no step counters: it is no counting build", NULL);
  if (p->plan.steps > MAX_STEPS || p->plan.threads != 1)
    fail(70, "the plan does not suit counting", NULL);
  if (!p->plan.switches_threads) return;
  if (p->allocator.switch_thread == NULL || p->allocator.end_thread == NULL)
    fail(2, "this counting build can't switch threads", NULL);
  p->allocator.switch_thread(0);
}

/// Counts since the last call, in place: `last` becomes the present counts.
static void difference(const struct player *p, uint64_t *last, uint64_t *out) {
  uint64_t now[MAX_STEPS];
  p->allocator.step_counts(now);
  for (uint64_t step = 0; step < p->plan.steps; step++) {
    out[step] = now[step] - last[step];
    last[step] = now[step];
  }
}

/// One record: hash (or address), then the step counts.
static void write_record(const struct player *p, uint64_t first, const uint64_t *counts) {
  uint64_t record[MAX_STEPS + 1];
  record[0] = first;
  memcpy(record + 1, counts, p->plan.steps * sizeof *counts);
  write_all(p->result_file, record, (p->plan.steps + 1) * sizeof *record);
}

/// Performs a mark between calls; returns 0 for a call.
static int change_thread(const struct player *p, const struct mallometer_operation *op) {
  switch (kind_of(op)) {
    case MALLOMETER_OPERATION_SWITCH_THREAD: p->allocator.switch_thread(op->size); return 1;
    case MALLOMETER_OPERATION_END_THREAD: p->allocator.end_thread(op->size); return 1;
    default: return 0;
  }
}

void run_count(struct player *p) {
  require_counts(p);
  struct reader reader = reader_make(&p->threads[0], buffer);
  uint64_t last[MAX_STEPS], counts[MAX_STEPS];
  uint64_t hash = 0, in_window = 0;
  p->allocator.step_counts(last);
  for (size_t filled; (filled = reader_fill(&reader)) > 0;) {
    for (size_t at = 0; at < filled; at++) {
      if (change_thread(p, &buffer[at])) continue;
      // Not before the next call: the end of a thread belongs to the window before.
      if (in_window == p->plan.window) {
        difference(p, last, counts);
        write_record(p, hash, counts);
        hash = in_window = 0;
      }
      void *block = perform(p, &buffer[at]);
      if (kind_of(&buffer[at]) != MALLOMETER_OPERATION_FREE)
        hash = (hash ^ p->allocator.locate(block)) * 0x9E3779B97F4A7C15ull;
      p->result->calls_done++;
      in_window++;
    }
  }
  if (in_window == 0) return;
  difference(p, last, counts);
  write_record(p, hash, counts);
}

void run_dump(struct player *p, uint64_t window) {
  require_counts(p);
  struct reader reader = reader_make(&p->threads[0], buffer);
  uint64_t last[MAX_STEPS], counts[MAX_STEPS];
  uint64_t first = window * p->plan.window, done = 0;
  for (size_t filled; (filled = reader_fill(&reader)) > 0;) {
    for (size_t at = 0; at < filled; at++) {
      if (change_thread(p, &buffer[at])) {
        if (done <= first || kind_of(&buffer[at]) != MALLOMETER_OPERATION_END_THREAD) continue;
        difference(p, last, counts);
        write_record(p, MALLOMETER_DUMPED_THREAD_END, counts);
        continue;
      }
      if (done == first + p->plan.window) return;
      if (done == first) p->allocator.step_counts(last);
      void *block = perform(p, &buffer[at]);
      p->result->calls_done++;
      if (done++ < first) continue;
      difference(p, last, counts);
      int frees = kind_of(&buffer[at]) == MALLOMETER_OPERATION_FREE;
      write_record(p, frees ? 0 : p->allocator.locate(block), counts);
    }
  }
}
