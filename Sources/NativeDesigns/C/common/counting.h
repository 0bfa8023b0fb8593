#ifndef MALLOMETER_COUNTING_H
#define MALLOMETER_COUNTING_H

/// What only counting builds have: step counts that no thread loses, threads that are known by
/// numbers, and the last writer of every shared line.
///
/// A thread gets its number when it first counts or asks for it: the first thread is 0. A player
/// that performs the operations of many threads on one gives itself their numbers in turn, by
/// `mallometer_switch_thread`; thread-local variables, exits and last writers then follow.

/// As many as a trace can have.
enum { MOST_THREADS = 1 << 16 };

/// One thread's counts, kept after its end.
struct step_counters {
  struct step_counters *next;
  _Atomic(uint64_t) counts[MALLOMETER_STEP_COUNT];
};

static _Atomic(struct step_counters *) all_counters;
static _Atomic(uint32_t) threads_numbered;
static __thread struct step_counters *own_counters;
/// Its number + 1; 0 while it has none.
static __thread uint32_t own_thread;
/// Whether one thread stands for many.
static int threads_are_switched;

/// Zeroed memory outside all regions. A counting build that gets none can't go on.
SLOW void *counting_memory(size_t bytes) {
  void *memory =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) abort();
  return memory;
}

SLOW void counters_begin(void) {
  int before = errno;
  struct step_counters *counters = counting_memory(sizeof *counters);
  counters->next = atomic_load(&all_counters);
  while (!atomic_compare_exchange_weak(&all_counters, &counters->next, counters)) {}
  own_counters = counters;
  errno = before;
}

FAST void count_step(uint32_t step, uint64_t times) {
  if (UNLIKELY(!own_counters)) counters_begin();
  _Atomic(uint64_t) *count = &own_counters->counts[step];
  uint64_t now = atomic_load_explicit(count, memory_order_relaxed) + times;
  atomic_store_explicit(count, now, memory_order_relaxed);
}

SLOW void thread_begin_numbered(void) {
  uint32_t number = atomic_fetch_add(&threads_numbered, 1);
  // A number that two threads share would mix up their variables.
  if (number >= MOST_THREADS) abort();
  own_thread = number + 1;
}

FAST uint32_t thread_number(void) {
  if (UNLIKELY(!own_thread)) thread_begin_numbered();
  return own_thread - 1;
}

#define COUNT(step) count_step(MALLOMETER_STEP_##step, 1)
#define COUNT_N(step, n) count_step(MALLOMETER_STEP_##step, (uint64_t)(n))

/// One variable per thread number, made when the thread first uses it.
#define THREAD_LOCAL(type, name, ...)                                                              \
  static const __typeof__(type) name##_initially = __VA_ARGS__;                                    \
  static __typeof__(type) *name##_of_thread[MOST_THREADS];                                         \
  FAST __typeof__(type) *name##_here(void) {                                                       \
    __typeof__(type) **here = &name##_of_thread[thread_number()];                                  \
    if (UNLIKELY(!*here)) {                                                                        \
      *here = counting_memory(sizeof **here);                                                      \
      memcpy((void *)*here, (const void *)&name##_initially, sizeof **here);                       \
    }                                                                                              \
    return *here;                                                                                  \
  }                                                                                                \
  _Static_assert(sizeof(name##_initially) > 0, "a thread-local variable")
#define THREAD(name) (*name##_here())

/// Who wrote a line last: a thread's number + 1, or 0 before the first.
struct shared_line {
  _Atomic(uint32_t) writer;
};

FAST void shared_line_write(struct shared_line *line) {
  uint32_t self = thread_number() + 1;
  if (LIKELY(atomic_load_explicit(&line->writer, memory_order_relaxed) == self)) return;
  uint32_t before = atomic_exchange_explicit(&line->writer, self, memory_order_relaxed);
  if (before != 0 && before != self) COUNT(COHERENCE_TRANSFER);
}

#define SHARED_LINE(name) struct shared_line name;
#define SHARED_LINES(name, count) struct shared_line name[count];
#define SHARED_WRITE(line) shared_line_write(&(line))
#define SHARED_FORGET(line) atomic_store_explicit(&(line).writer, 0, memory_order_relaxed)

#endif
