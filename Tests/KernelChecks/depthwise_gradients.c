// Gradients of depthwise convolutions, against plain loops.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "checks.h"
#include "layers.h"

// The usual windows and others; as networks have them, the last one often ends at the edge.
static zoo_window window_of(check *c, int i) {
  zoo_window g = any_window(c);
  if (i % 4 == 0) return g;
  const int kernel = one_of(c, 3, 3, 5, 7), stride = any(c, 1, 2);
  g.in_width = any(c, 1, 33);
  g.kernel_height = any(c, 0, 5) ? kernel : any(c, 1, 4);
  g.kernel_width = kernel;
  g.stride_height = g.stride_width = stride;
  g.dilation_height = g.dilation_width = 1;
  g.pad_top = any(c, 0, kernel / 2);
  g.pad_left = any(c, 0, kernel / 2);
  g.out_height = parts(g.in_height, stride);
  g.out_width = parts(g.in_width, stride);
  return g;
}

void check_depthwise_gradient(check *c) {
  for (int i = 0; i < 120; i++) {
    const int images = any(c, 1, 3), channels = one_of(c, 1, 3, 8, 11, 16, 20, 33), multiplier = any(c, 0, 4) ? 1 : 2;
    const int filters = channels * multiplier, stride = (filters + 15) / 16 * 16;
    layer l = layer_of(c, window_of(c, i), images, channels, filters);
    const zoo_window g = l.window;
    const int taps = g.kernel_height * g.kernel_width;
    char what[160];
    snprintf(
        what, sizeof what, "depthwise gradient %dx%d stride %dx%d, padding %dx%d, %dx%dx%d times %d to %dx%d",
        g.kernel_height, g.kernel_width, g.stride_height, g.stride_width, g.pad_top, g.pad_left, g.in_height,
        g.in_width, channels, multiplier, g.out_height, g.out_width);
    const block weights = random_block(c, (size_t)(taps * stride)), zero = zeros_block((size_t)stride);
    const block output = marked_block((size_t)(images * l.in_image));
    const int masked = any(c, 0, 1);
    // The mask has no gaps between rows.
    const ptrdiff_t mask_pixel = channels + one_of(c, 0, 3), mask_image = g.in_height * g.in_width * mask_pixel;
    const block mask = random_block(c, (size_t)(images * mask_image));
    const zoo_depthwise_gradient a = {
      .window = g, .gradient = l.gradient.values, .weights = weights.values, .zero = zero.values,
      .output = output.values, .in_image = l.in_image, .out_image = l.out_image, .channels = channels,
      .multiplier = multiplier, .weight_stride = stride,
      .mask = {masked ? mask.values : NULL, mask_pixel, any(c, 0, 1) ? INFINITY : 0.5f}, .mask_image = mask_image};
    run_depthwise_gradient(c, &a, images * g.in_height);
    for (int image = 0; image < images; image++) {
      for (int y = 0; y < g.in_height; y++) {
        for (int x = 0; x < g.in_width; x++) {
          const float *pixel = output.values + image * l.in_image + y * g.in_row + x * g.in_pixel;
          for (int channel = 0; channel < channels; channel++) {
            double sum = 0, magnitude = 0;
            for (int tap = 0; tap < taps; tap++) {
              const int above = y + g.pad_top - tap / g.kernel_width * g.dilation_height;
              const int left = x + g.pad_left - tap % g.kernel_width * g.dilation_width;
              if (above < 0 || above % g.stride_height || left < 0 || left % g.stride_width) continue;
              const int oy = above / g.stride_height, ox = left / g.stride_width;
              if (oy >= g.out_height || ox >= g.out_width) continue;
              for (int filter = channel * multiplier; filter < (channel + 1) * multiplier; filter++) {
                const double gradient = gradient_at(&l, image, oy, ox)[filter];
                const double term = gradient * weights.values[tap * stride + filter];
                sum += term;
                magnitude += fabs(term);
              }
            }
            if (masked) {
              const ptrdiff_t place = image * mask_image + ((ptrdiff_t)y * g.in_width + x) * mask_pixel + channel;
              if (!passes(mask.values[place], a.mask.hi)) sum = magnitude = 0;
            }
            expect(c, what, pixel[channel], sum, taps * multiplier * rounding * magnitude);
          }
          for (ptrdiff_t k = channels; k < g.in_pixel; k++) {
            expect(c, "the gap between pixels", is_marked(pixel[k]), 1, 0);
          }
        }
      }
    }
    release(weights);
    release(zero);
    release(mask);
    released(c, what, output);
    release_layer(&l);
  }
}

void check_depthwise_weight_gradient(check *c) {
  for (int i = 0; i < 120; i++) {
    const int images = any(c, 1, 3), channels = one_of(c, 1, 3, 8, 11, 16, 20, 33, 50);
    const int multiplier = any(c, 0, 4) ? 1 : 2, filters = channels * multiplier;
    layer l = layer_of(c, window_of(c, i), images, channels, filters);
    const zoo_window g = l.window;
    const int taps = g.kernel_height * g.kernel_width, steps = g.out_height * g.out_width + images + 1;
    char what[160];
    snprintf(
        what, sizeof what, "depthwise weights' gradient %dx%d stride %dx%d, %d of %dx%dx%d times %d to %dx%d",
        g.kernel_height, g.kernel_width, g.stride_height, g.stride_width, images, g.in_height, g.in_width, channels,
        multiplier, g.out_height, g.out_width);
    const ptrdiff_t stride = filters + one_of(c, 0, 3);
    const block weights = marked_block((size_t)(taps * stride)), sums = marked_block(2 * (size_t)filters);
    zoo_depthwise_weight_gradient a = {
      .window = g, .input = l.input.values, .gradient = l.gradient.values, .weights = weights.values,
      .column_sums = any(c, 0, 2) ? doubles(sums) : NULL, .in_image = l.in_image, .out_image = l.out_image,
      .stride = stride, .images = images, .channels = channels, .multiplier = multiplier,
      .slot_floats = (ptrdiff_t)(taps + 1) * ((filters + 15) / 16 * 16)};
    const block scratch = marked_block((size_t)(check_threads * a.slot_floats));
    a.scratch = scratch.values;
    const int before = any(c, 0, 1);
    if (before) {
      // The first image by itself, the others added to it.
      a.images = 1;
      run_depthwise_weight_gradient(c, &a, parts(filters, 16));
      a.input += a.in_image;
      a.gradient += a.out_image;
      a.images = images - 1;
      a.accumulate = 1;
    }
    run_depthwise_weight_gradient(c, &a, parts(filters, 16));
    for (int tap = 0; tap <= taps; tap++) {
      for (int filter = 0; filter < filters; filter++) {
        double sum = 0, magnitude = 0;
        if (tap == taps) {
          if (!a.column_sums) continue;
          sum = column_sum(&l, filter, &magnitude);
          expect(c, "columns' sums", a.column_sums[filter], sum, steps * rounding * magnitude);
          continue;
        }
        for (int pixel = 0; pixel < images * g.out_height * g.out_width; pixel++) {
          const int image = pixel / (g.out_height * g.out_width), place = pixel % (g.out_height * g.out_width);
          const int oy = place / g.out_width, ox = place % g.out_width;
          const float *input = input_at(&l, image, oy, ox, tap);
          if (!input) continue;
          const double term = (double)input[filter / multiplier] * gradient_at(&l, image, oy, ox)[filter];
          sum += term;
          magnitude += fabs(term);
        }
        expect(c, what, weights.values[tap * stride + filter], sum, steps * rounding * magnitude);
      }
      for (ptrdiff_t k = filters; k < stride && tap < taps; k++) {
        expect(c, "the gap between rows", is_marked(weights.values[tap * stride + k]), 1, 0);
      }
    }
    released(c, what, weights);
    released(c, what, sums);
    released(c, what, scratch);
    release_layer(&l);
  }
}
