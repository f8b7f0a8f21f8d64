// Every implementation of the hashes against known digests and against each other.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  int64_t compared;  // digests
  int64_t failed;
} zoo_hash_check_result;

// `known` is the text of Fixtures/hashes/digests.txt. Calls `report` with the name of each implementation
// that this machine can run, and with a line for each wrong digest.
zoo_hash_check_result zoo_check_hashes(
    const char *known, void (*report)(void *context, const char *line), void *context);

#ifdef __cplusplus
}
#endif
