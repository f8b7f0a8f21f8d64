// SHA-1, by which git knows the content of files. It protects against nothing.
#include "blocks.h"

static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};

// The word of step i, of which the last 16 are held.
static inline uint32_t expand(uint32_t *w, int i) {
  if (i < 16) return w[i];
  const uint32_t x = w[(i - 3) & 15] ^ w[(i - 8) & 15] ^ w[(i - 14) & 15] ^ w[i & 15];
  return w[i & 15] = rotate_left_32(x, 1);
}

// The five values change places instead of moving.
#define STEP(a, b, c, d, e, i, function) \
  e += rotate_left_32(a, 5) + (function) + constants[(i) / 20] + expand(w, i), b = rotate_left_32(b, 30)

#define FIVE_STEPS(i, function) \
  STEP(a, b, c, d, e, i, function(b, c, d)); \
  STEP(e, a, b, c, d, i + 1, function(a, b, c)); \
  STEP(d, e, a, b, c, i + 2, function(e, a, b)); \
  STEP(c, d, e, a, b, i + 3, function(d, e, a)); \
  STEP(b, c, d, e, a, i + 4, function(c, d, e))

#define CHOOSE(x, y, z) (z ^ (x & (y ^ z)))
#define PARITY(x, y, z) (x ^ y ^ z)
#define MAJORITY(x, y, z) ((x & y) | (z & (x | y)))

static void compress(uint32_t *state, const uint8_t *blocks, size_t count) {
  for (; count > 0; count--, blocks += block_bytes) {
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    uint32_t w[16];
    for (int i = 0; i < 16; i++) w[i] = load_big_32(blocks + 4 * i);
#pragma clang loop unroll(full)
    for (int i = 0; i < 20; i += 5) { FIVE_STEPS(i, CHOOSE); }
#pragma clang loop unroll(full)
    for (int i = 20; i < 40; i += 5) { FIVE_STEPS(i, PARITY); }
#pragma clang loop unroll(full)
    for (int i = 40; i < 60; i += 5) { FIVE_STEPS(i, MAJORITY); }
#pragma clang loop unroll(full)
    for (int i = 60; i < 80; i += 5) { FIVE_STEPS(i, PARITY); }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
  }
}

void zoo_sha1_init(zoo_sha1 *hash) {
  *hash = (zoo_sha1){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

void zoo_sha1_update(zoo_sha1 *hash, const void *bytes, size_t count) {
  update_blocks(hash->state, &hash->pending, compress, bytes, count);
}

void zoo_sha1_final(const zoo_sha1 *hash, uint8_t digest[20]) {
  uint32_t state[5];
  memcpy(state, hash->state, sizeof state);
  finish_blocks(state, &hash->pending, compress, true);
  for (int i = 0; i < 5; i++) store_big_32(digest + 4 * i, state[i]);
}
