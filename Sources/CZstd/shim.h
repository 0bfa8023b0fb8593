#ifndef MALLOMETER_CZSTD_SHIM_H
#define MALLOMETER_CZSTD_SHIM_H

#include <zstd.h>
#include <zstd_errors.h>

#endif
