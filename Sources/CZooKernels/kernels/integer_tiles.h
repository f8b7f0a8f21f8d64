// Convolution and dense layers on codes of 8 bits on matrix tiles, with the arguments and packed weights of
// integer_product.h and its sums, which are exact.
//
// Registers are of up to 16 rows of 64 bytes. A step multiplies two of up to 16 pixels, `tile_codes` codes each, with two
// of 16 columns of weights, of which one row has four inputs of each column: just as a panel has them. These are four
// registers of sums, two of pixels and two of weights. The time that a step takes is its number of pixels, so the
// blocks are made as even as the number of rows allows.
//
// Pixels are read where they lie if they are equally far apart, else copied. The file that includes this defines, beside
// what integer_rows.h needs: tile_begin(rows, bytes), the extents of eight registers; tile_end(); and, of register r,
// tile_load(r, from, stride), tile_store(r, to, stride) and tile_add_products(sums, pixels, weights).
#pragma once

#include "integer_rows.h"

enum { tile_rows = 16, tile_columns = 16 };
// Two for each tap and block: a unit of `zoo_indirection_limit` taps of rows has at most so many where tiles pay.
enum { tile_strides = zoo_indirection_limit / 2 };
// Registers.
enum { tile_sums = 0, tile_pixels = 4, tile_weights = 6 };

// Groups of four codes that a step takes: as many as divide a run evenly. With a few of them vectors are as fast.
INLINE int tile_groups(const zoo_integer_product *c) {
  const int groups = (c->run + 3) / 4;
  int size = min_int(groups, 16);
  while (groups % size) size--;
  return size;
}
// Few rows take as long as it takes to read the weights.
INLINE int tiles_pay(const zoo_integer_product *c) {
  const int rows = min_int(c->row_block, c->window.out_height * c->window.out_width);
  return rows >= 8 && tile_groups(c) >= 4;
}

typedef struct {
  const zoo_integer_product *product;
  int groups, steps;  // of four codes in a step; of a run
  int upper, lower;   // pixels of the two registers
  int panel_width;    // columns of the panel
} tile_shape;

// How far the pixels of a register are apart; 0 where that differs.
INLINE ptrdiff_t tile_stride(const uint8_t *const *rows, int count) {
  if (count == 1) return 64;
  const ptrdiff_t stride = rows[1] - rows[0];
  for (int m = 2; m < count; m++) {
    if (rows[m] - rows[m - 1] != stride) return 0;
  }
  return stride;
}

INLINE void tile_copy(const uint8_t *const *rows, int count, ptrdiff_t at, int bytes, uint8_t *copy) {
  for (int m = 0; m < count; m++) memcpy(copy + m * 64, rows[m] + at, (size_t)bytes);
}

// The sums of `size` pixels, whose rows are (taps, size) pointers, with the one or two TILES of a panel at `weights`, to
// rows of 32. `strides`: of each tap and register.
INLINE void tile_block(
    const int TILES, const tile_shape *s, const uint8_t *const *rows, const ptrdiff_t *strides, int size,
    const int8_t *weights, const int32_t *bias, int32_t *sums) {
  enum { row = 2 * tile_columns };
  uint8_t copies[2][tile_rows * 64] __attribute__((aligned(64)));
  const zoo_integer_product *c = s->product;
  const int taps = c->window.kernel_height * c->window.kernel_width;
  // The second register ends with the last pixel, and may begin with one that the first one has too.
  const int second = size - s->lower;
  const ptrdiff_t weight_row = 4 * s->panel_width, bytes = 4 * s->groups;
  tile_load(tile_sums, bias, 0);
  tile_load(tile_sums + 2, bias, 0);
  if (TILES == 2) {
    tile_load(tile_sums + 1, bias + tile_columns, 0);
    tile_load(tile_sums + 3, bias + tile_columns, 0);
  }
  for (int tap = 0; tap < taps; tap++, rows += size, strides += 2) {
    for (int step = 0; step < s->steps; step++, weights += s->groups * weight_row) {
      const ptrdiff_t at = step * bytes;
      tile_load(tile_weights, weights, weight_row);
      if (TILES == 2) tile_load(tile_weights + 1, weights + 4 * tile_columns, weight_row);
      if (strides[0]) {
        tile_load(tile_pixels, rows[0] + at, strides[0]);
      } else {
        tile_copy(rows, s->upper, at, (int)bytes, copies[0]);
        tile_load(tile_pixels, copies[0], 64);
      }
      if (strides[1]) {
        tile_load(tile_pixels + 1, rows[second] + at, strides[1]);
      } else {
        tile_copy(rows + second, s->lower, at, (int)bytes, copies[1]);
        tile_load(tile_pixels + 1, copies[1], 64);
      }
      tile_add_products(tile_sums, tile_pixels, tile_weights);
      if (TILES == 2) tile_add_products(tile_sums + 1, tile_pixels, tile_weights + 1);
      tile_add_products(tile_sums + 2, tile_pixels + 1, tile_weights);
      if (TILES == 2) tile_add_products(tile_sums + 3, tile_pixels + 1, tile_weights + 1);
    }
  }
  tile_store(tile_sums, sums, row * sizeof *sums);
  tile_store(tile_sums + 2, sums + second * row, row * sizeof *sums);
  if (TILES == 2) {
    tile_store(tile_sums + 1, sums + tile_columns, row * sizeof *sums);
    tile_store(tile_sums + 3, sums + second * row + tile_columns, row * sizeof *sums);
  }
}

static void tile_product(const void *arguments, int32_t begin, int32_t end) {
  const zoo_integer_product *c = arguments;
  const zoo_window *g = &c->window;
  const uint8_t *rows[zoo_indirection_limit];
  ptrdiff_t strides[tile_strides];
  int32_t sums[2 * tile_rows * 2 * tile_columns] __attribute__((aligned(64)));
  const int taps = g->kernel_height * g->kernel_width, all_rows = g->out_height * g->out_width;
  const int panels = zoo_integer_panels(c->columns);
  const int groups = (c->run + 3) / 4;
  tile_shape s = {.product = c, .groups = tile_groups(c)};
  s.steps = groups / s.groups;
  for (int unit = begin; unit < end; unit++) {
    const product_unit u = unit_of_product(unit, all_rows, c->row_block, panels, c->panel_group, c->by_rows);
    const int block_count = (u.rows + 2 * tile_rows - 1) / (2 * tile_rows);
    const int largest = (u.rows + block_count - 1) / block_count;
    s.upper = (largest + 1) / 2;
    s.lower = max_int(largest / 2, 1);
    for (int i = 0, done = 0; i < block_count; i++) {
      const int size = part_size(u.rows, block_count, i);
      const uint8_t **own = rows + (ptrdiff_t)done * taps;
      ip_point(c, u.row + done, size, own);
      for (int tap = 0; tap < taps; tap++, own += size) {
        ptrdiff_t *stride = strides + 2 * (i * taps + tap);
        stride[0] = tile_stride(own, s.upper);
        stride[1] = tile_stride(own + size - s.lower, s.lower);
      }
      done += size;
    }
    const uint8_t extents[8] = {
      (uint8_t)s.upper, (uint8_t)s.upper, (uint8_t)s.lower, (uint8_t)s.lower, (uint8_t)s.upper, (uint8_t)s.lower,
      (uint8_t)s.groups, (uint8_t)s.groups};
    const uint16_t code_bytes = (uint16_t)(4 * s.groups);
    const uint16_t bytes[8] = {64, 64, 64, 64, code_bytes, code_bytes, 64, 64};
    tile_begin(extents, bytes);
    for (int panel = u.panel; panel < u.end_panel; panel++) {
      const int column = panel * zoo_integer_panel, used = min_int(zoo_integer_panel, c->columns - column);
      const int8_t *weights = c->weights + (ptrdiff_t)taps * groups * 4 * column;
      s.panel_width = min_int(zoo_integer_panel, zoo_integer_columns(c->columns) - column);
      for (int i = 0, done = 0; i < block_count; i++) {
        const int size = part_size(u.rows, block_count, i);
        const uint8_t *const *own = rows + (ptrdiff_t)done * taps;
        const ptrdiff_t *own_strides = strides + 2 * i * taps;
        if (used > tile_columns) {
          tile_block(2, &s, own, own_strides, size, weights, c->bias + column, sums);
        } else {
          tile_block(1, &s, own, own_strides, size, weights, c->bias + column, sums);
        }
        ip_store(c, sums, size, u.row + done, column, used);
        done += size;
      }
    }
    tile_end();
  }
}
