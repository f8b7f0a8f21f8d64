// The end of transposed convolutions.
#pragma once

#include "prelude.h"

static void scatter(const void *arguments, int32_t begin, int32_t end) {
  const zoo_scatter *s = arguments;
  const zoo_window *g = &s->window;
  for (int oy = begin; oy < end; oy++) {
    float *output = s->output + (ptrdiff_t)oy * g->out_width * g->out_pixel;
    for (int ox = 0; ox < g->out_width; ox++, output += g->out_pixel) {
      for (int channel = 0; channel < s->channels; channel += VL) {
        const int count = min_int(VL, s->channels - channel);
        vf sum = v_load_n(s->bias + channel, count);
        for (int ky = 0; ky < g->kernel_height; ky++) {
          const int y = oy + g->pad_top - ky * g->dilation_height;
          if (y < 0 || y % g->stride_height != 0 || y / g->stride_height >= g->in_height) continue;
          for (int kx = 0; kx < g->kernel_width; kx++) {
            const int x = ox + g->pad_left - kx * g->dilation_width;
            if (x < 0 || x % g->stride_width != 0 || x / g->stride_width >= g->in_width) continue;
            const float *pixel =
              s->input + y / g->stride_height * g->in_row + x / g->stride_width * g->in_pixel;
            const ptrdiff_t tap = (ptrdiff_t)(ky * g->kernel_width + kx) * s->channels;
            sum = v_add(sum, v_load_n(pixel + tap + channel, count));
          }
        }
        v_store_n(output + channel, v_clamp(sum, s->lo, s->hi), count);
      }
    }
  }
}
