// AVX-512.
#include "CZooKernels.h"

#if defined(__x86_64__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))), apply_to = function)

#define KERNELS zoo_kernels_avx512
#define KERNELS_NAME "avx512"
#define INTEGERS "../arch/integers_wide.h"

#include "vectors_avx512.h"
#include "../kernels/table.h"

#pragma clang attribute pop
#endif
