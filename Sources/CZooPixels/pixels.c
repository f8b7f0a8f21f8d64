// The implementations: the templates for each instruction set.
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "resizing.h"
#include "views.h"

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
#define NAMED(name) name##_avx512
#define DOT(sums, v, w) \
  (numbers_16) _mm512_dpbusd_epi32((__m512i)(sums), (__m512i)(v), _mm512_set1_epi32(w))
#define COLORS SPREAD_COLORS
#include "resizing_template.h"
#include "views_template.h"
#undef DOT
#undef COLORS
#undef NAMED
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define NAMED(name) name##_avx2
#define COLORS SPREAD_COLORS
#include "resizing_template.h"
#include "views_template.h"
#undef COLORS
#undef NAMED
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("sse4.1"))), apply_to = function)
#define NAMED(name) name##_sse4
#define COLORS SPREAD_COLORS
#include "resizing_template.h"
#include "views_template.h"
#undef COLORS
#undef NAMED
#pragma clang attribute pop
#endif

// Also for NEON: the compiler's vectors are as good there.
#define NAMED(name) name##_portable
#define COLORS WIDENED_COLORS
#include "resizing_template.h"
#include "views_template.h"
#undef COLORS
#undef NAMED

static const struct {
  const char *name;
  bool (*available)(void);
  void (*resize_rows)(
      const zoo_resampling *, const uint8_t *, size_t, size_t, size_t, void *, uint8_t *);
  void (*resize_columns)(const zoo_resampling *, const uint8_t *, size_t, size_t, uint8_t *);
  void (*map_pixels)(
      const zoo_pixel_map *, const uint8_t *, ptrdiff_t, ptrdiff_t, uint8_t *, ptrdiff_t, ptrdiff_t);
  void (*recolor)(const zoo_color_map *, const uint8_t *, size_t, uint8_t *);
  void (*soften)(const uint8_t *, size_t, size_t, uint16_t *, uint8_t *);
  void (*sum_colors)(const uint8_t *, size_t, uint64_t *);
} implementations[] = {
#define IMPLEMENTATION(name, available) \
  {#name, available, resize_rows_##name, resize_columns_##name, map_pixels_##name, recolor_##name, \
   soften_##name, sum_colors_##name}
#if defined(__x86_64__)
  IMPLEMENTATION(avx512, has_avx512),
  IMPLEMENTATION(avx2, has_avx2),
  IMPLEMENTATION(sse4, has_sse4),
#endif
  IMPLEMENTATION(portable, always),
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
  implementations[implementation].resize_rows(
      resampling, pixels, available, row_bytes, rows, scratch, target);
}

void zoo_resize_columns(
    int32_t implementation, const zoo_resampling *resampling, const uint8_t *pixels, size_t first_row,
    size_t row_bytes, uint8_t *target) {
  implementations[implementation].resize_columns(resampling, pixels, first_row, row_bytes, target);
}

void zoo_map_pixels(
    int32_t implementation, const zoo_pixel_map *map, const uint8_t *pixels, ptrdiff_t height,
    ptrdiff_t width, uint8_t *target, ptrdiff_t new_height, ptrdiff_t new_width) {
  implementations[implementation].map_pixels(map, pixels, height, width, target, new_height, new_width);
}

void zoo_recolor(
    int32_t implementation, const zoo_color_map *map, const uint8_t *pixels, size_t count, uint8_t *target) {
  implementations[implementation].recolor(map, pixels, count, target);
}

void zoo_soften(
    int32_t implementation, const uint8_t *pixels, size_t height, size_t width, uint16_t *scratch,
    uint8_t *target) {
  implementations[implementation].soften(pixels, height, width, scratch, target);
}

void zoo_sum_colors(int32_t implementation, const uint8_t *pixels, size_t count, uint64_t sums[3]) {
  implementations[implementation].sum_colors(pixels, count, sums);
}
