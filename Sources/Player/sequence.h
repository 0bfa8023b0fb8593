#ifndef MALLOMETER_SEQUENCE_H
#define MALLOMETER_SEQUENCE_H

#include <stdint.h>

/// What the running thread spent waiting since the window began.
struct waiting {
  uint64_t ticks;
  /// Those of them, spun, that `processor_ns` has not.
  uint64_t spun_ticks;
  /// Processor time in nanoseconds.
  uint64_t processor_ns;
  /// Times the thread lost its processor while it waited.
  uint64_t switches;
  /// The time stamp at which the thread's last operation of the recorded pace was due.
  uint64_t due;
};
extern __thread struct waiting waiting;

uint64_t thread_processor_ns(void);
/// Times the running thread has lost its processor against its will.
uint64_t thread_switches(void);

#endif
