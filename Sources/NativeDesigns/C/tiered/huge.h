// Huge pages: from the kernel's reserve (MAP_HUGETLB), 1 GiB pages before 2 MiB ones, else
// transparent ones by madvise, else the mapped tier. Each step down is counted.
//
// What the machine has is read once, from the same files that the model reads: the reserve is then
// a number that is taken from and given back to, so that model and build decide alike. Another
// process that takes pages of the reserve meanwhile makes a mapping fail that the model saw
// succeed; that is a fallback too.

#if HUGE_PAGES

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

enum huge_kind { TRANSPARENT_PAGES, HUGE_RESERVE, GIGANTIC_RESERVE };
static const uint8_t huge_shift[] = {21, 21, 30};

static struct {
  _Alignas(LINE_BYTES) struct mutex_lock lock;
  bool known;
  bool transparent;
  /// Pages of the reserve that nobody has, by kind.
  size_t left[3];
} huge = {.lock = MUTEX_LOCK_INITIALLY};

/// The start of a file as text; empty where there is none.
static void huge_read(const char *path, char *text, size_t capacity) {
  ssize_t length = 0;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    length = read(file, text, capacity - 1);
    close(file);
  }
  text[length > 0 ? length : 0] = 0;
}

static size_t huge_number(const char *path) {
  char text[32];
  huge_read(path, text, sizeof text);
  size_t number = 0;
  for (const char *digit = text; *digit >= '0' && *digit <= '9'; digit++)
    number = 10 * number + (size_t)(*digit - '0');
  return number;
}

#define HUGE_FOLDER "/sys/kernel/mm/hugepages/hugepages-"

static size_t huge_left(const char *free_path, const char *reserved_path) {
  size_t all = huge_number(free_path), reserved = huge_number(reserved_path);
  return all > reserved ? all - reserved : 0;
}

SLOW void huge_detect(void) {
  int before = errno;
  COUNT(HUGE_PAGE_DETECT);
  huge.left[HUGE_RESERVE] = huge_left(HUGE_FOLDER "2048kB/free_hugepages",
                                      HUGE_FOLDER "2048kB/resv_hugepages");
  huge.left[GIGANTIC_RESERVE] = huge_left(HUGE_FOLDER "1048576kB/free_hugepages",
                                          HUGE_FOLDER "1048576kB/resv_hugepages");
  char text[64];
  huge_read("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text);
  huge.transparent = strstr(text, "[always]") || strstr(text, "[madvise]");
  huge.known = true;
  errno = before;
}

/// Takes the pages for so many bytes out of the reserve, if it has them.
static bool huge_take(enum huge_kind kind, size_t size) {
  size_t pages = (size + ((size_t)1 << huge_shift[kind]) - 1) >> huge_shift[kind];
  if (huge.left[kind] < pages) return false;
  huge.left[kind] -= pages;
  return true;
}

static void huge_give(enum huge_kind kind, size_t bytes) {
  mutex_acquire(&huge.lock);
  huge.left[kind] += bytes >> huge_shift[kind];
  mutex_release(&huge.lock);
}

/// Which pages serve a request; -1 for plain ones.
static int huge_choose(size_t size) {
  int kind = -1;
  mutex_acquire(&huge.lock);
  if (UNLIKELY(!huge.known)) huge_detect();
  if (size >= (size_t)1 << 30) {
    if (huge_take(GIGANTIC_RESERVE, size))
      kind = GIGANTIC_RESERVE;
    else
      COUNT(GIGANTIC_PAGE_FALLBACK);
  }
  if (kind < 0) {
    if (huge_take(HUGE_RESERVE, size)) {
      kind = HUGE_RESERVE;
    } else {
      COUNT(HUGE_PAGE_FALLBACK);
      if (huge.transparent)
        kind = TRANSPARENT_PAGES;
      else
        COUNT(TRANSPARENT_PAGE_FALLBACK);
    }
  }
  mutex_release(&huge.lock);
  return kind;
}

/// A block in huge pages. Before it lie as many bytes of address space as the alignment needs; only
/// the page with the header is ever touched of them. The payload is NULL when only plain pages are
/// to be had.
SLOW struct tiered_block huge_allocate(size_t size, size_t alignment) {
  struct tiered_block block = {.fresh = true};
  int kind = huge_choose(size);
  if (kind < 0) return block;
  size_t page = (size_t)1 << huge_shift[kind];
  size_t offset = alignment > page ? alignment : page;
  size_t area = align_up(size, page);
  char *region = region_map(offset + area, offset);
  if (region && kind != TRANSPARENT_PAGES) {
    COUNT(HUGE_PAGE_MAP);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_HUGETLB |
                huge_shift[kind] << MAP_HUGE_SHIFT;
    int before = errno;
    if (mmap(region + offset, area, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) {
      // Somebody else took them. What MAP_FIXED leaves behind is not to be relied upon.
      errno = before;
      region_unmap(region, offset + area);
      COUNT(HUGE_PAGE_FALLBACK);
      return block;
    }
  }
  if (!region) {
    if (kind != TRANSPARENT_PAGES) huge_give((enum huge_kind)kind, area);
    return block;
  }
  if (kind == TRANSPARENT_PAGES) {
    COUNT(ADVISE_HUGE_PAGE);
    madvise(region + offset, area, MADV_HUGEPAGE);
  }
  block.payload = region + offset;
  mapping_write(block.payload, region, offset + area, HUGE_TIER, (uint32_t)kind);
  return block;
}

SLOW void huge_free(struct mapped_header *mapping) {
  enum huge_kind kind = (enum huge_kind)mapping->header.class;
  size_t area = (size_t)(mapping->region + mapping->bytes - (char *)(mapping + 1));
  region_unmap(mapping->region, mapping->bytes);
  if (kind != TRANSPARENT_PAGES) huge_give(kind, area);
}

#endif
