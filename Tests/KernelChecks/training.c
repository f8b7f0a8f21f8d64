// What training needs besides the gradients of products, against plain loops.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "layers.h"

static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

// Of the function, for its derivative by differences and as `values` where these are outputs.
static double function_of(const zoo_activation_gradient *a, double x) {
  switch (a->function) {
    case zoo_elu: return a->scale * (x > 0 ? x : a->alpha * expm1(x));
    case zoo_gelu: return x * 0.5 * (1 + erf(x * 0.70710678118654752440));
    case zoo_gelu_tanh: return x * 0.5 * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    case zoo_silu: return x * sigmoid(x);
    case zoo_sigmoid: return sigmoid(x);
    case zoo_hard_sigmoid: return fmin(fmax(a->slope * x + 0.5, 0), 1);
    case zoo_hard_silu: return x * fmin(fmax(x / 6 + 0.5, 0), 1);
    case zoo_tanh: return tanh(x);
    case zoo_softplus: return softplus(x);
    case zoo_softsign: return x / (1 + fabs(x));
    case zoo_exponential: return exp(x);
    case zoo_mish: return x * tanh(softplus(x));
    case zoo_square_root: return sqrt(x);
    case zoo_logarithm: return log(x);
    case zoo_reciprocal: return 1 / x;
    default:
      if (x <= a->threshold) return a->negative_slope * (x - a->threshold);
      return fmin(fmax(x, 0), a->max_value);
  }
}

static double derivative_of(const zoo_activation_gradient *a, double x) {
  const double h = 1e-5;
  // The corners are exact: nothing above them counts.
  if (a->function == zoo_relu) {
    if (x <= a->threshold) return a->negative_slope;
    return x >= a->max_value || (x <= 0 && a->max_value < INFINITY) ? 0 : 1;
  }
  // Its second derivative jumps at 0.
  if (a->function == zoo_softsign) return 1 / ((1 + fabs(x)) * (1 + fabs(x)));
  if (a->function == zoo_elu && fabs(x) < 2 * h) return a->scale * (x > 0 ? 1 : a->alpha * exp(x));
  return (function_of(a, x + h) - function_of(a, x - h)) / (2 * h);
}

void check_activation_gradient(check *c) {
  for (int function = zoo_relu; function <= zoo_reciprocal; function++) {
    const int either = function != zoo_gelu && function != zoo_gelu_tanh && function != zoo_silu &&
                       function != zoo_hard_silu && function != zoo_mish;
    for (int i = 0; i < 16; i++) {
      const int pixels = any(c, 1, 9), channels = any(c, 1, 40);
      zoo_activation_gradient a = {
        .values_pixel = channels + one_of(c, 0, 3), .residual_pixel = channels + one_of(c, 0, 3),
        .gradient_pixel = i % 5 == 4 ? 0 : channels + one_of(c, 0, 3), .out_pixel = channels + one_of(c, 0, 3),
        .channels = channels, .function = function, .from_output = either && i % 2, .factor = any(c, 1, 9) / 4.0f,
        .negative_slope = one_of(c, 0, 1) / 4.0f, .max_value = any(c, 0, 1) ? INFINITY : 2, .alpha = 1.25f,
        .scale = 1.5f, .slope = 0.1875f};
      if (!a.from_output && function == zoo_relu && a.max_value == INFINITY) a.threshold = any(c, -2, 2) / 4.0f;
      const block gradient = random_block(c, (size_t)(pixels * channels) + 3 * 9), values = zeros_block(
        (size_t)(pixels * a.values_pixel));
      const block residual = random_block(c, (size_t)(pixels * a.residual_pixel));
      const block inputs = zeros_block(values.count), output = marked_block((size_t)(pixels * a.out_pixel));
      for (size_t k = 0; k < values.count; k++) {
        double x = any(c, -4000, 4000) / 1000.0;
        // Away from the corners, but for relu, and where the function is defined and its outputs tell inputs apart.
        if (function == zoo_hard_sigmoid || function == zoo_hard_silu) x = any(c, -400, 400) / 100.0 + 0.0011;
        if (function >= zoo_square_root) x = any(c, 200, 4000) / 1000.0;
        if (a.from_output && function != zoo_relu) x *= 0.5;
        if (function == zoo_relu && k % 3 == 0) x = k % 2 ? a.threshold : 2;
        inputs.values[k] = (float)x;
        values.values[k] = a.from_output ? (float)function_of(&a, inputs.values[k]) : inputs.values[k];
      }
      a.gradient = gradient.values;
      a.values = values.values;
      a.output = output.values;
      if (any(c, 0, 1)) a.residual = residual.values;
      run_activation_gradient(c, &a, pixels);
      char what[80];
      snprintf(what, sizeof what, "derivative of function %d%s", function, a.from_output ? " from its output" : "");
      for (int pixel = 0; pixel < pixels; pixel++) {
        for (int k = 0; k < channels; k++) {
          const double g = gradient.values[pixel * a.gradient_pixel + k], x = inputs.values[pixel * a.values_pixel + k];
          const double more = a.residual ? residual.values[pixel * a.residual_pixel + k] : 0;
          const double slope = derivative_of(&a, x), truth = more + a.factor * g * slope;
          const double exact = function == zoo_relu ? 0 : 3e-6 * fmax(1, fabs(slope));
          const double bound =
            a.factor * fabs(g) * (exact + 3 * rounding * fabs(slope)) + rounding * (fabs(truth) + fabs(more));
          expect(c, what, output.values[pixel * a.out_pixel + k], truth, bound);
        }
        for (ptrdiff_t k = channels; k < a.out_pixel; k++) {
          expect(c, "the gap between pixels", is_marked(output.values[pixel * a.out_pixel + k]), 1, 0);
        }
      }
      release(gradient);
      release(values);
      release(residual);
      release(inputs);
      released(c, what, output);
    }
  }
}

// A batch, and which way its gradient passes a rectifier: 0 without one, 1 by the values, 2 by a mask.
typedef struct {
  int pixels, channels, kind;
  ptrdiff_t values_pixel, gradient_pixel;
  block values, gradient, mask, scale, shift, center;
  float hi;
} batch;

static batch batch_of(check *c) {
  batch b = {.pixels = any(c, 1, 200), .channels = any(c, 1, 80), .kind = any(c, 0, 2)};
  b.values_pixel = b.channels + one_of(c, 0, 3);
  b.gradient_pixel = b.channels + one_of(c, 0, 3);
  b.values = random_block(c, (size_t)(b.pixels * b.values_pixel));
  b.gradient = random_block(c, (size_t)(b.pixels * b.gradient_pixel));
  b.mask = random_block(c, (size_t)(b.pixels * b.channels));
  b.scale = random_block(c, (size_t)b.channels);
  b.shift = random_block(c, (size_t)b.channels);
  b.center = random_block(c, (size_t)b.channels);
  b.hi = any(c, 0, 1) ? INFINITY : 0.5f;
  // A mean that is large beside the deviation.
  for (size_t k = 0; k < b.values.count; k++) b.values.values[k] += 100;
  for (int k = 0; k < b.channels; k++) b.center.values[k] += 100;
  for (int k = 0; k < b.channels; k++) b.shift.values[k] -= 100 * b.scale.values[k];
  return b;
}

static void release_batch(batch *b) {
  release(b->values);
  release(b->gradient);
  release(b->mask);
  release(b->scale);
  release(b->shift);
  release(b->center);
}

// `clear` becomes whether rounding can't decide it.
static double passed_gradient(const batch *b, int pixel, int channel, int *clear) {
  const float g = b->gradient.values[pixel * b->gradient_pixel + channel];
  *clear = 1;
  if (b->kind == 0) return g;
  if (b->kind == 2) return passes(b->mask.values[pixel * b->channels + channel], b->hi) ? g : 0;
  const double x = b->values.values[pixel * b->values_pixel + channel];
  const double y = x * b->scale.values[channel] + b->shift.values[channel];
  *clear = fabs(y) > 1e-4 && fabs(y - b->hi) > 1e-4;
  return y > 0 && y < b->hi ? g : 0;
}

static zoo_batch_sums sums_of(const batch *b, block sums) {
  return (zoo_batch_sums){
    .values = b->values.values, .gradient = b->gradient.values, .scale = b->kind == 1 ? b->scale.values : NULL,
    .shift = b->kind == 1 ? b->shift.values : NULL,
    .mask = {b->kind == 2 ? b->mask.values : NULL, b->channels, b->hi}, .hi = b->hi, .sums = doubles(sums),
    .values_pixel = b->values_pixel, .gradient_pixel = b->gradient_pixel, .pixels = b->pixels, .channels = b->channels};
}

static void check_sums(check *c, int of_gradient) {
  for (int i = 0; i < 40; i++) {
    batch b = batch_of(c);
    const block sums = marked_block(4 * (size_t)b.channels);
    zoo_batch_sums a = sums_of(&b, sums);
    const int units = parts(b.channels, 16), split = any(c, 0, b.pixels);
    if (of_gradient && any(c, 0, 1)) a.center = b.center.values;
    // In two parts, of which one may have nothing.
    for (int part = 0; part < 2; part++) {
      a.pixels = part ? b.pixels - split : split;
      a.accumulate = part && split > 0;
      if (of_gradient) run_batch_gradient_sums(c, &a, units); else run_batch_sums(c, &a, units);
      a.values += split * b.values_pixel;
      a.gradient += split * b.gradient_pixel;
      if (b.kind == 2) a.mask.values += split * b.channels;
    }
    for (int channel = 0; channel < b.channels; channel++) {
      double first = 0, second = 0, doubt = 0;
      for (int pixel = 0; pixel < b.pixels; pixel++) {
        const double x = b.values.values[pixel * b.values_pixel + channel];
        int clear = 1;
        const double g = of_gradient ? passed_gradient(&b, pixel, channel, &clear) : x;
        first += g;
        second += g * (a.center ? x - a.center[channel] : x);
        if (!clear) doubt += fabs(b.gradient.values[pixel * b.gradient_pixel + channel]);
      }
      // Of products of numbers up to 1 and up to 101, or 2 from the center; floats hold sums of no more than a block.
      const double steps = of_gradient ? (zoo_batch_pixels + 2) * rounding * b.pixels : 0;
      const double large = a.center ? 2 : 101;
      expect(c, "sums of a batch", doubles(sums)[channel], first, steps + 0x1p-40 * 101 * b.pixels + doubt);
      const double bound = steps * large + 0x1p-40 * 10201 * b.pixels + 101 * doubt;
      expect(c, "sums of squares", doubles(sums)[b.channels + channel], second, bound);
    }
    released(c, "sums of a batch", sums);
    release_batch(&b);
  }
}

void check_batch_sums(check *c) { check_sums(c, 0); }
void check_batch_gradient_sums(check *c) { check_sums(c, 1); }

void check_batch_norm(check *c) {
  for (int i = 0; i < 30; i++) {
    batch b = batch_of(c);
    const ptrdiff_t out_pixel = b.channels + one_of(c, 0, 3);
    const block output = marked_block((size_t)(b.pixels * out_pixel));
    const zoo_batch_norm a = {
      .values = b.values.values, .scale = b.scale.values, .shift = b.shift.values,
      .residual = any(c, 0, 1) ? b.mask.values : NULL, .output = output.values, .lo = any(c, 0, 1) ? 0 : -INFINITY,
      .hi = b.hi, .values_pixel = b.values_pixel, .residual_pixel = b.channels, .out_pixel = out_pixel,
      .channels = b.channels};
    run_batch_norm(c, &a, b.pixels);
    for (int pixel = 0; pixel < b.pixels; pixel++) {
      for (int k = 0; k < b.channels; k++) {
        const double more = a.residual ? a.residual[pixel * b.channels + k] : 0;
        const double product = (double)b.values.values[pixel * b.values_pixel + k] * b.scale.values[k];
        const double truth = product + b.shift.values[k] + more;
        const double bound = 3 * rounding * (fabs(product) + fabs(b.shift.values[k]) + fabs(more));
        expect(c, "batch_norm", output.values[pixel * out_pixel + k], limited(truth, a.lo, a.hi), bound);
      }
    }
    released(c, "batch_norm", output);
    release_batch(&b);
  }
}

void check_batch_norm_gradient(check *c) {
  for (int i = 0; i < 40; i++) {
    batch b = batch_of(c);
    const ptrdiff_t out_pixel = b.channels + one_of(c, 0, 3), passed_pixel = b.channels + one_of(c, 0, 3);
    const block output = marked_block((size_t)(b.pixels * out_pixel));
    const block passed = marked_block((size_t)(b.pixels * passed_pixel));
    const block factors = random_block(c, 3 * (size_t)b.channels);
    const zoo_batch_norm a = {
      .values = b.values.values, .gradient = b.gradient.values, .scale = b.kind == 1 ? b.scale.values : NULL,
      .shift = b.kind == 1 ? b.shift.values : NULL, .of_gradient = factors.values,
      .of_values = factors.values + b.channels, .constant = factors.values + 2 * b.channels, .output = output.values,
      .passed = any(c, 0, 1) ? passed.values : NULL, .mask = {b.kind == 2 ? b.mask.values : NULL, b.channels, b.hi},
      .hi = b.hi, .values_pixel = b.values_pixel, .gradient_pixel = b.gradient_pixel, .out_pixel = out_pixel,
      .passed_pixel = passed_pixel, .channels = b.channels};
    run_batch_norm_gradient(c, &a, b.pixels);
    for (int pixel = 0; pixel < b.pixels; pixel++) {
      for (int k = 0; k < b.channels; k++) {
        int clear;
        const double g = passed_gradient(&b, pixel, k, &clear), x = b.values.values[pixel * b.values_pixel + k];
        const double doubt = clear ? 0 : 1;
        if (a.passed) expect(c, "a gradient that passes", passed.values[pixel * passed_pixel + k], g, doubt);
        const double terms[3] = {a.of_gradient[k] * g, a.of_values[k] * x, a.constant[k]};
        const double magnitude = fabs(terms[0]) + fabs(terms[1]) + fabs(terms[2]);
        const double truth = terms[0] + terms[1] + terms[2];
        expect(c, "batch_norm_gradient", output.values[pixel * out_pixel + k], truth, 3 * rounding * magnitude + doubt);
      }
    }
    release(factors);
    released(c, "batch_norm_gradient", output);
    released(c, "a gradient that passes", passed);
    release_batch(&b);
  }
}

// A pooling over several images; its positions of maxima are bytes.
static layer pooling_of(check *c, uint8_t **places) {
  zoo_window g = any_window(c);
  g.dilation_height = g.dilation_width = 1;
  const int channels = any(c, 1, 40);
  layer l = layer_of(c, g, any(c, 1, 3), channels, channels);
  // Equal values, of which the first counts.
  for (size_t k = 0; k < l.input.count; k++) l.input.values[k] = any(c, -3, 3) / 4.0f;
  *places = malloc((size_t)(l.images * g.out_height * g.out_width * channels) + 1);
  if (!*places) abort();
  memset(*places, 0xee, (size_t)(l.images * g.out_height * g.out_width * channels) + 1);
  return l;
}

// The window's position of the maximum, or 255.
static int place_of(const layer *l, int image, int oy, int ox, int channel, int zeros, double *most) {
  const zoo_window *g = &l->window;
  int place = 255, padded = 0;
  *most = -INFINITY;
  for (int tap = 0; tap < g->kernel_height * g->kernel_width; tap++) {
    const float *input = input_at(l, image, oy, ox, tap);
    padded |= !input;
    if (!input || input[channel] <= *most) continue;
    *most = input[channel];
    place = tap;
  }
  if (zeros && padded && *most < 0) {
    *most = 0;
    return 255;
  }
  return place;
}

void check_max_pooling_places(check *c) {
  for (int i = 0; i < 60; i++) {
    uint8_t *places;
    layer l = pooling_of(c, &places);
    const zoo_window g = l.window;
    const block output = marked_block((size_t)(l.images * l.out_image));
    const ptrdiff_t places_image = (ptrdiff_t)g.out_height * g.out_width * l.channels;
    const zoo_pooling_gradient a = {
      .window = g, .input = l.input.values, .output = output.values, .places = places, .in_image = l.in_image,
      .out_image = l.out_image, .places_image = places_image, .channels = l.channels, .zeros = any(c, 0, 1)};
    run_max_pooling_places(c, &a, l.images * g.out_height);
    for (int pixel = 0; pixel < l.images * g.out_height * g.out_width; pixel++) {
      const int image = pixel / (g.out_height * g.out_width), rest = pixel % (g.out_height * g.out_width);
      for (int k = 0; k < l.channels; k++) {
        double most;
        const int place = place_of(&l, image, rest / g.out_width, rest % g.out_width, k, a.zeros, &most);
        expect(c, "a maximum", output.values[image * l.out_image + rest * g.out_pixel + k], most, 0);
        expect(c, "a maximum's place", places[image * places_image + rest * l.channels + k], place, 0);
      }
    }
    expect(c, "behind the places", places[l.images * places_image], 0xee, 0);
    free(places);
    released(c, "a maximum", output);
    release_layer(&l);
  }
}

void check_pooling_gradient(check *c) {
  for (int i = 0; i < 80; i++) {
    uint8_t *places;
    layer l = pooling_of(c, &places);
    const zoo_window g = l.window;
    const int taps = g.kernel_height * g.kernel_width;
    const ptrdiff_t places_image = (ptrdiff_t)g.out_height * g.out_width * l.channels;
    const ptrdiff_t mask_pixel = l.channels + one_of(c, 0, 3), mask_image = g.in_height * g.in_width * mask_pixel;
    const block output = marked_block((size_t)(l.images * l.in_image));
    const block mask = random_block(c, (size_t)(l.images * mask_image));
    const int masked = any(c, 0, 1);
    zoo_pooling_gradient a = {
      .window = g, .output = output.values, .gradient = l.gradient.values, .places = places,
      .mask = {masked ? mask.values : NULL, mask_pixel, any(c, 0, 1) ? INFINITY : 0.5f}, .in_image = l.in_image,
      .out_image = l.out_image, .mask_image = mask_image, .places_image = places_image, .channels = l.channels,
      .average = i % 2, .zeros = any(c, 0, 1)};
    const block truth = zeros_block(output.count), magnitude = zeros_block(output.count);
    for (int pixel = 0; pixel < l.images * g.out_height * g.out_width; pixel++) {
      const int image = pixel / (g.out_height * g.out_width), rest = pixel % (g.out_height * g.out_width);
      const int oy = rest / g.out_width, ox = rest % g.out_width;
      int inside = 0;
      for (int tap = 0; tap < taps; tap++) inside += input_at(&l, image, oy, ox, tap) != NULL;
      for (int k = 0; k < l.channels; k++) {
        double most;
        const int place = place_of(&l, image, oy, ox, k, a.zeros, &most);
        places[image * places_image + rest * l.channels + k] = (uint8_t)place;
        const double from = gradient_at(&l, image, oy, ox)[k] / (a.average ? a.zeros ? taps : inside : 1);
        for (int tap = 0; tap < taps; tap++) {
          const float *input = input_at(&l, image, oy, ox, tap);
          if (!input || (!a.average && tap != place)) continue;
          truth.values[input + k - l.input.values] += (float)from;
          magnitude.values[input + k - l.input.values] += (float)fabs(from);
        }
      }
    }
    run_pooling_gradient(c, &a, l.images * g.in_height);
    for (int pixel = 0; pixel < l.images * g.in_height * g.in_width; pixel++) {
      const int image = pixel / (g.in_height * g.in_width), rest = pixel % (g.in_height * g.in_width);
      const ptrdiff_t at = image * l.in_image + rest / g.in_width * g.in_row + rest % g.in_width * g.in_pixel;
      for (int k = 0; k < l.channels; k++) {
        const int through = !masked || passes(mask.values[image * mask_image + rest * mask_pixel + k], a.mask.hi);
        const double bound = 2 * (taps + 2) * rounding * magnitude.values[at + k];
        expect(
          c, "pooling_gradient", output.values[at + k], through ? truth.values[at + k] : 0, through ? bound : 0);
      }
      for (ptrdiff_t k = l.channels; k < g.in_pixel; k++) {
        expect(c, "the gap between pixels", is_marked(output.values[at + k]), 1, 0);
      }
    }
    free(places);
    release(mask);
    release(truth);
    release(magnitude);
    released(c, "pooling_gradient", output);
    release_layer(&l);
  }
}

void check_softmax_gradient(check *c) {
  for (int i = 0; i < 30; i++) {
    const int rows = any(c, 1, 9), count = any(c, 1, 40);
    const ptrdiff_t row_floats = count + one_of(c, 0, 3);
    const block output = random_block(c, (size_t)(rows * row_floats)), slopes = random_block(c, output.count);
    const block result = marked_block(output.count);
    const zoo_class_gradient a = {
      .output = output.values, .gradient = slopes.values, .result = result.values, .output_row = row_floats,
      .gradient_row = row_floats, .result_row = row_floats, .classes = count, .factor = 0.25f};
    run_softmax_gradient(c, &a, rows);
    for (int row = 0; row < rows; row++) {
      const float *y = output.values + row * row_floats, *g = slopes.values + row * row_floats;
      double mean = 0;
      for (int k = 0; k < count; k++) mean += (double)y[k] * g[k];
      for (int k = 0; k < count; k++) {
        const double truth = 0.25 * y[k] * (g[k] - mean);
        const double bound = rounding * fabs(truth) + 1e-12 * fmax(1, fabs(truth));
        expect(c, "softmax_gradient", result.values[row * row_floats + k], truth, bound);
      }
      for (ptrdiff_t k = count; k < row_floats; k++) {
        expect(c, "the gap between rows", is_marked(result.values[row * row_floats + k]), 1, 0);
      }
    }
    release(output);
    release(slopes);
    released(c, "softmax's gradient", result);
  }
}
