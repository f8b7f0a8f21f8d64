// A depthwise convolution and the 1x1 convolution that follows, block by block: what lies between them
// stays in the second-level cache, and threads wait for each other once.
#pragma once

#include "depthwise.h"
#include "prelude.h"
#include "vector_convolution.h"

INLINE void separable_by(zoo_kernel product, const void *arguments, int32_t begin, int32_t end) {
  const zoo_separable *s = arguments;
  zoo_depthwise d = s->depthwise;
  zoo_convolution c = s->product;
  const int width = d.window.out_width;
  const int pixels = d.window.out_height * width;
  float *memory = s->scratch + zoo_thread_index() * s->slot_floats;
  c.window.in_height = c.window.out_height = 1;
  d.output = memory;
  for (int unit = begin; unit < end; unit++) {
    const int first = unit * s->pixel_block;
    const int count = min_int(s->pixel_block, pixels - first);
    const int row = first / width, rows = (first + count - 1) / width + 1 - row;
    d.window.pad_top = s->depthwise.window.pad_top - row * d.window.stride_height;
    depthwise(&d, 0, rows);
    c.window.in_width = c.window.out_width = count;
    c.window.in_row = count * c.window.in_pixel;
    c.input = memory + (first - row * width) * d.window.out_pixel;
    c.output = s->product.output + first * c.window.out_pixel;
    c.residual = s->product.residual ? s->product.residual + first * c.residual_pixel : NULL;
    product(&c, 0, (count + c.row_block - 1) / c.row_block);
  }
}

static void separable(const void *arguments, int32_t begin, int32_t end) {
  separable_by(convolution, arguments, begin, end);
}
