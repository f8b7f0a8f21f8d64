// What products on codes of 8 bits share: where the rows of their left-hand side lie, and what becomes of sums.
#pragma once

#include "integer_prelude.h"

// What becomes of the sums of `count` pixels, in rows of `zoo_integer_panel`, and one or two vectors of columns, of which
// the last one has `last`. RESIDUAL: 1 where codes are added, 2 where wide ones are.
INLINE void ip_store_vectors(
    const int NV, const int RESIDUAL, const int WRITES, const zoo_integer_product *arguments, const int32_t *sums,
    int count, int pixel, int column, int last) {
  // A copy, which no code that is written can be a part of.
  const zoo_integer_product local = *arguments, *c = &local;
  vf multiplier[2], offset[2];
  UNROLL for (int n = 0; n < NV; n++) {
    multiplier[n] = v_load(c->multiplier + column + n * VL);
    offset[n] = v_load(c->offset + column + n * VL);
  }
  for (int m = 0; m < count; m++, pixel++, sums += zoo_integer_panel) {
    const ptrdiff_t place = pixel * c->window.out_pixel + column;
    vf y[2];
    UNROLL for (int n = 0; n < NV; n++) {
      const int used = n == NV - 1 ? last : VL;
      y[n] = q_scaled(q_load(sums + n * VL), multiplier[n], offset[n]);
      if (RESIDUAL) {
        const ptrdiff_t at = pixel * c->residual_pixel + column + n * VL;
        y[n] = q_plus(y[n], q_load_codes(c->residual, at, RESIDUAL == 2, used), c->residual_factor);
      }
      if (WRITES & zoo_write_floats) {
        v_store_up_to((float *)c->output + place + n * VL, v_clamp(y[n], c->lo, c->hi), used);
      }
    }
    if (WRITES & zoo_write_codes) q_store_code_vectors(NV, (uint8_t *)c->output + place, y, last);
    if (WRITES & zoo_write_wide) q_store_wide_vectors(NV, c->wide + pixel * c->wide_pixel + column, y, last);
  }
}

#define IP_STORE(RESIDUAL, WRITES) \
  static __attribute__((noinline)) void ip_store_##RESIDUAL##_##WRITES( \
      const zoo_integer_product *c, const int32_t *sums, int count, int pixel, int column) { \
    ip_store_vectors(2, RESIDUAL, WRITES, c, sums, count, pixel, column, VL); \
  }
#define IP_STORES(RESIDUAL) IP_STORE(RESIDUAL, 1) IP_STORE(RESIDUAL, 2) IP_STORE(RESIDUAL, 3) IP_STORE(RESIDUAL, 4)
IP_STORES(0) IP_STORES(1) IP_STORES(2)

typedef void (*ip_store_function)(const zoo_integer_product *, const int32_t *, int, int, int);
#define IP_STORE_ROW(RESIDUAL) \
  {ip_store_##RESIDUAL##_1, ip_store_##RESIDUAL##_2, ip_store_##RESIDUAL##_3, ip_store_##RESIDUAL##_4}
// By RESIDUAL and, less one, WRITES.
static const ip_store_function ip_stores[3][4] = {IP_STORE_ROW(0), IP_STORE_ROW(1), IP_STORE_ROW(2)};

// The same of `used` columns.
static void ip_store(const zoo_integer_product *c, const int32_t *sums, int count, int pixel, int column, int used) {
  const int residual = c->residual ? 1 + c->residual_is_wide : 0;
  for (; used >= 2 * VL; used -= 2 * VL, column += 2 * VL, sums += 2 * VL) {
    ip_stores[residual][c->writes - 1](c, sums, count, pixel, column);
  }
  for (; used > 0; used -= VL, column += VL, sums += VL) {
    ip_store_vectors(1, residual, c->writes, c, sums, count, pixel, column, min_int(VL, used));
  }
}

// Fills the pointers for `count` output pixels from `first` on, position by position.
static void ip_point_to_rows(const zoo_integer_product *c, int first, int count, const uint8_t **rows) {
  const zoo_window *g = &c->window;
  const ptrdiff_t step_y = g->dilation_height * g->in_row, step_x = g->dilation_width * g->in_pixel;
  const int reach_y = (g->kernel_height - 1) * g->dilation_height;
  const int reach_x = (g->kernel_width - 1) * g->dilation_width;
  int oy = first / g->out_width, ox = first % g->out_width;
  const int first_y = oy * g->stride_height - g->pad_top, first_x = ox * g->stride_width - g->pad_left;
  if (ox + count <= g->out_width && first_y >= 0 && first_y + reach_y < g->in_height && first_x >= 0 &&
      first_x + (count - 1) * g->stride_width + reach_x < g->in_width) {
    // One row of the output, and all windows inside.
    const uint8_t *corner = c->input + first_y * g->in_row + first_x * g->in_pixel;
    const ptrdiff_t step = g->stride_width * g->in_pixel;
    for (int ky = 0; ky < g->kernel_height; ky++, corner += step_y) {
      const uint8_t *input = corner;
      for (int kx = 0; kx < g->kernel_width; kx++, rows += count, input += step_x) {
        for (int m = 0; m < count; m++) rows[m] = input + m * step;
      }
    }
    return;
  }
  for (int m = 0; m < count; m++) {
    const int top = oy * g->stride_height - g->pad_top, left = ox * g->stride_width - g->pad_left;
    const uint8_t *corner = c->input + top * g->in_row + left * g->in_pixel;
    const uint8_t **target = rows + m;
    for (int ky = 0; ky < g->kernel_height; ky++) {
      const int y = top + ky * g->dilation_height;
      const int row_inside = y >= 0 && y < g->in_height;
      for (int kx = 0; kx < g->kernel_width; kx++, target += count) {
        const int x = left + kx * g->dilation_width;
        const int inside = row_inside && x >= 0 && x < g->in_width;
        *target = inside ? corner + ky * step_y + kx * step_x : c->zero;
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
