// AVX2, FMA and F16C: 16 registers of 8 floats.
#include "CZooKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define VL 8
#define STEPS 4
#define REGISTERS 16
// 6 x 2 accumulators, 2 vectors of weights and one of input fill 15 of the 16 registers.
#define MR_1 6
#define MR_2 6
#define MR_3 4
#define KERNELS zoo_kernels_avx2
#define KERNELS_NAME "avx2"
#define INTEGERS "../arch/integers_avx2.h"
#define COMPUTED(v) __asm__ volatile("" : "+x"(v) : : "memory")

typedef __m256 vf;
typedef int32_t vi __attribute__((vector_size(32)));
#define INLINE static inline __attribute__((always_inline))

INLINE __m256i v_mask(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE vf v_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE vf v_load_n(const float *p, int n) { return _mm256_maskload_ps(p, v_mask(n)); }
INLINE vf v_load_half(const uint16_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
INLINE vf v_load_brain(const uint16_t *p) {
  const __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
}
INLINE vf v_load_bytes(const int8_t *p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
INLINE void v_store(float *p, vf v) { _mm256_storeu_ps(p, v); }
INLINE void v_store_n(float *p, vf v, int n) { _mm256_maskstore_ps(p, v_mask(n), v); }
INLINE vf v_set(float x) { return _mm256_set1_ps(x); }
INLINE vf v_add(vf a, vf b) { return _mm256_add_ps(a, b); }
INLINE vf v_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
INLINE vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
// The second operand where either is NaN.
INLINE vf v_max(vf bound, vf x) { return _mm256_max_ps(bound, x); }
INLINE vf v_min(vf bound, vf x) { return _mm256_min_ps(bound, x); }

#include "../kernels/table.h"

#pragma clang attribute pop
#endif
