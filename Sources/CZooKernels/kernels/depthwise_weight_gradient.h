// The gradient of a depthwise convolution's weights.
//
// For a vector of channels the sums of some rows of the window stay in registers along a row of the output's gradient, of
// which a strip at a time does too; every input that is read then meets all gradients of the strip that it was
// multiplied for. The sums of a block of rows are collected in scratch memory, and the blocks' sums are added in order.
#pragma once

#include "depthwise.h"
#include "prelude.h"

#if REGISTERS >= 32
enum { dww_outputs = 7 };
#else
enum { dww_outputs = 4 };
#endif
// About so many pixels are a block.
enum { dww_pixels = 512 };

typedef struct {
  const zoo_depthwise_weight_gradient *d;
  const float *input, *gradient;  // of the image
  float *sums;                    // (taps + 1, filters): of each tap and, last, of the gradient
  ptrdiff_t filters;
} dww_image;

// KH: rows of the window at once; S: its stride; J: outputs from `ox` on; EDGE: whether only some `columns`, a bit
// each, lie inside. `input`: what the first row and column of the window meets; `rows`: which of KH rows lie inside.
INLINE void dww_strip(
    const int KH, const int KW, const int S, const int J, const int EDGE, const zoo_window *g, const float *gradient,
    const float *input, unsigned rows, unsigned columns, int count, vf sum[3][7], vf *total) {
  vf values[J];
  UNROLL for (int j = 0; j < J; j++) {
    values[j] = v_load_up_to(gradient + j * g->out_pixel, count);
    *total = v_add(*total, values[j]);
  }
  UNROLL for (int ky = 0; ky < KH; ky++) {
    if (!(rows >> ky & 1)) continue;
    UNROLL for (int n = 0; n < (J - 1) * S + KW; n++) {
      if (EDGE && !(columns >> n & 1)) continue;
      const vf x = v_load_up_to(input + ky * g->in_row + n * g->in_pixel, count);
      UNROLL for (int j = 0; j < J; j++) {
        const int kx = n - j * S;
        if (kx >= 0 && kx < KW) sum[ky][kx] = v_fma(x, values[j], sum[ky][kx]);
      }
    }
  }
}

// A row of the gradient, `count` channels: KH rows of the window from `from` on.
INLINE void dww_vector(
    const int KH, const int KW, const int S, const int PART, const dww_image *i, const zoo_window *g, int oy, int from,
    int channel, int count) {
  const float *gradient = i->gradient + (ptrdiff_t)oy * g->out_width * g->out_pixel + channel;
  const int y = oy * g->stride_height - g->pad_top + from;
  const float *input = i->input + y * g->in_row + channel - g->pad_left * g->in_pixel;
  const unsigned rows = columns_inside(y, KH, g->in_height);
  float *sums = i->sums + channel;
  const int taps = g->kernel_height * KW, reach = (dww_outputs - 1) * S + KW;
  vf sum[3][7], total = v_set(0);
  UNROLL for (int ky = 0; ky < KH; ky++) {
    UNROLL for (int kx = 0; kx < KW; kx++) sum[ky][kx] = v_load(sums + ((from + ky) * KW + kx) * i->filters);
  }
  int ox = 0;
  ROLLED for (; ox + dww_outputs <= g->out_width; ox += dww_outputs) {
    const unsigned columns = columns_inside(ox * S - g->pad_left, reach, g->in_width);
    if (PART || columns != (1u << reach) - 1) {
      dww_strip(KH, KW, S, dww_outputs, 1, g, gradient, input, rows, columns, count, sum, &total);
    } else {
      dww_strip(KH, KW, S, dww_outputs, 0, g, gradient, input, rows, columns, count, sum, &total);
    }
    gradient += dww_outputs * g->out_pixel;
    input += dww_outputs * S * g->in_pixel;
  }
  ROLLED for (; ox < g->out_width; ox++) {
    const unsigned columns = columns_inside(ox * S - g->pad_left, KW, g->in_width);
    dww_strip(KH, KW, S, 1, 1, g, gradient, input, rows, columns, count, sum, &total);
    gradient += g->out_pixel;
    input += S * g->in_pixel;
  }
  UNROLL for (int ky = 0; ky < KH; ky++) {
    UNROLL for (int kx = 0; kx < KW; kx++) v_store(sums + ((from + ky) * KW + kx) * i->filters, sum[ky][kx]);
  }
  float *totals = sums + taps * i->filters;
  if (from == 0) v_store(totals, v_add(v_load(totals), total));
}

// Row `oy` of the gradient, channels `first ..< end`.
INLINE void dww_row(
    const int KH, const int KW, const int S, const dww_image *i, int oy, int first, int end) {
  // A copy, which no value that is written can be a part of.
  const zoo_window window = i->d->window;
  for (int channel = first; channel < end; channel += VL) {
    const int count = min_int(VL, end - channel);
    for (int from = 0; from < window.kernel_height; from += KH) {
      if (count == VL) dww_vector(KH, KW, S, 0, i, &window, oy, from, channel, VL);
      else dww_vector(KH, KW, S, 1, i, &window, oy, from, channel, count);
    }
  }
}

#define DWW_ROW(KH, KW, S) \
  static __attribute__((noinline)) void dww_row_##KW##_##S( \
      const dww_image *i, int oy, int first, int end) { \
    dww_row(KH, KW, S, i, oy, first, end); \
  }
DWW_ROW(3, 3, 1) DWW_ROW(3, 3, 2) DWW_ROW(1, 5, 1) DWW_ROW(1, 5, 2) DWW_ROW(1, 7, 1) DWW_ROW(1, 7, 2)

// Any window and multiplier, one output at a time.
static void dww_row_any(const dww_image *i, int oy, int first, int end) {
  const zoo_depthwise_weight_gradient *d = i->d;
  const zoo_window *g = &d->window;
  const int taps = g->kernel_height * g->kernel_width;
  for (int ox = 0; ox < g->out_width; ox++) {
    const float *gradient = i->gradient + ((ptrdiff_t)oy * g->out_width + ox) * g->out_pixel;
    for (int tap = 0; tap <= taps; tap++) {
      float *sums = i->sums + tap * i->filters;
      const int y = oy * g->stride_height - g->pad_top + tap / g->kernel_width * g->dilation_height;
      const int x = ox * g->stride_width - g->pad_left + tap % g->kernel_width * g->dilation_width;
      const int inside = y >= 0 && y < g->in_height && x >= 0 && x < g->in_width;
      if (tap == taps) {
        for (int filter = first; filter < end; filter++) sums[filter] += gradient[filter];
      } else if (inside) {
        const float *input = i->input + y * g->in_row + x * g->in_pixel;
        for (int filter = first; filter < end; filter++) {
          sums[filter] += input[filter / d->multiplier] * gradient[filter];
        }
      }
    }
  }
}

// Adds the sums of a block to what becomes the gradient.
static void dww_add(const dww_image *i, int first, int end, int add) {
  const zoo_depthwise_weight_gradient *d = i->d;
  const int taps = d->window.kernel_height * d->window.kernel_width;
  for (int tap = 0; tap < taps; tap++) {
    float *weights = d->weights + tap * d->stride;
    const float *sums = i->sums + tap * i->filters;
    for (int filter = first; filter < end; filter++) weights[filter] = (add ? weights[filter] : 0) + sums[filter];
  }
  if (!d->column_sums) return;
  const float *sums = i->sums + taps * i->filters;
  for (int filter = first; filter < end; filter++) {
    d->column_sums[filter] = (add ? d->column_sums[filter] : 0) + (double)sums[filter];
  }
}

static void depthwise_weight_gradient(const void *arguments, int32_t begin, int32_t end) {
  const zoo_depthwise_weight_gradient *d = arguments;
  const zoo_window *g = &d->window;
  const int filters = d->channels * d->multiplier, taps = g->kernel_height * g->kernel_width;
  const int first = begin * 16, stop = min_int(end * 16, filters);
  const int one = d->multiplier == 1 && g->dilation_height == 1 && g->dilation_width == 1;
  void (*row)(const dww_image *, int, int, int) = dww_row_any;
  if (one && g->stride_height == g->stride_width) {
    switch (g->kernel_width * 4 + g->stride_width) {
      case 3 * 4 + 1: row = g->kernel_height == 3 ? dww_row_3_1 : dww_row_any; break;
      case 3 * 4 + 2: row = g->kernel_height == 3 ? dww_row_3_2 : dww_row_any; break;
      case 5 * 4 + 1: row = dww_row_5_1; break;
      case 5 * 4 + 2: row = dww_row_5_2; break;
      case 7 * 4 + 1: row = dww_row_7_1; break;
      case 7 * 4 + 2: row = dww_row_7_2; break;
    }
  }
  const int rows = max_int(1, dww_pixels / g->out_width);
  dww_image image = {
    .d = d, .sums = d->scratch + zoo_thread_index() * d->slot_floats, .filters = (filters + 15) / 16 * 16};
  for (int n = 0; n < d->images; n++) {
    image.input = d->input + n * d->in_image;
    image.gradient = d->gradient + n * d->out_image;
    for (int from = 0; from < g->out_height; from += rows) {
      for (int tap = 0; tap <= taps; tap++) {
        memset(image.sums + tap * image.filters + first, 0, (size_t)(end * 16 - first) * sizeof(float));
      }
      for (int oy = from; oy < min_int(from + rows, g->out_height); oy++) row(&image, oy, first, stop);
      dww_add(&image, first, stop, d->accumulate || n > 0 || from > 0);
    }
  }
}
