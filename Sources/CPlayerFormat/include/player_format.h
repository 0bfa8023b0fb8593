#ifndef MALLOMETER_PLAYER_FORMAT_H
#define MALLOMETER_PLAYER_FORMAT_H

/// What Replay (Swift) and Player (C) share: the plan file, the result file, and the functions by
/// which a counting build answers. Plans live as long as one command: this is no stored format.

#include <stdint.h>

enum mallometer_operation_kind {
  MALLOMETER_OPERATION_MALLOC = 0,
  MALLOMETER_OPERATION_CALLOC = 1,
  MALLOMETER_OPERATION_REALLOC = 2,
  MALLOMETER_OPERATION_ALIGNED = 3,
  MALLOMETER_OPERATION_FREE = 4,
};

/// 16 bytes: kind in bits 0–3 and alignment log2 in bits 4–11 of `head`, slot in bits 32–63;
/// size in the low 40 bits of `body`, site number in the high 24.
struct mallometer_operation {
  uint64_t head;
  uint64_t body;
};
_Static_assert(sizeof(struct mallometer_operation) == 16, "operations are read in bulk");

// An own design exports these in every build; `site` is Site.address of the recorded caller.
//   void *mallometer_malloc_at(size_t size, uintptr_t site);
//   void *mallometer_calloc_at(size_t count, size_t size, uintptr_t site);
//   void *mallometer_realloc_at(void *block, size_t size, uintptr_t site);
//   void *mallometer_aligned_at(size_t alignment, size_t size, uintptr_t site);
//
// A counting build exports besides:
//   void mallometer_step_counts(uint64_t *out);        all counts, in the order of Step.allCases
//   uint64_t mallometer_locate(const void *block);     region number << 40 | offset, regions from 1
//
// The player finds them by weak references: no dlsym, so no malloc of its own.

#endif
