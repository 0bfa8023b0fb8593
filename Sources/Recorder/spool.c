/// The spool of this process image: set up at the first record, chunks claimed as threads need
/// them. Nothing here allocates or takes a lock that the program could hold.

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define MAX_THREADS 32768U

/// `abandoned`: the bound is reached and nobody drains any more; records are counted as dropped.
enum { fresh = 0, starting = 1, recording = 2, off = 3, abandoned = 4, AGAIN = -2 };

/// Everything that a forked child must not inherit. Zero pages in the child: see thread state.
struct image_state {
  uint32_t phase;
  uint32_t states_used;
  uint32_t list_lock;
  uint32_t late_lock;
  struct recorder_thread *free_states;
  struct mallometer_spool *spool;
  /// Where the search for a chunk goes on, and the count of releases from which it starts again.
  uint32_t search_from;
  uint32_t search_release;
  /// Whether there are chunks for which the disk had no room.
  uint32_t unbacked;
  /// For calls of threads that have already ended (late destructors): one stream, one lock.
  struct recorder_thread *late;
  struct recorder_sites sites;
  struct recorder_thread states[MAX_THREADS];
};

extern __thread struct recorder_thread *recorder_current;
static __thread bool inside;
static __thread bool thread_over;

static struct image_state *image;
/// Survives a fork: through it a child reaches its parent's spool and the session.
static struct mallometer_spool *inherited_spool;
static struct mallometer_session *session;
static char session_folder[3072];
static bool session_looked_for;
static pthread_key_t end_key;
static bool end_key_made;

struct mallometer_spool *recorder_spool(void) {
  return image && __atomic_load_n(&image->phase, __ATOMIC_ACQUIRE) == recording ? image->spool
                                                                                 : NULL;
}

struct mallometer_spool *recorder_shared_spool(void) { return inherited_spool; }

const char *recorder_session_folder(void) { return session_folder; }

bool recorder_follows(void) { return session == NULL || session->follow != 0; }

bool recorder_populate(void *start, size_t bytes) {
  uintptr_t from = (uintptr_t)start & ~(uintptr_t)4095;
  size_t whole = (((uintptr_t)start + bytes + 4095) & ~(uintptr_t)4095) - from;
  // Kernels before 5.14 don't know it: there the pages come one by one, at first use.
  return madvise((void *)from, whole, MADV_POPULATE_WRITE) == 0 || errno == EINVAL;
}

static void lock(uint32_t *word) {
  while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE)) syscall(SYS_sched_yield);
}

static void unlock(uint32_t *word) { __atomic_store_n(word, 0, __ATOMIC_RELEASE); }

/// The environment as the program has it, or as it was handed over if libc isn't set up yet.
static void find_session(void) {
  session_looked_for = true;
  extern char **environ;
  const size_t length = sizeof MALLOMETER_SESSION_VARIABLE - 1;
  static char early[16 << 10];
  const char *value = NULL;
  if (environ != NULL) {
    for (char **entry = environ; *entry && !value; entry++)
      if (strncmp(*entry, MALLOMETER_SESSION_VARIABLE "=", length + 1) == 0)
        value = *entry + length + 1;
  } else {
    size_t bytes = recorder_read_file("/proc/self/environ", early, sizeof early - 1);
    for (char *entry = early; entry < early + bytes && !value; entry += strlen(entry) + 1)
      if (strncmp(entry, MALLOMETER_SESSION_VARIABLE "=", length + 1) == 0)
        value = entry + length + 1;
  }
  if (value == NULL || strlen(value) > sizeof session_folder - 64) return;
  char path[sizeof session_folder + 16];
  *recorder_append(recorder_append(path, value), "/session") = 0;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void *mapped = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (mapped == MAP_FAILED) return;
  struct mallometer_session *found = mapped;
  if (found->magic != MALLOMETER_SESSION_MAGIC || found->version != MALLOMETER_SPOOL_VERSION) {
    munmap(mapped, 4096);
    return;
  }
  recorder_append(session_folder, value);
  session = found;
}

/// Creates and maps this image's spool file. The name is unique in the session: process and start.
static struct mallometer_spool *create_spool(bool forked) {
  uint64_t start = __rdtsc();
  uint64_t faults = recorder_page_faults();
  char path[sizeof session_folder + 64];
  char *end = recorder_append(recorder_append(path, session_folder), "/");
  end = recorder_append(recorder_append_number(end, (uint64_t)getpid(), 10), ".");
  *recorder_append(recorder_append_number(end, start, 16), ".spool") = 0;
  int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return NULL;
  uint32_t chunks = session->max_chunks;
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    while (chunks > 16 && (uint64_t)chunks * MALLOMETER_CHUNK_BYTES > limit.rlim_cur / 2)
      chunks /= 2;
  struct mallometer_spool *spool = MAP_FAILED;
  for (; chunks >= 16; chunks /= 4) {
    size_t bytes = MALLOMETER_HEADER_BYTES + (size_t)chunks * MALLOMETER_CHUNK_BYTES;
    if (ftruncate(file, (off_t)bytes) != 0) continue;
    spool = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (spool != MAP_FAILED) {
      madvise(spool, bytes, MADV_DONTDUMP);
      break;
    }
  }
  close(file);
  if (spool == MAP_FAILED || !recorder_populate(spool, MALLOMETER_MODULES_AT + 8192) ||
      !recorder_populate(mallometer_spool_module_names(spool), 4096) ||
      !recorder_populate(mallometer_spool_chunk_states(spool), 4096) ||
      !recorder_populate(mallometer_spool_sites(spool), 4096) ||
      !recorder_populate(&image->sites, sizeof image->sites)) {
    unlink(path);
    return NULL;
  }
  spool->version = MALLOMETER_SPOOL_VERSION;
  spool->pid = getpid();
  spool->parent = getppid();
  spool->forked = forked;
  spool->max_chunks = chunks;
  spool->start_time_stamp = start;
  spool->start_monotonic_ns = recorder_nanoseconds(CLOCK_MONOTONIC);
  spool->start_realtime_ns = recorder_nanoseconds(CLOCK_REALTIME);
  ssize_t length = readlink("/proc/self/exe", mallometer_spool_executable(spool), 3839);
  if (length < 0) mallometer_spool_executable(spool)[0] = 0;
  const char *started = (const char *)getauxval(AT_EXECFN);
  const char *slash = started ? strrchr(started, '/') : NULL;
  if (started) strncpy(mallometer_spool_program(spool), slash ? slash + 1 : started, 255);
  spool->command_length = (uint32_t)recorder_read_file(
      "/proc/self/cmdline", mallometer_spool_command(spool), MALLOMETER_COMMAND_BYTES);
  spool->own_faults = recorder_page_faults() - faults;
  return spool;
}

static void thread_over_destructor(void *rounds) {
  // Other destructors may still free: come last, as far as libc lets us.
  uintptr_t round = (uintptr_t)rounds;
  if (round < 3) {
    pthread_setspecific(end_key, (void *)(round + 1));
    return;
  }
  recorder_end_thread();
}

/// The first record of an image comes here. Returns whether this image records.
static bool start(void) {
  if (!image) {
    void *pages = mmap(
        NULL, sizeof *image, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) return false;
    madvise(pages, sizeof *image, MADV_WIPEONFORK);
    madvise(pages, sizeof *image, MADV_NOHUGEPAGE);
    struct image_state *expected = NULL;
    if (!__atomic_compare_exchange_n(
            &image, &expected, pages, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
      munmap(pages, sizeof *image);
  }
  uint32_t expected = fresh;
  if (!__atomic_compare_exchange_n(
          &image->phase, &expected, starting, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    while (expected == starting) {
      syscall(SYS_sched_yield);
      expected = __atomic_load_n(&image->phase, __ATOMIC_ACQUIRE);
    }
    return expected == recording;
  }
  if (!session_looked_for) find_session();
  bool forked = inherited_spool != NULL;
  struct mallometer_spool *spool = NULL;
  if (session != NULL && !session->closed && !(forked && !session->follow))
    spool = create_spool(forked);
  if (spool != NULL) {
    image->spool = spool;
    recorder_begin_modules(spool, inherited_spool);
    if (forked)
      munmap(
          inherited_spool, MALLOMETER_HEADER_BYTES +
                               (size_t)inherited_spool->max_chunks * MALLOMETER_CHUNK_BYTES);
    inherited_spool = spool;
    __atomic_store_n(&spool->magic, MALLOMETER_SPOOL_MAGIC, __ATOMIC_RELEASE);
  }
  __atomic_store_n(&image->phase, spool ? recording : off, __ATOMIC_RELEASE);
  if (spool != NULL && !end_key_made)
    end_key_made = pthread_key_create(&end_key, thread_over_destructor) == 0;
  return spool != NULL;
}

static bool drainer_lives(void) {
  if (session->closed) return false;
  if (kill(session->drainer, 0) != 0 && errno == ESRCH) return false;
  char path[64], text[512];
  char *end = recorder_append(path, "/proc/");
  *recorder_append(recorder_append_number(end, (uint64_t)session->drainer, 10), "/stat") = 0;
  size_t length = recorder_read_file(path, text, sizeof text - 1);
  text[length] = 0;
  char *paren = strrchr(text, ')');
  return paren == NULL || paren[2] != 'Z';
}

/// Waits until the drainer has given chunks back; false if there's no drainer to wait for.
static bool wait_for_drainer(struct mallometer_spool *spool, uint32_t seen) {
  uint64_t before = recorder_nanoseconds(CLOCK_MONOTONIC);
  __atomic_fetch_add(&spool->waiters, 1, __ATOMIC_ACQ_REL);
  struct timespec patience = {.tv_nsec = 20000000};
  long woken = syscall(SYS_futex, &spool->released, FUTEX_WAIT, seen, &patience, NULL, 0);
  int why = errno;
  __atomic_fetch_sub(&spool->waiters, 1, __ATOMIC_ACQ_REL);
  __atomic_fetch_add(
      &spool->waited_ns, recorder_nanoseconds(CLOCK_MONOTONIC) - before, __ATOMIC_RELAXED);
  return !(woken != 0 && why == ETIMEDOUT) || drainer_lives();
}

static bool take_chunk(uint32_t *states, uint32_t index, uint32_t expected) {
  return __atomic_load_n(&states[index], __ATOMIC_RELAXED) == expected &&
         __atomic_compare_exchange_n(
             &states[index], &expected, mallometer_chunk_claimed, false, __ATOMIC_ACQ_REL,
             __ATOMIC_RELAXED);
}

/// A chunk that was given back, or -1. Each is looked at once after every release, so that a long
/// spool that nobody drains isn't searched again and again.
static int64_t reclaim_index(struct mallometer_spool *spool, uint32_t released, uint32_t grown) {
  uint32_t *states = mallometer_spool_chunk_states(spool);
  if (__atomic_exchange_n(&image->search_release, released, __ATOMIC_RELAXED) != released)
    __atomic_store_n(&image->search_from, 0, __ATOMIC_RELAXED);
  uint32_t index = __atomic_load_n(&image->search_from, __ATOMIC_RELAXED);
  for (; index < grown; index++) {
    if (!take_chunk(states, index, mallometer_chunk_free)) continue;
    __atomic_store_n(&image->search_from, index + 1, __ATOMIC_RELAXED);
    return index;
  }
  __atomic_store_n(&image->search_from, grown, __ATOMIC_RELAXED);
  return -1;
}

/// Backs a chunk that this thread has claimed; without room for it, leaves it to another try.
static bool back_chunk(struct mallometer_spool *spool, uint32_t *states, uint32_t index) {
  if (recorder_populate(mallometer_spool_chunk(spool, index), MALLOMETER_CHUNK_BYTES)) {
    __atomic_fetch_add(&spool->own_faults, 16, __ATOMIC_RELAXED);
    return true;
  }
  __atomic_store_n(&states[index], mallometer_chunk_unbacked, __ATOMIC_RELEASE);
  __atomic_store_n(&image->unbacked, 1, __ATOMIC_RELEASE);
  return false;
}

/// The next chunk never used, -1 if the disk is full, AGAIN if another thread was quicker. Claimed
/// before it is backed: two threads that back the same pages wait for one another at every one.
static int64_t grow(struct mallometer_spool *spool, uint32_t *states, uint32_t grown) {
  if (UNLIKELY(__atomic_load_n(&image->unbacked, __ATOMIC_ACQUIRE))) {
    for (uint32_t index = 0; index < grown; index++)
      if (take_chunk(states, index, mallometer_chunk_unbacked))
        return back_chunk(spool, states, index) ? index : -1;
    __atomic_store_n(&image->unbacked, 0, __ATOMIC_RELEASE);
  }
  // Every 1024 chunks the states begin a new page of the file.
  if (grown % 1024 == 0 && !recorder_populate(&states[grown], 4096)) return -1;
  bool taken = take_chunk(states, grown, mallometer_chunk_free);
  uint32_t expected = grown;
  __atomic_compare_exchange_n(
      &spool->grown, &expected, grown + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
  if (!taken) return AGAIN;
  return back_chunk(spool, states, grown) ? grown : -1;
}

/// A free chunk: a low one that was given back, else the next one never used. A thread's first
/// chunk may come from a reserve, so that many idle threads can't starve the drainer of progress.
static int64_t claim_index(struct mallometer_spool *spool, bool first) {
  uint32_t *states = mallometer_spool_chunk_states(spool);
  uint32_t bound = spool->max_chunks - (first ? 0 : spool->max_chunks / 16);
  for (;;) {
    uint32_t released = __atomic_load_n(&spool->released, __ATOMIC_ACQUIRE);
    uint32_t grown = __atomic_load_n(&spool->grown, __ATOMIC_ACQUIRE);
    int64_t reclaimed = reclaim_index(spool, released, grown);
    if (reclaimed >= 0) return reclaimed;
    if (grown < bound) {
      int64_t fresh = grow(spool, states, grown);
      if (fresh >= 0) return fresh;
      if (fresh == AGAIN) continue;
    }
    // Threads that search at the same time may have passed a chunk over.
    for (uint32_t index = 0; index < grown; index++)
      if (take_chunk(states, index, mallometer_chunk_free)) return index;
    if (spool->stopped) return -1;
    if (!wait_for_drainer(spool, released)) {
      __atomic_store_n(&image->phase, abandoned, __ATOMIC_RELEASE);
      return -1;
    }
  }
}

static bool claim_chunk(struct mallometer_spool *spool, struct recorder_thread *thread) {
  thread->chunk = NULL;
  if (spool->stopped) {
    __atomic_store_n(&image->phase, off, __ATOMIC_RELEASE);
    return false;
  }
  int64_t index = claim_index(spool, thread->sequence == 0);
  if (index < 0) return false;
  struct mallometer_chunk *chunk = mallometer_spool_chunk(spool, (uint32_t)index);
  uint64_t own = __atomic_load_n(&spool->own_faults, __ATOMIC_RELAXED);
  uint64_t faults = recorder_page_faults();
  if (chunk->generation == 255) {
    memset(mallometer_chunk_records(chunk), 0, 16 * (size_t)MALLOMETER_CHUNK_RECORDS);
    chunk->generation = 0;
  }
  chunk->generation++;
  chunk->limit = MALLOMETER_CHUNK_RECORDS;
  chunk->thread = thread->number;
  chunk->sequence = thread->sequence++;
  chunk->epoch = (uint32_t)(__rdtsc() >> 32);
  chunk->page_faults = faults > own ? faults - own : 0;
  __atomic_store_n(&chunk->next, 0, __ATOMIC_RELEASE);
  __atomic_store_n(
      &mallometer_spool_chunk_states(spool)[index], mallometer_chunk_owned, __ATOMIC_RELEASE);
  thread->generation = (uint64_t)chunk->generation << 56;
  thread->epoch = chunk->epoch;
  __atomic_store_n(&thread->chunk, chunk, __ATOMIC_RELEASE);
  recorder_refresh_modules(spool);
  return true;
}

static struct recorder_thread *new_thread(struct mallometer_spool *spool) {
  lock(&image->list_lock);
  struct recorder_thread *thread = image->free_states;
  if (thread != NULL)
    image->free_states = thread->next_free;
  else if (image->states_used < MAX_THREADS)
    thread = &image->states[image->states_used++];
  unlock(&image->list_lock);
  if (thread == NULL) return NULL;
  memset(thread, 0, sizeof *thread);
  thread->number = __atomic_fetch_add(&spool->threads, 1, __ATOMIC_RELAXED);
  thread->attached = true;
  thread->sites = image->sites.places;
  return thread;
}

void recorder_begin_epoch(
    struct recorder_thread *thread, struct mallometer_record *record, uint64_t generation,
    uint64_t now) {
  recorder_publish(record, generation, mallometer_record_epoch, 0, now, now >> 32);
  __atomic_store_n(&thread->epoch, (uint32_t)(now >> 32), __ATOMIC_RELAXED);
}

/// Takes a call as `recorder_write_slowly` does. False if there is no room and none may be claimed,
/// or none is to be had.
static bool write_into(
    struct recorder_thread *thread, bool claims, uint64_t address, uint64_t caller,
    uint64_t size) {
  struct mallometer_spool *spool = image->spool;
  const uint64_t low = 0xFFFFFFFFFFFFULL;
  uint64_t kind = caller >> 48, alignment = address >> 48;
  caller &= low;
  address &= low;
  uint64_t site = recorder_site_number(&image->sites, spool, caller);
  bool is_long = alignment != 0 || size >> 20 != 0 || (address & 7) != 0 || address >> 47 != 0 ||
                 (site == 0 && caller != 0);
  uint32_t length = is_long ? 2 : 1;
  for (;;) {
    if (thread->chunk == NULL && !(claims && claim_chunk(spool, thread))) return false;
    struct recorder_view view = recorder_view(thread);
    uint32_t index = recorder_reserve(view.chunk, length);
    struct mallometer_record *slot = &mallometer_chunk_records(view.chunk)[index];
    if (index < MALLOMETER_CHUNK_RECORDS && index + length <= MALLOMETER_CHUNK_RECORDS) {
      uint64_t now = __rdtsc();
      if (now >> 32 != view.epoch) {
        if (is_long)
          recorder_publish(&slot[1], view.generation, mallometer_record_filler, 0, now, 0);
        recorder_begin_epoch(thread, slot, view.generation, now);
        continue;
      }
      if (is_long) {
        slot[1].head = size & low;
        slot[1].block = caller | alignment << 48;
        recorder_publish(
            slot, view.generation, kind | mallometer_record_long, 0, now, address);
      } else {
        recorder_publish(slot, view.generation, kind, site, now, address << 17 | size);
      }
      return true;
    }
    // A single one that was left before the chunk's end.
    if (index < MALLOMETER_CHUNK_RECORDS)
      recorder_publish(slot, view.generation, mallometer_record_filler, 0, 0, 0);
    thread->chunk = NULL;
  }
}

/// Threads that are past their own end share one stream.
static bool write_late(uint64_t address, uint64_t caller, uint64_t size) {
  lock(&image->late_lock);
  if (image->late == NULL) image->late = new_thread(image->spool);
  bool written = image->late != NULL && write_into(image->late, true, address, caller, size);
  unlock(&image->late_lock);
  return written;
}

COLD void recorder_write_slowly(uint64_t address, uint64_t caller, uint64_t size) {
  struct recorder_thread *thread = recorder_current;
  if (thread != NULL && thread->chunk != NULL && write_into(thread, false, address, caller, size))
    return;
  uint32_t phase = image ? __atomic_load_n(&image->phase, __ATOMIC_RELAXED) : fresh;
  if (phase == off) return;
  if (phase == abandoned) {
    __atomic_fetch_add(&image->spool->dropped, 1, __ATOMIC_RELAXED);
    return;
  }
  int saved = errno;
  // A signal handler that allocates while its thread sets up its stream: counted, not recorded.
  if (inside) {
    if (recorder_spool()) __atomic_fetch_add(&image->spool->dropped, 1, __ATOMIC_RELAXED);
    return;
  }
  inside = true;
  if (start()) {
    struct mallometer_spool *spool = image->spool;
    bool written;
    if (thread_over) {
      written = write_late(address, caller, size);
    } else {
      if (recorder_current == NULL || !recorder_current->attached) {
        recorder_current = new_thread(spool);
        if (recorder_current != NULL && end_key_made) pthread_setspecific(end_key, (void *)1);
      }
      written = recorder_current != NULL
                    ? write_into(recorder_current, true, address, caller, size)
                    : write_late(address, caller, size);
    }
    if (!written && !spool->stopped) __atomic_fetch_add(&spool->dropped, 1, __ATOMIC_RELAXED);
  }
  inside = false;
  errno = saved;
}

bool recorder_start(void) {
  if (inside) return false;
  inside = true;
  bool started = start();
  inside = false;
  return started;
}

void recorder_end_thread(void) {
  struct recorder_thread *thread = recorder_current;
  if (thread == NULL || !thread->attached || recorder_spool() == NULL) return;
  inside = true;
  thread_over = true;
  recorder_current = NULL;
  write_into(thread, true, 0, recorder_pack(0, mallometer_record_thread_end), 0);
  struct mallometer_chunk *chunk = thread->chunk;
  if (chunk != NULL) {
    __atomic_store_n(
        &chunk->limit, __atomic_load_n(&chunk->next, __ATOMIC_RELAXED), __ATOMIC_RELEASE);
  }
  lock(&image->list_lock);
  thread->next_free = image->free_states;
  thread->attached = false;
  thread->chunk = NULL;
  image->free_states = thread;
  unlock(&image->list_lock);
  inside = false;
}
