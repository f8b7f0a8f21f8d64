// SHA-256 with the instructions of ARMv8's cryptographic extension.
#include "sha256.h"

#if defined(SHA256_ARM)
#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

bool zoo_sha256_has_instructions(void) {
#if defined(__ARM_FEATURE_SHA2) || defined(__ARM_FEATURE_CRYPTO) || defined(__APPLE__)
  return true;
#elif defined(__linux__)
  static const unsigned long sha2 = 1ul << 6;
  return getauxval(AT_HWCAP) & sha2;
#else
  return false;
#endif
}

__attribute__((target("sha2")))
void zoo_sha256_compress_with_instructions(uint32_t *state, const uint8_t *blocks, size_t count) {
  uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
  for (; count > 0; count--, blocks += block_bytes) {
    const uint32x4_t abcd_before = abcd, efgh_before = efgh;
    uint32x4_t w[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
      uint32x4_t *const oldest = &w[i & 3];
      if (i < 4) {
        *oldest = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 16 * i)));
      } else {
        *oldest = vsha256su1q_u32(
            vsha256su0q_u32(*oldest, w[(i + 1) & 3]), w[(i + 2) & 3], w[(i + 3) & 3]);
      }
      const uint32x4_t sum = vaddq_u32(*oldest, vld1q_u32(zoo_sha256_constants + 4 * i));
      const uint32x4_t abcd_old = abcd;
      abcd = vsha256hq_u32(abcd, efgh, sum);
      efgh = vsha256h2q_u32(efgh, abcd_old, sum);
    }
    abcd = vaddq_u32(abcd, abcd_before);
    efgh = vaddq_u32(efgh, efgh_before);
  }
  vst1q_u32(state, abcd);
  vst1q_u32(state + 4, efgh);
}
#endif
