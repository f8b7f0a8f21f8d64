// What the system should do with written files.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <fcntl.h>

#include "CZooSystem.h"

void zoo_begin_writeback(int file) {
#if defined(__linux__) && defined(SYNC_FILE_RANGE_WRITE)
  // Advice only: a failure shows when the file is synced.
  (void)sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
  (void)file;
#endif
}
