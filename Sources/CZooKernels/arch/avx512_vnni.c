// The kernels on whole numbers for AVX-512 with VNNI, which the tables of AVX-512 take where the processor has it.
#include "CZooKernels.h"

#if defined(__x86_64__)
#include <string.h>

#pragma clang attribute push( \
    __attribute__((target("avx512vnni,avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))), apply_to = function)

#include "vectors_avx512.h"
#include "../kernels/prelude.h"
#include "integers_avx512.h"
#include "../kernels/integer_depthwise.h"
#include "../kernels/integer_product.h"
#include "../kernels/integer_values.h"

#define KERNEL(name, arguments) const zoo_kernel zoo_vnni_##name = name;
ZOO_INTEGER_KERNELS(KERNEL)
#undef KERNEL

#pragma clang attribute pop
#endif
