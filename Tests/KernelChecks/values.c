// Kernels that treat each value or each pixel by itself.
#include <math.h>
#include <stdio.h>

#include "checks.h"

static void elementwise(check *c, const char *what, zoo_kernel kernel, double (*f)(const zoo_elementwise *, int, float, float)) {
  for (int i = 0; i < 12; i++) {
    const int channels = one_of(c, 1, 3, 4, 8, 15, 16, 21, 33), pixels = any(c, 1, 7);
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
    run(c, kernel, &e, pixels);
    for (int pixel = 0; pixel < pixels; pixel++) {
      for (int channel = 0; channel < e.out_pixel; channel++) {
        const float value = output.values[pixel * e.out_pixel + channel];
        if (channel >= channels) {
          expect(c, "the gap between pixels", is_marked(value), 1, 0);
          continue;
        }
        const double truth = f(&e, channel, a.values[pixel * e.a_pixel + channel], b.values[pixel * e.b_pixel + channel]);
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

typedef const zoo_elementwise *e_;
static double clamp(e_ e, int i, float a, float b) { return a; }
static double affine(e_ e, int i, float a, float b) { return (double)a * e->scale[i] + e->shift[i]; }
static double add(e_ e, int i, float a, float b) { return (double)a + b; }
static double subtract(e_ e, int i, float a, float b) { return (double)a - b; }
static double multiply(e_ e, int i, float a, float b) { return (double)a * b; }
static double average(e_ e, int i, float a, float b) { return ((double)a + b) * e->factor; }
static double maximum(e_ e, int i, float a, float b) { return a > b ? a : b; }
static double minimum(e_ e, int i, float a, float b) { return a < b ? a : b; }
static double rectify(e_ e, int i, float a, float b) { return a > 0 ? a : (double)a * b; }

void check_elementwise(check *c) {
  elementwise(c, "clamp", c->kernels->clamp, clamp);
  elementwise(c, "affine", c->kernels->affine, affine);
  elementwise(c, "add", c->kernels->add, add);
  elementwise(c, "subtract", c->kernels->subtract, subtract);
  elementwise(c, "multiply", c->kernels->multiply, multiply);
  elementwise(c, "average", c->kernels->average, average);
  elementwise(c, "maximum", c->kernels->maximum, maximum);
  elementwise(c, "minimum", c->kernels->minimum, minimum);
  elementwise(c, "rectify", c->kernels->rectify, rectify);
}

static double relu(const zoo_activation *a, double x) {
  const double above = x > a->threshold ? fmin(fmax(x, 0), a->max_value) : 0;
  return above - a->negative_slope * fmax(a->threshold - x, 0);
}

static double function(const zoo_activation *a, double x) {
  switch (a->function) {
    case zoo_elu: return a->scale * (x > 0 ? x : a->alpha * expm1(x));
    case zoo_gelu: return x / 2 * (1 + erf(x / sqrt(2)));
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
    default: return relu(a, x);
  }
}

void check_activation(check *c) {
  for (int kind = zoo_relu; kind <= zoo_mish; kind++) {
    for (int i = 0; i < 12; i++) {
      const int channels = one_of(c, 1, 3, 4, 8, 15, 16, 21, 33), pixels = any(c, 1, 7);
      zoo_activation a = {
        .in_pixel = channels + one_of(c, 0, 5), .out_pixel = channels + one_of(c, 0, 3), .channels = channels,
        .function = kind, .negative_slope = any(c, 0, 1) ? 0.25f : 0, .threshold = any(c, 0, 1) ? 0.5f : 0,
        .max_value = any(c, 0, 1) ? 2 : INFINITY, .alpha = 0.75f, .scale = 1.25f, .slope = 0.25f};
      const block input = random_block(c, (size_t)(pixels * a.in_pixel));
      const float size = (float)one_of(c, 1, 4, 30);
      for (size_t k = 0; k < input.count; k++) input.values[k] *= size;
      const block output = marked_block((size_t)(pixels * a.out_pixel));
      a.input = input.values;
      a.output = output.values;
      char what[40];
      snprintf(what, sizeof what, "activation %d", kind);
      run(c, c->kernels->activation, &a, pixels);
      for (int pixel = 0; pixel < pixels; pixel++) {
        for (int channel = 0; channel < channels; channel++) {
          const double x = input.values[pixel * a.in_pixel + channel], truth = function(&a, x);
          // Polynomials of seven roundings, relative to the larger of argument, up to 1, and result.
          const double magnitude = fmax(fabs(truth), fmin(fabs(x), 1));
          expect(c, what, output.values[pixel * a.out_pixel + channel], truth, 7 * rounding * magnitude);
        }
      }
      release(input);
      released(c, what, output);
    }
  }
}

void check_layer_norm(check *c) {
  for (int i = 0; i < 30; i++) {
    const int channels = any(c, 2, 70), pixels = any(c, 1, 7);
    zoo_layer_norm n = {
      .in_pixel = channels + one_of(c, 0, 5), .out_pixel = channels + one_of(c, 0, 3), .channels = channels,
      .epsilon = 1e-3f};
    const block input = random_block(c, (size_t)(pixels * n.in_pixel)), scale = random_block(c, (size_t)channels);
    const block shift = random_block(c, (size_t)channels), output = marked_block((size_t)(pixels * n.out_pixel));
    n.input = input.values;
    n.output = output.values;
    n.scale = scale.values;
    n.shift = shift.values;
    run(c, c->kernels->layer_norm, &n, pixels);
    for (int pixel = 0; pixel < pixels; pixel++) {
      const float *x = input.values + pixel * n.in_pixel;
      double mean = 0, variance = 0;
      for (int k = 0; k < channels; k++) mean += x[k] / (double)channels;
      for (int k = 0; k < channels; k++) variance += (x[k] - mean) * (x[k] - mean) / channels;
      const double factor = 1 / sqrt(variance + n.epsilon);
      for (int k = 0; k < channels; k++) {
        const double truth = (x[k] - mean) * factor * scale.values[k] + shift.values[k];
        // Distances from the mean are at most 2; a rounding for each term of the moments.
        const double bound = (channels + 8) * rounding * (2 * factor * fabs(scale.values[k]) + 1);
        expect(c, "layer norm", output.values[pixel * n.out_pixel + k], truth, bound);
      }
    }
    release(input);
    release(scale);
    release(shift);
    released(c, "layer norm", output);
  }
}
