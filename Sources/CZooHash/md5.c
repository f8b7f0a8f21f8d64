// MD5, by which published files are known. It protects against nothing.
#include "blocks.h"

// 2^32 times the absolute sines of 1, 2, …
static const uint32_t sines[64] = {
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
  0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
  0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
  0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
  0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
  0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
  0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
  0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
// What a step adds that is known early. The empty statement keeps the compiler from adding it late: each step
// waits for the one before, so that nothing else counts.
static inline uint32_t early(uint32_t a, uint32_t word, uint32_t sine) {
  uint32_t sum = a + word + sine;
  __asm__("" : "+r"(sum));
  return sum;
}

#define STEP(a, b, i, word, rotation, function) \
  a = b + rotate_left_32(early(a, w[(word) & 15], sines[i]) + (function), rotation)

static void compress(uint32_t *state, const uint8_t *blocks, size_t count) {
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  for (; count > 0; count--, blocks += block_bytes) {
    const uint32_t a_before = a, b_before = b, c_before = c, d_before = d;
    uint32_t w[16];
    for (int i = 0; i < 16; i++) w[i] = load_little_32(blocks + 4 * i);
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i += 4) {
      STEP(a, b, i, i, 7, d ^ (b & (c ^ d)));
      STEP(d, a, i + 1, i + 1, 12, c ^ (a & (b ^ c)));
      STEP(c, d, i + 2, i + 2, 17, b ^ (d & (a ^ b)));
      STEP(b, c, i + 3, i + 3, 22, a ^ (c & (d ^ a)));
    }
#pragma clang loop unroll(full)
    for (int i = 16; i < 32; i += 4) {
      STEP(a, b, i, 5 * i + 1, 5, (c & ~d) + (b & d));
      STEP(d, a, i + 1, 5 * i + 6, 9, (b & ~c) + (a & c));
      STEP(c, d, i + 2, 5 * i + 11, 14, (a & ~b) + (d & b));
      STEP(b, c, i + 3, 5 * i, 20, (d & ~a) + (c & a));
    }
#pragma clang loop unroll(full)
    for (int i = 32; i < 48; i += 4) {
      STEP(a, b, i, 3 * i + 5, 4, b ^ (c ^ d));
      STEP(d, a, i + 1, 3 * i + 8, 11, a ^ (b ^ c));
      STEP(c, d, i + 2, 3 * i + 11, 16, d ^ (a ^ b));
      STEP(b, c, i + 3, 3 * i + 14, 23, c ^ (d ^ a));
    }
#pragma clang loop unroll(full)
    for (int i = 48; i < 64; i += 4) {
      STEP(a, b, i, 7 * i, 6, c ^ (b | ~d));
      STEP(d, a, i + 1, 7 * i + 7, 10, b ^ (a | ~c));
      STEP(c, d, i + 2, 7 * i + 14, 15, a ^ (d | ~b));
      STEP(b, c, i + 3, 7 * i + 21, 21, d ^ (c | ~a));
    }
    a += a_before;
    b += b_before;
    c += c_before;
    d += d_before;
  }
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

void zoo_md5_init(zoo_md5 *hash) {
  *hash = (zoo_md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

void zoo_md5_update(zoo_md5 *hash, const void *bytes, size_t count) {
  update_blocks(hash->state, &hash->pending, compress, bytes, count);
}

void zoo_md5_final(const zoo_md5 *hash, uint8_t digest[16]) {
  uint32_t state[4];
  memcpy(state, hash->state, sizeof state);
  finish_blocks(state, &hash->pending, compress, false);
  for (int i = 0; i < 4; i++) store_little_32(digest + 4 * i, state[i]);
}
