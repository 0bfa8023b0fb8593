// Size classes: multiples of 16 up to 128 bytes, then four per doubling (12.5 % spacing on
// average) up to 1 MiB; or multiples of 16 up to 64 bytes, then two per doubling. With large pages
// up to 2 MiB.

static const uint32_t bin_bytes[BIN_COUNT] = {
#if MALLOMETER_TOGGLE_BINS == MALLOMETER_BINS_32
#define TWO_FROM(base) 3 * (base), 4 * (base)
    0, 16, 32, 48, 64,
    TWO_FROM(32), TWO_FROM(64), TWO_FROM(128), TWO_FROM(256), TWO_FROM(512), TWO_FROM(1024),
    TWO_FROM(2048), TWO_FROM(4096), TWO_FROM(8192), TWO_FROM(16384), TWO_FROM(32768),
    TWO_FROM(65536), TWO_FROM(131072), TWO_FROM(262144),
#if HAS_LARGE_PAGES
    TWO_FROM(524288),
#endif
#undef TWO_FROM
#else
#define FOUR_FROM(base) 10 * (base), 12 * (base), 14 * (base), 16 * (base)
    0,  16, 32, 48, 64, 80, 96, 112, 128,
    FOUR_FROM(16), FOUR_FROM(32), FOUR_FROM(64), FOUR_FROM(128), FOUR_FROM(256), FOUR_FROM(512),
    FOUR_FROM(1024), FOUR_FROM(2048), FOUR_FROM(4096), FOUR_FROM(8192), FOUR_FROM(16384),
    FOUR_FROM(32768), FOUR_FROM(65536),
#if HAS_LARGE_PAGES
    FOUR_FROM(131072),
#endif
#undef FOUR_FROM
#endif
};

/// The bin by rounding where bins are as far apart as blocks must be, else by counting leading
/// zeros.
FAST uint32_t bin_computed(size_t bytes) {
  size_t granules = (bytes + 15) / 16;
#if MALLOMETER_TOGGLE_BINS == MALLOMETER_BINS_32
  if (granules <= 4) {
    COUNT(SIZE_CLASS_SHIFT);
    return granules ? (uint32_t)granules : 1;
  }
  COUNT(SIZE_CLASS_LEADING_ZEROS);
  size_t last = granules - 1;
  uint32_t top = 63 - (uint32_t)__builtin_clzl(last);
  return (top << 1) + (uint32_t)((last >> (top - 1)) & 1) + 1;
#else
  if (granules <= 8) {
    COUNT(SIZE_CLASS_SHIFT);
    return granules ? (uint32_t)granules : 1;
  }
  COUNT(SIZE_CLASS_LEADING_ZEROS);
  size_t last = granules - 1;
  uint32_t top = 63 - (uint32_t)__builtin_clzl(last);
  return (top << 2) + (uint32_t)((last >> (top - 2)) & 3) - 3;
#endif
}

/// The bin by binary search: one probe per halving.
FAST uint32_t bin_searched(size_t bytes) {
  uint32_t low = 1, high = BIN_COUNT - 1;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    COUNT(SIZE_CLASS_SEARCH_PROBE);
    if (bin_bytes[middle] < bytes)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/// For sizes up to LARGEST_BLOCK.
PATH uint32_t bin_of(size_t bytes) {
#if IS_DIRECT
  return bin_computed(bytes);
#else
  return bin_searched(bytes);
#endif
}

FAST enum page_kind bin_kind(uint32_t bin) {
  uint32_t bytes = bin_bytes[bin];
  return bytes <= SMALL_PAGE_BLOCK    ? SMALL_PAGE
         : bytes <= MEDIUM_PAGE_BLOCK ? MEDIUM_PAGE
                                      : LARGE_PAGE;
}
