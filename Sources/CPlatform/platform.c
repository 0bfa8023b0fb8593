#include "platform.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#if !defined(__x86_64__)
#error "only x86-64 is supported so far: add this architecture's clock here"
#endif

#include <x86intrin.h>

uint64_t mallometer_time_stamp(void) { return __rdtsc(); }

int mallometer_current_cpu(void) { return sched_getcpu(); }

int mallometer_pin_to_cpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

int mallometer_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno; }

static volatile int signal_descriptor = -1;

static void pass_signal_on(int number) {
  int saved = errno;
  unsigned char byte = (unsigned char)number;
  ssize_t written = write(signal_descriptor, &byte, 1);
  (void)written;  // a full pipe already holds a signal: one is enough
  errno = saved;
}

int mallometer_catch_signals(int descriptor) {
  signal_descriptor = descriptor;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = pass_signal_on;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  const int signals[] = {SIGINT, SIGTERM, SIGHUP};
  for (unsigned index = 0; index < sizeof signals / sizeof *signals; index++) {
    struct sigaction before;
    // nohup means that we go on.
    if (signals[index] == SIGHUP && sigaction(SIGHUP, NULL, &before) == 0 &&
        before.sa_handler == SIG_IGN)
      continue;
    if (sigaction(signals[index], &action, NULL) != 0) return errno;
  }
  return 0;
}

int mallometer_may_run_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  return cpu >= 0 && cpu < CPU_SETSIZE && sched_getaffinity(0, sizeof set, &set) == 0
         && CPU_ISSET(cpu, &set);
}

const char *mallometer_c_library(void) {
  Dl_info library;
  return dladdr((void *)gnu_get_libc_version, &library) != 0 ? library.dli_fname : NULL;
}
