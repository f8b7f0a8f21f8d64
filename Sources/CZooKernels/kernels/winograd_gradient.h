// The gradient of the weights of a 3x3 convolution by Winograd's algorithm: the adjoint of the forward transforms (see
// winograd.h). Where y = A^T [(G w G^T) . (B^T x B)] A for each wg_tile, dw = G^T [sum of (A dy A^T) . (B^T x B)] G.
//
// A block of wg_tiles is transformed at a time; for each point the sums over its wg_tiles are those of a product, and
// stay in scratch memory until all blocks are done.
#pragma once

#include "weight_gradient.h"
#include "winograd.h"

// A d for one vector d of T - 2, in place: the result is T.
INLINE void wgg_output(const int T, vf *d) {
  const vf minus = v_set(-1);
  if (T == 4) {
    const vf d0 = d[0], d1 = d[1];
    d[1] = v_add(d0, d1);
    d[2] = v_fma(minus, d1, d0);
    d[3] = v_mul(minus, d1);
    return;
  }
  const vf half = v_set(0.5f), two = v_set(2), p = v_set(wg_p), q = v_set(wg_q);
  const vf d1 = d[1], d3 = d[3];
  const vf even_p = v_fma(half, d[2], d[0]), even_q = v_fma(two, d[2], d[0]);
  const vf odd_p = v_mul(p, v_fma(half, d3, d1)), odd_q = v_mul(q, v_fma(two, d3, d1));
  d[1] = v_add(even_p, odd_p);
  d[2] = v_fma(minus, odd_p, even_p);
  d[3] = v_add(even_q, odd_q);
  d[4] = v_fma(minus, odd_q, even_q);
  d[5] = d3;
}

// G^T m for one vector m of T; the result is the first 3.
INLINE void wgg_weights(const int T, vf *m) {
  const vf minus = v_set(-1);
  if (T == 4) {
    const vf half = v_set(0.5f);
    const vf sum = v_mul(half, v_add(m[1], m[2])), difference = v_mul(half, v_fma(minus, m[2], m[1]));
    m[0] = v_add(m[0], sum);
    m[1] = difference;
    m[2] = v_add(sum, m[3]);
    return;
  }
  const vf sum_p = v_add(m[1], m[2]), sum_q = v_add(m[3], m[4]);
  const vf diff_p = v_fma(minus, m[2], m[1]), diff_q = v_fma(minus, m[4], m[3]);
  m[0] = v_add(m[0], v_fma(v_set(-2.0f / 3), sum_p, v_mul(v_set(1.0f / 6), sum_q)));
  m[1] = v_fma(v_set(-2 * wg_p / 3), diff_p, v_mul(v_set(wg_q / 6), diff_q));
  m[2] = v_add(m[5], v_fma(v_set(-1.0f / 3), sum_p, v_mul(v_set(1.0f / 3), sum_q)));
}

// The columns `column ..< column + N * VL` of the output's gradient in one wg_tile, as T * T points `point_stride`
// floats apart; adds them up to `sum`. `used`: columns of the last vector.
INLINE void wgg_transform(
    const int T, const int N, const zoo_winograd_gradient *w, int image, int index, int column, int used,
    float *target, ptrdiff_t point_stride, vf *sum) {
  const zoo_window *g = &w->window;
  const int outputs = T - 2, across = (g->out_width + outputs - 1) / outputs;
  const int oy = index / across * outputs, ox = index % across * outputs;
  const float *pixels[wg_most - 2][wg_most - 2];
  for (int i = 0; i < outputs; i++) {
    for (int j = 0; j < outputs; j++) {
      const ptrdiff_t pixel = (ptrdiff_t)(oy + i) * g->out_width + ox + j;
      const int inside = oy + i < g->out_height && ox + j < g->out_width;
      pixels[i][j] = inside ? w->gradient + image * w->out_image + pixel * g->out_pixel + column : w->zero;
    }
  }
  UNROLL for (int n = 0; n < N; n++) {
    const int count = n == N - 1 ? used : VL;
    vf t[wg_most][wg_most];
    UNROLL for (int j = 0; j < outputs; j++) {
      vf d[wg_most];
      UNROLL for (int i = 0; i < outputs; i++) {
        d[i] = v_load_up_to(pixels[i][j] + n * VL, count);
        sum[n] = v_add(sum[n], d[i]);
      }
      wgg_output(T, d);
      UNROLL for (int i = 0; i < T; i++) t[i][j] = d[i];
    }
    UNROLL for (int i = 0; i < T; i++) {
      wgg_output(T, t[i]);
      UNROLL for (int j = 0; j < T; j++) v_store(target + (i * T + j) * point_stride + n * VL, t[i][j]);
    }
  }
}

// The sums of all points, `stride` floats from channel to channel, back to weights.
INLINE void wgg_write(
    const int T, const zoo_winograd_gradient *w, int channel, int channels, int column, int columns,
    const float *points, ptrdiff_t stride) {
  const ptrdiff_t point_stride = w->channel_group * stride;
  for (int row = 0; row < channels; row++) {
    for (int from = 0; from < columns; from += VL) {
      const int used = min_int(VL, columns - from);
      vf s[3][wg_most];
      UNROLL for (int j = 0; j < T; j++) {
        vf m[wg_most];
        UNROLL for (int i = 0; i < T; i++) {
          m[i] = v_load(points + (i * T + j) * point_stride + row * stride + from);
        }
        wgg_weights(T, m);
        UNROLL for (int i = 0; i < 3; i++) s[i][j] = m[i];
      }
      UNROLL for (int i = 0; i < 3; i++) {
        wgg_weights(T, s[i]);
        UNROLL for (int j = 0; j < 3; j++) {
          const ptrdiff_t weight = (ptrdiff_t)(i * 3 + j) * w->channels + channel + row;
          float *weights = w->weights + weight * w->stride + column + from;
          vf y = s[i][j];
          if (w->accumulate) y = v_add(v_load_up_to(weights, used), y);
          v_store_up_to(weights, y, used);
        }
      }
    }
  }
}

// One group of channels by one of columns.
INLINE void wgg_unit(
    const int T, const zoo_winograd_gradient *w, int channel, int channels, int column, int columns,
    float *scratch) {
  enum { block = zoo_gradient_tiles };
  const zoo_window *g = &w->window;
  const int outputs = T - 2;
  const int each = ((g->out_height + outputs - 1) / outputs) * ((g->out_width + outputs - 1) / outputs);
  const int all = w->images * each, tiles = (channels + MR_2 - 1) / MR_2;
  // As in winograd.h: off the powers of two.
  const ptrdiff_t step = w->channel_group + 16, stride = w->column_group;
  const ptrdiff_t input_points = block * step, gradient_points = block * 2 * VL, sum_points = w->channel_group * stride;
  float *inputs = scratch, *gradients = inputs + T * T * input_points, *sums = gradients + T * T * gradient_points;
  zoo_winograd forward = {.window = *g, .zero = w->zero, .channels = channels, .outputs = outputs};
  for (int first = 0; first < all; first += block) {
    const int count = min_int(block, all - first);
    for (int i = 0; i < count; i++) {
      const int image = (first + i) / each;
      forward.input = w->input + image * w->in_image + channel;
      wg_transform(T, &forward, first + i - image * each, inputs + i * step, input_points);
    }
    for (int from = 0; from < columns; from += 2 * VL) {
      const int some = min_int(2 * VL, columns - from), vectors = (some + VL - 1) / VL;
      const int used = some - (vectors - 1) * VL;
      vf total[2] = {v_set(0), v_set(0)};
      for (int i = 0; i < count; i++) {
        const int image = (first + i) / each, index = first + i - image * each;
        float *target = gradients + i * vectors * VL;
        if (vectors == 2) {
          wgg_transform(T, 2, w, image, index, column + from, used, target, gradient_points, total);
        } else {
          wgg_transform(T, 1, w, image, index, column + from, used, target, gradient_points, total);
        }
      }
      if (w->column_sums && channel == 0) {
        float values[2 * VL];
        v_store(values, total[0]);
        v_store(values + VL, total[1]);
        wgr_add_sums(w->column_sums + column + from, values, some, w->accumulate || first > 0);
      }
      for (int point = 0; point < T * T; point++) {
        for (int tile = 0; tile < tiles; tile++) {
          const int at = channels * tile / tiles, size = channels * (tile + 1) / tiles - at;
          const wgr_block t = {
            .input = inputs + point * input_points + at, .gradient = gradients + point * gradient_points,
            .input_step = step, .weights = sums + point * sum_points + at * stride + from, .stride = stride,
            .count = count, .last = VL, .add = first > 0};
          wgr_blocks[size][vectors - 1](&t);
        }
      }
    }
  }
  wgg_write(T, w, channel, channels, column, columns, sums, stride);
}

#define WGG_UNIT(T) \
  static __attribute__((noinline)) void wgg_unit_##T( \
      const zoo_winograd_gradient *w, int channel, int channels, int column, int columns, float *scratch) { \
    wgg_unit(T, w, channel, channels, column, columns, scratch); \
  }
WGG_UNIT(4) WGG_UNIT(6)

static void winograd_gradient(const void *arguments, int32_t begin, int32_t end) {
  const zoo_winograd_gradient *w = arguments;
  float *memory = w->scratch + zoo_thread_index() * w->slot_floats;
  const int groups = (w->columns + w->column_group - 1) / w->column_group;
  for (int unit = begin; unit < end; unit++) {
    const int column = unit % groups * w->column_group, channel = unit / groups * w->channel_group;
    const int columns = min_int(w->column_group, w->columns - column);
    const int channels = min_int(w->channel_group, w->channels - channel);
    if (w->outputs == 4) wgg_unit_6(w, channel, channels, column, columns, memory);
    else wgg_unit_4(w, channel, channels, column, columns, memory);
  }
}
