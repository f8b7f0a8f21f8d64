// A depthwise convolution and the 1x1 convolution that follows, block by block: what lies between them
// stays in the second-level cache, and threads wait for each other once. A 1x1 convolution before them can be computed
// on the way, too: in networks whose blocks widen an image and narrow it again, its result is the largest of all.
#pragma once

#include "depthwise.h"
#include "prelude.h"
#include "vector_convolution.h"

// Rows of the depthwise convolution's input that are in a thread's memory.
typedef struct {
  int top, end;
} expanded_rows;

// A 1x1 convolution of so many pixels that follow one another.
INLINE void multiply_pixels(zoo_kernel product, zoo_convolution *c, int pixels) {
  c->window.in_height = c->window.out_height = 1;
  c->window.in_width = c->window.out_width = pixels;
  c->window.in_row = pixels * c->window.in_pixel;
  product(c, 0, (pixels + c->row_block - 1) / c->row_block);
}

// Makes the rows of input for `rows` rows of output from `row` on, but for those that are there from the unit before,
// and points `d` to them. Returns which they are.
INLINE expanded_rows expand_rows(
    zoo_kernel product, const zoo_separable *s, zoo_depthwise *d, int row, int rows, float *memory,
    expanded_rows before) {
  const zoo_window *g = &s->depthwise.window;
  const int first = row * g->stride_height - g->pad_top;
  const int reach = (rows - 1) * g->stride_height + (g->kernel_height - 1) * g->dilation_height + 1;
  const int top = min_int(max_int(first, 0), g->in_height), end = max_int(min_int(first + reach, g->in_height), top);
  const int kept = before.top <= top && before.end > top ? min_int(before.end, end) - top : 0;
  float *target = memory + s->expansion_offset;
  if (kept > 0) memmove(target, target + (top - before.top) * g->in_row, (size_t)(kept * g->in_row) * sizeof(float));
  if (end > top + kept) {
    zoo_convolution c = s->expansion;
    c.input += (top + kept) * c.window.in_row;
    c.output = target + kept * g->in_row;
    multiply_pixels(product, &c, (end - top - kept) * g->in_width);
  }
  d->input = target;
  d->window.in_height = end - top;
  d->window.pad_top = top - first;
  return (expanded_rows){top, end};
}

// Has the product `c` bring into the second-level cache what the depthwise convolution reads for `rows` rows of output
// from `row` on, but for the input of the rows before.
INLINE void bring_rows(zoo_convolution *c, const zoo_depthwise *d, int row, int rows) {
  const zoo_window *g = &d->window;
  const int reach = (g->kernel_height - 1) * g->dilation_height + 1;
  const int top = max_int((row - 1) * g->stride_height - g->pad_top + reach, 0);
  const int end = min_int(top + rows * g->stride_height, g->in_height);
  c->ahead = top < end ? d->input + top * g->in_row : NULL;
  c->ahead_bytes = (end - top) * g->in_row * (ptrdiff_t)sizeof(float);
}

INLINE void separable_by(zoo_kernel product, const void *arguments, int32_t begin, int32_t end) {
  const zoo_separable *s = arguments;
  zoo_depthwise d = s->depthwise;
  zoo_convolution c = s->product;
  const int width = d.window.out_width;
  const int pixels = d.window.out_height * width;
  float *memory = s->scratch + zoo_thread_index() * s->slot_floats;
  expanded_rows expanded = {0, 0};
  d.output = memory;
  // Rows that are made on the way read little.
  const int brings_input =
      !s->expands && (ptrdiff_t)c.run * c.columns * (ptrdiff_t)sizeof(float) <= resident_weights;
  for (int unit = begin; unit < end; unit++) {
    const int first = unit * s->pixel_block;
    const int count = min_int(s->pixel_block, pixels - first);
    const int row = first / width, rows = (first + count - 1) / width + 1 - row;
    if (s->expands) {
      expanded = expand_rows(product, s, &d, row, rows, memory, expanded);
    } else {
      d.window.pad_top = s->depthwise.window.pad_top - row * d.window.stride_height;
    }
    depthwise(&d, 0, rows);
    if (brings_input) bring_rows(&c, &s->depthwise, row + rows, (s->pixel_block + width - 1) / width);
    c.input = memory + (first - row * width) * d.window.out_pixel;
    c.output = s->product.output + first * c.window.out_pixel;
    c.residual = s->product.residual ? s->product.residual + first * c.residual_pixel : NULL;
    multiply_pixels(product, &c, count);
  }
}

static void separable(const void *arguments, int32_t begin, int32_t end) {
  separable_by(convolution, arguments, begin, end);
}
