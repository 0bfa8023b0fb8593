#ifndef MALLOMETER_DESIGN_H
#define MALLOMETER_DESIGN_H

/// What every own design builds on. A family implements `design_*`; common/entry.c turns them into
/// a complete drop-in malloc library.
///
/// The compile command defines one macro per toggle, MALLOMETER_TOGGLE_<TOGGLE>, as one of the
/// MALLOMETER_<TOGGLE>_<VALUE> constants (upper case, - as _) in the generated header
/// mallometer_variant.h, which also numbers the steps: MALLOMETER_STEP_<NAME>.

#include <stddef.h>
#include <stdint.h>

#include "mallometer_variant.h"

#ifdef MALLOMETER_COUNT_STEPS
/// Counted on the serialised order; concurrent runs may lose counts, which is documented.
extern uint64_t mallometer_counts[MALLOMETER_STEP_COUNT];
#define COUNT(step) (mallometer_counts[MALLOMETER_STEP_##step]++)
#define COUNT_N(step, n) (mallometer_counts[MALLOMETER_STEP_##step] += (n))
#else
#define COUNT(step) ((void)0)
#define COUNT_N(step, n) ((void)0)
#endif

/// The family's part. Sizes are as asked for (0 included); alignment 0 means malloc's 16.
void *design_allocate(size_t size, size_t alignment, int zeroed, uintptr_t site);
void design_free(void *block);
void *design_reallocate(void *block, size_t size, uintptr_t site);
size_t design_usable_size(void *block);
/// Around fork: the child must find every structure whole.
void design_before_fork(void);
void design_after_fork_parent(void);
void design_after_fork_child(void);

/// Whole pages from the kernel, registered as the next region (counting builds number them);
/// `alignment` is a power of two. NULL when out of memory.
void *region_map(size_t bytes, size_t alignment);
void region_unmap(void *region, size_t bytes);
/// MADV_DONTNEED.
void region_purge(void *start, size_t bytes);

#endif
