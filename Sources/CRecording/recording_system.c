#include "recording_system.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

int mallometer_process_descriptor(pid_t process) {
  int descriptor = (int)syscall(SYS_pidfd_open, process, 0);
  return descriptor;
}

void mallometer_wake_all(uint32_t *word) {
  syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void mallometer_name_process(const char *name) { prctl(PR_SET_NAME, name); }

/// Where every session is scheduled as a group, priorities count within the group only.
static void set_group_priority(const char *nice) {
  int group = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
  if (group < 0) return;
  ssize_t written = write(group, nice, strlen(nice));
  (void)written;
  close(group);
}

struct courteous {
  void (*work)(void *);
  void *context;
};

static void *be_courteous(void *argument) {
  struct courteous *courteous = argument;
  struct sched_param none = {.sched_priority = 0};
  sched_setscheduler(0, SCHED_IDLE, &none);
  set_group_priority("19");
  courteous->work(courteous->context);
  set_group_priority("0");
  return NULL;
}

void mallometer_run_courteously(void (*work)(void *), void *context) {
  // On a thread of its own: nobody without privileges comes back from SCHED_IDLE.
  struct courteous courteous = {.work = work, .context = context};
  pthread_t thread;
  if (pthread_create(&thread, NULL, be_courteous, &courteous) != 0)
    work(context);
  else
    pthread_join(thread, NULL);
}

static const int passed_on[] = {SIGINT,  SIGQUIT, SIGTERM, SIGHUP,
                                SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};

/// Where handlers tell of signals: they run on any thread, so a mask wouldn't do.
static int signal_pipe = -1;

/// What whoever started this process had it ignore (nohup does, and so do servers): a program started
/// from here ignores it too.
static int ignores_hangup, ignores_pipe;

static int is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

struct told {
  int number;
  int from_kernel;
};

static void tell_signal(int number, siginfo_t *information, void *context) {
  (void)context;
  int saved = errno;
  struct told told = {.number = number, .from_kernel = information->si_code == SI_KERNEL};
  ssize_t written = write(signal_pipe, &told, sizeof told);
  (void)written;
  errno = saved;
}

int mallometer_open_signals(void) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
  signal_pipe = ends[1];
  struct sigaction action = {.sa_sigaction = tell_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  ignores_hangup = is_ignored(SIGHUP);
  ignores_pipe = is_ignored(SIGPIPE);
  signal(SIGPIPE, SIG_IGN);
  // A parent may have left them blocked, as a thread pool's worker does; then none would arrive.
  sigset_t arriving;
  sigemptyset(&arriving);
  for (size_t index = 0; index < sizeof passed_on / sizeof *passed_on; index++) {
    if (passed_on[index] == SIGHUP && ignores_hangup) continue;
    sigaction(passed_on[index], &action, NULL);
    sigaddset(&arriving, passed_on[index]);
  }
  pthread_sigmask(SIG_UNBLOCK, &arriving, NULL);
  return ends[0];
}

int mallometer_read_signal(int descriptor, int *from_terminal) {
  struct told told;
  if (read(descriptor, &told, sizeof told) != sizeof told) return 0;
  *from_terminal = told.from_kernel;
  return told.number;
}

int mallometer_open_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno; }

static int start(
    pid_t *process, const char *file, char *const arguments[], char *const environment[],
    const posix_spawn_file_actions_t *actions, short flags) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigemptyset(&all);
  for (size_t index = 0; index < sizeof passed_on / sizeof *passed_on; index++)
    if (passed_on[index] != SIGHUP || !ignores_hangup) sigaddset(&all, passed_on[index]);
  if (!ignores_pipe) sigaddset(&all, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, flags | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  int status = posix_spawnp(process, file, actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  return status;
}

int mallometer_start_program(
    pid_t *process, const char *file, char *const arguments[], char *const environment[]) {
  return start(process, file, arguments, environment, NULL, 0);
}

int mallometer_start_detached(
    pid_t *process, const char *file, char *const arguments[], char *const environment[],
    int input, int output, const char *errors_path) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_addopen(
      &actions, 2, errors_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  int status = start(process, file, arguments, environment, &actions, POSIX_SPAWN_SETSID);
  posix_spawn_file_actions_destroy(&actions);
  return status;
}
