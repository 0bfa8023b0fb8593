/* Allocations in a constructor that are freed in a destructor, after main and exit handlers. */
#include <stdlib.h>

static void *block;
static void *handler_block;

__attribute__((constructor)) static void before_main(void) { block = malloc(11111); }
__attribute__((destructor)) static void after_exit(void) {
  block = realloc(block, 22222);
  free(block);
}
static void handler(void) { free(handler_block); }

int main(void) {
  handler_block = malloc(33333);
  atexit(handler);
  return 7;
}
