// Layers that move a window over several images, for the checks of their gradients.
#pragma once

#include "checks.h"

// A window over several images with an output whose gradient is given.
typedef struct {
  zoo_window window;
  int images, channels, columns;
  ptrdiff_t in_image, out_image;
  block input, gradient;
} layer;

layer layer_of(check *, zoo_window, int images, int channels, int columns);
void release_layer(layer *);

zoo_window any_window(check *);

// The input at a position of the window, or null outside.
const float *input_at(const layer *, int image, int oy, int ox, int tap);
// The gradient of an output pixel.
const float *gradient_at(const layer *, int image, int oy, int ox);
// The sum of a column of the gradient; `magnitude` becomes the sum of the absolute values of its terms.
double column_sum(const layer *, int column, double *magnitude);

// Room for doubles in a block of floats, so that its guards hold for them too.
static inline double *doubles(block b) { return (double *)(void *)b.values; }
static inline int parts(int count, int size) { return (count + size - 1) / size; }
// Whether a gradient passes where a rectifier, at most `hi`, gave the value.
static inline int passes(float value, float hi) { return value > 0 && value < hi; }
