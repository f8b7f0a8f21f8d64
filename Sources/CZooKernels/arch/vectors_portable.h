// Vectors of the compiler for the kernel templates: registers of 4 floats, which it maps to what the target has.
#define VL 4
#define STEPS 1
#define REGISTERS 16
#define MR_1 6
#define MR_2 6
#define MR_3 4

typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));
#define INLINE static inline __attribute__((always_inline))

INLINE vf v_load(const float *p) {
  vf v;
  memcpy(&v, p, sizeof v);
  return v;
}
// Calls: in the hundreds of places that have them, these loops would be most of what is compiled.
static __attribute__((noinline)) vf v_load_n(const float *p, int n) {
  vf v = {0};
  for (int i = 0; i < n; i++) v[i] = p[i];
  return v;
}
INLINE vf v_load_half(const uint16_t *p) {
  const vi bits = {p[0], p[1], p[2], p[3]};
  // The exponent's offset is 127 in place of 15; numbers below the smallest normal one come out right too.
  const vi magnitude = (vi)((vf)((bits & 0x7fff) << 13) * 0x1p112f);
  const vi special = (bits & 0x7c00) == 0x7c00;
  return (vf)(magnitude | (special & 0x7f800000) | (bits & 0x8000) << 16);
}
INLINE vf v_load_brain(const uint16_t *p) {
  const vi bits = {p[0], p[1], p[2], p[3]};
  return (vf)(bits << 16);
}
INLINE vf v_load_bytes(const int8_t *p) { return (vf){p[0], p[1], p[2], p[3]}; }
INLINE void v_store(float *p, vf v) { memcpy(p, &v, sizeof v); }
static __attribute__((noinline)) void v_store_n(float *p, vf v, int n) {
  for (int i = 0; i < n; i++) p[i] = v[i];
}
INLINE vf v_set(float x) { return (vf){x, x, x, x}; }
INLINE vf v_add(vf a, vf b) { return a + b; }
INLINE vf v_mul(vf a, vf b) { return a * b; }
INLINE vf v_fma(vf a, vf b, vf c) { return a * b + c; }
// The second operand where either is NaN.
INLINE vf v_max(vf bound, vf x) {
  const vi mask = bound > x;
  return (vf)((mask & (vi)bound) | (~mask & (vi)x));
}
INLINE vf v_min(vf bound, vf x) {
  const vi mask = bound < x;
  return (vf)((mask & (vi)bound) | (~mask & (vi)x));
}
