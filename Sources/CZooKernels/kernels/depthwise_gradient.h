// The gradient of a depthwise convolution's input.
//
// For stride 1 it is the convolution of the gradient with the turned filters. For stride 2 a strip of inputs is
// computed at once from the few gradients that it has a part in: which taps they meet depends on whether a position
// is even or odd, which is known when the strip's loops are unrolled.
#pragma once

#include "depthwise.h"
#include "prelude.h"

// Gradients whose first tap lies in a strip.
#if REGISTERS >= 32
enum { dwg_outputs = 6 };
#else
enum { dwg_outputs = 4 };
#endif

// One image of a batch.
typedef struct {
  const zoo_depthwise_gradient *d;
  const float *gradient, *mask;
  float *output;
} dwg_image;

INLINE dwg_image dwg_image_of(const zoo_depthwise_gradient *d, int image) {
  return (dwg_image){
    d, d->gradient + image * d->out_image, d->mask.values ? d->mask.values + image * d->mask_image : NULL,
    d->output + image * d->in_image};
}

INLINE void dwg_store(const dwg_image *i, int y, int x, int channel, int count, vf value) {
  const zoo_window *g = &i->d->window;
  if (i->mask) {
    const ptrdiff_t pixel = (ptrdiff_t)y * g->in_width + x;
    const float *mask = i->mask + pixel * i->d->mask.pixel + channel;
    value = v_masked(value, v_load_up_to(mask, count), i->d->mask.hi);
  }
  v_store_up_to(i->output + y * g->in_row + x * g->in_pixel + channel, value, count);
}

// Windows KW wide of stride 2: the inputs from that of tap 0 of gradient `first` on, two for each of `dwg_outputs`.
// EDGE: whether some gradients or inputs may be outside.
INLINE void dwg_strip(
    const int KW, const int EDGE, const dwg_image *i, int y, int first, int channel, int count) {
  enum { inputs = 2 * dwg_outputs };
  const zoo_depthwise_gradient *d = i->d;
  const zoo_window *g = &d->window;
  vf sum[inputs];
  UNROLL for (int n = 0; n < inputs; n++) sum[n] = v_set(0);
  const int above = y + g->pad_top;
  for (int ky = above & 1; ky < g->kernel_height; ky += 2) {
    const int oy = (above - ky) / 2;
    if (above < ky || oy >= g->out_height) continue;
    const float *row = i->gradient + (ptrdiff_t)oy * g->out_width * g->out_pixel + channel;
    vf w[KW];
    UNROLL for (int kx = 0; kx < KW; kx++) {
      w[kx] = v_load(d->weights + (ptrdiff_t)(ky * KW + kx) * d->weight_stride + channel);
    }
    UNROLL for (int o = -(KW - 1) / 2; o < dwg_outputs; o++) {
      if (EDGE && (first + o < 0 || first + o >= g->out_width)) continue;
      const vf value = v_load_up_to(row + (first + o) * g->out_pixel, count);
      UNROLL for (int kx = 0; kx < KW; kx++) {
        const int n = 2 * o + kx;
        if (n >= 0 && n < inputs) sum[n] = v_fma(value, w[kx], sum[n]);
      }
    }
  }
  const int x = 2 * first - g->pad_left;
  UNROLL for (int n = 0; n < inputs; n++) {
    if (EDGE && (x + n < 0 || x + n >= g->in_width)) continue;
    dwg_store(i, y, x + n, channel, count, sum[n]);
  }
}

INLINE void dwg_row_of(const int KW, const dwg_image *image, int y) {
  // Copies, which no value that is written can be a part of.
  const zoo_depthwise_gradient arguments = *image->d, *d = &arguments;
  const dwg_image local = {d, image->gradient, image->mask, image->output}, *i = &local;
  const zoo_window *g = &d->window;
  // Padding may be negative: the gradients before the first then have inputs, which are zero.
  const int begin = g->pad_left >= 0 ? g->pad_left / 2 : -((1 - g->pad_left) / 2);
  for (int first = begin; 2 * first - g->pad_left < g->in_width; first += dwg_outputs) {
    const int x = 2 * first - g->pad_left;
    const int edge = x < 0 || x + 2 * dwg_outputs > g->in_width || first < (KW - 1) / 2 ||
                     first + dwg_outputs > g->out_width;
    int channel = 0;
    for (; channel + VL <= d->channels; channel += VL) {
      if (edge) dwg_strip(KW, 1, i, y, first, channel, VL);
      else dwg_strip(KW, 0, i, y, first, channel, VL);
    }
    if (channel < d->channels) dwg_strip(KW, 1, i, y, first, channel, d->channels - channel);
  }
}
#define DWG_ROW(KW) \
  static __attribute__((noinline)) void dwg_row_##KW(const dwg_image *i, int y) { dwg_row_of(KW, i, y); }
DWG_ROW(3) DWG_ROW(5) DWG_ROW(7)

// Any window and multiplier, one input at a time.
static void dwg_row_any(const dwg_image *i, int y) {
  const zoo_depthwise_gradient *d = i->d;
  const zoo_window *g = &d->window;
  for (int x = 0; x < g->in_width; x++) {
    for (int channel = 0; channel < d->channels; channel += VL) {
      const int count = min_int(VL, d->channels - channel);
      vf sum = v_set(0);
      for (int ky = 0; ky < g->kernel_height; ky++) {
        const int above = y + g->pad_top - ky * g->dilation_height, oy = above / g->stride_height;
        if (above < 0 || above % g->stride_height != 0 || oy >= g->out_height) continue;
        for (int kx = 0; kx < g->kernel_width; kx++) {
          const int left = x + g->pad_left - kx * g->dilation_width, ox = left / g->stride_width;
          if (left < 0 || left % g->stride_width != 0 || ox >= g->out_width) continue;
          const float *p = i->gradient + ((ptrdiff_t)oy * g->out_width + ox) * g->out_pixel;
          const float *w = d->weights + (ptrdiff_t)(ky * g->kernel_width + kx) * d->weight_stride;
          for (int m = 0; m < d->multiplier; m++) {
            float values[VL] = {0}, weights[VL] = {0};
            for (int n = 0; n < count; n++) {
              values[n] = p[(channel + n) * d->multiplier + m];
              weights[n] = w[(channel + n) * d->multiplier + m];
            }
            sum = v_fma(v_load(values), v_load(weights), sum);
          }
        }
      }
      dwg_store(i, y, x, channel, count, sum);
    }
  }
}

// The convolution of the gradient of one image with the turned filters, for stride 1.
static zoo_depthwise dwg_turned(const dwg_image *i) {
  const zoo_depthwise_gradient *d = i->d;
  const zoo_window *g = &d->window;
  const int taps = g->kernel_height * g->kernel_width;
  return (zoo_depthwise){
    .window = {
      .in_height = g->out_height, .in_width = g->out_width, .out_height = g->in_height, .out_width = g->in_width,
      .kernel_height = g->kernel_height, .kernel_width = g->kernel_width, .stride_height = 1, .stride_width = 1,
      .dilation_height = g->dilation_height, .dilation_width = g->dilation_width,
      .pad_top = (g->kernel_height - 1) * g->dilation_height - g->pad_top,
      .pad_left = (g->kernel_width - 1) * g->dilation_width - g->pad_left, .in_pixel = g->out_pixel,
      .in_row = g->out_width * g->out_pixel, .out_pixel = g->in_pixel},
    .input = i->gradient, .zero = d->zero, .weights = d->weights + (ptrdiff_t)(taps - 1) * d->weight_stride,
    .bias = d->zero, .output = i->output, .channels = d->channels, .multiplier = 1,
    .weight_stride = -d->weight_stride, .in_lo = -__builtin_inff(), .lo = -__builtin_inff(),
    .hi = __builtin_inff(), .mask = {i->mask, d->mask.pixel, d->mask.hi}};
}

static void depthwise_gradient(const void *arguments, int32_t begin, int32_t end) {
  const zoo_depthwise_gradient *d = arguments;
  const zoo_window *g = &d->window;
  const int one = d->multiplier == 1 && g->dilation_height == 1 && g->dilation_width == 1;
  const int turned = d->multiplier == 1 && g->stride_height == 1 && g->stride_width == 1 &&
                     g->in_row == g->in_width * g->in_pixel;
  void (*row)(const dwg_image *, int) = dwg_row_any;
  if (one && g->stride_height == 2 && g->stride_width == 2) {
    switch (g->kernel_width) {
      case 3: row = dwg_row_3; break;
      case 5: row = dwg_row_5; break;
      case 7: row = dwg_row_7; break;
    }
  }
  while (begin < end) {
    const int first = begin % g->in_height, last = min_int(g->in_height, first + end - begin);
    const dwg_image image = dwg_image_of(d, begin / g->in_height);
    if (turned) {
      const zoo_depthwise convolution = dwg_turned(&image);
      depthwise(&convolution, first, last);
    } else {
      for (int y = first; y < last; y++) row(&image, y);
    }
    begin += last - first;
  }
}
