#ifndef MALLOMETER_KERNEL_H
#define MALLOMETER_KERNEL_H

/// A design's own code in tight loops: what `calibrate` times to learn what a step costs alone.
///
/// A calibration build is a variant followed by one of these files, which sees the variant's static
/// functions. A kernel's `with` does what one step is, on metadata that is in the first cache level;
/// `without` is the same loop with everything but the step. Steps that the code of another step is
/// made of are in both.

/// As in player_format.h.
struct mallometer_kernel {
  /// The step's name, or the step's name and "/loop".
  const char *name;
  /// Before every repeat, untimed; NULL where nothing is to be done.
  uint64_t (*prepare)(uint64_t rounds);
  /// Returns how many steps it has done.
  uint64_t (*run)(uint64_t rounds);
  uint64_t rounds;
};

/// Has the compiler compute a value, and everything in memory before it, without using it.
#define KEEP(value) ({ __asm__ volatile("" : : "r"(value) : "memory"); })
/// Hides from the compiler what a pointer or a number is.
#define HIDE(value) ({ __asm__("" : "+r"(value)); })

enum { KERNEL_ROUNDS = 1 << 14, KERNEL_VALUES = 256, KERNEL_BLOCKS = 64 };

/// What sizes, sites and blocks a kernel works on, in turn.
#define VALUE(values) ((values)[round & (KERNEL_VALUES - 1)])
#define BLOCK(blocks) ((blocks)[round & (KERNEL_BLOCKS - 1)])

/// - Parameters:
///   - id: an identifier.
///   - done: how many steps so many `rounds` are.
///   - with, without: statements.
#define KERNEL(id, done, with, without)                                                            \
  static uint64_t id##_with(uint64_t rounds) {                                                     \
    for (uint64_t round = 0; round < rounds; round++) { with; }                                    \
    return (done);                                                                                 \
  }                                                                                                \
  static uint64_t id##_without(uint64_t rounds) {                                                  \
    for (uint64_t round = 0; round < rounds; round++) { without; }                                 \
    return (done);                                                                                 \
  }                                                                                                \
  _Static_assert(1, "a kernel")

#define PREPARED(name, id, prepare, rounds)                                                        \
  {name, prepare, id##_with, rounds}, { name "/loop", prepare, id##_without, rounds }
#define MEASURED(name, id) PREPARED(name, id, NULL, KERNEL_ROUNDS)

/// xorshift64, always the same numbers.
static uint64_t kernel_random(void) {
  static uint64_t state = 88172645463325252ull;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static __attribute__((unused)) void draw(size_t *values, size_t from, size_t upTo) {
  for (int i = 0; i < KERNEL_VALUES; i++) values[i] = from + kernel_random() % (upTo - from + 1);
}

// What every design may have.

static struct spin_lock kernel_spin_lock;
static struct mutex_lock kernel_mutex = MUTEX_LOCK_INITIALLY;
static _Atomic(uintptr_t) kernel_word;

KERNEL(lock, rounds, (lock_acquire(&kernel_spin_lock), lock_release(&kernel_spin_lock)),
       lock_release(&kernel_spin_lock));
KERNEL(mutex, rounds, (mutex_acquire(&kernel_mutex), mutex_release(&kernel_mutex)), KEEP(round));
KERNEL(exchange, rounds,
       KEEP(atomic_exchange_explicit(&kernel_word, round, memory_order_acquire)), KEEP(round));

#define COMMON_KERNELS                                                                             \
  MEASURED("lock-uncontended", lock), MEASURED("mutex-uncontended", mutex),                        \
      MEASURED("atomic-uncontended", exchange)

/// Fills what kernels work on; then the kernels.
#define EXPORT_KERNELS(...)                                                                        \
  static const struct mallometer_kernel all_kernels[] = {__VA_ARGS__};                             \
  EXPORTED const struct mallometer_kernel *mallometer_kernels(uint64_t *count) {                   \
    begin_kernels();                                                                               \
    *count = sizeof all_kernels / sizeof *all_kernels;                                             \
    return all_kernels;                                                                            \
  }

#endif
