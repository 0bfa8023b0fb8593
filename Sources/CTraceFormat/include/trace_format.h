#ifndef MALLOMETER_TRACE_FORMAT_H
#define MALLOMETER_TRACE_FORMAT_H

/// The raw record as the recorder writes it and the drainer reads it.

#include <stdint.h>

#endif
