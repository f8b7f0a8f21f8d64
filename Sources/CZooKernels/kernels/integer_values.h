// Pooling, sums and conversions of codes of 8 bits.
#pragma once

#include "integer_prelude.h"

enum { iv_block = 64 };

// The largest codes or the sums under a window, of `iv_block` channels; returns how many pixels count. Those behind the
// last channel are read, but nobody looks at what becomes of them.
INLINE int iv_window(
    const int AVERAGE, const zoo_integer_pooling *p, int oy, int ox, int channel, uint8_t *largest, uint16_t *sums) {
  const zoo_window *g = &p->window;
  int count = 0;
  for (int ky = 0; ky < g->kernel_height; ky++) {
    const int y = oy * g->stride_height - g->pad_top + ky;
    for (int kx = 0; kx < g->kernel_width; kx++) {
      const int x = ox * g->stride_width - g->pad_left + kx;
      const int inside = y >= 0 && y < g->in_height && x >= 0 && x < g->in_width;
      if (!inside && !p->counts_outside) continue;
      const uint8_t *code = (inside ? p->input + y * g->in_row + x * g->in_pixel : p->zero) + channel;
      count++;
      if (AVERAGE) {
        for (int i = 0; i < iv_block; i++) sums[i] = (uint16_t)(sums[i] + code[i]);
      } else {
        for (int i = 0; i < iv_block; i++) largest[i] = code[i] > largest[i] ? code[i] : largest[i];
      }
    }
  }
  return count;
}

// What sums of `count` codes are multiplied by, in `n` channels.
INLINE void iv_shares(const float *multiplier, int count, int n, float *shares) {
  for (int i = 0; i < n; i += VL) {
    v_store(shares + i, v_load_up_to(multiplier + i, min_int(VL, n - i)) / v_set((float)count));
  }
}

// Sums become means in codes, or in floats where `codes` is null.
INLINE void iv_store(
    const float *shares, const float *offset, const int32_t *sums, int n, uint8_t *codes, float *output) {
  for (int i = 0; i < n; i += VL) {
    const int used = min_int(VL, n - i);
    const vf y = q_scaled(q_load(sums + i), v_load(shares + i), v_load_up_to(offset + i, used));
    if (codes) q_store_codes(codes + i, y, used); else v_store_up_to(output + i, y, used);
  }
}

// The `n` channels from `channel` on of the rows `begin ..< end`.
INLINE void iv_pool(const int AVERAGE, const zoo_integer_pooling *p, int channel, int n, int begin, int end) {
  const zoo_window *g = &p->window;
  float shares[iv_block];
  int shared = -1;  // the count that these are for
  for (int oy = begin; oy < end; oy++) {
    uint8_t *output = p->codes + (ptrdiff_t)oy * g->out_width * g->out_pixel + channel;
    for (int ox = 0; ox < g->out_width; ox++, output += g->out_pixel) {
      uint8_t largest[iv_block] = {0};
      uint16_t shorts[iv_block] = {0};
      const int count = iv_window(AVERAGE, p, oy, ox, channel, largest, shorts);
      if (!AVERAGE) {
        memcpy(output, largest, (size_t)n);
        continue;
      }
      if (count != shared) iv_shares(p->multiplier + channel, shared = count, n, shares);
      int32_t sums[iv_block];
      for (int i = 0; i < iv_block; i++) sums[i] = shorts[i];
      iv_store(shares, p->offset + channel, sums, n, output, NULL);
    }
  }
}

static void integer_pooling(const void *arguments, int32_t begin, int32_t end) {
  const zoo_integer_pooling *p = arguments;
  for (int channel = 0; channel < p->channels; channel += iv_block) {
    const int n = min_int(iv_block, p->channels - channel);
    if (p->average) iv_pool(1, p, channel, n, begin, end); else iv_pool(0, p, channel, n, begin, end);
  }
}

static void integer_mean(const void *arguments, int32_t begin, int32_t end) {
  const zoo_integer_mean *p = arguments;
  for (int channel = begin * iv_block; channel < min_int(end * iv_block, p->channels); channel += iv_block) {
    const int n = min_int(iv_block, p->channels - channel);
    int32_t sums[iv_block] = {0};
    for (int y = 0; y < p->height; y++) {
      const uint8_t *code = p->input + y * p->in_row + channel;
      for (int x = 0; x < p->width; x++, code += p->in_pixel) {
        for (int i = 0; i < n; i++) sums[i] += code[i];
      }
    }
    float shares[iv_block];
    iv_shares(p->multiplier + channel, p->height * p->width, n, shares);
    iv_store(
        shares, p->offset + channel, sums, n, p->writes & zoo_write_codes ? (uint8_t *)p->output + channel : NULL,
        (float *)p->output + channel);
  }
}

// NV vectors of a pixel, of which the last one has `last` channels.
INLINE void iv_add(const int NV, const zoo_integer_map *e, int pixel, int channel, int last) {
  vf y[2];
  UNROLL for (int v = 0; v < NV; v++) {
    const int n = v == NV - 1 ? last : VL, from = channel + v * VL;
    const vi a = q_load_codes(e->a, pixel * e->a_pixel + from, e->a_is_wide, n);
    y[v] = q_scaled(a, v_load_up_to(e->multiplier + from, n), v_load_up_to(e->offset + from, n));
    if (e->b) y[v] = q_plus(y[v], q_load_codes(e->b, pixel * e->b_pixel + from, e->b_is_wide, n), e->b_factor);
  }
  if (e->writes & zoo_write_codes) {
    q_store_code_vectors(NV, (uint8_t *)e->output + pixel * e->out_pixel + channel, y, last);
  }
  if (e->writes & zoo_write_wide) q_store_wide_vectors(NV, e->wide + pixel * e->wide_pixel + channel, y, last);
}

static void integer_add(const void *arguments, int32_t begin, int32_t end) {
  const zoo_integer_map local = *(const zoo_integer_map *)arguments, *e = &local;
  for (int pixel = begin; pixel < end; pixel++) {
    int channel = 0;
    for (; channel + 2 * VL <= e->channels; channel += 2 * VL) iv_add(2, e, pixel, channel, VL);
    for (; channel < e->channels; channel += VL) iv_add(1, e, pixel, channel, min_int(VL, e->channels - channel));
  }
}

static void quantize(const void *arguments, int32_t begin, int32_t end) {
  const zoo_integer_map *e = arguments;
  for (int pixel = begin; pixel < end; pixel++) {
    const float *input = (const float *)e->a + pixel * e->a_pixel;
    uint8_t *output = (uint8_t *)e->output + pixel * e->out_pixel;
    for (int channel = 0; channel < e->channels; channel += VL) {
      const int n = min_int(VL, e->channels - channel);
      const vf product = v_mul(v_load_up_to(input + channel, n), v_load_up_to(e->multiplier + channel, n));
      q_store_codes(output + channel, v_add(product, v_load_up_to(e->offset + channel, n)), n);
    }
  }
}

static void dequantize(const void *arguments, int32_t begin, int32_t end) {
  const zoo_integer_map *e = arguments;
  for (int pixel = begin; pixel < end; pixel++) {
    const ptrdiff_t at = pixel * e->a_pixel;
    float *output = (float *)e->output + pixel * e->out_pixel;
    for (int channel = 0; channel < e->channels; channel += VL) {
      const int n = min_int(VL, e->channels - channel);
      const vi a = q_load_codes(e->a, at + channel, e->a_is_wide, n);
      const vf distance = q_float(a) - v_load_up_to(e->offset + channel, n);
      v_store_up_to(output + channel, v_mul(distance, v_load_up_to(e->multiplier + channel, n)), n);
    }
  }
}
