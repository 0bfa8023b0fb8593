/* A number of threads, one after the other, each with calls of its own size. */
#include <pthread.h>
#include <stdlib.h>

static void *brief(void *argument) {
  void *volatile block = malloc((size_t)argument);
  free(block);
  return NULL;
}

int main(int count, char **arguments) {
  if (count < 2) return 2;
  size_t threads = strtoul(arguments[1], NULL, 10);
  for (size_t i = 0; i < threads; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, brief, (void *)(100000 + i))) return 1;
    pthread_join(thread, NULL);
  }
  return 0;
}
