#include "sharing.h"

#include <errno.h>
#include <sched.h>

#include "platform.h"
#include "sharing_probe.h"

int mallometer_probe_sharing(int cpu, float *ratios, uint32_t count) {
  cpu_set_t before;
  if (sched_getaffinity(0, sizeof before, &before) != 0) return errno;
  int error = mallometer_pin_to_cpu(cpu);
  if (error != 0) return error;
  for (uint32_t i = 0; i < count; i++) {
    struct mallometer_sharing_probe probe = mallometer_probe();
    ratios[i] = (float)probe.beside / (float)probe.chained;
  }
  return sched_setaffinity(0, sizeof before, &before) == 0 ? 0 : errno;
}
