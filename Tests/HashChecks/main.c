// The checks as a program, for machines that are emulated: its argument is the path of the known digests; it
// exits with 1 where a digest is wrong.
#include <HashChecks.h>
#include <stdio.h>

static void print(void *context, const char *line) {
  (void)context;
  printf("%s\n", line);
}

int main(int count, char *arguments[]) {
  static char known[1 << 16];
  FILE *file = count == 2 ? fopen(arguments[1], "r") : NULL;
  if (!file) return 2;
  known[fread(known, 1, sizeof known - 1, file)] = 0;
  fclose(file);
  const zoo_hash_check_result result = zoo_check_hashes(known, print, NULL);
  printf("%lld digests, %lld wrong\n", (long long)result.compared, (long long)result.failed);
  return result.failed > 0 || result.compared == 0;
}
