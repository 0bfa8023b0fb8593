/* Counts every returned call in a shared file, for as long as it lives or as many as were asked. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int count, char **arguments) {
  if (count < 3) return 2;
  int file = open(arguments[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || ftruncate(file, 4096)) return 2;
  volatile unsigned long *calls =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  unsigned long bound = strtoul(arguments[2], NULL, 10);
  /* Whatever the program had open, the recorder has to do without. */
  for (int i = 0; i < 1024; i++) close(i);
  for (unsigned long i = 0; i < bound; i++) {
    void *block = malloc(100000 + i % 4096);
    calls[0] = i + 1;
    free(block);
    calls[1] = i + 1;
  }
  return 0;
}
