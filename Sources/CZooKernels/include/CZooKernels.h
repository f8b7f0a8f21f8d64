// Kernels of the fast engine: one table of functions per instruction set, chosen once at run time.
//
// Images are (H, W, C), float32, channels last. A pixel's channels are contiguous; consecutive pixels
// of a row are `*_pixel` floats apart and rows `*_row` floats, so that a kernel can read and write a
// range of the channels of a larger tensor.
//
// Every kernel takes its arguments and a range of units (rows, blocks) to compute, so that threads can
// share an operation. A result never depends on how the units are divided.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "CZooGradients.h"
#include "CZooIntegers.h"
#include "CZooRoots.h"
#include "CZooWindow.h"

#ifdef __cplusplus
extern "C" {
#endif

// An indirect matrix product: row r is output pixel r, its left-hand side the `run` floats at the
// pixel of each window position in turn; columns are filters.
// output = min(max(bias + product + residual, lo), hi), masked.
// A unit is a block of rows by a group of panels.
typedef struct {
  zoo_window window;
  const float *input;
  const float *zero;       // `run` zeros
  const float *weights;    // packed by `pack`
  const float *bias;       // as many as the packed columns
  const float *residual;   // may be null; may be the output itself
  float *output;
  ptrdiff_t residual_pixel;
  int32_t run;             // floats per window position
  int32_t columns;
  int32_t row_block;       // rows per unit
  int32_t panel_group;     // panels per unit
  int32_t by_rows;         // whether the units of the same rows follow each other, or else those of the same panels
  float lo, hi;
  zoo_mask mask;           // of the output; applied last, by kernels on vectors
  const void *next_weights;  // what the next operation reads first; may be null
  const void *ahead;         // what is read after this, if all weights stay in the second-level cache; may be null
  ptrdiff_t ahead_bytes;
  float *scratch;          // null, or for kernels on matrix tiles `slot_floats` for each thread of the pool
  ptrdiff_t slot_floats;   // at least what `tile_scratch` returns for a unit
} zoo_convolution;

// A convolution with a 3x3 window, stride 1, no dilation, as `convolution` otherwise.
// Unit u is block u % blocks of wg_tiles, panel group u / blocks; a wg_tile is `outputs` x `outputs` output pixels.
typedef struct {
  zoo_window window;
  const float *input;
  const float *zero;       // `channels` zeros
  const float *weights;    // packed by `winograd_pack`
  const float *bias;       // as many as the packed columns
  const float *residual;   // may be null; may be the output itself
  float *output;
  ptrdiff_t residual_pixel;
  int32_t channels, columns;
  int32_t wg_tile_block;   // wg_tiles per unit
  int32_t panel_group;     // panels per unit
  int32_t panels_at_once;  // that go by a point's wg_tiles together
  float *scratch;          // `slot_floats` for each thread of the pool
  // At least (outputs + 2)^2 * wg_tile_block * (channels + 16 + (2 * panels_at_once + 1) * vector).
  ptrdiff_t slot_floats;
  int32_t outputs;         // 4 or 2
  int32_t pooled;          // whether the output is the maximum of each 2x2 pixels; without a residual or a mask
  int32_t images;          // that follow one another, with nothing between them; 0: one
  float lo, hi;
  zoo_mask mask;           // of the output, applied last
} zoo_winograd;

// One filter per input channel. Unit: a row of the output.
// output = min(max(bias + sum(max(input, in_lo) * weights), lo), hi), masked.
typedef struct {
  zoo_window window;
  const float *input;
  const float *zero;       // `channels` zeros
  const float *weights;    // (kernel height, kernel width, weight_stride)
  const float *bias;       // weight_stride
  float *output;
  int32_t channels;        // of the input
  int32_t multiplier;
  int32_t weight_stride;   // channels * multiplier, rounded up to 16; negative where the taps are read backward
  float in_lo;             // -infinity or 0; a position outside of the input counts 0
  float lo, hi;
  zoo_mask mask;           // of the output, applied last
} zoo_depthwise;

// `depthwise`, then `product`, a 1x1 convolution of its output. Unit: `pixel_block` pixels of the output.
typedef struct {
  zoo_depthwise depthwise;   // its output is not used
  zoo_convolution product;   // its input and extents are not used; panel_group: all panels
  float *scratch;            // `slot_floats` for each thread of the pool
  // At least those of the rows that `pixel_block` pixels are part of, and of the input's rows of a unit.
  ptrdiff_t slot_floats;
  int32_t pixel_block;
  // Whether the input is made on the way, by a 1x1 convolution without a residual and a mask, and where a unit's rows
  // of it lie in its scratch memory.
  int32_t expands;
  zoo_convolution expansion;  // its output is not used; panel_group: all panels
  ptrdiff_t expansion_offset;
} zoo_separable;

// output = min(max(factor * pooled + residual, lo), hi), factor a power of two. Unit: a row of the output.
typedef struct {
  zoo_window window;
  const float *input;
  const float *residual;   // may be null; may be the output itself
  float *output;
  ptrdiff_t residual_pixel;
  int32_t channels;
  int32_t average;         // 0: maximum
  int32_t zeros;           // whether positions outside of the input count as zeros or not at all
  float factor, lo, hi;
} zoo_pooling;

// Over pixels, each limited from lo to hi at the end. A pixel stride of 0 repeats one vector. Unit: a pixel.
typedef struct {
  const float *a, *b;      // b: for operations on two inputs, and the slopes of `rectify`
  const float *scale, *shift;  // per channel, for `affine`
  float *output;
  ptrdiff_t a_pixel, b_pixel, out_pixel;
  int32_t channels;
  float factor;            // of the sum, for `average`
  float lo, hi;
} zoo_elementwise;

// The mean or maximum over all pixels of an image. Unit: 16 channels.
typedef struct {
  const float *input;
  float *output;
  ptrdiff_t in_pixel, in_row;
  int32_t height, width, channels;
  int32_t average;
} zoo_global_pooling;

// How the weights of a dense layer are stored.
typedef enum __attribute__((enum_extensibility(closed))) zoo_weight_form : int32_t {
  zoo_weight_f32,
  zoo_weight_f16,   // IEEE 754 binary16
  zoo_weight_bf16,  // the upper half of a binary32
  zoo_weight_i8,    // signed bytes, each to be multiplied by the scale of its column
} zoo_weight_form;

// output = min(max(bias + input * weights, lo), hi) for `rows` vectors and row-major (inputs, columns)
// weights used where they lie. The weights are read once for all rows; for a single row, those that its
// zeros would be multiplied by are not. A row's result is the same whatever the others are.
// Unit: `column_block` columns.
typedef struct {
  const float *input, *bias, *residual;           // residual may be null
  const void *weights;
  const float *scales;                            // of `zoo_weight_i8`, for each column
  float *output;
  ptrdiff_t input_row, output_row, residual_row;  // from row to row
  zoo_weight_form form;
  int32_t rows;
  int32_t inputs, columns, column_block;
  float lo, hi;
} zoo_dense;

// Copies an image into the middle of a larger one and sets the border to zero; negative amounts crop.
// Unit: a row of the output. `window` has a 1x1 kernel and stride 1.
typedef struct {
  zoo_window window;
  const float *input;
  float *output;
  int32_t channels;
} zoo_padding;

// Each pixel's vector x becomes (x - mean) / sqrt(variance + epsilon) * scale + shift with its own mean and
// variance. Unit: a pixel.
typedef struct {
  const float *input, *scale, *shift;
  float *output;
  ptrdiff_t in_pixel, out_pixel;
  int32_t channels;
  float epsilon;
} zoo_layer_norm;

// Samples an image at another size, as TensorFlow's `tf.image.resize` does without antialiasing.
// Unit: a row of the output.
typedef struct {
  const float *input;
  float *output;
  ptrdiff_t in_pixel, in_row, out_pixel;
  int32_t in_height, in_width, out_height, out_width, channels;
  int32_t bilinear;        // 0: nearest
} zoo_resize;

// Each position along one axis becomes a weighted sum of `taps` positions of the input from `starts` on.
// Unit: a position of the output.
typedef struct {
  const float *input;
  const float *weights;    // (positions, taps)
  const float *starts;     // (positions), whole numbers
  float *output;
  ptrdiff_t in_step, out_step;  // from position to position
  ptrdiff_t in_line, out_line;  // from line to line across the axis
  int32_t lines, channels, taps;
} zoo_resample;

// The end of a transposed convolution. `input` has for every input pixel the (kernel height, kernel width,
// channels) that it adds to the output; `window` is that of the convolution whose gradient this is, from
// the output (`out_*`) to these pixels (`in_*`). output = min(max(bias + sum, lo), hi).
// Unit: a row of the output.
typedef struct {
  zoo_window window;
  const float *input, *bias;
  float *output;
  int32_t channels;
  float lo, hi;
} zoo_scatter;

// Copies values to other places: pixel p of the output is a position in the leading axes `extents`;
// `strides` are in floats of the input. Unit: a pixel of the output.
enum { zoo_axes_limit = 8 };
typedef struct {
  const float *input;
  float *output;
  ptrdiff_t out_pixel, channel_stride;
  int32_t channels, axes;
  int32_t extents[zoo_axes_limit];
  ptrdiff_t strides[zoo_axes_limit];
} zoo_strided;

// Multiplies and adds over and over in registers: what the machine can do at most.
// Unit: `turns` times `peak_chains` vectors, of which a sum goes to `output` (units, vector).
typedef struct {
  float *output;
  float factor, term;
  int32_t turns;
} zoo_peak;

// Weights to pack: row-major (rows, columns) with `stride` floats from row to row, each column
// multiplied by its scale. Unit: a panel.
typedef struct {
  const float *source;
  const double *scale;     // may be null
  float *packed;           // rows * packed_columns(columns)
  ptrdiff_t stride;
  int32_t rows, columns;
  int32_t outputs;         // of a side of a wg_tile, for `winograd_pack`
} zoo_packing;

// Products of a table of numbers, row-major (rows, columns), with coefficients; all sums in double precision.
// `table_product`: sums (rows, outputs) of each row with the factors (outputs, columns). Unit: `block` rows.
// `table_adjoint`: sums (outputs, columns) of each column with the factors (rows, outputs). Unit: `block` columns.
typedef struct {
  const float *table;
  const double *wide;      // if not null, in place of `table`
  const int32_t *index;    // which row of the table is row r; null: r
  const double *factors;
  double *sums;
  double *squares;         // (rows), the sum of each row's squares, by `table_product`; may be null
  ptrdiff_t table_row, factors_row, sums_row;
  int32_t rows, columns, outputs, block;
} zoo_table;

enum {
  zoo_relu, zoo_elu, zoo_gelu, zoo_gelu_tanh, zoo_silu, zoo_sigmoid, zoo_hard_sigmoid, zoo_hard_silu,
  zoo_tanh, zoo_softplus, zoo_softsign, zoo_exponential, zoo_mish,
  zoo_square_root, zoo_logarithm, zoo_reciprocal
};

// A function of each value, or for `zoo_softmax` of each pixel's vector. Unit: a pixel.
typedef struct {
  const float *input;
  float *output;
  ptrdiff_t in_pixel, out_pixel;
  int32_t channels;
  int32_t function;
  float negative_slope, threshold, max_value;  // for relu; no maximum: infinity
  float alpha, scale;      // scale * (x > 0 ? x : alpha * (exp(x) - 1)) for elu
  float slope;             // for hard_sigmoid
} zoo_activation;

// Every kernel, once: KERNEL(its name, its arguments). The tables, their entries, the kernels' checks and benchmarks
// are made from this list, so that what is added here has to be there too.
#define ZOO_ELEMENTWISE_KERNELS(KERNEL) \
  KERNEL(clamp, zoo_elementwise) \
  KERNEL(affine, zoo_elementwise) \
  KERNEL(add, zoo_elementwise) \
  KERNEL(subtract, zoo_elementwise) \
  KERNEL(multiply, zoo_elementwise) \
  KERNEL(average, zoo_elementwise) \
  KERNEL(maximum, zoo_elementwise) \
  KERNEL(minimum, zoo_elementwise) \
  KERNEL(rectify, zoo_elementwise)
// Written once over vectors, compiled for each instruction set.
#define ZOO_VECTOR_KERNELS(KERNEL) \
  KERNEL(convolution, zoo_convolution) \
  KERNEL(winograd, zoo_winograd) \
  KERNEL(dense, zoo_dense) \
  KERNEL(depthwise, zoo_depthwise) \
  KERNEL(separable, zoo_separable) \
  KERNEL(pooling, zoo_pooling) \
  KERNEL(global_pooling, zoo_global_pooling) \
  KERNEL(resize, zoo_resize) \
  KERNEL(resample, zoo_resample) \
  KERNEL(scatter, zoo_scatter) \
  ZOO_ELEMENTWISE_KERNELS(KERNEL) \
  KERNEL(activation, zoo_activation) \
  KERNEL(layer_norm, zoo_layer_norm) \
  KERNEL(table_product, zoo_table) \
  KERNEL(table_adjoint, zoo_table) \
  ZOO_GRADIENT_KERNELS(KERNEL) \
  ZOO_INTEGER_KERNELS(KERNEL) \
  /* Weights of (rows, columns) into the panels of `convolution`. */ \
  KERNEL(pack, zoo_packing) \
  /* (3, 3, rows, columns) into (outputs + 2)^2 * rows * packed_columns(columns) floats, for `winograd`. */ \
  KERNEL(winograd_pack, zoo_packing) \
  KERNEL(peak, zoo_peak)
// Plain C, the same in every table.
#define ZOO_PORTABLE_KERNELS(KERNEL) \
  KERNEL(softmax, zoo_activation) \
  KERNEL(pad, zoo_padding) \
  KERNEL(copy_strided, zoo_strided) \
  ZOO_PORTABLE_GRADIENT_KERNELS(KERNEL) \
  ZOO_PORTABLE_INTEGER_KERNELS(KERNEL)
// Null in the tables of instruction sets whose products of codes are not of words.
#define ZOO_WORD_KERNELS(KERNEL) \
  KERNEL(integer_winograd, zoo_integer_winograd)
#define ZOO_KERNELS(KERNEL) ZOO_VECTOR_KERNELS(KERNEL) ZOO_WORD_KERNELS(KERNEL) ZOO_PORTABLE_KERNELS(KERNEL)

typedef void (*zoo_kernel)(const void *arguments, int32_t begin, int32_t end);

// Closed, so that a `switch` in Swift has to name every kernel.
typedef enum __attribute__((enum_extensibility(closed))) zoo_kernel_id : int32_t {
#define KERNEL(name, arguments) zoo_kernel_##name,
  ZOO_KERNELS(KERNEL)
#undef KERNEL
} zoo_kernel_id;

#define KERNEL(name, arguments) +1
enum { zoo_kernel_count = ZOO_KERNELS(KERNEL) };
#undef KERNEL

// The kernels of one instruction set.
typedef struct {
  const char *name;
  int32_t vector;          // floats in a vector
  int32_t mr;              // rows of the usual register block of `convolution`
  int32_t peak_chains;
  int32_t (*packed_columns)(int32_t columns);
  int32_t (*panels)(int32_t columns);
  // Null, or how many floats `convolution` needs to run a unit of so many rows and columns on matrix tiles.
  int64_t (*tile_scratch)(int32_t rows, int32_t inputs, int32_t columns);
  // Of `weight_gradient`: into how many tiles it divides the weights' rows, into how many panels their columns, and
  // how many floats of scratch memory a thread needs for units of so many tiles.
  int32_t (*gradient_tiles)(const zoo_window *, int32_t channels);
  int32_t (*gradient_panels)(int32_t columns);
  int64_t (*gradient_scratch)(int32_t tile_group);
  int32_t integer_shift;   // what products of codes subtract from each code
#define KERNEL(name, arguments) zoo_kernel name;
  ZOO_KERNELS(KERNEL)
#undef KERNEL
} zoo_kernels;

// The most positions of window times rows in a unit of `convolution`.
enum { zoo_indirection_limit = 4096 };

// On matrix tiles, so many weights of so many inputs at most are made ready before the rows go by; more go by in turn.
enum { zoo_tile_few_weights = 80 * 1024, zoo_tile_few_inputs = 512 };

// The instruction sets that this build knows, best first; null after the last.
const char *zoo_kernels_known(int32_t index);
// The kernels of that name, or null where the build or the machine lacks them.
const zoo_kernels *zoo_kernels_named(const char *name);

zoo_kernel zoo_kernel_of(const zoo_kernels *, zoo_kernel_id);
const char *zoo_kernel_name(zoo_kernel_id);

// Workers that share the units of an operation with the thread that calls.
typedef struct zoo_pool zoo_pool;
// `threads` counts the caller; null where threads can't be made.
zoo_pool *zoo_pool_create(int32_t threads);
void zoo_pool_destroy(zoo_pool *);
// Runs units 0 ..< units, each once; returns when all are done. Each thread begins with a contiguous share, and whoever
// is done does units that others have not come to. One caller at a time.
// `pool` may be null: the caller then does all itself.
void zoo_pool_run(zoo_pool *pool, zoo_kernel kernel, const void *arguments, int32_t units);
// Said around a series of operations: while several callers are at it, on any pools of the process, each
// uses its part of the processors only.
void zoo_pool_enter(void);
void zoo_pool_leave(void);
// Which of its pool's threads this is, from 0 on; 0 outside of a pool.
int32_t zoo_thread_index(void);

// Memory of whole pages, zeroed, in huge pages where the system offers them; null where there is none.
void *zoo_pages_allocate(size_t bytes);
void zoo_pages_free(void *, size_t bytes);

#ifdef __cplusplus
}
#endif
