// Vectors of NEON for the kernel templates: 32 registers of 4 floats, used in pairs as 16 of 8.
#include <arm_neon.h>

#define VL 8
#define STEPS 1
#define REGISTERS 16
// Register blocks are 6 x 16: 24 accumulators, 4 registers of weights and one of input fill 29 of the 32, and a
// step of the sum loads 10 registers (6 of them one float, repeated) for its 24 multiplications. An 8 x 12
// block loads 11, and panels of 3 registers divide few networks' numbers of filters.
#define MR_1 6
#define MR_2 6
#define MR_3 4

typedef float vf __attribute__((vector_size(32)));
typedef int32_t vi __attribute__((vector_size(32)));
#define INLINE static inline __attribute__((always_inline))

INLINE float32x4_t v_low(vf v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3); }
INLINE float32x4_t v_high(vf v) { return __builtin_shufflevector(v, v, 4, 5, 6, 7); }
INLINE vf v_pair(float32x4_t low, float32x4_t high) {
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
}

// The first n floats, the rest zero.
INLINE float32x4_t v_load_4(const float *p, int n) {
  const float32x4_t zero = vdupq_n_f32(0);
  if (n <= 0) return zero;
  if (n == 1) return vld1q_lane_f32(p, zero, 0);
  if (n >= 4) return vld1q_f32(p);
  const float32x4_t two = vcombine_f32(vld1_f32(p), vdup_n_f32(0));
  return n == 2 ? two : vld1q_lane_f32(p + 2, two, 2);
}
INLINE void v_store_4(float *p, float32x4_t v, int n) {
  if (n >= 4) {
    vst1q_f32(p, v);
  } else if (n == 1) {
    vst1q_lane_f32(p, v, 0);
  } else if (n > 1) {
    vst1_f32(p, vget_low_f32(v));
    if (n == 3) vst1q_lane_f32(p + 2, v, 2);
  }
}
INLINE vf v_load(const float *p) { return v_pair(vld1q_f32(p), vld1q_f32(p + 4)); }
INLINE vf v_load_n(const float *p, int n) {
  return n >= VL ? v_load(p) : v_pair(v_load_4(p, n), v_load_4(p + 4, n - 4));
}
INLINE vf v_load_half(const uint16_t *p) {
  const float16x8_t halves = vreinterpretq_f16_u16(vld1q_u16(p));
  return v_pair(vcvt_f32_f16(vget_low_f16(halves)), vcvt_high_f32_f16(halves));
}
INLINE vf v_load_brain(const uint16_t *p) {
  const uint16x8_t bits = vld1q_u16(p);
  return v_pair(
      vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(bits), 16)),
      vreinterpretq_f32_u32(vshll_high_n_u16(bits, 16)));
}
INLINE vf v_load_bytes(const int8_t *p) {
  const int16x8_t words = vmovl_s8(vld1_s8(p));
  return v_pair(
      vcvtq_f32_s32(vmovl_s16(vget_low_s16(words))), vcvtq_f32_s32(vmovl_high_s16(words)));
}
INLINE void v_store(float *p, vf v) {
  vst1q_f32(p, v_low(v));
  vst1q_f32(p + 4, v_high(v));
}
INLINE void v_store_n(float *p, vf v, int n) {
  v_store_4(p, v_low(v), n);
  v_store_4(p + 4, v_high(v), n - 4);
}
INLINE vf v_set(float x) { return v_pair(vdupq_n_f32(x), vdupq_n_f32(x)); }
INLINE vf v_add(vf a, vf b) { return a + b; }
INLINE vf v_mul(vf a, vf b) { return a * b; }
INLINE vf v_fma(vf a, vf b, vf c) {
  return v_pair(
      vfmaq_f32(v_low(c), v_low(a), v_low(b)), vfmaq_f32(v_high(c), v_high(a), v_high(b)));
}
// NaN where either is NaN.
INLINE vf v_max(vf bound, vf x) {
  return v_pair(vmaxq_f32(v_low(bound), v_low(x)), vmaxq_f32(v_high(bound), v_high(x)));
}
INLINE vf v_min(vf bound, vf x) {
  return v_pair(vminq_f32(v_low(bound), v_low(x)), vminq_f32(v_high(bound), v_high(x)));
}
