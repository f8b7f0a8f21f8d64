// Depthwise convolution.
//
// The usual windows (3, 5, 7 wide, stride 1 or 2, no dilation, multiplier 1) take seven outputs of a row
// at once, with the channels in the loop inside: a row of the filter stays in registers and every input
// vector that is read serves all outputs that it belongs to. Seven divides the widths of most networks;
// at the end of other rows the last tile is moved back over outputs that are already there.

enum { dw_outputs = 7 };

// KW, S: window width and stride; EDGE: whether some columns may lie outside; BELOW: whether the input
// is cut off at in_lo; PART: whether these are the last few channels, fewer than a vector.
INLINE void dw_tile(
    const int KW, const int S, const int EDGE, const int BELOW, const int PART, const zoo_depthwise *d,
    int oy, int ox, int channel, int count) {
  const zoo_window *g = &d->window;
  const int y0 = oy * g->stride_height - g->pad_top, x0 = ox * S - g->pad_left;
  const vf below = v_set(d->in_lo);
  vf sum[dw_outputs];
  vf bias = v_load(d->bias + channel);
  UNROLL for (int j = 0; j < dw_outputs; j++) sum[j] = bias;
  const int ky_begin = at_least(0, -y0), ky_end = at_most(g->kernel_height, g->in_height - y0);
  for (int ky = ky_begin; ky < ky_end; ky++) {
    const float *row = d->input + (y0 + ky) * g->in_row + channel;
    const float *weights = d->weights + (ptrdiff_t)ky * KW * d->weight_stride + channel;
    vf w[7];
    UNROLL for (int kx = 0; kx < KW; kx++) w[kx] = v_load(weights + kx * d->weight_stride);
    UNROLL for (int i = 0; i < (dw_outputs - 1) * S + KW; i++) {
      const float *p = row + (x0 + i) * g->in_pixel;
      if (EDGE) p = x0 + i >= 0 && x0 + i < g->in_width ? p : d->zero;
      vf x = PART ? v_load_n(p, count) : v_load(p);
      if (BELOW) x = v_max(below, x);
      UNROLL for (int j = 0; j < dw_outputs; j++) {
        if (i - j * S >= 0 && i - j * S < KW) sum[j] = v_fma(x, w[i - j * S], sum[j]);
      }
    }
  }
  float *output = d->output + ((ptrdiff_t)oy * g->out_width + ox) * g->out_pixel + channel;
  UNROLL for (int j = 0; j < dw_outputs; j++) {
    vf y = v_clamp(sum[j], d->lo, d->hi);
    if (PART) v_store_n(output, y, count); else v_store(output, y);
    output += g->out_pixel;
  }
}

INLINE void dw_channels(
    const int KW, const int S, const int EDGE, const int BELOW, const zoo_depthwise *d, int oy, int ox) {
  int channel = 0;
  for (; channel + VL <= d->channels; channel += VL) {
    dw_tile(KW, S, EDGE, BELOW, 0, d, oy, ox, channel, VL);
  }
  if (channel < d->channels) dw_tile(KW, S, EDGE, BELOW, 1, d, oy, ox, channel, d->channels - channel);
}

INLINE void dw_row(const int KW, const int S, const int BELOW, const zoo_depthwise *d, int oy) {
  const zoo_window *g = &d->window;
  for (int ox = 0; ox < g->out_width; ox += dw_outputs) {
    int start = at_most(ox, g->out_width - dw_outputs);
    int x0 = start * S - g->pad_left;
    if (x0 >= 0 && x0 + (dw_outputs - 1) * S + KW <= g->in_width) {
      dw_channels(KW, S, 0, BELOW, d, oy, start);
    } else {
      dw_channels(KW, S, 1, BELOW, d, oy, start);
    }
  }
}

#define DW_ROW(KW, S) \
  static __attribute__((noinline)) void dw_row_##KW##_##S(const zoo_depthwise *d, int oy) { \
    if (d->in_lo == 0) dw_row(KW, S, 1, d, oy); else dw_row(KW, S, 0, d, oy); \
  }
DW_ROW(3, 1) DW_ROW(3, 2) DW_ROW(5, 1) DW_ROW(5, 2) DW_ROW(7, 1) DW_ROW(7, 2)

// Any window, one output at a time.
static void dw_row_any(const zoo_depthwise *d, int oy) {
  const zoo_window *g = &d->window;
  const int filters = d->channels * d->multiplier;
  const int y0 = oy * g->stride_height - g->pad_top;
  for (int ox = 0; ox < g->out_width; ox++) {
    const int x0 = ox * g->stride_width - g->pad_left;
    float *output = d->output + ((ptrdiff_t)oy * g->out_width + ox) * g->out_pixel;
    for (int filter = 0; filter < filters; filter += VL) {
      const int count = at_most(VL, filters - filter);
      vf sum = v_load(d->bias + filter);
      for (int ky = 0; ky < g->kernel_height; ky++) {
        const int y = y0 + ky * g->dilation_height;
        if (y < 0 || y >= g->in_height) continue;
        for (int kx = 0; kx < g->kernel_width; kx++) {
          const int x = x0 + kx * g->dilation_width;
          if (x < 0 || x >= g->in_width) continue;
          const float *p = d->input + y * g->in_row + x * g->in_pixel;
          vf value;
          if (d->multiplier == 1) {
            value = v_load_n(p + filter, count);
          } else {
            float values[VL] = {0};
            for (int i = 0; i < count; i++) values[i] = p[(filter + i) / d->multiplier];
            value = v_load(values);
          }
          vf w = v_load(d->weights + (ptrdiff_t)(ky * g->kernel_width + kx) * d->weight_stride + filter);
          sum = v_fma(v_max(v_set(d->in_lo), value), w, sum);
        }
      }
      v_store_n(output + filter, v_clamp(sum, d->lo, d->hi), count);
    }
  }
}

static void depthwise(const void *arguments, int32_t begin, int32_t end) {
  const zoo_depthwise *d = arguments;
  const zoo_window *g = &d->window;
  void (*row)(const zoo_depthwise *, int) = dw_row_any;
  if (d->multiplier == 1 && g->dilation_width == 1 && g->dilation_height == 1 && g->out_width >= dw_outputs) {
    switch (g->kernel_width * 4 + g->stride_width) {
      case 3 * 4 + 1: row = dw_row_3_1; break;
      case 3 * 4 + 2: row = dw_row_3_2; break;
      case 5 * 4 + 1: row = dw_row_5_1; break;
      case 5 * 4 + 2: row = dw_row_5_2; break;
      case 7 * 4 + 1: row = dw_row_7_1; break;
      case 7 * 4 + 2: row = dw_row_7_2; break;
    }
  }
  for (int oy = begin; oy < end; oy++) row(d, oy);
}
