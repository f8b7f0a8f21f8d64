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
// Packing limits to 0 and the largest word or byte: only what is too large for 32 bits has to be limited before, as whole
// numbers, which have the order of positive floats: fewer instructions wait for the ports of additions.
#define Q_SATURATES
#define Q_PAIRS
INLINE vf q_limited(vf y) { return (vf)_mm512_min_epi32((__m512i)v_set(256), (__m512i)y); }
INLINE vf q_limited_wide(vf y) { return v_mul(v_set(256), q_limited(y)); }
// The words of two vectors: in each part of 128 bits four of `a`, then four of `b`.
INLINE __m512i q_pack(vf a, vf b) { return _mm512_packus_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b)); }
// The same in order.
INLINE __m512i q_words(vf a, vf b) {
  return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), q_pack(a, b));
}
INLINE void q_store_code_pair(uint8_t *p, vf a, vf b) {
  _mm256_storeu_si256((__m256i *)p, _mm512_cvtusepi16_epi8(q_words(q_limited(a), q_limited(b))));
}
INLINE void q_store_wide_pair(uint16_t *p, vf a, vf b) {
  _mm512_storeu_si512(p, q_words(q_limited_wide(a), q_limited_wide(b)));
}
INLINE __m512i q_positive(vf y) { return _mm512_max_epi32(_mm512_setzero_si512(), _mm512_cvtps_epi32(y)); }
INLINE void q_store_codes(uint8_t *p, vf y, int n) {
  const __m128i bytes = _mm512_cvtusepi32_epi8(q_positive(q_limited(y)));
  if (n == VL) _mm_storeu_si128((__m128i *)p, bytes); else _mm_mask_storeu_epi8(p, v_mask(n), bytes);
}
INLINE void q_store_wide(uint16_t *p, vf y, int n) {
  const __m256i words = _mm512_cvtusepi32_epi16(q_positive(q_limited_wide(y)));
  if (n == VL) _mm256_storeu_si256((__m256i *)p, words); else _mm256_mask_storeu_epi16(p, v_mask(n), words);
}

// For integer_quarters.h: 256 bytes to four quarters.
#define Q_QUARTERS
INLINE void q_quarters(const void *p, void *quarters) {
  const __m512i *v = p;
  __m512i *to = quarters;
  const __m512i a = _mm512_loadu_si512(v), b = _mm512_loadu_si512(v + 1);
  const __m512i c = _mm512_loadu_si512(v + 2), d = _mm512_loadu_si512(v + 3);
  const __m512i ab = _mm512_shuffle_i32x4(a, b, 0x44), ab_2 = _mm512_shuffle_i32x4(a, b, 0xee);
  const __m512i cd = _mm512_shuffle_i32x4(c, d, 0x44), cd_2 = _mm512_shuffle_i32x4(c, d, 0xee);
  to[0] = _mm512_shuffle_i32x4(ab, cd, 0x88);
  to[1] = _mm512_shuffle_i32x4(ab, cd, 0xdd);
  to[2] = _mm512_shuffle_i32x4(ab_2, cd_2, 0x88);
  to[3] = _mm512_shuffle_i32x4(ab_2, cd_2, 0xdd);
}
// Four bytes a channel, those of up to four rows of a column: the first two quarters or the others.
INLINE void q_interleave(
    const int HALF, const int ROWS, const uint8_t *const *rows, ptrdiff_t channel, q_inputs *quarters) {
  __m512i row[4];
  UNROLL for (int i = 0; i < 4; i++) {
    row[i] = i < ROWS ? _mm512_loadu_si512(rows[i] + channel) : _mm512_setzero_si512();
  }
  const __m512i a = HALF ? _mm512_unpackhi_epi8(row[0], row[1]) : _mm512_unpacklo_epi8(row[0], row[1]);
  const __m512i b = HALF ? _mm512_unpackhi_epi8(row[2], row[3]) : _mm512_unpacklo_epi8(row[2], row[3]);
  quarters[0] = _mm512_unpacklo_epi16(a, b);
  quarters[1] = _mm512_unpackhi_epi16(a, b);
}
// The words of two quarters, and the codes of `n` channels from those of all.
INLINE q_inputs q_pack_quarters(vf a, vf b) { return q_pack(q_limited(a), q_limited(b)); }
INLINE void q_store_quarters(uint8_t *p, q_inputs low, q_inputs high, int n) {
  const __m512i codes = _mm512_packus_epi16(low, high);
  if (n == 64) _mm512_storeu_si512(p, codes); else _mm512_mask_storeu_epi8(p, ((__mmask64)1 << n) - 1, codes);
}
