// Which kernels this machine can run.
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "CZooKernels.h"

extern const zoo_kernels zoo_kernels_portable;
#if defined(__x86_64__)
extern const zoo_kernels zoo_kernels_amx, zoo_kernels_avx512, zoo_kernels_avx2;

// These ask the processor and whether the operating system saves the registers.
static int has_avx512(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("fma");
}
int zoo_has_vnni(void);
int zoo_has_vnni(void) { return __builtin_cpu_supports("avx512vnni"); }
int zoo_has_integer_tiles(void);
int zoo_has_integer_tiles(void) {
  return __builtin_cpu_supports("amx-int8") && __builtin_cpu_supports("avx512vnni");
}
// Linux saves the tiles of processes only that have asked for it, once for all threads.
static int has_amx(void) {
#if defined(__linux__)
  enum { arch_request_permission = 0x1023, tile_data = 18 };
  static const unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24;
  unsigned a, b, c, d;
  return has_avx512() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & amx_bf16) && (d & amx_tile) &&
         syscall(SYS_arch_prctl, arch_request_permission, tile_data) == 0;
#else
  return 0;
#endif
}
static int has_avx2(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}
#elif defined(__aarch64__)
extern const zoo_kernels zoo_kernels_neon;

int zoo_has_dot_product(void);
#if defined(__ARM_FEATURE_DOTPROD)
int zoo_has_dot_product(void) { return 1; }
#elif defined(__linux__)
int zoo_has_dot_product(void) {
  enum { capability_dot_product = 1 << 20 };
  return (getauxval(AT_HWCAP) & capability_dot_product) != 0;
}
#else
int zoo_has_dot_product(void) { return 0; }
#endif
#endif
static int always(void) { return 1; }

static const struct {
  const char *name;
  int (*available)(void);
  const zoo_kernels *kernels;
} known[] = {
#if defined(__x86_64__)
  {"amx", has_amx, &zoo_kernels_amx},
  {"avx512", has_avx512, &zoo_kernels_avx512},
  {"avx2", has_avx2, &zoo_kernels_avx2},
#elif defined(__aarch64__)
  {"neon", always, &zoo_kernels_neon},
#endif
  {"portable", always, &zoo_kernels_portable},
};

enum { known_count = sizeof known / sizeof *known };

const char *zoo_kernels_known(int32_t index) {
  return index >= 0 && index < known_count ? known[index].name : NULL;
}

const zoo_kernels *zoo_kernels_named(const char *name) {
  for (int i = 0; i < known_count; i++) {
    if (strcmp(name, known[i].name) == 0) return known[i].available() ? known[i].kernels : NULL;
  }
  return NULL;
}

zoo_kernel zoo_kernel_of(const zoo_kernels *kernels, zoo_kernel_id id) {
  switch (id) {
#define KERNEL(name, arguments) case zoo_kernel_##name: return kernels->name;
    ZOO_KERNELS(KERNEL)
#undef KERNEL
  }
  return NULL;
}

const char *zoo_kernel_name(zoo_kernel_id id) {
  switch (id) {
#define KERNEL(name, arguments) case zoo_kernel_##name: return #name;
    ZOO_KERNELS(KERNEL)
#undef KERNEL
  }
  return NULL;
}
