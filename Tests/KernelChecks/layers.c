#include "layers.h"

#include <math.h>

layer layer_of(check *c, zoo_window g, int images, int channels, int columns) {
  layer l = {.window = g, .images = images, .channels = channels, .columns = columns};
  zoo_window *w = &l.window;
  w->in_pixel = channels + one_of(c, 0, 0, 5);
  w->in_row = w->in_width * w->in_pixel + one_of(c, 0, 7);
  w->out_pixel = columns + one_of(c, 0, 3);
  l.in_image = w->in_height * w->in_row + one_of(c, 0, 9);
  l.out_image = w->out_height * w->out_width * w->out_pixel + one_of(c, 0, 9);
  l.input = random_block(c, (size_t)(images * l.in_image));
  l.gradient = random_block(c, (size_t)(images * l.out_image));
  return l;
}

zoo_window any_window(check *c) {
  return (zoo_window){
    .in_height = any(c, 1, 11), .in_width = any(c, 1, 13), .kernel_height = any(c, 1, 4), .kernel_width = any(c, 1, 4),
    .stride_height = any(c, 1, 3), .stride_width = any(c, 1, 3), .dilation_height = any(c, 1, 2),
    .dilation_width = any(c, 1, 2), .pad_top = any(c, -1, 2), .pad_left = any(c, -1, 2),
    .out_height = any(c, 1, 8), .out_width = any(c, 1, 9)};
}

const float *input_at(const layer *l, int image, int oy, int ox, int tap) {
  const zoo_window *g = &l->window;
  const int y = oy * g->stride_height - g->pad_top + tap / g->kernel_width * g->dilation_height;
  const int x = ox * g->stride_width - g->pad_left + tap % g->kernel_width * g->dilation_width;
  if (y < 0 || y >= g->in_height || x < 0 || x >= g->in_width) return NULL;
  return l->input.values + image * l->in_image + y * g->in_row + x * g->in_pixel;
}

const float *gradient_at(const layer *l, int image, int oy, int ox) {
  return l->gradient.values + image * l->out_image + ((ptrdiff_t)oy * l->window.out_width + ox) * l->window.out_pixel;
}

double column_sum(const layer *l, int column, double *magnitude) {
  double sum = 0;
  *magnitude = 0;
  for (int image = 0; image < l->images; image++) {
    for (int pixel = 0; pixel < l->window.out_height * l->window.out_width; pixel++) {
      const double term = gradient_at(l, image, pixel / l->window.out_width, pixel % l->window.out_width)[column];
      sum += term;
      *magnitude += fabs(term);
    }
  }
  return sum;
}

void release_layer(layer *l) {
  release(l->input);
  release(l->gradient);
}
