// Which kernels this machine can run.
#include <string.h>

#include "CZooKernels.h"

extern const zoo_kernels zoo_kernels_portable;
#if defined(__x86_64__)
extern const zoo_kernels zoo_kernels_avx512, zoo_kernels_avx2;

// These ask the processor and whether the operating system saves the registers.
static int has_avx512(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("fma");
}
static int has_avx2(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}
#elif defined(__aarch64__)
extern const zoo_kernels zoo_kernels_neon;
#endif
static int always(void) { return 1; }

static const struct {
  const char *name;
  int (*available)(void);
  const zoo_kernels *kernels;
} known[] = {
#if defined(__x86_64__)
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
