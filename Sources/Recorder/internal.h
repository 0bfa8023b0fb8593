#ifndef MALLOMETER_RECORDER_INTERNAL_H
#define MALLOMETER_RECORDER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <x86intrin.h>

#include "trace_format.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define EXPORT __attribute__((visibility("default")))
#define COLD __attribute__((noinline, cold))

/// What a thread needs to write a record. Lives in memory that a fork wipes in the child, so that
/// a child can never write into its parent's stream, whichever system call made it.
struct recorder_thread {
  /// NULL: no chunk, take the slow path.
  struct mallometer_chunk *chunk;
  /// The chunk's generation, where the record keeps it.
  uint64_t generation;
  /// The image's numbers of sites, as `recorder_sites` has them.
  const uint64_t *sites;
  /// Upper half of the time stamps of the records that follow.
  uint32_t epoch;
  uint32_t number;
  uint32_t sequence;
  bool attached;
  bool ended;
  struct recorder_thread *next_free;
} __attribute__((aligned(64)));

/// The allocator beneath: whatever the program would have called without us.
struct recorder_allocator {
  void *(*malloc)(size_t);
  void *(*calloc)(size_t, size_t);
  void *(*realloc)(void *, size_t);
  void (*free)(void *);
  void *(*memalign)(size_t, size_t);
  int (*posix_memalign)(void **, size_t, size_t);
  void *(*aligned_alloc)(size_t, size_t);
  void *(*valloc)(size_t);
  void *(*pvalloc)(size_t);
};

extern struct recorder_allocator recorder_real;

/// Finds the allocator beneath. Safe to call early, again, and from several threads.
void recorder_resolve(void);
/// True while the calling thread is inside `recorder_resolve`.
bool recorder_resolving(void);
/// dlsym may allocate (its error text, on some versions of libc). Such blocks come from here, are
/// never given back and never recorded: they exist because of the recorder.
#define EARLY_BYTES (64U << 10)
extern char recorder_early_arena[EARLY_BYTES];
/// Serves a call that arrives while the allocator beneath is still being looked up.
void *recorder_early_allocate(size_t size, size_t alignment);
static inline bool recorder_is_early(const void *block) {
  return (uintptr_t)block - (uintptr_t)recorder_early_arena < EARLY_BYTES;
}
size_t recorder_early_size(const void *block);

/// One call that doesn't fit a short record, found no room in the thread's chunk, or no thread
/// state at all: the address with log2 of the alignment, the return address with the kind, the
/// size, each as `recorder_pack` has them.
void recorder_write_slowly(uint64_t address, uint64_t caller, uint64_t size);

/// Writes a record that was reserved as the beginning of an epoch, that of the stamp `now`.
void recorder_begin_epoch(
    struct recorder_thread *thread, struct mallometer_record *record, uint64_t generation,
    uint64_t now);

/// Sets this image's stream up if that hasn't happened yet. Returns whether the image records.
bool recorder_start(void);
/// Whether other process images are recorded too.
bool recorder_follows(void);
/// The spool of this process image; NULL while there is none.
struct mallometer_spool *recorder_spool(void);
/// The spool whose memory this process shares, its own or (after vfork) its parent's.
struct mallometer_spool *recorder_shared_spool(void);
/// The session's folder, "" when not recording.
const char *recorder_session_folder(void);
/// Ends the calling thread's stream with a record and gives back what it holds.
void recorder_end_thread(void);

/// Fills a new spool's module table; a forked child takes its parent's, which needs no lock.
void recorder_begin_modules(struct mallometer_spool *spool, struct mallometer_spool *parent);
/// Puts modules that were loaded since into the spool's table.
void recorder_refresh_modules(struct mallometer_spool *spool);
/// Reads as much of a file as there is room for. Returns its length, 0 if it can't be read.
size_t recorder_read_file(const char *path, char *into, size_t room);
/// Append to a text that isn't ended yet, and return its new end.
char *recorder_append(char *to, const char *text);
char *recorder_append_number(char *to, uint64_t value, unsigned base);

/// Page faults of this process so far.
uint64_t recorder_page_faults(void);
/// A clock's time in nanoseconds.
uint64_t recorder_nanoseconds(clockid_t clock);
/// Notes times and peak memory for the end of the trace.
void recorder_note_end(struct mallometer_spool *spool);

/// Backs a range of the spool with pages; false if the disk is full.
bool recorder_populate(void *start, size_t bytes);

/// Places in a process image's table of sites. Each holds a return address in bits 0–47 and its
/// number in 48–63, or 0.
#define SITE_PLACES 16384U

/// The numbers of a process image's sites. Zero when the image begins, in a forked child too.
struct recorder_sites {
  uint64_t places[SITE_PLACES];
  uint32_t lock;
  /// Numbers given; the first is 1.
  uint32_t used;
};

/// Where the search for a return address begins.
static inline uint32_t recorder_site_place(uint64_t caller) {
  return (uint32_t)caller * 0x9E3779B1U >> 18;
}

/// What a record and the next need of the time stamp and of the thread, read in this order before a
/// place is reserved: a signal handler that allocates in between may change all of it, and then the
/// place isn't in `chunk` any more or the epoch isn't that of the stamp.
struct recorder_view {
  struct mallometer_chunk *chunk;
  uint64_t generation;
  uint32_t epoch;
};

static inline struct recorder_view recorder_view(const struct recorder_thread *thread) {
  struct recorder_view view;
  view.chunk = __atomic_load_n(&thread->chunk, __ATOMIC_RELAXED);
  view.generation = __atomic_load_n(&thread->generation, __ATOMIC_RELAXED);
  view.epoch = __atomic_load_n(&thread->epoch, __ATOMIC_RELAXED);
  return view;
}

/// Reserves records. A single instruction, so that a signal handler that allocates in the middle
/// gets records of its own.
static inline uint32_t recorder_reserve(struct mallometer_chunk *chunk, uint32_t count) {
  __asm__ volatile("xaddl %0, %1" : "+r"(count), "+m"(chunk->next) : : "memory", "cc");
  return count;
}

static inline void recorder_publish(
    struct mallometer_record *record, uint64_t generation, uint64_t kind, uint64_t site,
    uint64_t time, uint64_t block) {
  record->block = block;
  __atomic_store_n(
      &record->head, generation | kind << 48 | site << 32 | (uint32_t)time, __ATOMIC_RELEASE);
}

/// The number of a call's site, a new one if there is none; 0 if there is no room for more, or
/// another thread, or this one beneath a signal handler, is just giving a number.
uint64_t recorder_site_number(
    struct recorder_sites *sites, struct mallometer_spool *spool, uint64_t caller);

static inline uint64_t recorder_pack(uint64_t low, uint64_t high) {
  return (low & 0xFFFFFFFFFFFFULL) | high << 48;
}

#endif
