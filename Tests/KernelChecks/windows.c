// Kernels that move a window over an image, channel by channel.
#include <math.h>
#include <stdio.h>

#include "checks.h"
#include "layers.h"

static zoo_window window_of(check *c, int channels, int out_channels) {
  zoo_window g = {
    .in_height = any(c, 1, 12), .in_width = any(c, 1, 22), .out_height = any(c, 1, 6), .out_width = any(c, 1, 16),
    .kernel_height = any(c, 1, 4), .kernel_width = any(c, 1, 4), .stride_height = any(c, 1, 3),
    .stride_width = any(c, 1, 3), .dilation_height = 1, .dilation_width = 1, .pad_top = any(c, -1, 2),
    .pad_left = any(c, -1, 2)};
  g.in_pixel = channels + one_of(c, 0, 5);
  g.in_row = g.in_width * g.in_pixel + one_of(c, 0, 7);
  g.out_pixel = out_channels + one_of(c, 0, 3);
  return g;
}

static block input_of(check *c, const zoo_window *g) { return random_block(c, (size_t)(g->in_height * g->in_row)); }
static block output_of(const zoo_window *g) {
  return marked_block((size_t)(g->out_height * g->out_width * g->out_pixel));
}

// The input at a position of the window, or null outside.
static const float *at(const zoo_window *g, const float *input, int oy, int ox, int ky, int kx) {
  const int y = oy * g->stride_height - g->pad_top + ky * g->dilation_height;
  const int x = ox * g->stride_width - g->pad_left + kx * g->dilation_width;
  if (y < 0 || y >= g->in_height || x < 0 || x >= g->in_width) return NULL;
  return input + y * g->in_row + x * g->in_pixel;
}

static void depthwise(check *c, zoo_window g, int channels, int multiplier) {
  const int filters = channels * multiplier, taps = g.kernel_height * g.kernel_width;
  const int stride = (filters + 15) / 16 * 16;
  char what[160];
  snprintf(
      what, sizeof what, "depthwise %dx%d stride %dx%d, %d channels times %d, %d wide", g.kernel_height,
      g.kernel_width, g.stride_height, g.stride_width, channels, multiplier, g.out_width);
  const block input = input_of(c, &g), weights = random_block(c, (size_t)(taps * stride));
  const block bias = random_block(c, (size_t)stride), zero = zeros_block((size_t)channels), output = output_of(&g);
  const ptrdiff_t mask_pixel = filters + one_of(c, 0, 3);
  const block mask = random_block(c, (size_t)(g.out_height * g.out_width * mask_pixel));
  const int masked = any(c, 0, 1);
  const zoo_depthwise a = {
    .mask = {masked ? mask.values : NULL, mask_pixel, any(c, 0, 1) ? INFINITY : 0.5f}, .window = g,
    .input = input.values, .zero = zero.values, .weights = weights.values, .bias = bias.values,
    .output = output.values, .channels = channels, .multiplier = multiplier, .weight_stride = stride,
    .in_lo = any(c, 0, 1) ? 0 : -INFINITY, .lo = any(c, 0, 1) ? 0 : -INFINITY, .hi = any(c, 0, 2) ? INFINITY : 1};
  run_depthwise(c, &a, g.out_height);
  for (int oy = 0; oy < g.out_height; oy++) {
    for (int ox = 0; ox < g.out_width; ox++) {
      const float *pixel = output.values + ((ptrdiff_t)oy * g.out_width + ox) * g.out_pixel;
      for (int filter = 0; filter < filters; filter++) {
        double sum = bias.values[filter], magnitude = fabs(sum);
        for (int tap = 0; tap < taps; tap++) {
          const float *p = at(&g, input.values, oy, ox, tap / g.kernel_width, tap % g.kernel_width);
          if (!p) continue;
          const double term = fmax(p[filter / multiplier], a.in_lo) * weights.values[tap * stride + filter];
          sum += term;
          magnitude += fabs(term);
        }
        double truth = limited(sum, a.lo, a.hi);
        const float value = mask.values[((ptrdiff_t)oy * g.out_width + ox) * mask_pixel + filter];
        if (masked && !passes(value, a.mask.hi)) truth = magnitude = 0;
        expect(c, what, pixel[filter], truth, (taps + 1) * rounding * magnitude);
      }
      for (ptrdiff_t i = filters; i < g.out_pixel; i++) {
        expect(c, "the gap between pixels", is_marked(pixel[i]), 1, 0);
      }
    }
  }
  release(input);
  release(weights);
  release(bias);
  release(zero);
  release(mask);
  released(c, what, output);
}

void check_depthwise(check *c) {
  for (int kernel = 3; kernel <= 7; kernel += 2) {
    for (int stride = 1; stride <= 2; stride++) {
      for (int i = 0; i < 8; i++) {
        const int channels = one_of(c, 1, 3, 8, 11, 16, 20, 33);
        zoo_window g = window_of(c, channels, channels);
        g.kernel_height = g.kernel_width = kernel;
        g.stride_height = g.stride_width = stride;
        g.pad_top = any(c, 0, kernel / 2);
        g.pad_left = any(c, 0, kernel / 2);
        if (any(c, 0, 1)) {
          // As networks have it: the last window ends at the edge, or one padded column beyond.
          g.out_height = (g.in_height + stride - 1) / stride;
          g.out_width = (g.in_width + stride - 1) / stride;
        }
        depthwise(c, g, channels, 1);
      }
    }
  }
  for (int i = 0; i < 40; i++) {
    const int channels = one_of(c, 1, 3, 8, 19), multiplier = any(c, 1, 3);
    zoo_window g = window_of(c, channels, channels * multiplier);
    g.dilation_height = any(c, 1, 2);
    g.dilation_width = any(c, 1, 2);
    depthwise(c, g, channels, multiplier);
  }
}

// A depthwise convolution and the 1x1 product of what it gives, which is checked by itself.
typedef struct {
  zoo_window window;
  int channels, columns;
  ptrdiff_t out_pixel;
  block input, weights, bias, zero;
  block inner;           // what the depthwise convolution gives alone
  block kernel;          // of the product, (channels, columns)
  block panels, shift;   // the same packed, and its bias
  char what[160];
} pair;

static pair make_pair(check *c, zoo_window g, int channels, int columns) {
  const int stride = (channels + 15) / 16 * 16, taps = g.kernel_height * g.kernel_width;
  const int packed = c->kernels->packed_columns(columns);
  pair p = {.window = g, .channels = channels, .columns = columns};
  snprintf(
      p.what, sizeof p.what, "separable %dx%d stride %dx%d, %d channels to %d, %d wide", g.kernel_height,
      g.kernel_width, g.stride_height, g.stride_width, channels, columns, g.out_width);
  p.input = input_of(c, &g);
  p.weights = random_block(c, (size_t)(taps * stride));
  p.bias = random_block(c, (size_t)stride);
  p.zero = zeros_block((size_t)channels);
  p.inner = output_of(&g);
  p.kernel = random_block(c, (size_t)(channels * columns));
  p.panels = zeros_block((size_t)(channels * packed));
  p.shift = zeros_block((size_t)packed);
  const zoo_packing packing = {
    .source = p.kernel.values, .packed = p.panels.values, .stride = columns, .rows = channels, .columns = columns};
  run_pack(c, &packing, c->kernels->panels(columns));
  p.out_pixel = columns + one_of(c, 0, 3);
  return p;
}

static void release_pair(pair *p) {
  release(p->input);
  release(p->weights);
  release(p->bias);
  release(p->zero);
  release(p->inner);
  release(p->kernel);
  release(p->panels);
  release(p->shift);
}

// The depthwise convolution, which is run, and the product; they lack memory for what lies between them.
static zoo_separable arguments_of(check *c, const pair *p) {
  const zoo_window g = p->window;
  const int pixels = g.out_height * g.out_width;
  zoo_separable a = {
    .depthwise = {
      .window = g, .input = p->input.values, .zero = p->zero.values, .weights = p->weights.values,
      .bias = p->bias.values, .output = p->inner.values, .channels = p->channels, .multiplier = 1,
      .weight_stride = (p->channels + 15) / 16 * 16, .in_lo = -INFINITY, .lo = -INFINITY, .hi = INFINITY},
    .pixel_block = any(c, 1, pixels),
    .product = {
      .window = {
        .kernel_height = 1, .kernel_width = 1, .stride_height = 1, .stride_width = 1, .dilation_height = 1,
        .dilation_width = 1, .in_pixel = g.out_pixel, .out_pixel = p->out_pixel},
      .zero = p->zero.values, .weights = p->panels.values, .bias = p->shift.values,
      .run = p->channels, .columns = p->columns, .row_block = any(c, 1, pixels),
      .panel_group = c->kernels->panels(p->columns), .lo = 0, .hi = INFINITY}};
  c->kernels->depthwise(&a.depthwise, 0, g.out_height);
  a.depthwise.output = NULL;
  a.slot_floats = (a.pixel_block / g.out_width + 2) * g.out_width * g.out_pixel;
  return a;
}

// `product_steps`: roundings of the product.
static void compare_pair(check *c, const pair *p, const float *output, double product_steps) {
  const int taps = p->window.kernel_height * p->window.kernel_width;
  for (int pixel = 0; pixel < p->window.out_height * p->window.out_width; pixel++) {
    const float *inner = p->inner.values + pixel * p->window.out_pixel;
    for (int column = 0; column < p->columns; column++) {
      double sum = 0, magnitude = 0;
      for (int k = 0; k < p->channels; k++) {
        const double term = (double)inner[k] * p->kernel.values[k * p->columns + column];
        sum += term;
        magnitude += fabs(term);
      }
      // The inner values may have been rounded in another order, with other rows in one block.
      const double bound = product_steps * magnitude + 2 * (taps + 1) * (taps + 1) * p->channels;
      const float value = output[pixel * p->out_pixel + column];
      expect(c, p->what, value, limited(sum, 0, INFINITY), rounding * bound);
    }
  }
}

// A 1x1 convolution that makes a pair's input.
typedef struct {
  block source, panels, shift;
  zoo_convolution product;
} expansion;

// Writes the input of the pair: to be computed again by the operation that is checked.
static expansion expand_input(check *c, pair *p) {
  const zoo_window g = p->window;
  const int inputs = any(c, 1, 20), pixels = g.in_height * g.in_width;
  const int packed = c->kernels->packed_columns(p->channels);
  expansion e = {
    .source = random_block(c, (size_t)(pixels * inputs)), .panels = zeros_block((size_t)(inputs * packed)),
    .shift = random_block(c, (size_t)packed)};
  const block kernel = random_block(c, (size_t)(inputs * p->channels));
  const zoo_packing packing = {
    .source = kernel.values, .packed = e.panels.values, .stride = p->channels, .rows = inputs,
    .columns = p->channels};
  run_pack(c, &packing, c->kernels->panels(p->channels));
  e.product = (zoo_convolution){
    .window = {
      .in_height = g.in_height, .in_width = g.in_width, .in_pixel = inputs, .in_row = g.in_width * inputs,
      .out_height = g.in_height, .out_width = g.in_width, .out_pixel = g.in_pixel, .kernel_height = 1,
      .kernel_width = 1, .stride_height = 1, .stride_width = 1, .dilation_height = 1, .dilation_width = 1},
    .input = e.source.values, .zero = p->zero.values, .weights = e.panels.values, .bias = e.shift.values,
    .output = p->input.values, .run = inputs, .columns = p->channels, .row_block = any(c, 1, pixels),
    .panel_group = c->kernels->panels(p->channels), .lo = -1, .hi = INFINITY};
  c->kernels->convolution(&e.product, 0, (pixels + e.product.row_block - 1) / e.product.row_block);
  e.product.output = NULL;
  release(kernel);
  return e;
}

static void separable(check *c, zoo_window g, int channels, int columns) {
  pair p = make_pair(c, g, channels, columns);
  const int expands = g.in_row == g.in_width * g.in_pixel && any(c, 0, 1);
  expansion e = {0};
  if (expands) e = expand_input(c, &p);
  zoo_separable a = arguments_of(c, &p);
  const int pixels = g.out_height * g.out_width;
  if (expands) {
    const int rows = a.pixel_block / g.out_width + 2;
    const int input_rows = (rows - 1) * g.stride_height + (g.kernel_height - 1) * g.dilation_height + 1;
    a.depthwise.input = NULL;
    a.expands = 1;
    a.expansion = e.product;
    a.expansion_offset = a.slot_floats;
    a.slot_floats += input_rows * g.in_row + 16;
  }
  const block scratch = marked_block((size_t)(check_threads * a.slot_floats));
  a.scratch = scratch.values;
  // The product in registers, then on tiles.
  for (int tiles = 0; tiles <= (c->kernels->tile_scratch != NULL); tiles++) {
    const block output = marked_block((size_t)(pixels * p.out_pixel));
    a.product.output = output.values;
    if (tiles) a.product.slot_floats = c->kernels->tile_scratch(a.product.row_block, channels, columns);
    const block product_scratch = marked_block((size_t)(check_threads * a.product.slot_floats));
    if (tiles) a.product.scratch = product_scratch.values;
    run_separable(c, &a, (pixels + a.pixel_block - 1) / a.pixel_block);
    compare_pair(c, &p, output.values, tiles ? 6 * channels + 9 : channels + 1);
    released(c, p.what, product_scratch);
    released(c, p.what, output);
  }
  released(c, p.what, scratch);
  if (expands) {
    release(e.source);
    release(e.panels);
    release(e.shift);
  }
  release_pair(&p);
}

void check_separable(check *c) {
  for (int i = 0; i < 40; i++) {
    const int channels = one_of(c, 1, 3, 8, 11, 16, 20, 33);
    zoo_window g = window_of(c, channels, channels);
    if (any(c, 0, 2)) {
      g.kernel_height = g.kernel_width = one_of(c, 3, 3, 5, 7);
      g.stride_height = g.stride_width = any(c, 1, 2);
      g.pad_top = any(c, 0, g.kernel_height / 2);
      g.pad_left = any(c, 0, g.kernel_width / 2);
    }
    separable(c, g, channels, any(c, 1, 40));
  }
}

static void pooling(check *c, zoo_window g, int channels) {
  const block input = input_of(c, &g), output = output_of(&g);
  zoo_pooling a = {
    .window = g, .input = input.values, .output = output.values, .residual_pixel = channels + one_of(c, 0, 2),
    .channels = channels, .average = any(c, 0, 1), .zeros = any(c, 0, 1), .lo = any(c, 0, 1) ? 0 : -INFINITY,
    .factor = one_of(c, 1, 2), .hi = any(c, 0, 2) ? INFINITY : 1};
  const block residual = random_block(c, (size_t)(g.out_height * g.out_width * a.residual_pixel));
  if (any(c, 0, 1)) a.residual = residual.values;
  char what[160];
  snprintf(
      what, sizeof what, "%s pooling %dx%d stride %dx%d of %d channels", a.average ? "average" : "maximum",
      g.kernel_height, g.kernel_width, g.stride_height, g.stride_width, channels);
  run_pooling(c, &a, g.out_height);
  const int taps = g.kernel_height * g.kernel_width;
  for (int pixel = 0; pixel < g.out_height * g.out_width; pixel++) {
    const float *values = output.values + pixel * g.out_pixel;
    for (int channel = 0; channel < channels; channel++) {
      double sum = 0, magnitude = 0, largest = -INFINITY;
      int inside = 0;
      for (int tap = 0; tap < taps; tap++) {
        const float *p = at(
            &g, input.values, pixel / g.out_width, pixel % g.out_width, tap / g.kernel_width, tap % g.kernel_width);
        if (!p && !a.zeros) continue;
        const double x = p ? p[channel] : 0;
        sum += x;
        magnitude += fabs(x);
        largest = fmax(largest, x);
        inside++;
      }
      if (inside == 0) continue;
      const double added = a.residual ? residual.values[pixel * a.residual_pixel + channel] : 0;
      const double truth = a.factor * (a.average ? sum / inside : largest) + added;
      // Of the average the sum, the divisor and the product; then the residual.
      const double bound = (a.average ? a.factor * (taps + 2) * magnitude / inside : 0) + (a.residual ? fabs(truth) : 0);
      expect(c, what, values[channel], limited(truth, a.lo, a.hi), (1 + rounding * taps) * rounding * bound);
    }
    for (ptrdiff_t gap = channels; gap < g.out_pixel; gap++) {
      expect(c, "the gap between pixels", is_marked(values[gap]), 1, 0);
    }
  }
  release(input);
  release(residual);
  released(c, what, output);
}

void check_global_pooling(check *c) {
  for (int i = 0; i < 20; i++) {
    const int channels = one_of(c, 1, 4, 7, 16, 21, 33, 70);
    const zoo_window g = window_of(c, channels, channels);
    const block input = input_of(c, &g), output = marked_block((size_t)channels);
    const zoo_global_pooling a = {
      .input = input.values, .output = output.values, .in_pixel = g.in_pixel, .in_row = g.in_row,
      .height = g.in_height, .width = g.in_width, .channels = channels, .average = any(c, 0, 1)};
    run_global_pooling(c, &a, (channels + 15) / 16);
    const int count = g.in_height * g.in_width;
    for (int channel = 0; channel < channels; channel++) {
      double sum = 0, magnitude = 0, largest = -INFINITY;
      for (int pixel = 0; pixel < count; pixel++) {
        const double x = input.values[pixel / g.in_width * g.in_row + pixel % g.in_width * g.in_pixel + channel];
        sum += x;
        magnitude += fabs(x);
        largest = fmax(largest, x);
      }
      const double truth = a.average ? sum / count : largest;
      const double bound = a.average ? (count + 2) * rounding * magnitude / count : 0;
      expect(c, "global pooling", output.values[channel], truth, bound);
    }
    release(input);
    released(c, "global pooling", output);
  }
}

void check_pooling(check *c) {
  for (int i = 0; i < 60; i++) {
    const int channels = one_of(c, 1, 4, 7, 16, 21, 33);
    zoo_window g = window_of(c, channels, channels);
    if (any(c, 0, 1)) {
      // The networks' windows.
      g.kernel_height = g.kernel_width = any(c, 2, 3);
      g.stride_height = g.stride_width = any(c, 1, 2);
      g.pad_top = any(c, 0, 1);
      g.pad_left = any(c, 0, 1);
      g.out_height = (g.in_height + g.stride_height - 1) / g.stride_height;
      g.out_width = (g.in_width + g.stride_width - 1) / g.stride_width;
    }
    pooling(c, g, channels);
  }
}

void check_resize(check *c) {
  // No sample of these lies on the border between two pixels, where rounding would choose.
  static const int sizes[][2] = {{5, 7}, {7, 3}, {4, 8}, {3, 5}, {6, 6}, {1, 4}, {9, 2}, {8, 7}};
  enum { count = sizeof sizes / sizeof *sizes };
  for (int i = 0; i < 32; i++) {
    const int *rows = sizes[any(c, 0, count - 1)], *columns = sizes[any(c, 0, count - 1)];
    const int channels = one_of(c, 1, 4, 7, 16, 21), bilinear = i % 2;
    zoo_window g = window_of(c, channels, channels);
    g.in_height = rows[0];
    g.out_height = rows[1];
    g.in_width = columns[0];
    g.out_width = columns[1];
    g.in_row = g.in_width * g.in_pixel;
    const block input = input_of(c, &g), output = output_of(&g);
    const zoo_resize a = {
      .input = input.values, .output = output.values, .in_pixel = g.in_pixel, .in_row = g.in_row,
      .out_pixel = g.out_pixel, .in_height = g.in_height, .in_width = g.in_width, .out_height = g.out_height,
      .out_width = g.out_width, .channels = channels, .bilinear = bilinear};
    run_resize(c, &a, g.out_height);
    for (int oy = 0; oy < g.out_height; oy++) {
      const double y = (oy + 0.5) * g.in_height / g.out_height - (bilinear ? 0.5 : 0);
      const int top = (int)fmax(floor(y), 0), bottom = bilinear ? (int)fmin(ceil(y), g.in_height - 1) : top;
      for (int ox = 0; ox < g.out_width; ox++) {
        const double x = (ox + 0.5) * g.in_width / g.out_width - (bilinear ? 0.5 : 0);
        const int left = (int)fmax(floor(x), 0), right = bilinear ? (int)fmin(ceil(x), g.in_width - 1) : left;
        const double down = bilinear ? y - floor(y) : 0, across = bilinear ? x - floor(x) : 0;
        for (int channel = 0; channel < channels; channel++) {
          const float *p = input.values + channel;
          const double above = (1 - across) * p[top * g.in_row + left * g.in_pixel]
            + across * p[top * g.in_row + right * g.in_pixel];
          const double below = (1 - across) * p[bottom * g.in_row + left * g.in_pixel]
            + across * p[bottom * g.in_row + right * g.in_pixel];
          const float value = output.values[((ptrdiff_t)oy * g.out_width + ox) * g.out_pixel + channel];
          // Neighbours differ by 2 at most; a position has three roundings of numbers up to the extent.
          const double bound = bilinear ? rounding * (2 * 3 * (g.in_height + g.in_width) + 12) : 0;
          expect(c, "resize", value, (1 - down) * above + down * below, bound);
        }
      }
    }
    release(input);
    released(c, "resize", output);
  }
}

void check_resample(check *c) {
  for (int i = 0; i < 32; i++) {
    const int channels = one_of(c, 1, 4, 7, 16, 21), lines = any(c, 1, 5), taps = any(c, 1, 4);
    const int before = taps + any(c, 0, 5), after = any(c, 1, 9);
    // Positions along the columns of an image or along its rows.
    const int pixel = channels + one_of(c, 0, 3), isColumns = any(c, 0, 1);
    const int in_step = isColumns ? pixel : lines * pixel, in_line = isColumns ? before * pixel : pixel;
    const int out_step = isColumns ? pixel : lines * pixel, out_line = isColumns ? after * pixel : pixel;
    const block input = random_block(c, (size_t)(before * lines * pixel));
    const block weights = random_block(c, (size_t)(after * taps)), starts = random_block(c, (size_t)after);
    for (int place = 0; place < after; place++) starts.values[place] = (float)any(c, 0, before - taps);
    const block output = marked_block((size_t)(after * lines * pixel));
    const zoo_resample a = {
      .input = input.values, .weights = weights.values, .starts = starts.values, .output = output.values,
      .in_step = in_step, .out_step = out_step, .in_line = in_line, .out_line = out_line, .lines = lines,
      .channels = channels, .taps = taps};
    run_resample(c, &a, after);
    for (int place = 0; place < after; place++) {
      for (int line = 0; line < lines; line++) {
        for (int channel = 0; channel < channels; channel++) {
          double sum = 0, magnitude = 0;
          for (int tap = 0; tap < taps; tap++) {
            const int source = ((int)starts.values[place] + tap) * in_step + line * in_line + channel;
            const double term = (double)input.values[source] * weights.values[place * taps + tap];
            sum += term;
            magnitude += fabs(term);
          }
          const float value = output.values[place * out_step + line * out_line + channel];
          expect(c, "resample", value, sum, taps * rounding * magnitude);
        }
      }
    }
    release(input);
    release(weights);
    release(starts);
    released(c, "resample", output);
  }
}

void check_scatter(check *c) {
  for (int i = 0; i < 40; i++) {
    const int channels = one_of(c, 1, 4, 7, 16, 21);
    zoo_window g = window_of(c, 1, channels);
    const int taps = g.kernel_height * g.kernel_width;
    g.dilation_height = any(c, 1, 2);
    g.pad_top = any(c, 0, 2);
    g.pad_left = any(c, 0, 2);
    g.in_pixel = taps * channels + one_of(c, 0, 5);
    g.in_row = g.in_width * g.in_pixel;
    const block input = input_of(c, &g), bias = random_block(c, (size_t)channels), output = output_of(&g);
    const zoo_scatter a = {
      .window = g, .input = input.values, .bias = bias.values, .output = output.values, .channels = channels,
      .lo = any(c, 0, 1) ? 0 : -INFINITY, .hi = INFINITY};
    run_scatter(c, &a, g.out_height);
    for (int oy = 0; oy < g.out_height; oy++) {
      for (int ox = 0; ox < g.out_width; ox++) {
        for (int channel = 0; channel < channels; channel++) {
          double sum = bias.values[channel], magnitude = fabs(sum);
          // From all inputs to this output: the other way round than the kernel.
          for (int y = 0; y < g.in_height; y++) {
            for (int x = 0; x < g.in_width; x++) {
              for (int tap = 0; tap < taps; tap++) {
                const int ky = tap / g.kernel_width, kx = tap % g.kernel_width;
                if (y * g.stride_height - g.pad_top + ky * g.dilation_height != oy) continue;
                if (x * g.stride_width - g.pad_left + kx * g.dilation_width != ox) continue;
                const double term = input.values[y * g.in_row + x * g.in_pixel + tap * channels + channel];
                sum += term;
                magnitude += fabs(term);
              }
            }
          }
          const float value = output.values[((ptrdiff_t)oy * g.out_width + ox) * g.out_pixel + channel];
          expect(c, "scatter", value, limited(sum, a.lo, a.hi), taps * rounding * magnitude);
        }
      }
    }
    release(input);
    release(bias);
    released(c, "scatter", output);
  }
}
