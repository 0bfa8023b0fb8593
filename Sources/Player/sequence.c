#include "sequence.h"

#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include "player.h"
#include "window.h"

/// Operations of sequenced plans, and the waiting for other threads and for the recorded pace.
///
/// A wait that is over before it began costs one load. Any other is timed by itself: its ticks and
/// its processor time are the program's, never the allocator's.

__thread struct waiting waiting;

uint64_t thread_processor_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

uint64_t thread_switches(void) {
  struct rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return (uint64_t)usage.ru_nivcsw;
}

static void sleep_ns(uint64_t ns) {
  struct timespec span = {(time_t)(ns / 1000000000ull), (long)(ns % 1000000000ull)};
  nanosleep(&span, NULL);
}

static inline int has_come(const struct shared_slot *slot, uint32_t turn) {
  return __atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE) == turn;
}

/// A spin that took far longer than its pauses was without a processor for most of it.
static void note_spin(uint64_t ticks) {
  enum { LONGEST = 20000 };
  waiting.spun_ticks += ticks < LONGEST ? ticks : LONGEST;
}

/// The thread that is waited for may need this processor: after a few microseconds it is offered,
/// and in the end left.
static __attribute__((noinline)) void wait_long(const struct shared_slot *slot, uint32_t turn) {
  enum { SPINS = 64, YIELDS = 64, SLEEP_NS = 50000 };
  uint64_t from = __rdtsc();
  for (int spin = 0; spin < SPINS; spin++) {
    if (has_come(slot, turn)) {
      uint64_t ticks = __rdtsc() - from;
      waiting.ticks += ticks;
      note_spin(ticks);
      return;
    }
    _mm_pause();
  }
  note_spin(__rdtsc() - from);
  uint64_t processor_ns = thread_processor_ns(), switches = thread_switches();
  for (int yield = 0; !has_come(slot, turn); yield++) {
    if (yield < YIELDS) sched_yield();
    else sleep_ns(SLEEP_NS);
  }
  waiting.processor_ns += thread_processor_ns() - processor_ns;
  waiting.switches += thread_switches() - switches;
  waiting.ticks += __rdtsc() - from;
}

/// Waits until `ns` have passed since the last such wait was due; a thread that is late goes on at
/// once, and counts from there.
static void await_time(struct player *p, uint64_t ns) {
  enum { LONGEST_SPIN_NS = 1000000 };
  uint64_t now = __rdtsc(), from = now;
  uint64_t per_second = p->result->ticks_per_second;
  uint64_t due = waiting.due + (uint64_t)((double)ns * (double)per_second / 1e9);
  if (due > now) {
    uint64_t processor_ns = thread_processor_ns(), switches = thread_switches();
    uint64_t left = (uint64_t)((double)(due - now) * 1e9 / (double)per_second);
    if (left > LONGEST_SPIN_NS) sleep_ns(left - LONGEST_SPIN_NS);
    while ((now = __rdtsc()) < due) _mm_pause();
    waiting.processor_ns += thread_processor_ns() - processor_ns;
    waiting.switches += thread_switches() - switches;
    waiting.due = due;
    now = __rdtsc();
  } else {
    waiting.due = now;
  }
  waiting.ticks += now - from;
}

static void allocate(
    struct player *p, const struct mallometer_operation *op, struct shared_slot *slot,
    char *block) {
  if (UNLIKELY(block == NULL)) note_failure(p, op);
  else touch_block(block, size_of(op), p->plan.touch);
  fill_shared_slot(slot, block);
}

static void reallocate(
    struct player *p, const struct mallometer_operation *op, struct shared_slot *slot) {
  uint64_t size = size_of(op);
  char *old = slot->block;
  char *block = old == NULL ? p->allocator.malloc(size, site_of(p, op))
                            : p->allocator.realloc(old, size, site_of(p, op));
  if (LIKELY(block != NULL || size == 0)) return allocate(p, op, slot, block);
  note_failure(p, op);
  fill_shared_slot(slot, old);
}

void perform_in_sequence(struct player *p, const struct mallometer_operation *op) {
  const struct allocator *a = &p->allocator;
  struct shared_slot *slot = &p->shared_slots[slot_of(op)];
  uint64_t size = size_of(op);
  switch (kind_of(op)) {
    case MALLOMETER_OPERATION_MALLOC:
      return allocate(p, op, slot, a->malloc(size, site_of(p, op)));
    case MALLOMETER_OPERATION_CALLOC:
      return allocate(p, op, slot, a->calloc(1, size, site_of(p, op)));
    case MALLOMETER_OPERATION_ALIGNED:
      return allocate(p, op, slot, a->aligned(alignment_of(op), size, site_of(p, op)));
    case MALLOMETER_OPERATION_REALLOC: return reallocate(p, op, slot);
    case MALLOMETER_OPERATION_FREE: return a->free(slot->block);
    case MALLOMETER_OPERATION_AWAIT_TURN:
      if (UNLIKELY(!has_come(slot, op->size))) wait_long(slot, op->size);
      return;
    case MALLOMETER_OPERATION_PASS_TURN: return fill_shared_slot(slot, NULL);
    default: return await_time(p, (uint64_t)op->site << 32 | op->size);
  }
}
