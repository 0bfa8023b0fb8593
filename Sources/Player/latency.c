#include <string.h>

#include "player.h"

/// Latency mode: every call timed alone. Fences keep neighbours out of the span; the cost of an
/// empty span is taken off.

static struct mallometer_operation buffer[BUFFER_OPERATIONS + LOOKAHEAD];

static inline __attribute__((always_inline)) uint64_t span_begin(void) {
  _mm_lfence();
  uint64_t now = __rdtsc();
  _mm_lfence();
  return now;
}

static inline __attribute__((always_inline)) uint64_t span_end(void) {
  unsigned int cpu;
  uint64_t now = __rdtscp(&cpu);
  _mm_lfence();
  return now;
}

/// The shortest empty span of many: what every span has besides the call.
static uint64_t empty_span(void) {
  uint64_t best = ~0ull;
  for (int round = 0; round < 10000; round++) {
    uint64_t from = span_begin();
    __asm__ volatile("" ::: "memory");
    uint64_t ticks = span_end() - from;
    if (ticks < best) best = ticks;
  }
  return best;
}

/// One call in its span; touching comes after the span.
static uint64_t timed_call(struct player *p, const struct mallometer_operation *op) {
  const struct allocator *a = &p->allocator;
  void **slot = &p->slots[slot_of(op)];
  uint64_t size = size_of(op), from, ticks;
  uintptr_t site = site_of(p, op);
  void *old = *slot;
  void *block = NULL;
  switch (kind_of(op)) {
    case MALLOMETER_OPERATION_MALLOC:
      from = span_begin();
      block = a->malloc(size, site);
      ticks = span_end() - from;
      break;
    case MALLOMETER_OPERATION_CALLOC:
      from = span_begin();
      block = a->calloc(1, size, site);
      ticks = span_end() - from;
      break;
    case MALLOMETER_OPERATION_REALLOC:
      from = span_begin();
      block = a->realloc(old, size, site);
      ticks = span_end() - from;
      if (block == NULL && size != 0) {
        note_failure(p, op);
        return ticks;
      }
      break;
    case MALLOMETER_OPERATION_ALIGNED: {
      uint64_t alignment = alignment_of(op);
      from = span_begin();
      block = a->aligned(alignment, size, site);
      ticks = span_end() - from;
      break;
    }
    default:
      from = span_begin();
      a->free(old);
      ticks = span_end() - from;
      *slot = NULL;
      return ticks;
  }
  *slot = block;
  if (block == NULL) note_failure(p, op);
  else touch_block(block, size, p->plan.touch);
  return ticks;
}

void run_latency(struct player *p) {
  if (p->plan.threads != 1) fail(70, "latencies are taken on one thread", NULL);
  size_t bytes = sizeof(uint64_t) * MALLOMETER_LATENCY_BUCKETS * MALLOMETER_LATENCY_KINDS;
  uint64_t(*histograms)[MALLOMETER_LATENCY_BUCKETS] = map_resident(bytes);
  memset(buffer, 0, sizeof buffer);
  p->result->ticks_per_second = measure_ticks_per_second();
  p->result->clock_ticks = empty_span();
  p->result->core_hertz[0] = measure_core_hertz(p->result->ticks_per_second);
  if (p->allocator.begin != NULL) p->allocator.begin();
  struct reader reader = reader_make(&p->threads[0], buffer);
  for (size_t filled; (filled = reader_fill(&reader)) > 0;) {
    for (size_t at = 0; at < filled; at++) {
      uint64_t ticks = timed_call(p, &buffer[at]);
      ticks = ticks > p->result->clock_ticks ? ticks - p->result->clock_ticks : 0;
      histograms[kind_of(&buffer[at])][mallometer_latency_bucket(ticks)]++;
      p->result->total_ticks += ticks;
    }
    p->result->calls_done += filled;
  }
  write_all(p->result_file, histograms, bytes);
}
