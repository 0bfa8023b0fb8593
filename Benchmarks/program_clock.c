// Preloaded in front of an allocator, notes the processor's clock at every 1024th call, and nothing
// else: a jump per call, and the caller's return address stays where it is. One file for each process
// image: $PROGRAM_CLOCK.PID, ticks as 64-bit integers. For one thread; x86-64 only.
// cc -O2 -fPIC -shared -fno-builtin -o program_clock.so program_clock.c
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

enum { WINDOW = 1024, TICKS = 65536 };

#define HIDDEN __attribute__((visibility("hidden")))
HIDDEN void *clock_malloc, *clock_calloc, *clock_realloc, *clock_free;
/// Calls until the next tick; 1 at first, so that the first call finds the allocator.
HIDDEN int clock_left = 1;
static uint64_t *ticks;
static int count;

HIDDEN void clock_tick(void) {
  if (!clock_malloc) {
    // dlsym may allocate: not through here again.
    clock_left = 1 << 30;
    clock_calloc = dlsym(RTLD_NEXT, "calloc");
    clock_realloc = dlsym(RTLD_NEXT, "realloc");
    clock_free = dlsym(RTLD_NEXT, "free");
    clock_malloc = dlsym(RTLD_NEXT, "malloc");
    const char *prefix = getenv("PROGRAM_CLOCK");
    char path[512];
    if (prefix && snprintf(path, sizeof path, "%s.%d", prefix, getpid()) < (int)sizeof path) {
      int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
      if (file >= 0 && !ftruncate(file, TICKS * sizeof *ticks)) {
        void *map = mmap(NULL, TICKS * sizeof *ticks, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (map != MAP_FAILED) ticks = map;
      }
      if (file >= 0) close(file);
    }
  }
  clock_left = WINDOW;
  if (ticks && count < TICKS) ticks[count++] = __rdtsc();
}

#define FORWARD(name)                                                                              \
  __asm__(".text\n.p2align 4\n.globl " #name "\n.type " #name ",@function\n" #name                 \
          ":\n decl clock_left(%rip)\n jle 1f\n jmp *clock_" #name                                 \
          "(%rip)\n1: push %rdi\n push %rsi\n sub $8, %rsp\n call clock_tick\n add $8, %rsp\n"     \
          " pop %rsi\n pop %rdi\n jmp *clock_" #name "(%rip)\n.size " #name ", . - " #name "\n")
FORWARD(malloc);
FORWARD(calloc);
FORWARD(realloc);
FORWARD(free);
