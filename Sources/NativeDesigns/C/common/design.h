#ifndef MALLOMETER_DESIGN_H
#define MALLOMETER_DESIGN_H

/// What every own design builds on. A family implements `design_*`; common/entry.c turns them into
/// a complete drop-in malloc library.
///
/// A variant is one translation unit, so that a fast path is inlined into `malloc` itself:
///
///     #include "common/design.h"
///     #include "common/region.c"
///     #include "common/thread.c"
///     #include "FAMILY/FAMILY.c"      defines the design_* functions, all static
///     #include "common/entry.c"
///
/// The generated mallometer_variant.h defines one macro per toggle, MALLOMETER_TOGGLE_<TOGGLE>, as
/// one of the MALLOMETER_<TOGGLE>_<VALUE> constants (upper case, anything else as _). Where all of
/// a toggle's values are integers the constants are these integers, else they count from 0. It
/// also numbers the steps: MALLOMETER_STEP_<NAME>, and MALLOMETER_STEP_COUNT.

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mallometer_variant.h"

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
/// For fast paths, which are inlined into the entry points.
#define FAST static inline __attribute__((always_inline))
/// For slow paths, which must not cost the fast path registers.
#define SLOW static __attribute__((noinline, cold))
#define EXPORTED __attribute__((visibility("default")))

// Steps, threads and shared lines: what counting builds see, and nothing at all in others.
//
// COUNT(STEP), COUNT_N(STEP, n): a step taken, n times.
//
// THREAD_LOCAL(type, name, initial); defines a variable of each thread, THREAD(name) is the calling
// thread's. The compiler's TLS model decides what that costs.
//
// A shared line is metadata that several threads write: a lock, a list that others push to, an
// atomic counter. SHARED_LINE(name) and SHARED_LINES(name, count) declare, among the members of a
// struct, who wrote lines last; SHARED_WRITE(line) goes beside every write and counts a
// COHERENCE_TRANSFER when the writer changed; SHARED_FORGET(line) when the memory begins a new life.
#ifdef MALLOMETER_COUNT_STEPS
#include "common/counting.h"
#else
#define COUNT(step) ((void)0)
#define COUNT_N(step, n) ((void)0)
#define THREAD_LOCAL(type, name, ...) static __thread type name = __VA_ARGS__
#define THREAD(name) name
#define SHARED_LINE(name)
#define SHARED_LINES(name, count)
#define SHARED_WRITE(line) ((void)0)
#define SHARED_FORGET(line) ((void)0)
#endif

#include "common/lock.h"

/// The alignment that malloc guarantees.
enum { NATURAL_ALIGNMENT = 16 };
/// Bytes per cache line, for steps that are counted in lines.
enum { LINE_BYTES = 64 };
/// Bytes per page of the kernel.
enum { OS_PAGE_BYTES = 4096 };
/// The most bytes one region can hold: offsets must fit below the region number.
static const size_t LARGEST_REGION = (size_t)1 << 40;

FAST uintptr_t align_up(uintptr_t value, uintptr_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

// The family's part. Sizes are as asked for (0 and absurd ones included); alignment 0 means
// malloc's 16, else it is a power of two. NULL with errno = ENOMEM when out of memory. Blocks are
// never NULL. The entry steps (MALLOC_CALL, …) are counted by entry.c, once per call. A size of 0
// is served as the smallest block, by `design_reallocate` too.
static inline void *design_allocate(size_t size, size_t alignment, int zeroed, uintptr_t site);
static inline void design_free(void *block);
static inline void *design_reallocate(void *block, size_t size, uintptr_t site);
static size_t design_usable_size(void *block);
/// At the exit of a thread that called `thread_on_exit(value)`; the thread may still allocate and
/// free afterwards.
static void design_thread_exit(void *value);
/// Around fork, in the forking thread: take, and give back, every lock of the design. In the child
/// only that thread lives on.
static void design_before_fork(void);
static void design_after_fork_parent(void);
static void design_after_fork_child(void);

// Regions: whole pages from the kernel, numbered from 1 in mapping order in counting builds. Each
// counts its step (MAP_CALL, UNMAP_CALL, ADVISE_CALL). errno is left alone but for ENOMEM.

/// Zeroed pages whose start is aligned to `alignment`, a power of two. NULL with errno = ENOMEM
/// when there are none, or when `bytes` is 0 or above LARGEST_REGION.
static void *region_map(size_t bytes, size_t alignment);
static void region_unmap(void *region, size_t bytes);
/// MADV_DONTNEED.
static void region_purge(void *start, size_t bytes);
/// MADV_FREE: the kernel takes the memory when it runs short, and leaves what is written again.
static void region_purge_lazily(void *start, size_t bytes);

/// Has `design_thread_exit(value)` called when the calling thread exits. May itself allocate: the
/// thread's heap must already serve. In counting builds also when the player ends the thread whose
/// number it has.
static void thread_on_exit(void *value);

/// For sizes that no region can hold.
FAST void *out_of_memory(void) {
  errno = ENOMEM;
  return NULL;
}

/// Says why on stderr and aborts: for a bad pointer or a double free. Allocates nothing.
SLOW __attribute__((noreturn)) void design_abort(const char *why, const void *block);

/// Copies between blocks; counts the lines of 64 bytes.
FAST void copy_lines(void *to, const void *from, size_t bytes) {
  COUNT_N(LINE_COPIED, (bytes + LINE_BYTES - 1) / LINE_BYTES);
  memcpy(to, from, bytes);
}

/// Clears a block; counts the lines of 64 bytes.
FAST void zero_lines(void *block, size_t bytes) {
  COUNT_N(LINE_ZEROED, (bytes + LINE_BYTES - 1) / LINE_BYTES);
  memset(block, 0, bytes);
}

#endif
