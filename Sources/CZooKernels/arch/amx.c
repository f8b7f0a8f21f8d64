// AVX-512, with matrix products on the tiles of AMX.
#include "CZooKernels.h"

#if defined(__x86_64__)
#pragma clang attribute push( \
    __attribute__((target("amx-tile,amx-bf16,avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))), \
    apply_to = function)

#define HAS_TILES
#define KERNELS zoo_kernels_amx
#define KERNELS_NAME "amx"
#define INTEGERS "../arch/integers_wide.h"

#include "vectors_avx512.h"
#include "../kernels/table.h"

#pragma clang attribute pop
#endif
