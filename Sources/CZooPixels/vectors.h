// Vectors of bytes and numbers; the compiler makes of them as many as an instruction set needs.
#pragma once

#include <string.h>

#include "CZooPixels.h"

typedef uint8_t bytes_16 __attribute__((vector_size(16)));
typedef uint8_t bytes_32 __attribute__((vector_size(32)));
typedef uint8_t bytes_64 __attribute__((vector_size(64)));
typedef int32_t numbers_4 __attribute__((vector_size(16)));
typedef int32_t numbers_16 __attribute__((vector_size(64)));
typedef int32_t numbers_32 __attribute__((vector_size(128)));

// Levels from 0 to 255, of sums with so many bits after the point.
#define LEVELS(sums, bits, type) \
  __builtin_elementwise_min(__builtin_elementwise_max((sums) >> (bits), (type){0}), (type){0} + UINT8_MAX)

// Of a vector of 64 bytes, those at r, g and b as 32-bit numbers with a zero behind them; then those `step` further on,
// and so twice more. Both ways give the same.
#define SPREAD(r, g, b) r, 64, 64, 64, g, 64, 64, 64, b, 64, 64, 64, 64, 64, 64, 64
#define SPREAD_COLORS(v, r, g, b, step) \
  (numbers_16) __builtin_shufflevector( \
      v, (bytes_64){0}, SPREAD(r, g, b), SPREAD((r) + (step), (g) + (step), (b) + (step)), \
      SPREAD((r) + 2 * (step), (g) + 2 * (step), (b) + 2 * (step)), \
      SPREAD((r) + 3 * (step), (g) + 3 * (step), (b) + 3 * (step)))
// In two steps: as good for NEON, and better where bytes cannot be shuffled at will.
#define WIDENED_COLORS(v, r, g, b, step) \
  __builtin_convertvector( \
      __builtin_shufflevector( \
          v, (bytes_64){0}, r, g, b, 64, (r) + (step), (g) + (step), (b) + (step), 64, (r) + 2 * (step), \
          (g) + 2 * (step), (b) + 2 * (step), 64, (r) + 3 * (step), (g) + 3 * (step), (b) + 3 * (step), 64), \
      numbers_16)
// A pixel from each of the four 16 bytes.
#define PIXELS(v, place) COLORS(v, place, (place) + 1, (place) + 2, 16)

// Four pixels with a byte behind each, without these.
static inline void store_pixels(uint8_t *target, const bytes_16 *pixels, size_t count) {
  const bytes_16 joined =
      __builtin_shufflevector(*pixels, *pixels, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
  if (count >= 4) {
    memcpy(target, &joined, 12);
  } else {
    for (size_t i = 0; i < 3 * count; i++) target[i] = joined[i];
  }
}
