// Kernels on whole numbers of 8 bits: `codes`, unsigned, with a scale and a zero point; value = scale * (code - zero).
//
// Sums of products are exact. What becomes of a sum is arithmetic on 32-bit floats in one order, each operation
// rounded by itself: codes are the same, bit for bit, on every instruction set and for every division of the work.
//
//   y = float(sum) * multiplier + offset (+ float(residual) * residual_factor)
//   code = y limited to 0 ... 255, rounded to the nearest whole number, ties to the even one
//   wide code = 256 * y limited to 0 ... 65535, rounded in the same way: the same value with 8 more bits
//
// Strides are in elements. Kernels may read up to 63 bytes behind what they are given.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "CZooWindow.h"

// What is written: codes, wide codes or both, or floats alone.
enum { zoo_write_codes = 1, zoo_write_wide = 2, zoo_write_floats = 4 };

// A matrix product, indirect as `zoo_convolution`: what lies outside of the input has the codes at `zero`. Sums begin
// with the column's `bias`; an instruction set may subtract a constant from each code, its `integer_shift`. Floats
// that are written are y from `lo` to `hi`.
// Unit u is row block u % blocks, panel group u / blocks.
typedef struct {
  zoo_window window;         // out_pixel: of `output`
  const uint8_t *input;
  const uint8_t *zero;       // `run` codes
  const int8_t *weights;     // packed by `integer_pack`
  const int32_t *bias;       // as many as the packed columns, as the other two
  const float *multiplier;
  const float *offset;
  const void *residual;      // null, or codes
  void *output;              // codes or floats
  uint16_t *wide;
  ptrdiff_t residual_pixel, wide_pixel;
  float residual_factor;
  float lo, hi;
  int32_t writes;
  int32_t residual_is_wide;
  int32_t run;               // codes per window position
  int32_t columns;
  int32_t row_block;         // rows per unit
  int32_t panel_group;       // panels per unit
  int32_t by_rows;           // whether the units of the same rows follow each other, or else those of the same panels
  const void *next_weights;  // what the next operation reads first; may be null
} zoo_integer_product;

// The same for 3x3 windows of stride 1, with the same result, by Winograd's algorithm on tiles of 4x4 pixels. Unit u is block
// u % blocks of tiles, row by row, panel group u / blocks.
typedef struct {
  zoo_integer_product product;  // row_block: tiles per unit
  uint8_t *scratch;             // `slot_bytes` for each thread, at least `zoo_winograd_slot`
  ptrdiff_t slot_bytes;
} zoo_integer_winograd;

// One filter for each channel. Weights lie, for each four rows of the window and each of its columns, as four bytes a
// channel, of which those of rows that the window lacks are 0, with channels rounded up to 64; plain ones are
// (kernel height, kernel width, channels). Unit: a row of the output.
typedef struct {
  zoo_window window;         // out_pixel: of `codes`
  const uint8_t *input;
  const uint8_t *zero;       // `channels` codes
  const int8_t *weights;
  const int32_t *bias;       // `channels` rounded up to 64, as the other two
  const float *multiplier;
  const float *offset;
  uint8_t *codes;
  int32_t channels;
  int32_t is_plain;          // for other windows than 3x3, 5x5 and 7x7 of stride 1 or 2 without dilation
} zoo_integer_depthwise;

// Over windows, of at most 257 positions for means: `codes` are the largest codes, or means by
// y = float(sum) * multiplier / float(count) + offset. Positions outside don't count, or have the codes at `zero`.
// Unit: a row of the output.
typedef struct {
  zoo_window window;
  const uint8_t *input;
  const uint8_t *zero;       // `channels` codes
  const float *multiplier;   // `channels`, for means
  const float *offset;
  uint8_t *codes;
  int32_t channels;
  int32_t average;           // 0: maximum
  int32_t counts_outside;
} zoo_integer_pooling;

// The mean over all pixels of an image, as `zoo_integer_pooling`, as codes or as floats.
// Unit: 64 channels.
typedef struct {
  const uint8_t *input;
  const float *multiplier;
  const float *offset;
  void *output;              // codes or floats
  ptrdiff_t in_pixel, in_row;
  int32_t height, width, channels;
  int32_t writes;
} zoo_integer_mean;

// Over pixels. `quantize`: y = a * multiplier + offset for floats; `dequantize`: (float(a) - zero) * scale;
// `integer_add`: y = float(a) * multiplier + offset + float(b) * b_factor. Unit: a pixel.
typedef struct {
  const void *a, *b;         // b: null where there is none
  const float *multiplier;   // per channel
  const float *offset;
  void *output;              // codes, or floats of `dequantize`
  uint16_t *wide;            // of a sum
  ptrdiff_t a_pixel, b_pixel, out_pixel, wide_pixel;
  float b_factor;
  int32_t writes;            // of a sum
  int32_t a_is_wide, b_is_wide;
  int32_t channels;
} zoo_integer_map;

// Copies an image into the middle of a larger one and puts the codes at `zero` around it. Unit: a row of the output.
typedef struct {
  zoo_window window;
  const uint8_t *input;
  const uint8_t *zero;
  uint8_t *output;
  int32_t channels;
} zoo_integer_padding;

// Weights to pack: row-major (taps, run, columns) with `stride` from row to row. Unit: a panel.
typedef struct {
  const int8_t *source;
  int8_t *packed;
  ptrdiff_t stride;
  int32_t taps, run, columns;
} zoo_integer_packing;

// Panels have 32 columns; the last one has 16 where more are not used.
enum { zoo_integer_panel = 32 };
static inline int32_t zoo_integer_columns(int32_t columns) { return (columns + 15) / 16 * 16; }
static inline int32_t zoo_integer_panels(int32_t columns) { return (columns + 31) / 32; }
// The bytes of packed weights.
static inline int64_t zoo_integer_packed(int32_t taps, int32_t run, int32_t columns) {
  return (int64_t)taps * ((run + 3) / 4 * 4) * zoo_integer_columns(columns);
}
// Of `integer_winograd`: the most channels that are summed at a time; the words from one tile's codes to the next; the bytes
// of transformed weights; and the scratch memory of a thread for units of so many tiles and panels.
enum {
  zoo_winograd_channels = 112,
  zoo_winograd_stride = 288,
  zoo_winograd_weights = 36 * (zoo_winograd_channels * zoo_integer_panel + 32) * 2
};
static inline int64_t zoo_winograd_slot(int32_t tiles, int32_t panels) {
  const int64_t products = 36 * 4 * zoo_integer_panel, sums = 16 * 4 * zoo_integer_panel;
  const int64_t codes = 36 * 2 * zoo_winograd_stride;
  return zoo_winograd_weights + tiles * (products + panels * sums + codes) + 64;
}
// The groups of four rows of a window.
static inline int32_t zoo_depthwise_groups(int32_t kernel_height) { return (kernel_height + 3) / 4; }

#define ZOO_INTEGER_KERNELS(KERNEL) \
  KERNEL(integer_product, zoo_integer_product) \
  KERNEL(integer_depthwise, zoo_integer_depthwise) \
  KERNEL(integer_pooling, zoo_integer_pooling) \
  KERNEL(integer_mean, zoo_integer_mean) \
  KERNEL(integer_add, zoo_integer_map) \
  KERNEL(quantize, zoo_integer_map) \
  KERNEL(dequantize, zoo_integer_map)
#define ZOO_PORTABLE_INTEGER_KERNELS(KERNEL) \
  KERNEL(integer_pad, zoo_integer_padding) \
  /* (taps, run, columns) into `zoo_integer_packed` bytes. */ \
  KERNEL(integer_pack, zoo_integer_packing)
