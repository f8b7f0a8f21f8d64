// Winograd's F(4x4, 3x3) and F(2x2, 3x3) for 3x3 windows of stride 1: 36 multiplications in place of 144 for 16
// outputs, or 16 in place of 36 for 4 (Lavin and Gray, https://arxiv.org/abs/1509.09308).
//
// The interpolation points of F(4x4) are 0, +-sqrt(1/2), +-sqrt(2) and infinity: all numbers in the transforms
// stay near 1, which loses the least to rounding. Those of F(2x2) are 0, +-1 and infinity. A block of wg_tiles is
// transformed once; then for each panel of filters come the products of all points, into a small buffer, and
// the transform back with all that follows.
//
// T: how many values a side of a wg_tile of the input has, 6 or 4; one of the output has two less.
#pragma once

#include "panels.h"
#include "prelude.h"
#include "table_products.h"
#include "vector_convolution.h"

enum { wg_most = 6 };

static const float wg_p = 0.70710678118654752f, wg_q = 1.41421356237309505f;
#define WG_P 0.70710678118654752440
#define WG_Q 1.41421356237309504880

// B^T d for one vector d of T, in place.
INLINE void wg_input(const int T, vf *d) {
  const vf minus = v_set(-1);
  if (T == 4) {
    const vf sum = v_add(d[1], d[2]), difference = v_fma(minus, d[1], d[2]);
    d[0] = v_fma(minus, d[2], d[0]);
    d[3] = v_fma(minus, d[3], d[1]);
    d[1] = sum;
    d[2] = difference;
    return;
  }
  const vf two_half = v_set(-2.5f), half = v_set(-0.5f), two = v_set(-2.0f);
  const vf p = v_set(wg_p), q = v_set(wg_q);
  vf y0 = v_add(v_fma(two_half, d[2], d[0]), d[4]);
  vf y5 = v_add(v_fma(two_half, d[3], d[1]), d[5]);
  vf even_p = v_fma(two, d[2], d[4]), odd_p = v_mul(p, v_fma(two, d[1], d[3]));
  vf even_q = v_fma(half, d[2], d[4]), odd_q = v_mul(q, v_fma(half, d[1], d[3]));
  d[0] = y0;
  d[1] = v_add(even_p, odd_p);
  d[2] = v_fma(minus, odd_p, even_p);
  d[3] = v_add(even_q, odd_q);
  d[4] = v_fma(minus, odd_q, even_q);
  d[5] = y5;
}

// A^T m for one vector m of T; the result is the first T - 2.
INLINE void wg_output(const int T, vf *m) {
  const vf minus = v_set(-1);
  if (T == 4) {
    const vf sum = v_add(m[1], m[2]), difference = v_fma(minus, m[2], m[1]);
    m[0] = v_add(m[0], sum);
    m[1] = v_fma(minus, m[3], difference);
    return;
  }
  const vf half = v_set(0.5f), two = v_set(2);
  vf sum_p = v_add(m[1], m[2]), sum_q = v_add(m[3], m[4]);
  vf diff_p = v_mul(v_set(wg_p), v_fma(minus, m[2], m[1]));
  vf diff_q = v_mul(v_set(wg_q), v_fma(minus, m[4], m[3]));
  m[0] = v_add(v_add(m[0], sum_p), sum_q);
  m[1] = v_add(diff_p, diff_q);
  m[2] = v_fma(half, sum_p, v_mul(two, sum_q));
  m[3] = v_add(v_fma(half, diff_p, v_mul(two, diff_q)), m[5]);
}

// G of F(4x4) and F(2x2).
static const double wg_four[6][3] = {
  {1, 0, 0},
  {1 / (2 * 0.5 * (0.5 - 2)), WG_P / (2 * 0.5 * (0.5 - 2)), 0.5 / (2 * 0.5 * (0.5 - 2))},
  {1 / (2 * 0.5 * (0.5 - 2)), -WG_P / (2 * 0.5 * (0.5 - 2)), 0.5 / (2 * 0.5 * (0.5 - 2))},
  {1 / (2 * 2 * (2 - 0.5)), WG_Q / (2 * 2 * (2 - 0.5)), 2 / (2 * 2 * (2 - 0.5))},
  {1 / (2 * 2 * (2 - 0.5)), -WG_Q / (2 * 2 * (2 - 0.5)), 2 / (2 * 2 * (2 - 0.5))},
  {0, 0, 1},
};
static const double wg_two[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};

// A vector of columns: their points, `slice` floats apart, of the `used` weights of each tap, `stride` floats apart.
INLINE void wg_pack_vector(
    const int T, const double points[][3], const float *source, ptrdiff_t stride, int used, const double *scale,
    float *target, ptrdiff_t slice) {
  vd half[wg_most][3], factor = d_set(1);
  if (scale) factor = used == VD ? d_load(scale) : d_load_n(scale, used);
  UNROLL for (int kx = 0; kx < 3; kx++) {
    vd w[3];
    UNROLL for (int ky = 0; ky < 3; ky++) w[ky] = table_load(0, source + (ky * 3 + kx) * stride, 0, used);
    UNROLL for (int i = 0; i < T; i++) {
      half[i][kx] = d_set(0);
      UNROLL for (int ky = 0; ky < 3; ky++) half[i][kx] = d_fma(d_set(points[i][ky]), w[ky], half[i][kx]);
    }
  }
  UNROLL for (int i = 0; i < T; i++) {
    UNROLL for (int j = 0; j < T; j++) {
      vd sum = d_set(0);
      UNROLL for (int kx = 0; kx < 3; kx++) sum = d_fma(d_set(points[j][kx]), half[i][kx], sum);
      if (scale) sum = sum * factor;
      const vd_floats floats = __builtin_convertvector(sum, vd_floats);
      memcpy(target + (i * T + j) * slice, &floats, sizeof floats);
    }
  }
}

// One row of a panel.
static void wg_pack_row(
    int outputs, const float *source, ptrdiff_t stride, int used, int width, const double *scale, float *target,
    ptrdiff_t slice) {
  for (int n = 0; n < width; n += VD) {
    const int count = max_int(0, min_int(VD, used - n));
    const double *factors = scale && count > 0 ? scale + n : NULL;
    const float *weights = count > 0 ? source + n : source;
    if (outputs == 4) wg_pack_vector(6, wg_four, weights, stride, count, factors, target + n, slice);
    else wg_pack_vector(4, wg_two, weights, stride, count, factors, target + n, slice);
  }
}

// Weights: per panel, per point, (channels, panel width). `rows` are the channels.
static void winograd_pack(const void *arguments, int32_t begin, int32_t end) {
  const zoo_packing *p = arguments;
  const int side = p->outputs + 2, count = panels(p->columns);
  float *target = p->packed + (ptrdiff_t)begin * 2 * VL * p->rows * side * side;
  for (int panel = begin; panel < end; panel++) {
    const int first = panel * 2 * VL;
    const int width = VL * (panel == count - 1 ? last_panel_vectors(p->columns) : 2);
    const int used = min_int(width, p->columns - first);
    const ptrdiff_t slice = (ptrdiff_t)p->rows * width;
    for (int row = 0; row < p->rows; row++) {
      wg_pack_row(
          p->outputs, p->source + row * p->stride + first, p->rows * p->stride, used, width,
          p->scale ? p->scale + first : NULL, target + (ptrdiff_t)row * width, slice);
    }
    target += side * side * slice;
  }
}

// The same of weights turned and transposed, for the gradient of the input.
static void winograd_pack_transposed(const void *arguments, int32_t begin, int32_t end) {
  const zoo_transposed_packing *p = arguments;
  enum { block = 16, most = 3 * VL };
  const int side = p->outputs + 2, count = panels(p->columns);
  for (int panel = begin; panel < end; panel++) {
    const int first = panel * 2 * VL;
    const int width = VL * (panel == count - 1 ? last_panel_vectors(p->columns) : 2);
    const int used = min_int(width, p->columns - first);
    const ptrdiff_t slice = (ptrdiff_t)p->rows * width;
    float *target = p->packed + (ptrdiff_t)side * side * p->rows * first;
    // Some rows at a time, which lie next to each other in the source.
    for (int from = 0; from < p->rows; from += block) {
      const int rows = min_int(block, p->rows - from);
      float weights[block][9][most];
      for (int tap = 0; tap < 9; tap++) {
        const float *source = p->source + ((ptrdiff_t)(8 - tap) * p->columns + first) * p->stride + from;
        for (int n = 0; n < used; n++, source += p->stride) {
          __builtin_prefetch(source + block, 0, 2);
          // As a vector, these would be scattered, which takes longer.
          ROLLED for (int row = 0; row < rows; row++) {
            weights[row][tap][n] = p->scale ? (float)(source[row] * p->scale[from + row]) : source[row];
          }
        }
      }
      for (int row = 0; row < rows; row++) {
        wg_pack_row(
            p->outputs, weights[row][0], most, used, width, NULL, target + (ptrdiff_t)(from + row) * width, slice);
      }
    }
  }
}

// The wg_tile `index` of the outputs, row by row: its image and its top left pixel.
INLINE void wg_position(const zoo_winograd *w, int index, int *image, int *y, int *x) {
  const int across = (w->window.out_width + w->outputs - 1) / w->outputs;
  const int down = (w->window.out_height + w->outputs - 1) / w->outputs, row = index / across;
  *image = row / down;
  *y = row % down * w->outputs;
  *x = index % across * w->outputs;
}

// One vector of channels of a wg_tile; a vector's worth of room lies behind the last channel.
// PART: whether it has fewer channels than a vector.
INLINE void wg_transform_vector(
    const int T, const int PART, const float *pixels[wg_most][wg_most], int channel, int count, float *target,
    ptrdiff_t point_stride) {
  vf t[wg_most][wg_most];
  UNROLL for (int j = 0; j < T; j++) {
    vf d[wg_most];
    UNROLL for (int i = 0; i < T; i++) {
      d[i] = PART ? v_load_n(pixels[i][j] + channel, count) : v_load(pixels[i][j] + channel);
    }
    wg_input(T, d);
    UNROLL for (int i = 0; i < T; i++) t[i][j] = d[i];
  }
  UNROLL for (int i = 0; i < T; i++) {
    wg_input(T, t[i]);
    UNROLL for (int j = 0; j < T; j++) v_store(target + (i * T + j) * point_stride, t[i][j]);
  }
}

// The input of one wg_tile; its points are `point_stride` floats apart.
INLINE void wg_transform(
    const int T, const zoo_winograd *w, int index, float *target, ptrdiff_t point_stride) {
  const zoo_window *g = &w->window;
  int image, oy, ox;
  wg_position(w, index, &image, &oy, &ox);
  const float *input = w->input + (ptrdiff_t)image * g->in_height * g->in_row;
  const float *pixels[wg_most][wg_most];
  for (int i = 0; i < T; i++) {
    const int y = oy - g->pad_top + i;
    for (int j = 0; j < T; j++) {
      const int x = ox - g->pad_left + j;
      const int inside = y >= 0 && y < g->in_height && x >= 0 && x < g->in_width;
      pixels[i][j] = inside ? input + y * g->in_row + x * g->in_pixel : w->zero;
    }
  }
  int channel = 0;
  for (; channel + VL <= w->channels; channel += VL) {
    wg_transform_vector(T, 0, pixels, channel, VL, target + channel, point_stride);
  }
  if (channel < w->channels) {
    wg_transform_vector(T, 1, pixels, channel, w->channels - channel, target + channel, point_stride);
  }
}

// The products of one wg_tile with one vector of filters, back to pixels of output.
INLINE void wg_write(
    const int T, const zoo_winograd *w, int index, const float *products, ptrdiff_t point_stride, int column,
    int count) {
  const zoo_window *g = &w->window;
  int image, oy, ox;
  wg_position(w, index, &image, &oy, &ox);
  const int height = min_int(T - 2, g->out_height - oy), width = min_int(T - 2, g->out_width - ox);
  vf s[wg_most - 2][wg_most];
  UNROLL for (int j = 0; j < T; j++) {
    vf m[wg_most];
    UNROLL for (int i = 0; i < T; i++) m[i] = v_load(products + (i * T + j) * point_stride);
    wg_output(T, m);
    UNROLL for (int i = 0; i < T - 2; i++) s[i][j] = m[i];
  }
  const vf bias = v_load(w->bias + column);
  if (w->pooled) {
    UNROLL for (int i = 0; i < T - 2; i++) wg_output(T, s[i]);
    const int pooled_width = g->out_width / 2;
    for (int i = 0; i + 1 < height; i += 2) {
      const ptrdiff_t row = (ptrdiff_t)image * (g->out_height / 2) + (oy + i) / 2;
      float *output = w->output + (row * pooled_width + ox / 2) * g->out_pixel + column;
      for (int j = 0; j + 1 < width; j += 2, output += g->out_pixel) {
        const vf most = v_max(v_max(s[i][j], s[i][j + 1]), v_max(s[i + 1][j], s[i + 1][j + 1]));
        v_store_up_to(output, v_clamp(v_add(most, bias), w->lo, w->hi), count);
      }
    }
    return;
  }
  for (int i = 0; i < height; i++) {
    wg_output(T, s[i]);
    const ptrdiff_t pixel = ((ptrdiff_t)image * g->out_height + oy + i) * g->out_width + ox;
    float *output = w->output + pixel * g->out_pixel + column;
    const float *residual = w->residual ? w->residual + pixel * w->residual_pixel + column : NULL;
    const float *mask = w->mask.values ? w->mask.values + pixel * w->mask.pixel + column : NULL;
    for (int j = 0; j < width; j++) {
      vf y = v_add(s[i][j], bias);
      if (residual) y = v_add(y, v_load_up_to(residual + j * w->residual_pixel, count));
      y = v_clamp(y, w->lo, w->hi);
      if (mask) y = v_masked(y, v_load_up_to(mask + j * w->mask.pixel, count), w->mask.hi);
      v_store_up_to(output + j * g->out_pixel, y, count);
    }
  }
}

// The products of one point of all wg_tiles with one panel's weights for it; `products` has rows of whole panels.
INLINE void wg_multiply(
    const zoo_winograd *w, const float *inputs, ptrdiff_t stride, int count, const float *weights, int vectors,
    float *products, const float *next) {
  static const int block_rows[3] = {MR_1, MR_2, MR_3};
  static const float zeros[3 * VL] = {0};
  const int width = vectors * VL, block_count = (count + block_rows[vectors - 1] - 1) / block_rows[vectors - 1];
  const zoo_convolution product = {
    .window = {.kernel_height = 1, .kernel_width = 1, .out_pixel = width}, .run = w->channels,
    .lo = -__builtin_inff(), .hi = __builtin_inff()};
  block_arguments t = {
    .weights = weights, .bias = zeros, .output = products, .last = VL,
    .prefetch_step = (width * (ptrdiff_t)sizeof(float) + block_count - 1) / block_count};
  for (int i = 0, done = 0; i < block_count; i++) {
    const int size = part_size(count, block_count, i);
    const float *rows[MR_1];
    for (int m = 0; m < size; m++) rows[m] = inputs + (done + m) * stride;
    t.rows = rows;
    t.prefetch = (const char *)next + i * t.prefetch_step * w->channels;
    register_blocks[vectors - 1][size](&product, &t);
    t.output += (ptrdiff_t)size * width;
    done += size;
  }
}

// One block of wg_tiles with a group of panels.
INLINE void wg_block(
    const int T, const zoo_winograd *w, int first, int count, int first_panel, int end_panel, float *scratch) {
  // Strides off the powers of two keep the rows of a register block in different sets of the cache.
  const ptrdiff_t stride = w->channels + 16, input_points = stride * count;
  float *inputs = scratch, *products = scratch + T * T * input_points;
  for (int i = 0; i < count; i++) wg_transform(T, w, first + i, inputs + i * stride, input_points);
  const int panel_count = panels(w->columns);
  const ptrdiff_t panel_weights = (ptrdiff_t)(T * T) * w->channels * 2 * VL;
  const ptrdiff_t panel_products = (ptrdiff_t)(T * T) * count * 2 * VL;
  for (int from = first_panel; from < end_panel; from += w->panels_at_once) {
    const int end = min_int(from + w->panels_at_once, end_panel);
    for (int point = 0; point < T * T; point++) {
      for (int panel = from; panel < end; panel++) {
        const int vectors = panel == panel_count - 1 ? last_panel_vectors(w->columns) : 2;
        const ptrdiff_t slice = (ptrdiff_t)w->channels * vectors * VL;
        const float *weights = w->weights + panel * panel_weights + point * slice;
        // What comes next: another panel's weights for the point, or the first one's for the next.
        const float *next = panel + 1 < end ? w->weights + (panel + 1) * panel_weights + point * slice
                                            : w->weights + from * panel_weights + (point + 1) * slice;
        wg_multiply(
            w, inputs + point * input_points, stride, count, weights, vectors,
            products + (panel - from) * panel_products + (ptrdiff_t)point * vectors * VL * count, next);
      }
    }
    for (int panel = from; panel < end; panel++) {
      const int vectors = panel == panel_count - 1 ? last_panel_vectors(w->columns) : 2;
      const int width = vectors * VL, column = panel * 2 * VL;
      for (int i = 0; i < count; i++) {
        for (int n = 0; n < vectors; n++) {
          const int used = min_int(VL, w->columns - column - n * VL);
          wg_write(
              T, w, first + i, products + (panel - from) * panel_products + i * width + n * VL,
              (ptrdiff_t)width * count, column + n * VL, used);
        }
      }
    }
  }
}

INLINE void wg_units(const int T, const zoo_winograd *w, int begin, int end) {
  const zoo_window *g = &w->window;
  const int outputs = T - 2;
  const int down = (g->out_height + outputs - 1) / outputs, across = (g->out_width + outputs - 1) / outputs;
  const int wg_tile_count = max_int(w->images, 1) * down * across;
  float *memory = w->scratch + zoo_thread_index() * w->slot_floats;
  for (int unit = begin; unit < end; unit++) {
    const product_unit u =
        unit_of_product(unit, wg_tile_count, w->wg_tile_block, panels(w->columns), w->panel_group, 0);
    wg_block(T, w, u.row, u.rows, u.panel, u.end_panel, memory);
  }
}

static void winograd(const void *arguments, int32_t begin, int32_t end) {
  const zoo_winograd *w = arguments;
  if (w->outputs == 4) wg_units(6, w, begin, end); else wg_units(4, w, begin, end);
}
