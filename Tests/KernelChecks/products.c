// Convolutions: matrix products, and Winograd's algorithm.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "checks.h"
#include "layers.h"
#include "products.h"

// Where panels have column `column`: the first column of its panel and how many the panel has, used or not.
typedef struct {
  int first, width;
} panel;

static panel panel_of(check *c, int columns, int column) {
  const int pair = 2 * c->kernels->vector, last = c->kernels->panels(columns) - 1;
  const int index = column / pair < last ? column / pair : last;
  return (panel){index * pair, index < last ? pair : c->kernels->packed_columns(columns) - index * pair};
}

void check_pack(check *c) {
  for (int i = 0; i < 40; i++) {
    const int rows = any(c, 1, 20), columns = any(c, 1, 7 * c->kernels->vector), stride = columns + one_of(c, 0, 3);
    const int packed_columns = c->kernels->packed_columns(columns);
    const block source = random_block(c, (size_t)(rows * stride)), factors = random_block(c, (size_t)columns);
    const block packed = marked_block((size_t)(rows * packed_columns));
    double scale[7 * 16];
    for (int k = 0; k < columns; k++) scale[k] = factors.values[k];
    const zoo_packing a = {
      .source = source.values, .scale = i % 2 ? scale : NULL, .packed = packed.values, .stride = stride,
      .rows = rows, .columns = columns};
    run_pack(c, &a, c->kernels->panels(columns));
    for (int column = 0; column < packed_columns; column++) {
      const panel p = panel_of(c, columns, column);
      for (int row = 0; row < rows; row++) {
        const double factor = column < columns ? a.scale ? scale[column] : 1 : 0;
        const double truth = column < columns ? source.values[row * stride + column] * factor : 0;
        const float value = packed.values[p.first * rows + row * p.width + column - p.first];
        expect(c, "pack", value, truth, rounding * fabs(truth));
      }
    }
    release(source);
    release(factors);
    released(c, "pack", packed);
  }
}

zoo_window product_window(check *c, int height, int width, int channels) {
  zoo_window g = {
    .in_height = height, .in_width = width, .kernel_height = 1, .kernel_width = 1, .stride_height = 1,
    .stride_width = 1, .dilation_height = 1, .dilation_width = 1};
  g.in_pixel = channels + one_of(c, 0, 5);
  g.in_row = width * g.in_pixel + one_of(c, 0, 7);
  return g;
}

product make_product(check *c, zoo_window g, int channels, int columns) {
  product p = {.window = g, .channels = channels, .columns = columns, .lo = -INFINITY, .hi = INFINITY};
  const size_t pixels = (size_t)g.out_height * (size_t)g.out_width;
  p.window.out_pixel = columns + one_of(c, 0, 3);
  p.input = random_block(c, (size_t)(g.in_height * g.in_row));
  p.weights = random_block(c, (size_t)g.kernel_height * (size_t)g.kernel_width * (size_t)(channels * columns));
  const size_t packed = (size_t)c->kernels->packed_columns(columns);
  p.bias = zeros_block(packed);
  const block bias = random_block(c, (size_t)columns);
  memcpy(p.bias.values, bias.values, (size_t)columns * sizeof(float));
  release(bias);
  p.residual_pixel = columns + one_of(c, 0, 2);
  if (any(c, 0, 1)) p.residual = random_block(c, pixels * (size_t)p.residual_pixel);
  p.output = marked_block(pixels * (size_t)p.window.out_pixel);
  if (any(c, 0, 1)) p.lo = 0;
  if (any(c, 0, 3) == 0) p.hi = 0.5f;
  if (any(c, 0, 1)) p.scale = p.scales;
  for (int i = 0; i < columns; i++) p.scales[i] = any(c, 1, 16) / 8.0;
  return p;
}

// One output, unlimited; `magnitude` becomes the sum of the absolute values of its terms.
static double output_of(const product *p, int oy, int ox, int column, double *magnitude) {
  const zoo_window *g = &p->window;
  double sum = p->bias.values[column];
  *magnitude = fabs(sum);
  for (int ky = 0; ky < g->kernel_height; ky++) {
    const int y = oy * g->stride_height - g->pad_top + ky * g->dilation_height;
    if (y < 0 || y >= g->in_height) continue;
    for (int kx = 0; kx < g->kernel_width; kx++) {
      const int x = ox * g->stride_width - g->pad_left + kx * g->dilation_width;
      if (x < 0 || x >= g->in_width) continue;
      const float *pixel = p->input.values + y * g->in_row + x * g->in_pixel;
      const float *weights = p->weights.values + (ptrdiff_t)(ky * g->kernel_width + kx) * p->channels * p->columns;
      for (int k = 0; k < p->channels; k++) {
        const double scale = p->scale ? p->scale[column] : 1;
        const double term = pixel[k] * scale * weights[(ptrdiff_t)k * p->columns + column];
        sum += term;
        *magnitude += fabs(term);
      }
    }
  }
  if (p->residual.values) {
    const double residual = p->residual.values[((ptrdiff_t)oy * g->out_width + ox) * p->residual_pixel + column];
    sum += residual;
    *magnitude += fabs(residual);
  }
  return sum;
}

void compare_product(check *c, const char *what, const product *p, double steps) {
  const zoo_window *g = &p->window;
  for (int oy = 0; oy < g->out_height; oy++) {
    for (int ox = 0; ox < g->out_width; ox++) {
      const float *pixel = p->output.values + ((ptrdiff_t)oy * g->out_width + ox) * g->out_pixel;
      for (int column = 0; column < p->columns; column++) {
        double magnitude;
        double truth = limited(output_of(p, oy, ox, column, &magnitude), p->lo, p->hi);
        if (p->mask.values) {
          const float *values = p->mask.values + ((ptrdiff_t)oy * g->out_width + ox) * p->mask_pixel;
          if (!passes(values[column], p->mask_hi)) truth = magnitude = 0;
        }
        expect(c, what, pixel[column], truth, steps * rounding * magnitude);
      }
      for (ptrdiff_t i = p->columns; i < g->out_pixel; i++) {
        expect(c, "the gap between pixels", is_marked(pixel[i]), 1, 0);
      }
    }
  }
}

void release_product(check *c, const char *what, product *p) {
  release(p->input);
  release(p->weights);
  release(p->bias);
  if (p->residual.values) release(p->residual);
  if (p->mask.values) release(p->mask);
  released(c, what, p->output);
}

// What masks the product's output.
static zoo_mask mask_product(check *c, product *p) {
  if (any(c, 0, 1)) return (zoo_mask){0};
  const zoo_window *g = &p->window;
  p->mask_pixel = p->columns + one_of(c, 0, 3);
  p->mask = random_block(c, (size_t)g->out_height * (size_t)g->out_width * (size_t)p->mask_pixel);
  p->mask_hi = any(c, 0, 1) ? INFINITY : 0.5f;
  for (size_t i = 0; i < p->mask.count; i += 3) p->mask.values[i] = i % 2 ? 0 : 0.5f;
  return (zoo_mask){p->mask.values, p->mask_pixel, p->mask_hi};
}

static void convolve(check *c, zoo_window g, int channels, int columns) {
  product p = make_product(c, g, channels, columns);
  g = p.window;
  const int rows = g.out_height * g.out_width, taps = g.kernel_height * g.kernel_width;
  char what[160];
  snprintf(
      what, sizeof what, "convolution %dx%d stride %dx%d dilation %dx%d, %dx%dx%d to %dx%dx%d", g.kernel_height,
      g.kernel_width, g.stride_height, g.stride_width, g.dilation_height, g.dilation_width, g.in_height, g.in_width,
      channels, g.out_height, g.out_width, columns);
  const block packed = zeros_block((size_t)(taps * channels * c->kernels->packed_columns(columns)));
  const block zero = zeros_block((size_t)channels);
  const zoo_packing packing = {
    .source = p.weights.values, .scale = p.scale, .packed = packed.values, .stride = columns,
    .rows = taps * channels, .columns = columns};
  run_pack(c, &packing, c->kernels->panels(columns));
  const int panels = c->kernels->panels(columns);
  zoo_convolution a = {
    .window = g, .input = p.input.values, .zero = zero.values, .weights = packed.values, .bias = p.bias.values,
    .residual = p.residual.values, .output = p.output.values, .residual_pixel = p.residual_pixel,
    .run = channels, .columns = columns, .row_block = any(c, 0, 1) ? rows : any(c, 1, rows),
    .mask = mask_product(c, &p), .panel_group = any(c, 1, panels), .by_rows = any(c, 0, 1), .lo = p.lo, .hi = p.hi,
    .next_weights = any(c, 0, 1) ? packed.values : NULL};
  run_convolution(c, &a, parts(rows, a.row_block) * parts(panels, a.panel_group));
  // A rounding for each product and sum, for the scaled weight and for the residual.
  compare_product(c, what, &p, taps * channels + 2);
  if (c->kernels->tile_scratch) {
    released(c, what, p.output);
    p.output = marked_block(p.output.count);
    a.output = p.output.values;
    a.slot_floats = c->kernels->tile_scratch(a.row_block, taps * channels, columns);
    const block scratch = marked_block((size_t)(check_threads * a.slot_floats));
    a.scratch = scratch.values;
    strcat(what, " on tiles");
    run_convolution(c, &a, parts(rows, a.row_block) * parts(panels, a.panel_group));
    // Six products of parts, and what is left out of a product: eight roundings.
    compare_product(c, what, &p, 6 * taps * channels + 10);
    released(c, "the tiles' scratch memory", scratch);
  }
  release(packed);
  release(zero);
  release_product(c, what, &p);
}

void check_convolution(check *c) {
  const int vector = c->kernels->vector;
  // Every register block, whole and with part of the last vector.
  const int columns[] = {1,          vector - 1,     vector,         vector + 1, 2 * vector,
                         2 * vector + 1, 3 * vector - 1, 3 * vector, 4 * vector, 5 * vector - 2};
  for (int rows = 1; rows <= 2 * c->kernels->mr + 1; rows++) {
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
      zoo_window g = product_window(c, 1, rows, 5);
      g.out_height = 1;
      g.out_width = rows;
      convolve(c, g, 5, columns[i]);
    }
  }
  // The last are long sums, of which kernels on tiles take a part at a time.
  for (int i = 0; i < 68; i++) {
    const int channels = i < 60 ? one_of(c, 1, 3, 4, 9, 16) : one_of(c, 100, 257, 300, 700);
    zoo_window g = product_window(c, any(c, 1, 9), any(c, 1, 11), channels);
    g.kernel_height = any(c, 1, 4);
    g.kernel_width = any(c, 1, 4);
    g.stride_height = any(c, 1, 3);
    g.stride_width = any(c, 1, 3);
    g.dilation_height = any(c, 1, 2);
    g.dilation_width = any(c, 1, 2);
    g.pad_top = any(c, -1, 2);
    g.pad_left = any(c, -1, 2);
    g.out_height = any(c, 1, 6);
    g.out_width = any(c, 1, 8);
    convolve(c, g, channels, any(c, 1, 4 * vector));
  }
}

// F(m x m, 3x3) in one dimension: output = back * ((filter * weights) . (forward * input)).
typedef struct {
  int outputs;
  double forward[6][6], filter[6][3], back[4][6];
} transforms;
#define P 0.70710678118654752440
#define Q 1.41421356237309504880
static const transforms four = {
  4,
  {{1, 0, -2.5, 0, 1, 0}, {0, -2 * P, -2, P, 1, 0}, {0, 2 * P, -2, -P, 1, 0}, {0, -Q / 2, -0.5, Q, 1, 0},
   {0, Q / 2, -0.5, -Q, 1, 0}, {0, 1, 0, -2.5, 0, 1}},
  {{1, 0, 0}, {-2.0 / 3, -2 * P / 3, -1.0 / 3}, {-2.0 / 3, 2 * P / 3, -1.0 / 3}, {1.0 / 6, Q / 6, 1.0 / 3},
   {1.0 / 6, -Q / 6, 1.0 / 3}, {0, 0, 1}},
  {{1, 1, 1, 1, 1, 0}, {0, P, -P, Q, -Q, 0}, {0, 0.5, 0.5, 2, 2, 0}, {0, P / 2, -P / 2, 2 * Q, -2 * Q, 1}}};
static const transforms two = {
  2,
  {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
  {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}},
  {{1, 1, 1, 0}, {0, 1, -1, -1}}};

void check_winograd_pack(check *c) {
  for (int i = 0; i < 20; i++) {
    const transforms *t = i % 2 ? &two : &four;
    const int side = t->outputs + 2, points = side * side;
    const int rows = any(c, 1, 9), columns = any(c, 1, 5 * c->kernels->vector);
    const int packed_columns = c->kernels->packed_columns(columns);
    const block source = random_block(c, (size_t)(9 * rows * columns));
    const block packed = marked_block((size_t)(points * rows * packed_columns));
    double scale[5 * 16];
    for (int k = 0; k < columns; k++) scale[k] = any(c, 1, 16) / 8.0;
    const zoo_packing a = {
      .source = source.values, .scale = i % 3 ? scale : NULL, .packed = packed.values, .stride = columns,
      .rows = rows, .columns = columns, .outputs = t->outputs};
    run_winograd_pack(c, &a, c->kernels->panels(columns));
    for (int column = 0; column < packed_columns; column++) {
      const panel p = panel_of(c, columns, column);
      for (int place = 0; place < points * rows; place++) {
        const int point = place / rows, row = place % rows;
        double truth = 0, magnitude = 0;
        for (int tap = 0; tap < 9 && column < columns; tap++) {
          const double weight = source.values[(tap * rows + row) * columns + column];
          const double factor = t->filter[point / side][tap / 3] * t->filter[point % side][tap % 3];
          const double term = factor * weight * (a.scale ? scale[column] : 1);
          truth += term;
          magnitude += fabs(term);
        }
        const float value = packed.values[p.first * rows * points + place * p.width + column - p.first];
        // The sum is taken in double precision and rounded once.
        expect(c, "Winograd's weights", value, truth, rounding * fabs(truth) + 0x1p-48 * magnitude);
      }
    }
    release(source);
    released(c, "Winograd's weights", packed);
  }
}

// How large the numbers are of which output (oy, ox) is the sum: the root of the sum over the products'
// positions of the squares of each one's terms' absolute values.
static double winograd_magnitude(const transforms *t, const product *p, int oy, int ox, int column) {
  const zoo_window *g = &p->window;
  const int m = t->outputs, side = m + 2;
  const int top = oy - oy % m - g->pad_top, left = ox - ox % m - g->pad_left;
  double sums[6][6] = {0};
  for (int k = 0; k < p->channels; k++) {
    double rows[6][6] = {0}, weights[6][3] = {0};
    for (int i = 0; i < side; i++) {
      for (int j = 0; j < side; j++) {
        const int y = top + i, x = left + j;
        if (y < 0 || y >= g->in_height || x < 0 || x >= g->in_width) continue;
        const double value = fabs(p->input.values[y * g->in_row + x * g->in_pixel + k]);
        for (int a = 0; a < side; a++) rows[a][j] += fabs(t->forward[a][i]) * value;
      }
    }
    for (int tap = 0; tap < 9; tap++) {
      const double weight = p->weights.values[(ptrdiff_t)(tap * p->channels + k) * p->columns + column];
      for (int a = 0; a < side; a++) weights[a][tap % 3] += t->filter[a][tap / 3] * weight;
    }
    for (int a = 0; a < side; a++) {
      for (int b = 0; b < side; b++) {
        double input = 0, weight = 0;
        for (int j = 0; j < side; j++) input += fabs(t->forward[b][j]) * rows[a][j];
        for (int j = 0; j < 3; j++) weight += t->filter[b][j] * weights[a][j];
        sums[a][b] += input * fabs(weight);
      }
    }
  }
  double squares = 0;
  for (int a = 0; a < side; a++) {
    for (int b = 0; b < side; b++) {
      const double term = t->back[oy % m][a] * t->back[ox % m][b] * sums[a][b];
      squares += term * term;
    }
  }
  return sqrt(squares) * (p->scale ? p->scale[column] : 1);
}

// With independent roundings, the sum of n of size s exceeds `deviations` * sqrt(n) * s once in ten million
// times (Hoeffding's inequality); that they all point the same way is what the worst case would take.
static const double deviations = 6;

// An output, unlimited, and how far rounding may take it.
static double winograd_output(
    const transforms *t, const product *p, int oy, int ox, int column, double *bound) {
  double direct;
  const double truth = output_of(p, oy, ox, column, &direct);
  // A product and a sum for each channel; four passes of transforms of three sums and as many constants;
  // the weight; then the bias and the residual, each rounded to the whole sum's digits.
  const double steps = 2 * p->channels + 4 * 6 + 1;
  *bound = rounding * (deviations * sqrt(steps) * winograd_magnitude(t, p, oy, ox, column) + 2 * direct);
  return truth;
}

static void winograd(
    check *c, const transforms *t, int pooled, int height, int width, int channels, int columns) {
  zoo_window g = product_window(c, height, width, channels);
  g.kernel_height = g.kernel_width = 3;
  g.pad_top = any(c, -1, 2);
  g.pad_left = any(c, -1, 2);
  g.out_height = height - 1 + any(c, 0, 2);
  g.out_width = width - 1 + any(c, 0, 2);
  product p = make_product(c, g, channels, columns);
  g = p.window;
  char what[160];
  snprintf(
      what, sizeof what, "Winograd F(%d)%s %dx%dx%d to %dx%dx%d", t->outputs, pooled ? " with pool" : "", height,
      width, channels, g.out_height, g.out_width, columns);
  if (pooled && p.residual.values) {
    release(p.residual);
    p.residual.values = NULL;
  }
  const int m = t->outputs, points = (m + 2) * (m + 2);
  const block packed = zeros_block((size_t)(points * channels * c->kernels->packed_columns(columns)));
  const block zero = zeros_block((size_t)channels);
  const zoo_packing packing = {
    .source = p.weights.values, .scale = p.scale, .packed = packed.values, .stride = columns, .rows = channels,
    .columns = columns, .outputs = m};
  run_winograd_pack(c, &packing, c->kernels->panels(columns));
  const int wg_tiles = parts(g.out_height, m) * parts(g.out_width, m), panels = c->kernels->panels(columns);
  zoo_winograd a = {
    .window = g, .input = p.input.values, .zero = zero.values, .weights = packed.values,
    .bias = p.bias.values, .residual = p.residual.values, .output = p.output.values,
    .residual_pixel = p.residual_pixel, .channels = channels, .columns = columns, .outputs = m, .pooled = pooled,
    .wg_tile_block = any(c, 1, wg_tiles), .panel_group = any(c, 1, panels), .lo = p.lo, .hi = p.hi};
  if (!pooled) a.mask = mask_product(c, &p);
  a.panels_at_once = any(c, 1, panels);
  a.slot_floats = points * a.wg_tile_block * (channels + 16 + (2 * a.panels_at_once + 1) * c->kernels->vector);
  const block scratch = marked_block((size_t)(check_threads * a.slot_floats));
  a.scratch = scratch.values;
  run_winograd(c, &a, parts(wg_tiles, a.wg_tile_block) * parts(panels, a.panel_group));
  const int side = pooled ? 2 : 1, rows = g.out_height / side, across = g.out_width / side;
  for (int pixel = 0; pixel < rows * across; pixel++) {
    const float *values = p.output.values + pixel * g.out_pixel;
    for (int column = 0; column < columns; column++) {
      double truth = -INFINITY, bound = 0;
      for (int i = 0; i < side * side; i++) {
        double limit;
        const int oy = pixel / across * side + i / side, ox = pixel % across * side + i % side;
        truth = fmax(truth, winograd_output(t, &p, oy, ox, column, &limit));
        bound = fmax(bound, limit);
      }
      truth = limited(truth, p.lo, p.hi);
      if (p.mask.values && !passes(p.mask.values[pixel * p.mask_pixel + column], p.mask_hi)) truth = bound = 0;
      expect(c, what, values[column], truth, bound);
    }
    for (ptrdiff_t i = columns; i < g.out_pixel; i++) {
      expect(c, "the gap between pixels", is_marked(values[i]), 1, 0);
    }
  }
  release(packed);
  release(zero);
  released(c, "Winograd's scratch memory", scratch);
  release_product(c, what, &p);
}

void check_winograd(check *c) {
  for (int i = 0; i < 36; i++) {
    winograd(
        c, i % 2 ? &two : &four, i % 3 == 0, any(c, 3, 11), any(c, 3, 14), one_of(c, 1, 7, 16, 19, 32),
        any(c, 1, 4 * c->kernels->vector));
  }
}
