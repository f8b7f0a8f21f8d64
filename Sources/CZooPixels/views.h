// What views need once for all instruction sets.
#pragma once

#include "vectors.h"

// The place inside of 0 to `last` that one outside of it mirrors.
static inline ptrdiff_t mirrored(ptrdiff_t place, ptrdiff_t last) {
  const ptrdiff_t inside = place < 0 ? -1 - place : place > last ? 2 * last + 1 - place : place;
  return inside < 0 ? 0 : inside > last ? last : inside;
}

// Whether a place in fixed point lies between the first pixel and the one with this number.
static inline bool is_inside(ptrdiff_t place, ptrdiff_t last) {
  return place >= 0 && place >> zoo_place_bits < last;
}

// The pixel at a place, the ones right of it, below, and below on the right, from bytes 0, 3, 8 and 11 on.
static inline void copy_around(
    uint8_t *target, const uint8_t *pixels, ptrdiff_t left, ptrdiff_t top, ptrdiff_t last_column,
    ptrdiff_t last_row) {
  const ptrdiff_t row_bytes = 3 * (last_column + 1);
  const uint8_t *const upper = pixels + mirrored(top, last_row) * row_bytes;
  const uint8_t *const lower = pixels + mirrored(top + 1, last_row) * row_bytes;
  const ptrdiff_t first = 3 * mirrored(left, last_column), second = 3 * mirrored(left + 1, last_column);
  memset(target, 0, 16);
  memcpy(target, upper + first, 3);
  memcpy(target + 3, upper + second, 3);
  memcpy(target + 8, lower + first, 3);
  memcpy(target + 11, lower + second, 3);
}
