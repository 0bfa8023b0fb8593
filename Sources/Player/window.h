#ifndef MALLOMETER_WINDOW_H
#define MALLOMETER_WINDOW_H

/// The operations of a window, straight through: what a timed span holds. One template for plans of
/// one thread and for sequenced plans (`shared`), whose slots take turns.

#include "player.h"

/// Performs any operation of a sequenced plan: sequence.c.
void perform_in_sequence(struct player *p, const struct mallometer_operation *op);

/// After the touches: whoever waits for this turn may free the block at once. The thread that fills
/// a slot is alone in changing its turn.
static inline __attribute__((always_inline)) void fill_shared_slot(
    struct shared_slot *slot, void *block) {
  slot->block = block;
  __atomic_store_n(&slot->turn, slot->turn + 1, __ATOMIC_RELEASE);
}

/// As touch_block, for a size that is not 0.
static inline __attribute__((always_inline)) void touch_small(
    char *block, uint64_t size, uint32_t touch) {
  if (touch == MALLOMETER_TOUCH_FIRST_LINE) *(volatile uint64_t *)block = size;
  else touch_block(block, size, touch);
}

/// A malloc of 1 byte to 4 GiB − 1: the group has seen to it.
#define ALLOCATE(n)                                               \
  do {                                                            \
    uint32_t size = at[n].size;                                   \
    char *block = a.malloc(size, sites[at[n].site]);              \
    if (!shared) slots[at[n].slot] = block;                       \
    if (UNLIKELY(block == NULL)) note_failure(p, at + (n));       \
    else touch_small(block, size, touch);                         \
    if (shared) fill_shared_slot(&shared_slots[at[n].slot], block); \
  } while (0)
#define FREE(n) a.free(shared ? shared_slots[at[n].slot].block : slots[at[n].slot])
#define CALL(bits, n)                  \
  do {                                 \
    if ((bits) >> (n) & 1) FREE(n);    \
    else ALLOCATE(n);                  \
  } while (0)

/// The operations of one group, straight through. The empty assembly tells the compiler that no
/// two groups are alike: it would share their tails, at the price of jumps.
#define GROUP(bits)                                     \
  case bits:                                            \
    __asm__ volatile("# group %0" ::"i"(bits));         \
    CALL(bits, 0);                                      \
    CALL(bits, 1);                                      \
    CALL(bits, 2);                                      \
    CALL(bits, 3);                                      \
    __asm__ volatile("# end of group %0" ::"i"(bits));  \
    at += MALLOMETER_GROUP_SIZE;                        \
    break;
#define GROUPS_4(bits) GROUP(bits) GROUP(bits + 1) GROUP(bits + 2) GROUP(bits + 3)
_Static_assert(MALLOMETER_GROUP_SIZE == 4, "GROUP and its cases are written for four");

/// Runs the operations of one window. One indirect branch per group: its target depends on the
/// plan alone, so it resolves while the calls before it still run.
static inline __attribute__((always_inline)) void run_window(
    struct player *p, const struct mallometer_operation *at, size_t count, const uint32_t touch,
    const int shared) {
  const struct allocator a = p->allocator;
  void **slots = p->slots;
  struct shared_slot *shared_slots = p->shared_slots;
  const uint64_t *sites = p->sites;
  const struct mallometer_operation *end = at + count;
  while (at < end) {
    switch (at->group) {
      GROUPS_4(0) GROUPS_4(4) GROUPS_4(8) GROUPS_4(12)
      default:
        if (shared) perform_in_sequence(p, at);
        else perform(p, at);
        at++;
    }
  }
}

#endif
