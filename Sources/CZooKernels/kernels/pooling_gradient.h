// Pooling that notes where its maxima are, and its gradient.
#pragma once

#include "prelude.h"

typedef uint8_t vb __attribute__((vector_size(VL)));

enum { pool_nowhere = 255 };

INLINE vi pool_load_places(const uint8_t *p, int n) {
  vb bytes = {0};
  if (n == VL) memcpy(&bytes, p, VL); else memcpy(&bytes, p, (size_t)n);
  return __builtin_convertvector(bytes, vi);
}
INLINE void pool_store_places(uint8_t *p, vi places, int n) {
  const vb bytes = __builtin_convertvector(places, vb);
  if (n == VL) memcpy(p, &bytes, VL); else memcpy(p, &bytes, (size_t)n);
}

static void max_pooling_places(const void *arguments, int32_t begin, int32_t end) {
  const zoo_pooling_gradient *p = arguments;
  const zoo_window *g = &p->window;
  for (int row = begin; row < end; row++) {
    const int image = row / g->out_height, oy = row % g->out_height;
    const int y0 = oy * g->stride_height - g->pad_top;
    const int y = max_int(y0, 0), y_end = min_int(y0 + g->kernel_height, g->in_height);
    for (int ox = 0; ox < g->out_width; ox++) {
      const int x0 = ox * g->stride_width - g->pad_left;
      const int x = max_int(x0, 0), x_end = min_int(x0 + g->kernel_width, g->in_width);
      const ptrdiff_t pixel = (ptrdiff_t)oy * g->out_width + ox;
      const int inside = max_int(y_end - y, 0) * max_int(x_end - x, 0);
      const int padded = p->zeros && inside < g->kernel_height * g->kernel_width;
      for (int channel = 0; channel < p->channels; channel += VL) {
        const int count = min_int(VL, p->channels - channel);
        vf most = v_set(-__builtin_inff());
        vi place = (vi){0} + pool_nowhere;
        for (int iy = y; iy < y_end; iy++) {
          for (int ix = x; ix < x_end; ix++) {
            const float *input = p->input + image * p->in_image + iy * g->in_row + ix * g->in_pixel + channel;
            const vf value = v_load_up_to(input, count);
            const vi here = (vi){0} + ((iy - y0) * g->kernel_width + ix - x0);
            // Also what is not a number, and the first value whatever it is.
            const vi better = (vi)(value > most) | (vi)(value != value) | (place == pool_nowhere);
            most = v_select(better, value, most);
            place = (better & here) | (~better & place);
          }
        }
        if (padded) {
          const vi below = (vi)(most < v_set(0));
          most = v_select(below, v_set(0), most);
          place = (below & pool_nowhere) | (~below & place);
        }
        v_store_up_to(p->output + image * p->out_image + pixel * g->out_pixel + channel, most, count);
        pool_store_places(p->places + image * p->places_image + pixel * p->channels + channel, place, count);
      }
    }
  }
}

// Outputs along an axis whose windows have position `at`: from `first` to before `end`.
INLINE void pool_windows(int at, int kernel, int stride, int outputs, int *first, int *end) {
  const int reached = at - kernel + stride;
  *first = reached > 0 ? reached / stride : 0;
  *end = at >= 0 ? min_int(at / stride + 1, outputs) : 0;
}

// How many of a window's positions from `from` on are inside.
INLINE int pool_inside(int from, int kernel, int size) {
  return min_int(from + kernel, size) - max_int(from, 0);
}

INLINE void pool_gradient_row(const int AVERAGE, const zoo_pooling_gradient *p, int row) {
  const zoo_window *g = &p->window;
  const int image = row / g->in_height, y = row % g->in_height;
  int first_y, end_y, first_x, end_x;
  pool_windows(y + g->pad_top, g->kernel_height, g->stride_height, g->out_height, &first_y, &end_y);
  for (int x = 0; x < g->in_width; x++) {
    pool_windows(x + g->pad_left, g->kernel_width, g->stride_width, g->out_width, &first_x, &end_x);
    const ptrdiff_t place = y * g->in_row + x * g->in_pixel;
    const float *mask = NULL;
    if (p->mask.values) {
      mask = p->mask.values + image * p->mask_image + ((ptrdiff_t)y * g->in_width + x) * p->mask.pixel;
    }
    for (int channel = 0; channel < p->channels; channel += VL) {
      const int count = min_int(VL, p->channels - channel);
      vf sum = v_set(0);
      for (int oy = first_y; oy < end_y; oy++) {
        const int y0 = oy * g->stride_height - g->pad_top;
        for (int ox = first_x; ox < end_x; ox++) {
          const int x0 = ox * g->stride_width - g->pad_left;
          const ptrdiff_t pixel = (ptrdiff_t)oy * g->out_width + ox;
          const float *gradient = p->gradient + image * p->out_image + pixel * g->out_pixel + channel;
          const vf value = v_load_up_to(gradient, count);
          if (AVERAGE) {
            int positions = g->kernel_height * g->kernel_width;
            if (!p->zeros) {
              positions = pool_inside(y0, g->kernel_height, g->in_height) *
                          pool_inside(x0, g->kernel_width, g->in_width);
            }
            sum = v_fma(value, v_set(1.0f / (float)positions), sum);
          } else {
            const uint8_t *places = p->places + image * p->places_image + pixel * p->channels + channel;
            const vi here = pool_load_places(places, count) == (y - y0) * g->kernel_width + x - x0;
            sum = v_add(sum, (vf)(here & (vi)value));
          }
        }
      }
      if (mask) sum = v_masked(sum, v_load_up_to(mask + channel, count), p->mask.hi);
      v_store_up_to(p->output + image * p->in_image + place + channel, sum, count);
    }
  }
}

static void pooling_gradient(const void *arguments, int32_t begin, int32_t end) {
  const zoo_pooling_gradient *p = arguments;
  for (int row = begin; row < end; row++) {
    if (p->average) pool_gradient_row(1, p, row); else pool_gradient_row(0, p, row);
  }
}
