// Kernels that copy values to other places, exactly.
#include "checks.h"

void check_pad(check *c) {
  for (int i = 0; i < 60; i++) {
    const int channels = one_of(c, 1, 3, 4, 7, 16, 21);
    zoo_window g = {
      .in_height = any(c, 1, 9), .in_width = any(c, 1, 11), .kernel_height = 1, .kernel_width = 1,
      .stride_height = 1, .stride_width = 1, .dilation_height = 1, .dilation_width = 1, .pad_top = any(c, -2, 3),
      .pad_left = any(c, -2, 3), .in_pixel = channels + one_of(c, 0, 0, 5), .out_pixel = channels + one_of(c, 0, 0, 3)};
    g.in_row = g.in_width * g.in_pixel + one_of(c, 0, 7);
    g.out_height = any(c, 1, 14);
    g.out_width = any(c, 1, 16);
    const block input = random_block(c, (size_t)(g.in_height * g.in_row));
    const block output = marked_block((size_t)(g.out_height * g.out_width * g.out_pixel));
    const zoo_padding a = {.window = g, .input = input.values, .output = output.values, .channels = channels};
    run_pad(c, &a, g.out_height);
    for (int pixel = 0; pixel < g.out_height * g.out_width; pixel++) {
      const int y = pixel / g.out_width - g.pad_top, x = pixel % g.out_width - g.pad_left;
      const int inside = y >= 0 && y < g.in_height && x >= 0 && x < g.in_width;
      const float *values = output.values + pixel * g.out_pixel;
      for (int k = 0; k < channels; k++) {
        expect(c, "pad", values[k], inside ? input.values[y * g.in_row + x * g.in_pixel + k] : 0, 0);
      }
      for (ptrdiff_t gap = channels; gap < g.out_pixel; gap++) {
        expect(c, "the gap between pixels", is_marked(values[gap]), 1, 0);
      }
    }
    release(input);
    released(c, "pad", output);
  }
}

void check_copy_strided(check *c) {
  for (int i = 0; i < 40; i++) {
    // The axes' order in memory, in which the channels may come anywhere; some have a stride of 0.
    const int axes = any(c, 0, 4), channels = any(c, 1, 9), place = any(c, 0, axes);
    zoo_strided a = {.channels = channels, .axes = axes, .out_pixel = channels + one_of(c, 0, 3)};
    ptrdiff_t size = 1;
    int pixels = 1;
    for (int k = 0; k <= axes; k++) {
      if (k == place) {
        a.channel_stride = size;
        size *= channels;
      }
      if (k == axes) break;
      a.extents[k] = any(c, 1, 4);
      a.strides[k] = any(c, 0, 3) ? size : 0;
      size *= a.extents[k];
      pixels *= a.extents[k];
    }
    const block input = random_block(c, (size_t)size), output = marked_block((size_t)(pixels * a.out_pixel));
    a.input = input.values;
    a.output = output.values;
    run_copy_strided(c, &a, pixels);
    for (int pixel = 0; pixel < pixels; pixel++) {
      // The place in the input, axis by axis from the first on.
      ptrdiff_t from = 0;
      for (int k = 0, inner = pixels; k < axes; k++) {
        inner /= a.extents[k];
        from += pixel / inner % a.extents[k] * a.strides[k];
      }
      const float *values = output.values + pixel * a.out_pixel;
      for (int k = 0; k < channels; k++) {
        expect(c, "strided copy", values[k], input.values[from + k * a.channel_stride], 0);
      }
      for (ptrdiff_t gap = channels; gap < a.out_pixel; gap++) {
        expect(c, "the gap between pixels", is_marked(values[gap]), 1, 0);
      }
    }
    release(input);
    released(c, "strided copy", output);
  }
}
