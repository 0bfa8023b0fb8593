/// A stable merge sort, from the bottom up, of whatever element the includer names:
///
///     #define SORT_NAME      the function
///     #define SORT_ELEMENT   the type of an element
///     #define SORT_PRECEDES  int (const SORT_ELEMENT *a, const SORT_ELEMENT *b): a before b
///     #include "studies/sort.h"
///
/// All forms of a study sort by this one algorithm, so that the same scores take the same
/// comparisons in all of them. Runs of SORT_RUN elements are sorted by insertion; every merge
/// copies its left run to `scratch`, which has room for `count` elements.

static __attribute__((noinline)) void SORT_NAME(
    SORT_ELEMENT *elements, SORT_ELEMENT *scratch, size_t count) {
  for (size_t start = 0; start < count; start += SORT_RUN) {
    size_t end = count - start < SORT_RUN ? count : start + SORT_RUN;
    for (size_t next = start + 1; next < end; next++) {
      SORT_ELEMENT held = elements[next];
      size_t place = next;
      while (place > start && SORT_PRECEDES(&held, &elements[place - 1])) {
        elements[place] = elements[place - 1];
        place--;
      }
      elements[place] = held;
      COUNT_N(INSERTION_COMPARISONS, next - place + (place > start));
      COUNT_MOVES(next - place + 2, sizeof held);
    }
  }
  for (size_t width = SORT_RUN; width < count; width *= 2) {
    for (size_t start = 0; start + width < count; start += 2 * width) {
      size_t length = count - start < 2 * width ? count - start : 2 * width;
      SORT_ELEMENT *to = elements + start, *right = to + width, *right_end = to + length;
      SORT_ELEMENT *left = scratch, *left_end = scratch + width;
      memcpy(scratch, to, width * sizeof *to);
      COUNT_N(BYTES_COPIED, width * sizeof *to);
      while (left < left_end && right < right_end)
        *to++ = SORT_PRECEDES(right, left) ? *right++ : *left++;
      COUNT_MOVES(to - (elements + start), sizeof *to);
      memcpy(to, left, (size_t)(left_end - left) * sizeof *to);
      COUNT_N(BYTES_COPIED, (size_t)(left_end - left) * sizeof *to);
    }
  }
}

#undef SORT_NAME
#undef SORT_ELEMENT
#undef SORT_PRECEDES
