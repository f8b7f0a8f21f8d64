// Depthwise convolution on codes of 8 bits.
//
// Four rows of the input become vectors of four bytes a channel, so that one step adds the products of a column of
// the window for each channel. Such a column serves all outputs of a strip that it is part of. Rows and columns
// outside are read from `zero`.
#pragma once

#include "integer_prelude.h"

enum { id_outputs = 7, id_blocks = 8 };

typedef struct id_block id_block;
// A strip of `id_outputs` outputs or of one, whose columns begin at `columns`.
typedef void (*id_function)(
    const zoo_integer_depthwise *, const id_block *, const uint8_t *const *columns, uint8_t *output);

#ifdef Q_QUARTERS
#include "integer_quarters.h"
#endif

// The channels that strips are made for, and what makes them.
struct id_block {
  int channel, end;
  id_function strip, single;
#ifdef Q_QUARTERS
  id_quarters quarters;
#endif
};

#ifndef Q_COLUMN
// Four bytes a channel: those of up to four rows of a column.
INLINE q_inputs q_column(const int ROWS, const uint8_t *const *rows, int channel) {
  vi v = q_load_bytes(rows[0] + channel, VL);
  if (ROWS > 1) v |= q_load_bytes(rows[1] + channel, VL) << 8;
  if (ROWS > 2) v |= q_load_bytes(rows[2] + channel, VL) << 16;
  if (ROWS > 3) v |= q_load_bytes(rows[3] + channel, VL) << 24;
  return q_lanes(v);
}
#endif

// KH, KW: the window; S: its step; OUTPUTS of a row, whose columns begin at `columns` (KH rows each).
INLINE void id_strip(
    const int KH, const int KW, const int S, const int OUTPUTS, const zoo_integer_depthwise *arguments,
    const id_block *b, const uint8_t *const *columns, uint8_t *output) {
  // A copy, which no code that is written can be a part of.
  const zoo_integer_depthwise local = *arguments, *d = &local;
  const int GROUPS = (KH + 3) / 4;
  const ptrdiff_t padded = (d->channels + 63) / 64 * 64;
  for (int channel = b->channel; channel < b->end; channel += VL) {
    const int n = min_int(VL, b->end - channel);
    vi sum[id_outputs];
    UNROLL for (int j = 0; j < OUTPUTS; j++) sum[j] = q_load(d->bias + channel);
    UNROLL for (int group = 0; group < GROUPS; group++) {
      q_weights w[7];
      UNROLL for (int kx = 0; kx < KW; kx++) {
        w[kx] = q_load_weights(d->weights + ((group * KW + kx) * padded + channel) * 4);
      }
      UNROLL for (int i = 0; i < (OUTPUTS - 1) * S + KW; i++) {
        const int ROWS = min_int(KH - 4 * group, 4);
        const q_inputs x = q_column(ROWS, columns + i * KH + 4 * group, channel);
        UNROLL for (int j = 0; j < OUTPUTS; j++) {
          if (i - j * S >= 0 && i - j * S < KW) sum[j] = q_dot(sum[j], x, w[i - j * S]);
        }
      }
    }
    const vf multiplier = v_load(d->multiplier + channel), offset = v_load(d->offset + channel);
    UNROLL for (int j = 0; j < OUTPUTS; j++) {
      q_store_codes(output + j * d->window.out_pixel + channel, q_scaled(sum[j], multiplier, offset), n);
    }
  }
}

#define ID_STRIP(K, S) \
  static __attribute__((noinline)) void id_strip_##K##_##S( \
      const zoo_integer_depthwise *d, const id_block *b, const uint8_t *const *columns, uint8_t *output) { \
    id_strip(K, K, S, id_outputs, d, b, columns, output); \
  } \
  static __attribute__((noinline)) void id_single_##K##_##S( \
      const zoo_integer_depthwise *d, const id_block *b, const uint8_t *const *columns, uint8_t *output) { \
    id_strip(K, K, S, 1, d, b, columns, output); \
  }
ID_STRIP(3, 1) ID_STRIP(3, 2) ID_STRIP(5, 1) ID_STRIP(5, 2) ID_STRIP(7, 1) ID_STRIP(7, 2)

static const id_function id_strips[3][2][2] = {
#define ID_PAIR(K, S) {id_strip_##K##_##S, id_single_##K##_##S}
  {ID_PAIR(3, 1), ID_PAIR(3, 2)}, {ID_PAIR(5, 1), ID_PAIR(5, 2)}, {ID_PAIR(7, 1), ID_PAIR(7, 2)}};

#ifdef Q_QUARTERS
#define ID_QUARTERS(K, S) \
  static __attribute__((noinline)) void id_quarter_strip_##K##_##S( \
      const zoo_integer_depthwise *d, const id_block *b, const uint8_t *const *columns, uint8_t *output) { \
    id_quarter_strip(K, K, S, id_outputs, d, &b->quarters, b->channel, b->end - b->channel, columns, output); \
  } \
  static __attribute__((noinline)) void id_quarter_single_##K##_##S( \
      const zoo_integer_depthwise *d, const id_block *b, const uint8_t *const *columns, uint8_t *output) { \
    id_quarter_strip(K, K, S, 1, d, &b->quarters, b->channel, b->end - b->channel, columns, output); \
  }
ID_QUARTERS(3, 1) ID_QUARTERS(3, 2) ID_QUARTERS(5, 1) ID_QUARTERS(5, 2) ID_QUARTERS(7, 1) ID_QUARTERS(7, 2)

static const id_function id_quarter_strips[3][2][2] = {
#define ID_QUARTER_PAIR(K, S) {id_quarter_strip_##K##_##S, id_quarter_single_##K##_##S}
  {ID_QUARTER_PAIR(3, 1), ID_QUARTER_PAIR(3, 2)}, {ID_QUARTER_PAIR(5, 1), ID_QUARTER_PAIR(5, 2)},
  {ID_QUARTER_PAIR(7, 1), ID_QUARTER_PAIR(7, 2)}};
#endif

// The block that begins with a channel: with more than half of 64 channels by quarters, else all that are left.
static void id_begin(id_block *b, const zoo_integer_depthwise *d, int channel) {
  const int size = (d->window.kernel_width - 3) / 2, step = d->window.stride_width - 1;
  b->channel = channel;
#ifdef Q_QUARTERS
  if (d->channels - channel > id_quarter_channels / 2) {
    b->end = min_int(channel + id_quarter_channels, d->channels);
    b->strip = id_quarter_strips[size][step][0];
    b->single = id_quarter_strips[size][step][1];
    id_order(&b->quarters, d, channel);
    return;
  }
#endif
  b->end = d->channels;
  b->strip = id_strips[size][step][0];
  b->single = id_strips[size][step][1];
}

// Points to the rows of the columns that `count` outputs from `ox` on read.
INLINE void id_point(const zoo_integer_depthwise *d, int oy, int ox, int count, const uint8_t **columns) {
  const zoo_window *g = &d->window;
  const int top = oy * g->stride_height - g->pad_top, left = ox * g->stride_width - g->pad_left;
  const int width = (count - 1) * g->stride_width + g->kernel_width, height = g->kernel_height;
  for (int ky = 0; ky < height; ky++) {
    const int y = top + ky;
    const uint8_t **column = columns + ky;
    if (y < 0 || y >= g->in_height) {
      for (int i = 0; i < width; i++, column += height) *column = d->zero;
      continue;
    }
    const uint8_t *pixel = d->input + y * g->in_row + left * g->in_pixel;
    if (left >= 0 && left + width <= g->in_width) {
      for (int i = 0; i < width; i++, column += height, pixel += g->in_pixel) *column = pixel;
      continue;
    }
    for (int i = 0; i < width; i++, column += height, pixel += g->in_pixel) {
      *column = left + i >= 0 && left + i < g->in_width ? pixel : d->zero;
    }
  }
}

// Any window, one output at a time.
static void id_plain(const zoo_integer_depthwise *d, int oy) {
  const zoo_window *g = &d->window;
  for (int ox = 0; ox < g->out_width; ox++) {
    uint8_t *output = d->codes + ((ptrdiff_t)oy * g->out_width + ox) * g->out_pixel;
    for (int channel = 0; channel < d->channels; channel += VL) {
      const int n = min_int(VL, d->channels - channel);
      int32_t sums[VL] = {0};
      memcpy(sums, d->bias + channel, (size_t)n * sizeof *sums);
      for (int ky = 0; ky < g->kernel_height; ky++) {
        const int y = oy * g->stride_height - g->pad_top + ky * g->dilation_height;
        for (int kx = 0; kx < g->kernel_width; kx++) {
          const int x = ox * g->stride_width - g->pad_left + kx * g->dilation_width;
          const int inside = y >= 0 && y < g->in_height && x >= 0 && x < g->in_width;
          const uint8_t *p = (inside ? d->input + y * g->in_row + x * g->in_pixel : d->zero) + channel;
          const int8_t *w = d->weights + (ptrdiff_t)(ky * g->kernel_width + kx) * d->channels + channel;
          for (int i = 0; i < n; i++) sums[i] += (p[i] - Q_SHIFT) * w[i];
        }
      }
      q_store_codes(
          output + channel,
          q_scaled(q_load(sums), v_load(d->multiplier + channel), v_load(d->offset + channel)), n);
    }
  }
}

static void integer_depthwise(const void *arguments, int32_t begin, int32_t end) {
  const zoo_integer_depthwise *d = arguments;
  const zoo_window *g = &d->window;
  if (d->is_plain) {
    for (int oy = begin; oy < end; oy++) id_plain(d, oy);
    return;
  }
  const uint8_t *columns[7 * ((id_outputs - 1) * 2 + 7)];
  id_block blocks[id_blocks];
  for (int channel = 0; channel < d->channels;) {
    int count = 0;
    for (; count < id_blocks && channel < d->channels; count++) {
      id_begin(blocks + count, d, channel);
      channel = blocks[count].end;
    }
    for (int oy = begin; oy < end; oy++) {
      uint8_t *row = d->codes + (ptrdiff_t)oy * g->out_width * g->out_pixel;
      int ox = 0;
      for (; g->out_width >= id_outputs && ox < g->out_width; ox += id_outputs) {
        // The last strip is moved back over outputs that are already there.
        const int start = min_int(ox, g->out_width - id_outputs);
        id_point(d, oy, start, id_outputs, columns);
        for (int i = 0; i < count; i++) blocks[i].strip(d, blocks + i, columns, row + start * g->out_pixel);
      }
      for (; ox < g->out_width; ox++) {
        id_point(d, oy, ox, 1, columns);
        for (int i = 0; i < count; i++) blocks[i].single(d, blocks + i, columns, row + ox * g->out_pixel);
      }
    }
  }
}
