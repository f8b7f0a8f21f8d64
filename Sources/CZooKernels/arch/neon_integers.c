// The kernels on whole numbers for NEON without the dot product of bytes.
#include "CZooKernels.h"

#if defined(__aarch64__)
#include <string.h>

#define Q_SHIFT 128

#include "vectors_neon.h"
#include "../kernels/prelude.h"
#include "integers_plain.h"
#include "../kernels/integer_depthwise.h"
#include "../kernels/integer_product.h"
#include "../kernels/integer_values.h"

#define KERNEL(name, arguments) \
  extern const zoo_kernel zoo_neon_##name; \
  const zoo_kernel zoo_neon_##name = name;
ZOO_INTEGER_KERNELS(KERNEL)
#undef KERNEL
#endif
