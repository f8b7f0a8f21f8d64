// What resizing needs once for all instruction sets.
#pragma once

#include "vectors.h"

enum {
  // Rows are resized so many at a time.
  row_step = 4,
  // Bytes behind the last pixel of a row that are read.
  row_excess = 16,
};

static const int32_t half = 1 << (zoo_weight_bits - 1);

// Where a row can be read with the bytes behind it: where it is, or else in `copy`.
static const uint8_t *readable_row(
    const uint8_t *pixels, size_t available, size_t start, size_t row_bytes, uint8_t *copy) {
  if (available - start >= row_bytes + row_excess) return pixels + start;
  memcpy(copy, pixels + start, row_bytes);
  memset(copy + row_bytes, 0, row_excess);
  return copy;
}

// Rows that are shorter than a vector.
static void resize_short_columns(
    const uint8_t *from, size_t row_bytes, const int32_t *weights, size_t taps, uint8_t *target) {
  for (size_t x = 0; x < row_bytes; x++) {
    int32_t sum = half;
    for (size_t tap = 0; tap < taps; tap++) sum += from[tap * row_bytes + x] * weights[tap];
    sum >>= zoo_weight_bits;
    target[x] = (uint8_t)(sum < 0 ? 0 : sum > UINT8_MAX ? UINT8_MAX : sum);
  }
}

// Weights as three signed digits to the base 256, the lowest first: that digit of four weights, then the next.
static inline void split_weights(const zoo_resampling *resampling, int32_t *digits) {
  for (size_t i = 0; i < resampling->count * resampling->stride; i += 4) {
    numbers_4 weights;
    memcpy(&weights, resampling->weights + i, sizeof weights);
    const bytes_16 bytes = (bytes_16)((weights + 0x808080) ^ 0x808080);
    const bytes_16 turned =
        __builtin_shufflevector(bytes, bytes, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    memcpy(digits + i, &turned, sizeof turned);
  }
}

// R of four pixels in a row, then G and B and four zeros.
#define QUAD(i) \
  i, i + 3, i + 6, i + 9, i + 1, i + 4, i + 7, i + 10, i + 2, i + 5, i + 8, i + 11, 64, 64, 64, 64
#define QUADS(v) __builtin_shufflevector(v, (bytes_64){0}, QUAD(0), QUAD(16), QUAD(32), QUAD(48))
