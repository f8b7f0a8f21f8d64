// The accumulation of XXH3 for vectors of LANES words, as a function ACCUMULATE.
//
// Each word of a stripe is added to the accumulator next to its own; its own gets the product of the word's
// halves under the key. In a block the key moves by a word a stripe; after a block the accumulators are
// scrambled.

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define VECTOR JOIN(vector_, LANES)
#define LOOSE_VECTOR JOIN(loose_vector_, LANES)

typedef uint64_t VECTOR __attribute__((vector_size(8 * LANES)));
typedef uint64_t LOOSE_VECTOR __attribute__((vector_size(8 * LANES), aligned(1), may_alias));

static void ACCUMULATE(uint64_t *accumulators, uint32_t *position, const uint8_t *bytes, size_t stripes) {
  enum { vectors = 8 / LANES };
  VECTOR sums[vectors];
  size_t stripe = *position;
  memcpy(sums, accumulators, sizeof sums);
  while (stripes > 0) {
    const size_t left = block_stripes - stripe, part = stripes < left ? stripes : left;
    const uint8_t *key = secret + 8 * stripe;
    for (size_t i = 0; i < part; i++, bytes += stripe_bytes, key += 8) {
      __builtin_prefetch((const void *)((uintptr_t)bytes + prefetch_distance));
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) {
        const VECTOR words = ((const LOOSE_VECTOR *)bytes)[v];
        const VECTOR keyed = words ^ ((const LOOSE_VECTOR *)key)[v];
        sums[v] += SWAP_PAIRS(words) + (keyed & 0xffffffff) * (keyed >> 32);
      }
    }
    stripe += part;
    stripes -= part;
    if (stripe == block_stripes) {
      stripe = 0;
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) {
        const VECTOR scramble = ((const LOOSE_VECTOR *)(secret + scramble_key))[v];
        sums[v] = TIMES_PRIME(sums[v] ^ sums[v] >> 47 ^ scramble);
      }
    }
  }
  memcpy(accumulators, sums, sizeof sums);
  *position = (uint32_t)stripe;
}

#undef VECTOR
#undef LOOSE_VECTOR
#undef JOIN
#undef JOIN_
#undef LANES
#undef ACCUMULATE
#undef SWAP_PAIRS
