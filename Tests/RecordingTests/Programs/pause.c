/* Two calls with seconds between them, more than the lower half of a time stamp holds. */
#include <stdlib.h>
#include <time.h>

int main(void) {
  void *volatile block = malloc(60001);
  free(block);
  struct timespec pause = {.tv_sec = 4};
  while (nanosleep(&pause, &pause) != 0) {}
  block = malloc(60002);
  free(block);
  return 0;
}
