// The kernels on whole numbers for NEON with the dot product of bytes.
#include "CZooKernels.h"

#if defined(__aarch64__)
#include <string.h>

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

#define Q_SHIFT 128

#include "vectors_neon.h"
#include "../kernels/prelude.h"
#include "integers_dot.h"
#include "../kernels/integer_depthwise.h"
#include "../kernels/integer_product.h"
#include "../kernels/integer_values.h"

#define KERNEL(name, arguments) \
  extern const zoo_kernel zoo_dot_##name; \
  const zoo_kernel zoo_dot_##name = name;
ZOO_INTEGER_KERNELS(KERNEL)
#undef KERNEL

#pragma clang attribute pop
#endif
