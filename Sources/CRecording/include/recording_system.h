#ifndef MALLOMETER_RECORDING_SYSTEM_H
#define MALLOMETER_RECORDING_SYSTEM_H

#include <stdint.h>
#include <sys/types.h>

/// A descriptor that becomes readable when the process has ended, or -1.
int mallometer_process_descriptor(pid_t process);

/// Wakes every thread that waits for the word to change.
void mallometer_wake_all(uint32_t *word);

/// Names the calling process for ps and killall.
void mallometer_name_process(const char *name);

/// Calls `work` on a thread that runs only on processors that nobody else wants, as far as the
/// system allows, and waits for its end.
void mallometer_run_courteously(void (*work)(void *), void *context);

/// A pipe that programs started from here don't inherit. Returns 0 or an errno value.
int mallometer_open_pipe(int ends[2]);

/// A descriptor from which the signals that `record` passes on are read, or -1. They no longer do
/// anything else to this process, nor does SIGPIPE. A hangup that was ignored before stays ignored.
int mallometer_open_signals(void);

/// Reads one signal: its number, 0 if there is none. `*from_terminal` tells that the kernel sent it
/// to the whole foreground group, so that the program has it already.
int mallometer_read_signal(int descriptor, int *from_terminal);

/// Starts a program with an empty mask and the signals that it would have had without `record`.
/// Returns 0 or an errno value.
int mallometer_start_program(
    pid_t *process, const char *file, char *const arguments[], char *const environment[]);

/// Starts a process in a session of its own with these descriptors as standard input and output
/// and nothing else of ours. Returns 0 or an errno value.
int mallometer_start_detached(
    pid_t *process, const char *file, char *const arguments[], char *const environment[],
    int input, int output, const char *errors_path);

#endif
