/// Reading small files and putting paths together, where nothing may be allocated.

#include <fcntl.h>
#include <unistd.h>

#include "internal.h"

size_t recorder_read_file(const char *path, char *into, size_t room) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  size_t length = 0;
  ssize_t got;
  while (length < room && (got = read(file, into + length, room - length)) > 0)
    length += (size_t)got;
  close(file);
  return length;
}

char *recorder_append(char *to, const char *text) {
  while (*text) *to++ = *text++;
  return to;
}

char *recorder_append_number(char *to, uint64_t value, unsigned base) {
  char digits[24];
  int length = 0;
  do digits[length++] = "0123456789abcdef"[value % base];
  while (value /= base);
  while (length) *to++ = digits[--length];
  return to;
}
