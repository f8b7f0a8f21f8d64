// Kernels on codes of 8 bits: every value has to be the very same.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "layers.h"

// Codes with room behind, in a block of floats, so that its guards hold for them too.
static block bytes_block(check *c, size_t count) {
  const block b = zeros_block((count + 3) / 4 + 16);
  uint8_t *p = (uint8_t *)(void *)b.values;
  for (size_t i = 0; i < count; i++) p[i] = (uint8_t)any(c, 0, 255);
  return b;
}

static uint8_t *bytes(block b) { return (uint8_t *)(void *)b.values; }
static int8_t *signed_bytes(block b) { return (int8_t *)(void *)b.values; }
static uint16_t *words(block b) { return (uint16_t *)(void *)b.values; }
static int32_t *integers(block b) { return (int32_t *)(void *)b.values; }

static block weights_block(check *c, size_t count) {
  const block b = bytes_block(c, count);
  for (size_t i = 0; i < count; i++) signed_bytes(b)[i] = (int8_t)any(c, -127, 127);
  return b;
}

// What the header says, each operation rounded by itself.
static float scaled(int64_t sum, float multiplier, float offset) {
  volatile float y = (float)(int32_t)sum;
  y = y * multiplier;
  y = y + offset;
  return y;
}
static float plus(float y, int code, float factor) {
  volatile float product = (float)code * factor;
  product = y + product;
  return product;
}
static double rounded(double y, double most) { return nearbyint(y < 0 ? 0 : y > most ? most : y); }
static double code_of(float y) { return rounded(y, 255); }
static double wide_of(float y) { return rounded((double)y * 256, 65535); }

// A scale and a shift for each of `count` channels, in a block with room for whole vectors.
typedef struct {
  block bias, multiplier, offset;
} scaling;
static scaling make_scaling(check *c, int count, int sums, float low, float high) {
  const int padded = (count + 63) / 64 * 64;
  const scaling s = {zeros_block((size_t)padded), zeros_block((size_t)padded), zeros_block((size_t)padded)};
  for (int i = 0; i < count; i++) {
    integers(s.bias)[i] = any(c, -300 * sums, 300 * sums);
    s.multiplier.values[i] = (float)any(c, 1, 1000) * 1e-3f * 256 / (9000 * sqrtf((float)sums));
    s.offset.values[i] = low + (high - low) * (float)any(c, 0, 1000) * 1e-3f;
  }
  return s;
}
static void release_scaling(scaling s) {
  release(s.bias);
  release(s.multiplier);
  release(s.offset);
}

// The code under a position of a window, or null outside.
static const uint8_t *code_at(const zoo_window *g, const uint8_t *input, int oy, int ox, int tap) {
  const int y = oy * g->stride_height - g->pad_top + tap / g->kernel_width * g->dilation_height;
  const int x = ox * g->stride_width - g->pad_left + tap % g->kernel_width * g->dilation_width;
  if (y < 0 || y >= g->in_height || x < 0 || x >= g->in_width) return NULL;
  return input + y * g->in_row + x * g->in_pixel;
}

static void set_pixels(check *c, zoo_window *g, int channels, int columns) {
  g->in_pixel = channels + one_of(c, 0, 0, 5);
  g->in_row = g->in_width * g->in_pixel + one_of(c, 0, 7);
  g->out_pixel = columns + one_of(c, 0, 3);
}

static size_t out_size(const zoo_window *g) {
  return (size_t)(g->out_height * g->out_width) * (size_t)g->out_pixel;
}

// Blocks of bytes and words are as long as the values, so that the guards are right behind them.
static block marked_bytes(size_t count) { return marked_block((count + 3) / 4); }

void check_integer_pack(check *c) {
  for (int i = 0; i < 20; i++) {
    const int taps = any(c, 1, 3), run = any(c, 1, 13), columns = any(c, 1, 100), stride = columns + one_of(c, 0, 3);
    const block source = weights_block(c, (size_t)(taps * run * stride));
    const int64_t size = zoo_integer_packed(taps, run, columns);
    const block packed = marked_block((size_t)size / 4);
    const zoo_integer_packing a = {
      .source = signed_bytes(source), .packed = signed_bytes(packed), .stride = stride, .taps = taps, .run = run,
      .columns = columns};
    run_integer_pack(c, &a, zoo_integer_panels(columns));
    const int steps = (run + 3) / 4, padded = zoo_integer_columns(columns);
    for (int column = 0; column < padded; column++) {
      const int first = column / 32 * 32, width = padded - first < 32 ? 16 : 32;
      for (int tap = 0; tap < taps; tap++) {
        for (int k = 0; k < 4 * steps; k++) {
          const int at = first * taps * steps * 4 + (tap * steps + k / 4) * 4 * width + 4 * (column - first) + k % 4;
          const int used = column < columns && k < run;
          const double truth = used ? signed_bytes(source)[(tap * run + k) * stride + column] : 0;
          expect(c, "integer_pack", signed_bytes(packed)[at], truth, 0);
        }
      }
    }
    release(source);
    released(c, "integer_pack", packed);
  }
}

// What the sums are made of: anything, or what makes them the lowest and the highest.
enum { any_codes, lowest_sums, highest_sums };

static void fill(block b, int value) { memset(b.values, value, b.count * sizeof(float)); }

static void run_tiles(check *c, const zoo_integer_product *product, int groups) {
  const zoo_window *g = &product->window;
  const int tiles = (g->out_height + 3) / 4 * ((g->out_width + 3) / 4);
  zoo_integer_winograd a = {.product = *product};
  a.product.row_block = any(c, 1, tiles);
  a.slot_bytes = (zoo_winograd_slot(a.product.row_block, a.product.panel_group) + 63) / 64 * 64;
  const block scratch = zeros_block((size_t)(a.slot_bytes * check_threads) / 4 + 16);
  // Whole vectors of weights are read from addresses that they divide.
  a.scratch = (uint8_t *)(((uintptr_t)scratch.values + 63) / 64 * 64);
  run_integer_winograd(c, &a, (tiles + a.product.row_block - 1) / a.product.row_block * groups);
  release(scratch);
}

// TILES: whether by Winograd's algorithm.
static void check_product(check *c, zoo_window g, int channels, int columns, int form, int tiles, int kind) {
  const char *what = tiles ? "integer_winograd" : "integer_product";
  set_pixels(c, &g, channels, columns);
  const int taps = g.kernel_height * g.kernel_width, pixels = g.out_height * g.out_width;
  const block input = bytes_block(c, (size_t)(g.in_height * g.in_row));
  const block zero = bytes_block(c, (size_t)channels);
  const block source = weights_block(c, (size_t)(taps * channels * columns));
  if (kind != any_codes) {
    fill(input, kind == lowest_sums ? 0 : 255);
    fill(zero, kind == lowest_sums ? 0 : 255);
    fill(source, 127);
  }
  const block packed = bytes_block(c, (size_t)zoo_integer_packed(taps, channels, columns));
  zoo_integer_packing p = {
    .source = signed_bytes(source), .packed = signed_bytes(packed), .stride = columns, .taps = taps,
    .run = channels, .columns = columns};
  zoo_kernel_of(c->kernels, zoo_kernel_integer_pack)(&p, 0, zoo_integer_panels(columns));
  const scaling s = make_scaling(c, columns, taps * channels, -50, 250);
  const int residual_pixel = columns + one_of(c, 0, 2), wide_pixel = columns + one_of(c, 0, 3);
  const block residual = bytes_block(c, (size_t)(2 * pixels * residual_pixel));
  const block output = form == 3 ? marked_block(out_size(&g)) : marked_bytes(out_size(&g));
  const block wide = marked_bytes((size_t)(2 * pixels * wide_pixel));
  zoo_integer_product a = {
    .window = g, .input = bytes(input), .zero = bytes(zero), .weights = signed_bytes(packed),
    .bias = integers(s.bias), .multiplier = s.multiplier.values, .offset = s.offset.values,
    .output = output.values, .wide = words(wide), .residual_pixel = residual_pixel, .wide_pixel = wide_pixel, .run = channels, .columns = columns,
    .row_block = any(c, 1, 2 * pixels), .panel_group = any(c, 1, zoo_integer_panels(columns)),
    .by_rows = any(c, 0, 1), .lo = 0, .hi = 100};
  if (a.row_block > zoo_indirection_limit / taps) a.row_block = zoo_indirection_limit / taps;
  a.writes = ((const int[]){zoo_write_codes, zoo_write_wide, zoo_write_codes | zoo_write_wide, zoo_write_floats})[form];
  if (any(c, 0, 1)) a.residual = bytes(residual);
  a.residual_is_wide = any(c, 0, 1);
  a.residual_factor = a.residual_is_wide ? 1.0f / 300 : 0.7f;
  const int groups = (zoo_integer_panels(columns) + a.panel_group - 1) / a.panel_group;
  if (tiles) {
    run_tiles(c, &a, groups);
  } else {
    run_integer_product(c, &a, (pixels + a.row_block - 1) / a.row_block * groups);
  }
  for (int pixel = 0; pixel < pixels; pixel++) {
    for (int column = 0; column < columns; column++) {
      int64_t sum = integers(s.bias)[column];
      for (int tap = 0; tap < taps; tap++) {
        const uint8_t *x = code_at(&g, a.input, pixel / g.out_width, pixel % g.out_width, tap);
        if (!x) x = a.zero;
        for (int k = 0; k < channels; k++) {
          sum += (x[k] - c->kernels->integer_shift) * signed_bytes(source)[(tap * channels + k) * columns + column];
        }
      }
      float y = scaled(sum, a.multiplier[column], a.offset[column]);
      if (a.residual) {
        const int at = pixel * residual_pixel + column;
        y = plus(y, a.residual_is_wide ? words(residual)[at] : bytes(residual)[at], a.residual_factor);
      }
      const ptrdiff_t at = pixel * g.out_pixel + column;
      if (a.writes & zoo_write_codes) expect(c, what, bytes(output)[at], code_of(y), 0);
      if (a.writes & zoo_write_wide) {
        expect(c, what, a.wide[pixel * wide_pixel + column], wide_of(y), 0);
      }
      if (a.writes & zoo_write_floats) {
        expect(c, what, output.values[at], limited(y, a.lo, a.hi), 0);
      }
    }
  }
  release(input);
  release(zero);
  release(source);
  release(packed);
  release_scaling(s);
  release(residual);
  released(c, what, output);
  released(c, what, wide);
}

void check_integer_product(check *c) {
  for (int i = 0; i < 60; i++) check_product(c, any_window(c), any(c, 1, 40), any(c, 1, 100), i % 4, 0, any_codes);
  for (int i = 0; i < 8; i++) {
    check_product(c, any_window(c), one_of(c, 64, 68, 96, 160), any(c, 1, 70), i % 4, 0, any_codes);
    // A product of rows, with more of them than a block has.
    const int side = any(c, 1, 9);
    const zoo_window g = {
      .in_height = side, .in_width = side, .out_height = side, .out_width = side, .kernel_height = 1,
      .kernel_width = 1, .stride_height = 1, .stride_width = 1, .dilation_height = 1, .dilation_width = 1};
    check_product(c, g, any(c, 1, 600), any(c, 1, 70), i % 4, 0, any_codes);
    check_product(c, g, one_of(c, 40, 256, 260, 600), any(c, 100, 300), i % 4, 0, any_codes);
  }
}

void check_integer_winograd(check *c) {
  for (int i = 0; i < 48; i++) {
    const zoo_window g = {
      .in_height = any(c, 1, 11), .in_width = any(c, 1, 11), .pad_top = any(c, 0, 2), .pad_left = any(c, 0, 2),
      .out_height = any(c, 1, 10), .out_width = any(c, 1, 10), .kernel_height = 3, .kernel_width = 3,
      .stride_height = 1, .stride_width = 1, .dilation_height = 1, .dilation_width = 1};
    check_product(c, g, any(c, 1, 40), any(c, 1, 100), i % 4, 1, any_codes);
    if (i < 16) check_product(c, g, one_of(c, 64, 110, 256), any(c, 1, 40), i % 4, 1, any_codes);
    // As many channels as are summed at a time, and more.
    if (i < 8) check_product(c, g, i % 2 ? 112 : 230, 16, 0, 1, i / 2 % 2 ? lowest_sums : highest_sums);
  }
}

static void check_depthwise_window(check *c, zoo_window g, int channels, int is_plain) {
  set_pixels(c, &g, channels, channels);
  const int taps = g.kernel_height * g.kernel_width, groups = zoo_depthwise_groups(g.kernel_height);
  const int padded = (channels + 63) / 64 * 64;
  const block input = bytes_block(c, (size_t)(g.in_height * g.in_row)), zero = bytes_block(c, (size_t)channels);
  const block weights = weights_block(c, (size_t)(taps * channels));
  const block packed = zeros_block((size_t)(groups * g.kernel_width * padded));
  for (int tap = 0; tap < taps; tap++) {
    const int ky = tap / g.kernel_width, kx = tap % g.kernel_width;
    for (int k = 0; k < channels; k++) {
      signed_bytes(packed)[((ky / 4 * g.kernel_width + kx) * padded + k) * 4 + ky % 4] =
          signed_bytes(weights)[tap * channels + k];
    }
  }
  const scaling s = make_scaling(c, channels, taps, -50, 250);
  const block codes = marked_bytes(out_size(&g));
  const zoo_integer_depthwise a = {
    .window = g, .input = bytes(input), .zero = bytes(zero),
    .weights = signed_bytes(is_plain ? weights : packed), .bias = integers(s.bias),
    .multiplier = s.multiplier.values, .offset = s.offset.values, .codes = bytes(codes), .channels = channels,
    .is_plain = is_plain};
  run_integer_depthwise(c, &a, g.out_height);
  for (int pixel = 0; pixel < g.out_height * g.out_width; pixel++) {
    for (int k = 0; k < channels; k++) {
      int64_t sum = integers(s.bias)[k];
      for (int tap = 0; tap < taps; tap++) {
        const uint8_t *x = code_at(&g, a.input, pixel / g.out_width, pixel % g.out_width, tap);
        const int code = (x ? x[k] : a.zero[k]) - c->kernels->integer_shift;
        sum += code * signed_bytes(weights)[tap * channels + k];
      }
      const float y = scaled(sum, a.multiplier[k], a.offset[k]);
      expect(c, "integer_depthwise", a.codes[pixel * g.out_pixel + k], code_of(y), 0);
    }
  }
  release(input);
  release(zero);
  release(weights);
  release(packed);
  release_scaling(s);
  released(c, "integer_depthwise", codes);
}

void check_integer_depthwise(check *c) {
  for (int i = 0; i < 20; i++) check_depthwise_window(c, any_window(c), any(c, 1, 80), 1);
  for (int i = 0; i < 60; i++) {
    const int size = one_of(c, 3, 5, 7), stride = any(c, 1, 2);
    const zoo_window g = {
      .in_height = any(c, 1, 17), .in_width = any(c, 1, 30), .out_height = any(c, 1, 9), .out_width = any(c, 1, 17),
      .kernel_height = size, .kernel_width = size, .stride_height = stride, .stride_width = stride,
      .dilation_height = 1, .dilation_width = 1, .pad_top = any(c, -1, 3), .pad_left = any(c, -1, 3)};
    check_depthwise_window(c, g, one_of(c, 3, 16, 24, 64, 70, 136, 600), 0);
  }
}

void check_integer_pooling(check *c) {
  for (int i = 0; i < 60; i++) {
    zoo_window g = any_window(c);
    g.dilation_height = g.dilation_width = 1;
    const int channels = any(c, 1, 150);
    set_pixels(c, &g, channels, channels);
    const block input = bytes_block(c, (size_t)(g.in_height * g.in_row)), zero = bytes_block(c, (size_t)channels);
    const scaling s = make_scaling(c, channels, 1, -50, 100);
    for (int k = 0; k < channels; k++) s.multiplier.values[k] = (float)any(c, 1, 300) * 1e-2f;
    const block codes = marked_bytes(out_size(&g));
    const zoo_integer_pooling a = {
      .window = g, .input = bytes(input), .zero = bytes(zero), .multiplier = s.multiplier.values,
      .offset = s.offset.values, .codes = bytes(codes), .channels = channels, .average = i % 2,
      .counts_outside = i % 3 == 0};
    run_integer_pooling(c, &a, g.out_height);
    for (int pixel = 0; pixel < g.out_height * g.out_width; pixel++) {
      for (int k = 0; k < channels; k++) {
        int64_t sum = 0, count = 0, largest = 0;
        for (int tap = 0; tap < g.kernel_height * g.kernel_width; tap++) {
          const uint8_t *x = code_at(&g, a.input, pixel / g.out_width, pixel % g.out_width, tap);
          if (!x && !a.counts_outside) continue;
          const int code = x ? x[k] : a.zero[k];
          sum += code;
          count++;
          largest = code > largest ? code : largest;
        }
        // Windows that have nothing under them don't occur.
        if (count == 0) continue;
        const float share = a.multiplier[k] / (float)count;
        const double truth = a.average ? code_of(scaled(sum, share, a.offset[k])) : (double)largest;
        expect(c, "integer_pooling", a.codes[pixel * g.out_pixel + k], truth, 0);
      }
    }
    release(input);
    release(zero);
    release_scaling(s);
    released(c, "integer_pooling", codes);
  }
}

void check_integer_mean(check *c) {
  for (int i = 0; i < 30; i++) {
    const int height = any(c, 1, 9), width = any(c, 1, 9), channels = any(c, 1, 200);
    const ptrdiff_t pixel = channels + one_of(c, 0, 5), row = width * pixel + one_of(c, 0, 7);
    const block input = bytes_block(c, (size_t)(height * row));
    const scaling s = make_scaling(c, channels, 1, -50, 100);
    const block output = i % 2 ? marked_bytes((size_t)channels) : marked_block((size_t)channels);
    const zoo_integer_mean a = {
      .input = bytes(input), .multiplier = s.multiplier.values, .offset = s.offset.values,
      .output = output.values, .in_pixel = pixel, .in_row = row, .height = height, .width = width,
      .channels = channels, .writes = i % 2 ? zoo_write_codes : zoo_write_floats};
    run_integer_mean(c, &a, (channels + 63) / 64);
    for (int k = 0; k < channels; k++) {
      int64_t sum = 0;
      for (int p = 0; p < height * width; p++) sum += a.input[p / width * row + p % width * pixel + k];
      const float y = scaled(sum, a.multiplier[k] / (float)(height * width), a.offset[k]);
      if (i % 2) expect(c, "integer_mean", bytes(output)[k], code_of(y), 0);
      else expect(c, "integer_mean, floats", output.values[k], y, 0);
    }
    release(input);
    release_scaling(s);
    released(c, "integer_mean", output);
  }
}

// Rows of `channels` values each, at their own distances.
typedef struct {
  int pixels, channels;
  ptrdiff_t a_pixel, b_pixel, out_pixel, wide_pixel;
} map;
static map any_map(check *c) {
  const int channels = any(c, 1, 70);
  return (map){any(c, 1, 20), channels, channels + one_of(c, 0, 3), channels + one_of(c, 0, 5),
               channels + one_of(c, 0, 2), channels + one_of(c, 0, 7)};
}

void check_integer_add(check *c) {
  for (int i = 0; i < 40; i++) {
    const map m = any_map(c);
    const block a = bytes_block(c, (size_t)(2 * m.pixels * m.a_pixel));
    const block b = bytes_block(c, (size_t)(2 * m.pixels * m.b_pixel));
    const scaling s = make_scaling(c, m.channels, 1, -200, 50);
    const block codes = marked_bytes((size_t)(m.pixels * m.out_pixel));
    const block wide = marked_bytes((size_t)(2 * m.pixels * m.wide_pixel));
    const zoo_integer_map e = {
      .a = bytes(a), .b = i % 3 ? bytes(b) : NULL, .offset = s.offset.values, .output = bytes(codes), .wide = words(wide),
      .writes = i % 4 ? i % 4 : zoo_write_codes, .a_pixel = m.a_pixel, .b_pixel = m.b_pixel,
      .out_pixel = m.out_pixel, .wide_pixel = m.wide_pixel, .a_is_wide = i % 2, .b_is_wide = i / 2 % 2,
      .multiplier = s.multiplier.values, .b_factor = i / 2 % 2 ? 0.002f : 0.9f, .channels = m.channels};
    for (int k = 0; k < m.channels; k++) s.multiplier.values[k] = (float)any(c, 1, 300) * (i % 2 ? 1e-5f : 4e-3f);
    run_integer_add(c, &e, m.pixels);
    for (int p = 0; p < m.pixels; p++) {
      for (int k = 0; k < m.channels; k++) {
        const ptrdiff_t at = p * m.a_pixel + k, other = p * m.b_pixel + k;
        float y = scaled(e.a_is_wide ? words(a)[at] : bytes(a)[at], e.multiplier[k], s.offset.values[k]);
        if (e.b) y = plus(y, e.b_is_wide ? words(b)[other] : bytes(b)[other], e.b_factor);
        if (e.writes & zoo_write_codes) expect(c, "integer_add", bytes(codes)[p * m.out_pixel + k], code_of(y), 0);
        if (e.writes & zoo_write_wide) expect(c, "integer_add, wide", words(wide)[p * m.wide_pixel + k], wide_of(y), 0);
      }
    }
    release(a);
    release(b);
    release_scaling(s);
    released(c, "integer_add", codes);
    released(c, "integer_add, wide", wide);
  }
}

void check_quantize(check *c) {
  for (int i = 0; i < 30; i++) {
    const map m = any_map(c);
    const block a = random_block(c, (size_t)(m.pixels * m.a_pixel));
    const scaling s = make_scaling(c, m.channels, 1, 0, 255);
    for (int k = 0; k < m.channels; k++) s.multiplier.values[k] = (float)any(c, 1, 300);
    const block codes = marked_bytes((size_t)(m.pixels * m.out_pixel));
    const zoo_integer_map e = {
      .a = a.values, .multiplier = s.multiplier.values, .offset = s.offset.values, .output = bytes(codes),
      .a_pixel = m.a_pixel, .out_pixel = m.out_pixel, .channels = m.channels};
    run_quantize(c, &e, m.pixels);
    for (int p = 0; p < m.pixels; p++) {
      for (int k = 0; k < m.channels; k++) {
        volatile float y = a.values[p * m.a_pixel + k] * e.multiplier[k];
        y = y + e.offset[k];
        expect(c, "quantize", bytes(codes)[p * m.out_pixel + k], code_of(y), 0);
      }
    }
    release(a);
    release_scaling(s);
    released(c, "quantize", codes);
  }
}

void check_dequantize(check *c) {
  for (int i = 0; i < 30; i++) {
    const map m = any_map(c);
    const block a = bytes_block(c, (size_t)(2 * m.pixels * m.a_pixel));
    const scaling s = make_scaling(c, m.channels, 1, 0, 255);
    const block output = marked_block((size_t)(m.pixels * m.out_pixel));
    const zoo_integer_map e = {
      .a = bytes(a), .multiplier = s.multiplier.values, .offset = s.offset.values, .output = output.values,
      .a_pixel = m.a_pixel, .out_pixel = m.out_pixel, .a_is_wide = i % 2, .channels = m.channels};
    run_dequantize(c, &e, m.pixels);
    for (int p = 0; p < m.pixels; p++) {
      for (int k = 0; k < m.channels; k++) {
        const ptrdiff_t at = p * m.a_pixel + k;
        volatile float y = (float)(i % 2 ? words(a)[at] : bytes(a)[at]) - e.offset[k];
        y = y * e.multiplier[k];
        expect(c, "dequantize", output.values[p * m.out_pixel + k], y, 0);
      }
    }
    release(a);
    release_scaling(s);
    released(c, "dequantize", output);
  }
}

void check_integer_pad(check *c) {
  for (int i = 0; i < 30; i++) {
    const int channels = any(c, 1, 20);
    zoo_window g = {
      .in_height = any(c, 1, 8), .in_width = any(c, 1, 8), .out_height = any(c, 1, 10), .out_width = any(c, 1, 10),
      .kernel_height = 1, .kernel_width = 1, .stride_height = 1, .stride_width = 1, .dilation_height = 1,
      .dilation_width = 1, .pad_top = any(c, -2, 3), .pad_left = any(c, -2, 3)};
    set_pixels(c, &g, channels, channels);
    const block input = bytes_block(c, (size_t)(g.in_height * g.in_row)), zero = bytes_block(c, (size_t)channels);
    const block output = marked_bytes(out_size(&g));
    const zoo_integer_padding a = {
      .window = g, .input = bytes(input), .zero = bytes(zero), .output = bytes(output), .channels = channels};
    run_integer_pad(c, &a, g.out_height);
    for (int pixel = 0; pixel < g.out_height * g.out_width; pixel++) {
      const uint8_t *x = code_at(&g, a.input, pixel / g.out_width, pixel % g.out_width, 0);
      for (int k = 0; k < channels; k++) {
        expect(c, "integer_pad", a.output[pixel * g.out_pixel + k], x ? x[k] : a.zero[k], 0);
      }
    }
    release(input);
    release(zero);
    released(c, "integer_pad", output);
  }
}
