#ifndef MALLOMETER_TRACE_FORMAT_H
#define MALLOMETER_TRACE_FORMAT_H

/// The raw record and the spool as the recorder writes them and the drainer reads them.
///
/// A recording session is a folder: `session` (one `mallometer_session`, written by the drainer)
/// and one spool file per process image, written by the recorder inside that process through a
/// shared mapping: what was stored there outlives the process, however it ended. A spool is a
/// header of MALLOMETER_HEADER_BYTES followed by chunks; a chunk belongs to one thread at a time
/// and holds records in the order in which that thread reserved them.
///
/// Byte order and alignment are the machine's own: a spool never leaves it.

#include <stdint.h>

#define MALLOMETER_SPOOL_MAGIC 0x314C4F4F50534C4DULL
#define MALLOMETER_SESSION_MAGIC 0x3153455353534C4DULL
#define MALLOMETER_SPOOL_VERSION 2

/// The environment variable that names the session's folder.
#define MALLOMETER_SESSION_VARIABLE "MALLOMETER_SESSION"

#define MALLOMETER_CHUNK_BYTES 65536U
#define MALLOMETER_CHUNK_RECORDS 4092U
#define MALLOMETER_MAX_CHUNKS 16384U
#define MALLOMETER_MAX_MODULES 1024U
#define MALLOMETER_MAX_SITES 12288U
#define MALLOMETER_MODULE_NAME_BYTES 131072U
#define MALLOMETER_MAX_IMAGES 64U
#define MALLOMETER_PATH_BYTES 256U
#define MALLOMETER_COMMAND_BYTES 8192U
#define MALLOMETER_HEADER_BYTES (512U << 10)

/// What one raw record says. A realloc of a block is two records, so that the old address can be
/// handed out again by another thread before the call returns; every other call is one.
enum mallometer_record_kind {
  mallometer_record_malloc = 1,
  mallometer_record_calloc = 2,
  /// realloc(NULL, size).
  mallometer_record_realloc_new = 3,
  /// Stamped before the call; `address` is the old block.
  mallometer_record_realloc_from = 4,
  /// Stamped after it; `address` is the new block, or 0 if the call returned NULL.
  mallometer_record_realloc_to = 5,
  mallometer_record_aligned = 6,
  mallometer_record_free = 7,
  mallometer_record_thread_end = 8,
  /// No call: `block` is the upper half of the time stamps from here on.
  mallometer_record_epoch = 9,
  /// No call: a place that was reserved and found no use.
  mallometer_record_filler = 10,
  /// Set beside the kind of a long record.
  mallometer_record_long = 128,
};

/// 16 bytes, or twice that for a call that doesn't fit. `head` is stored last and publishes the
/// record: its generation is the chunk's, so that what an earlier owner left behind is never taken
/// for a record.
///
/// A long record has the whole address in `block`, no site, and a second `mallometer_record`
/// behind it: in its `head` the size (bits 0–47; the bits of a generation are 0), in its `block`
/// the return address (0–47) and log2 of the alignment asked for (48–55). Calls are long whose
/// size isn't below 1 MiB, whose alignment was asked for, whose block isn't aligned to 8 bytes, or
/// whose site has no number.
struct mallometer_record {
  /// Bits 0–31 the lower half of the time stamp counter, before the call for a free, after it for
  /// an allocation; 32–47 the number of the call's site; 48–55 the kind; 56–63 the generation.
  uint64_t head;
  /// Bits 0–19 the size, 20–63 the address divided by 8.
  uint64_t block;
};

/// One thread's run of records.
struct mallometer_chunk {
  /// Records reserved so far, a long one counted twice; goes beyond `limit` when a full chunk was
  /// tried.
  uint32_t next;
  /// Records this chunk can hold; lowered when its thread ends.
  uint32_t limit;
  uint32_t thread;
  /// Position of this chunk in its thread's stream, from 0.
  uint32_t sequence;
  /// Page faults of the process, the recorder's own taken off, when the chunk was claimed.
  uint64_t page_faults;
  /// 1 to 255. Before it begins again, everything in the chunk is wiped.
  uint32_t generation;
  /// Upper half of the first record's time stamp.
  uint32_t epoch;
  uint64_t reserved[4];
};

enum mallometer_chunk_state {
  mallometer_chunk_free = 0,
  mallometer_chunk_claimed = 1,
  mallometer_chunk_owned = 2,
  /// Below `grown`, but the disk had no room for it.
  mallometer_chunk_unbacked = 3,
};

/// A mapped module, as dl_iterate_phdr tells.
struct mallometer_module {
  uint64_t start;
  uint64_t end;
  /// What to take off an address to get the address that the module's symbol table uses.
  uint64_t bias;
  /// Time stamp when it was first seen.
  uint64_t time;
  uint32_t name_offset;
  uint32_t name_length;
};

/// A process image that this one started (posix_spawn) or became (exec).
struct mallometer_image {
  int32_t pid;
  uint32_t failed;
  /// Time stamp before the call that began it: its own spool, if it has one, is younger.
  uint64_t time;
  /// Followed by MALLOMETER_PATH_BYTES of path, ended by 0: see mallometer_image_path.
};

/// The start of a spool: numbers here, the tables behind it at the offsets below.
struct mallometer_spool {
  /// Stored last when the spool is set up.
  uint64_t magic;
  uint32_t version;
  int32_t pid;
  int32_t parent;
  /// 1 if a fork made this process: it inherited live blocks that this stream never saw allocated.
  uint32_t forked;
  uint32_t max_chunks;
  uint32_t command_length;
  uint64_t start_time_stamp;
  uint64_t start_monotonic_ns;
  uint64_t start_realtime_ns;

  /// Chunks of the file that were ever claimed; those beyond aren't backed by pages yet.
  uint32_t grown;
  uint32_t threads;
  /// Counted up by the drainer for every chunk it gives back, and waited for.
  uint32_t released;
  uint32_t waiters;
  /// Set by the drainer when it wants no more records.
  uint32_t stopped;
  uint32_t drainer_seen;
  uint64_t dropped;
  /// Page faults that the recorder itself caused.
  uint64_t own_faults;
  /// Time a thread waited for the drainer.
  uint64_t waited_ns;

  uint64_t end_time_stamp;
  uint64_t user_ns;
  uint64_t system_ns;
  uint64_t peak_resident_bytes;
  /// Time stamp of a pending exec, 0 when none.
  uint64_t exec_time;

  /// Odd while the module table is being written.
  uint32_t modules_version;
  uint32_t modules;
  uint32_t module_names_used;
  uint32_t modules_lost;
  uint32_t images;
  uint32_t reserved;
};

/// What the recorder needs to know about the session.
struct mallometer_session {
  uint64_t magic;
  uint32_t version;
  int32_t drainer;
  /// 0: only the first process image is recorded.
  uint32_t follow;
  /// Chunks per process image at most.
  uint32_t max_chunks;
  /// 1: the drainer has gone for good, new processes run unrecorded.
  uint32_t closed;
  uint32_t reserved;
  /// Events per process image at most, 0 for all. For a drainer that takes over.
  uint64_t max_events;
};

/// Where a spool keeps what, in bytes from its start. Pages of a table that isn't used cost nothing.
#define MALLOMETER_EXECUTABLE_AT 4096U
#define MALLOMETER_PROGRAM_AT 7936U
#define MALLOMETER_COMMAND_AT 8192U
#define MALLOMETER_IMAGES_AT 16384U
#define MALLOMETER_MODULES_AT 36864U
#define MALLOMETER_MODULE_NAMES_AT 86016U
#define MALLOMETER_CHUNK_STATES_AT 217088U
#define MALLOMETER_SITES_AT 282624U

#define MALLOMETER_IMAGE_BYTES (16U + MALLOMETER_PATH_BYTES)

_Static_assert(sizeof(struct mallometer_record) == 16, "four records per cache line");
_Static_assert(sizeof(struct mallometer_chunk) == 64, "records start on a line of their own");
_Static_assert(
    64 + 16 * MALLOMETER_CHUNK_RECORDS == MALLOMETER_CHUNK_BYTES, "a chunk is sixteen pages");
_Static_assert(sizeof(struct mallometer_image) == 16, "the path follows");
_Static_assert(sizeof(struct mallometer_spool) <= 4096, "the numbers fit one page");
_Static_assert(sizeof(struct mallometer_session) <= 64, "the session is small");
_Static_assert(
    MALLOMETER_IMAGES_AT + MALLOMETER_MAX_IMAGES * MALLOMETER_IMAGE_BYTES <= MALLOMETER_MODULES_AT &&
        MALLOMETER_MODULES_AT + MALLOMETER_MAX_MODULES * sizeof(struct mallometer_module) <=
            MALLOMETER_MODULE_NAMES_AT &&
        MALLOMETER_MODULE_NAMES_AT + MALLOMETER_MODULE_NAME_BYTES <= MALLOMETER_CHUNK_STATES_AT &&
        MALLOMETER_CHUNK_STATES_AT + 4 * MALLOMETER_MAX_CHUNKS <= MALLOMETER_SITES_AT &&
        MALLOMETER_SITES_AT + 8 * MALLOMETER_MAX_SITES <= MALLOMETER_HEADER_BYTES,
    "the tables don't overlap");

static inline struct mallometer_chunk *mallometer_spool_chunk(
    struct mallometer_spool *spool, uint32_t index) {
  return (struct mallometer_chunk *)((char *)spool + MALLOMETER_HEADER_BYTES +
                                     (uint64_t)index * MALLOMETER_CHUNK_BYTES);
}
static inline struct mallometer_record *mallometer_chunk_records(struct mallometer_chunk *chunk) {
  return (struct mallometer_record *)(chunk + 1);
}
static inline char *mallometer_spool_executable(struct mallometer_spool *spool) {
  return (char *)spool + MALLOMETER_EXECUTABLE_AT;
}
/// The name under which the program was started: at most 255 bytes.
static inline char *mallometer_spool_program(struct mallometer_spool *spool) {
  return (char *)spool + MALLOMETER_PROGRAM_AT;
}
static inline char *mallometer_spool_command(struct mallometer_spool *spool) {
  return (char *)spool + MALLOMETER_COMMAND_AT;
}
static inline struct mallometer_image *mallometer_spool_image(
    struct mallometer_spool *spool, uint32_t index) {
  return (struct mallometer_image *)((char *)spool + MALLOMETER_IMAGES_AT +
                                     index * MALLOMETER_IMAGE_BYTES);
}
static inline char *mallometer_image_path(struct mallometer_image *image) {
  return (char *)(image + 1);
}
static inline struct mallometer_module *mallometer_spool_modules(struct mallometer_spool *spool) {
  return (struct mallometer_module *)((char *)spool + MALLOMETER_MODULES_AT);
}
static inline char *mallometer_spool_module_names(struct mallometer_spool *spool) {
  return (char *)spool + MALLOMETER_MODULE_NAMES_AT;
}
static inline uint32_t *mallometer_spool_chunk_states(struct mallometer_spool *spool) {
  return (uint32_t *)((char *)spool + MALLOMETER_CHUNK_STATES_AT);
}
/// Return addresses by the number of their site; 0 has none. Written once, before the first record
/// that uses the number.
static inline uint64_t *mallometer_spool_sites(struct mallometer_spool *spool) {
  return (uint64_t *)((char *)spool + MALLOMETER_SITES_AT);
}

/// Acquire loads and release stores for Swift, which has none on foreign memory.
static inline uint32_t mallometer_load32(const uint32_t *word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
static inline uint64_t mallometer_load64(const uint64_t *word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
static inline void mallometer_store32(uint32_t *word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}
static inline void mallometer_store64(uint64_t *word, uint64_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}
static inline void mallometer_add32(uint32_t *word, uint32_t value) {
  __atomic_fetch_add(word, value, __ATOMIC_ACQ_REL);
}

#endif
