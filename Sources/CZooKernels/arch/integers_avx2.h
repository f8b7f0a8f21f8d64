// Whole numbers of 8 bits on AVX2, for the kernel templates. VPMADDUBSW would cut its sums off at 16 bits: bytes become
// words, of each four the even and the odd ones by themselves.
#define IR 4
#define IV 2

typedef struct {
  __m256i even, odd;
} q_weights;
typedef q_weights q_inputs;

INLINE q_weights q_load_weights(const int8_t *p) {
  const __m256i bytes = _mm256_loadu_si256((const __m256i *)p);
  return (q_weights){_mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8), _mm256_srai_epi16(bytes, 8)};
}
INLINE q_inputs q_lanes(vi bytes) {
  const __m256i x = (__m256i)bytes;
  return (q_inputs){_mm256_and_si256(x, _mm256_set1_epi16(255)), _mm256_srli_epi16(x, 8)};
}
INLINE q_inputs q_repeat(const uint8_t *p) {
  int32_t four;
  memcpy(&four, p, sizeof four);
  return q_lanes((vi)_mm256_set1_epi32(four));
}
INLINE vi q_dot(vi sum, q_inputs x, q_weights w) {
  const __m256i even = _mm256_madd_epi16(x.even, w.even), odd = _mm256_madd_epi16(x.odd, w.odd);
  return (vi)_mm256_add_epi32(_mm256_add_epi32((__m256i)sum, even), odd);
}

INLINE vi q_round(vf x) { return (vi)_mm256_cvtps_epi32(x); }
INLINE vi q_load_bytes(const uint8_t *p, int n) {
  uint8_t part[VL] = {0};
  if (n < VL) p = memcpy(part, p, (size_t)n);
  return (vi)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}
INLINE vi q_load_words(const uint16_t *p, int n) {
  uint16_t part[VL] = {0};
  if (n < VL) p = memcpy(part, p, (size_t)n * sizeof *p);
  return (vi)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}
INLINE void q_store_bytes(uint8_t *p, vi x, int n) {
  const __m256i words = _mm256_packus_epi32((__m256i)x, (__m256i)x);
  const __m256i bytes = _mm256_packus_epi16(words, words);
  const int32_t low = _mm256_cvtsi256_si32(bytes), high = _mm256_extract_epi32(bytes, 4);
  const int32_t all[2] = {low, high};
  memcpy(p, all, (size_t)n);
}
INLINE void q_store_words(uint16_t *p, vi x, int n) {
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32((__m256i)x, (__m256i)x), 0x08);
  if (n == VL) {
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(words));
    return;
  }
  uint16_t part[VL];
  _mm_storeu_si128((__m128i *)(void *)part, _mm256_castsi256_si128(words));
  memcpy(p, part, (size_t)n * sizeof *p);
}
