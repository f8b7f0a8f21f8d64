// What is done with the pixels of pictures of 8-bit R, G, B: resizing, and the views of training.
//
// There are several implementations with equal results, numbered from 0, the fastest first.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The name of an implementation for this kind of processor; NULL after the last.
const char *zoo_pixels_implementation(int32_t index);

// Whether this machine can run it; the last one runs everywhere.
bool zoo_pixels_available(int32_t index);

// MARK: Resizing: each new pixel is a sum of old ones with weights in fixed point.

enum {
  // Bits after the point of a weight: 32 less 8 of the pixel and 2 for the sum.
  zoo_weight_bits = 32 - 8 - 2,
  // Weights of a window are read in steps of so many.
  zoo_weight_step = 4,
};

// The old pixels along one axis of which a new one is made.
typedef struct {
  size_t first, count;
} zoo_pixel_window;

// The windows of `count` new pixels and their weights: `stride` for each, zero behind those of the window. The stride
// is a multiple of `zoo_weight_step`, and weights are from -1.99 to 1.99.
typedef struct {
  const zoo_pixel_window *windows;
  const int32_t *weights;
  size_t count, stride;
} zoo_resampling;

// Bytes of memory that resizing rows of `row_bytes` bytes needs meanwhile.
size_t zoo_resize_rows_scratch(const zoo_resampling *resampling, size_t row_bytes);

// Resizes each of some rows of `row_bytes` bytes.
//
// From `pixels` on `available` bytes can be read. `scratch` is aligned as numbers of 32 bits are. `target` gets the new
// rows one after another.
void zoo_resize_rows(
    int32_t implementation, const zoo_resampling *resampling, const uint8_t *pixels, size_t available,
    size_t row_bytes, size_t rows, void *scratch, uint8_t *target);

// Resizes all columns of a picture whose rows have `row_bytes` bytes. `pixels` begins with row `first_row` of those
// that the windows count, and has all that they need.
void zoo_resize_columns(
    int32_t implementation, const zoo_resampling *resampling, const uint8_t *pixels, size_t first_row,
    size_t row_bytes, uint8_t *target);

// MARK: Views

enum {
  // Bits after the point of a place in a picture.
  zoo_place_bits = 20,
};

// Where each new pixel comes from: its place is a linear function of its column and row.
typedef struct {
  // The place of the first pixel; what is added for each column; what is added for each row.
  ptrdiff_t x, y, x_across, y_across, x_down, y_down;
} zoo_pixel_map;

// Makes each new pixel from the four around its place; beyond its edges the picture is mirrored.
void zoo_map_pixels(
    int32_t implementation, const zoo_pixel_map *map, const uint8_t *pixels, ptrdiff_t height,
    ptrdiff_t width, uint8_t *target, ptrdiff_t new_height, ptrdiff_t new_width);

// What each old colour adds to the new R, G and B, and a constant, all with 16 bits after the point; fourth numbers are
// zero.
typedef struct {
  int32_t red[4], green[4], blue[4], constant[4];
} zoo_color_map;

void zoo_recolor(
    int32_t implementation, const zoo_color_map *map, const uint8_t *pixels, size_t count, uint8_t *target);

// Mixes each pixel with its neighbours by 1, 2, 1 along both axes. `scratch` has room for a row and two pixels.
void zoo_soften(
    int32_t implementation, const uint8_t *pixels, size_t height, size_t width, uint16_t *scratch,
    uint8_t *target);

// The sums of R, G and B over `count` pixels.
void zoo_sum_colors(int32_t implementation, const uint8_t *pixels, size_t count, uint64_t sums[3]);

#ifdef __cplusplus
}
#endif
