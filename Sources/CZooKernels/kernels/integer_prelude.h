// What the templates on whole numbers share. Beside the vectors of floats, the file that includes this defines
// q_weights and q_inputs (types of vectors of 4 products for each lane), and the q_ functions used here.
#pragma once

#include "prelude.h"

// What products subtract from codes.
#ifndef Q_SHIFT
#define Q_SHIFT 0
#endif

// Each operation is a statement of its own, so that no compiler joins two into one rounding.

INLINE vi q_load(const int32_t *p) { return (vi)v_load((const float *)(const void *)p); }
INLINE void q_store(int32_t *p, vi x) { v_store((float *)(void *)p, (vf)x); }
INLINE vf q_float(vi x) { return __builtin_convertvector(x, vf); }

// float(sum) * multiplier + offset.
INLINE vf q_scaled(vi sum, vf multiplier, vf offset) {
  const vf product = v_mul(q_float(sum), multiplier);
  return v_add(product, offset);
}

// y, plus so many codes times a factor.
INLINE vf q_plus(vf y, vi codes, float factor) {
  const vf product = v_mul(q_float(codes), v_set(factor));
  return v_add(y, product);
}

#ifndef Q_SATURATES
INLINE void q_store_codes(uint8_t *p, vf y, int n) { q_store_bytes(p, q_round(v_clamp(y, 0, 255)), n); }
INLINE void q_store_wide(uint16_t *p, vf y, int n) {
  const vf finer = v_mul(y, v_set(256));
  q_store_words(p, q_round(v_clamp(finer, 0, 65535)), n);
}
#endif

// From the place `at` on.
INLINE vi q_load_codes(const void *codes, ptrdiff_t at, int is_wide, int n) {
  return is_wide ? q_load_words((const uint16_t *)codes + at, n) : q_load_bytes((const uint8_t *)codes + at, n);
}

// Codes of NV vectors side by side, the last of which has `last`; vectors in pairs take fewer instructions.
INLINE void q_store_code_vectors(const int NV, uint8_t *p, const vf *y, int last) {
#ifdef Q_PAIRS
  if (NV == 2 && last == VL) {
    q_store_code_pair(p, y[0], y[1]);
    return;
  }
#endif
  UNROLL for (int n = 0; n < NV; n++) q_store_codes(p + n * VL, y[n], n == NV - 1 ? last : VL);
}
INLINE void q_store_wide_vectors(const int NV, uint16_t *p, const vf *y, int last) {
#ifdef Q_PAIRS
  if (NV == 2 && last == VL) {
    q_store_wide_pair(p, y[0], y[1]);
    return;
  }
#endif
  UNROLL for (int n = 0; n < NV; n++) q_store_wide(p + n * VL, y[n], n == NV - 1 ? last : VL);
}
