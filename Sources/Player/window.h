#ifndef MALLOMETER_WINDOW_H
#define MALLOMETER_WINDOW_H

/// The operations of a window, straight through: what a timed span holds. One template for plans of
/// one thread and for sequenced plans (`SHARED`), whose slots take turns.

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

/// Keeps a new block and touches it; `size` is not 0, the group has seen to it.
#define KEEP(n, allocated)                                          \
  do {                                                              \
    uint32_t size = at[n].size;                                     \
    char *block = (allocated);                                      \
    if (!shared) slots[at[n].slot] = block;                         \
    if (UNLIKELY(block == NULL)) note_failure(p, at + (n));         \
    else touch_small(block, size, touch);                           \
    if (shared) fill_shared_slot(&shared_slots[at[n].slot], block); \
  } while (0)
/// Where realloc fails, the old block stays.
#define MOVE(n)                                                                            \
  do {                                                                                     \
    uint32_t size = at[n].size;                                                            \
    char *old = BLOCK(n);                                                                  \
    char *block = LIKELY(old != NULL) ? a.realloc(old, size, SITE(n)) : a.malloc(size, SITE(n)); \
    if (LIKELY(block != NULL)) touch_small(block, size, touch);                            \
    else note_failure(p, at + (n)), block = old;                                           \
    if (shared) fill_shared_slot(&shared_slots[at[n].slot], block);                        \
    else slots[at[n].slot] = block;                                                        \
  } while (0)
#define BLOCK(n) (shared ? shared_slots[at[n].slot].block : slots[at[n].slot])
#define SITE(n) sites[at[n].site]
#define CALL(kind, n)                                                          \
  do {                                                                         \
    if ((kind) == MALLOMETER_OPERATION_FREE) a.free(BLOCK(n));                 \
    else if ((kind) == MALLOMETER_OPERATION_REALLOC) MOVE(n);                  \
    else if ((kind) == MALLOMETER_OPERATION_CALLOC) KEEP(n, a.calloc(1, size, SITE(n))); \
    else KEEP(n, a.malloc(size, SITE(n)));                                     \
  } while (0)

#define FOURS(X) \
  X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define THREES(X) \
  X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) \
  X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) \
  X(32) X(33) X(34) X(35) X(36) X(37) X(38) X(39) X(40) X(41) X(42) X(43) X(44) X(45) X(46) \
  X(47) X(48) X(49) X(50) X(51) X(52) X(53) X(54) X(55) X(56) X(57) X(58) X(59) X(60) X(61) \
  X(62) X(63)
#define FOUR_LABEL(bits) [bits] = &&four_##bits,
#define THREE_LABEL(kinds) [MALLOMETER_GROUP_THREES + kinds] = &&three_##kinds,

/// Where the next group begins is loaded before this one's calls: a misprediction is then known as
/// soon as the jump is fetched. The empty assembly keeps the load there.
#define LOOK_AHEAD(count)          \
  next = labels[at[count].group];  \
  __asm__ volatile("" : "+r"(next))
#define ADVANCE(count)             \
  at += (count);                   \
  if (UNLIKELY(at >= end)) return; \
  goto *next

/// The operations of one group, straight through. The assembly tells the compiler that no two
/// groups are alike: it would share their tails, at the price of jumps.
#define FOUR(bits)                             \
  four_##bits : LOOK_AHEAD(4);                 \
  CALL((bits) & 1, 0);                         \
  CALL((bits) >> 1 & 1, 1);                    \
  CALL((bits) >> 2 & 1, 2);                    \
  CALL((bits) >> 3 & 1, 3);                    \
  __asm__ volatile("# end of four %0" ::"i"(bits)); \
  ADVANCE(4);
#define THREE(kinds)                           \
  three_##kinds : LOOK_AHEAD(3);               \
  CALL((kinds) & 3, 0);                        \
  CALL((kinds) >> 2 & 3, 1);                   \
  CALL((kinds) >> 4 & 3, 2);                   \
  __asm__ volatile("# end of three %0" ::"i"(kinds)); \
  ADVANCE(3);

/// Defines a function that runs the operations of one window; a macro, because a compiler does not
/// inline what has a table of its labels. It reads up to LOOKAHEAD operations beyond the window.
#define DEFINE_WINDOW(name, TOUCH, SHARED)                                                 \
  static __attribute__((noinline)) void name(                                              \
      struct player *p, const struct mallometer_operation *at, size_t count) {             \
    static const void *const labels[256] = {                                               \
        FOURS(FOUR_LABEL) THREES(THREE_LABEL)[MALLOMETER_GROUP_SINGLE] = &&single};        \
    const uint32_t touch = TOUCH;                                                          \
    const int shared = SHARED;                                                             \
    const struct allocator a = p->allocator;                                               \
    void **slots = p->slots;                                                               \
    struct shared_slot *shared_slots = p->shared_slots;                                    \
    const uint64_t *sites = p->sites;                                                      \
    const struct mallometer_operation *end = at + count;                                   \
    const void *next;                                                                      \
    if (at >= end) return;                                                                 \
    goto *labels[at->group];                                                               \
    FOURS(FOUR) THREES(THREE)                                                              \
    single : LOOK_AHEAD(1);                                                                \
    if (shared) perform_in_sequence(p, at);                                                \
    else perform(p, at);                                                                   \
    ADVANCE(1);                                                                            \
  }

#endif
