#include "player.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

struct player player;

#define WEAK __attribute__((weak, visibility("default")))
WEAK void *mallometer_malloc_at(size_t size, uintptr_t site);
WEAK void *mallometer_calloc_at(size_t count, size_t size, uintptr_t site);
WEAK void *mallometer_realloc_at(void *block, size_t size, uintptr_t site);
WEAK void *mallometer_aligned_at(size_t alignment, size_t size, uintptr_t site);
WEAK void mallometer_step_counts(uint64_t *out);
WEAK uint64_t mallometer_locate(const void *block);
WEAK void mallometer_switch_thread(uint32_t number);
WEAK void mallometer_end_thread(uint32_t number);
WEAK void mallometer_null_begin(void);
WEAK const struct mallometer_kernel *mallometer_kernels(uint64_t *count);

_Noreturn void fail(int status, const char *what, const char *detail) {
  const char *parts[] = {"mallometer-player: ", what, detail ? ": " : "", detail ? detail : "", "\n"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (write(2, parts[i], strlen(parts[i])) < 0) break;
  _exit(status);
}

void *map_resident(size_t bytes) {
  if (bytes == 0) bytes = 1;
  void *start = mmap(
      NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (start == MAP_FAILED) fail(2, "no memory for the player's own tables", strerror(errno));
  return start;
}

void write_all(int file, const void *bytes, size_t count) {
  const char *at = bytes;
  while (count > 0) {
    ssize_t written = write(file, at, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(2, "cannot write the result", strerror(errno));
    at += written;
    count -= (size_t)written;
  }
}

void read_exactly(int file, void *bytes, size_t count, uint64_t offset) {
  char *at = bytes;
  while (count > 0) {
    ssize_t got = pread(file, at, count, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail(2, "the plan ends early", got < 0 ? strerror(errno) : NULL);
    at += got;
    offset += (uint64_t)got;
    count -= (size_t)got;
  }
}

struct reader reader_make(
    const struct mallometer_plan_thread *thread, struct mallometer_operation *buffer) {
  return (struct reader){
      .buffer = buffer,
      .next_offset = thread->operations_offset,
      .end_offset = thread->operations_offset
                    + thread->operations * sizeof(struct mallometer_operation)};
}

size_t reader_fill(struct reader *reader) {
  uint64_t bytes = reader->end_offset - reader->next_offset;
  uint64_t most = BUFFER_OPERATIONS / player.plan.window * player.plan.window
                  * sizeof(struct mallometer_operation);
  if (bytes > most) bytes = most;
  if (bytes == 0) return 0;
  read_exactly(player.plan_file, reader->buffer, bytes, reader->next_offset);
  reader->next_offset += bytes;
  return bytes / sizeof(struct mallometer_operation);
}

static void open_plan(struct player *p, const char *path) {
  p->plan_file = open(path, O_RDONLY | O_CLOEXEC);
  if (p->plan_file < 0) fail(2, "cannot open the plan", strerror(errno));
  read_exactly(p->plan_file, &p->plan, sizeof p->plan, 0);
  if (p->plan.magic != MALLOMETER_PLAN_MAGIC)
    fail(70, "the plan was written by another version of mallometer", NULL);
  if (p->plan.threads > MALLOMETER_PLAN_MAX_THREADS || p->plan.window == 0
      || p->plan.window > BUFFER_OPERATIONS)
    fail(70, "the plan's header is out of range", NULL);
  read_exactly(
      p->plan_file, p->threads, p->plan.threads * sizeof *p->threads, p->plan.threads_offset);
  uint64_t *sites = map_resident(p->plan.sites * sizeof *sites);
  read_exactly(p->plan_file, sites, p->plan.sites * sizeof *sites, p->plan.sites_offset);
  p->sites = sites;
  if (p->plan.sequenced) p->shared_slots = map_resident(p->plan.slots * sizeof *p->shared_slots);
  else p->slots = map_resident(p->plan.slots * sizeof *p->slots);
}

/// The result file is mapped whole: a timed window then costs two stores to resident memory.
static void open_result(struct player *p, const char *path) {
  p->result_file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (p->result_file < 0) fail(2, "cannot create the result", strerror(errno));
  if (ftruncate(p->result_file, MALLOMETER_RESULT_RECORDS) != 0)
    fail(2, "cannot write the result", strerror(errno));
  p->result = mmap(
      NULL, MALLOMETER_RESULT_RECORDS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
      p->result_file, 0);
  if (p->result == MAP_FAILED) fail(2, "cannot map the result", strerror(errno));
  p->result->magic = MALLOMETER_RESULT_MAGIC;
  lseek(p->result_file, MALLOMETER_RESULT_RECORDS, SEEK_SET);
}

static void find_allocator(struct player *p) {
  struct allocator *a = &p->allocator;
  int at_site = mallometer_malloc_at && mallometer_calloc_at && mallometer_realloc_at
                && mallometer_aligned_at;
  a->malloc = at_site ? mallometer_malloc_at : (void *(*)(size_t, uintptr_t))(void *)malloc;
  a->calloc =
      at_site ? mallometer_calloc_at : (void *(*)(size_t, size_t, uintptr_t))(void *)calloc;
  a->realloc =
      at_site ? mallometer_realloc_at : (void *(*)(void *, size_t, uintptr_t))(void *)realloc;
  a->aligned = at_site ? mallometer_aligned_at
                       : (void *(*)(size_t, size_t, uintptr_t))(void *)aligned_alloc;
  a->free = free;
  a->step_counts = mallometer_step_counts;
  a->locate = mallometer_locate;
  a->switch_thread = mallometer_switch_thread;
  a->end_thread = mallometer_end_thread;
  a->begin = mallometer_null_begin;
  a->kernels = mallometer_kernels;
  p->result->has_site_functions = at_site;
  p->result->has_step_counts = mallometer_step_counts != NULL && mallometer_locate != NULL;
  Dl_info info;
  if (dladdr((void *)malloc, &info) != 0 && info.dli_fname != NULL)
    strncpy(p->result->allocator_path, info.dli_fname, sizeof p->result->allocator_path - 1);
}

void note_failure(struct player *p, const struct mallometer_operation *op) {
  if (size_of(op) == 0) return;
  if (__atomic_fetch_add(&p->result->failed_allocations, 1, __ATOMIC_RELAXED) == 0)
    p->result->first_failed_size = size_of(op);
}

void *perform(struct player *p, const struct mallometer_operation *op) {
  const struct allocator *a = &p->allocator;
  void **slot = &p->slots[slot_of(op)];
  uint64_t size = size_of(op);
  char *block;
  switch (kind_of(op)) {
    case MALLOMETER_OPERATION_MALLOC: block = a->malloc(size, site_of(p, op)); break;
    case MALLOMETER_OPERATION_CALLOC: block = a->calloc(1, size, site_of(p, op)); break;
    case MALLOMETER_OPERATION_ALIGNED:
      block = a->aligned(alignment_of(op), size, site_of(p, op));
      break;
    case MALLOMETER_OPERATION_REALLOC:
      block = *slot == NULL ? a->malloc(size, site_of(p, op))
                            : a->realloc(*slot, size, site_of(p, op));
      if (UNLIKELY(block == NULL && size != 0)) {
        note_failure(p, op);
        return *slot;
      }
      break;
    default:
      if (*slot != NULL) a->free(*slot);
      *slot = NULL;
      return NULL;
  }
  *slot = block;
  if (UNLIKELY(block == NULL)) note_failure(p, op);
  else touch_block(block, size, p->plan.touch);
  return block;
}

static uint64_t number(const char *text) {
  char *end;
  errno = 0;
  uint64_t value = strtoull(text, &end, 10);
  if (errno != 0 || *end != 0 || end == text) fail(64, "not a number", text);
  return value;
}

static void pin(uint64_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    fail(2, "cannot run on the chosen processor", strerror(errno));
}

/// mallometer-player MODE PLAN RESULT CPU|any [WINDOW]; mode calibrate ignores PLAN.
int main(int count, char **arguments) {
  if (count < 5) fail(64, "usage: mallometer-player MODE PLAN RESULT CPU|any [WINDOW]", NULL);
  const char *mode = arguments[1];
  open_result(&player, arguments[3]);
  find_allocator(&player);
  if (strcmp(arguments[4], "any") != 0) pin(number(arguments[4]));
  if (strcmp(mode, "calibrate") == 0) {
    run_calibrate(&player);
    player.result->outcome = MALLOMETER_OUTCOME_DONE;
    _exit(0);
  }
  open_plan(&player, arguments[2]);
  if (player.plan.switches_threads && strcmp(mode, "count") != 0 && strcmp(mode, "dump") != 0)
    fail(70, "a plan that switches threads can only be counted", NULL);
  if (strcmp(mode, "time") == 0) run_time(&player);
  else if (player.plan.sequenced) fail(70, "a sequenced plan can only be timed", NULL);
  else if (strcmp(mode, "count") == 0) run_count(&player);
  else if (strcmp(mode, "dump") == 0 && count > 5) run_dump(&player, number(arguments[5]));
  else if (strcmp(mode, "latency") == 0) run_latency(&player);
  else fail(64, "unknown mode", mode);
  player.result->outcome = MALLOMETER_OUTCOME_DONE;
  _exit(0);
}
