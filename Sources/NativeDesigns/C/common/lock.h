#ifndef MALLOMETER_LOCK_H
#define MALLOMETER_LOCK_H

/// The designs' locks. Each counts whether it was free when it was asked for, and is a shared line:
/// who takes it writes it.

#include <sched.h>

/// One atomic exchange to take, a store to give back. Who has to wait spins, and offers its
/// processor now and then.
struct spin_lock {
  _Atomic(uint32_t) held;
  SHARED_LINE(line)
};

/// - Returns: whether it was held by another.
FAST int spin_lock_wait(struct spin_lock *lock) {
  if (LIKELY(!atomic_exchange_explicit(&lock->held, 1, memory_order_acquire))) return 0;
  unsigned spins = 0;
  do {
    while (atomic_load_explicit(&lock->held, memory_order_relaxed)) {
      if (++spins % 64 == 0)
        sched_yield();
      else
        __builtin_ia32_pause();
    }
  } while (atomic_exchange_explicit(&lock->held, 1, memory_order_acquire));
  return 1;
}

/// Takes the lock without counting it as a step.
static __attribute__((unused)) inline void lock_wait(struct spin_lock *lock) {
  (void)spin_lock_wait(lock);
}

static __attribute__((unused)) inline void lock_acquire(struct spin_lock *lock) {
  if (spin_lock_wait(lock))
    COUNT(LOCK_CONTENDED);
  else
    COUNT(LOCK_UNCONTENDED);
  SHARED_WRITE(lock->line);
}

static __attribute__((unused)) inline void lock_release(struct spin_lock *lock) {
  atomic_store_explicit(&lock->held, 0, memory_order_release);
}

/// A mutex of the C library: who has to wait sleeps.
struct mutex_lock {
  pthread_mutex_t mutex;
  SHARED_LINE(line)
};

#define MUTEX_LOCK_INITIALLY {.mutex = PTHREAD_MUTEX_INITIALIZER}

/// Takes the mutex without counting it as a step.
static __attribute__((unused)) inline void mutex_wait(struct mutex_lock *lock) {
  pthread_mutex_lock(&lock->mutex);
}

static __attribute__((unused)) inline void mutex_acquire(struct mutex_lock *lock) {
#ifdef MALLOMETER_COUNT_STEPS
  if (pthread_mutex_trylock(&lock->mutex) == 0) {
    COUNT(MUTEX_UNCONTENDED);
  } else {
    pthread_mutex_lock(&lock->mutex);
    COUNT(MUTEX_CONTENDED);
  }
#else
  pthread_mutex_lock(&lock->mutex);
#endif
  SHARED_WRITE(lock->line);
}

static __attribute__((unused)) inline void mutex_release(struct mutex_lock *lock) {
  pthread_mutex_unlock(&lock->mutex);
}

#endif
