// Arguments of the kernels that training needs besides those of inference: gradients, batch normalization by the
// statistics of the batch, updates of weights.
//
// Several images lie `*_image` floats apart; all else is as CZooKernels.h says. Threads share outputs, never a sum: a
// sum over pixels runs over them in their order, in blocks that do not depend on how many threads there are.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "CZooWindow.h"

#ifdef __cplusplus
extern "C" {
#endif

// A weight's gradient is summed in blocks of so many pixels, which are added up in order.
enum { zoo_gradient_rows = 256 };

// The gradient of the weights (kernel height, kernel width, channels, columns) of a convolution, or of a dense layer as
// one with a 1x1 window over (1, rows): for each of the weights the sum over all output pixels of the input that it
// was multiplied by and the gradient of the output. Positions outside of the input count as zeros.
// `first_row ..< first_row + rows` are the output pixels of all images that are summed, one image after the other;
// `first_row` is a multiple of `zoo_gradient_rows`, and so is `rows` where more are to be added later.
// Unit u is panel u % `gradient_panels`, tile group u / `gradient_panels`.
typedef struct {
  zoo_window window;       // of the convolution
  const float *input;
  const float *gradient;   // of the output
  float *weights;          // becomes the gradient
  double *column_sums;     // the sums of `gradient` over all pixels: the gradient of a bias; may be null
  ptrdiff_t in_image, out_image;
  ptrdiff_t stride;        // of the weights, from row to row
  int32_t channels, columns;
  int32_t first_row, rows;
  int32_t accumulate;      // whether sums are added to what is there
  int32_t tile_group;      // tiles per unit
  float *scratch;          // `slot_floats` for each thread of the pool
  ptrdiff_t slot_floats;   // what `gradient_scratch` returns
} zoo_weight_gradient;

// Weights to pack for the gradient of a convolution's or dense layer's input, as for `convolution` with its columns and
// rows exchanged: from row-major (taps, columns, rows) with `stride` floats from one column to the next, into
// panels of (taps, rows) by columns. Unit: a panel.
typedef struct {
  const float *source;
  const double *scale;     // of each row; may be null
  float *packed;           // taps * rows * packed_columns(columns)
  const int32_t *tap;      // the tap of the source that becomes tap t, of `taps`; null: the last becomes the first
  ptrdiff_t stride;
  int32_t taps, rows, columns;
} zoo_transposed_packing;

// The gradient of a depthwise convolution's input, masked. Unit: a row of the input; all images' one after the other.
typedef struct {
  zoo_window window;       // of the convolution; in_pixel and in_row are those of `output`
  const float *gradient;   // of the convolution's output
  const float *weights;    // as for `depthwise`
  const float *zero;       // as many zeros as a row of the weights has values
  float *output;
  ptrdiff_t in_image, out_image;
  int32_t channels, multiplier, weight_stride;
  zoo_mask mask;           // of the input
  ptrdiff_t mask_image;
} zoo_depthwise_gradient;

// The gradient of the weights (kernel height, kernel width, channels * multiplier) of a depthwise convolution.
// Unit: 16 filters.
typedef struct {
  zoo_window window;       // of the convolution
  const float *input;
  const float *gradient;   // of the output
  float *weights;          // becomes the gradient
  double *column_sums;     // the sums of `gradient` over all pixels: the gradient of a bias; may be null
  ptrdiff_t in_image, out_image;
  ptrdiff_t stride;        // of the weights, from tap to tap
  int32_t images, channels, multiplier;
  int32_t accumulate;      // whether sums are added to what is there
  float *scratch;          // `slot_floats` for each thread of the pool
  ptrdiff_t slot_floats;   // (taps + 1) * channels * multiplier, the latter rounded up to 16
} zoo_depthwise_weight_gradient;

// Written once over vectors, compiled for each instruction set.
#define ZOO_GRADIENT_KERNELS(KERNEL) \
  KERNEL(weight_gradient, zoo_weight_gradient) \
  KERNEL(pack_transposed, zoo_transposed_packing) \
  KERNEL(depthwise_gradient, zoo_depthwise_gradient) \
  KERNEL(depthwise_weight_gradient, zoo_depthwise_weight_gradient)

#ifdef __cplusplus
}
#endif
