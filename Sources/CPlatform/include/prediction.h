#ifndef MALLOMETER_PREDICTION_H
#define MALLOMETER_PREDICTION_H

/// A small predictor of the data-dependent branches of an allocator and of the loop that calls it.
///
/// A two-bit counter per branch, overruled by the longest of three tagged tables that knows the
/// recent history of all branches together: the scheme of TAGE (Seznec and Michaud, A case for
/// (partially) tagged geometric history length branch prediction, JILP 8, 2006) with 4, 12 and 32
/// outcomes of history, which is what a machine of this class has and more for so few branches.

#include <stdint.h>

enum {
  MALLOMETER_PREDICTOR_TABLE = 2048,
  MALLOMETER_PREDICTOR_PLAIN = 1024,
  /// Branches below this are the caller's own: they are history for the others, and nobody pays for
  /// them here.
  MALLOMETER_PREDICTOR_FIRST_CHARGED = 16,
  /// The three tagged tables, then the plain counters.
  MALLOMETER_PREDICTOR_ENTRIES = 3 * MALLOMETER_PREDICTOR_TABLE + MALLOMETER_PREDICTOR_PLAIN,
};

struct mallometer_predictor {
  /// An entry: a tag in the low half, which is 0 where it was never used; the counter in bits 16 to
  /// 18, 0…7 and taken from 4, or 0…3 and taken from 2 where it is plain; in bit 24 whether it was
  /// right the last time.
  uint32_t entries[MALLOMETER_PREDICTOR_ENTRIES];
  /// The outcomes of all branches, the last one in bit 0.
  uint64_t history;
};

/// All counters weakly taken.
void mallometer_predictor_reset(struct mallometer_predictor *predictor);

/// Predicts and learns outcomes in order; `branches` are site × 2 + taken. Returns how many of the
/// charged ones were predicted wrong.
uint64_t mallometer_predict(
    struct mallometer_predictor *predictor, const uint32_t *branches, uint32_t count);

#endif
