// The links of free blocks, which lie in the blocks themselves.

#if IS_ENCODED
#include <sys/auxv.h>

/// What links are mixed with, drawn by the kernel at the program's start: 0 until a heap has its
/// first segment, before which there are no links.
static _Atomic(uintptr_t) link_key;

/// Every thread that comes first finds the same key.
SLOW void link_key_begin(void) {
  uintptr_t key = 0x9E3779B97F4A7C15;
  const void *random = (const void *)getauxval(AT_RANDOM);
  if (random) memcpy(&key, random, sizeof key);
  atomic_store_explicit(&link_key, key | 1, memory_order_relaxed);
}

enum { LINK_ROTATION = 17 };
#endif

FAST struct pool_block *block_next(const struct pool_block *block) {
#if IS_ENCODED
  COUNT(FREE_LIST_DECODE);
  uintptr_t word = (uintptr_t)block->next;
  word = word >> LINK_ROTATION | word << (64 - LINK_ROTATION);
  return (struct pool_block *)(word ^ atomic_load_explicit(&link_key, memory_order_relaxed));
#else
  return block->next;
#endif
}

FAST void block_set_next(struct pool_block *block, struct pool_block *next) {
#if IS_ENCODED
  COUNT(FREE_LIST_ENCODE);
  uintptr_t word = (uintptr_t)next ^ atomic_load_explicit(&link_key, memory_order_relaxed);
  block->next = (struct pool_block *)(word << LINK_ROTATION | word >> (64 - LINK_ROTATION));
#else
  block->next = next;
#endif
}
