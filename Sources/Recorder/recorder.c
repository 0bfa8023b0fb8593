/// The interposed allocation functions and the hot path beneath them.
///
/// One record costs one rdtsc (8.5 ns on a core of its own where this was measured, 16 beside a
/// busy one), one lookup of the call's site, one unlocked xadd and two stores to a line that stays
/// in this core's cache.

#include <errno.h>
#include <unistd.h>

#include "internal.h"

__thread struct recorder_thread *recorder_current;

#define CALLER ((uint64_t)(uintptr_t)__builtin_return_address(0))

static inline __attribute__((always_inline)) void record(
    enum mallometer_record_kind kind, const void *block, uint64_t caller, uint64_t size) {
  uint64_t address = (uint64_t)(uintptr_t)block;
  struct recorder_thread *thread = recorder_current;
  if (LIKELY(thread != NULL)) {
    struct recorder_view view = recorder_view(thread);
    if (LIKELY(view.chunk != NULL)) {
      uint64_t site =
          __atomic_load_n(&thread->sites[recorder_site_place(caller)], __ATOMIC_ACQUIRE);
      if (LIKELY(((site ^ caller) << 16 | size >> 20 | (address & 7) | address >> 47) == 0)) {
        uint32_t index = recorder_reserve(view.chunk, 1);
        if (LIKELY(index < MALLOMETER_CHUNK_RECORDS)) {
          struct mallometer_record *slot = &mallometer_chunk_records(view.chunk)[index];
          uint64_t now = __rdtsc();
          if (LIKELY(now >> 32 == view.epoch)) {
            recorder_publish(
                slot, view.generation, kind, site >> 48, now, address << 17 | size);
            return;
          }
          recorder_begin_epoch(thread, slot, view.generation, now);
        }
      }
    }
  }
  recorder_write_slowly(recorder_pack(address, 0), recorder_pack(caller, kind), size);
}

/// A call that never fits a short record.
static COLD void record_aligned(
    const void *block, uint64_t alignment_log2, uint64_t caller, uint64_t size) {
  recorder_write_slowly(
      recorder_pack((uint64_t)(uintptr_t)block, alignment_log2),
      recorder_pack(caller, mallometer_record_aligned), size);
}

static inline __attribute__((always_inline)) bool ready(void) {
  if (LIKELY(recorder_real.malloc != NULL)) return true;
  if (recorder_resolving()) return false;
  recorder_resolve();
  return true;
}

static unsigned log2_of(size_t alignment) {
  return alignment ? 63U - (unsigned)__builtin_clzll(alignment) : 0;
}

EXPORT void *malloc(size_t size) {
  if (UNLIKELY(!ready())) return recorder_early_allocate(size, 16);
  void *block = recorder_real.malloc(size);
  if (LIKELY(block != NULL)) record(mallometer_record_malloc, block, CALLER, size);
  return block;
}

EXPORT void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (UNLIKELY(!ready())) {
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    return recorder_early_allocate(bytes, 16);
  }
  void *block = recorder_real.calloc(count, size);
  if (LIKELY(block != NULL)) record(mallometer_record_calloc, block, CALLER, count * size);
  return block;
}

EXPORT void free(void *block) {
  if (UNLIKELY(block == NULL) || UNLIKELY(recorder_is_early(block))) return;
  if (UNLIKELY(!ready())) return;
  record(mallometer_record_free, block, CALLER, 0);
  recorder_real.free(block);
}

/// A block of the early arena moves to the allocator beneath when it grows.
static COLD void *leave_early_arena(void *block, size_t size, uint64_t caller) {
  bool resolved = ready();
  void *moved = resolved ? recorder_real.malloc(size) : recorder_early_allocate(size, 16);
  if (moved == NULL) return NULL;
  size_t old = recorder_early_size(block);
  __builtin_memcpy(moved, block, old < size ? old : size);
  if (resolved) record(mallometer_record_malloc, moved, caller, size);
  return moved;
}

static inline __attribute__((always_inline)) void *reallocate(
    void *block, size_t size, uint64_t caller) {
  if (block == NULL) {
    if (UNLIKELY(!ready())) return recorder_early_allocate(size, 16);
    void *fresh = recorder_real.realloc(NULL, size);
    if (fresh != NULL) record(mallometer_record_realloc_new, fresh, caller, size);
    return fresh;
  }
  if (UNLIKELY(recorder_is_early(block))) return leave_early_arena(block, size, caller);
  if (UNLIKELY(!ready())) return NULL;
  record(mallometer_record_realloc_from, block, caller, size);
  void *moved = recorder_real.realloc(block, size);
  record(mallometer_record_realloc_to, moved, caller, size);
  return moved;
}

EXPORT void *realloc(void *block, size_t size) { return reallocate(block, size, CALLER); }

EXPORT void *reallocarray(void *block, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return NULL;
  }
  return reallocate(block, bytes, CALLER);
}

static inline __attribute__((always_inline)) void *note_aligned(
    void *block, size_t alignment, uint64_t caller, size_t size) {
  if (block != NULL) record_aligned(block, log2_of(alignment), caller, size);
  return block;
}

EXPORT void *memalign(size_t alignment, size_t size) {
  if (UNLIKELY(!ready())) return recorder_early_allocate(size, alignment);
  return note_aligned(recorder_real.memalign(alignment, size), alignment, CALLER, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
  if (UNLIKELY(!ready())) return recorder_early_allocate(size, alignment);
  return note_aligned(recorder_real.aligned_alloc(alignment, size), alignment, CALLER, size);
}

EXPORT int posix_memalign(void **result, size_t alignment, size_t size) {
  if (UNLIKELY(!ready())) {
    *result = recorder_early_allocate(size, alignment);
    return *result ? 0 : ENOMEM;
  }
  int status = recorder_real.posix_memalign(result, alignment, size);
  if (status == 0) note_aligned(*result, alignment, CALLER, size);
  return status;
}

EXPORT void *valloc(size_t size) {
  if (UNLIKELY(!ready())) return recorder_early_allocate(size, 4096);
  return note_aligned(recorder_real.valloc(size), 4096, CALLER, size);
}

EXPORT void *pvalloc(size_t size) {
  if (UNLIKELY(!ready())) return recorder_early_allocate(size, 4096);
  size_t whole = (size + 4095) & ~(size_t)4095;
  return note_aligned(recorder_real.pvalloc(size), 4096, CALLER, whole);
}
