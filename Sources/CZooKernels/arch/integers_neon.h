// The kernels on whole numbers in the table of NEON: those with the dot product of bytes, or without where the
// processor lacks it. Both take activations as signed numbers: SDOT multiplies signed by signed.
#pragma once

#define Q_SHIFT 128

int zoo_has_dot_product(void);

#define KERNEL(name, arguments) \
  extern const zoo_kernel zoo_dot_##name, zoo_neon_##name; \
  static void name(const void *a, int32_t begin, int32_t end) { \
    (zoo_has_dot_product() ? zoo_dot_##name : zoo_neon_##name)(a, begin, end); \
  }
ZOO_INTEGER_KERNELS(KERNEL)
#undef KERNEL
