// Every kernel of an instruction set against plain loops in double precision.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  int64_t compared;  // values
  int64_t failed;
} zoo_check_result;

// Calls `report` with a line for each kernel and case that fails. Compares nothing where the build or the
// machine lacks the kernels of that name.
zoo_check_result zoo_check_kernels(
    const char *name, void (*report)(void *context, const char *line), void *context);

// The same of the product on codes of 8 bits on matrix tiles, with tiles in plain C, which run on every machine.
zoo_check_result zoo_check_plain_tiles(void (*report)(void *context, const char *line), void *context);

// The pool of threads. A count of units that is wrong is a failure.
zoo_check_result zoo_check_pool(void (*report)(void *context, const char *line), void *context);

#ifdef __cplusplus
}
#endif
