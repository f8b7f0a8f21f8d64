// SHA-256: the portable implementation, and the choice among all.
#include "sha256.h"

const uint32_t zoo_sha256_constants[64] __attribute__((aligned(64))) = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }
static uint32_t sum_0(uint32_t a) { return turn(a, 2) ^ turn(a, 13) ^ turn(a, 22); }
static uint32_t sum_1(uint32_t e) { return turn(e, 6) ^ turn(e, 11) ^ turn(e, 25); }
static uint32_t sigma_0(uint32_t w) { return turn(w, 7) ^ turn(w, 18) ^ w >> 3; }
static uint32_t sigma_1(uint32_t w) { return turn(w, 17) ^ turn(w, 19) ^ w >> 10; }

// A round; of the eight variables only these two change, and then all move by one place.
static inline void advance(
    uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e, uint32_t f, uint32_t g, uint32_t *h,
    uint32_t word) {
  const uint32_t choice = g ^ (e & (f ^ g)), majority = (a & b) | (c & (a | b));
  const uint32_t t = *h + word + sum_1(e) + choice;
  *d += t;
  *h = t + sum_0(a) + majority;
}

static void compress_portable(uint32_t *state, const uint8_t *blocks, size_t count) {
  const uint32_t *const k = zoo_sha256_constants;
  for (; count > 0; count--, blocks += block_bytes) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++) w[i] = load_big_32(blocks + 4 * i);
    for (int i = 16; i < 64; i++) w[i] = w[i - 16] + sigma_0(w[i - 15]) + w[i - 7] + sigma_1(w[i - 2]);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i += 8) {
      advance(a, b, c, &d, e, f, g, &h, k[i] + w[i]);
      advance(h, a, b, &c, d, e, f, &g, k[i + 1] + w[i + 1]);
      advance(g, h, a, &b, c, d, e, &f, k[i + 2] + w[i + 2]);
      advance(f, g, h, &a, b, c, d, &e, k[i + 3] + w[i + 3]);
      advance(e, f, g, &h, a, b, c, &d, k[i + 4] + w[i + 4]);
      advance(d, e, f, &g, h, a, b, &c, k[i + 5] + w[i + 5]);
      advance(c, d, e, &f, g, h, a, &b, k[i + 6] + w[i + 6]);
      advance(b, c, d, &e, f, g, h, &a, k[i + 7] + w[i + 7]);
    }
    const uint32_t sums[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) state[i] += sums[i];
  }
}

static bool always(void) { return true; }

static const struct {
  const char *name;
  bool (*available)(void);
  compress_blocks compress;
} implementations[] = {
#if defined(SHA256_X86)
  {"sha-ni", zoo_sha256_has_instructions, zoo_sha256_compress_with_instructions},
#elif defined(SHA256_ARM)
  {"armv8", zoo_sha256_has_instructions, zoo_sha256_compress_with_instructions},
#endif
  {"portable", always, compress_portable},
};

enum { implementation_count = sizeof implementations / sizeof *implementations };

const char *zoo_sha256_implementation(int32_t index) {
  return index >= 0 && index < implementation_count ? implementations[index].name : NULL;
}

bool zoo_sha256_init_with(zoo_sha256 *hash, int32_t index) {
  if (index < 0 || index >= implementation_count || !implementations[index].available()) return false;
  // The fractional parts of the square roots of the first primes.
  *hash = (zoo_sha256){
    .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19},
    .implementation = index,
  };
  return true;
}

void zoo_sha256_init(zoo_sha256 *hash) {
  for (int32_t index = 0; !zoo_sha256_init_with(hash, index); index++) {}
}

void zoo_sha256_update(zoo_sha256 *hash, const void *bytes, size_t count) {
  update_blocks(hash->state, &hash->pending, implementations[hash->implementation].compress, bytes, count);
}

void zoo_sha256_final(const zoo_sha256 *hash, uint8_t digest[32]) {
  uint32_t state[8];
  memcpy(state, hash->state, sizeof state);
  finish_blocks(state, &hash->pending, implementations[hash->implementation].compress, true);
  for (int i = 0; i < 8; i++) store_big_32(digest + 4 * i, state[i]);
}
