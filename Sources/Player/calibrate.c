#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "player.h"

/// Calibrate mode: what the machine's primitives cost alone, each measured a few times.

enum { LINE = 64, PAGE = 4096, HUGE_PAGE = 2 << 20, HUGE_PAGES = 8 };

typedef uint64_t (*kernel)(uint64_t rounds);

/// Twice a second level.
enum { FORGETTING = 4 << 20 };

static char *area;
static size_t area_bytes;
static __thread volatile uint64_t thread_local_counter;
static volatile uint64_t global_counter;

/// Links `count` places, `stride` bytes apart, into one cycle in random order. With `spread` every
/// place lies in another line of its stride, so that a stride of a page uses all cache sets.
static void link_cycle(size_t count, size_t stride, int spread) {
  uint64_t random = 88172645463325252ull;
  uint32_t *order = map_resident(count * sizeof *order);
  for (size_t i = 0; i < count; i++) order[i] = (uint32_t)i;
  for (size_t i = count - 1; i > 0; i--) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    size_t j = random % i;
    uint32_t swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
  }
#define PLACE(i) (area + (i) * stride + (spread ? (i) % (PAGE / LINE) * LINE : 0))
  for (size_t i = 0; i < count; i++)
    *(void **)PLACE((size_t)order[i]) = PLACE((size_t)order[(i + 1) % count]);
#undef PLACE
  munmap(order, count * sizeof *order);
}

static uint64_t chase(uint64_t rounds) {
  void **at = (void **)area;
  for (uint64_t i = 0; i < rounds; i++) at = *(void **volatile *)at;
  global_counter += (uint64_t)(uintptr_t)at & 1;
  return rounds;
}

static uint64_t read_clock(uint64_t rounds) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < rounds; i++) sum += __rdtsc();
  global_counter += sum & 1;
  return rounds;
}

static uint64_t enter_kernel(uint64_t rounds) {
  for (uint64_t i = 0; i < rounds; i++) syscall(SYS_getppid);
  return rounds;
}

enum { REGION = 16 * PAGE, REGIONS = 1024 };

/// Regions with gaps between them, so that the kernel can't join them into one mapping.
static uint64_t map_regions(uint64_t rounds) {
  for (uint64_t i = 0; i < rounds; i++)
    mmap(
        area + 2 * i * REGION, REGION, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  return rounds;
}

static uint64_t unmap_regions(uint64_t rounds) {
  for (uint64_t i = 0; i < rounds; i++) munmap(area + 2 * i * REGION, REGION);
  return rounds;
}

/// Every region is told for the first time, as a design tells a new mapping.
static uint64_t advise_regions(uint64_t rounds, int advice) {
  for (uint64_t i = 0; i < rounds; i++) madvise(area + 2 * i * REGION, REGION, advice);
  return rounds;
}
static uint64_t advise_dont_need(uint64_t rounds) { return advise_regions(rounds, MADV_DONTNEED); }
static uint64_t advise_free(uint64_t rounds) { return advise_regions(rounds, MADV_FREE); }
static uint64_t advise_will_need(uint64_t rounds) { return advise_regions(rounds, MADV_WILLNEED); }
static uint64_t advise_sequential(uint64_t rounds) {
  return advise_regions(rounds, MADV_SEQUENTIAL);
}
static uint64_t advise_huge(uint64_t rounds) { return advise_regions(rounds, MADV_HUGEPAGE); }

static char *huge_area;

/// Address space for huge pages that were never touched, aligned to them.
static uint64_t forget_huge_pages(uint64_t rounds) {
  madvise(huge_area, (size_t)HUGE_PAGE * rounds, MADV_DONTNEED);
  return rounds;
}

static uint64_t fault_huge_pages(uint64_t rounds) {
  for (uint64_t i = 0; i < rounds; i++) *(volatile char *)(huge_area + i * HUGE_PAGE) = 1;
  return rounds;
}

/// Whether the kernel serves a first touch by a huge page: then all of it is resident.
static int has_huge_pages(void) {
  unsigned char resident = 0;
  fault_huge_pages(1);
  return mincore(huge_area + HUGE_PAGE / 2, PAGE, &resident) == 0 && (resident & 1);
}

static uint64_t clear_lines(uint64_t rounds) {
  for (uint64_t i = 0; i < rounds; i += 64) {
    memset(area, 0, 64 * LINE);
    __asm__ volatile("" ::: "memory");
  }
  return rounds;
}

static uint64_t copy_lines(uint64_t rounds) {
  for (uint64_t i = 0; i < rounds; i += 64) {
    memcpy(area, area + 128 * LINE, 64 * LINE);
    __asm__ volatile("" ::: "memory");
  }
  return rounds;
}

/// Bytes that the stores and the passes below go over.
static size_t span;

/// Stores to lines in an order that no prefetcher follows; none waits for another.
static uint64_t store_scattered(uint64_t rounds) {
  size_t lines = span / LINE, at = 1;
  for (uint64_t i = 0; i < rounds; i++) {
    at = (at * 1103515245 + 12345) & (lines - 1);
    *(volatile uint64_t *)(area + at * LINE) = i;
  }
  return rounds;
}

/// Loads of lines in such an order; none waits for another.
static uint64_t load_scattered(uint64_t rounds) {
  size_t lines = span / LINE, at = 1;
  uint64_t sum = 0;
  for (uint64_t i = 0; i < rounds; i++) {
    at = (at * 1103515245 + 12345) & (lines - 1);
    sum += *(volatile uint64_t *)(area + at * LINE);
  }
  global_counter += sum;
  return rounds;
}

static uint64_t pass_over(uint64_t rounds) {
  size_t lines = span / LINE, at = 0;
  uint64_t sum = 0;
  for (uint64_t i = 0; i < rounds; i++) {
    sum += *(volatile uint64_t *)(area + at * LINE);
    if (++at == lines) at = 0;
  }
  global_counter += sum;
  return rounds;
}

static uint64_t add_atomically(uint64_t rounds) {
  for (uint64_t i = 0; i < rounds; i++) __atomic_fetch_add(&global_counter, 1, __ATOMIC_RELAXED);
  return rounds;
}

/// Eight counters in turn: the work of an increment, not the latency of one counter's chain.
static uint64_t add_plainly(uint64_t rounds) {
  volatile uint64_t *counters = (volatile uint64_t *)area;
  for (uint64_t i = 0; i < rounds; i++) counters[i & 7]++;
  return rounds;
}

static uint64_t add_thread_locally(uint64_t rounds) {
  for (uint64_t i = 0; i < rounds; i++) thread_local_counter++;
  return rounds;
}

/// Branches on random bits less the same branches on a constant: half of them are mispredicted.
static uint64_t branch_on(uint64_t rounds, int random_bits) {
  uint64_t state = 88172645463325252ull, taken = 0;
  for (uint64_t i = 0; i < rounds; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    if (random_bits ? state & 1 : state != 0) __asm__ volatile("add $1, %0" : "+r"(taken));
    else __asm__ volatile("sub $1, %0" : "+r"(taken));
  }
  global_counter += taken;
  return rounds;
}
static uint64_t branch_randomly(uint64_t rounds) { return branch_on(rounds, 1); }
static uint64_t branch_steadily(uint64_t rounds) { return branch_on(rounds, 0); }

/// `prepare` runs before every repeat, outside its span.
static void record_prepared(const char *name, kernel prepare, kernel run, uint64_t rounds) {
  struct mallometer_primitive primitive = {{0}, {0}};
  strncpy(primitive.name, name, sizeof primitive.name - 1);
  if (prepare == NULL) run(rounds < 4096 ? rounds : rounds / 4);
  for (int repeat = 0; repeat < MALLOMETER_CALIBRATION_REPEATS; repeat++) {
    if (prepare != NULL) prepare(rounds);
    uint64_t from = __rdtsc(), done = run(rounds), ticks = __rdtsc() - from;
    primitive.picoseconds[repeat] =
        (uint64_t)((double)ticks * 1e12 / (double)player.result->ticks_per_second / (double)done);
  }
  write_all(player.result_file, &primitive, sizeof primitive);
}

static void record(const char *name, kernel run, uint64_t rounds) {
  record_prepared(name, NULL, run, rounds);
}

/// Mapping and unmapping apart, over address space found free.
static void record_mappings(void) {
  char *whole = area;
  area = mmap(
      NULL, 2ul * REGIONS * REGION, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (area == MAP_FAILED) fail(2, "calibration needs address space", NULL);
  munmap(area, 2ul * REGIONS * REGION);
  record_prepared("map", unmap_regions, map_regions, REGIONS);
  record_prepared("unmap", map_regions, unmap_regions, REGIONS);
  record_prepared("advise-dont-need", map_regions, advise_dont_need, REGIONS);
  record_prepared("advise-free", map_regions, advise_free, REGIONS);
  record_prepared("advise-will-need", map_regions, advise_will_need, REGIONS);
  record_prepared("advise-sequential", map_regions, advise_sequential, REGIONS);
  record_prepared("advise-huge-page", map_regions, advise_huge, REGIONS);
  unmap_regions(REGIONS);
  area = whole;
}

static void record_chase(const char *name, size_t bytes, size_t stride, int spread) {
  link_cycle(bytes / stride, stride, spread);
  record(name, chase, 1 << 18);
}

/// Left out where the kernel gives no huge pages.
static void record_huge_faults(void) {
  char *start = mmap(
      NULL, (size_t)(HUGE_PAGES + 1) * HUGE_PAGE, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return;
  huge_area = (char *)(((uintptr_t)start + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
  madvise(huge_area, (size_t)HUGE_PAGES * HUGE_PAGE, MADV_HUGEPAGE);
  if (has_huge_pages())
    record_prepared("huge-page-fault", forget_huge_pages, fault_huge_pages, HUGE_PAGES);
  munmap(start, (size_t)(HUGE_PAGES + 1) * HUGE_PAGE);
}

static void record_over(const char *name, kernel run, size_t bytes) {
  span = bytes;
  record(name, run, 1 << 18);
}

static void map_area(int pages) {
  area = mmap(
      NULL, area_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (area == MAP_FAILED) fail(2, "calibration needs 512 MiB of memory", NULL);
  madvise(area, area_bytes, pages);
}

/// Bytes from one page that is faulted in to the next: `area` holds them all.
static size_t fault_stride = PAGE;

static uint64_t forget_pages(uint64_t rounds) {
  madvise(area, rounds * fault_stride, MADV_DONTNEED);
  return rounds;
}

static uint64_t fault_pages(uint64_t rounds) {
  for (uint64_t i = 0; i < rounds; i++) *(volatile char *)(area + i * fault_stride) = 1;
  return rounds;
}

/// Mapped anew: what is only forgotten keeps its pages of the page table.
static uint64_t map_anew(uint64_t rounds) {
  munmap(area, area_bytes);
  map_area(MADV_NOHUGEPAGE);
  return rounds;
}

/// Two levels of cache go over other lines: none of the kernel's is left there.
static uint64_t forget_pages_and_caches(uint64_t rounds) {
  char *others = area + area_bytes / 2;
  forget_pages(rounds);
  for (size_t at = 0; at < FORGETTING; at += LINE) global_counter += (uint64_t)others[at];
  return rounds;
}

/// The first touches of pages: whose frames are in the second level; in none; each in 2 MiB of its
/// own; alone, with nothing of the kernel's in the second level.
static void record_faults(void) {
  record_prepared("page-fault", forget_pages, fault_pages, 64);
  record_prepared("page-fault-far", forget_pages, fault_pages, 1 << 14);
  fault_stride = HUGE_PAGE;
  record_prepared("page-fault-apart", map_anew, fault_pages, area_bytes / HUGE_PAGE);
  fault_stride = PAGE;
  memset(area + area_bytes / 2, 1, FORGETTING);
  record_prepared("page-fault-cold", forget_pages_and_caches, fault_pages, 1);
}

/// What a calibration build has to show, and nothing of the machine.
static void record_kernels(const struct player *p) {
  uint64_t count;
  const struct mallometer_kernel *kernels = p->allocator.kernels(&count);
  for (uint64_t i = 0; i < count; i++) {
    const struct mallometer_kernel *one = &kernels[i];
    if (one->prepare != NULL) one->prepare(one->rounds);
    one->run(one->rounds);
    record_prepared(one->name, one->prepare, one->run, one->rounds);
  }
}

void run_calibrate(struct player *p) {
  p->result->ticks_per_second = measure_ticks_per_second();
  p->result->core_hertz[0] = measure_core_hertz(p->result->ticks_per_second);
  if (p->allocator.kernels != NULL) {
    record_kernels(p);
    p->result->core_hertz[1] = p->result->core_hertz[2] =
        measure_core_hertz(p->result->ticks_per_second);
    return;
  }
  area_bytes = (size_t)512 << 20;
  map_area(MADV_NOHUGEPAGE);
  record("clock-read", read_clock, 1 << 14);
  record("system-call", enter_kernel, 1 << 13);
  record_mappings();
  record_faults();
  record_huge_faults();
  record("line-clear", clear_lines, 1 << 18);
  record("line-copy", copy_lines, 1 << 18);
  record("atomic-add", add_atomically, 1 << 16);
  record("plain-add", add_plainly, 1 << 18);
  record("thread-local-add", add_thread_locally, 1 << 18);
  record("branch-random", branch_randomly, 1 << 16);
  record("branch-steady", branch_steadily, 1 << 16);
  p->result->core_hertz[1] = measure_core_hertz(p->result->ticks_per_second);
  record_chase("load-level-one", 16 << 10, LINE, 0);
  // No more pages than the first translation buffer has entries for.
  record_chase("load-level-two", 192 << 10, LINE, 0);
  record_chase("load-translation-hit", 4 << 20, PAGE, 1);
  record_chase("load-translation-walk", 16 << 20, PAGE, 1);
  // On huge pages from here on: a load that misses caches shall find its translation.
  munmap(area, area_bytes);
  map_area(MADV_HUGEPAGE);
  record_chase("load-level-three", 8 << 20, LINE, 0);
  record_chase("load-memory", area_bytes, LINE, 0);
  record_over("load-scattered-near", load_scattered, 16 << 10);
  record_over("load-scattered", load_scattered, area_bytes);
  record_over("store-level-one", store_scattered, 16 << 10);
  record_over("store-level-two", store_scattered, 192 << 10);
  record_over("store-level-three", store_scattered, 8 << 20);
  record_over("store-memory", store_scattered, area_bytes);
  record_over("pass-level-one", pass_over, 16 << 10);
  record_over("pass-level-three", pass_over, 4 << 20);
  record_over("pass-memory", pass_over, area_bytes);
  p->result->core_hertz[2] = measure_core_hertz(p->result->ticks_per_second);
}
