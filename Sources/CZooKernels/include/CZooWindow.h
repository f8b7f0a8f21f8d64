// What operations on images share.
#pragma once

#include <stddef.h>
#include <stdint.h>

// How a window moves over an image. Positions outside of the input read as zero or are skipped,
// whichever the operation says. Padding may be negative: the window then starts inside.
typedef struct {
  int32_t in_height, in_width;
  int32_t out_height, out_width;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t dilation_height, dilation_width;
  int32_t pad_top, pad_left;
  ptrdiff_t in_pixel, in_row, out_pixel;
} zoo_window;

// Which values of a gradient pass a rectifier: those where its output, `values`, is above 0 and below `hi`; the others
// become zero. All pass where `values` is null.
typedef struct {
  const float *values;
  ptrdiff_t pixel;         // floats from pixel to pixel
  float hi;                // infinity without a maximum
} zoo_mask;
