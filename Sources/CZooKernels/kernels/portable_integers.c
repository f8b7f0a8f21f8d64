// Kernels on whole numbers that no instruction set makes worth writing twice.
#include <string.h>

#include "portable_ops.h"

void zoo_integer_pad(const void *padding, int32_t begin, int32_t end) {
  const zoo_integer_padding *p = padding;
  const zoo_window *g = &p->window;
  const size_t channels = (size_t)p->channels;
  const int is_contiguous = g->in_pixel == p->channels && g->out_pixel == p->channels;
  for (int32_t oy = begin; oy < end; oy++) {
    uint8_t *output = p->output + (ptrdiff_t)oy * g->out_width * g->out_pixel;
    const int32_t y = oy - g->pad_top;
    const int row_inside = y >= 0 && y < g->in_height;
    for (int32_t ox = 0; ox < g->out_width;) {
      const int32_t x = ox - g->pad_left;
      const int inside = row_inside && x >= 0 && x < g->in_width;
      int32_t pixels = 1;
      if (inside && is_contiguous) {
        pixels = g->in_width - x < g->out_width - ox ? g->in_width - x : g->out_width - ox;
      }
      memcpy(
          output + ox * g->out_pixel, inside ? p->input + y * g->in_row + x * g->in_pixel : p->zero,
          (size_t)pixels * channels);
      ox += pixels;
    }
  }
}

void zoo_integer_pack(const void *packing, int32_t begin, int32_t end) {
  const zoo_integer_packing *p = packing;
  const int32_t steps = (p->run + 3) / 4;
  for (int32_t panel = begin; panel < end; panel++) {
    const int32_t first = panel * zoo_integer_panel;
    const int32_t width = zoo_integer_columns(p->columns) - first < 32 ? 16 : 32;
    const int32_t used = p->columns - first < width ? p->columns - first : width;
    int8_t *target = p->packed + (ptrdiff_t)p->taps * steps * 4 * first;
    for (int32_t tap = 0; tap < p->taps; tap++) {
      for (int32_t step = 0; step < steps; step++, target += 4 * width) {
        memset(target, 0, (size_t)(4 * width));
        for (int32_t i = 0; i < 4 && 4 * step + i < p->run; i++) {
          const int8_t *row = p->source + ((ptrdiff_t)tap * p->run + 4 * step + i) * p->stride + first;
          for (int32_t column = 0; column < used; column++) target[4 * column + i] = row[column];
        }
      }
    }
  }
}
