// Vectors of AVX-512 for the kernel templates: 32 registers of 16 floats.
#include <immintrin.h>

#define VL 16
#define STEPS 4
#define REGISTERS 32
// 14 x 2 accumulators, 2 vectors of weights and one of input fill 31 of the 32 registers.
#define MR_1 14
#define MR_2 14
#define MR_3 9

typedef __m512 vf;
typedef int32_t vi __attribute__((vector_size(64)));
#define INLINE static inline __attribute__((always_inline))

INLINE __mmask16 v_mask(int n) { return (__mmask16)((1u << n) - 1); }
INLINE vf v_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE vf v_load_n(const float *p, int n) { return _mm512_maskz_loadu_ps(v_mask(n), p); }
INLINE vf v_load_half(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
INLINE vf v_load_brain(const uint16_t *p) {
  const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
}
INLINE vf v_load_bytes(const int8_t *p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
INLINE void v_store(float *p, vf v) { _mm512_storeu_ps(p, v); }
INLINE void v_store_n(float *p, vf v, int n) { _mm512_mask_storeu_ps(p, v_mask(n), v); }
INLINE vf v_set(float x) { return _mm512_set1_ps(x); }
INLINE vf v_add(vf a, vf b) { return _mm512_add_ps(a, b); }
INLINE vf v_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
INLINE vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
// The second operand where either is NaN.
INLINE vf v_max(vf bound, vf x) { return _mm512_max_ps(bound, x); }
INLINE vf v_min(vf bound, vf x) { return _mm512_min_ps(bound, x); }
