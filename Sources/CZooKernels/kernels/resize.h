// Images at another size.
#pragma once

#include "prelude.h"

// Where output row or column `index` lies: `fraction` of the way from `lower` to `upper`.
typedef struct {
  int lower, upper;
  float fraction;
} resize_position;

INLINE resize_position resize_at(int bilinear, int index, int output, int input) {
  const float center = ((float)index + 0.5f) * ((float)input / (float)output);
  if (!bilinear) {
    const int nearest = min_int((int)center, input - 1);
    return (resize_position){nearest, nearest, 0};
  }
  const float place = center - 0.5f, below = __builtin_floorf(place);
  const int upper = min_int((int)__builtin_ceilf(place), input - 1);
  return (resize_position){min_int(max_int((int)below, 0), upper), upper, place - below};
}

static void resize(const void *arguments, int32_t begin, int32_t end) {
  const zoo_resize *r = arguments;
  for (int oy = begin; oy < end; oy++) {
    const resize_position y = resize_at(r->bilinear, oy, r->out_height, r->in_height);
    const float *above = r->input + y.lower * r->in_row, *below = r->input + y.upper * r->in_row;
    float *output = r->output + (ptrdiff_t)oy * r->out_width * r->out_pixel;
    for (int ox = 0; ox < r->out_width; ox++, output += r->out_pixel) {
      const resize_position x = resize_at(r->bilinear, ox, r->out_width, r->in_width);
      const ptrdiff_t left = x.lower * r->in_pixel, right = x.upper * r->in_pixel;
      if (!r->bilinear) {
        memcpy(output, above + left, (size_t)r->channels * sizeof(float));
        continue;
      }
      const vf across = v_set(x.fraction), down = v_set(y.fraction);
      for (int channel = 0; channel < r->channels; channel += VL) {
        const int count = min_int(VL, r->channels - channel);
        const vf a = v_load_n(above + left + channel, count), b = v_load_n(above + right + channel, count);
        const vf c = v_load_n(below + left + channel, count), d = v_load_n(below + right + channel, count);
        const vf top = v_fma(b - a, across, a), bottom = v_fma(d - c, across, c);
        v_store_n(output + channel, v_fma(bottom - top, down, top), count);
      }
    }
  }
}

static void resample(const void *arguments, int32_t begin, int32_t end) {
  const zoo_resample *r = arguments;
  for (int place = begin; place < end; place++) {
    const float *weights = r->weights + (ptrdiff_t)place * r->taps;
    const float *input = r->input + (ptrdiff_t)r->starts[place] * r->in_step;
    float *output = r->output + place * r->out_step;
    for (int line = 0; line < r->lines; line++, input += r->in_line, output += r->out_line) {
      for (int channel = 0; channel < r->channels; channel += VL) {
        const int count = min_int(VL, r->channels - channel);
        const float *tap = input + channel;
        vf sum = v_load_n(tap, count) * v_set(weights[0]);
        for (int i = 1; i < r->taps; i++) {
          tap += r->in_step;
          sum = v_fma(v_load_n(tap, count), v_set(weights[i]), sum);
        }
        v_store_n(output + channel, sum, count);
      }
    }
  }
}
