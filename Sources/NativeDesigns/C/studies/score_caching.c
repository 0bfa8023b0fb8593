/// The program of `mallometer study score-caching`: a population of reference-counted objects is
/// sorted by score, either by loading the scores of both objects atomically at every comparison, or
/// by collecting them first in an array of copies. Beside these two forms are kernels that take
/// some of their steps alone. See Documentation/score-caching.md.
///
///     score_caching KERNEL POPULATION WARM_UP EPOCHS SEED CPU|any
///
/// An epoch gives every object a new score, untimed, and runs the kernel once, timed. The result is
/// written to standard output, one `name value…` a line. Memory that isn't a form's own comes
/// from the kernel, so that the allocator serves nothing but objects and the forms.

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

/// In the order of ScoreCachingStep.
enum step {
  COMPARISONS,
  ATOMIC_LOADS,
  INSERTION_COMPARISONS,
  ELEMENT_MOVES,
  BYTES_MOVED,
  BYTES_COPIED,
  REFERENCE_INCREMENTS,
  REFERENCE_DECREMENTS,
  ALLOCATIONS,
  FREES,
  BYTES_ALLOCATED,
  STEPS
};

#ifdef MALLOMETER_COUNT_STEPS
static uint64_t counts[STEPS];
#define COUNT_N(step, n) (counts[step] += (uint64_t)(n))
#else
#define COUNT_N(step, n) ((void)0)
#endif
#define COUNT(step) COUNT_N(step, 1)
#define COUNT_MOVES(n, size) (COUNT_N(ELEMENT_MOVES, n), COUNT_N(BYTES_MOVED, (n) * (size)))

enum { SORT_RUN = 8, BLOCKS = 16, SCORE_LEVELS = 1 << 16, AGES = 64 };

/// What the population shares: 96 bytes, the counts as a reference-counted pointer has them.
struct object {
  _Atomic uint64_t strong;
  _Atomic uint64_t weak;
  /// The bits of a double.
  _Atomic uint64_t score;
  _Atomic uint64_t age;
  double parameters[8];
};

typedef struct object *object_pointer;

/// A score with its age, in no need of an object.
struct key {
  double score;
  uint64_t age;
};

/// A cached score: 24 bytes, the object held by a reference of its own.
struct entry {
  struct object *object;
  double score;
  uint64_t age;
};

static inline double score_of(struct object *object) {
  uint64_t bits = atomic_load_explicit(&object->score, memory_order_acquire);
  double score;
  memcpy(&score, &bits, sizeof score);
  COUNT(ATOMIC_LOADS);
  return score;
}

static inline uint64_t age_of(struct object *object) {
  COUNT(ATOMIC_LOADS);
  return atomic_load_explicit(&object->age, memory_order_acquire);
}

/// The lower score first, of equal ones the older.
static inline int object_precedes(const object_pointer *a, const object_pointer *b) {
  COUNT(COMPARISONS);
  double first = score_of(*a), second = score_of(*b);
  if (__builtin_expect(first == second, 0)) return age_of(*a) > age_of(*b);
  return first < second;
}

static inline int entry_precedes(const struct entry *a, const struct entry *b) {
  COUNT(COMPARISONS);
  if (__builtin_expect(a->score == b->score, 0)) return a->age > b->age;
  return a->score < b->score;
}

static inline int key_precedes(const struct key *a, const struct key *b) {
  COUNT(COMPARISONS);
  if (__builtin_expect(a->score == b->score, 0)) return a->age > b->age;
  return a->score < b->score;
}

#define SORT_NAME sort_objects
#define SORT_ELEMENT object_pointer
#define SORT_PRECEDES object_precedes
#include "studies/sort.h"

#define SORT_NAME sort_entries
#define SORT_ELEMENT struct entry
#define SORT_PRECEDES entry_precedes
#include "studies/sort.h"

#define SORT_NAME sort_keys
#define SORT_ELEMENT struct key
#define SORT_PRECEDES key_precedes
#include "studies/sort.h"

/// What the kernels work on.
static struct {
  size_t count;
  /// From the allocator, as the objects are.
  struct object **objects;
  /// From the kernel, as the following.
  struct entry *entries;
  struct key *keys;
  void *scratch;
} population;

_Noreturn static void fail(int status, const char *what, const char *detail) {
  dprintf(2, "score_caching: %s%s%s\n", what, detail ? ": " : "", detail ? detail : "");
  _exit(status);
}

static void *map_resident(size_t bytes) {
  void *start = mmap(
      NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (start == MAP_FAILED) fail(2, "no memory for the population", strerror(errno));
  return start;
}

static void *allocate(size_t bytes) {
  void *block = malloc(bytes);
  if (block == NULL) fail(2, "the allocator returned NULL", NULL);
  COUNT(ALLOCATIONS);
  COUNT_N(BYTES_ALLOCATED, bytes);
  return block;
}

static void release(void *block) {
  COUNT(FREES);
  free(block);
}

static inline void hold(struct object *object) {
  COUNT(REFERENCE_INCREMENTS);
  atomic_fetch_add_explicit(&object->strong, 1, memory_order_relaxed);
}

static inline void let_go(struct object *object) {
  COUNT(REFERENCE_DECREMENTS);
  if (atomic_fetch_sub_explicit(&object->strong, 1, memory_order_release) != 1) return;
  atomic_thread_fence(memory_order_acquire);
  release(object);
}

// The two forms.

static __attribute__((noinline)) void load_at_every_comparison(void) {
  sort_objects(population.objects, population.scratch, population.count);
}

static __attribute__((noinline)) void cache_first(void) {
  size_t count = population.count;
  struct entry *cache = allocate(count * sizeof *cache);
  for (size_t i = 0; i < count; i++) {
    struct object *object = population.objects[i];
    hold(object);
    cache[i] = (struct entry){object, score_of(object), age_of(object)};
  }
  COUNT_MOVES(count, sizeof *cache);
  sort_entries(cache, population.scratch, count);
  struct object **sorted = allocate(count * sizeof *sorted);
  for (size_t i = 0; i < count; i++) sorted[i] = cache[i].object;
  COUNT_MOVES(count, sizeof *sorted);
  release(cache);
  for (size_t i = 0; i < count; i++) let_go(population.objects[i]);
  release(population.objects);
  population.objects = sorted;
}

// Some of their steps alone.

static __attribute__((noinline)) void only_sort_keys(void) {
  sort_keys(population.keys, population.scratch, population.count);
}

static __attribute__((noinline)) void only_sort_entries(void) {
  sort_entries(population.entries, population.scratch, population.count);
}

static __attribute__((noinline)) void only_load(void) {
  uint64_t sum = 0;
  for (size_t i = 0; i < population.count; i++)
    sum += age_of(population.objects[i]) + (score_of(population.objects[i]) < 0.5);
  __asm__ volatile("" ::"r"(sum));
}

static __attribute__((noinline)) void only_increment(void) {
  for (size_t i = 0; i < population.count; i++) hold(population.objects[i]);
}

static __attribute__((noinline)) void only_decrement(void) {
  for (size_t i = 0; i < population.count; i++) let_go(population.objects[i]);
}

static __attribute__((noinline)) void only_move(void) {
  for (size_t i = 0; i < population.count; i++) {
    struct key key = population.keys[i];
    population.entries[i] = (struct entry){population.objects[i], key.score, key.age};
  }
  COUNT_MOVES(population.count, sizeof(struct entry));
}

static __attribute__((noinline)) void only_copy(void) {
  memcpy(population.scratch, population.entries, population.count * sizeof(struct entry));
  COUNT_N(BYTES_COPIED, population.count * sizeof(struct entry));
}

/// Every page is written once, as filling the block would.
static void write_pages(char *block, size_t bytes) {
  for (size_t at = 0; at < bytes; at += 4096) *(volatile char *)(block + at) = 1;
}

/// As the second form does it: the list outlives the run in which it was made.
static __attribute__((noinline)) void only_allocate(void) {
  static char *list;
  size_t bytes = population.count * sizeof(struct entry);
  char *cache = allocate(bytes);
  write_pages(cache, bytes);
  bytes = population.count * sizeof(struct object *);
  char *sorted = allocate(bytes);
  write_pages(sorted, bytes);
  release(cache);
  release(list);
  list = sorted;
}

// What an epoch begins with, outside its span.

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
static uint64_t random_state;
static uint64_t next_random(void) {
  uint64_t mixed = random_state += 0x9E3779B97F4A7C15ull;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ull;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBull;
  return mixed ^ (mixed >> 31);
}

/// The upper bits are the score, the lowest the age.
static struct key random_key(void) {
  uint64_t random = next_random();
  return (struct key){(double)(random >> 48) / SCORE_LEVELS, random % AGES};
}

static void score_objects(void) {
  for (size_t i = 0; i < population.count; i++) {
    struct key key = random_key();
    uint64_t bits;
    memcpy(&bits, &key.score, sizeof bits);
    atomic_store_explicit(&population.objects[i]->score, bits, memory_order_release);
    atomic_store_explicit(&population.objects[i]->age, key.age, memory_order_release);
  }
}

static void score_keys(void) {
  for (size_t i = 0; i < population.count; i++) population.keys[i] = random_key();
}

static void score_entries(void) {
  for (size_t i = 0; i < population.count; i++) {
    struct key key = random_key();
    population.entries[i] = (struct entry){population.objects[i], key.score, key.age};
  }
}

static void order_keys(void) {
  for (size_t i = 0; i < population.count; i++) population.keys[i] = (struct key){(double)i, 0};
}

static void order_entries(void) {
  for (size_t i = 0; i < population.count; i++)
    population.entries[i] = (struct entry){population.objects[i], (double)i, 0};
}

static void score_and_hold(void) {
  score_objects();
  for (size_t i = 0; i < population.count; i++)
    atomic_fetch_add_explicit(&population.objects[i]->strong, 1, memory_order_relaxed);
}

static void nothing(void) {}

static const struct kernel {
  const char *name;
  void (*prepare)(void);
  void (*run)(void);
} kernels[] = {
    {"loads", score_objects, load_at_every_comparison},
    {"caching", score_objects, cache_first},
    {"sort-keys", score_keys, only_sort_keys},
    {"sort-keys-ordered", order_keys, only_sort_keys},
    {"sort-entries", score_entries, only_sort_entries},
    {"sort-entries-ordered", order_entries, only_sort_entries},
    {"load", score_objects, only_load},
    {"increment", score_objects, only_increment},
    {"decrement", score_and_hold, only_decrement},
    {"move", score_keys, only_move},
    {"copy", score_entries, only_copy},
    {"allocate", nothing, only_allocate},
};

static uint64_t ticks(void) {
  _mm_lfence();
  uint64_t now = __rdtsc();
  _mm_lfence();
  return now;
}

static uint64_t monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/// What a span costs in which nothing happens: the call through a pointer and the clock.
static uint64_t measure_empty_span(void) {
  uint64_t best = UINT64_MAX;
  void (*volatile run)(void) = nothing;
  for (int round = 0; round < 2000; round++) {
    uint64_t from = ticks();
    run();
    uint64_t span = ticks() - from;
    if (span < best) best = span;
  }
  return best;
}

/// The fastest of a few chains of dependent additions, a core cycle each.
static uint64_t measure_chain(uint64_t additions) {
  uint64_t best = UINT64_MAX, value = 1, one = 1;
  for (int round = 0; round < 8; round++) {
    uint64_t from = ticks();
    for (uint64_t left = additions; left > 0; left -= 4)
      __asm__ volatile(
          "add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n" : "+r"(value) : "r"(one));
    uint64_t span = ticks() - from;
    if (span < best) best = span;
  }
  return best;
}

static void make_population(size_t count) {
  population.count = count;
  population.objects = malloc(count * sizeof *population.objects);
  if (population.objects == NULL) fail(2, "the allocator returned NULL", NULL);
  for (size_t i = 0; i < count; i++) {
    struct object *object = malloc(sizeof *object);
    if (object == NULL) fail(2, "the allocator returned NULL", NULL);
    memset(object, 0, sizeof *object);
    atomic_init(&object->strong, 1);
    atomic_init(&object->weak, 1);
    population.objects[i] = object;
  }
  population.entries = map_resident(count * sizeof *population.entries);
  population.keys = map_resident(count * sizeof *population.keys);
  population.scratch = map_resident(count * sizeof *population.entries);
  // As a program has them after a while: neighbours in the list are none in memory.
  for (size_t i = count; i-- > 1;) {
    size_t j = next_random() % (i + 1);
    struct object *swapped = population.objects[i];
    population.objects[i] = population.objects[j];
    population.objects[j] = swapped;
  }
  order_entries();
  order_keys();
}

static uint64_t number(const char *text, uint64_t most) {
  char *end;
  errno = 0;
  uint64_t value = strtoull(text, &end, 10);
  if (errno != 0 || *end != 0 || end == text || value > most) fail(64, "not a number", text);
  return value;
}

static void pin(uint64_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    fail(2, "cannot run on the chosen processor", strerror(errno));
}

static uint64_t page_faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (uint64_t)(usage.ru_minflt + usage.ru_majflt);
}

int main(int count, char **arguments) {
  if (count != 7)
    fail(64, "usage: score_caching KERNEL POPULATION WARM_UP EPOCHS SEED CPU|any", NULL);
  const struct kernel *kernel = kernels, *end = kernels + sizeof kernels / sizeof *kernels;
  while (kernel < end && strcmp(kernel->name, arguments[1]) != 0) kernel++;
  if (kernel == end) fail(64, "unknown kernel", arguments[1]);
  uint64_t warm_up = number(arguments[3], 1u << 30), epochs = number(arguments[4], 1u << 30);
  random_state = number(arguments[5], UINT64_MAX);
  if (strcmp(arguments[6], "any") != 0) pin(number(arguments[6], CPU_SETSIZE - 1));
  if (epochs % BLOCKS != 0 || epochs == 0) fail(64, "epochs come in whole blocks", arguments[4]);
  make_population(number(arguments[2], 1u << 24));

  enum { ADDITIONS = 32768 };
  uint64_t empty = measure_empty_span(), chain = measure_chain(ADDITIONS);
  uint64_t began = monotonic_nanoseconds(), first = ticks();
  uint64_t blocks[BLOCKS] = {0}, faults = 0;
  for (uint64_t epoch = 0; epoch < warm_up + epochs; epoch++) {
    if (epoch == warm_up) {
      faults = page_faults();
#ifdef MALLOMETER_COUNT_STEPS
      memset(counts, 0, sizeof counts);
#endif
    }
    kernel->prepare();
    uint64_t from = ticks();
    kernel->run();
    uint64_t span = ticks() - from;
    if (epoch >= warm_up)
      blocks[(epoch - warm_up) * BLOCKS / epochs] += span > empty ? span - empty : 0;
  }
  faults = page_faults() - faults;
  uint64_t elapsed;
  do elapsed = monotonic_nanoseconds() - began;
  while (elapsed < 5000000);
  double per_nanosecond = (double)(ticks() - first) / (double)elapsed;

  Dl_info info;
  const char *path = dladdr((void *)malloc, &info) != 0 && info.dli_fname ? info.dli_fname : "";
  dprintf(1, "malloc %s\nfaults %lu\n", path, faults);
  dprintf(1, "coreGHz %.4f\nblocks", (double)ADDITIONS * per_nanosecond / (double)chain);
  for (int block = 0; block < BLOCKS; block++)
    dprintf(1, " %.2f", (double)blocks[block] * BLOCKS / (double)epochs / per_nanosecond);
  dprintf(1, "\n");
#ifdef MALLOMETER_COUNT_STEPS
  dprintf(1, "counts");
  for (int step = 0; step < STEPS; step++) dprintf(1, " %lu", counts[step]);
  dprintf(1, "\n");
#endif
  _exit(0);
}
