// The entry points: what the C library promises, on top of the family's design_* functions.

#ifdef MALLOMETER_PREFIX
// For tests that link a design under other names beside the C library's own.
#define ENTRY_JOINED(prefix, name) prefix##name
#define ENTRY_EXPANDED(prefix, name) ENTRY_JOINED(prefix, name)
#define ENTRY(name) ENTRY_EXPANDED(MALLOMETER_PREFIX, name)
#else
#define ENTRY(name) name
#endif

#define RETURN_ADDRESS ((uintptr_t)__builtin_return_address(0))

FAST void *entry_malloc(size_t size, uintptr_t site) {
  COUNT(MALLOC_CALL);
  return design_allocate(size, 0, 0, site);
}

FAST void *entry_calloc(size_t count, size_t size, uintptr_t site) {
  COUNT(CALLOC_CALL);
  size_t bytes;
  if (UNLIKELY(__builtin_mul_overflow(count, size, &bytes))) return out_of_memory();
  return design_allocate(bytes, 0, 1, site);
}

/// Without a block it is malloc, and counts as malloc.
FAST void *entry_realloc(void *block, size_t size, uintptr_t site) {
  if (UNLIKELY(!block)) return entry_malloc(size, site);
  COUNT(REALLOC_CALL);
  return design_reallocate(block, size, site);
}

/// An alignment of 1 asks for nothing: it counts as malloc, as models can't tell it either.
FAST void *entry_aligned(size_t alignment, size_t size, uintptr_t site) {
  if (alignment <= 1) return entry_malloc(size, site);
  COUNT(ALIGNED_CALL);
  return design_allocate(size, alignment, 0, site);
}

EXPORTED void *ENTRY(malloc)(size_t size) { return entry_malloc(size, RETURN_ADDRESS); }

EXPORTED void ENTRY(free)(void *block) {
  if (UNLIKELY(!block)) return;
  COUNT(FREE_CALL);
  design_free(block);
}

EXPORTED void *ENTRY(calloc)(size_t count, size_t size) {
  return entry_calloc(count, size, RETURN_ADDRESS);
}

EXPORTED void *ENTRY(realloc)(void *block, size_t size) {
  return entry_realloc(block, size, RETURN_ADDRESS);
}

EXPORTED void *ENTRY(reallocarray)(void *block, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return out_of_memory();
  return entry_realloc(block, bytes, RETURN_ADDRESS);
}

/// The C library rounds other alignments up to a power of two.
EXPORTED void *ENTRY(memalign)(size_t alignment, size_t size) {
  if (alignment & (alignment - 1)) {
    if (alignment > SIZE_MAX / 2 + 1) {
      errno = EINVAL;
      return NULL;
    }
    alignment = (size_t)1 << (64 - __builtin_clzl(alignment));
  }
  return entry_aligned(alignment, size, RETURN_ADDRESS);
}

EXPORTED int ENTRY(posix_memalign)(void **result, size_t alignment, size_t size) {
  if (alignment < sizeof(void *) || (alignment & (alignment - 1))) return EINVAL;
  int before = errno;
  void *block = entry_aligned(alignment, size, RETURN_ADDRESS);
  errno = before;
  if (!block) return ENOMEM;
  *result = block;
  return 0;
}

EXPORTED void *ENTRY(aligned_alloc)(size_t alignment, size_t size) {
  if (alignment == 0 || (alignment & (alignment - 1))) {
    errno = EINVAL;
    return NULL;
  }
  return entry_aligned(alignment, size, RETURN_ADDRESS);
}

EXPORTED void *ENTRY(valloc)(size_t size) {
  return entry_aligned(OS_PAGE_BYTES, size, RETURN_ADDRESS);
}

EXPORTED void *ENTRY(pvalloc)(size_t size) {
  if (size > SIZE_MAX - OS_PAGE_BYTES) return out_of_memory();
  return entry_aligned(OS_PAGE_BYTES, align_up(size, OS_PAGE_BYTES), RETURN_ADDRESS);
}

EXPORTED size_t ENTRY(malloc_usable_size)(void *block) {
  return block ? design_usable_size(block) : 0;
}

/// The C library's own would look at a heap that nobody uses.
EXPORTED int ENTRY(malloc_trim)(size_t pad) {
  (void)pad;
  return 0;
}

EXPORTED int ENTRY(mallopt)(int parameter, int value) {
  (void)parameter, (void)value;
  return 1;
}

EXPORTED void *mallometer_malloc_at(size_t size, uintptr_t site) {
  return entry_malloc(size, site);
}

EXPORTED void *mallometer_calloc_at(size_t count, size_t size, uintptr_t site) {
  return entry_calloc(count, size, site);
}

EXPORTED void *mallometer_realloc_at(void *block, size_t size, uintptr_t site) {
  return entry_realloc(block, size, site);
}

EXPORTED void *mallometer_aligned_at(size_t alignment, size_t size, uintptr_t site) {
  return entry_aligned(alignment, size, site);
}

#ifdef MALLOMETER_COUNT_STEPS
EXPORTED void mallometer_step_counts(uint64_t *out) {
  memset(out, 0, MALLOMETER_STEP_COUNT * sizeof *out);
  for (struct step_counters *each = atomic_load(&all_counters); each; each = each->next)
    for (uint32_t step = 0; step < MALLOMETER_STEP_COUNT; step++)
      out[step] += atomic_load_explicit(&each->counts[step], memory_order_relaxed);
}

EXPORTED void mallometer_switch_thread(uint32_t number) {
  threads_are_switched = 1;
  own_thread = number % MOST_THREADS + 1;
}

EXPORTED void mallometer_end_thread(uint32_t number) {
  uint32_t before = thread_number();
  mallometer_switch_thread(number);
  thread_run_exit();
  mallometer_switch_thread(before);
}

EXPORTED uint64_t mallometer_locate(const void *block) { return region_locate(block); }
#endif
