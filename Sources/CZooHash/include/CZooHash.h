// SHA-256, SHA-1, MD5 and XXH3 of 128 bits, of bytes that come in parts.
//
// A state is a plain structure that owns nothing: it can be copied, and it needs no end. `final` leaves it
// as it is, so that more can follow.
//
// SHA-256 and XXH3 have several implementations with equal results, numbered from 0, the fastest first.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The bytes that do not fill a block yet, of a hash that works on blocks of 64 bytes.
typedef struct {
  uint64_t total; // bytes until now
  uint64_t block[8];
} zoo_pending_block;

// SHA-256 (FIPS 180-4).
typedef struct {
  uint32_t state[8];
  zoo_pending_block pending;
  int32_t implementation;
} zoo_sha256;

// The name of an implementation for this kind of processor; NULL after the last.
const char *zoo_sha256_implementation(int32_t index);

// Begins with the fastest implementation that this machine can run.
void zoo_sha256_init(zoo_sha256 *hash);

// Begins with an implementation; returns false where this machine cannot run it.
bool zoo_sha256_init_with(zoo_sha256 *hash, int32_t index);

void zoo_sha256_update(zoo_sha256 *hash, const void *bytes, size_t count);
void zoo_sha256_final(const zoo_sha256 *hash, uint8_t digest[32]);

// SHA-1 (FIPS 180-4).
typedef struct {
  uint32_t state[5];
  zoo_pending_block pending;
} zoo_sha1;

void zoo_sha1_init(zoo_sha1 *hash);
void zoo_sha1_update(zoo_sha1 *hash, const void *bytes, size_t count);
void zoo_sha1_final(const zoo_sha1 *hash, uint8_t digest[20]);

// MD5 (RFC 1321).
typedef struct {
  uint32_t state[4];
  zoo_pending_block pending;
} zoo_md5;

void zoo_md5_init(zoo_md5 *hash);
void zoo_md5_update(zoo_md5 *hash, const void *bytes, size_t count);
void zoo_md5_final(const zoo_md5 *hash, uint8_t digest[16]);

// XXH3 of 128 bits with seed 0 and the default secret.
typedef struct {
  uint64_t accumulators[8];
  uint64_t total;     // bytes until now
  uint64_t tail[8];   // the last bytes of those that the accumulators have
  uint64_t held[32];  // the bytes after these; the last byte of all is always among them
  uint32_t held_count;
  uint32_t stripe;    // in its block, the next
  int32_t implementation;
} zoo_xxh3;

typedef struct {
  uint64_t low, high;
} zoo_xxh3_digest;

// As for SHA-256.
const char *zoo_xxh3_implementation(int32_t index);
void zoo_xxh3_init(zoo_xxh3 *hash);
bool zoo_xxh3_init_with(zoo_xxh3 *hash, int32_t index);

void zoo_xxh3_update(zoo_xxh3 *hash, const void *bytes, size_t count);
zoo_xxh3_digest zoo_xxh3_final(const zoo_xxh3 *hash);

#ifdef __cplusplus
}
#endif
