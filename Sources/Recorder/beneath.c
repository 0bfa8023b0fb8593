/// Finding the allocator beneath, and serving the calls that arrive meanwhile.

#include <dlfcn.h>

#include "internal.h"

struct recorder_allocator recorder_real;

static __thread bool resolving;

char recorder_early_arena[EARLY_BYTES] __attribute__((aligned(4096)));
static size_t early_used;

bool recorder_resolving(void) { return resolving; }

size_t recorder_early_size(const void *block) { return ((const size_t *)block)[-1]; }

void *recorder_early_allocate(size_t size, size_t alignment) {
  if (alignment < 16) alignment = 16;
  if (size > EARLY_BYTES || alignment > 4096) return NULL;
  size_t room = size + alignment + 16;
  size_t start = __atomic_fetch_add(&early_used, room, __ATOMIC_RELAXED);
  if (start + room > EARLY_BYTES) return NULL;
  uintptr_t block = (uintptr_t)recorder_early_arena + start + 16 + alignment - 1;
  block &= ~(alignment - 1);
  ((size_t *)block)[-1] = size;
  return (void *)block;
}

void recorder_resolve(void) {
  resolving = true;
  struct recorder_allocator found = {
      .calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc"),
      .realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc"),
      .free = (void (*)(void *))dlsym(RTLD_NEXT, "free"),
      .memalign = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "memalign"),
      .posix_memalign =
          (int (*)(void **, size_t, size_t))dlsym(RTLD_NEXT, "posix_memalign"),
      .aligned_alloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "aligned_alloc"),
      .valloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "valloc"),
      .pvalloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "pvalloc"),
  };
  void *(*beneath)(size_t) = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
  recorder_real.calloc = found.calloc;
  recorder_real.realloc = found.realloc;
  recorder_real.free = found.free;
  recorder_real.memalign = found.memalign;
  recorder_real.posix_memalign = found.posix_memalign;
  recorder_real.aligned_alloc = found.aligned_alloc;
  recorder_real.valloc = found.valloc;
  recorder_real.pvalloc = found.pvalloc;
  // Last: a non-null malloc tells other threads that all of them are there.
  __atomic_store_n(&recorder_real.malloc, beneath, __ATOMIC_RELEASE);
  resolving = false;
}
