/* Calls that take a long record: large sizes, and more call sites than the recorder numbers. */
#include <stdlib.h>

static size_t size = 100000;
static void *volatile block;

static void give(void) {
  free(block);
  size++;
}

#define ONE block = malloc(size); give();
#define FOUR ONE ONE ONE ONE
#define SIXTEEN FOUR FOUR FOUR FOUR
#define MANY SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN
#define THOUSAND MANY MANY MANY MANY MANY MANY MANY MANY

static void sites_once(void) {
  THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND
  THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND
}

int main(void) {
  for (int turn = 0; turn < 2; turn++) {
    size = 100000;
    sites_once();
  }
  const size_t sizes[] = {(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3u << 20, 5ul << 30};
  for (int i = 0; i < 5; i++) {
    block = malloc(sizes[i]);
    free(block);
  }
  block = realloc(malloc(50000), 2 << 20);
  block = realloc(block, 50001);
  free(block);
  return 0;
}
