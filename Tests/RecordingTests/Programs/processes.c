/* Starts itself in every way there is; each image allocates one block of a size of its own. */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **arguments) {
  const char *me = arguments[0];
  if (count > 1) {
    free(malloc((size_t)atoi(arguments[1])));
    return 0;
  }
  void *volatile block = malloc(40000);
  char *none[] = {NULL};
  pid_t child = fork();
  if (child == 0) {
    free(malloc(40001));
    free(block);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  if ((child = vfork()) == 0) {
    execl(me, me, "40002", (char *)NULL);
    _exit(1);
  }
  waitpid(child, NULL, 0);
  char *spawned[] = {(char *)me, "40003", NULL};
  if (posix_spawn(&child, me, NULL, NULL, spawned, none)) return 1;
  waitpid(child, NULL, 0);
  if ((child = fork()) == 0) {
    char *replaced[] = {(char *)me, "40004", NULL};
    free(malloc(40014));
    execve(me, replaced, none);
    _exit(1);
  }
  waitpid(child, NULL, 0);
  if (execl("/does/not/exist", "x", (char *)NULL) == 0) return 1;
  free(malloc(40005));
  free(block);
  execle(me, me, "40006", (char *)NULL, none);
  return 1;
}
