#ifndef MALLOMETER_PLAYER_H
#define MALLOMETER_PLAYER_H

/// The player: replays a plan over whatever malloc was preloaded into its process.
///
/// It never allocates: fixed arrays, mmap, read, write. Operations come by read() into a fixed
/// buffer between the timed spans, so that no page of the plan counts as resident or faults.

#include <stddef.h>
#include <stdint.h>
#include <x86intrin.h>

#include "player_format.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/// The allocator under test, called the same way whoever it is: plain functions take the surplus
/// site argument in a register and don't look at it.
struct allocator {
  void *(*malloc)(size_t size, uintptr_t site);
  void *(*calloc)(size_t count, size_t size, uintptr_t site);
  void *(*realloc)(void *block, size_t size, uintptr_t site);
  void *(*aligned)(size_t alignment, size_t size, uintptr_t site);
  void (*free)(void *block);
  void (*step_counts)(uint64_t *out);
  uint64_t (*locate)(const void *block);
  void (*switch_thread)(uint32_t number);
  void (*end_thread)(uint32_t number);
  /// The null allocator's signal that measuring begins; else NULL.
  void (*begin)(void);
  /// A calibration build's kernels; else NULL.
  const struct mallometer_kernel *(*kernels)(uint64_t *count);
};

/// A slot of a sequenced plan.
struct shared_slot {
  void *block;
  uint32_t turn;
};

/// One plan, mapped or read, and the result it fills.
struct player {
  int plan_file;
  struct mallometer_plan_header plan;
  struct mallometer_plan_thread threads[MALLOMETER_PLAN_MAX_THREADS];
  const uint64_t *sites;
  /// NULL in a sequenced plan.
  void **slots;
  /// NULL in any other.
  struct shared_slot *shared_slots;
  struct allocator allocator;
  struct mallometer_result_header *result;
  int result_file;
  char *records;
};

extern struct player player;

/// Operations read at once at most: a few windows, so that they stay in the second-level cache.
enum { BUFFER_OPERATIONS = MALLOMETER_READ_OPERATIONS, LOOKAHEAD = 16 };

/// A thread's reading position in the plan.
struct reader {
  struct mallometer_operation *buffer;
  uint64_t next_offset, end_offset;
};

/// Prepares a reader over the part of one thread. `buffer` holds BUFFER_OPERATIONS + LOOKAHEAD.
struct reader reader_make(
    const struct mallometer_plan_thread *thread, struct mallometer_operation *buffer);
/// Fills the buffer and returns how many operations it holds: a multiple of the window, but for
/// the plan's last.
size_t reader_fill(struct reader *reader);

static inline uint32_t kind_of(const struct mallometer_operation *op) { return op->kind; }
static inline int is_call(const struct mallometer_operation *op) {
  return op->kind < MALLOMETER_OPERATION_AWAIT_TURN;
}
static inline uint64_t size_of(const struct mallometer_operation *op) {
  return (uint64_t)op->size_high << 32 | op->size;
}
static inline uint64_t slot_of(const struct mallometer_operation *op) { return op->slot; }
static inline uint64_t alignment_of(const struct mallometer_operation *op) {
  return 1ull << (op->alignment & 63);
}
static inline uintptr_t site_of(const struct player *p, const struct mallometer_operation *op) {
  return p->sites[op->site];
}

void run_time(struct player *player);
/// Starts the threads of a sequenced plan and has them wait; the caller plays the first. `times` is
/// where the windows of all threads go, `stamps` where the time stamps of all calls go or NULL.
void threads_prepare(
    struct player *player, struct mallometer_window_time *times, uint64_t *stamps);
/// Plays a sequenced plan to its end on all threads.
void threads_play(void);
void run_count(struct player *player);
void run_dump(struct player *player, uint64_t window);
void run_latency(struct player *player);
/// Needs no plan.
void run_calibrate(struct player *player);

/// Performs one call as the plan says, touch included, and keeps the result in its slot.
/// Returns the block of an allocating call, NULL after a free.
void *perform(struct player *player, const struct mallometer_operation *op);
/// Notes that an allocation returned NULL.
void note_failure(struct player *player, const struct mallometer_operation *op);

/// One sentence on stderr, then exit with `status`: 2 for bad input, 70 for what can't happen.
_Noreturn void fail(int status, const char *what, const char *detail);
/// Zeroed pages that are all resident already.
void *map_resident(size_t bytes);
/// write() until all is written.
void write_all(int file, const void *bytes, size_t count);
/// pread() until all is read; fails where the plan ends early.
void read_exactly(int file, void *bytes, size_t count, uint64_t offset);

uint64_t measure_core_hertz(uint64_t ticks_per_second);
uint64_t measure_ticks_per_second(void);
/// Ticks of a fixed piece of an allocator's work, an eighth of a millisecond in all.
uint64_t measure_reference_ticks(void);

/// Where a block is touched in the page that its byte `at` is in, a multiple of 4096 bytes from its
/// start: a line further on than in the page before, round the page. A program's pages differ in which
/// lines it uses; one offset for all would have them share a single set of the first cache.
static inline __attribute__((always_inline)) char *touched_in_page(
    char *block, uint64_t at, uint64_t size) {
  uint64_t plain = (uint64_t)block + at;
  uint64_t turned = (plain & ~4095ull) | ((plain + (at >> 6)) & 4095);
  return (char *)(turned + 8 <= (uint64_t)block + size ? turned : plain);
}

/// Touches a block as the plan's policy says: see Documentation/trace-format.md.
static inline __attribute__((always_inline)) void touch_block(
    char *block, uint64_t size, uint32_t touch) {
  switch (touch) {
    case MALLOMETER_TOUCH_NONE: break;
    case MALLOMETER_TOUCH_FIRST_LINE:
      if (LIKELY(size != 0)) *(volatile uint64_t *)block = size;
      break;
    case MALLOMETER_TOUCH_PER_PAGE:
      for (uint64_t at = 0; at < size; at += 4096)
        *(volatile uint64_t *)touched_in_page(block, at, size) = size;
      break;
    default:
      for (uint64_t at = 0; at < size; at += 64) *(volatile uint64_t *)(block + at) = size;
  }
}

#endif
