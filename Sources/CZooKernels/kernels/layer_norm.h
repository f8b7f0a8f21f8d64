// Normalization of each pixel's vector by its own statistics.
#pragma once

#include "prelude.h"

typedef struct {
  float sum, squares;
} moments;

// The sums of x - center and of its square over a vector, by several sums each, which don't wait for each other.
INLINE moments moments_around(float center, const float *input, int count) {
  vf sum[4], squares[4];
  UNROLL for (int n = 0; n < 4; n++) sum[n] = squares[n] = v_set(0);
  const vf c = v_set(center);
  int i = 0;
  for (; i + 4 * VL <= count; i += 4 * VL) {
    UNROLL for (int n = 0; n < 4; n++) {
      const vf x = v_load(input + i + n * VL) - c;
      sum[n] = v_add(sum[n], x);
      squares[n] = v_fma(x, x, squares[n]);
    }
  }
  for (; i + VL <= count; i += VL) {
    const vf x = v_load(input + i) - c;
    sum[0] = v_add(sum[0], x);
    squares[0] = v_fma(x, x, squares[0]);
  }
  float lanes[2][VL];
  v_store(lanes[0], v_add(v_add(sum[0], sum[1]), v_add(sum[2], sum[3])));
  v_store(lanes[1], v_add(v_add(squares[0], squares[1]), v_add(squares[2], squares[3])));
  for (int width = VL / 2; width > 0; width /= 2) {
    for (int lane = 0; lane < width; lane++) {
      lanes[0][lane] += lanes[0][lane + width];
      lanes[1][lane] += lanes[1][lane + width];
    }
  }
  moments m = {lanes[0][0], lanes[1][0]};
  for (; i < count; i++) {
    const float x = input[i] - center;
    m.sum += x;
    m.squares += x * x;
  }
  return m;
}

static void layer_norm(const void *arguments, int32_t begin, int32_t end) {
  const zoo_layer_norm *n = arguments;
  const float count = (float)n->channels;
  for (int pixel = begin; pixel < end; pixel++) {
    const float *input = n->input + pixel * n->in_pixel;
    float *output = n->output + pixel * n->out_pixel;
    const float near = moments_around(0, input, n->channels).sum / count;
    // Once more around the mean: what rounding left of it, and squares of which nothing cancels.
    const moments m = moments_around(near, input, n->channels);
    const float rest = m.sum / count, difference = m.squares / count - rest * rest;
    const float variance = difference < 0 ? 0 : difference;
    const vf factor = v_set(1 / __builtin_sqrtf(variance + n->epsilon)), center = v_set(near + rest);
    int channel = 0;
    for (; channel + VL <= n->channels; channel += VL) {
      const vf x = v_mul(v_load(input + channel) - center, factor);
      v_store(output + channel, v_fma(x, v_load(n->scale + channel), v_load(n->shift + channel)));
    }
    if (channel < n->channels) {
      const int last = n->channels - channel;
      const vf x = v_mul(v_load_n(input + channel, last) - center, factor);
      const vf y = v_fma(x, v_load_n(n->scale + channel, last), v_load_n(n->shift + channel, last));
      v_store_n(output + channel, y, last);
    }
  }
}
