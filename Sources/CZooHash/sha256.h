// The implementations of SHA-256.
#pragma once

#include "blocks.h"

#if defined(__x86_64__)
#define SHA256_X86
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define SHA256_ARM
#endif

// The fractional parts of the cube roots of the first primes.
extern const uint32_t zoo_sha256_constants[64];

bool zoo_sha256_has_instructions(void);
void zoo_sha256_compress_with_instructions(uint32_t *state, const uint8_t *blocks, size_t count);
