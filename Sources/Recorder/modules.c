/// The table of mapped modules in the spool: the process may be gone when its records are read.

#include <link.h>
#include <string.h>

#include "internal.h"

struct walk {
  struct mallometer_spool *spool;
  uint64_t time;
};

static unsigned long long seen_changes;
static uint32_t table_lock;

static int first_module(struct dl_phdr_info *info, size_t size, void *changes) {
  (void)size;
  *(unsigned long long *)changes = info->dlpi_adds + info->dlpi_subs;
  return 1;
}

static bool known(
    struct mallometer_spool *spool, uint64_t start, uint64_t end, const char *name, size_t length) {
  const struct mallometer_module *modules = mallometer_spool_modules(spool);
  for (uint32_t index = spool->modules; index-- > 0;) {
    const struct mallometer_module *module = &modules[index];
    // The latest module at these addresses decides.
    if (module->start >= end || module->end <= start) continue;
    return module->start == start && module->end == end && module->name_length == length &&
           memcmp(mallometer_spool_module_names(spool) + module->name_offset, name, length) == 0;
  }
  return false;
}

static int add_module(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size;
  struct walk *walk = context;
  struct mallometer_spool *spool = walk->spool;
  uint64_t start = UINT64_MAX, end = 0;
  for (int index = 0; index < info->dlpi_phnum; index++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[index];
    if (segment->p_type != PT_LOAD) continue;
    uint64_t from = info->dlpi_addr + segment->p_vaddr;
    if (from < start) start = from;
    if (from + segment->p_memsz > end) end = from + segment->p_memsz;
  }
  const char *name = info->dlpi_name ? info->dlpi_name : "";
  size_t length = strlen(name);
  if (start >= end || known(spool, start, end, name, length)) return 0;
  if (spool->modules == MALLOMETER_MAX_MODULES ||
      spool->module_names_used + length > MALLOMETER_MODULE_NAME_BYTES) {
    spool->modules_lost++;
    return 0;
  }
  struct mallometer_module *module = &mallometer_spool_modules(spool)[spool->modules];
  char *text = mallometer_spool_module_names(spool) + spool->module_names_used;
  if (!recorder_populate(module, sizeof *module) || !recorder_populate(text, length)) {
    spool->modules_lost++;
    return 0;
  }
  memcpy(text, name, length);
  *module = (struct mallometer_module){
      .start = start,
      .end = end,
      .bias = info->dlpi_addr,
      .time = walk->time,
      .name_offset = spool->module_names_used,
      .name_length = (uint32_t)length,
  };
  spool->module_names_used += (uint32_t)length;
  __atomic_store_n(&spool->modules, spool->modules + 1, __ATOMIC_RELEASE);
  return 0;
}

static unsigned long long count_changes(void) {
  unsigned long long changes = 0;
  dl_iterate_phdr(first_module, &changes);
  return changes;
}

void recorder_begin_modules(struct mallometer_spool *spool, struct mallometer_spool *parent) {
  __atomic_store_n(&table_lock, 0, __ATOMIC_RELEASE);
  if (parent == NULL) {
    seen_changes = 0;
    recorder_refresh_modules(spool);
    return;
  }
  uint32_t modules = __atomic_load_n(&parent->modules, __ATOMIC_ACQUIRE);
  uint32_t names = parent->module_names_used;
  struct mallometer_module *table = mallometer_spool_modules(spool);
  if (!recorder_populate(table, modules * sizeof *table + 1) ||
      !recorder_populate(mallometer_spool_module_names(spool), names + 1))
    return;
  memcpy(table, mallometer_spool_modules(parent), modules * sizeof *table);
  memcpy(mallometer_spool_module_names(spool), mallometer_spool_module_names(parent), names);
  spool->module_names_used = names;
  __atomic_store_n(&spool->modules, modules, __ATOMIC_RELEASE);
}

void recorder_refresh_modules(struct mallometer_spool *spool) {
  unsigned long long changes = count_changes();
  if (changes == __atomic_load_n(&seen_changes, __ATOMIC_RELAXED)) return;
  // Whoever finds the table busy leaves: the other one sees the same modules.
  if (__atomic_exchange_n(&table_lock, 1, __ATOMIC_ACQUIRE)) return;
  struct walk walk = {.spool = spool, .time = __rdtsc()};
  dl_iterate_phdr(add_module, &walk);
  __atomic_store_n(&seen_changes, changes, __ATOMIC_RELAXED);
  __atomic_store_n(&table_lock, 0, __ATOMIC_RELEASE);
}
