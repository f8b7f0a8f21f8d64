// Kernels that treat each value or each pixel by itself.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "checks.h"

// What one value is computed from.
typedef struct {
  double a, b, scale, shift, factor;
} operands;

static void elementwise(check *c, zoo_kernel_id id, double (*f)(operands)) {
  const char *what = zoo_kernel_name(id);
  for (int i = 0; i < 24; i++) {
    const int channels = one_of(c, 1, 3, 4, 8, 15, 16, 21, 33), pixels = one_of(c, 1, 2, 7, 16, 37);
    zoo_elementwise e = {
      .a_pixel = channels + one_of(c, 0, 5), .b_pixel = any(c, 0, 2) ? channels + one_of(c, 0, 2) : 0,
      .out_pixel = channels + one_of(c, 0, 3), .channels = channels, .factor = 0.25f,
      .lo = any(c, 0, 1) ? 0 : -INFINITY, .hi = any(c, 0, 2) ? INFINITY : 0.5f};
    const block a = random_block(c, (size_t)(pixels * e.a_pixel)), b = random_block(c, (size_t)(pixels * e.b_pixel + channels));
    const block scale = random_block(c, (size_t)channels), shift = random_block(c, (size_t)channels);
    const block output = marked_block((size_t)(pixels * e.out_pixel));
    e.a = a.values;
    e.b = b.values;
    e.scale = scale.values;
    e.shift = shift.values;
    e.output = output.values;
    run(c, id, &e, pixels);
    for (int pixel = 0; pixel < pixels; pixel++) {
      for (int channel = 0; channel < e.out_pixel; channel++) {
        const float value = output.values[pixel * e.out_pixel + channel];
        if (channel >= channels) {
          expect(c, "the gap between pixels", is_marked(value), 1, 0);
          continue;
        }
        const double truth = f((operands){
          .a = a.values[pixel * e.a_pixel + channel], .b = b.values[pixel * e.b_pixel + channel],
          .scale = scale.values[channel], .shift = shift.values[channel], .factor = e.factor});
        // Two roundings of numbers up to 2.
        expect(c, what, value, limited(truth, e.lo, e.hi), 4 * rounding);
      }
    }
    release(a);
    release(b);
    release(scale);
    release(shift);
    released(c, what, output);
  }
}

static double clamp(operands o) { return o.a; }
static double affine(operands o) { return o.a * o.scale + o.shift; }
static double add(operands o) { return o.a + o.b; }
static double subtract(operands o) { return o.a - o.b; }
static double multiply(operands o) { return o.a * o.b; }
static double average(operands o) { return (o.a + o.b) * o.factor; }
static double maximum(operands o) { return fmax(o.a, o.b); }
static double minimum(operands o) { return fmin(o.a, o.b); }
static double rectify(operands o) { return o.a > 0 ? o.a : o.a * o.b; }

#define KERNEL(name, arguments) \
  void check_##name(check *c) { elementwise(c, zoo_kernel_##name, name); }
ZOO_ELEMENTWISE_KERNELS(KERNEL)
#undef KERNEL

static double relu(const zoo_activation *a, double x) {
  const double above = x > a->threshold ? fmin(fmax(x, 0), a->max_value) : 0;
  return above - a->negative_slope * fmax(a->threshold - x, 0);
}

static double function(const zoo_activation *a, double x) {
  switch (a->function) {
    case zoo_elu: return a->scale * (x > 0 ? x : a->alpha * expm1(x));
    case zoo_gelu: return x / 2 * erfc(-x / sqrt(2));
    case zoo_gelu_tanh: return x / 2 * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case zoo_silu: return x / (1 + exp(-x));
    case zoo_sigmoid: return 1 / (1 + exp(-x));
    case zoo_hard_sigmoid: return fmin(fmax(x * a->slope + 0.5, 0), 1);
    case zoo_hard_silu: return x * fmin(fmax(x / 6 + 0.5, 0), 1);
    case zoo_tanh: return tanh(x);
    case zoo_softplus: return fmax(x, 0) + log1p(exp(-fabs(x)));
    case zoo_softsign: return x / (1 + fabs(x));
    case zoo_exponential: return exp(x);
    case zoo_mish: return x * tanh(log1p(exp(x)));
    case zoo_square_root: return sqrt(x);
    case zoo_logarithm: return log(x);
    case zoo_reciprocal: return 1 / x;
    default: return relu(a, x);
  }
}

// What a rounding is relative to. Polynomials have seven, relative to the larger of argument, up to 1, and result.
static double magnitude(int kind, double x, double truth) {
  // Of the tail, too, all digits are there but those that the square of the argument loses.
  if (kind == zoo_gelu) return fmax(fabs(truth) * (1 + x * x / 2), 1e-30);
  return fmax(fabs(truth), fmin(fabs(x), 1));
}

void check_activation(check *c) {
  for (int kind = zoo_relu; kind <= zoo_reciprocal; kind++) {
    for (int i = 0; i < 12; i++) {
      const int channels = one_of(c, 1, 3, 4, 8, 15, 16, 21, 33), pixels = any(c, 1, 7);
      zoo_activation a = {
        .in_pixel = channels + one_of(c, 0, 5), .out_pixel = channels + one_of(c, 0, 3), .channels = channels,
        .function = kind, .negative_slope = any(c, 0, 1) ? 0.25f : 0, .threshold = any(c, 0, 1) ? 0.5f : 0,
        .max_value = any(c, 0, 1) ? 2 : INFINITY, .alpha = 0.75f, .scale = 1.25f, .slope = 0.25f};
      const block input = random_block(c, (size_t)(pixels * a.in_pixel));
      const float size = (float)one_of(c, 1, 4, 30);
      for (size_t k = 0; k < input.count; k++) {
        input.values[k] *= size;
        if (kind >= zoo_square_root) input.values[k] = fabsf(input.values[k]) + 1e-3f;
      }
      // What is no number stays so, whatever its last bits.
      const uint32_t no_number = 0x7fc12345;
      if (i % 4 == 0) memcpy(input.values, &no_number, sizeof no_number);
      const block output = marked_block((size_t)(pixels * a.out_pixel));
      a.input = input.values;
      a.output = output.values;
      char what[40];
      snprintf(what, sizeof what, "activation %d", kind);
      run_activation(c, &a, pixels);
      for (int pixel = 0; pixel < pixels; pixel++) {
        for (int channel = 0; channel < channels; channel++) {
          const double x = input.values[pixel * a.in_pixel + channel], truth = isnan(x) ? x : function(&a, x);
          const double bound = 7 * rounding * magnitude(kind, x, truth);
          expect(c, what, output.values[pixel * a.out_pixel + channel], truth, bound);
        }
      }
      release(input);
      released(c, what, output);
    }
  }
}

void check_layer_norm(check *c) {
  for (int i = 0; i < 40; i++) {
    const int channels = one_of(c, any(c, 2, 70), any(c, 70, 200)), pixels = any(c, 1, 7);
    // Far from 0, and with nothing that varies, little is left of the difference from the mean.
    const double far = one_of(c, 0, 0, 500), spread = one_of(c, 1, 1, 0);
    zoo_layer_norm n = {
      .in_pixel = channels + one_of(c, 0, 5), .out_pixel = channels + one_of(c, 0, 3), .channels = channels,
      .epsilon = 1e-3f};
    const block input = random_block(c, (size_t)(pixels * n.in_pixel)), scale = random_block(c, (size_t)channels);
    const block shift = random_block(c, (size_t)channels), output = marked_block((size_t)(pixels * n.out_pixel));
    for (size_t k = 0; k < input.count; k++) input.values[k] = (float)(far + spread * input.values[k]);
    n.input = input.values;
    n.output = output.values;
    n.scale = scale.values;
    n.shift = shift.values;
    run_layer_norm(c, &n, pixels);
    for (int pixel = 0; pixel < pixels; pixel++) {
      const float *x = input.values + pixel * n.in_pixel;
      double mean = 0, variance = 0;
      for (int k = 0; k < channels; k++) mean += x[k] / (double)channels;
      for (int k = 0; k < channels; k++) variance += (x[k] - mean) * (x[k] - mean) / channels;
      const double factor = 1 / sqrt(variance + n.epsilon);
      for (int k = 0; k < channels; k++) {
        const double truth = (x[k] - mean) * factor * scale.values[k] + shift.values[k];
        // Distances from the mean are at most 2; a rounding for each term of the moments.
        const double bound = (channels + 8) * rounding * ((2 + far / 16) * factor * fabs(scale.values[k]) + 1);
        expect(c, "layer norm", output.values[pixel * n.out_pixel + k], truth, bound);
      }
    }
    release(input);
    release(scale);
    release(shift);
    released(c, "layer norm", output);
  }
}

void check_softmax(check *c) {
  for (int i = 0; i < 20; i++) {
    const int channels = any(c, 1, 40), pixels = any(c, 1, 7);
    zoo_activation a = {
      .in_pixel = channels + one_of(c, 0, 5), .out_pixel = channels + one_of(c, 0, 3), .channels = channels};
    const block input = random_block(c, (size_t)(pixels * a.in_pixel));
    const float size = (float)one_of(c, 1, 4, 30);
    for (size_t k = 0; k < input.count; k++) input.values[k] *= size;
    const block output = marked_block((size_t)(pixels * a.out_pixel));
    a.input = input.values;
    a.output = output.values;
    run_softmax(c, &a, pixels);
    for (int pixel = 0; pixel < pixels; pixel++) {
      const float *x = input.values + pixel * a.in_pixel, *y = output.values + pixel * a.out_pixel;
      for (int channel = 0; channel < channels; channel++) {
        double sum = 0;
        for (int k = 0; k < channels; k++) sum += exp((double)x[k] - x[channel]);
        // A rounding to the result, and those of the sum in double precision.
        expect(c, "softmax", y[channel], 1 / sum, 1.01 * rounding / sum);
      }
      for (ptrdiff_t gap = channels; gap < a.out_pixel; gap++) {
        expect(c, "the gap between pixels", is_marked(y[gap]), 1, 0);
      }
    }
    release(input);
    released(c, "softmax", output);
  }
}

void check_peak(check *c) {
  const int units = 5, vector = c->kernels->vector, chains = c->kernels->peak_chains;
  const block output = marked_block((size_t)(units * vector));
  const zoo_peak a = {.output = output.values, .factor = 0.5f, .term = 0.25f, .turns = 20};
  run_peak(c, &a, units);
  for (int unit = 0; unit < units; unit++) {
    double sum = 0;
    for (int chain = 0; chain < chains; chain++) {
      double x = unit + chain;
      for (int turn = 0; turn < a.turns; turn++) x = x * a.factor + a.term;
      sum += x;
    }
    for (int i = 0; i < vector; i++) {
      // The values fall to 0.5; each chain has the last roundings of its own, and the sum one for each chain.
      expect(c, "peak", output.values[unit * vector + i], sum, (chains + 4) * rounding * sum);
    }
  }
  released(c, "peak", output);
}
