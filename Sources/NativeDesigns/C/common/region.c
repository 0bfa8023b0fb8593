// Regions: memory from the kernel, and, in counting builds, the numbers by which addresses are
// known whatever the address space layout.

#ifdef MALLOMETER_COUNT_STEPS

/// A mapped region. The table is sorted by base: a lookup is a binary search, a change moves what
/// lies above, which is cheap beside the system call that caused it.
struct region_entry {
  uintptr_t base;
  size_t bytes;
  uint64_t number;
};

/// As many as the kernel maps for one process (vm.max_map_count) with its default settings.
enum { MOST_REGIONS = 65536 };

static struct {
  pthread_mutex_t lock;
  struct region_entry *entries;
  size_t count;
  uint64_t last_number;
} region_table = {.lock = PTHREAD_MUTEX_INITIALIZER};

/// How many entries have a base at or below `address`.
static size_t region_rank(uintptr_t address) {
  size_t low = 0, high = region_table.count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (region_table.entries[middle].base <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void region_register(void *region, size_t bytes) {
  pthread_mutex_lock(&region_table.lock);
  if (!region_table.entries) {
    void *memory = mmap(NULL, MOST_REGIONS * sizeof(struct region_entry), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory != MAP_FAILED) region_table.entries = memory;
  }
  region_table.last_number++;
  if (region_table.entries && region_table.count < MOST_REGIONS) {
    size_t rank = region_rank((uintptr_t)region);
    struct region_entry *entry = &region_table.entries[rank];
    memmove(entry + 1, entry, (region_table.count - rank) * sizeof *entry);
    *entry = (struct region_entry){(uintptr_t)region, bytes, region_table.last_number};
    region_table.count++;
  }
  pthread_mutex_unlock(&region_table.lock);
}

/// Forgets a region that is unmapped whole. What is left of one keeps its number and its base.
static void region_forget(void *start, size_t bytes) {
  uintptr_t from = (uintptr_t)start;
  pthread_mutex_lock(&region_table.lock);
  size_t rank = region_rank(from);
  struct region_entry *entry = rank ? &region_table.entries[rank - 1] : NULL;
  if (entry && from < entry->base + entry->bytes && entry->base == from && entry->bytes <= bytes) {
    region_table.count--;
    memmove(entry, entry + 1, (region_table.count - (rank - 1)) * sizeof *entry);
  }
  pthread_mutex_unlock(&region_table.lock);
}

static uint64_t region_locate(const void *block) {
  uintptr_t address = (uintptr_t)block;
  uint64_t located = 0;
  pthread_mutex_lock(&region_table.lock);
  size_t rank = region_rank(address);
  if (rank) {
    struct region_entry *entry = &region_table.entries[rank - 1];
    if (address < entry->base + entry->bytes)
      located = entry->number << 40 | (address - entry->base);
  }
  pthread_mutex_unlock(&region_table.lock);
  return located;
}

static void region_lock(void) { pthread_mutex_lock(&region_table.lock); }
static void region_unlock(void) { pthread_mutex_unlock(&region_table.lock); }

#else

static void region_register(void *region, size_t bytes) { (void)region, (void)bytes; }
static void region_forget(void *start, size_t bytes) { (void)start, (void)bytes; }
static void region_lock(void) {}
static void region_unlock(void) {}

#endif

static void *region_try(void *hint, size_t bytes) {
  void *region =
      mmap(hint, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return region == MAP_FAILED ? NULL : region;
}

/// Where the next aligned region is asked for. A hint that the kernel honours costs one system
/// call; without one, alignment costs three. Between 2 and 30 TiB nothing else is mapped by
/// default; where exactly it starts follows from where the kernel loaded this library.
static _Atomic(uintptr_t) region_hint;

static void *region_map_aligned(size_t bytes, size_t alignment) {
  enum { HINT_FROM_GIB = 2048, HINT_GIB = 8192, GIB_SHIFT = 30 };
  uintptr_t from = (uintptr_t)HINT_FROM_GIB << GIB_SHIFT;
  uintptr_t upTo = from + ((uintptr_t)4 * HINT_GIB << GIB_SHIFT);
  uintptr_t unset = 0;
  uintptr_t first = from + ((((uintptr_t)&region_hint >> 12) % HINT_GIB) << GIB_SHIFT);
  atomic_compare_exchange_strong(&region_hint, &unset, first);
  uintptr_t wanted = align_up(atomic_fetch_add(&region_hint, bytes + alignment), alignment);
  if (wanted + bytes < upTo) {
    void *region = region_try((void *)wanted, bytes);
    if (!region) return NULL;
    if ((uintptr_t)region % alignment == 0) return region;
    munmap(region, bytes);
  }
  char *wide = region_try(NULL, bytes + alignment);
  if (!wide) return NULL;
  char *region = (char *)align_up((uintptr_t)wide, alignment);
  if (region > wide) munmap(wide, (size_t)(region - wide));
  size_t after = (size_t)(wide + bytes + alignment - (region + bytes));
  if (after) munmap(region + bytes, after);
  return region;
}

static void *region_map(size_t bytes, size_t alignment) {
  int before = errno;
  if (bytes == 0 || bytes > LARGEST_REGION || alignment > LARGEST_REGION) return out_of_memory();
  bytes = align_up(bytes, OS_PAGE_BYTES);
  COUNT(MAP_CALL);
  void *region =
      alignment <= OS_PAGE_BYTES ? region_try(NULL, bytes) : region_map_aligned(bytes, alignment);
  if (!region) return out_of_memory();
  errno = before;
  region_register(region, bytes);
  return region;
}

static void region_unmap(void *region, size_t bytes) {
  int before = errno;
  bytes = align_up(bytes, OS_PAGE_BYTES);
  COUNT(UNMAP_CALL);
  region_forget(region, bytes);
  munmap(region, bytes);
  errno = before;
}

static __attribute__((unused)) void region_purge(void *start, size_t bytes) {
  int before = errno;
  COUNT(ADVISE_CALL);
  madvise(start, bytes, MADV_DONTNEED);
  errno = before;
}

static __attribute__((unused)) void region_purge_lazily(void *start, size_t bytes) {
  int before = errno;
  COUNT(ADVISE_FREE);
  madvise(start, bytes, MADV_FREE);
  errno = before;
}
