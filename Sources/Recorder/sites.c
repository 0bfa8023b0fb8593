/// The numbers of call sites, so that a record needs two bytes for one and not six.

#include "internal.h"

/// Looks for a return address where it may be. Returns its place, or that where it has to go, or
/// -1; `*number` is its number, 0 if it has none yet.
static int64_t search(const struct recorder_sites *sites, uint64_t caller, uint64_t *number) {
  uint32_t first = recorder_site_place(caller);
  for (uint32_t step = 0; step < 16; step++) {
    uint32_t place = (first + step) % SITE_PLACES;
    uint64_t found = __atomic_load_n(&sites->places[place], __ATOMIC_ACQUIRE);
    *number = found >> 48;
    if (found == 0 || (found ^ caller) << 16 == 0) return place;
  }
  *number = 0;
  return -1;
}

uint64_t recorder_site_number(
    struct recorder_sites *sites, struct mallometer_spool *spool, uint64_t caller) {
  uint64_t number;
  if (search(sites, caller, &number) < 0 || number != 0 || caller == 0) return number;
  if (__atomic_exchange_n(&sites->lock, 1, __ATOMIC_ACQUIRE)) return 0;
  // Another thread may have been first.
  int64_t place = search(sites, caller, &number);
  if (place >= 0 && number == 0 && sites->used + 1 < MALLOMETER_MAX_SITES) {
    uint64_t *at = &mallometer_spool_sites(spool)[sites->used + 1];
    bool begins_page = (uintptr_t)at % 4096 == 0;
    if (begins_page) __atomic_fetch_add(&spool->own_faults, 1, __ATOMIC_RELAXED);
    if (!begins_page || recorder_populate(at, 4096)) {
      number = ++sites->used;
      __atomic_store_n(at, caller, __ATOMIC_RELEASE);
      __atomic_store_n(&sites->places[place], caller | number << 48, __ATOMIC_RELEASE);
    }
  }
  __atomic_store_n(&sites->lock, 0, __ATOMIC_RELEASE);
  return number;
}
