// Words in a given byte order, at any address.
#pragma once

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LITTLE_32(x) __builtin_bswap32(x)
#define LITTLE_64(x) __builtin_bswap64(x)
#define BIG_32(x) (x)
#define BIG_64(x) (x)
#else
#define LITTLE_32(x) (x)
#define LITTLE_64(x) (x)
#define BIG_32(x) __builtin_bswap32(x)
#define BIG_64(x) __builtin_bswap64(x)
#endif

static inline uint32_t load_32(const uint8_t *p) {
  uint32_t x;
  memcpy(&x, p, sizeof x);
  return x;
}
static inline uint64_t load_64(const uint8_t *p) {
  uint64_t x;
  memcpy(&x, p, sizeof x);
  return x;
}
static inline uint32_t load_little_32(const uint8_t *p) { return LITTLE_32(load_32(p)); }
static inline uint64_t load_little_64(const uint8_t *p) { return LITTLE_64(load_64(p)); }
static inline uint32_t load_big_32(const uint8_t *p) { return BIG_32(load_32(p)); }
static inline void store_little_32(uint8_t *p, uint32_t x) {
  x = LITTLE_32(x);
  memcpy(p, &x, sizeof x);
}
static inline void store_big_32(uint8_t *p, uint32_t x) {
  x = BIG_32(x);
  memcpy(p, &x, sizeof x);
}

static inline uint32_t rotate_left_32(uint32_t x, int n) { return x << n | x >> (32 - n); }
