#ifndef MALLOMETER_RECORDER_INTERNAL_H
#define MALLOMETER_RECORDER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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
  uint64_t records;
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
/// Serves a call that arrives while the allocator beneath is still being looked up.
void *recorder_early_allocate(size_t size, size_t alignment);
bool recorder_is_early(const void *block);
size_t recorder_early_size(const void *block);

/// One record that found no room in the thread's chunk, or no thread state at all.
void recorder_write_slowly(uint64_t address, uint64_t caller, uint64_t size);

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
/// Notes times and peak memory for the end of the trace.
void recorder_note_end(struct mallometer_spool *spool);

/// Backs a range of the spool with pages; false if the disk is full.
bool recorder_populate(void *start, size_t bytes);

static inline uint64_t recorder_pack(uint64_t low, uint64_t high) {
  return (low & 0xFFFFFFFFFFFFULL) | high << 48;
}

#endif
