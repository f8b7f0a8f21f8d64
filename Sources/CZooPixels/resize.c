#include "CZooPixels.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
  // Rows are resized so many at a time.
  row_step = 4,
  // Bytes behind the last pixel of a row that are read.
  row_excess = 16,
};

static const int32_t half = 1 << (zoo_weight_bits - 1);

typedef uint8_t bytes_16 __attribute__((vector_size(16)));
typedef uint8_t bytes_32 __attribute__((vector_size(32)));
typedef uint8_t bytes_64 __attribute__((vector_size(64)));
typedef int32_t numbers_4 __attribute__((vector_size(16)));
typedef int32_t numbers_16 __attribute__((vector_size(64)));
typedef int32_t numbers_32 __attribute__((vector_size(128)));

// Levels from 0 to 255, of sums that began with one half.
#define LEVELS(sums, type) \
  __builtin_elementwise_min( \
      __builtin_elementwise_max((sums) >> zoo_weight_bits, (type){0}), (type){0} + UINT8_MAX)

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
#define QUAD(i) i, i + 3, i + 6, i + 9, i + 1, i + 4, i + 7, i + 10, i + 2, i + 5, i + 8, i + 11, 64, 64, 64, 64
#define QUADS(v) __builtin_shufflevector(v, (bytes_64){0}, QUAD(0), QUAD(16), QUAD(32), QUAD(48))

// Which bytes of 64, and of 64 zeros, make four pixels of 32-bit numbers.
#define SPREAD(i) i, 64, 64, 64, i + 1, 64, 64, 64, i + 2, 64, 64, 64, 64, 64, 64, 64
#define SPREAD_PIXELS(v, i) \
  (numbers_16) __builtin_shufflevector( \
      v, (bytes_64){0}, SPREAD(i), SPREAD(i + 16), SPREAD(i + 32), SPREAD(i + 48))
// The same in two steps: as good for NEON, and better where bytes cannot be shuffled at will.
#define PIXEL_BYTES(i) i, i + 1, i + 2, 64
#define WIDENED_PIXELS(v, i) \
  __builtin_convertvector( \
      __builtin_shufflevector( \
          v, (bytes_64){0}, PIXEL_BYTES(i), PIXEL_BYTES(i + 16), PIXEL_BYTES(i + 32), PIXEL_BYTES(i + 48)), \
      numbers_16)

static bool always(void) { return true; }

#if defined(__x86_64__)
static bool has_avx512(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}
static bool has_avx2(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2");
}
static bool has_sse4(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.1");
}

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))), apply_to = function)
#define RESIZE_ROWS resize_rows_avx512
#define RESIZE_COLUMNS resize_columns_avx512
#define DOT(sums, v, w) \
  (numbers_16) _mm512_dpbusd_epi32((__m512i)(sums), (__m512i)(v), _mm512_set1_epi32(w))
#include "resize.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define RESIZE_ROWS resize_rows_avx2
#define RESIZE_COLUMNS resize_columns_avx2
#define PIXELS SPREAD_PIXELS
#include "resize.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("sse4.1"))), apply_to = function)
#define RESIZE_ROWS resize_rows_sse4
#define RESIZE_COLUMNS resize_columns_sse4
#define PIXELS SPREAD_PIXELS
#include "resize.h"
#pragma clang attribute pop
#endif

// Also for NEON: the compiler's vectors are as good there.
#define RESIZE_ROWS resize_rows_portable
#define RESIZE_COLUMNS resize_columns_portable
#define PIXELS WIDENED_PIXELS
#include "resize.h"

static const struct {
  const char *name;
  bool (*available)(void);
  void (*rows)(
      const zoo_resampling *, const uint8_t *, size_t, size_t, size_t, void *, uint8_t *);
  void (*columns)(const zoo_resampling *, const uint8_t *, size_t, size_t, uint8_t *);
} implementations[] = {
#if defined(__x86_64__)
  {"avx512", has_avx512, resize_rows_avx512, resize_columns_avx512},
  {"avx2", has_avx2, resize_rows_avx2, resize_columns_avx2},
  {"sse4", has_sse4, resize_rows_sse4, resize_columns_sse4},
#endif
  {"portable", always, resize_rows_portable, resize_columns_portable},
};

enum { implementation_count = sizeof implementations / sizeof *implementations };

const char *zoo_pixels_implementation(int32_t index) {
  return index >= 0 && index < implementation_count ? implementations[index].name : NULL;
}

bool zoo_pixels_available(int32_t index) {
  return index >= 0 && index < implementation_count && implementations[index].available();
}

size_t zoo_resize_rows_scratch(const zoo_resampling *resampling, size_t row_bytes) {
  return resampling->count * resampling->stride * sizeof(int32_t) + row_step * (row_bytes + row_excess);
}

void zoo_resize_rows(
    int32_t implementation, const zoo_resampling *resampling, const uint8_t *pixels, size_t available,
    size_t row_bytes, size_t rows, void *scratch, uint8_t *target) {
  implementations[implementation].rows(
      resampling, pixels, available, row_bytes, rows, scratch, target);
}

void zoo_resize_columns(
    int32_t implementation, const zoo_resampling *resampling, const uint8_t *pixels, size_t first_row,
    size_t row_bytes, uint8_t *target) {
  implementations[implementation].columns(resampling, pixels, first_row, row_bytes, target);
}
