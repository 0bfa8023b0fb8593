#ifndef MALLOMETER_SHARING_H
#define MALLOMETER_SHARING_H

#include <stdint.h>

/// Runs `count` probes on a processor, from the calling thread, which may then run where it could
/// before; writes the ratio of the two times of each. Returns 0 or an errno value.
int mallometer_probe_sharing(int cpu, float *ratios, uint32_t count);

#endif
