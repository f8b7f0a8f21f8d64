// XXH3 of 128 bits, as xxHash's specification describes it, for seed 0 and the default secret.
#include "CZooHash.h"
#include "words.h"

#if defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define XXH3_NEON
#include <arm_neon.h>
#endif

enum {
  stripe_bytes = 64,
  block_stripes = 16,
  secret_bytes = 192,
  // Places in the secret.
  scramble_key = secret_bytes - 64,
  last_stripe_key = secret_bytes - 71,
  low_key = 11,
  high_key = secret_bytes - 75,
  // Longer inputs are accumulated in stripes.
  medium_bytes = 240,
  prefetch_distance = 512,
};

static const uint64_t prime_32_1 = 0x9e3779b1, prime_32_2 = 0x85ebca77, prime_32_3 = 0xc2b2ae3d;
static const uint64_t prime_64_1 = 0x9e3779b185ebca87, prime_64_2 = 0xc2b2ae3d27d4eb4f;
static const uint64_t prime_64_3 = 0x165667b19e3779f9, prime_64_4 = 0x85ebca77c2b2ae63;
static const uint64_t prime_64_5 = 0x27d4eb2f165667c5;
static const uint64_t prime_mx_1 = 0x165667919e3779f9, prime_mx_2 = 0x9fb21c651e98df25;

static const uint8_t secret[secret_bytes] __attribute__((aligned(64))) = {
  0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
  0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
  0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
  0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
  0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
  0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
  0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
  0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
  0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
  0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
  0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
  0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
};

static uint64_t key(size_t place) { return load_little_64(secret + place); }

// Both halves of the product, one under the other.
static uint64_t folded_product(uint64_t a, uint64_t b) {
  const unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t avalanche(uint64_t x) {
  x = (x ^ x >> 37) * prime_mx_1;
  return x ^ x >> 32;
}
static uint64_t avalanche_xxh64(uint64_t x) {
  x = (x ^ x >> 33) * prime_64_2;
  x = (x ^ x >> 29) * prime_64_3;
  return x ^ x >> 32;
}

// MARK: Inputs of up to 240 bytes

static zoo_xxh3_digest digest_of_0(void) {
  return (zoo_xxh3_digest){
    .low = avalanche_xxh64(key(64) ^ key(72)),
    .high = avalanche_xxh64(key(80) ^ key(88)),
  };
}

static zoo_xxh3_digest digest_of_1_to_3(const uint8_t *bytes, size_t count) {
  const uint32_t first = bytes[0], middle = bytes[count / 2], last = bytes[count - 1];
  const uint32_t word = middle << 24 | first << 16 | (uint32_t)count << 8 | last;
  const uint32_t turned = rotate_left_32(__builtin_bswap32(word), 13);
  return (zoo_xxh3_digest){
    .low = avalanche_xxh64((load_little_32(secret) ^ load_little_32(secret + 4)) ^ word),
    .high = avalanche_xxh64((load_little_32(secret + 8) ^ load_little_32(secret + 12)) ^ turned),
  };
}

static zoo_xxh3_digest digest_of_4_to_8(const uint8_t *bytes, size_t count) {
  const uint64_t first = load_little_32(bytes), last = load_little_32(bytes + count - 4);
  const unsigned __int128 product =
      (unsigned __int128)(key(16) ^ key(24) ^ (last << 32 | first)) * (prime_64_1 + 4 * count);
  uint64_t low = (uint64_t)product, high = (uint64_t)(product >> 64) + 2 * low;
  low ^= high >> 3;
  low = (low ^ low >> 35) * prime_mx_2;
  return (zoo_xxh3_digest){.low = low ^ low >> 28, .high = avalanche(high)};
}

static zoo_xxh3_digest digest_of_9_to_16(const uint8_t *bytes, size_t count) {
  const uint64_t first = load_little_64(bytes), last = load_little_64(bytes + count - 8);
  const uint64_t both = key(32) ^ key(40) ^ first ^ last, one = key(48) ^ key(56) ^ last;
  const unsigned __int128 product = (unsigned __int128)both * prime_64_1;
  const uint64_t high = (uint64_t)(product >> 64) + one + (uint32_t)one * (prime_32_2 - 1);
  const uint64_t low = ((uint64_t)product + ((uint64_t)(count - 1) << 54)) ^ __builtin_bswap64(high);
  const unsigned __int128 mixed = ((unsigned __int128)high << 64 | low) * prime_64_2;
  return (zoo_xxh3_digest){
    .low = avalanche((uint64_t)mixed), .high = avalanche((uint64_t)(mixed >> 64))};
}

static uint64_t mix_16(const uint8_t *bytes, uint64_t key_0, uint64_t key_1) {
  return folded_product(load_little_64(bytes) ^ key_0, load_little_64(bytes + 8) ^ key_1);
}
static uint64_t sum_16(const uint8_t *bytes) { return load_little_64(bytes) + load_little_64(bytes + 8); }

static void mix_pair(uint64_t sums[2], const uint8_t *a, const uint8_t *b, size_t place) {
  sums[0] = (sums[0] + mix_16(a, key(place), key(place + 8))) ^ sum_16(b);
  sums[1] = (sums[1] + mix_16(b, key(place + 16), key(place + 24))) ^ sum_16(a);
}

static zoo_xxh3_digest digest_of_17_to_240(const uint8_t *bytes, size_t count) {
  const uint8_t *const end = bytes + count;
  uint64_t sums[2] = {count * prime_64_1, 0};
  if (count <= 128) {
    for (size_t i = (count + 31) / 32; i-- > 0;) {
      mix_pair(sums, bytes + 16 * i, end - 16 * (i + 1), 32 * i);
    }
  } else {
    for (size_t i = 0; i < 4; i++) mix_pair(sums, bytes + 32 * i, bytes + 32 * i + 16, 32 * i);
    sums[0] = avalanche(sums[0]);
    sums[1] = avalanche(sums[1]);
    for (size_t i = 4; i < count / 32; i++) {
      mix_pair(sums, bytes + 32 * i, bytes + 32 * i + 16, 32 * (i - 4) + 3);
    }
    // The last 32 bytes the other way round.
    mix_pair(sums, end - 16, end - 32, 103);
  }
  return (zoo_xxh3_digest){
    .low = avalanche(sums[0] + sums[1]),
    .high = -avalanche(sums[0] * prime_64_1 + sums[1] * prime_64_4 + count * prime_64_2),
  };
}

static zoo_xxh3_digest digest_of_0_to_240(const uint8_t *bytes, size_t count) {
  if (count > 16) return digest_of_17_to_240(bytes, count);
  if (count > 8) return digest_of_9_to_16(bytes, count);
  if (count > 3) return digest_of_4_to_8(bytes, count);
  return count > 0 ? digest_of_1_to_3(bytes, count) : digest_of_0();
}

// MARK: Stripes

// Takes whole stripes, the first of them at `position` in its block, and moves that on.
typedef void (*accumulate_stripes)(
    uint64_t *accumulators, uint32_t *position, const uint8_t *bytes, size_t stripes);

static void accumulate_stripe(uint64_t *accumulators, const uint8_t *bytes, size_t place) {
  for (size_t i = 0; i < 8; i++) {
    const uint64_t word = load_little_64(bytes + 8 * i), keyed = word ^ key(place + 8 * i);
    accumulators[i ^ 1] += word;
    accumulators[i] += (keyed & 0xffffffff) * (keyed >> 32);
  }
}

static void accumulate_portable(
    uint64_t *accumulators, uint32_t *position, const uint8_t *bytes, size_t stripes) {
  for (; stripes > 0; stripes--, bytes += stripe_bytes) {
    accumulate_stripe(accumulators, bytes, 8 * *position);
    *position = (*position + 1) % block_stripes;
    if (*position > 0) continue;
    for (size_t i = 0; i < 8; i++) {
      const uint64_t a = accumulators[i];
      accumulators[i] = (a ^ a >> 47 ^ key(scramble_key + 8 * i)) * prime_32_1;
    }
  }
}

static bool always(void) { return true; }

#if defined(__x86_64__)
static bool has_avx512(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f");
}
static bool has_avx2(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2");
}

#define TIMES_PRIME(v) ((v) * prime_32_1)

#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#define LANES 8
#define ACCUMULATE accumulate_avx512
#define SWAP_PAIRS(v) __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6)
#include "xxh3_stripes.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define LANES 4
#define ACCUMULATE accumulate_avx2
#define SWAP_PAIRS(v) __builtin_shufflevector(v, v, 1, 0, 3, 2)
#include "xxh3_stripes.h"
#pragma clang attribute pop

#define LANES 2
#define ACCUMULATE accumulate_sse2
#define SWAP_PAIRS(v) __builtin_shufflevector(v, v, 1, 0)
#include "xxh3_stripes.h"

#undef TIMES_PRIME

#elif defined(XXH3_NEON)
// From 32-bit products: there is no 64-bit one, and compilers take the words out of the vectors for it.
static uint64x2_t times_prime(uint64x2_t v) {
  const uint32x2_t prime = vdup_n_u32((uint32_t)prime_32_1);
  return vmlal_u32(vshlq_n_u64(vmull_u32(vshrn_n_u64(v, 32), prime), 32), vmovn_u64(v), prime);
}

#define LANES 2
#define ACCUMULATE accumulate_neon
#define SWAP_PAIRS(v) __builtin_shufflevector(v, v, 1, 0)
#define TIMES_PRIME(v) times_prime((uint64x2_t)(v))
#include "xxh3_stripes.h"
#endif

static const struct {
  const char *name;
  bool (*available)(void);
  accumulate_stripes accumulate;
} implementations[] = {
#if defined(__x86_64__)
  {"avx512", has_avx512, accumulate_avx512},
  {"avx2", has_avx2, accumulate_avx2},
  {"sse2", always, accumulate_sse2},
#elif defined(XXH3_NEON)
  {"neon", always, accumulate_neon},
#endif
  {"portable", always, accumulate_portable},
};

enum { implementation_count = sizeof implementations / sizeof *implementations };

const char *zoo_xxh3_implementation(int32_t index) {
  return index >= 0 && index < implementation_count ? implementations[index].name : NULL;
}

// MARK: Input in parts

bool zoo_xxh3_init_with(zoo_xxh3 *hash, int32_t index) {
  if (index < 0 || index >= implementation_count || !implementations[index].available()) return false;
  *hash = (zoo_xxh3){
    .accumulators = {
      prime_32_3, prime_64_1, prime_64_2, prime_64_3, prime_64_4, prime_32_2, prime_64_5, prime_32_1,
    },
    .implementation = index,
  };
  return true;
}

void zoo_xxh3_init(zoo_xxh3 *hash) {
  for (int32_t index = 0; !zoo_xxh3_init_with(hash, index); index++) {}
}

void zoo_xxh3_update(zoo_xxh3 *hash, const void *input, size_t count) {
  if (count == 0) return;
  const accumulate_stripes accumulate = implementations[hash->implementation].accumulate;
  const uint8_t *bytes = input;
  uint8_t *const held = (uint8_t *)hash->held;
  hash->total += count;
  const size_t room = sizeof hash->held - hash->held_count;
  if (count <= room) {
    memcpy(held + hash->held_count, bytes, count);
    hash->held_count += (uint32_t)count;
    return;
  }
  if (hash->held_count > 0) {
    memcpy(held + hash->held_count, bytes, room);
    bytes += room;
    count -= room;
    accumulate(hash->accumulators, &hash->stripe, held, sizeof hash->held / stripe_bytes);
    memcpy(hash->tail, held + sizeof hash->held - sizeof hash->tail, sizeof hash->tail);
  }
  const size_t stripes = (count - 1) / stripe_bytes;
  if (stripes > 0) {
    accumulate(hash->accumulators, &hash->stripe, bytes, stripes);
    bytes += stripes * stripe_bytes;
    count -= stripes * stripe_bytes;
    memcpy(hash->tail, bytes - sizeof hash->tail, sizeof hash->tail);
  }
  memcpy(held, bytes, count);
  hash->held_count = (uint32_t)count;
}

static uint64_t merge(const uint64_t *accumulators, uint64_t start, size_t place) {
  for (size_t i = 0; i < 8; i += 2) {
    start += folded_product(
        accumulators[i] ^ key(place + 8 * i), accumulators[i + 1] ^ key(place + 8 * i + 8));
  }
  return avalanche(start);
}

zoo_xxh3_digest zoo_xxh3_final(const zoo_xxh3 *hash) {
  const uint8_t *const held = (const uint8_t *)hash->held;
  if (hash->total <= medium_bytes) return digest_of_0_to_240(held, hash->held_count);
  uint64_t accumulators[8];
  uint32_t stripe = hash->stripe;
  memcpy(accumulators, hash->accumulators, sizeof accumulators);
  implementations[hash->implementation].accumulate(
      accumulators, &stripe, held, (hash->held_count - 1) / stripe_bytes);
  // The last 64 bytes once more or for the first time, some of them from before those held.
  uint8_t last[stripe_bytes];
  const size_t from_held = hash->held_count < stripe_bytes ? hash->held_count : stripe_bytes;
  memcpy(last, (const uint8_t *)hash->tail + from_held, stripe_bytes - from_held);
  memcpy(last + stripe_bytes - from_held, held + hash->held_count - from_held, from_held);
  accumulate_stripe(accumulators, last, last_stripe_key);
  return (zoo_xxh3_digest){
    .low = merge(accumulators, hash->total * prime_64_1, low_key),
    .high = merge(accumulators, ~(hash->total * prime_64_2), high_key),
  };
}
