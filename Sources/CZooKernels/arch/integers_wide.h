// The kernels on whole numbers in the table of AVX-512: those for VNNI, or for AVX2 where the processor lacks it.
#pragma once

extern const zoo_kernels zoo_kernels_avx2;
int zoo_has_vnni(void);

#define WIDE(name) (zoo_has_vnni() ? zoo_vnni_##name : zoo_kernels_avx2.name)
#define KERNEL(name, arguments) \
  extern const zoo_kernel zoo_vnni_##name; \
  static void name(const void *a, int32_t begin, int32_t end) { WIDE(name)(a, begin, end); }
ZOO_INTEGER_KERNELS(KERNEL)
#undef KERNEL
#undef WIDE
