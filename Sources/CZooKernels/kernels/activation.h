// Functions of each value.
#pragma once

#include "prelude.h"

INLINE vf v_abs(vf x) { return (vf)((vi)x & 0x7fffffff); }
INLINE vf v_with_sign(vf x, vf sign) { return (vf)(((vi)x & 0x7fffffff) | ((vi)sign & ~0x7fffffff)); }

// (exp(f) - 1 - f) / f^2 for |f| <= log(2) / 2, which gives exp(f) with a relative error of 3e-9
// (Scripts/fit_functions.py).
INLINE vf v_exp_tail(vf f) {
  vf p = v_fma(v_set(1.38145401e-3f), f, v_set(8.36874518e-3f));
  p = v_fma(p, f, v_set(4.16683908e-2f));
  p = v_fma(p, f, v_set(1.66665204e-1f));
  return v_fma(p, f, v_set(4.99999934e-1f));
}

// For -87.3 <= x <= 88.3: 2^n times exp(f), where n is the integer next to x / log(2).
INLINE vf v_exp_in_range(vf x) {
  // Added to it, a number is rounded to an integer, which its last bits then are.
  const vf magic = v_set(12582912.0f);
  const vf shifted = v_fma(x, v_set(1.44269504f), magic);
  const vf n = shifted - magic;
  // log(2) as the sum of two floats; the products with the first are exact.
  const vf f = v_fma(n, v_set(2.12194440e-4f), v_fma(n, v_set(-0.693359375f), x));
  const vf power = (vf)(((vi)shifted << 23) + 0x3f800000);
  return v_mul(v_fma(v_fma(v_exp_tail(f), f, v_set(1)), f, v_set(1)), power);
}

// Limited to what a float holds at both ends.
INLINE vf v_exp(vf x) { return v_exp_in_range(v_clamp(x, -87.3f, 88.3f)); }

// The whole range: infinite where a float no longer holds it.
INLINE vf v_exponential(vf x) {
  const vf root = v_exp(v_mul(v_set(0.5f), x));
  return v_select(x > v_set(88.0f), v_mul(root, root), v_exp(x));
}

INLINE vf v_exp_minus_one(vf x) {
  const vf small = v_fma(v_mul(x, x), v_exp_tail(x), x);
  return v_select(v_abs(x) < v_set(0.34f), small, v_exp(x) - v_set(1));
}

INLINE vf v_sigmoid(vf x) { return v_set(1) / v_add(v_set(1), v_exp(-x)); }

INLINE vf v_tanh(vf x) {
  // Coefficients of Cephes' tanhf.
  const vf s = v_mul(x, x);
  vf p = v_fma(v_set(-5.70498872745e-3f), s, v_set(2.06390887954e-2f));
  p = v_fma(p, s, v_set(-5.37397155531e-2f));
  p = v_fma(p, s, v_set(1.33314422036e-1f));
  p = v_fma(p, s, v_set(-3.33332819422e-1f));
  const vf small = v_fma(v_mul(p, s), x, x);
  const vf large = v_set(1) - v_set(2) / v_add(v_exp(v_mul(v_set(2), v_abs(x))), v_set(1));
  return v_select(v_abs(x) < v_set(0.625f), small, v_with_sign(large, x));
}

// The normal distribution at `x`, whose size is limited to 13, where nothing is left of its tail.
typedef struct {
  vf size;     // |x|
  vf bell;     // exp(-x^2 / 2)
  vf outside;  // the probability of less than -|x|
} normal_values;

// The tail is the bell times a ratio of two polynomials with a relative error of 5e-9 (Scripts/fit_functions.py). All
// coefficients are positive, so that no digits cancel.
INLINE normal_values v_normal(vf x) {
  const vf a = v_min(v_set(13), v_abs(x));
  const vf bell = v_exp_in_range(v_mul(v_mul(v_set(-0.5f), a), a));
  vf p = v_fma(v_set(3.99433546e-3f), a, v_set(3.98086601e-2f));
  p = v_fma(p, a, v_set(1.80783636e-1f));
  p = v_fma(p, a, v_set(4.34975703e-1f));
  p = v_fma(p, a, v_set(0.5f));
  vf q = v_fma(v_set(1.0012164e-2f), a, v_set(9.97931649e-2f));
  q = v_fma(q, a, v_set(4.62999806e-1f));
  q = v_fma(q, a, v_set(1.19230414f));
  q = v_fma(q, a, v_set(1.66783631f));
  q = v_fma(q, a, v_set(1));
  return (normal_values){.size = a, .bell = bell, .outside = v_mul(bell, p / q)};
}

// log(1 + u) for u from 0 to 1, by the series of 2 artanh(u / (2 + u)).
INLINE vf v_log_one_plus(vf u) {
  const vf z = u / v_add(v_set(2), u), s = v_mul(z, z);
  vf p = v_fma(v_set(2.0f / 15), s, v_set(2.0f / 13));
  p = v_fma(p, s, v_set(2.0f / 11));
  p = v_fma(p, s, v_set(2.0f / 9));
  p = v_fma(p, s, v_set(2.0f / 7));
  p = v_fma(p, s, v_set(2.0f / 5));
  p = v_fma(p, s, v_set(2.0f / 3));
  return v_fma(v_mul(p, s), z, v_mul(v_set(2), z));
}

// x = m * 2^e with m between the root of 1/2 and that of 2, and log(m) by the series of 2 artanh((m - 1) / (m + 1)).
INLINE vf v_log(vf x) {
  const vi tiny = x < v_set(1.17549435e-38f);
  const vi bits = (vi)v_select(tiny, v_mul(x, v_set(16777216.0f)), x);
  const vi e = (bits - 0x3f3504f3) >> 23;
  const vf m = (vf)(bits - (e << 23));
  const vf n = __builtin_convertvector(e + (tiny & -24), vf);
  const vf z = (m - v_set(1)) / v_add(m, v_set(1)), s = v_mul(z, z);
  vf p = v_fma(v_set(2.0f / 11), s, v_set(2.0f / 9));
  p = v_fma(p, s, v_set(2.0f / 7));
  p = v_fma(p, s, v_set(2.0f / 5));
  p = v_fma(p, s, v_set(2.0f / 3));
  const vf fraction = v_fma(v_mul(p, s), z, v_mul(v_set(2), z));
  const vf y = v_fma(n, v_set(0.693359375f), v_fma(n, v_set(-2.12194440e-4f), fraction));
  // Infinity and what is not a number stay what they are.
  const vf high = v_select(x < v_set(__builtin_inff()), y, x);
  const vf low = v_select(x == v_set(0), v_set(-__builtin_inff()), v_set(__builtin_nanf("")));
  return v_select(x > v_set(0), high, v_select(x <= v_set(0), low, x));
}

// Keras' definition: the part above the threshold, limited from zero to the maximum, minus the part below.
INLINE vf v_relu(const zoo_activation *a, vf x) {
  const vf threshold = v_set(a->threshold);
  vf y = v_select(x <= threshold, v_set(0), x);
  if (a->max_value < __builtin_inff()) y = v_clamp(y, 0, a->max_value);
  if (a->negative_slope != 0) y = y - v_mul(v_set(a->negative_slope), v_max(v_set(0), threshold - x));
  return y;
}

INLINE vf v_hard_sigmoid(vf x, float slope) { return v_clamp(v_fma(x, v_set(slope), v_set(0.5f)), 0, 1); }

// x * tanh(log(1 + e)), e = exp(x): the hyperbolic tangent is (e^2 + 2e) / (e^2 + 2e + 2).
INLINE vf v_mish(vf x) {
  const vf e = v_exp(v_min(v_set(20), x));
  const vf n = v_fma(e, e, v_mul(v_set(2), e));
  return v_mul(x, n / v_add(n, v_set(2)));
}

INLINE vf v_function(const int FUNCTION, const zoo_activation *a, vf x) {
  switch (FUNCTION) {
    case zoo_elu: {
      const vf below = v_mul(v_set(a->alpha), v_exp_minus_one(v_min(v_set(0), x)));
      return v_mul(v_set(a->scale), v_select(x > v_set(0), x, below));
    }
    case zoo_gelu: {
      // Nothing cancels where x is below 0 and next to nothing is left.
      const normal_values n = v_normal(x);
      return v_fma(-n.size, n.outside, v_max(v_set(0), x));
    }
    case zoo_gelu_tanh: {
      const vf u = v_mul(x, v_fma(v_mul(x, x), v_set(0.0713548162726f), v_set(1.59576912161f)));
      return v_mul(x, v_sigmoid(u));
    }
    case zoo_silu: return v_mul(x, v_sigmoid(x));
    case zoo_sigmoid: return v_sigmoid(x);
    case zoo_hard_sigmoid: return v_hard_sigmoid(x, a->slope);
    case zoo_hard_silu: return v_mul(x, v_hard_sigmoid(x, 1.0f / 6));
    case zoo_tanh: return v_tanh(x);
    case zoo_softplus: return v_add(v_max(v_set(0), x), v_log_one_plus(v_exp(-v_abs(x))));
    case zoo_softsign: return x / v_add(v_set(1), v_abs(x));
    case zoo_exponential: return v_exponential(x);
    case zoo_mish: return v_mish(x);
    default: return v_relu(a, x);
  }
}

INLINE void apply(const int FUNCTION, const zoo_activation *a, int begin, int end) {
  for (int pixel = begin; pixel < end; pixel++) {
    const float *input = a->input + pixel * a->in_pixel;
    float *output = a->output + pixel * a->out_pixel;
    int channel = 0;
    for (; channel + VL <= a->channels; channel += VL) {
      v_store(output + channel, v_function(FUNCTION, a, v_load(input + channel)));
    }
    if (channel < a->channels) {
      const int rest = a->channels - channel;
      v_store_n(output + channel, v_function(FUNCTION, a, v_load_n(input + channel, rest)), rest);
    }
  }
}

INLINE vf v_arithmetic(int function, vf x) {
  if (function == zoo_logarithm) return v_log(x);
  return function == zoo_square_root ? __builtin_elementwise_sqrt(x) : v_set(1) / x;
}

// Apart from the others: without optimization each copy of a loop takes its own place on the stack.
static __attribute__((noinline)) void arithmetic_function(const zoo_activation *a, int begin, int end) {
  for (int pixel = begin; pixel < end; pixel++) {
    const float *input = a->input + pixel * a->in_pixel;
    float *output = a->output + pixel * a->out_pixel;
    int channel = 0;
    for (; channel + VL <= a->channels; channel += VL) {
      v_store(output + channel, v_arithmetic(a->function, v_load(input + channel)));
    }
    if (channel < a->channels) {
      const int rest = a->channels - channel;
      v_store_n(output + channel, v_arithmetic(a->function, v_load_n(input + channel, rest)), rest);
    }
  }
}

static void activation(const void *arguments, int32_t begin, int32_t end) {
  const zoo_activation *a = arguments;
  switch (a->function) {
    case zoo_elu: apply(zoo_elu, a, begin, end); break;
    case zoo_gelu: apply(zoo_gelu, a, begin, end); break;
    case zoo_gelu_tanh: apply(zoo_gelu_tanh, a, begin, end); break;
    case zoo_silu: apply(zoo_silu, a, begin, end); break;
    case zoo_sigmoid: apply(zoo_sigmoid, a, begin, end); break;
    case zoo_hard_sigmoid: apply(zoo_hard_sigmoid, a, begin, end); break;
    case zoo_hard_silu: apply(zoo_hard_silu, a, begin, end); break;
    case zoo_tanh: apply(zoo_tanh, a, begin, end); break;
    case zoo_softplus: apply(zoo_softplus, a, begin, end); break;
    case zoo_softsign: apply(zoo_softsign, a, begin, end); break;
    case zoo_exponential: apply(zoo_exponential, a, begin, end); break;
    case zoo_mish: apply(zoo_mish, a, begin, end); break;
    case zoo_square_root:
    case zoo_logarithm:
    case zoo_reciprocal: arithmetic_function(a, begin, end); break;
    default: apply(zoo_relu, a, begin, end);
  }
}
