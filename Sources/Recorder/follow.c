/// Following a program into the processes it starts: LD_PRELOAD and the session's variable are
/// inherited, and put back where a program hands over an environment without them.

#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

#define SESSION MALLOMETER_SESSION_VARIABLE "="
#define PRELOAD "LD_PRELOAD="

extern char **environ;

static char library[3072];
static char session_entry[3200];

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

/// Under --no-follow what this process starts must not see us: takes our entries out again.
static void leave_environment(void) {
  char **to = environ;
  for (char **from = environ; *from; from++) {
    if (strncmp(*from, SESSION, sizeof SESSION - 1) == 0) continue;
    if (strncmp(*from, PRELOAD, sizeof PRELOAD - 1) == 0) {
      char *value = *from + sizeof PRELOAD - 1;
      size_t length = strlen(library);
      if (strncmp(value, library, length) == 0) {
        if (value[length] == 0) continue;
        if (value[length] == ':') memmove(value, value + length + 1, strlen(value + length));
      }
    }
    *to++ = *from;
  }
  *to = NULL;
}

__attribute__((constructor(101))) static void prepare(void) {
  Dl_info self;
  if (dladdr((void *)&prepare, &self) != 0 && self.dli_fname != NULL &&
      strlen(self.dli_fname) < sizeof library)
    strcpy(library, self.dli_fname);
  bool recording = recorder_start();
  if (recorder_session_folder()[0] != 0) {
    strcpy(session_entry, SESSION);
    strcat(session_entry, recorder_session_folder());
  }
  if (recording && !recorder_follows()) leave_environment();
}

static void note_before_end(void) {
  struct mallometer_spool *spool = recorder_spool();
  if (spool == NULL || (pid_t)syscall(SYS_getpid) != spool->pid) return;
  recorder_refresh_modules(spool);
  recorder_note_end(spool);
}

__attribute__((destructor(101))) static void finish(void) { note_before_end(); }

/// Room that `with_recorder` needs for an environment, in bytes.
static size_t room_for(char *const environment[], size_t *count) {
  *count = 0;
  size_t preload = 0;
  for (; environment && environment[*count]; ++*count)
    if (strncmp(environment[*count], PRELOAD, sizeof PRELOAD - 1) == 0)
      preload = strlen(environment[*count]);
  return (*count + 3) * sizeof(char *) + preload + sizeof PRELOAD + strlen(library) + 2;
}

static bool has_recorder(char *const environment[]) {
  bool preloaded = false, session = false;
  for (char *const *entry = environment; entry && *entry; entry++) {
    if (strncmp(*entry, SESSION, sizeof SESSION - 1) == 0) session = true;
    if (strncmp(*entry, PRELOAD, sizeof PRELOAD - 1) == 0 && strstr(*entry, library))
      preloaded = true;
  }
  return preloaded && session;
}

/// The environment with our entries, built in `room` where they are missing: a vfork child may not
/// allocate, so the caller's stack holds it.
static char *const *with_recorder(char *const environment[], size_t count, void *room) {
  char **result = room;
  char *preload = (char *)(result + count + 3);
  size_t used = 0;
  strcpy(preload, PRELOAD);
  strcat(preload, library);
  for (size_t index = 0; index < count; index++) {
    char *entry = environment[index];
    if (strncmp(entry, SESSION, sizeof SESSION - 1) == 0) continue;
    if (strncmp(entry, PRELOAD, sizeof PRELOAD - 1) == 0) {
      if (strstr(entry, library)) {
        strcpy(preload, entry);
      } else if (entry[sizeof PRELOAD - 1] != 0) {
        strcat(preload, ":");
        strcat(preload, entry + sizeof PRELOAD - 1);
      }
      continue;
    }
    result[used++] = entry;
  }
  result[used++] = preload;
  result[used++] = session_entry;
  result[used] = NULL;
  return result;
}

#define FOLLOWED_ENVIRONMENT(environment)                                             \
  size_t count_;                                                                      \
  size_t room_ = room_for(environment, &count_);                                      \
  bool add_ = session_entry[0] && library[0] && recorder_follows() &&                 \
              !has_recorder(environment);                                             \
  char *const *followed =                                                             \
      add_ ? with_recorder(environment, count_, __builtin_alloca(room_)) : environment

/// Notes in the spool which image comes next, so that one that couldn't be followed (static,
/// setuid) is at least named. `time` is from before it can have begun. Returns NULL where there's
/// nothing to note it in.
static struct mallometer_image *note_image(const char *path, int32_t pid, uint64_t time) {
  struct mallometer_spool *spool = recorder_shared_spool();
  if (spool == NULL || path == NULL || !recorder_follows()) return NULL;
  uint32_t index = __atomic_fetch_add(&spool->images, 1, __ATOMIC_ACQ_REL);
  struct mallometer_image *image =
      mallometer_spool_image(spool, index % MALLOMETER_MAX_IMAGES);
  image->failed = 1;
  image->pid = pid;
  image->time = time;
  strncpy(mallometer_image_path(image), path, MALLOMETER_PATH_BYTES - 1);
  __atomic_store_n(&image->failed, 0, __ATOMIC_RELEASE);
  return image;
}

struct pending {
  struct mallometer_image *image;
  struct mallometer_spool *own;
};

static struct pending before_exec(const char *path) {
  pid_t pid = (pid_t)syscall(SYS_getpid);
  struct pending pending = {.image = note_image(path, pid, __rdtsc())};
  struct mallometer_spool *spool = recorder_spool();
  if (spool != NULL && spool->pid == pid) {
    pending.own = spool;
    recorder_refresh_modules(spool);
    recorder_note_end(spool);
    __atomic_store_n(&spool->exec_time, __rdtsc(), __ATOMIC_RELEASE);
  }
  return pending;
}

static int exec_failed(struct pending pending, int result) {
  if (pending.image) __atomic_store_n(&pending.image->failed, 1, __ATOMIC_RELEASE);
  if (pending.own) __atomic_store_n(&pending.own->exec_time, 0, __ATOMIC_RELEASE);
  return result;
}

typedef char *const *strings;

EXPORT int execve(const char *path, strings arguments, strings environment) {
  int (*real)(const char *, strings, strings) = (int (*)(const char *, strings, strings))next(
      "execve");
  FOLLOWED_ENVIRONMENT(environment);
  struct pending pending = before_exec(path);
  return exec_failed(pending, real(path, arguments, followed));
}

EXPORT int execvpe(const char *file, strings arguments, strings environment) {
  int (*real)(const char *, strings, strings) = (int (*)(const char *, strings, strings))next(
      "execvpe");
  FOLLOWED_ENVIRONMENT(environment);
  struct pending pending = before_exec(file);
  return exec_failed(pending, real(file, arguments, followed));
}

EXPORT int execv(const char *path, strings arguments) {
  return execve(path, arguments, environ);
}

EXPORT int execvp(const char *file, strings arguments) {
  return execvpe(file, arguments, environ);
}

EXPORT int fexecve(int file, strings arguments, strings environment) {
  int (*real)(int, strings, strings) = (int (*)(int, strings, strings))next("fexecve");
  FOLLOWED_ENVIRONMENT(environment);
  struct pending pending = before_exec("(file descriptor)");
  return exec_failed(pending, real(file, arguments, followed));
}

/// Turns the variadic forms into arrays; `list` ends before the environment of execle.
#define COLLECT(first, arguments)                                                     \
  va_list list, counting;                                                             \
  va_start(list, first);                                                              \
  va_copy(counting, list);                                                            \
  size_t length_ = 1;                                                                 \
  while (va_arg(counting, char *)) length_++;                                         \
  va_end(counting);                                                                   \
  char **arguments = __builtin_alloca((length_ + 1) * sizeof(char *));                \
  arguments[0] = (char *)first;                                                       \
  for (size_t index_ = 1; index_ <= length_; index_++) arguments[index_] = va_arg(list, char *)

EXPORT int execl(const char *path, const char *first, ...) {
  COLLECT(first, arguments);
  va_end(list);
  return execve(path, arguments, environ);
}

EXPORT int execlp(const char *file, const char *first, ...) {
  COLLECT(first, arguments);
  va_end(list);
  return execvpe(file, arguments, environ);
}

EXPORT int execle(const char *path, const char *first, ...) {
  COLLECT(first, arguments);
  strings environment = va_arg(list, strings);
  va_end(list);
  return execve(path, arguments, environment);
}

typedef int (*spawner)(
    pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, strings,
    strings);

static int spawn(
    const char *name, pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *attributes, strings arguments, strings environment) {
  spawner real = (spawner)next(name);
  FOLLOWED_ENVIRONMENT(environment);
  pid_t started = 0;
  uint64_t before = __rdtsc();
  int status = real(&started, path, actions, attributes, arguments, followed);
  if (status == 0) {
    note_image(path, started, before);
    if (pid) *pid = started;
  }
  return status;
}

EXPORT int posix_spawn(
    pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *attributes, strings arguments, strings environment) {
  return spawn("posix_spawn", pid, path, actions, attributes, arguments, environment);
}

EXPORT int posix_spawnp(
    pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *attributes, strings arguments, strings environment) {
  return spawn("posix_spawnp", pid, file, actions, attributes, arguments, environment);
}

EXPORT int dlclose(void *handle) {
  // What is about to go must be in the table: records point into it.
  struct mallometer_spool *spool = recorder_spool();
  if (spool != NULL) recorder_refresh_modules(spool);
  int (*real)(void *) = (int (*)(void *))next("dlclose");
  return real(handle);
}

EXPORT void _exit(int status) {
  note_before_end();
  for (;;) syscall(SYS_exit_group, status);
}

EXPORT void _Exit(int status) { _exit(status); }
