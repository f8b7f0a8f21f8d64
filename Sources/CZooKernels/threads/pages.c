// Large allocations straight from the system.
#include <sys/mman.h>

#include "CZooKernels.h"

void *zoo_pages_allocate(size_t bytes) {
  void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (address == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
  madvise(address, bytes, MADV_HUGEPAGE);
#endif
  return address;
}

void zoo_pages_free(void *address, size_t bytes) { munmap(address, bytes); }
