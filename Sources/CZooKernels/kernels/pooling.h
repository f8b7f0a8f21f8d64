// Pooling over windows and over whole images.
#pragma once

#include "prelude.h"

INLINE vf pool_start(const int AVERAGE) { return v_set(AVERAGE ? 0 : -__builtin_inff()); }

INLINE vf pool_add(const int AVERAGE, vf a, vf b) { return AVERAGE ? v_add(a, b) : v_max(a, b); }

INLINE void pool_store(const zoo_pooling *p, vf value, ptrdiff_t pixel, int channel, int count) {
  value = v_mul(v_set(p->factor), value);
  if (p->residual) value = v_add(value, v_load_up_to(p->residual + pixel * p->residual_pixel + channel, count));
  value = v_clamp(value, p->lo, p->hi);
  float *output = p->output + pixel * p->window.out_pixel + channel;
  v_store_up_to(output, value, count);
}

// One vector of channels of the part of a window that is inside, `rows` x `columns` from `input` on.
// KW: how many rows and columns that is for whole windows, or 0 for any number; PART: whether these are the
// last few channels, fewer than a vector.
INLINE vf pool_window(
    const int AVERAGE, const int KW, const int PART, const zoo_pooling *p, const float *input, int rows,
    int columns, int count) {
  const zoo_window *g = &p->window;
  vf result = pool_start(AVERAGE);
  if (KW && rows == KW) {
    UNROLL for (int i = 0; i < KW; i++, input += g->in_row) {
      UNROLL for (int j = 0; j < KW; j++) {
        result = pool_add(AVERAGE, result, v_load_up_to(input + j * g->in_pixel, PART ? count : VL));
      }
    }
    return result;
  }
  for (int i = 0; i < rows; i++, input += g->in_row) {
    for (int j = 0; j < columns; j++) {
      result = pool_add(AVERAGE, result, v_load_up_to(input + j * g->in_pixel, PART ? count : VL));
    }
  }
  return result;
}

// One output pixel, whose window has rows [y, y_end) and columns [x, x_end) inside.
INLINE void pool_pixel(
    const int AVERAGE, const int KW, const zoo_pooling *p, int y, int y_end, int x, int x_end,
    ptrdiff_t pixel) {
  const zoo_window *g = &p->window;
  const float *input = p->input + y * g->in_row + x * g->in_pixel;
  const int rows = y_end - y, columns = x_end - x;
  const int whole = g->kernel_height * g->kernel_width, inside = max_int(rows, 0) * max_int(columns, 0);
  const vf divisor = v_set(AVERAGE ? 1.0f / (float)(p->zeros ? whole : max_int(inside, 1)) : 1);
  const vf least = v_set(!AVERAGE && p->zeros && inside < whole ? 0 : -__builtin_inff());
  int channel = 0;
  for (; channel + VL <= p->channels; channel += VL) {
    vf result = pool_window(AVERAGE, KW, 0, p, input + channel, rows, columns, VL);
    result = AVERAGE ? v_mul(result, divisor) : v_max(least, result);
    pool_store(p, result, pixel, channel, VL);
  }
  if (channel < p->channels) {
    const int count = p->channels - channel;
    vf result = pool_window(AVERAGE, KW, 1, p, input + channel, rows, columns, count);
    result = AVERAGE ? v_mul(result, divisor) : v_max(least, result);
    pool_store(p, result, pixel, channel, count);
  }
}

INLINE void pool_row(const int AVERAGE, const zoo_pooling *p, int oy) {
  const zoo_window *g = &p->window;
  const int y0 = oy * g->stride_height - g->pad_top;
  const int y = max_int(y0, 0), y_end = min_int(y0 + g->kernel_height, g->in_height);
  ptrdiff_t pixel = (ptrdiff_t)oy * g->out_width;
  for (int ox = 0; ox < g->out_width; ox++, pixel++) {
    const int x0 = ox * g->stride_width - g->pad_left;
    const int x = max_int(x0, 0), x_end = min_int(x0 + g->kernel_width, g->in_width);
    switch (x_end - x) {
      case 1: pool_pixel(AVERAGE, 1, p, y, y_end, x, x_end, pixel); break;
      case 2: pool_pixel(AVERAGE, 2, p, y, y_end, x, x_end, pixel); break;
      case 3: pool_pixel(AVERAGE, 3, p, y, y_end, x, x_end, pixel); break;
      default: pool_pixel(AVERAGE, 0, p, y, y_end, x, x_end, pixel);
    }
  }
}

// 3x3 windows, stride 1: seven outputs of a row at once, so that each column is summed once for the three
// windows it is part of. EDGE: whether the first or the last of the nine columns may lie outside.
enum { pool_outputs = 7 };

INLINE void pool_strip(
    const int AVERAGE, const int EDGE, const int PART, const zoo_pooling *p, int y, int y_end, int x,
    ptrdiff_t pixel, int channel, int count) {
  const zoo_window *g = &p->window;
  const float *input = p->input + y * g->in_row + x * g->in_pixel + channel;
  const int before = EDGE && x < 0, behind = EDGE && x + pool_outputs + 2 > g->in_width;
  if (!PART) count = VL;
  const int rows = y_end - y;
  vf column[pool_outputs + 2];
  UNROLL for (int i = 0; i < pool_outputs + 2; i++) {
    column[i] = pool_start(AVERAGE);
    if ((i == 0 && before) || (i == pool_outputs + 1 && behind)) continue;
    const float *top = input + i * g->in_pixel;
    column[i] = v_load_up_to(top, count);
    if (rows > 1) column[i] = pool_add(AVERAGE, column[i], v_load_up_to(top + g->in_row, count));
    if (rows > 2) column[i] = pool_add(AVERAGE, column[i], v_load_up_to(top + 2 * g->in_row, count));
  }
  const vf whole = v_set(1.0f / (float)(3 * rows)), less = v_set(1.0f / (float)(2 * rows));
  UNROLL for (int j = 0; j < pool_outputs; j++) {
    vf result = pool_add(AVERAGE, pool_add(AVERAGE, column[j], column[j + 1]), column[j + 2]);
    if (AVERAGE) {
      const int short_by_one = (j == 0 && before) || (j == pool_outputs - 1 && behind);
      result = v_mul(result, short_by_one ? less : whole);
    }
    pool_store(p, result, pixel + j, channel, count);
  }
}

INLINE void pool_row_of_threes(const int AVERAGE, const zoo_pooling *p, int oy) {
  const zoo_window *g = &p->window;
  const int y0 = oy - g->pad_top;
  const int y = max_int(y0, 0), y_end = min_int(y0 + 3, g->in_height);
  for (int ox = 0; ox < g->out_width; ox += pool_outputs) {
    const int start = min_int(ox, g->out_width - pool_outputs);
    const int x = start - g->pad_left;
    const int edge = x < 0 || x + pool_outputs + 2 > g->in_width;
    const ptrdiff_t pixel = (ptrdiff_t)oy * g->out_width + start;
    int channel = 0;
    for (; channel + VL <= p->channels; channel += VL) {
      if (edge) pool_strip(AVERAGE, 1, 0, p, y, y_end, x, pixel, channel, VL);
      else pool_strip(AVERAGE, 0, 0, p, y, y_end, x, pixel, channel, VL);
    }
    if (channel < p->channels) pool_strip(AVERAGE, 1, 1, p, y, y_end, x, pixel, channel, p->channels - channel);
  }
}

// Whether every window has a row inside, and at most one column outside.
INLINE int pool_has_threes(const zoo_pooling *p) {
  const zoo_window *g = &p->window;
  return g->kernel_height == 3 && g->kernel_width == 3 && g->stride_width == 1 && g->stride_height == 1 &&
         !p->zeros && g->out_width >= pool_outputs && g->pad_left >= 0 && g->pad_left <= 1 && g->pad_top >= 0 &&
         g->pad_top <= 2 && g->out_width - g->pad_left + 1 <= g->in_width &&
         g->out_height - g->pad_top <= g->in_height;
}

static void pooling(const void *arguments, int32_t begin, int32_t end) {
  const zoo_pooling *p = arguments;
  const int threes = pool_has_threes(p);
  for (int oy = begin; oy < end; oy++) {
    if (threes) {
      if (p->average) pool_row_of_threes(1, p, oy); else pool_row_of_threes(0, p, oy);
    } else {
      if (p->average) pool_row(1, p, oy); else pool_row(0, p, oy);
    }
  }
}

static void global_pooling(const void *arguments, int32_t begin, int32_t end) {
  const zoo_global_pooling *p = arguments;
  for (int channel = begin * 16; channel < min_int(end * 16, p->channels); channel += VL) {
    const int count = min_int(VL, p->channels - channel);
    vf total = v_set(p->average ? 0 : -__builtin_inff());
    for (int y = 0; y < p->height; y++) {
      // A sum for each row keeps the rounding small on large images.
      vf sum = v_set(p->average ? 0 : -__builtin_inff());
      for (int x = 0; x < p->width; x++) {
        vf value = v_load_n(p->input + y * p->in_row + x * p->in_pixel + channel, count);
        sum = p->average ? v_add(sum, value) : v_max(sum, value);
      }
      total = p->average ? v_add(total, sum) : v_max(total, sum);
    }
    if (p->average) total = v_mul(total, v_set((float)(1.0 / ((double)p->height * p->width))));
    v_store_n(p->output + channel, total, count);
  }
}
