// SHA-256 with the instructions that x86 has for it.
#include "sha256.h"

#if defined(SHA256_X86)
#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

static bool ask_processor(void) {
  static const unsigned ssse3 = 1u << 9, sse41 = 1u << 19, sha = 1u << 29;
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & ssse3) || !(c & sse41)) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & sha);
}

bool zoo_sha256_has_instructions(void) {
  // In a virtual machine the question takes longer than a small file.
  enum { unknown, no, yes };
  static atomic_int answer = unknown;
  int known = atomic_load_explicit(&answer, memory_order_relaxed);
  if (known == unknown) {
    known = ask_processor() ? yes : no;
    atomic_store_explicit(&answer, known, memory_order_relaxed);
  }
  return known == yes;
}

// The instructions want the eight variables in this order, the first in the highest lane.
__attribute__((target("sha,sse4.1,ssse3")))
void zoo_sha256_compress_with_instructions(uint32_t *state, const uint8_t *blocks, size_t count) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const __m128i abcd = _mm_loadu_si128((const __m128i *)state);
  const __m128i efgh = _mm_loadu_si128((const __m128i *)(state + 4));
  __m128i abef = _mm_shuffle_epi32(_mm_unpacklo_epi64(abcd, efgh), 0x1b);
  __m128i cdgh = _mm_shuffle_epi32(_mm_unpackhi_epi64(abcd, efgh), 0x1b);
  for (; count > 0; count--, blocks += block_bytes) {
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i w[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
      __m128i *const oldest = &w[i & 3], last = w[(i + 3) & 3];
      if (i < 4) {
        *oldest = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)blocks + i), big_endian);
      } else {
        const __m128i seven_back = _mm_alignr_epi8(last, w[(i + 2) & 3], 4);
        *oldest = _mm_sha256msg1_epu32(*oldest, w[(i + 1) & 3]);
        *oldest = _mm_sha256msg2_epu32(_mm_add_epi32(*oldest, seven_back), last);
      }
      const __m128i sum = _mm_add_epi32(*oldest, ((const __m128i *)zoo_sha256_constants)[i]);
      // Two rounds each; what the first returns is the next `abef`, and `abef` the next `cdgh`.
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1b), hgdc = _mm_shuffle_epi32(cdgh, 0x1b);
  _mm_storeu_si128((__m128i *)state, _mm_unpacklo_epi64(feba, hgdc));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_unpackhi_epi64(feba, hgdc));
}
#endif
