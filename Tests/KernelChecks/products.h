// A product of windows with weights, and what it must be, for the checks of convolutions and dense layers.
#pragma once

#include "checks.h"

typedef struct {
  zoo_window window;
  int channels, columns;
  ptrdiff_t residual_pixel, mask_pixel;
  block input, weights, bias, residual, mask, output;
  double *scale;
  double scales[256];
  float lo, hi, mask_hi;
} product;

// A window of one pixel over an image.
zoo_window product_window(check *, int height, int width, int channels);
product make_product(check *, zoo_window, int channels, int columns);
// The output is compared with plain loops, to `steps` roundings of the sum of the absolute values of its terms.
void compare_product(check *, const char *what, const product *, double steps);
void release_product(check *, const char *what, product *);
