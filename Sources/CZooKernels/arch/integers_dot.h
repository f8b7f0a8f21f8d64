// Whole numbers of 8 bits on NEON with the dot product, for the kernel templates.
#define IR 6
#define IV 2

typedef struct {
  int8x16_t low, high;
} q_weights;
typedef q_weights q_inputs;

INLINE q_weights q_load_weights(const int8_t *p) { return (q_weights){vld1q_s8(p), vld1q_s8(p + 16)}; }
// As signed numbers: 128 less.
INLINE int8x16_t q_signed(int32x4_t bytes) {
  return veorq_s8(vreinterpretq_s8_s32(bytes), vdupq_n_s8(-128));
}
INLINE q_inputs q_repeat(const uint8_t *p) {
  int32_t four;
  memcpy(&four, p, sizeof four);
  const int8x16_t x = q_signed(vdupq_n_s32(four));
  return (q_inputs){x, x};
}
INLINE int32x4_t q_low(vi x) { return __builtin_shufflevector(x, x, 0, 1, 2, 3); }
INLINE int32x4_t q_high(vi x) { return __builtin_shufflevector(x, x, 4, 5, 6, 7); }
INLINE vi q_pair(int32x4_t low, int32x4_t high) { return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7); }
INLINE q_inputs q_lanes(vi bytes) { return (q_inputs){q_signed(q_low(bytes)), q_signed(q_high(bytes))}; }
INLINE vi q_dot(vi sum, q_inputs x, q_weights w) {
  return q_pair(vdotq_s32(q_low(sum), x.low, w.low), vdotq_s32(q_high(sum), x.high, w.high));
}

INLINE vi q_round(vf x) { return q_pair(vcvtnq_s32_f32(v_low(x)), vcvtnq_s32_f32(v_high(x))); }
INLINE vi q_load_bytes(const uint8_t *p, int n) {
  uint8_t part[VL] = {0};
  if (n < VL) p = memcpy(part, p, (size_t)n);
  const uint16x8_t words = vmovl_u8(vld1_u8(p));
  return q_pair(vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(words))), vreinterpretq_s32_u32(vmovl_high_u16(words)));
}
INLINE vi q_load_words(const uint16_t *p, int n) {
  uint16_t part[VL] = {0};
  if (n < VL) p = memcpy(part, p, (size_t)n * sizeof *p);
  const uint16x8_t words = vld1q_u16(p);
  return q_pair(vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(words))), vreinterpretq_s32_u32(vmovl_high_u16(words)));
}
INLINE uint16x8_t q_words(vi x) {
  return vmovn_high_u32(vmovn_u32(vreinterpretq_u32_s32(q_low(x))), vreinterpretq_u32_s32(q_high(x)));
}
INLINE void q_store_bytes(uint8_t *p, vi x, int n) {
  const uint8x8_t bytes = vmovn_u16(q_words(x));
  if (n == VL) {
    vst1_u8(p, bytes);
    return;
  }
  uint8_t part[VL];
  vst1_u8(part, bytes);
  memcpy(p, part, (size_t)n);
}
INLINE void q_store_words(uint16_t *p, vi x, int n) {
  const uint16x8_t words = q_words(x);
  if (n == VL) {
    vst1q_u16(p, words);
    return;
  }
  uint16_t part[VL];
  vst1q_u16(part, words);
  memcpy(p, part, (size_t)n * sizeof *p);
}
