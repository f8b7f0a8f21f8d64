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

// What `q_lanes` makes of the bytes of up to four rows, with fewer instructions. Channels behind the last one are read,
// but count nothing.
#define Q_COLUMN
INLINE __m128i q_eight(const uint8_t *p) { return _mm_loadl_epi64((const __m128i *)(const void *)p); }
INLINE __m256i q_two_rows(const uint8_t *a, const uint8_t *b) {
  return _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(q_eight(a), q_eight(b)));
}
INLINE __m256i q_one_row(const uint8_t *p) { return _mm256_cvtepu8_epi32(q_eight(p)); }
INLINE q_inputs q_column(const int ROWS, const uint8_t *const *rows, int channel) {
  return (q_inputs){
    .even = ROWS > 2 ? q_two_rows(rows[0] + channel, rows[2] + channel) : q_one_row(rows[0] + channel),
    .odd = ROWS > 3   ? q_two_rows(rows[1] + channel, rows[3] + channel)
           : ROWS > 1 ? q_one_row(rows[1] + channel)
                      : _mm256_setzero_si256()};
}

// Products of many rows, by integer_words.h: 6 x 2 sums, 2 vectors of weights, one of codes and one of products fill
// the 16 registers.
#define WR 6
#define WV 2
typedef uint16_t vw __attribute__((vector_size(32)));
INLINE vi q_load_pairs(const int16_t *p) { return (vi)_mm256_load_si256((const __m256i *)(const void *)p); }
INLINE vi q_repeat_pair(const uint16_t *p) {
  int32_t pair;
  memcpy(&pair, p, sizeof pair);
  return (vi)_mm256_set1_epi32(pair);
}
INLINE vi q_add_pairs(vi sum, vi x, vi w) {
  return (vi)_mm256_add_epi32((__m256i)sum, _mm256_madd_epi16((__m256i)x, (__m256i)w));
}
// Of eight groups of four bytes, the even ones and the odd ones, as words.
INLINE void q_split_codes(const uint8_t *p, vw *even, vw *odd) {
  const q_inputs x = q_lanes((vi)_mm256_loadu_si256((const __m256i *)(const void *)p));
  *even = (vw)x.even;
  *odd = (vw)x.odd;
}
INLINE void q_split_weights(const int8_t *p, vw *even, vw *odd) {
  const q_weights w = q_load_weights(p);
  *even = (vw)w.even;
  *odd = (vw)w.odd;
}

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
// Packing limits to 0 and the largest word or byte: only what is too large for 32 bits has to be limited before, as whole
// numbers, which have the order of positive floats.
#define Q_SATURATES
#define Q_PAIRS
INLINE vf q_limited(vf y) { return (vf)_mm256_min_epi32((__m256i)v_set(256), (__m256i)y); }
INLINE vf q_limited_wide(vf y) { return v_mul(v_set(256), q_limited(y)); }
// The words of two vectors, the lower ones of `a` and the upper ones of `b`.
INLINE __m256i q_words(vf a, vf b) {
  const __m256i words = _mm256_packus_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b));
  return _mm256_permute4x64_epi64(words, 0xd8);
}
INLINE __m128i q_bytes(vf a, vf b) {
  const __m256i words = q_words(q_limited(a), q_limited(b));
  return _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}
INLINE void q_store_code_pair(uint8_t *p, vf a, vf b) { _mm_storeu_si128((__m128i *)(void *)p, q_bytes(a, b)); }
INLINE void q_store_wide_pair(uint16_t *p, vf a, vf b) {
  _mm256_storeu_si256((__m256i *)(void *)p, q_words(q_limited_wide(a), q_limited_wide(b)));
}
INLINE __m128i q_words_of_one(vf y) {
  const __m256i x = _mm256_cvtps_epi32(y);
  return _mm_packus_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}
INLINE void q_store_codes(uint8_t *p, vf y, int n) {
  const __m128i words = q_words_of_one(q_limited(y)), bytes = _mm_packus_epi16(words, words);
  if (n == VL) {
    _mm_storel_epi64((__m128i *)(void *)p, bytes);
    return;
  }
  uint8_t part[VL];
  _mm_storel_epi64((__m128i *)(void *)part, bytes);
  memcpy(p, part, (size_t)n);
}
INLINE void q_store_wide(uint16_t *p, vf y, int n) {
  const __m128i words = q_words_of_one(q_limited_wide(y));
  if (n == VL) {
    _mm_storeu_si128((__m128i *)(void *)p, words);
    return;
  }
  uint16_t part[VL];
  _mm_storeu_si128((__m128i *)(void *)part, words);
  memcpy(p, part, (size_t)n * sizeof *p);
}
