// The kernels, written once over the vector type of the file that includes this, which defines
// VL, REGISTERS (how many vectors they hold), TILE_ROWS_1 to _3 (rows of a register
// tile by its vectors of columns, fewer for more), INLINE, KERNELS, KERNELS_NAME, vf, vi (as many
// integers) and the v_ functions.

#include <string.h>

#define UNROLL _Pragma("clang loop unroll(full)")
#define ROLLED _Pragma("clang loop unroll(disable) vectorize(disable)")

INLINE vf v_clamp(vf x, float lo, float hi) { return v_min(v_set(hi), v_max(v_set(lo), x)); }
// The first n values of half precision, the rest zero.
INLINE vf v_load_half_n(const uint16_t *p, int n) {
  uint16_t part[VL] = {0};
  memcpy(part, p, (size_t)n * sizeof *p);
  return v_load_half(part);
}
INLINE int at_most(int a, int b) { return a < b ? a : b; }
INLINE int at_least(int a, int b) { return a > b ? a : b; }

#include "panels_template.h"
#include "convolution_template.h"
#ifdef HAS_TILES
#include "amx_product.h"
#include "amx_convolution.h"
#endif

static void convolution(const void *arguments, int32_t begin, int32_t end) {
#ifdef HAS_TILES
  if (((const zoo_convolution *)arguments)->scratch) {
    amx_convolution(arguments, begin, end);
    return;
  }
#endif
  vector_convolution(arguments, begin, end);
}

#include "winograd_template.h"
#include "dense_template.h"
#include "depthwise_template.h"
#include "separable_template.h"
#include "pooling_template.h"
#include "elementwise_template.h"
#include "activation_template.h"
#include "layer_norm_template.h"
#include "resize_template.h"
#include "peak_template.h"

const zoo_kernels KERNELS = {
  .name = KERNELS_NAME,
  .vector = VL,
  .tile_rows = TILE_ROWS_2,
  .packed_columns = packed_columns,
  .panels = panels,
  .pack = pack,
  .winograd_pack = winograd_pack,
  .convolution = convolution,
#ifdef HAS_TILES
  .tile_scratch = amx_scratch,
#endif
  .winograd = winograd,
  .depthwise = depthwise,
  .separable = separable,
  .pooling = pooling,
  .global_pooling = global_pooling,
  .dense = dense,
  .clamp = clamp,
  .affine = affine,
  .add = add,
  .subtract = subtract,
  .multiply = multiply,
  .average = average,
  .maximum = maximum,
  .minimum = minimum,
  .rectify = rectify,
  .activation = activation,
  .layer_norm = layer_norm,
  .resize = resize,
  .scatter = scatter,
  .peak = peak,
  .peak_chains = peak_chains,
};
