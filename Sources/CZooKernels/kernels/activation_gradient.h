// Derivatives of functions of each value.
#pragma once

#include "activation.h"
#include "prelude.h"

INLINE vf v_square(vf x) { return v_mul(x, x); }

INLINE vf ag_rectified(const int OUTPUT, const zoo_activation_gradient *a, vf x) {
  const vi above = x > v_set(OUTPUT ? 0 : a->threshold);
  vi passes = above;
  if (a->max_value < __builtin_inff()) passes = passes & (vi)(x > v_set(0)) & (vi)(x < v_set(a->max_value));
  return v_select(passes, v_set(1), v_select(above, v_set(0), v_set(a->negative_slope)));
}

// With x as the function's input, or where OUTPUT as its output.
INLINE vf ag_derivative(const int FUNCTION, const int OUTPUT, const zoo_activation_gradient *a, vf x) {
  const vf one = v_set(1);
  switch (FUNCTION) {
    case zoo_elu: {
      const float below = a->scale * a->alpha;
      const vf negative = OUTPUT ? v_add(x, v_set(below)) : v_mul(v_set(below), v_exp(v_min(v_set(0), x)));
      return v_select(x > v_set(0), v_set(a->scale), negative);
    }
    case zoo_gelu: {
      const normal_values n = v_normal(x);
      const vf below = v_select(x > v_set(0), one - n.outside, n.outside);
      return v_fma(v_with_sign(n.size, x), v_mul(v_set(0.39894228040f), n.bell), below);
    }
    case zoo_gelu_tanh: {
      const vf square = v_square(x);
      const vf s = v_sigmoid(v_mul(x, v_fma(square, v_set(0.0713548162726f), v_set(1.59576912161f))));
      const vf inner = v_fma(square, v_set(0.2140644488178f), v_set(1.59576912161f));
      return v_fma(v_mul(x, v_mul(s, one - s)), inner, s);
    }
    case zoo_silu: {
      const vf s = v_sigmoid(x);
      return v_fma(v_mul(x, s), one - s, s);
    }
    case zoo_sigmoid: {
      const vf s = OUTPUT ? x : v_sigmoid(x);
      return v_mul(s, one - s);
    }
    case zoo_hard_sigmoid: {
      const vf s = OUTPUT ? x : v_fma(x, v_set(a->slope), v_set(0.5f));
      return v_masked(v_set(a->slope), s, 1);
    }
    case zoo_hard_silu: {
      const vf sixth = v_set(1.0f / 6), s = v_fma(x, sixth, v_set(0.5f));
      return v_add(v_clamp(s, 0, 1), v_masked(v_mul(x, sixth), s, 1));
    }
    case zoo_tanh: return one - v_square(OUTPUT ? x : v_tanh(x));
    case zoo_softplus: return OUTPUT ? -v_exp_minus_one(-x) : v_sigmoid(x);
    case zoo_softsign: return OUTPUT ? v_square(one - v_abs(x)) : one / v_square(v_add(one, v_abs(x)));
    case zoo_exponential: return OUTPUT ? x : v_exponential(x);
    case zoo_mish: {
      // As v_mish: tanh(log(1 + e)) is n / (n + 2), whose derivative is 4 e (1 + e) / (n + 2)^2.
      const vf e = v_exp(v_min(v_set(20), x));
      const vf n = v_fma(e, e, v_mul(v_set(2), e)), inverse = one / v_add(n, v_set(2));
      const vf slope = v_mul(v_mul(v_set(4), v_mul(e, v_add(one, e))), v_square(inverse));
      return v_fma(x, slope, v_mul(n, inverse));
    }
    case zoo_square_root: return v_set(0.5f) / (OUTPUT ? x : __builtin_elementwise_sqrt(x));
    case zoo_logarithm: return OUTPUT ? v_exponential(-x) : one / x;
    case zoo_reciprocal: return OUTPUT ? -v_square(x) : -v_square(one / x);
    default: return ag_rectified(OUTPUT, a, x);
  }
}

INLINE void ag_pixels(
    const int FUNCTION, const int OUTPUT, const zoo_activation_gradient *a, int begin, int end) {
  const vf factor = v_set(a->factor);
  for (int pixel = begin; pixel < end; pixel++) {
    const float *gradient = a->gradient + pixel * a->gradient_pixel, *values = a->values + pixel * a->values_pixel;
    const float *residual = a->residual ? a->residual + pixel * a->residual_pixel : NULL;
    float *output = a->output + pixel * a->out_pixel;
    for (int channel = 0; channel < a->channels; channel += VL) {
      const int count = min_int(VL, a->channels - channel);
      const vf slope = ag_derivative(FUNCTION, OUTPUT, a, v_load_up_to(values + channel, count));
      vf y = v_mul(v_mul(v_load_up_to(gradient + channel, count), factor), slope);
      if (residual) y = v_add(v_load_up_to(residual + channel, count), y);
      v_store_up_to(output + channel, y, count);
    }
  }
}

// A function for each, as without optimization each copy of a loop takes its own place on the stack.
#define AG_FUNCTION(name) \
  static __attribute__((noinline)) void ag_##name(const zoo_activation_gradient *a, int begin, int end) { \
    ag_pixels(zoo_##name, 0, a, begin, end); \
  }
#define AG_FUNCTIONS(name) \
  AG_FUNCTION(name) \
  static __attribute__((noinline)) void ag_##name##_output(const zoo_activation_gradient *a, int begin, int end) { \
    ag_pixels(zoo_##name, 1, a, begin, end); \
  }
AG_FUNCTION(gelu) AG_FUNCTION(gelu_tanh) AG_FUNCTION(silu) AG_FUNCTION(hard_silu) AG_FUNCTION(mish)
AG_FUNCTIONS(relu) AG_FUNCTIONS(elu) AG_FUNCTIONS(sigmoid) AG_FUNCTIONS(hard_sigmoid) AG_FUNCTIONS(tanh)
AG_FUNCTIONS(softplus) AG_FUNCTIONS(softsign) AG_FUNCTIONS(exponential) AG_FUNCTIONS(square_root)
AG_FUNCTIONS(logarithm) AG_FUNCTIONS(reciprocal)

static void activation_gradient(const void *arguments, int32_t begin, int32_t end) {
  const zoo_activation_gradient *a = arguments;
  switch (a->function) {
#define AG_CASE(name) case zoo_##name: ag_##name(a, begin, end); break;
#define AG_CASES(name) \
    case zoo_##name: if (a->from_output) ag_##name##_output(a, begin, end); else ag_##name(a, begin, end); break;
    AG_CASE(gelu) AG_CASE(gelu_tanh) AG_CASE(silu) AG_CASE(hard_silu) AG_CASE(mish)
    AG_CASES(elu) AG_CASES(sigmoid) AG_CASES(hard_sigmoid) AG_CASES(tanh) AG_CASES(softplus) AG_CASES(softsign)
    AG_CASES(exponential) AG_CASES(square_root) AG_CASES(logarithm) AG_CASES(reciprocal) AG_CASES(relu)
  }
}
