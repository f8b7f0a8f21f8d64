// AVX-512, and the same with products on the matrix tiles of AMX.
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

#pragma clang attribute push( \
    __attribute__((target("amx-tile,amx-bf16,avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))), \
    apply_to = function)

#include "../kernels/amx_convolution.h"

// On tiles where the caller gives memory for them and nothing is masked.
static void tile_convolution(const void *arguments, int32_t begin, int32_t end) {
  const zoo_convolution *c = arguments;
  (c->scratch && !c->mask.values ? amx_convolution : convolution)(arguments, begin, end);
}

static void tile_separable(const void *arguments, int32_t begin, int32_t end) {
  separable_by(tile_convolution, arguments, begin, end);
}

extern const zoo_kernel zoo_amx_integer_product;
int zoo_has_integer_tiles(void);

static void tile_integer_product(const void *arguments, int32_t begin, int32_t end) {
  (zoo_has_integer_tiles() ? zoo_amx_integer_product : integer_product)(arguments, begin, end);
}

// Members that are named again replace those of AVX-512.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winitializer-overrides"
const zoo_kernels zoo_kernels_amx = {
  TEMPLATES
  .name = "amx",
  .tile_scratch = amx_scratch,
  .convolution = tile_convolution,
  .separable = tile_separable,
  .integer_product = tile_integer_product,
};
#pragma clang diagnostic pop

#pragma clang attribute pop
#endif
