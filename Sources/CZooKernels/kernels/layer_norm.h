// Normalization of each pixel's vector by its own statistics.
#pragma once

#include "prelude.h"

// The sum of (x - center), or of its square, over a vector.
INLINE float moment(const int SQUARE, const float *input, int count, float center) {
  vf sum = v_set(0);
  const vf c = v_set(center);
  int i = 0;
  for (; i + VL <= count; i += VL) {
    const vf x = v_load(input + i) - c;
    sum = SQUARE ? v_fma(x, x, sum) : v_add(sum, x);
  }
  float lanes[VL];
  v_store(lanes, sum);
  float total = 0;
  for (int lane = 0; lane < VL; lane++) total += lanes[lane];
  for (; i < count; i++) {
    const float x = input[i] - center;
    total += SQUARE ? x * x : x;
  }
  return total;
}

static void layer_norm(const void *arguments, int32_t begin, int32_t end) {
  const zoo_layer_norm *n = arguments;
  for (int pixel = begin; pixel < end; pixel++) {
    const float *input = n->input + pixel * n->in_pixel;
    float *output = n->output + pixel * n->out_pixel;
    float mean = moment(0, input, n->channels, 0) / (float)n->channels;
    // Once more around the mean: what rounding left of it.
    mean += moment(0, input, n->channels, mean) / (float)n->channels;
    const float variance = moment(1, input, n->channels, mean) / (float)n->channels;
    const vf factor = v_set(1 / __builtin_sqrtf(variance + n->epsilon)), center = v_set(mean);
    for (int channel = 0; channel < n->channels; channel += VL) {
      const int count = min_int(VL, n->channels - channel);
      const vf x = v_mul(v_load_n(input + channel, count) - center, factor);
      const vf y = v_fma(x, v_load_n(n->scale + channel, count), v_load_n(n->shift + channel, count));
      v_store_n(output + channel, y, count);
    }
  }
}
