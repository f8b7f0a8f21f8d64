// Arguments of the kernels that training needs besides those of inference: gradients, batch normalization by the
// statistics of the batch.
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

// The gradient of the inputs of a dense layer, (rows, inputs), from that of its output, (rows, columns), with row-major
// (inputs, columns) weights used where they lie, masked. The weights are read once for `zoo_dense_examples` rows, whose
// results do not depend on one another. Unit: `zoo_dense_unit` inputs.
typedef struct {
  const float *weights;
  const float *gradient;
  float *output;
  ptrdiff_t gradient_row, output_row;  // from row to row
  int32_t rows, inputs, columns;
  int32_t accumulate;      // whether it is added to what is there
  zoo_mask mask;           // of the inputs, whose `pixel` is a row
} zoo_dense_gradient;
enum { zoo_dense_unit = 16, zoo_dense_examples = 16 };

// The values `first ..< end` of the gradient of a dense layer's row-major (inputs, columns) weights: for each the sum
// over all rows, in their order, of the product of an input and the gradient of an output. A value is the same
// whatever the others are. Unit: `block` values.
typedef struct {
  const float *input;
  const float *gradient;
  float *output;           // `end - first` values
  ptrdiff_t input_row, gradient_row;  // from row to row
  int32_t rows, columns;
  int64_t first, end, block;
} zoo_dense_weight_gradient;

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
  int32_t outputs;         // of a side of a wg_tile, for `winograd_pack_transposed`, which always has 9 taps turned
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

// The gradient of the weights (3, 3, channels, columns) of a convolution as `winograd` has them, otherwise as
// `weight_gradient`. Unit u is column group u % column groups, channel group u / column groups.
typedef struct {
  zoo_window window;       // of the convolution
  const float *input;
  const float *gradient;   // of the output
  const float *zero;       // as many zeros as there are channels or columns
  float *weights;          // becomes the gradient
  double *column_sums;     // the sums of `gradient` over all pixels: the gradient of a bias; may be null
  ptrdiff_t in_image, out_image;
  ptrdiff_t stride;        // of the weights, from row to row
  int32_t images, channels, columns;
  int32_t accumulate;      // whether sums are added to what is there
  int32_t channel_group;   // channels per unit
  int32_t column_group;    // columns per unit, a multiple of 32
  int32_t outputs;         // of a side of a wg_tile: 4 or 2
  float *scratch;          // `slot_floats` for each thread of the pool
  // (outputs + 2)^2 * (zoo_gradient_tiles * (channel_group + 48) + channel_group * column_group)
  ptrdiff_t slot_floats;
} zoo_winograd_gradient;
enum { zoo_gradient_tiles = 32 };

// output = residual + factor * gradient * the derivative of an activation's function (`zoo_relu` and so on) where its
// input or its output was `values`. At a corner it is the lower side's, and 0 where a maximum is reached.
// Derivatives from the output are known for: relu with a threshold of 0 and a positive slope or none, elu, sigmoid,
// hard_sigmoid, tanh, softplus, softsign, exponential, square_root, logarithm and reciprocal. Unit: a pixel.
typedef struct {
  const float *gradient;   // a pixel stride of 0 repeats one vector
  const float *values;
  const float *residual;   // may be null; may be the output itself
  float *output;           // may be `gradient`
  ptrdiff_t gradient_pixel, values_pixel, residual_pixel, out_pixel;
  int32_t channels;
  int32_t function;
  int32_t from_output;     // what `values` are
  float factor;
  float negative_slope, threshold, max_value, alpha, scale, slope;  // as for `activation`
} zoo_activation_gradient;

// Sums of each channel over `pixels` pixels, in double precision. Unit: 16 channels.
// `batch_sums`: of the values and of their squares, from which mean and variance follow.
// `batch_gradient_sums`: of the gradient, and of its products with values - center. Those of `zoo_batch_pixels` pixels
// are added in floats; a multiple of as many is what `pixels` has to be where more are added later. The gradient first passes through a
// rectifier: where the mask says, or without one and with a scale where values * scale + shift is between 0 and `hi`.
// Without either, the second sum is also the gradient of a factor that was broadcast to all pixels.
typedef struct {
  const float *values;
  const float *gradient;
  const float *center;     // of each channel, such as the mean; may be null: 0
  const float *scale, *shift;  // of each channel; null without a rectifier
  zoo_mask mask;
  float hi;
  double *sums;            // (2, channels)
  ptrdiff_t values_pixel, gradient_pixel;
  int32_t pixels, channels;
  int32_t accumulate;      // whether sums are added to what is there
} zoo_batch_sums;
enum { zoo_batch_pixels = 64 };

// Batch normalization of each pixel. Unit: a pixel.
// `batch_norm`: output = min(max(values * scale + shift + residual, lo), hi).
// `batch_norm_gradient`: output = of_gradient * g + of_values * values + constant, for each channel, where g is the
// gradient as it has passed through the rectifier as in `zoo_batch_sums`; `passed`, if not null, becomes g.
typedef struct {
  const float *values;
  const float *gradient;
  const float *scale, *shift;
  const float *residual;   // may be null
  const float *of_gradient, *of_values, *constant;
  float *output, *passed;
  zoo_mask mask;
  float lo, hi;
  ptrdiff_t values_pixel, gradient_pixel, residual_pixel, out_pixel, passed_pixel;
  int32_t channels;
} zoo_batch_norm;

// Pooling as `pooling` has it, without a factor, residual or limits, of windows of at most 255 positions.
// `max_pooling_places`: the maximum and, as (pixels, channels) bytes, which of its window's positions it is at, the
// first of equal ones; 255: at none, but in the padding. Unit: a row of the output, all images' one after the other.
// `pooling_gradient`: the gradient of the input, masked. Unit: a row of the input.
typedef struct {
  zoo_window window;       // of the pooling; in_pixel and in_row are those of the input and of its gradient
  const float *input;
  float *output;           // the maximum, or the gradient of the input
  const float *gradient;   // of the output
  uint8_t *places;
  zoo_mask mask;           // of the input
  ptrdiff_t in_image, out_image, mask_image, places_image;
  int32_t channels;
  int32_t average;         // 0: maximum
  int32_t zeros;           // whether positions outside of the input count as zeros or not at all
} zoo_pooling_gradient;

// `factor` times the gradient of softmax's input, where `output` is what it made and `gradient` the gradient of that.
// Sums are in double precision. Unit: a row.
typedef struct {
  const float *output, *gradient;
  float *result;
  ptrdiff_t output_row, gradient_row, result_row;
  int32_t classes;
  float factor;
} zoo_class_gradient;

// Written once over vectors, compiled for each instruction set.
#define ZOO_GRADIENT_KERNELS(KERNEL) \
  KERNEL(weight_gradient, zoo_weight_gradient) \
  KERNEL(winograd_gradient, zoo_winograd_gradient) \
  KERNEL(dense_gradient, zoo_dense_gradient) \
  KERNEL(dense_weight_gradient, zoo_dense_weight_gradient) \
  KERNEL(pack_transposed, zoo_transposed_packing) \
  KERNEL(winograd_pack_transposed, zoo_transposed_packing) \
  KERNEL(depthwise_gradient, zoo_depthwise_gradient) \
  KERNEL(depthwise_weight_gradient, zoo_depthwise_weight_gradient) \
  KERNEL(activation_gradient, zoo_activation_gradient) \
  KERNEL(batch_sums, zoo_batch_sums) \
  KERNEL(batch_gradient_sums, zoo_batch_sums) \
  KERNEL(batch_norm, zoo_batch_norm) \
  KERNEL(batch_norm_gradient, zoo_batch_norm) \
  KERNEL(max_pooling_places, zoo_pooling_gradient) \
  KERNEL(pooling_gradient, zoo_pooling_gradient)
// Plain C, the same in every table.
#define ZOO_PORTABLE_GRADIENT_KERNELS(KERNEL) \
  KERNEL(softmax_gradient, zoo_class_gradient)

#ifdef __cplusplus
}
#endif
