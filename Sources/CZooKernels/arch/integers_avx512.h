// Whole numbers of 8 bits on AVX-512 with VNNI, for the kernel templates.
#define IR 14
#define IV 2

typedef __m512i q_weights;
typedef __m512i q_inputs;

INLINE q_weights q_load_weights(const int8_t *p) { return _mm512_loadu_si512(p); }
INLINE q_inputs q_repeat(const uint8_t *p) {
  int32_t four;
  memcpy(&four, p, sizeof four);
  return _mm512_set1_epi32(four);
}
INLINE q_inputs q_lanes(vi bytes) { return (__m512i)bytes; }
INLINE vi q_dot(vi sum, q_inputs x, q_weights w) { return (vi)_mm512_dpbusd_epi32((__m512i)sum, x, w); }

INLINE vi q_load_bytes(const uint8_t *p, int n) {
  const __m128i bytes =
      n == VL ? _mm_loadu_si128((const __m128i *)p) : _mm_maskz_loadu_epi8(v_mask(n), p);
  return (vi)_mm512_cvtepu8_epi32(bytes);
}
INLINE vi q_load_words(const uint16_t *p, int n) {
  const __m256i words =
      n == VL ? _mm256_loadu_si256((const __m256i *)p) : _mm256_maskz_loadu_epi16(v_mask(n), p);
  return (vi)_mm512_cvtepu16_epi32(words);
}
// What is too large for 32 bits becomes the largest number of them.
#define Q_SATURATES
INLINE __m512i q_limited(vf y) { return _mm512_cvtps_epu32(_mm512_max_ps(_mm512_setzero_ps(), y)); }
INLINE void q_store_codes(uint8_t *p, vf y, int n) {
  const __m128i bytes = _mm512_cvtusepi32_epi8(q_limited(y));
  if (n == VL) _mm_storeu_si128((__m128i *)p, bytes); else _mm_mask_storeu_epi8(p, v_mask(n), bytes);
}
INLINE void q_store_wide(uint16_t *p, vf y, int n) {
  const __m256i words = _mm512_cvtusepi32_epi16(q_limited(_mm512_mul_ps(y, _mm512_set1_ps(256))));
  if (n == VL) _mm256_storeu_si256((__m256i *)p, words); else _mm256_mask_storeu_epi16(p, v_mask(n), words);
}
