// The kernels on whole numbers in the tables of AVX-512: those for VNNI, or for AVX2 where the processor lacks it; in
// that of AMX with products on tiles where the processor has these for whole numbers.
#pragma once

extern const zoo_kernels zoo_kernels_avx2;
int zoo_has_vnni(void);

#define WIDE(name) (zoo_has_vnni() ? zoo_vnni_##name : zoo_kernels_avx2.name)
#define KERNEL(name, arguments) \
  extern const zoo_kernel zoo_vnni_##name; \
  static void name(const void *a, int32_t begin, int32_t end) { WIDE(name)(a, begin, end); }
#ifdef HAS_TILES
ZOO_OTHER_INTEGER_KERNELS(KERNEL)
extern const zoo_kernel zoo_vnni_integer_product, zoo_amx_integer_product;
int zoo_has_integer_tiles(void);
static void integer_product(const void *a, int32_t begin, int32_t end) {
  (zoo_has_integer_tiles() ? zoo_amx_integer_product : WIDE(integer_product))(a, begin, end);
}
#else
ZOO_INTEGER_KERNELS(KERNEL)
#endif
#undef KERNEL
#undef WIDE
