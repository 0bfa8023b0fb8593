// Allocates and frees blocks of 16 to 1024 bytes at random and prints nanoseconds per call.
// usage: random_mixed THREADS EVENTS
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LIVE = 1000 };

static long events;

static void *work(void *argument) {
  unsigned long long state = 0x9E3779B97F4A7C15ull * (1 + (unsigned long long)(size_t)argument);
  void *blocks[LIVE] = {0};
  for (long done = 0; done < events; done++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    void **block = &blocks[(state >> 20) % LIVE];
    if (*block) {
      free(*block);
      *block = NULL;
    } else {
      *block = malloc(16 + (state >> 40) % 1009);
      if (*block) *(volatile char *)*block = 1;
    }
  }
  for (int index = 0; index < LIVE; index++) free(blocks[index]);
  return NULL;
}

int main(int count, char **arguments) {
  int threads = count > 1 ? atoi(arguments[1]) : 1;
  events = count > 2 ? atol(arguments[2]) : 5000000;
  if (threads < 1 || threads > 64 || events < 1) return 64;
  pthread_t handles[64];
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (int index = 1; index < threads; index++) {
    if (pthread_create(&handles[index], NULL, work, (void *)(size_t)index)) return 70;
  }
  work(NULL);
  for (int index = 1; index < threads; index++) pthread_join(handles[index], NULL);
  clock_gettime(CLOCK_MONOTONIC, &end);
  double elapsed = (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec);
  // Per thread: what a call takes the thread that makes it.
  printf("%.3f\n", elapsed / events);
  return 0;
}
