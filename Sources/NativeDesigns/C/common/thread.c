// The ends of threads, forks and of the process's patience.

static pthread_key_t thread_key;
static pthread_once_t thread_key_once = PTHREAD_ONCE_INIT;
static int thread_key_made;

static void thread_make_key(void) {
  thread_key_made = pthread_key_create(&thread_key, design_thread_exit) == 0;
}

#ifdef MALLOMETER_COUNT_STEPS
/// What a thread that the player switches to leaves for its end.
THREAD_LOCAL(void *, thread_exit_value, NULL);

static void thread_run_exit(void) {
  void *value = THREAD(thread_exit_value);
  THREAD(thread_exit_value) = NULL;
  if (value) design_thread_exit(value);
}
#endif

static __attribute__((unused)) void thread_on_exit(void *value) {
#ifdef MALLOMETER_COUNT_STEPS
  if (threads_are_switched) {
    THREAD(thread_exit_value) = value;
    return;
  }
#endif
  int before = errno;
  pthread_once(&thread_key_once, thread_make_key);
  // Without a key the heap of an ended thread stays unused, which is correct, only wasteful.
  if (thread_key_made) pthread_setspecific(thread_key, value);
  errno = before;
}

static void fork_prepare(void) {
  design_before_fork();
  region_lock();
}

static void fork_in_parent(void) {
  region_unlock();
  design_after_fork_parent();
}

static void fork_in_child(void) {
  region_unlock();
  design_after_fork_child();
}

/// As early as a library can: handlers that are registered later run before ours, and may allocate.
static __attribute__((constructor)) void fork_register(void) {
  pthread_atfork(fork_prepare, fork_in_parent, fork_in_child);
}

SLOW __attribute__((noreturn, unused)) void design_abort(const char *why, const void *block) {
  char line[160] = "mallometer: ";
  size_t length = strlen(line);
  for (const char *next = why; *next && length < 120; next++) line[length++] = *next;
  memcpy(line + length, ": 0x", 4);
  length += 4;
  for (int shift = 60; shift >= 0; shift -= 4)
    line[length++] = "0123456789abcdef"[((uintptr_t)block >> shift) & 15];
  line[length++] = '\n';
  ssize_t written = write(STDERR_FILENO, line, length);
  (void)written;
  abort();
}
