// The checks as a program, for machines that are emulated: exits with 1 where one fails.
#include <CZooKernels.h>
#include <KernelChecks.h>
#include <stdio.h>

static void print(void *context, const char *line) {
  (void)context;
  printf("%s\n", line);
}

int main(void) {
  int failed = 0;
  const char *name;
  for (int i = 0; (name = zoo_kernels_known(i)); i++) {
    const zoo_check_result result = zoo_check_kernels(name, print, NULL);
    printf("%s: %lld values, %lld wrong\n", name, (long long)result.compared, (long long)result.failed);
    failed |= result.failed > 0;
  }
  const zoo_check_result tiles = zoo_check_plain_tiles(print, NULL);
  printf("tiles: %lld values, %lld wrong\n", (long long)tiles.compared, (long long)tiles.failed);
  const zoo_check_result pool = zoo_check_pool(print, NULL);
  printf("pool: %lld counts, %lld wrong\n", (long long)pool.compared, (long long)pool.failed);
  return failed | (tiles.failed > 0) | (pool.failed > 0);
}
