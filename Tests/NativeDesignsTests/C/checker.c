// A randomised checker of malloc: alignment, overlap, contents, usable size, zeroes, errno. One
// thread or several that also free each other's blocks. Exits with 0, or says what was wrong.
//
// usage: checker OPERATIONS THREADS SEED

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef MALLOMETER_PREFIX
// The design is linked in under other names, beside the sanitizer's own malloc.
void *tested_malloc(size_t);
void tested_free(void *);
void *tested_calloc(size_t, size_t);
void *tested_realloc(void *, size_t);
void *tested_reallocarray(void *, size_t, size_t);
void *tested_memalign(size_t, size_t);
int tested_posix_memalign(void **, size_t, size_t);
void *tested_aligned_alloc(size_t, size_t);
void *tested_valloc(size_t);
void *tested_pvalloc(size_t);
size_t tested_malloc_usable_size(void *);
#define malloc tested_malloc
#define free tested_free
#define calloc tested_calloc
#define realloc tested_realloc
#define reallocarray tested_reallocarray
#define memalign tested_memalign
#define posix_memalign tested_posix_memalign
#define aligned_alloc tested_aligned_alloc
#define valloc tested_valloc
#define pvalloc tested_pvalloc
#define malloc_usable_size tested_malloc_usable_size
#endif

enum { SLOTS = 600, SHARED = 64 };

struct object {
  unsigned char *block;
  size_t size;
  unsigned char mark;
};

static _Atomic(struct object *) shared[SHARED];
static long operations;

static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  _exit(1);
}

static uint64_t next(uint64_t *state) {
  uint64_t mixed = *state += 0x9E3779B97F4A7C15;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
  return mixed ^ (mixed >> 31);
}

static size_t draw_size(uint64_t *state) {
  uint64_t kind = next(state) % 1000;
  if (kind < 5) return next(state) % (6 << 20);
  if (kind < 30) return next(state) % (300 << 10);
  if (kind < 200) return next(state) % 9000;
  return next(state) % 1100;
}

/// Every byte would be slow for large blocks: both ends and samples.
static void fill(struct object *object) {
  size_t size = object->size;
  for (size_t at = 0; at < size; at += at < 256 || at + 256 > size ? 1 : 251)
    object->block[at] = (unsigned char)(object->mark + at);
  for (size_t at = size > 64 ? size - 64 : 0; at < size; at++)
    object->block[at] = (unsigned char)(object->mark + at);
}

static void check(const struct object *object, size_t upTo) {
  size_t size = object->size;
  for (size_t at = 0; at < size && at < upTo; at += at < 256 || at + 256 > size ? 1 : 251)
    if (object->block[at] != (unsigned char)(object->mark + at))
      fail("byte %zu of the %zu at %p is changed", at, size, (void *)object->block);
  for (size_t at = size > 64 ? size - 64 : 0; at < size && at < upTo; at++)
    if (object->block[at] != (unsigned char)(object->mark + at))
      fail("byte %zu of the %zu at %p is changed", at, size, (void *)object->block);
}

static void check_block(struct object *object, size_t alignment) {
  if (!object->block) fail("no memory for %zu bytes", object->size);
  if ((uintptr_t)object->block % alignment)
    fail("%p is not aligned to %zu", (void *)object->block, alignment);
  size_t usable = malloc_usable_size(object->block);
  if (usable < object->size) fail("usable %zu of %zu asked for", usable, object->size);
}

static void allocate(struct object *object, uint64_t *state) {
  size_t alignment = 16, size = draw_size(state);
  object->mark = (unsigned char)next(state);
  object->size = size;
  switch (next(state) % 16) {
    case 0: {
      object->block = calloc(size / 8 + 1, 8);
      object->size = (size / 8 + 1) * 8;
      for (size_t at = 0; object->block && at < object->size; at++)
        if (object->block[at]) fail("calloc left byte %zu of %zu set", at, object->size);
      break;
    }
    case 1: {
      alignment = (size_t)8 << next(state) % 12;
      void *block = NULL;
      if (posix_memalign(&block, alignment, size)) fail("posix_memalign %zu %zu", alignment, size);
      object->block = block;
      break;
    }
    case 2:
      alignment = (size_t)1 << next(state) % 24;
      object->block = memalign(alignment, size);
      break;
    case 3:
      alignment = (size_t)16 << next(state) % 6;
      object->block = aligned_alloc(alignment, size);
      break;
    case 4:
      alignment = 4096;
      object->block = next(state) % 2 ? valloc(size) : pvalloc(size);
      break;
    case 5: object->block = realloc(NULL, size); break;
    default: object->block = malloc(size);
  }
  check_block(object, alignment);
  fill(object);
}

static void release(struct object *object) {
  check(object, SIZE_MAX);
  errno = 4711;
  free(object->block);
  if (errno != 4711) fail("free changed errno");
  object->block = NULL;
}

static void grow_or_shrink(struct object *object, uint64_t *state) {
  size_t size = draw_size(state), before = object->size;
  unsigned char *block =
      next(state) % 2 ? realloc(object->block, size) : reallocarray(object->block, size, 1);
  if (!block) {
    if (size) fail("realloc to %zu", size);
    object->block = NULL;
    return;
  }
  object->block = block;
  object->size = size;
  check_block(object, 16);
  // What was filled by the old size's pattern: only its dense start is comparable.
  size_t kept = before < size ? before : size;
  for (size_t at = 0; at < kept && at < 256; at++)
    if (block[at] != (unsigned char)(object->mark + at)) fail("realloc lost byte %zu", at);
  fill(object);
}

/// Blocks that travel: put here by one thread, freed by another.
static void exchange(struct object *object, uint64_t *state) {
  struct object *parcel = malloc(sizeof *parcel);
  if (!parcel) fail("no memory for a parcel");
  *parcel = *object;
  object->block = NULL;
  struct object *found = atomic_exchange(&shared[next(state) % SHARED], parcel);
  if (found) {
    release(found);
    free(found);
  }
}

static void *work(void *argument) {
  uint64_t state = (uint64_t)(uintptr_t)argument;
  struct object objects[SLOTS] = {0};
  for (long done = 0; done < operations; done++) {
    struct object *object = &objects[next(&state) % SLOTS];
    if (!object->block)
      allocate(object, &state);
    else if (next(&state) % 8 == 0)
      grow_or_shrink(object, &state);
    else if (next(&state) % 4 == 0)
      exchange(object, &state);
    else
      release(object);
  }
  // Half is left for the other threads, or lost with this one.
  for (int slot = 0; slot < SLOTS; slot++)
    if (objects[slot].block && slot % 2) release(&objects[slot]);
    else if (objects[slot].block) exchange(&objects[slot], &state);
  return NULL;
}

static int by_address(const void *left, const void *right) {
  const struct object *a = left, *b = right;
  return a->block < b->block ? -1 : a->block > b->block;
}

static void check_overlap(uint64_t seed) {
  enum { MANY = 20000 };
  static struct object objects[MANY];
  for (int slot = 0; slot < MANY; slot++) {
    objects[slot].size = next(&seed) % 700 + 1;
    objects[slot].block = malloc(objects[slot].size);
    if (slot % 3 == 0) {
      free(objects[slot].block);
      objects[slot].block = memalign(64, objects[slot].size);
    }
  }
  qsort(objects, MANY, sizeof objects[0], by_address);
  for (int slot = 1; slot < MANY; slot++)
    if (objects[slot - 1].block + objects[slot - 1].size > objects[slot].block)
      fail("%p and %p overlap", (void *)objects[slot - 1].block, (void *)objects[slot].block);
  for (int slot = 0; slot < MANY; slot++) free(objects[slot].block);
}

static void expect_no_memory(const char *what, void *block) {
  if (block) fail("%s gave memory", what);
  if (errno != ENOMEM) fail("%s set errno to %d", what, errno);
  errno = 0;
}

static void check_limits(void) {
  volatile size_t most = SIZE_MAX;
  errno = 0;
  expect_no_memory("malloc(SIZE_MAX)", malloc(most));
  expect_no_memory("malloc(SIZE_MAX - 40)", malloc(most - 40));
  expect_no_memory("malloc(PTRDIFF_MAX)", malloc(most / 2));
  expect_no_memory("calloc(SIZE_MAX, 2)", calloc(most, 2));
  expect_no_memory("calloc(SIZE_MAX, 1)", calloc(most, 1));
  expect_no_memory("memalign(4096, SIZE_MAX)", memalign(4096, most));
  expect_no_memory("pvalloc(SIZE_MAX)", pvalloc(most));
  void *kept = malloc(100);
  memset(kept, 7, 100);
  expect_no_memory("realloc(block, SIZE_MAX)", realloc(kept, most));
  expect_no_memory("reallocarray(block, SIZE_MAX, 3)", reallocarray(kept, most, 3));
  for (int at = 0; at < 100; at++)
    if (((unsigned char *)kept)[at] != 7) fail("a failed realloc changed the block");
  free(kept);
  int untouched;
  void *block = &untouched;
  if (posix_memalign(&block, 24, 8) != EINVAL) fail("posix_memalign took an alignment of 24");
  if (posix_memalign(&block, 4, 8) != EINVAL) fail("posix_memalign took an alignment of 4");
  if (posix_memalign(&block, 64, most) != ENOMEM) fail("posix_memalign of SIZE_MAX");
  if (block != &untouched) fail("a failed posix_memalign changed its result");
  free(NULL);
  void *first = malloc(0), *second = malloc(0);
  if (!first || !second || first == second) fail("malloc(0) gave no addresses of its own");
  free(first);
  free(second);
}

/// Forks while other threads allocate: the child must be able to.
static void check_fork(uint64_t seed) {
  for (int round = 0; round < 8; round++) {
    struct object before;
    allocate(&before, &seed);
    pid_t child = fork();
    if (child < 0) fail("fork: %s", strerror(errno));
    if (child == 0) {
      release(&before);
      struct object objects[200];
      for (int slot = 0; slot < 200; slot++) allocate(&objects[slot], &seed);
      for (int slot = 0; slot < 200; slot++) release(&objects[slot]);
      pthread_t thread;
      operations = 300;
      if (pthread_create(&thread, NULL, work, (void *)(uintptr_t)seed)) _exit(3);
      pthread_join(thread, NULL);
      _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status) fail("the child ended with %d", status);
    release(&before);
  }
}

int main(int count, char **arguments) {
  if (count != 4) fail("usage: checker OPERATIONS THREADS SEED");
  long each = atol(arguments[1]);
  int threads = atoi(arguments[2]);
  uint64_t seed = strtoull(arguments[3], NULL, 10);
  operations = each;
  check_limits();
  check_overlap(seed);
  // Two generations: the second one takes over what the first one left.
  for (int generation = 0; generation < 2; generation++) {
    pthread_t started[16];
    for (int thread = 1; thread < threads; thread++)
      if (pthread_create(&started[thread], NULL, work,
                         (void *)(uintptr_t)(next(&seed) | 1)))
        fail("no thread");
#ifndef MALLOMETER_PREFIX
    if (threads > 1) check_fork(next(&seed));
    operations = each;
#endif
    work((void *)(uintptr_t)(next(&seed) | 1));
    for (int thread = 1; thread < threads; thread++) pthread_join(started[thread], NULL);
  }
  for (int slot = 0; slot < SHARED; slot++) {
    struct object *left = atomic_exchange(&shared[slot], NULL);
    if (left) {
      release(left);
      free(left);
    }
  }
  return 0;
}
