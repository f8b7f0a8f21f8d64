// Gradients of products, against plain loops.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "checks.h"
#include "layers.h"

// The gradient of a weight; `magnitude` becomes the sum of the absolute values of its terms.
static double weight_gradient(const layer *l, int tap, int channel, int column, double *magnitude) {
  double sum = 0;
  *magnitude = 0;
  for (int image = 0; image < l->images; image++) {
    for (int pixel = 0; pixel < l->window.out_height * l->window.out_width; pixel++) {
      const int oy = pixel / l->window.out_width, ox = pixel % l->window.out_width;
      const float *input = input_at(l, image, oy, ox, tap);
      if (!input) continue;
      const double term = (double)input[channel] * gradient_at(l, image, oy, ox)[column];
      sum += term;
      *magnitude += fabs(term);
    }
  }
  return sum;
}

static void run_rows(check *c, zoo_weight_gradient *w) {
  const int tiles = c->kernels->gradient_tiles(&w->window, w->channels);
  const int units = parts(tiles, w->tile_group) * c->kernels->gradient_panels(w->columns);
  w->slot_floats = c->kernels->gradient_scratch(w->tile_group);
  const block scratch = marked_block((size_t)(check_threads * w->slot_floats));
  w->scratch = scratch.values;
  run_weight_gradient(c, w, units);
  released(c, "the scratch memory of a weight's gradient", scratch);
}

static void differentiate(check *c, zoo_window g, int images, int channels, int columns) {
  layer l = layer_of(c, g, images, channels, columns);
  g = l.window;
  char what[160];
  snprintf(
      what, sizeof what, "weights' gradient %dx%d stride %dx%d dilation %dx%d, %d of %dx%dx%d to %dx%dx%d",
      g.kernel_height, g.kernel_width, g.stride_height, g.stride_width, g.dilation_height, g.dilation_width, images,
      g.in_height, g.in_width, channels, g.out_height, g.out_width, columns);
  const int taps = g.kernel_height * g.kernel_width, rows = images * g.out_height * g.out_width;
  const int tiles = c->kernels->gradient_tiles(&g, channels);
  const ptrdiff_t stride = columns + one_of(c, 0, 3);
  const block weights = marked_block((size_t)(taps * channels * stride)), sums = marked_block(2 * (size_t)columns);
  zoo_weight_gradient a = {
    .window = g, .input = l.input.values, .gradient = l.gradient.values, .weights = weights.values,
    .in_image = l.in_image, .out_image = l.out_image, .stride = stride, .channels = channels, .columns = columns,
    .rows = rows, .tile_group = any(c, 1, tiles)};
  if (any(c, 0, 2)) a.column_sums = doubles(sums);
  run_rows(c, &a);
  const double steps = zoo_gradient_rows + rows / zoo_gradient_rows + 2;
  for (int row = 0; row < taps * channels; row++) {
    const float *values = weights.values + row * stride;
    for (int column = 0; column < columns; column++) {
      double magnitude;
      const double truth = weight_gradient(&l, row / channels, row % channels, column, &magnitude);
      expect(c, what, values[column], truth, steps * rounding * magnitude);
    }
    for (ptrdiff_t i = columns; i < stride; i++) expect(c, "the gap between rows", is_marked(values[i]), 1, 0);
  }
  for (int column = 0; column < columns && a.column_sums; column++) {
    double magnitude;
    const double truth = column_sum(&l, column, &magnitude);
    expect(c, "columns' sums", a.column_sums[column], truth, steps * rounding * magnitude);
  }
  // In parts that other threads compute, and with what comes later added: the same bits.
  const block again = marked_block(weights.count);
  zoo_weight_gradient part = a;
  part.weights = again.values;
  part.column_sums = NULL;
  while (part.first_row < rows) {
    part.rows = rows - part.first_row < 2 * zoo_gradient_rows ? rows - part.first_row : zoo_gradient_rows;
    part.tile_group = any(c, 1, tiles);
    run_rows(c, &part);
    part.first_row += part.rows;
    part.accumulate = 1;
  }
  expect(c, "a weight's gradient in parts", memcmp(weights.values, again.values, weights.count * sizeof(float)), 0, 0);
  released(c, what, weights);
  released(c, what, sums);
  released(c, what, again);
  release_layer(&l);
}

void check_weight_gradient(check *c) {
  const int vector = c->kernels->vector;
  const zoo_window dense = {
    .in_height = 1, .out_height = 1, .kernel_height = 1, .kernel_width = 1, .stride_height = 1, .stride_width = 1,
    .dilation_height = 1, .dilation_width = 1};
  // Every register block, with the last vector whole and in part.
  for (int channels = 1; channels <= 16; channels++) {
    zoo_window g = dense;
    g.in_width = g.out_width = any(c, 1, 20);
    differentiate(c, g, 1, channels, one_of(c, vector - 1, vector));
    differentiate(c, g, 1, channels, one_of(c, vector + 1, 2 * vector));
  }
  // More pixels than a block has.
  for (int i = 0; i < 8; i++) {
    zoo_window g = dense;
    g.in_width = g.out_width = any(c, 200, 600);
    differentiate(c, g, any(c, 1, 2), any(c, 1, 33), any(c, 1, 3 * vector));
  }
  for (int i = 0; i < 60; i++) {
    differentiate(c, any_window(c), any(c, 1, 4), one_of(c, 1, 3, 4, 14, 15, 29), any(c, 1, 5 * vector));
  }
}

void check_pack_transposed(check *c) {
  for (int i = 0; i < 40; i++) {
    const int taps = any(c, 1, 9), rows = any(c, 1, 40), columns = any(c, 1, 5 * c->kernels->vector);
    const int stride = rows + one_of(c, 0, 3), packed_columns = c->kernels->packed_columns(columns);
    const block source = random_block(c, (size_t)(9 * columns * stride)), packed = zeros_block(
      (size_t)(taps * rows * packed_columns));
    double scale[40];
    int32_t tap[9];
    for (int k = 0; k < rows; k++) scale[k] = any(c, 1, 1000) / 7.0;
    for (int k = 0; k < taps; k++) tap[k] = any(c, 0, 8);
    const zoo_transposed_packing a = {
      .source = source.values, .scale = any(c, 0, 1) ? scale : NULL, .packed = packed.values,
      .tap = any(c, 0, 1) ? tap : NULL, .stride = stride, .taps = taps, .rows = rows, .columns = columns};
    run_pack_transposed(c, &a, c->kernels->panels(columns));
    // As `pack` has it, from weights turned and transposed one by one.
    const block plain = zeros_block((size_t)(taps * rows * columns)), expected = zeros_block(packed.count);
    for (int t = 0; t < taps; t++) {
      for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
          const int from = a.tap ? tap[t] : taps - 1 - t;
          const double factor = a.scale ? scale[row] : 1;
          plain.values[(t * rows + row) * columns + column] =
            (float)(source.values[(from * columns + column) * stride + row] * factor);
        }
      }
    }
    const zoo_packing packing = {
      .source = plain.values, .packed = expected.values, .stride = columns, .rows = taps * rows, .columns = columns};
    c->kernels->pack(&packing, 0, c->kernels->panels(columns));
    for (size_t k = 0; k < packed.count; k++) expect(c, "transposed weights", packed.values[k], expected.values[k], 0);
    release(source);
    release(plain);
    release(expected);
    released(c, "transposed weights", packed);
  }
}

void check_winograd_pack_transposed(check *c) {
  for (int i = 0; i < 20; i++) {
    const int outputs = i % 2 ? 2 : 4, points = (outputs + 2) * (outputs + 2);
    const int rows = any(c, 1, 40), columns = any(c, 1, 5 * c->kernels->vector), stride = rows + one_of(c, 0, 3);
    const size_t count = (size_t)(points * rows * c->kernels->packed_columns(columns));
    const block source = random_block(c, (size_t)(9 * columns * stride)), packed = marked_block(count);
    double scale[40];
    for (int k = 0; k < rows; k++) scale[k] = any(c, 1, 1000) / 7.0;
    const zoo_transposed_packing a = {
      .source = source.values, .scale = any(c, 0, 1) ? scale : NULL, .packed = packed.values, .stride = stride,
      .taps = 9, .rows = rows, .columns = columns, .outputs = outputs};
    run_winograd_pack_transposed(c, &a, c->kernels->panels(columns));
    // As `winograd_pack` has it, from weights turned and transposed one by one.
    const block plain = zeros_block((size_t)(9 * rows * columns)), expected = zeros_block(count);
    for (int tap = 0; tap < 9; tap++) {
      for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
          const double weight = source.values[((8 - tap) * columns + column) * stride + row];
          plain.values[(tap * rows + row) * columns + column] = (float)(weight * (a.scale ? scale[row] : 1));
        }
      }
    }
    const zoo_packing packing = {
      .source = plain.values, .packed = expected.values, .stride = columns, .rows = rows, .columns = columns,
      .outputs = outputs};
    c->kernels->winograd_pack(&packing, 0, c->kernels->panels(columns));
    for (size_t k = 0; k < count; k++) {
      expect(c, "Winograd's transposed weights", packed.values[k], expected.values[k], 0);
    }
    release(source);
    release(plain);
    release(expected);
    released(c, "Winograd's transposed weights", packed);
  }
}

// How large the numbers are of which the gradient is the sum: absolute values all through the transforms.
static double winograd_magnitude(const layer *l, int outputs, int channel, int column) {
  static const double p = 0.70710678118654752440, q = 1.41421356237309504880;
  static const double forward_4[6][6] = {
    {1, 0, 2.5, 0, 1, 0}, {0, 2 * p, 2, p, 1, 0}, {0, 2 * p, 2, p, 1, 0}, {0, q / 2, 0.5, q, 1, 0},
    {0, q / 2, 0.5, q, 1, 0}, {0, 1, 0, 2.5, 0, 1}};
  static const double back_4[6][4] = {
    {1, 0, 0, 0}, {1, p, 0.5, p / 2}, {1, p, 0.5, p / 2}, {1, q, 2, 2 * q}, {1, q, 2, 2 * q}, {0, 0, 0, 1}};
  static const double forward_2[4][4] = {{1, 0, 1, 0}, {0, 1, 1, 0}, {0, 1, 1, 0}, {0, 1, 0, 1}};
  static const double back_2[4][2] = {{1, 0}, {1, 1}, {1, 1}, {0, 1}};
  const zoo_window *g = &l->window;
  const int side = outputs + 2;
  double most = 0, points[6][6] = {0};
  for (int image = 0; image < l->images; image++) {
    for (int oy = 0; oy < g->out_height; oy += outputs) {
      for (int ox = 0; ox < g->out_width; ox += outputs) {
        double x[6][6] = {0}, y[6][6] = {0}, rows[6][6];
        for (int i = 0; i < side; i++) {
          for (int j = 0; j < side; j++) {
            const int in_y = oy - g->pad_top + i, in_x = ox - g->pad_left + j;
            if (in_y < 0 || in_y >= g->in_height || in_x < 0 || in_x >= g->in_width) continue;
            x[i][j] = fabs(l->input.values[image * l->in_image + in_y * g->in_row + in_x * g->in_pixel + channel]);
          }
        }
        for (int i = 0; i < outputs && oy + i < g->out_height; i++) {
          for (int j = 0; j < outputs && ox + j < g->out_width; j++) {
            y[i][j] = fabs(gradient_at(l, image, oy + i, ox + j)[column]);
          }
        }
#define FORWARD(i, j) (outputs == 4 ? forward_4[i][j] : forward_2[i][j])
#define BACK(i, j) (outputs == 4 ? back_4[i][j] : back_2[i][j])
        double both[2][6][6] = {0};
        for (int kind = 0; kind < 2; kind++) {
          const int size = kind ? outputs : side;
          memset(rows, 0, sizeof rows);
          for (int a = 0; a < side; a++) {
            for (int j = 0; j < size; j++) {
              for (int i = 0; i < size; i++) rows[a][j] += kind ? BACK(a, i) * y[i][j] : FORWARD(a, i) * x[i][j];
            }
          }
          for (int a = 0; a < side; a++) {
            for (int b = 0; b < side; b++) {
              for (int j = 0; j < size; j++) both[kind][a][b] += rows[a][j] * (kind ? BACK(b, j) : FORWARD(b, j));
            }
          }
        }
        for (int a = 0; a < side; a++) {
          for (int b = 0; b < side; b++) points[a][b] += both[0][a][b] * both[1][a][b];
        }
      }
    }
  }
  // Each weight has a part of each point, at most one of it.
  for (int a = 0; a < side; a++) {
    for (int b = 0; b < side; b++) most += points[a][b];
  }
  return most;
}

static void differentiate_winograd(check *c, zoo_window g, int images, int channels, int columns, int outputs) {
  layer l = layer_of(c, g, images, channels, columns);
  g = l.window;
  char what[160];
  snprintf(
      what, sizeof what, "Winograd's gradient F(%d), %d of %dx%dx%d to %dx%dx%d, padding %d, %d", outputs, images,
      g.in_height, g.in_width, channels, g.out_height, g.out_width, columns, g.pad_top, g.pad_left);
  const ptrdiff_t stride = columns + one_of(c, 0, 3);
  const block weights = marked_block((size_t)(9 * channels * stride)), sums = marked_block(2 * (size_t)columns);
  const block zero = zeros_block((size_t)(channels > columns ? channels : columns));
  zoo_winograd_gradient a = {
    .window = g, .input = l.input.values, .gradient = l.gradient.values, .zero = zero.values,
    .weights = weights.values, .column_sums = any(c, 0, 2) ? doubles(sums) : NULL, .in_image = l.in_image,
    .out_image = l.out_image, .stride = stride, .images = images, .channels = channels, .columns = columns,
    .channel_group = any(c, 1, channels), .column_group = 32 * any(c, 1, 2), .outputs = outputs};
  const int side = outputs + 2;
  a.slot_floats = (ptrdiff_t)side * side *
                  (zoo_gradient_tiles * (a.channel_group + 48) + a.channel_group * a.column_group);
  const block scratch = marked_block((size_t)(check_threads * a.slot_floats));
  a.scratch = scratch.values;
  const int units = parts(channels, a.channel_group) * parts(columns, a.column_group);
  if (images > 1 && any(c, 0, 1)) {
    // The first image by itself, the others added to it.
    a.images = 1;
    run_winograd_gradient(c, &a, units);
    a.input += a.in_image;
    a.gradient += a.out_image;
    a.images = images - 1;
    a.accumulate = 1;
  }
  run_winograd_gradient(c, &a, units);
  for (int channel = 0; channel < channels; channel++) {
    for (int column = 0; column < columns; column++) {
      // Some roundings of numbers of that size; those of the sums partly cancel.
      const double bound = 16 * rounding * winograd_magnitude(&l, outputs, channel, column);
      for (int tap = 0; tap < 9; tap++) {
        double magnitude;
        const double truth = weight_gradient(&l, tap, channel, column, &magnitude);
        expect(c, what, weights.values[(tap * channels + channel) * stride + column], truth, bound);
      }
    }
  }
  for (int row = 0; row < 9 * channels; row++) {
    for (ptrdiff_t i = columns; i < stride; i++) {
      expect(c, "the gap between rows", is_marked(weights.values[row * stride + i]), 1, 0);
    }
  }
  for (int column = 0; column < columns && a.column_sums; column++) {
    double magnitude;
    const double truth = column_sum(&l, column, &magnitude);
    const double steps = images * g.out_height * g.out_width + 2;
    expect(c, "columns' sums", a.column_sums[column], truth, steps * rounding * magnitude);
  }
  released(c, what, weights);
  released(c, what, sums);
  released(c, what, scratch);
  release(zero);
  release_layer(&l);
}

void check_winograd_gradient(check *c) {
  for (int i = 0; i < 40; i++) {
    zoo_window g = {
      .in_height = any(c, 1, 14), .in_width = any(c, 1, 17), .kernel_height = 3, .kernel_width = 3,
      .stride_height = 1, .stride_width = 1, .dilation_height = 1, .dilation_width = 1, .pad_top = any(c, -1, 2),
      .pad_left = any(c, -1, 2), .out_height = any(c, 1, 13), .out_width = any(c, 1, 15)};
    differentiate_winograd(
      c, g, any(c, 1, 4), one_of(c, 1, 3, 14, 17, 29), any(c, 1, 5 * c->kernels->vector), i % 2 ? 2 : 4);
  }
}
