// What products on codes of 8 bits share: where the rows of their left-hand side lie, and what becomes of sums.
#pragma once

#include "integer_prelude.h"

INLINE void ip_store(
    const int NV, const zoo_integer_product *c, int pixel, int column, int last, const vi *sum) {
  const int first = column;
  UNROLL for (int n = 0; n < NV; n++) {
    const int used = n == NV - 1 ? last : VL;
    column = first + n * VL;
    vf y = q_scaled(sum[n], v_load(c->multiplier + column), v_load(c->offset + column));
    if (c->residual) {
      const ptrdiff_t at = pixel * c->residual_pixel + column;
      y = q_plus(y, q_load_codes(c->residual, at, c->residual_is_wide, used), c->residual_factor);
    }
    const ptrdiff_t place = pixel * c->window.out_pixel + column;
    if (c->writes & zoo_write_floats) v_store_up_to((float *)c->output + place, v_clamp(y, c->lo, c->hi), used);
    if (c->writes & zoo_write_codes) q_store_codes((uint8_t *)c->output + place, y, used);
    if (c->writes & zoo_write_wide) q_store_wide(c->wide + pixel * c->wide_pixel + column, y, used);
  }
}

// Fills the pointers for `count` output pixels from `first` on, position by position.
static void ip_point_to_rows(const zoo_integer_product *c, int first, int count, const uint8_t **rows) {
  const zoo_window *g = &c->window;
  int oy = first / g->out_width, ox = first % g->out_width;
  for (int m = 0; m < count; m++) {
    const int top = oy * g->stride_height - g->pad_top, left = ox * g->stride_width - g->pad_left;
    const uint8_t *corner = c->input + top * g->in_row + left * g->in_pixel;
    const uint8_t **target = rows + m;
    for (int ky = 0; ky < g->kernel_height; ky++) {
      const int y = top + ky * g->dilation_height;
      const int row_inside = y >= 0 && y < g->in_height;
      const ptrdiff_t row = ky * g->dilation_height * g->in_row;
      for (int kx = 0; kx < g->kernel_width; kx++, target += count) {
        const int x = left + kx * g->dilation_width;
        const int inside = row_inside && x >= 0 && x < g->in_width;
        *target = inside ? corner + row + kx * g->dilation_width * g->in_pixel : c->zero;
      }
    }
    ox++;
    oy += ox == g->out_width;
    ox = ox == g->out_width ? 0 : ox;
  }
}

INLINE int ip_rows_are_input(const zoo_window *g) {
  return g->kernel_height == 1 && g->kernel_width == 1 && g->stride_height == 1 && g->stride_width == 1 &&
         g->pad_top == 0 && g->pad_left == 0 && g->in_width == g->out_width && g->in_height == g->out_height &&
         g->in_row == g->in_width * g->in_pixel;
}

// The same for any product.
INLINE void ip_point(const zoo_integer_product *c, int first, int count, const uint8_t **rows) {
  if (ip_rows_are_input(&c->window)) {
    for (int m = 0; m < count; m++) rows[m] = c->input + (first + m) * c->window.in_pixel;
  } else {
    ip_point_to_rows(c, first, count, rows);
  }
}
