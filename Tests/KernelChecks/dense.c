// Dense layers, with weights as floats and in each form that they are stored in.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "layers.h"
#include "products.h"

// The same value of half precision; `x` must be one.
static uint16_t half_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude < 0x38800000) return (uint16_t)(sign | (uint32_t)(fabsf(x) * 0x1p24f));
  return (uint16_t)(sign | (magnitude - 0x38000000) >> 13);
}

// What the weights of a dense layer are stored as, made so that the floats `values` are what they stand for.
typedef struct {
  void *stored;
  float *scales;
} dense_weights;

static dense_weights store_weights(check *c, zoo_weight_form form, block values, int columns) {
  dense_weights w = {.stored = malloc(values.count * 2), .scales = malloc((size_t)columns * sizeof(float))};
  for (int i = 0; i < columns; i++) w.scales[i] = (float)any(c, 1, 1 << 20) * 0x1p-22f;
  for (size_t i = 0; i < values.count; i++) {
    const float unit = any(c, 0, 7) ? 0x1p-11f : 0x1p-24f;
    uint32_t bits;
    switch (form) {
      case zoo_weight_f16:
        // Of all magnitudes that half precision has, from its smallest number on.
        values.values[i] = (float)any(c, -2047, 2047) * unit;
        ((uint16_t *)w.stored)[i] = half_of(values.values[i]);
        break;
      case zoo_weight_bf16:
        values.values[i] = (float)any(c, -255, 255) * unit;
        memcpy(&bits, values.values + i, sizeof bits);
        ((uint16_t *)w.stored)[i] = (uint16_t)(bits >> 16);
        break;
      case zoo_weight_i8: {
        const int code = any(c, -127, 127);
        ((int8_t *)w.stored)[i] = (int8_t)code;
        values.values[i] = w.scales[i % (size_t)columns] * (float)code;
        break;
      }
      case zoo_weight_f32: break;
    }
  }
  return w;
}

// Several rows at once, each with the bits that it has alone, as floats and in another form.
static void dense(check *c, zoo_weight_form form, int inputs, int columns, int rows) {
  zoo_window g = product_window(c, 1, rows, inputs);
  g.out_height = 1;
  g.out_width = rows;
  product p = make_product(c, g, inputs, columns);
  p.scale = NULL;
  g = p.window;
  const int zeros = any(c, 0, 3);
  for (size_t i = 0; i < p.input.count; i++) {
    if (zeros == 3 || any(c, 0, 2) < zeros) p.input.values[i] = 0;
  }
  const dense_weights w = store_weights(c, form, p.weights, columns);
  zoo_dense a = {
    .input = p.input.values, .weights = p.weights.values, .form = zoo_weight_f32, .bias = p.bias.values,
    .residual = p.residual.values, .output = p.output.values, .input_row = g.in_pixel, .output_row = g.out_pixel,
    .residual_row = p.residual_pixel, .rows = rows, .inputs = inputs, .columns = columns,
    .column_block = any(c, 1, columns), .lo = p.lo, .hi = p.hi};
  char what[80];
  snprintf(what, sizeof what, "dense %d to %d, %d rows", inputs, columns, rows);
  run_dense(c, &a, parts(columns, a.column_block));
  compare_product(c, what, &p, inputs + 3);

  const block again = marked_block(p.output.count);
  a.output = again.values;
  a.weights = w.stored;
  a.scales = w.scales;
  a.form = form;
  snprintf(what, sizeof what, "dense %d to %d, %d rows, form %d", inputs, columns, rows, form);
  run_dense(c, &a, parts(columns, a.column_block));
  for (size_t i = 0; i < again.count; i++) expect(c, what, again.values[i], p.output.values[i], 0);
  released(c, what, again);

  a.rows = 1;
  const block alone = marked_block((size_t)columns);
  for (int row = 0; row < rows; row++) {
    a.input = p.input.values + row * a.input_row;
    if (p.residual.values) a.residual = p.residual.values + row * a.residual_row;
    a.output = alone.values;
    run_dense(c, &a, parts(columns, a.column_block));
    for (int i = 0; i < columns; i++) {
      expect(c, "a row of a dense layer alone", alone.values[i], p.output.values[row * g.out_pixel + i], 0);
    }
  }
  released(c, what, alone);
  free(w.stored);
  free(w.scales);
  release_product(c, what, &p);
}

void check_dense(check *c) {
  for (int i = 0; i < 120; i++) {
    const zoo_weight_form form = i % 3 == 0 ? zoo_weight_f16 : i % 3 == 1 ? zoo_weight_bf16 : zoo_weight_i8;
    dense(c, form, one_of(c, 1, 7, 8, 9, 31, 33, 129), any(c, 1, 150), one_of(c, 1, 1, 2, 3, 5, 9));
  }
}

// A dense layer's factors: inputs and gradients of several rows, with room between them.
typedef struct {
  int rows, inputs, columns;
  ptrdiff_t input_row, gradient_row;
  block input, gradient;
} dense_factors;

static dense_factors factors_of(check *c) {
  dense_factors f = {.rows = any(c, 1, 40), .inputs = any(c, 1, 70), .columns = one_of(c, 1, 7, 8, 33, 100, 1050)};
  f.input_row = f.inputs + one_of(c, 0, 3);
  f.gradient_row = f.columns + one_of(c, 0, 3);
  f.input = random_block(c, (size_t)(f.rows * f.input_row));
  f.gradient = random_block(c, (size_t)(f.rows * f.gradient_row));
  return f;
}

static void release_factors(dense_factors *f) {
  release(f->input);
  release(f->gradient);
}

static void check_input_gradient(check *c, int i) {
  dense_factors f = factors_of(c);
  const block weights = random_block(c, (size_t)(f.inputs * f.columns));
  const block output = marked_block((size_t)(f.rows * f.input_row)), before = marked_block(output.count);
  for (size_t at = 0; at < output.count; at++) output.values[at] = before.values[at] = f.input.values[at] * 2;
  zoo_dense_gradient d = {
    .weights = weights.values, .gradient = f.gradient.values, .output = output.values,
    .gradient_row = f.gradient_row, .output_row = f.input_row, .rows = f.rows, .inputs = f.inputs,
    .columns = f.columns, .accumulate = i % 3 == 0};
  if (i % 2) d.mask = (zoo_mask){.values = f.input.values, .pixel = f.input_row, .hi = i % 4 == 1 ? INFINITY : 0.5f};
  run_dense_gradient(c, &d, parts(f.inputs, zoo_dense_unit));
  for (int row = 0; row < f.rows; row++) {
    for (int k = 0; k < f.inputs; k++) {
      double truth = 0, magnitude = 0;
      for (int n = 0; n < f.columns; n++) {
        const double term = (double)f.gradient.values[row * f.gradient_row + n] * weights.values[k * f.columns + n];
        truth += term;
        magnitude += fabs(term);
      }
      const ptrdiff_t at = row * f.input_row + k;
      if (d.accumulate) {
        truth += before.values[at];
        magnitude += fabs((double)before.values[at]);
      }
      if (d.mask.values && !passes(f.input.values[at], d.mask.hi)) truth = magnitude = 0;
      expect(c, "the gradient of a dense layer's input", output.values[at], truth, magnitude * rounding * 80);
    }
  }
  // Each row has the bits that it has alone.
  const block alone = marked_block((size_t)f.inputs);
  for (int k = 0; k < f.inputs; k++) alone.values[k] = before.values[(f.rows - 1) * f.input_row + k];
  zoo_dense_gradient single = d;
  single.rows = 1;
  single.output = alone.values;
  single.gradient += (f.rows - 1) * f.gradient_row;
  if (single.mask.values) single.mask.values += (f.rows - 1) * f.input_row;
  run_dense_gradient(c, &single, parts(f.inputs, zoo_dense_unit));
  for (int k = 0; k < f.inputs; k++) {
    expect(
        c, "a row of a dense layer's gradient alone", alone.values[k],
        output.values[(f.rows - 1) * f.input_row + k], 0);
  }
  released(c, "the gradient of a dense layer's input alone", alone);
  release(before);
  released(c, "the gradient of a dense layer's input", output);
  release(weights);
  release_factors(&f);
}

void check_dense_gradient(check *c) {
  for (int i = 0; i < 60; i++) check_input_gradient(c, i);
}

void check_dense_weight_gradient(check *c) {
  for (int i = 0; i < 60; i++) {
    dense_factors f = factors_of(c);
    const int all = f.inputs * f.columns, first = any(c, 0, all - 1), end = any(c, first + 1, all);
    const block output = marked_block((size_t)(end - first)), whole = marked_block((size_t)all);
    zoo_dense_weight_gradient d = {
      .input = f.input.values, .gradient = f.gradient.values, .output = output.values, .input_row = f.input_row,
      .gradient_row = f.gradient_row, .rows = f.rows, .columns = f.columns, .first = first, .end = end,
      .block = any(c, 1, end - first)};
    run_dense_weight_gradient(c, &d, parts(end - first, (int)d.block));
    d.output = whole.values;
    d.first = 0;
    d.end = d.block = all;
    run_dense_weight_gradient(c, &d, 1);
    for (int at = 0; at < all; at++) {
      double truth = 0, magnitude = 0;
      for (int row = 0; row < f.rows; row++) {
        const double term = (double)f.input.values[row * f.input_row + at / f.columns] *
                            f.gradient.values[row * f.gradient_row + at % f.columns];
        truth += term;
        magnitude += fabs(term);
      }
      expect(c, "the gradient of a dense layer's weights", whole.values[at], truth, magnitude * rounding * f.rows);
      if (at >= first && at < end) {
        expect(c, "a part of a dense layer's gradient", output.values[at - first], whole.values[at], 0);
      }
    }
    released(c, "a part of a dense layer's gradient", output);
    released(c, "the gradient of a dense layer's weights", whole);
    release_factors(&f);
  }
}
