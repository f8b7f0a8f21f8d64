// Depthwise convolution.
//
// The usual windows (3, 5, 7 wide, stride 1 or 2, no dilation, multiplier 1) take a strip of seven outputs of a
// row at once, with the channels in the loop inside: a row of the filter stays in registers and every input
// vector that is read serves all outputs that it belongs to. Seven divides the widths of most networks;
// at the end of other rows the last strip is moved back over outputs that are already there. 3x3 windows of
// stride 1 also go down the rows, where there are registers for three rows of sums.
#pragma once

#include "prelude.h"

enum { dw_outputs = 7, dw_together = 32 };

// Which of `count` columns from `first` on, at most 31, lie in an image, a bit each.
INLINE unsigned columns_inside(int first, int count, int width) {
  const int begin = min_int(max_int(-first, 0), count), end = min_int(max_int(width - first, 0), count);
  return ((1u << end) - 1) & ~((1u << begin) - 1);
}

// KW, S: window width and stride; ROWS: 2 where the output row below is computed too, from the same input,
// for stride 1; EDGE: whether only some `columns`, a bit each, lie inside; BELOW: whether the input is cut off at in_lo;
// PART: whether these are the last few channels, fewer than a vector.

// One vector of output. `mask`: where its mask is, or null.
INLINE void dw_store(
    const int PART, const zoo_depthwise *d, vf sum, float *output, const float *mask, int count) {
  vf value = v_clamp(sum, d->lo, d->hi);
  if (mask) value = v_masked(value, PART ? v_load_n(mask, count) : v_load(mask), d->mask.hi);
  if (PART) v_store_n(output, value, count); else v_store(output, value);
}

INLINE const float *dw_mask(const zoo_depthwise *d, ptrdiff_t pixel, int channel) {
  return d->mask.values ? d->mask.values + pixel * d->mask.pixel + channel : NULL;
}

// One row of input, whose part in output rows FIRST ..< END of the strip is by the row of the filter at
// `weights` and, for the second, by the one above that.
INLINE void dw_add(
    const int KW, const int S, const int FIRST, const int END, const int EDGE, const int BELOW, const int PART,
    const zoo_depthwise *d, const float *row, const float *weights, unsigned columns, int count,
    vf sum[2][dw_outputs]) {
  vf w[2][7];
  UNROLL for (int r = FIRST; r < END; r++) {
    UNROLL for (int kx = 0; kx < KW; kx++) {
      w[r][kx] = v_load(weights + (kx - r * KW) * (ptrdiff_t)d->weight_stride);
    }
  }
  UNROLL for (int i = 0; i < (dw_outputs - 1) * S + KW; i++) {
    if (EDGE && !(columns >> i & 1)) continue;
    const float *p = row + i * d->window.in_pixel;
    vf x = PART ? v_load_n(p, count) : v_load(p);
    if (BELOW) x = v_max(v_set(d->in_lo), x);
    UNROLL for (int r = FIRST; r < END; r++) {
      UNROLL for (int j = 0; j < dw_outputs; j++) {
        if (i - j * S >= 0 && i - j * S < KW) sum[r][j] = v_fma(x, w[r][i - j * S], sum[r][j]);
      }
    }
  }
}

INLINE void dw_strip(
    const int KW, const int S, const int ROWS, const int EDGE, const int BELOW, const int PART,
    const zoo_depthwise *d, int oy, int ox, unsigned columns, int channel, int count) {
  const zoo_window *g = &d->window;
  const int y0 = oy * g->stride_height - g->pad_top, x0 = ox * S - g->pad_left;
  vf sum[2][dw_outputs];
  const vf bias = v_load(d->bias + channel);
  UNROLL for (int j = 0; j < dw_outputs; j++) sum[0][j] = sum[1][j] = bias;
  const int begin = max_int(0, -y0), end = min_int(g->kernel_height + ROWS - 1, g->in_height - y0);
  for (int ky = begin; ky < end; ky++) {
    const float *row = d->input + (y0 + ky) * g->in_row + x0 * g->in_pixel + channel;
    const float *weights = d->weights + (ptrdiff_t)ky * KW * d->weight_stride + channel;
    if (ROWS == 1 || ky == 0) {
      dw_add(KW, S, 0, 1, EDGE, BELOW, PART, d, row, weights, columns, count, sum);
    } else if (ky < g->kernel_height) {
      dw_add(KW, S, 0, 2, EDGE, BELOW, PART, d, row, weights, columns, count, sum);
    } else {
      dw_add(KW, S, 1, 2, EDGE, BELOW, PART, d, row, weights, columns, count, sum);
    }
  }
  UNROLL for (int r = 0; r < ROWS; r++) {
    const ptrdiff_t pixel = (ptrdiff_t)(oy + r) * g->out_width + ox;
    float *output = d->output + pixel * g->out_pixel + channel;
    const float *mask = dw_mask(d, pixel, channel);
    UNROLL for (int j = 0; j < dw_outputs; j++, output += g->out_pixel) {
      dw_store(PART, d, sum[r][j], output, mask, count);
      if (mask) mask += d->mask.pixel;
    }
  }
}

INLINE void dw_channels(
    const int KW, const int S, const int ROWS, const int EDGE, const int BELOW, const zoo_depthwise *d, int oy,
    int ox, unsigned columns, int channel, int stop) {
  for (; channel + VL <= stop; channel += VL) {
    dw_strip(KW, S, ROWS, EDGE, BELOW, 0, d, oy, ox, columns, channel, VL);
  }
  if (channel < stop) dw_strip(KW, S, ROWS, EDGE, BELOW, 1, d, oy, ox, columns, channel, stop - channel);
}

// Columns in the outer loop, then a few channels: what one output row reads is still in the first-level cache for the
// next.
INLINE void dw_rows(
    const int KW, const int S, const int ROWS, const int BELOW, const zoo_depthwise *arguments, int begin, int end) {
  // A copy, which no value that is written can be a part of.
  const zoo_depthwise local = *arguments, *d = &local;
  const zoo_window *g = &d->window;
  const int reach = (dw_outputs - 1) * S + KW;
  // 3x3 windows of stride 1 read so little that going through the image in its own order counts more.
  const int together = KW == 3 && S == 1 ? d->channels : dw_together;
  for (int ox = 0; ox < g->out_width; ox += dw_outputs) {
    const int start = min_int(ox, g->out_width - dw_outputs);
    const int x0 = start * S - g->pad_left;
    const unsigned columns = columns_inside(x0, reach, g->in_width);
    const int edge = columns != (1u << reach) - 1;
    for (int channel = 0, stop; channel < d->channels; channel = stop) {
      stop = min_int(channel + together, d->channels);
      for (int oy = begin; oy < end; oy += ROWS) {
        if (edge) dw_channels(KW, S, ROWS, 1, BELOW, d, oy, start, columns, channel, stop);
        else dw_channels(KW, S, ROWS, 0, BELOW, d, oy, start, columns, channel, stop);
      }
    }
  }
}

#define DW_ROWS(KW, S, ROWS) \
  static __attribute__((noinline)) void dw_rows_##KW##_##S##_##ROWS( \
      const zoo_depthwise *d, int begin, int end) { \
    if (d->in_lo == 0) dw_rows(KW, S, ROWS, 1, d, begin, end); \
    else dw_rows(KW, S, ROWS, 0, d, begin, end); \
  }
DW_ROWS(3, 1, 1) DW_ROWS(3, 2, 1) DW_ROWS(5, 1, 1) DW_ROWS(5, 2, 1) DW_ROWS(7, 1, 1) DW_ROWS(7, 2, 1)

#if REGISTERS >= 32
DW_ROWS(5, 1, 2) DW_ROWS(7, 1, 2)

// A 3x3 window of stride 1 goes down the rows of the image, so that each input vector is read once. Three
// rows of sums are under way: row `y` of the window's top adds to output rows y, y - 1 and y - 2, by the first,
// second and third row of the filter, and completes the last of these.
// FIRST: which of the three rows of sums belongs to output row `y`.
INLINE void dw3_add(
    const int FIRST, const int KY, const int KY_END, const int EDGE, const int BELOW, const int PART,
    const zoo_depthwise *d, const float *input, int x0, int count, const vf w[3][3], vf sum[3][dw_outputs]) {
  const zoo_window *g = &d->window;
  UNROLL for (int i = 0; i < dw_outputs + 2; i++) {
    // `dw3_serves` sees to it that no other column can be outside.
    if (EDGE && i == 0 && x0 < 0) continue;
    if (EDGE && i == dw_outputs + 1 && x0 + i >= g->in_width) continue;
    const float *p = input + i * g->in_pixel;
    vf x = PART ? v_load_n(p, count) : v_load(p);
    if (BELOW) x = v_max(v_set(d->in_lo), x);
    UNROLL for (int ky = KY; ky < KY_END; ky++) {
      UNROLL for (int j = 0; j < dw_outputs; j++) {
        const int row = (FIRST + 3 - ky) % 3;
        if (i - j >= 0 && i - j < 3) sum[row][j] = v_fma(x, w[ky][i - j], sum[row][j]);
      }
    }
  }
}

INLINE void dw3_row(
    const int FIRST, const int EDGE, const int BELOW, const int PART, const zoo_depthwise *d, int y, int begin,
    int end, int x0, const float *input, float *output, const float *mask, int count, const vf w[3][3], vf bias,
    vf sum[3][dw_outputs]) {
  const zoo_window *g = &d->window;
  UNROLL for (int j = 0; j < dw_outputs; j++) sum[FIRST][j] = bias;
  const int row = y - g->pad_top;
  if (row >= 0 && row < g->in_height) {
    input += row * g->in_row;
    if (y >= begin + 2 && y < end) {
      dw3_add(FIRST, 0, 3, EDGE, BELOW, PART, d, input, x0, count, w, sum);
    } else {
      if (y < end) dw3_add(FIRST, 0, 1, EDGE, BELOW, PART, d, input, x0, count, w, sum);
      if (y > begin && y <= end) dw3_add(FIRST, 1, 2, EDGE, BELOW, PART, d, input, x0, count, w, sum);
      if (y >= begin + 2) dw3_add(FIRST, 2, 3, EDGE, BELOW, PART, d, input, x0, count, w, sum);
    }
  }
  if (y < begin + 2) return;
  output += (ptrdiff_t)(y - 2) * g->out_width * g->out_pixel;
  if (mask) mask += (ptrdiff_t)(y - 2) * g->out_width * d->mask.pixel;
  UNROLL for (int j = 0; j < dw_outputs; j++, output += g->out_pixel) {
    dw_store(PART, d, sum[(FIRST + 1) % 3][j], output, mask, count);
    if (mask) mask += d->mask.pixel;
  }
}

// Output rows from `begin` to `end`, columns from `ox` on, one vector of channels.
INLINE void dw3_column(
    const int EDGE, const int BELOW, const int PART, const zoo_depthwise *d, int begin, int end, int ox,
    int channel, int count) {
  const zoo_window *g = &d->window;
  const int x0 = ox - g->pad_left;
  const float *input = d->input + x0 * g->in_pixel + channel;
  float *output = d->output + ox * g->out_pixel + channel;
  const float *mask = dw_mask(d, ox, channel);
  const vf bias = v_load(d->bias + channel);
  vf w[3][3], sum[3][dw_outputs];
  UNROLL for (int i = 0; i < 9; i++) w[i / 3][i % 3] = v_load(d->weights + i * d->weight_stride + channel);
  UNROLL for (int j = 0; j < dw_outputs; j++) sum[0][j] = sum[1][j] = sum[2][j] = bias;
  ROLLED for (int y = begin; y < end + 2; y += 3) {
    dw3_row(0, EDGE, BELOW, PART, d, y, begin, end, x0, input, output, mask, count, w, bias, sum);
    if (y + 1 == end + 2) break;
    dw3_row(1, EDGE, BELOW, PART, d, y + 1, begin, end, x0, input, output, mask, count, w, bias, sum);
    if (y + 2 == end + 2) break;
    dw3_row(2, EDGE, BELOW, PART, d, y + 2, begin, end, x0, input, output, mask, count, w, bias, sum);
  }
}

// Functions of their own: compilers take far longer for all six in one.
#define DW3_COLUMN(EDGE, BELOW, PART) \
  static __attribute__((noinline)) void dw3_column_##EDGE##_##BELOW##_##PART( \
      const zoo_depthwise *d, int begin, int end, int ox, int channel, int count) { \
    dw3_column(EDGE, BELOW, PART, d, begin, end, ox, channel, count); \
  }
#define DW3_COLUMNS(BELOW) DW3_COLUMN(0, BELOW, 0) DW3_COLUMN(1, BELOW, 0) DW3_COLUMN(1, BELOW, 1)
DW3_COLUMNS(0) DW3_COLUMNS(1)

typedef void (*dw3_function)(const zoo_depthwise *, int, int, int, int, int);
#define DW3_ROW(BELOW) {dw3_column_0_##BELOW##_0, dw3_column_1_##BELOW##_0, dw3_column_1_##BELOW##_1}
// By BELOW; then inside the image, at its edge, and there for the last few channels.
static const dw3_function dw3_columns[2][3] = {DW3_ROW(0), DW3_ROW(1)};

static void dw3(const zoo_depthwise *d, int begin, int end) {
  const zoo_window *g = &d->window;
  const dw3_function *columns = dw3_columns[d->in_lo == 0];
  for (int ox = 0; ox < g->out_width; ox += dw_outputs) {
    const int start = min_int(ox, g->out_width - dw_outputs);
    const int x0 = start - g->pad_left;
    const int edge = x0 < 0 || x0 + dw_outputs + 2 > g->in_width;
    int channel = 0;
    for (; channel + VL <= d->channels; channel += VL) columns[edge](d, begin, end, start, channel, VL);
    if (channel < d->channels) columns[2](d, begin, end, start, channel, d->channels - channel);
  }
}

INLINE int dw3_serves(const zoo_window *g) {
  return g->kernel_height == 3 && g->kernel_width == 3 && g->stride_height == 1 && g->stride_width == 1 &&
         g->pad_left >= 0 && g->pad_left <= 1 && g->out_width - g->pad_left + 2 <= g->in_width + 1;
}

// Rows that are done together: few enough that the caches keep a row of strips, and not so few that the first
// and last row of input, which are read twice, weigh much.
INLINE int dw3_block(const zoo_depthwise *d) {
  const ptrdiff_t row = (ptrdiff_t)d->window.in_width * d->channels * (ptrdiff_t)sizeof(float);
  const ptrdiff_t rows = 64 * 1024 / row;
  return rows < 6 ? 6 : rows > 14 ? 14 : (int)rows;
}
#endif

// Any window, one output at a time.
//
// NV: vectors of channels, whose sums don't wait for each other; MULTIPLIED: whether a channel has several filters,
// whose input is gathered. `count`: how many of the last vector's filters there are.
INLINE void dw_output(
    const int NV, const int MULTIPLIED, const int PART, const zoo_depthwise *d, int oy, int ox, int filter, int count) {
  const zoo_window *g = &d->window;
  const int y0 = oy * g->stride_height - g->pad_top, x0 = ox * g->stride_width - g->pad_left;
  vf sum[4];
  UNROLL for (int n = 0; n < NV; n++) sum[n] = v_load(d->bias + filter + n * VL);
  for (int ky = 0; ky < g->kernel_height; ky++) {
    const int y = y0 + ky * g->dilation_height;
    if (y < 0 || y >= g->in_height) continue;
    const float *w = d->weights + (ptrdiff_t)ky * g->kernel_width * d->weight_stride + filter;
    for (int kx = 0; kx < g->kernel_width; kx++, w += d->weight_stride) {
      const int x = x0 + kx * g->dilation_width;
      if (x < 0 || x >= g->in_width) continue;
      const float *p = d->input + y * g->in_row + x * g->in_pixel;
      UNROLL for (int n = 0; n < NV; n++) {
        vf value;
        if (MULTIPLIED) {
          float values[VL] = {0};
          for (int i = 0; i < count; i++) values[i] = p[(filter + i) / d->multiplier];
          value = v_load(values);
        } else {
          value = PART ? v_load_n(p + filter, count) : v_load(p + filter + n * VL);
        }
        sum[n] = v_fma(v_max(v_set(d->in_lo), value), v_load(w + n * VL), sum[n]);
      }
    }
  }
  const ptrdiff_t pixel = (ptrdiff_t)oy * g->out_width + ox;
  UNROLL for (int n = 0; n < NV; n++) {
    const int at = filter + n * VL;
    dw_store(PART, d, sum[n], d->output + pixel * g->out_pixel + at, dw_mask(d, pixel, at), count);
  }
}

static void dw_rows_any(const zoo_depthwise *d, int begin, int end) {
  for (int oy = begin; oy < end; oy++) {
    for (int ox = 0; ox < d->window.out_width; ox++) {
      int channel = 0;
      for (; channel + 4 * VL <= d->channels; channel += 4 * VL) dw_output(4, 0, 0, d, oy, ox, channel, VL);
      for (; channel + VL <= d->channels; channel += VL) dw_output(1, 0, 0, d, oy, ox, channel, VL);
      if (channel < d->channels) dw_output(1, 0, 1, d, oy, ox, channel, d->channels - channel);
    }
  }
}

static void dw_rows_multiplied(const zoo_depthwise *d, int begin, int end) {
  const int filters = d->channels * d->multiplier;
  for (int oy = begin; oy < end; oy++) {
    for (int ox = 0; ox < d->window.out_width; ox++) {
      for (int filter = 0; filter < filters; filter += VL) {
        dw_output(1, 1, 1, d, oy, ox, filter, min_int(VL, filters - filter));
      }
    }
  }
}

typedef void (*dw_function)(const zoo_depthwise *, int, int);

static void depthwise(const void *arguments, int32_t begin, int32_t end) {
  const zoo_depthwise *d = arguments;
  const zoo_window *g = &d->window;
  dw_function rows = d->multiplier == 1 ? dw_rows_any : dw_rows_multiplied, pairs = NULL;
  if (d->multiplier == 1 && g->dilation_width == 1 && g->dilation_height == 1 && g->out_width >= dw_outputs) {
#if REGISTERS >= 32
    if (dw3_serves(g)) {
      const int block = dw3_block(d);
      for (int oy = begin; oy < end; oy += block) dw3(d, oy, min_int(oy + block, end));
      return;
    }
    if (g->stride_height == 1 && g->stride_width == 1) {
      pairs = g->kernel_width == 5 ? dw_rows_5_1_2 : g->kernel_width == 7 ? dw_rows_7_1_2 : NULL;
    }
#endif
    switch (g->kernel_width * 4 + g->stride_width) {
      case 3 * 4 + 1: rows = dw_rows_3_1_1; break;
      case 3 * 4 + 2: rows = dw_rows_3_2_1; break;
      case 5 * 4 + 1: rows = dw_rows_5_1_1; break;
      case 5 * 4 + 2: rows = dw_rows_5_2_1; break;
      case 7 * 4 + 1: rows = dw_rows_7_1_1; break;
      case 7 * 4 + 2: rows = dw_rows_7_2_1; break;
    }
  }
  const int paired = pairs ? (end - begin) / 2 * 2 : 0;
  if (paired) pairs(d, begin, begin + paired);
  if (begin + paired < end) rows(d, begin + paired, end);
}
