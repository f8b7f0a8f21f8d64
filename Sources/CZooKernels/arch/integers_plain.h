// Whole numbers of 8 bits on vectors of the compiler, for the kernel templates: products of 16 bits hold a code times a
// weight, and are then added in 32. With a Q_SHIFT of 128, activations are taken as signed numbers, 128 less.
#define IR 4
#define IV 2

typedef int16_t q_shorts __attribute__((vector_size(4 * VL)));
typedef struct {
  q_shorts even, odd;
} q_weights;
typedef q_weights q_inputs;

INLINE q_weights q_load_weights(const int8_t *p) {
  q_shorts bytes;
  memcpy(&bytes, p, sizeof bytes);
  return (q_weights){(bytes << 8) >> 8, bytes >> 8};
}
INLINE q_inputs q_lanes(vi bytes) {
#if Q_SHIFT
  const q_shorts x = (q_shorts)bytes ^ -0x7f80;
  return (q_inputs){(x << 8) >> 8, x >> 8};
#else
  const q_shorts x = (q_shorts)bytes;
  return (q_inputs){x & 255, (x >> 8) & 255};
#endif
}
INLINE q_inputs q_repeat(const uint8_t *p) {
  int32_t four;
  memcpy(&four, p, sizeof four);
  return q_lanes(four - (vi){0});
}
INLINE vi q_dot(vi sum, q_inputs x, q_weights w) {
  const vi even = (vi)(x.even * w.even), odd = (vi)(x.odd * w.odd);
  return sum + ((even << 16) >> 16) + (even >> 16) + ((odd << 16) >> 16) + (odd >> 16);
}

// Numbers from 0 to 65535: added to it, they are rounded, and its last bits then are the number.
INLINE vi q_round(vf x) {
  const vf shifted = v_add(x, v_set(12582912.0f));
  return (vi)shifted & 0xffff;
}
INLINE vi q_load_bytes(const uint8_t *p, int n) {
  vi x = {0};
  for (int i = 0; i < n; i++) x[i] = p[i];
  return x;
}
INLINE vi q_load_words(const uint16_t *p, int n) {
  vi x = {0};
  for (int i = 0; i < n; i++) x[i] = p[i];
  return x;
}
INLINE void q_store_bytes(uint8_t *p, vi x, int n) {
  for (int i = 0; i < n; i++) p[i] = (uint8_t)x[i];
}
INLINE void q_store_words(uint16_t *p, vi x, int n) {
  for (int i = 0; i < n; i++) p[i] = (uint16_t)x[i];
}
