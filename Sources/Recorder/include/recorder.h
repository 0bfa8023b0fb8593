#ifndef MALLOMETER_RECORDER_H
#define MALLOMETER_RECORDER_H
/// The recorder exports the allocation functions and nothing else: it is preloaded, not called.
#endif
