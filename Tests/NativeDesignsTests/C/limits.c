// A process whose address space runs out: limits SIZE. Every call that gets no memory says so as
// the C library does, nothing that lives is harmed, and what was freed serves again.

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/// What the process may map beyond what it has.
enum { ROOM = 48 << 20 };

static void fail(const char *what, ...) {
  va_list values;
  va_start(values, what);
  vdprintf(2, what, values);
  va_end(values);
  dprintf(2, "\n");
  _exit(1);
}

static size_t mapped_bytes(void) {
  char text[64] = {0};
  int file = open("/proc/self/statm", O_RDONLY);
  if (file < 0 || read(file, text, sizeof text - 1) <= 0) fail("no statm");
  close(file);
  return strtoul(text, NULL, 10) * 4096;
}

static void expect_none(const char *what, const void *block) {
  if (block) fail("%s gave memory", what);
  if (errno != ENOMEM) fail("%s set errno to %d", what, errno);
  errno = 0;
}

/// Blocks are linked through themselves: the program has no memory for a table either.
struct block {
  struct block *next;
  uint64_t number;
};

/// Allocates until there is no more.
static struct block *exhaust(size_t size, uint64_t *count) {
  struct block *all = NULL;
  *count = 0;
  errno = 0;
  for (;;) {
    struct block *block;
    switch (*count % 4) {
      case 0: block = calloc(1, size); break;
      case 1: block = memalign(64, size); break;
      case 2: block = realloc(NULL, size); break;
      default: block = malloc(size);
    }
    if (!block) break;
    block->next = all;
    block->number = ++*count;
    all = block;
  }
  expect_none("the last allocation", NULL);
  return all;
}

static void release(struct block *all, uint64_t count) {
  while (all) {
    if (all->number != count--) fail("a block was overwritten");
    struct block *next = all->next;
    free(all);
    all = next;
  }
  if (count) fail("%lu blocks are lost", (unsigned long)count);
}

static pthread_mutex_t start = PTHREAD_MUTEX_INITIALIZER;

/// Its first call comes when nothing is left: NULL, or a block of what others freed.
static void *late(void *size) {
  pthread_mutex_lock(&start);
  pthread_mutex_unlock(&start);
  errno = 0;
  void *block = malloc((size_t)size);
  if (!block && errno != ENOMEM) fail("a late thread: errno is %d", errno);
  free(block);
  return NULL;
}

int main(int count, char **arguments) {
  if (count != 2) fail("usage: limits SIZE");
  size_t size = strtoul(arguments[1], NULL, 10);
  pthread_t thread;
  pthread_mutex_lock(&start);
  if (pthread_create(&thread, NULL, late, (void *)size)) fail("no thread");
  free(malloc(size));
  size_t most = mapped_bytes() + ROOM;
  struct rlimit limit = {most, most};
  if (setrlimit(RLIMIT_AS, &limit)) fail("no limit");
  uint64_t first, second;
  struct block *all = exhaust(size, &first);
  // A quarter of the room at least is for blocks, whatever the design keeps beside them.
  if (first * size < ROOM / 4) fail("only %lu blocks of %zu", (unsigned long)first, size);
  expect_none("malloc beyond the limit", malloc(2 * ROOM));
  expect_none("calloc beyond the limit", calloc(2, ROOM));
  expect_none("memalign beyond the limit", memalign(1 << 21, 2 * ROOM));
  expect_none("aligned_alloc beyond the limit", aligned_alloc(4096, 2 * ROOM));
  expect_none("realloc beyond the limit", realloc(all, 2 * ROOM));
  void *untouched = &limit;
  if (posix_memalign(&untouched, 64, 2 * ROOM) != ENOMEM || untouched != &limit)
    fail("posix_memalign beyond the limit");
  pthread_mutex_unlock(&start);
  pthread_join(thread, NULL);
  release(all, first);
  all = exhaust(size, &second);
  // A design that keeps freed blocks by call site has few for this one.
  if (!second) fail("of %lu blocks none serves again", (unsigned long)first);
  release(all, second);
  return 0;
}
