#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "player.h"
#include "sequence.h"
#include "window.h"

/// Time mode for sequenced plans: real threads, or the recorded pace.
///
/// Thread creation lets libc allocate thread-local storage through the allocator under test, before
/// anything is timed. The threads stay until all are done: what an allocator does when a thread
/// ends is not replayed.

struct worker {
  const struct mallometer_plan_thread *plan;
  struct mallometer_window_time *times;
  /// Where the time stamps of its calls go; NULL over builds that count nothing.
  uint64_t *stamps;
  struct mallometer_operation *buffer;
  int cpu;
};

static struct worker workers[MALLOMETER_PLAN_MAX_THREADS];
/// Threads that are ready, whether all may begin, and threads that are done: futexes.
static uint32_t ready, begun, done;

static void futex_wait(uint32_t *word, uint32_t value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(uint32_t *word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, MALLOMETER_PLAN_MAX_THREADS, NULL, NULL, 0);
}

static void count_up(uint32_t *word) {
  __atomic_fetch_add(word, 1, __ATOMIC_ACQ_REL);
  futex_wake(word);
}

static void wait_for(uint32_t *word, uint32_t value) {
  uint32_t seen;
  while ((seen = __atomic_load_n(word, __ATOMIC_ACQUIRE)) < value) futex_wait(word, seen);
}

DEFINE_WINDOW(shared_none, MALLOMETER_TOUCH_NONE, 1)
DEFINE_WINDOW(shared_first_line, MALLOMETER_TOUCH_FIRST_LINE, 1)
DEFINE_WINDOW(shared_per_page, MALLOMETER_TOUCH_PER_PAGE, 1)
DEFINE_WINDOW(shared_all, MALLOMETER_TOUCH_ALL, 1)

/// Where the running thread's next time stamp goes.
static __thread uint64_t *next_stamp;

/// For counting builds: what they count of the threads' meeting is explained by when each call began.
static __attribute__((noinline)) void shared_stamped(
    struct player *p, const struct mallometer_operation *at, size_t count) {
  for (const struct mallometer_operation *end = at + count; at < end; at++) {
    if (is_call(at)) *next_stamp++ = __rdtsc();
    perform_in_sequence(p, at);
  }
}

/// One window. Its ticks are those that passed less those waited; if the thread lost its processor
/// besides, those that it had one, by the kernel's account. Blocking inside the allocator, on a
/// lock, is the allocator's.
static void time_window(
    struct player *p, const struct worker *worker, const struct mallometer_plan_window *window,
    struct mallometer_window_time *time) {
  static void (*const runs[])(struct player *, const struct mallometer_operation *, size_t) = {
      shared_none, shared_first_line, shared_per_page, shared_all};
  void (*run)(struct player *, const struct mallometer_operation *, size_t) =
      worker->stamps != NULL ? shared_stamped : runs[p->plan.touch];
  waiting.ticks = waiting.spun_ticks = waiting.processor_ns = waiting.switches = 0;
  uint64_t switches = thread_switches(), processor_ns = thread_processor_ns();
  uint64_t from = __rdtsc();
  run(p, worker->buffer, window->operations);
  uint64_t passed = __rdtsc() - from;
  processor_ns = thread_processor_ns() - processor_ns;
  switches = thread_switches() - switches;
  uint64_t ticks = passed > waiting.ticks ? passed - waiting.ticks : 0;
  if (switches > waiting.switches) {
    uint64_t own_ns =
        processor_ns > waiting.processor_ns ? processor_ns - waiting.processor_ns : 0;
    uint64_t own = (uint64_t)((double)own_ns * (double)p->result->ticks_per_second / 1e9);
    own = own > waiting.spun_ticks ? own - waiting.spun_ticks : 0;
    if (own < ticks) ticks = own;
  }
  time->ticks = ticks;
  time->waited_ticks = waiting.ticks;
  __atomic_fetch_add(&p->result->total_ticks, ticks, __ATOMIC_RELAXED);
  __atomic_fetch_add(&p->result->calls_done, window->calls, __ATOMIC_RELAXED);
}

static void play(const struct worker *worker) {
  struct player *p = &player;
  struct mallometer_window_time *time = worker->times;
  uint64_t offset = worker->plan->operations_offset;
  waiting.due = __rdtsc();
  next_stamp = worker->stamps;
  while (offset != 0) {
    struct mallometer_plan_window window;
    read_exactly(p->plan_file, &window, sizeof window, offset);
    if (window.operations > p->plan.longest_window) fail(70, "a window is too long", NULL);
    read_exactly(
        p->plan_file, worker->buffer, window.operations * sizeof *worker->buffer,
        offset + sizeof window);
    time_window(p, worker, &window, time++);
    offset = window.next_offset;
  }
}

static void pin_thread(int cpu) {
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

static void get_ready(const struct worker *worker) {
  pin_thread(worker->cpu);
  if (player.allocator.begin != NULL) player.allocator.begin();
}

static void *run_worker(void *argument) {
  const struct worker *worker = argument;
  get_ready(worker);
  count_up(&ready);
  wait_for(&begun, 1);
  play(worker);
  count_up(&done);
  // The process ends with the first thread: no thread's end disturbs the others' windows.
  for (;;) pause();
  return NULL;
}

/// The processors in turn, where every thread can have its own, else wherever the kernel puts them.
static void choose_processors(uint32_t threads) {
  cpu_set_t set;
  CPU_ZERO(&set);
  int all = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
  int cpu = -1;
  for (uint32_t i = 0; i < threads; i++) {
    if (threads <= (uint32_t)all)
      do cpu++;
      while (!CPU_ISSET(cpu, &set));
    workers[i].cpu = cpu;
  }
}

void threads_prepare(
    struct player *p, struct mallometer_window_time *times, uint64_t *stamps) {
  uint32_t threads = p->plan.threads;
  for (uint32_t i = 0; i < threads; i++) {
    workers[i].plan = &p->threads[i];
    workers[i].times = times + p->threads[i].first_window;
    workers[i].stamps = stamps;
    if (stamps != NULL) stamps += p->threads[i].calls;
    workers[i].buffer =
        map_resident((p->plan.longest_window + LOOKAHEAD) * sizeof *workers[i].buffer);
  }
  choose_processors(threads);
  for (uint32_t i = 1; i < threads; i++) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, run_worker, &workers[i]);
    if (error != 0) fail(2, "cannot start a thread", strerror(error));
  }
  get_ready(&workers[0]);
  wait_for(&ready, threads - 1);
}

/// What a counting build counted so far, on all threads.
static void read_counts(const struct player *p, uint64_t *out) {
  if (p->allocator.step_counts != NULL && p->plan.steps <= MALLOMETER_RESULT_STEPS)
    p->allocator.step_counts(out);
}

void threads_play(void) {
  static uint64_t before[MALLOMETER_RESULT_STEPS];
  read_counts(&player, before);
  count_up(&begun);
  play(&workers[0]);
  wait_for(&done, player.plan.threads - 1);
  uint64_t *counts = player.result->step_counts;
  read_counts(&player, counts);
  for (size_t step = 0; step < MALLOMETER_RESULT_STEPS; step++) counts[step] -= before[step];
}
