/* Messages through three stages of threads: what one allocates, the next frees. pipeline MESSAGES */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { room = 64 };

struct queue {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  char *slot[room];
  unsigned head, tail;
};

static struct queue parsed, ready;
static long messages;

static void put(struct queue *queue, char *message) {
  pthread_mutex_lock(&queue->lock);
  while (queue->tail - queue->head == room) pthread_cond_wait(&queue->changed, &queue->lock);
  queue->slot[queue->tail++ % room] = message;
  pthread_cond_broadcast(&queue->changed);
  pthread_mutex_unlock(&queue->lock);
}

static char *take(struct queue *queue) {
  pthread_mutex_lock(&queue->lock);
  while (queue->tail == queue->head) pthread_cond_wait(&queue->changed, &queue->lock);
  char *message = queue->slot[queue->head++ % room];
  pthread_cond_broadcast(&queue->changed);
  pthread_mutex_unlock(&queue->lock);
  return message;
}

static uint64_t next(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  return *state ^= *state << 17;
}

static void *parse(void *unused) {
  uint64_t random = 88172645463325252ULL;
  for (long i = 0; i < messages; i++) {
    char *line = malloc(128);
    int length = snprintf(line, 128, "%ld:%lu", i, (unsigned long)next(&random));
    char *message = malloc((size_t)length + 1 + next(&random) % 900);
    memcpy(message, line, (size_t)length + 1);
    free(line);
    put(&parsed, message);
  }
  put(&parsed, NULL);
  return unused;
}

static void *transform(void *unused) {
  char *message;
  while ((message = take(&parsed))) {
    size_t length = strlen(message);
    char *longer = calloc(1, length * 3 + 64);
    for (size_t i = 0; i < length; i++) longer[length - 1 - i] = message[i];
    free(message);
    if (length % 3 == 0) longer = realloc(longer, length * 5 + 128);
    put(&ready, longer);
  }
  put(&ready, NULL);
  return unused;
}

int main(int count, char **arguments) {
  messages = count > 1 ? atol(arguments[1]) : 1000;
  pthread_mutex_init(&parsed.lock, NULL);
  pthread_mutex_init(&ready.lock, NULL);
  pthread_cond_init(&parsed.changed, NULL);
  pthread_cond_init(&ready.changed, NULL);
  pthread_t threads[2];
  pthread_create(&threads[0], NULL, parse, NULL);
  pthread_create(&threads[1], NULL, transform, NULL);
  char *kept[500] = {NULL};
  char *message;
  unsigned long sum = 0;
  for (unsigned n = 0; (message = take(&ready)); n++) {
    sum += (unsigned char)message[0];
    free(kept[n % 500]);
    kept[n % 500] = message;
  }
  for (int i = 0; i < 500; i++) free(kept[i]);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  printf("%lu\n", sum);
  return 0;
}
