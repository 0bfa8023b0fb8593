/* Producers allocate, consumers free; each thread also has a destructor that frees at its end. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { pairs = 4, rounds = 50000, room = 256 };

static struct queue {
  void *_Atomic slot[room];
} queues[pairs];
static pthread_key_t key;

static void *produce(void *argument) {
  struct queue *queue = argument;
  pthread_setspecific(key, malloc(777));
  for (int i = 0; i < rounds; i++) {
    void *block = malloc(16 + (size_t)i % 500);
    while (atomic_load(&queue->slot[i % room])) {}
    atomic_store(&queue->slot[i % room], block);
  }
  return NULL;
}

static void *consume(void *argument) {
  struct queue *queue = argument;
  pthread_setspecific(key, malloc(777));
  for (int i = 0; i < rounds; i++) {
    void *block;
    while (!(block = atomic_load(&queue->slot[i % room]))) {}
    free(block);
    atomic_store(&queue->slot[i % room], NULL);
  }
  return NULL;
}

static void *brief(void *argument) {
  pthread_setspecific(key, malloc(778));
  return argument;
}

int main(void) {
  pthread_key_create(&key, free);
  pthread_t threads[2 * pairs];
  for (int i = 0; i < pairs; i++) {
    pthread_create(&threads[2 * i], NULL, produce, &queues[i]);
    pthread_create(&threads[2 * i + 1], NULL, consume, &queues[i]);
  }
  for (int i = 0; i < 2 * pairs; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < 300; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, brief, NULL);
    pthread_join(thread, NULL);
  }
  return 0;
}
