// Pooling, sums and conversions of codes of 8 bits.
#pragma once

#include "integer_prelude.h"

enum { iv_block = 64 };

// The largest codes or the sums under a window, of at most `iv_block` channels; returns how many pixels count.
INLINE int iv_window(
    const int AVERAGE, const zoo_integer_pooling *p, int oy, int ox, int channel, int n, uint8_t *largest,
    uint16_t *sums) {
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
        for (int i = 0; i < n; i++) sums[i] = (uint16_t)(sums[i] + code[i]);
      } else {
        for (int i = 0; i < n; i++) largest[i] = code[i] > largest[i] ? code[i] : largest[i];
      }
    }
  }
  return count;
}

// Sums become means of `count` in codes, or in floats where `codes` is null.
INLINE void iv_store(
    const float *multiplier, const float *offset, const int32_t *sums, int count, int n, uint8_t *codes,
    float *output) {
  for (int i = 0; i < n; i += VL) {
    const int used = min_int(VL, n - i);
    const vf share = v_load_up_to(multiplier + i, used) / v_set((float)count);
    const vf y = q_scaled(q_load(sums + i), share, v_load_up_to(offset + i, used));
    if (codes) q_store_codes(codes + i, y, used); else v_store_up_to(output + i, y, used);
  }
}

static void integer_pooling(const void *arguments, int32_t begin, int32_t end) {
  const zoo_integer_pooling *p = arguments;
  const zoo_window *g = &p->window;
  for (int oy = begin; oy < end; oy++) {
    for (int ox = 0; ox < g->out_width; ox++) {
      uint8_t *output = p->codes + ((ptrdiff_t)oy * g->out_width + ox) * g->out_pixel;
      for (int channel = 0; channel < p->channels; channel += iv_block) {
        const int n = min_int(iv_block, p->channels - channel);
        if (p->average) {
          uint16_t shorts[iv_block] = {0};
          int32_t sums[iv_block];
          const int count = n == iv_block ? iv_window(1, p, oy, ox, channel, iv_block, NULL, shorts)
                                          : iv_window(1, p, oy, ox, channel, n, NULL, shorts);
          for (int i = 0; i < iv_block; i++) sums[i] = shorts[i];
          iv_store(p->multiplier + channel, p->offset + channel, sums, count, n, output + channel, NULL);
        } else {
          uint8_t largest[iv_block] = {0};
          if (n == iv_block) iv_window(0, p, oy, ox, channel, iv_block, largest, NULL);
          else iv_window(0, p, oy, ox, channel, n, largest, NULL);
          memcpy(output + channel, largest, (size_t)n);
        }
      }
    }
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
    iv_store(
        p->multiplier + channel, p->offset + channel, sums, p->height * p->width, n,
        p->writes & zoo_write_codes ? (uint8_t *)p->output + channel : NULL, (float *)p->output + channel);
  }
}

static void integer_add(const void *arguments, int32_t begin, int32_t end) {
  const zoo_integer_map *e = arguments;
  for (int pixel = begin; pixel < end; pixel++) {
    for (int channel = 0; channel < e->channels; channel += VL) {
      const int n = min_int(VL, e->channels - channel);
      const ptrdiff_t at = pixel * e->a_pixel + channel;
      const vi a = q_load_codes(e->a, at, e->a_is_wide, n);
      vf y = q_scaled(a, v_load_up_to(e->multiplier + channel, n), v_load_up_to(e->offset + channel, n));
      if (e->b) {
        const ptrdiff_t other = pixel * e->b_pixel + channel;
        y = q_plus(y, q_load_codes(e->b, other, e->b_is_wide, n), e->b_factor);
      }
      if (e->writes & zoo_write_codes) q_store_codes((uint8_t *)e->output + pixel * e->out_pixel + channel, y, n);
      if (e->writes & zoo_write_wide) q_store_wide(e->wide + pixel * e->wide_pixel + channel, y, n);
    }
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
