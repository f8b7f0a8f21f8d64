// Kernels that no instruction set makes worth writing twice.
#include <math.h>
#include <string.h>

#include "CZooKernels.h"

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

static void softmax(const float *input, float *output, int32_t count) {
  float largest = -INFINITY;
  for (int32_t i = 0; i < count; i++) largest = input[i] > largest ? input[i] : largest;
  double sum = 0;
  for (int32_t i = 0; i < count; i++) sum += exp((double)input[i] - largest);
  for (int32_t i = 0; i < count; i++) output[i] = (float)(exp((double)input[i] - largest) / sum);
}

// Keras' definition: the part above the threshold, limited from zero to the maximum, minus the part below.
static float relu(const zoo_activation *a, float x) {
  if (x != x) return x;
  float y = x > a->threshold ? x : 0;
  if (a->max_value < INFINITY) {
    y = y < 0 ? 0 : y;
    y = y > a->max_value ? a->max_value : y;
  }
  return a->negative_slope != 0 && x < a->threshold ? y - a->negative_slope * (a->threshold - x) : y;
}

void zoo_activate(const void *activation, int32_t begin, int32_t end) {
  const zoo_activation *a = activation;
  for (int32_t pixel = begin; pixel < end; pixel++) {
    const float *input = a->input + pixel * a->in_pixel;
    float *output = a->output + pixel * a->out_pixel;
    switch (a->function) {
      case zoo_softmax:
        softmax(input, output, a->channels);
        break;
      case zoo_sigmoid:
        for (int32_t i = 0; i < a->channels; i++) output[i] = (float)(1 / (1 + exp(-(double)input[i])));
        break;
      case zoo_tanh:
        for (int32_t i = 0; i < a->channels; i++) output[i] = (float)tanh((double)input[i]);
        break;
      default:
        for (int32_t i = 0; i < a->channels; i++) {
          output[i] = relu(a, input[i]);
        }
    }
  }
}
