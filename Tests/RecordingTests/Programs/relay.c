/* Pairs of threads: one allocates blocks whose sizes tell pair and turn, the other frees them. Both
   do as much on blocks of their own. Prints "done". */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { pairs = 2, room = 512, turns = 5000, width = 20000 };

static struct queue {
  void *_Atomic slot[room];
} queues[pairs];
static unsigned long rounds;

static void own(void) {
  void *volatile block = malloc(24);
  block = realloc(block, 48);
  free(block);
}

static void *produce(void *argument) {
  size_t pair = (size_t)argument;
  for (unsigned long i = 0; i < rounds; i++) {
    void *block = malloc(width * (pair + 1) + i % turns);
    own();
    while (atomic_load(&queues[pair].slot[i % room])) sched_yield();
    atomic_store(&queues[pair].slot[i % room], block);
  }
  return NULL;
}

static void *consume(void *argument) {
  size_t pair = (size_t)argument;
  for (unsigned long i = 0; i < rounds; i++) {
    void *block;
    own();
    while (!(block = atomic_load(&queues[pair].slot[i % room]))) sched_yield();
    free(block);
    atomic_store(&queues[pair].slot[i % room], NULL);
  }
  return NULL;
}

int main(int count, char **arguments) {
  if (count < 2) return 2;
  rounds = strtoul(arguments[1], NULL, 10);
  pthread_t threads[2 * pairs];
  for (size_t i = 0; i < pairs; i++) {
    pthread_create(&threads[2 * i], NULL, produce, (void *)i);
    pthread_create(&threads[2 * i + 1], NULL, consume, (void *)i);
  }
  for (int i = 0; i < 2 * pairs; i++) pthread_join(threads[i], NULL);
  return write(1, "done\n", 5) == 5 ? 0 : 1;
}
