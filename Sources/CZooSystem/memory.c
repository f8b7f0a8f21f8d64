// What the system should know of large pieces of memory.
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <stdint.h>

#include "CZooSystem.h"

void zoo_expect_large_use(void *address, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  enum { least = 4 << 20 };
  const long page = sysconf(_SC_PAGESIZE);
  if (bytes < least || page <= 0) return;
  const uintptr_t size = (uintptr_t)page, start = ((uintptr_t)address + size - 1) / size * size;
  // Advice only: where it cannot be followed, nothing changes.
  (void)madvise((void *)start, (uintptr_t)address + bytes - start, MADV_HUGEPAGE);
#else
  (void)address;
  (void)bytes;
#endif
}
