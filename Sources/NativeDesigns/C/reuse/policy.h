#ifndef MALLOMETER_REUSE_POLICY_H
#define MALLOMETER_REUSE_POLICY_H

/// Chooses the threshold between the backing and a mapping, at every allocation.
///
/// Epsilon-greedy over twelve strategies: nine times in ten the one rated best, else any active one.
/// A strategy is scored by what its decisions cost the kernel, calls plus pages mapped, never by
/// time, so that the same calls give the same ratings. Ratings are Elo's: after every round each two
/// strategies with enough decisions play, and the lower mean cost wins.
///
/// Threads share the policy without a lock; plain loads and stores (relaxed atomics) may lose a count
/// or a draw, which only costs a little learning. Only the end of a round takes a lock.

#include "reuse.h"

enum {
  POLICY_STRATEGIES = 12,
  /// Allocations between two updates of the ratings.
  POLICY_ROUND = 1024,
  /// Decisions from which on a strategy plays.
  POLICY_DECISIONS = 4,
  /// As many strategies stay active whatever their ratings.
  POLICY_ACTIVE_MINIMUM = 3,
};

/// The least threshold: below it all strategies decide alike.
#define POLICY_DECISIVE ((size_t)512 << 10)
#define POLICY_RATING 1500.0
/// Below this rating a strategy is retired.
#define POLICY_RETIRED 1300.0
/// What one game can move a rating by.
#define POLICY_STAKE 16.0
/// Makes the slope of the expected score at equal ratings Elo's: ln 10 / 1600 per point.
#define POLICY_SPREAD 347.0

struct policy_strategy {
  _Atomic double rating;
  uint64_t threshold;
  _Atomic uint64_t uses;
  /// What the decisions since the strategy last played cost: kernel calls + pages mapped.
  _Atomic uint64_t cost;
  _Atomic uint32_t decisions;
  _Atomic uint32_t active;
};

struct policy_state {
  alignas(LINE_BYTES) _Atomic uint64_t random;
  _Atomic uint64_t selections;
  _Atomic uint32_t best;
  _Atomic uint32_t active_count;
  _Atomic uint8_t active[POLICY_STRATEGIES];
  struct spin_lock lock;
  alignas(LINE_BYTES) struct policy_strategy strategies[POLICY_STRATEGIES];
  alignas(LINE_BYTES) _Atomic uint64_t evolution[64];
  /// Of the random number and the selections; of each strategy's counters; of eight sizes each.
  SHARED_LINE(selection_line)
  SHARED_LINES(strategy_lines, POLICY_STRATEGIES)
  SHARED_LINES(evolution_lines, 8)
};

#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)
#define ADD(field, n) STORE(field, LOAD(field) + (n))

#define STRATEGY(kibibytes)                                                                        \
  { .rating = POLICY_RATING, .threshold = (uint64_t)(kibibytes) << 10, .active = 1 }

/// The default comes first: of equally rated strategies the first is best.
static struct policy_state policy = {
    .random = 0x9E3779B97F4A7C15u,
    .active_count = POLICY_STRATEGIES,
    .active = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
    .strategies = {STRATEGY(2048), STRATEGY(512), STRATEGY(768), STRATEGY(1024), STRATEGY(1536),
                   STRATEGY(3072), STRATEGY(4096), STRATEGY(6144), STRATEGY(8192),
                   STRATEGY(12288), STRATEGY(16384), STRATEGY(24576)},
};

#if IS(THRESHOLD, 512KIB)
enum { POLICY_FROZEN_STRATEGY = 1 };
#define POLICY_FIXED_THRESHOLD ((size_t)512 << 10)
#elif IS(THRESHOLD, 2MIB)
enum { POLICY_FROZEN_STRATEGY = 0 };
#define POLICY_FIXED_THRESHOLD ((size_t)2 << 20)
#elif IS(THRESHOLD, 8MIB)
enum { POLICY_FROZEN_STRATEGY = 8 };
#define POLICY_FIXED_THRESHOLD ((size_t)8 << 20)
#else
enum { POLICY_FROZEN_STRATEGY = 11 };
#define POLICY_FIXED_THRESHOLD ((size_t)24 << 20)
#endif

/// xorshift64.
static inline uint64_t policy_random(void) {
  COUNT(POLICY_RANDOM);
  uint64_t x = LOAD(policy.random);
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  SHARED_WRITE(policy.selection_line);
  STORE(policy.random, x);
  return x;
}

/// One in ten. Both tests decide alike: a thousandth below 100 is one below 0.1.
static inline bool policy_explores(void) {
  uint64_t draw = policy_random();
#if IS(RANDOM_TEST, FLOAT)
  COUNT(POLICY_TEST_FLOAT);
  return (double)(draw % 1000) / 1000.0 < 0.1;
#else
  COUNT(POLICY_TEST_INTEGER);
  return draw % 1000 < 100;
#endif
}

static inline uint32_t policy_scan_best(void) {
  COUNT_N(POLICY_SCAN_BEST, POLICY_STRATEGIES);
  double best_rating = -1e9;
  uint32_t best = 0;
  for (uint32_t i = 0; i < POLICY_STRATEGIES; i++) {
    double rating = LOAD(policy.strategies[i].rating);
    if (LOAD(policy.strategies[i].active) && rating > best_rating) {
      best_rating = rating;
      best = i;
    }
  }
  return best;
}

static inline uint32_t policy_scan_active(uint8_t list[POLICY_STRATEGIES]) {
  COUNT_N(POLICY_SCAN_ACTIVE, POLICY_STRATEGIES);
  uint32_t count = 0;
  for (uint32_t i = 0; i < POLICY_STRATEGIES; i++) {
    if (LOAD(policy.strategies[i].active)) {
      list[count++] = (uint8_t)i;
    }
  }
  return count;
}

static inline uint32_t policy_explore(void) {
#if IS(ACTIVE_LIST, SCANNED)
  uint8_t list[POLICY_STRATEGIES];
  uint32_t count = policy_scan_active(list);
  return list[policy_random() % count];
#else
  COUNT(POLICY_ACTIVE_CACHED);
  uint32_t count = LOAD(policy.active_count);
  return LOAD(policy.active[policy_random() % count]);
#endif
}

static inline uint32_t policy_exploit(void) {
#if IS(BEST_STRATEGY, SCANNED)
  return policy_scan_best();
#else
  COUNT(POLICY_BEST_CACHED);
  return LOAD(policy.best);
#endif
}

/// The expected score against an opponent: Elo's curve as a rational function, so that it needs no
/// mathematics library and is exact to the bit in any language with IEEE doubles.
static inline double policy_expected(double rating, double opponent) {
  double x = (rating - opponent) / POLICY_SPREAD;
  double magnitude = x < 0 ? -x : x;
  return 0.5 + 0.5 * x / (1.0 + magnitude);
}

/// Lower mean cost wins; compared without division.
static inline double policy_score(struct policy_strategy *one, struct policy_strategy *other) {
  uint64_t left = LOAD(one->cost) * LOAD(other->decisions);
  uint64_t right = LOAD(other->cost) * LOAD(one->decisions);
  return left < right ? 1.0 : left > right ? 0.0 : 0.5;
}

static inline bool policy_plays(struct policy_strategy *strategy) {
  return LOAD(strategy->active) && LOAD(strategy->decisions) >= POLICY_DECISIONS;
}

#if IS(POLICY, LEARN)
/// The end of a round. Costs up to 66 games of some ten floating-point operations.
static __attribute__((noinline)) void policy_update(void) {
  struct policy_strategy *all = policy.strategies;
  lock_acquire(&policy.lock);
  for (uint32_t i = 0; i < POLICY_STRATEGIES; i++) {
    for (uint32_t j = i + 1; j < POLICY_STRATEGIES; j++) {
      if (policy_plays(&all[i]) && policy_plays(&all[j])) {
        COUNT(POLICY_UPDATE);
        double one = LOAD(all[i].rating), other = LOAD(all[j].rating);
        double won = POLICY_STAKE * (policy_score(&all[i], &all[j]) - policy_expected(one, other));
        STORE(all[i].rating, one + won);
        STORE(all[j].rating, other - won);
      }
    }
  }
  uint32_t active = 0;
  for (uint32_t i = 0; i < POLICY_STRATEGIES; i++) {
    active += LOAD(all[i].active);
    if (policy_plays(&all[i])) {
      SHARED_WRITE(policy.strategy_lines[i]);
      STORE(all[i].decisions, 0);
      STORE(all[i].cost, 0);
    }
  }
  for (uint32_t i = 0; i < POLICY_STRATEGIES && active > POLICY_ACTIVE_MINIMUM; i++) {
    if (LOAD(all[i].active) && LOAD(all[i].rating) < POLICY_RETIRED) {
      STORE(all[i].active, 0);
      active--;
    }
  }
#if IS(BEST_STRATEGY, CACHED)
  STORE(policy.best, policy_scan_best());
#endif
#if IS(ACTIVE_LIST, PRECOMPUTED)
  uint8_t list[POLICY_STRATEGIES];
  uint32_t count = policy_scan_active(list);
  for (uint32_t i = 0; i < count; i++) {
    STORE(policy.active[i], list[i]);
  }
  STORE(policy.active_count, count);
#endif
  lock_release(&policy.lock);
}
#endif

/// The threshold for this allocation; `strategy` is who gets the blame.
static inline size_t policy_threshold(uint32_t *strategy) {
#if IS(POLICY, LEARN)
  COUNT(POLICY_SELECT);
  *strategy = policy_explores() ? policy_explore() : policy_exploit();
  COUNT(POLICY_THRESHOLD);
  size_t threshold = policy.strategies[*strategy].threshold;
  COUNT(POLICY_RECORD);
  SHARED_WRITE(policy.strategy_lines[*strategy]);
  ADD(policy.strategies[*strategy].uses, 1);
  uint64_t selections = LOAD(policy.selections) + 1;
  if (UNLIKELY(selections >= POLICY_ROUND)) {
    STORE(policy.selections, 0);
    policy_update();
  } else {
    STORE(policy.selections, selections);
  }
  return threshold;
#elif IS(POLICY, FROZEN)
  COUNT(POLICY_THRESHOLD);
  *strategy = POLICY_FROZEN_STRATEGY;
  return ((volatile struct policy_strategy *)policy.strategies)[POLICY_FROZEN_STRATEGY].threshold;
#else
  *strategy = 0;
  return POLICY_FIXED_THRESHOLD;
#endif
}

/// Books what a decision cost: kernel calls + pages mapped.
static inline void policy_outcome(uint32_t strategy, size_t size, uint64_t cost) {
#if IS(POLICY, LEARN)
  if (UNLIKELY(size >= POLICY_DECISIVE)) {
    COUNT(POLICY_OUTCOME);
    SHARED_WRITE(policy.strategy_lines[strategy]);
    ADD(policy.strategies[strategy].decisions, 1);
    ADD(policy.strategies[strategy].cost, cost);
  }
#else
  (void)strategy, (void)size, (void)cost;
#endif
}

/// A histogram of sizes by powers of two, from which hakmem tells one phase of a program from another.
static inline void evolution_record(size_t size) {
#if IS(EVOLUTION_TRACKING, ON)
  COUNT(EVOLUTION_RECORD);
  SHARED_WRITE(policy.evolution_lines[(63 - __builtin_clzll(size | 1)) / 8]);
  ADD(policy.evolution[63 - __builtin_clzll(size | 1)], 1);
#else
  (void)size;
#endif
}

#endif
