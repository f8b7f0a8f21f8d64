// Kernels that no instruction set makes worth writing twice.
#include <math.h>
#include <string.h>

#include "portable_ops.h"

void zoo_pad(const void *padding, int32_t begin, int32_t end) {
  const zoo_padding *p = padding;
  const zoo_window *g = &p->window;
  const size_t bytes = (size_t)p->channels * sizeof(float);
  for (int32_t oy = begin; oy < end; oy++) {
    float *output = p->output + (ptrdiff_t)oy * g->out_width * g->out_pixel;
    const int32_t y = oy - g->pad_top;
    const int inside = y >= 0 && y < g->in_height;
    const float *row = p->input + (inside ? y * g->in_row : 0);
    int32_t first = g->pad_left > 0 ? g->pad_left : 0;
    int32_t last = g->in_width + g->pad_left < g->out_width ? g->in_width + g->pad_left : g->out_width;
    if (!inside || last < first) first = last = g->out_width;
    const int dense = g->in_pixel == p->channels && g->out_pixel == p->channels;
    if (dense) {
      memset(output, 0, (size_t)first * bytes);
      if (last > first) {
        memcpy(output + first * g->out_pixel, row + (first - g->pad_left) * g->in_pixel,
               (size_t)(last - first) * bytes);
      }
      memset(output + last * g->out_pixel, 0, (size_t)(g->out_width - last) * bytes);
      continue;
    }
    for (int32_t ox = 0; ox < g->out_width; ox++) {
      float *pixel = output + ox * g->out_pixel;
      if (ox >= first && ox < last) memcpy(pixel, row + (ox - g->pad_left) * g->in_pixel, bytes);
      else memset(pixel, 0, bytes);
    }
  }
}

void zoo_softmax(const void *activation, int32_t begin, int32_t end) {
  const zoo_activation *a = activation;
  for (int32_t pixel = begin; pixel < end; pixel++) {
    const float *input = a->input + pixel * a->in_pixel;
    float *output = a->output + pixel * a->out_pixel;
    float largest = -INFINITY;
    for (int32_t i = 0; i < a->channels; i++) largest = input[i] > largest ? input[i] : largest;
    double sum = 0;
    for (int32_t i = 0; i < a->channels; i++) sum += exp((double)input[i] - largest);
    for (int32_t i = 0; i < a->channels; i++) output[i] = (float)(exp((double)input[i] - largest) / sum);
  }
}

void zoo_copy_strided(const void *strided, int32_t begin, int32_t end) {
  const zoo_strided *s = strided;
  for (int32_t pixel = begin; pixel < end; pixel++) {
    const float *input = s->input;
    int32_t rest = pixel;
    for (int32_t axis = s->axes - 1; axis >= 0; axis--) {
      input += rest % s->extents[axis] * s->strides[axis];
      rest /= s->extents[axis];
    }
    float *output = s->output + pixel * s->out_pixel;
    if (s->channel_stride == 1) {
      memcpy(output, input, (size_t)s->channels * sizeof(float));
    } else {
      for (int32_t i = 0; i < s->channels; i++) output[i] = input[i * s->channel_stride];
    }
  }
}
