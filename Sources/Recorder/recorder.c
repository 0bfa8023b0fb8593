#include "trace_format.h"
