// The table of one instruction set: includes the template of every operation and lists their kernels.
//
// The file that includes this defines VL (floats in a vector), REGISTERS (how many vectors they hold), MR_1 to MR_3
// (rows of a register block by its vectors of columns, fewer for more), STEPS (of a sum in one turn of a loop: what
// surrounds a step takes time where threads share a core, but several need registers), INLINE, KERNELS, KERNELS_NAME,
// vf, vi (as many integers) and the v_ functions; COMPUTED (prelude.h) where blocks need it; and INTEGERS, the header
// that has the q_ functions, IR and IV (rows and vectors of a register block of whole numbers), or all kernels on whole
// numbers.
#pragma once

#include "activation.h"
#include "activation_gradient.h"
#include "batch_norm.h"
#include "dense.h"
#include "dense_gradient.h"
#include "depthwise.h"
#include "depthwise_gradient.h"
#include "depthwise_weight_gradient.h"
#include "elementwise.h"
#include "layer_norm.h"
#include "panels.h"
#include "peak.h"
#include "pooling.h"
#include "pooling_gradient.h"
#include "portable_ops.h"
#include "resize.h"
#include "scatter.h"
#include "separable.h"
#include "table_products.h"
#include "transposed_panels.h"
#include "vector_convolution.h"
#include "weight_gradient.h"
#include "winograd.h"
#include "winograd_gradient.h"
#include INTEGERS
#ifdef IR
#include "integer_depthwise.h"
#include "integer_product.h"
#include "integer_values.h"
#endif
#ifndef Q_SHIFT
#define Q_SHIFT 0
#endif
#ifdef WR
#define WORD_KERNELS ZOO_WORD_KERNELS(VECTOR_KERNEL)
#else
#define WORD_KERNELS
#endif

// The members of a table but its name, with a comma behind each.
#define VECTOR_KERNEL(name, arguments) .name = name,
#define PORTABLE_KERNEL(name, arguments) .name = zoo_##name,
#define TEMPLATES \
  .vector = VL, \
  .mr = MR_2, \
  .peak_chains = peak_chains, \
  .packed_columns = packed_columns, \
  .panels = panels, \
  .gradient_tiles = gradient_tiles, \
  .gradient_panels = gradient_panels, \
  .gradient_scratch = gradient_scratch, \
  .integer_shift = Q_SHIFT, \
  ZOO_VECTOR_KERNELS(VECTOR_KERNEL) \
  WORD_KERNELS \
  ZOO_PORTABLE_KERNELS(PORTABLE_KERNEL)

const zoo_kernels KERNELS = {TEMPLATES .name = KERNELS_NAME};
