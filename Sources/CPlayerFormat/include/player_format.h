#ifndef MALLOMETER_PLAYER_FORMAT_H
#define MALLOMETER_PLAYER_FORMAT_H

/// What Replay (Swift) and Player (C) share: the plan file, the result file, and the functions by
/// which a counting build answers. Plans live as long as one command: this is no stored format.

#include <stdint.h>

enum mallometer_operation_kind {
  MALLOMETER_OPERATION_MALLOC = 0,
  MALLOMETER_OPERATION_FREE = 1,
  MALLOMETER_OPERATION_CALLOC = 2,
  MALLOMETER_OPERATION_REALLOC = 3,
  MALLOMETER_OPERATION_ALIGNED = 4,
  // Not calls, and in sequenced plans alone.
  /// Wait until the slot's turn is `size`: it is 0 at first and grows by one with every
  /// allocation into the slot, realloc included, and with every PASS_TURN.
  MALLOMETER_OPERATION_AWAIT_TURN = 5,
  MALLOMETER_OPERATION_PASS_TURN = 6,
  /// Wait until so many nanoseconds (`site` the high half, `size` the low one) have passed since
  /// the thread's last such wait was due.
  MALLOMETER_OPERATION_AWAIT_TIME = 7,
  // Not calls, and in plans that switch threads alone.
  /// What follows is thread `size`'s; thread `size` ends.
  MALLOMETER_OPERATION_SWITCH_THREAD = 8,
  MALLOMETER_OPERATION_END_THREAD = 9,
};

/// 16 bytes.
///
/// The player advances by *groups*; the first operation of each carries which calls they are, so that
/// there is one indirect branch per group, and one misprediction at most:
/// - four operations, below MALLOMETER_GROUP_THREES: bit n says that operation n is a free, the
///   others are mallocs;
/// - three, MALLOMETER_GROUP_THREES + kinds: two bits per operation are its kind, up to a realloc;
/// - any other operation by itself, MALLOMETER_GROUP_SINGLE.
/// In groups, sizes are 1 byte to 4 GiB − 1. No group spans windows.
struct mallometer_operation {
  /// enum mallometer_operation_kind.
  uint8_t kind;
  /// Base-2 logarithm.
  uint8_t alignment;
  uint8_t group;
  /// Bits 32–39 of the size.
  uint8_t size_high;
  uint32_t slot;
  /// Bits 0–31 of the size.
  uint32_t size;
  uint32_t site;
};
_Static_assert(sizeof(struct mallometer_operation) == 16, "operations are read in bulk");

enum {
  MALLOMETER_GROUP_THREES = 1 << 4,
  MALLOMETER_GROUP_SINGLE = MALLOMETER_GROUP_THREES + (1 << 6),
};

enum mallometer_touch {
  MALLOMETER_TOUCH_NONE = 0,
  MALLOMETER_TOUCH_FIRST_LINE = 1,
  MALLOMETER_TOUCH_PER_PAGE = 2,
  MALLOMETER_TOUCH_ALL = 3,
};

enum {
  /// "mmplan" and "mmrslt" with the format's version.
  MALLOMETER_PLAN_MAGIC = 0x6D6D0006,
  MALLOMETER_RESULT_MAGIC = 0x6D720004,
  /// Where the first operation lies.
  MALLOMETER_PLAN_OPERATIONS = 4096,
  MALLOMETER_PLAN_MAX_THREADS = 256,
  /// Operations that the player reads at once at most, in whole windows.
  MALLOMETER_READ_OPERATIONS = 8192,
  /// Where the result's windows (or other records) begin.
  MALLOMETER_RESULT_RECORDS = 8192,
  /// Steps that a result's totals have room for.
  MALLOMETER_RESULT_STEPS = 256,
};

/// At offset 0 of a plan. Operations follow at MALLOMETER_PLAN_OPERATIONS, then
/// `sites` addresses of 8 bytes at `sites_offset`, then `threads` thread records.
struct mallometer_plan_header {
  uint32_t magic;
  /// Calls per window.
  uint32_t window;
  /// enum mallometer_touch.
  uint32_t touch;
  uint32_t threads;
  /// Calls of all threads, pseudo-operations aside.
  uint64_t calls;
  /// Entries of the slot table.
  uint64_t slots;
  uint64_t sites;
  uint64_t sites_offset;
  uint64_t threads_offset;
  /// Length of a vector of step counts.
  uint64_t steps;
  /// Largest size of any allocating operation.
  uint64_t largest;
  /// Not 0 for a *sequenced* plan: several threads, or the recorded pace. A thread's windows then
  /// lie anywhere, each a mallometer_plan_window and its operations. An AWAIT_TURN comes before
  /// every use of a slot by another thread than the last.
  uint32_t sequenced;
  /// Operations of the longest window of a sequenced plan, those that are not calls included.
  uint32_t longest_window;
  /// Not 0 for the operations of several threads in one order, for a counting build on one thread.
  /// The first are thread 0's.
  uint32_t switches_threads;
  uint32_t reserved;
};
_Static_assert(sizeof(struct mallometer_plan_header) == 88, "written by Swift");

/// Before the operations of a window of a sequenced plan.
struct mallometer_plan_window {
  /// Where the thread's next window lies, 0 after its last.
  uint64_t next_offset;
  uint32_t operations;
  uint32_t calls;
};
_Static_assert(sizeof(struct mallometer_plan_window) == 16, "written by Swift");

/// One thread's part of a plan.
struct mallometer_plan_thread {
  /// Of its first operation, or of its first window in a sequenced plan.
  uint64_t operations_offset;
  uint64_t operations;
  /// Those of them that are calls.
  uint64_t calls;
  /// Index of the thread's first window in the result.
  uint64_t first_window;
};

enum mallometer_player_outcome {
  MALLOMETER_OUTCOME_UNFINISHED = 0,
  MALLOMETER_OUTCOME_DONE = 1,
};

/// At offset 0 of a result. What follows depends on the mode: per window one
/// `mallometer_window_time` (time; of a sequenced plan over a counting build the time stamp of every
/// call follows, 8 bytes each, thread by thread), or hash and step counts (count), or per operation of one window
/// address and step counts (dump), or per kind of call a histogram (latency).
struct mallometer_result_header {
  uint32_t magic;
  uint32_t outcome;
  uint64_t calls_done;
  /// Allocations that returned NULL for a size above 0, and the first such size.
  uint64_t failed_allocations;
  uint64_t first_failed_size;
  uint64_t first_failed_call;
  uint64_t minor_faults;
  uint64_t major_faults;
  /// Resident bytes before the first operation, and the highest while replaying.
  uint64_t resident_before;
  uint64_t resident_peak;
  uint64_t ticks_per_second;
  /// Core clock in hertz at the beginning, in the middle and at the end.
  uint64_t core_hertz[3];
  /// Ticks of a fixed piece of an allocator's work at the beginning and at the end (time only).
  uint64_t reference_ticks[2];
  /// Of probes of the core between windows (one thread, time only): how many there were, and the sum of
  /// their ticks for additions beside each other.
  uint64_t probes;
  uint64_t throughput_ticks;
  uint64_t total_ticks;
  /// Times the process was taken off its processor against its will.
  uint64_t involuntary_switches;
  /// The clock's own cost in ticks, already taken off (latency only).
  uint64_t clock_ticks;
  uint32_t has_site_functions;
  uint32_t has_step_counts;
  /// The file that malloc comes from.
  char allocator_path[4096];
  /// What a counting build counted on all threads while a sequenced plan was played; else 0.
  uint64_t step_counts[MALLOMETER_RESULT_STEPS];
};
_Static_assert(
    sizeof(struct mallometer_result_header) <= MALLOMETER_RESULT_RECORDS, "records come after it");

/// In place of an operation's address (regions are numbered from 1): a thread's end, dumped after the
/// operation that it follows.
enum { MALLOMETER_DUMPED_THREAD_END = 1 };

/// One window of one thread.
struct mallometer_window_time {
  uint64_t ticks;
  /// Of which spent waiting for other threads or for the recorded pace: never the allocator's.
  uint64_t waited_ticks;
};

enum {
  /// Buckets of a latency histogram: exact below 2048 ticks, then 1024 per power of two.
  MALLOMETER_LATENCY_BUCKETS = 2048 + 1024 * 36,
  MALLOMETER_LATENCY_KINDS = 5,
};

/// The bucket of a duration in ticks.
static inline uint32_t mallometer_latency_bucket(uint64_t ticks) {
  if (ticks < 2048) return (uint32_t)ticks;
  uint32_t shift = 53u - (uint32_t)__builtin_clzll(ticks);
  uint32_t bucket = 1024u + shift * 1024u + (uint32_t)((ticks >> shift) - 1024u);
  return bucket < MALLOMETER_LATENCY_BUCKETS ? bucket : MALLOMETER_LATENCY_BUCKETS - 1;
}

/// The middle of a bucket in ticks.
static inline uint64_t mallometer_latency_ticks(uint32_t bucket) {
  if (bucket < 2048) return bucket;
  uint32_t shift = (bucket - 1024u) / 1024u;
  uint64_t low = (uint64_t)((bucket - 1024u) % 1024u + 1024u) << shift;
  return low + ((1ull << shift) >> 1);
}

enum { MALLOMETER_CALIBRATION_REPEATS = 15 };

/// One record of a calibration: the primitive's name and its cost, several times measured.
struct mallometer_primitive {
  char name[32];
  uint64_t picoseconds[MALLOMETER_CALIBRATION_REPEATS];
};
_Static_assert(sizeof(struct mallometer_primitive) == 152, "read by Swift");

/// What a calibration build measures: see NativeDesigns/C/calibration/kernel.h.
struct mallometer_kernel {
  /// A step's name, or a step's name and "/loop" for the same loop without it.
  const char *name;
  /// Before every repeat, untimed; may be NULL.
  uint64_t (*prepare)(uint64_t rounds);
  /// Returns how many steps it has done.
  uint64_t (*run)(uint64_t rounds);
  uint64_t rounds;
};

// An own design exports these in every build; `site` is Site.address of the recorded caller.
//   void *mallometer_malloc_at(size_t size, uintptr_t site);
//   void *mallometer_calloc_at(size_t count, size_t size, uintptr_t site);
//   void *mallometer_realloc_at(void *block, size_t size, uintptr_t site);
//   void *mallometer_aligned_at(size_t alignment, size_t size, uintptr_t site);
//
// A counting build exports besides:
//   void mallometer_step_counts(uint64_t *out);        all counts, in the order of Step.allCases
//   uint64_t mallometer_locate(const void *block);     region number << 40 | offset, regions from 1
//   void mallometer_switch_thread(uint32_t number);    the caller is thread `number` from now on
//   void mallometer_end_thread(uint32_t number);       what happens when thread `number` exits
//
// A calibration build exports besides:
//   const struct mallometer_kernel *mallometer_kernels(uint64_t *count);
//
// The player finds them by weak references: no dlsym, so no malloc of its own.

#endif
