// NEON.
#include "CZooKernels.h"

#if defined(__aarch64__)
#define KERNELS zoo_kernels_neon
#define KERNELS_NAME "neon"
#define INTEGERS "../arch/integers_neon.h"

#include "vectors_neon.h"
#include "../kernels/table.h"
#endif
