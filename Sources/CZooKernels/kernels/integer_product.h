// Convolution and dense layers on codes of 8 bits, as an indirect matrix product like vector_convolution.h's.
//
// A step of the sum takes four inputs: each lane adds the products of four bytes of the input pixel, which are
// repeated in all lanes, with the four weights of its column. Panels have 32 columns whatever the vector; a register
// block has IR rows by IV vectors of them.
#pragma once

#include "integer_prelude.h"
#include "integer_rows.h"
#ifdef WR
#include "integer_winograd.h"
#include "integer_words.h"
#endif

typedef struct {
  const uint8_t *const *rows;  // (taps, rows of the block) pointers
  const int8_t *weights;
  ptrdiff_t weight_step;       // bytes from four inputs to the next
  int32_t *sums;               // where they go, in rows of `zoo_integer_panel`
  int column;                  // the first of the block
  const char *prefetch;        // a line per step of the sum is brought into the second-level cache
  ptrdiff_t prefetch_step;
} integer_block;

INLINE void integer_register_block(
    const int MR, const int NV, const zoo_integer_product *c, const integer_block *t) {
  vi sum[IR][IV];
  UNROLL for (int m = 0; m < MR; m++) {
    UNROLL for (int n = 0; n < NV; n++) sum[m][n] = q_load(c->bias + t->column + n * VL);
  }
  const int taps = c->window.kernel_height * c->window.kernel_width;
  const int steps = (c->run + 3) / 4;
  const int8_t *w = t->weights;
  const char *prefetch = t->prefetch;
  for (int tap = 0; tap < taps; tap++) {
    const uint8_t *a[IR];
    UNROLL for (int m = 0; m < MR; m++) a[m] = t->rows[tap * MR + m];
    ROLLED for (ptrdiff_t k = 0; k < steps; k++) {
      q_weights b[IV];
      UNROLL for (int n = 0; n < NV; n++) b[n] = q_load_weights(w + n * VL * 4);
      w += t->weight_step;
      __builtin_prefetch(prefetch, 0, 2);
      prefetch += t->prefetch_step;
      UNROLL for (int m = 0; m < MR; m++) {
        const q_inputs x = q_repeat(a[m] + 4 * k);
        UNROLL for (int n = 0; n < NV; n++) sum[m][n] = q_dot(sum[m][n], x, b[n]);
      }
    }
  }
  UNROLL for (int m = 0; m < MR; m++) {
    UNROLL for (int n = 0; n < NV; n++) q_store(t->sums + m * zoo_integer_panel + n * VL, sum[m][n]);
  }
}

#define INTEGER_BLOCK(MR, NV) \
  static __attribute__((noinline)) void integer_block_##MR##x##NV( \
      const zoo_integer_product *c, const integer_block *t) { \
    integer_register_block(MR, NV, c, t); \
  }
#define INTEGER_BLOCKS(MR) INTEGER_BLOCK(MR, 1) INTEGER_BLOCK(MR, 2)
INTEGER_BLOCKS(1) INTEGER_BLOCKS(2) INTEGER_BLOCKS(3) INTEGER_BLOCKS(4)
#if IR > 4
INTEGER_BLOCKS(5) INTEGER_BLOCKS(6)
#endif
#if IR > 6
INTEGER_BLOCKS(7) INTEGER_BLOCKS(8) INTEGER_BLOCKS(9) INTEGER_BLOCKS(10) INTEGER_BLOCKS(11) INTEGER_BLOCKS(12)
INTEGER_BLOCKS(13) INTEGER_BLOCKS(14)
#endif

typedef void (*integer_block_function)(const zoo_integer_product *, const integer_block *);
#define INTEGER_ROW(MR) {integer_block_##MR##x1, integer_block_##MR##x2}
static const integer_block_function integer_blocks[IR][2] = {
  INTEGER_ROW(1), INTEGER_ROW(2), INTEGER_ROW(3), INTEGER_ROW(4),
#if IR > 4
  INTEGER_ROW(5), INTEGER_ROW(6),
#endif
#if IR > 6
  INTEGER_ROW(7), INTEGER_ROW(8), INTEGER_ROW(9), INTEGER_ROW(10), INTEGER_ROW(11), INTEGER_ROW(12), INTEGER_ROW(13), INTEGER_ROW(14),
#endif
};

static void integer_product(const void *arguments, int32_t begin, int32_t end) {
  const zoo_integer_product *c = arguments;
  const uint8_t *rows[zoo_indirection_limit];
  int32_t sums[IR * zoo_integer_panel] __attribute__((aligned(64)));
  const zoo_window *g = &c->window;
  const int taps = g->kernel_height * g->kernel_width;
  const int all_rows = g->out_height * g->out_width;
  const int panel_count = zoo_integer_panels(c->columns);
  const ptrdiff_t steps = (ptrdiff_t)taps * ((c->run + 3) / 4);
  const ptrdiff_t panel_bytes = steps * 4 * zoo_integer_panel;
  for (int unit = begin; unit < end; unit++) {
    const product_unit u = unit_of_product(unit, all_rows, c->row_block, panel_count, c->panel_group, c->by_rows);
#ifdef WR
    if (u.rows >= word_least_rows) {
      word_unit(c, rows, u);
      continue;
    }
#endif
    const int block_count = (u.rows + IR - 1) / IR;
    for (int i = 0, done = 0; i < block_count; i++) {
      const int size = part_size(u.rows, block_count, i);
      ip_point(c, u.row + done, size, rows + (ptrdiff_t)done * taps);
      done += size;
    }
    for (int panel = u.panel; panel < u.end_panel; panel++) {
      const int start = panel * zoo_integer_panel;
      const int width = min_int(zoo_integer_panel, zoo_integer_columns(c->columns) - start);
      const int8_t *weights = c->weights + panel * panel_bytes;
      const char *next = panel + 1 < panel_count ? (const char *)weights + panel_bytes : c->next_weights;
      const int passes = (width / VL + IV - 1) / IV;
      for (int pass = 0; pass < passes; pass++) {
        const int column = start + pass * IV * VL;
        if (column >= c->columns) break;
        const int used = min_int(min_int(IV * VL, width - pass * IV * VL), c->columns - column);
        const int vectors = (used + VL - 1) / VL;
        integer_block t = {
          .rows = rows, .weights = weights + pass * IV * VL * 4, .weight_step = width * 4, .sums = sums,
          .column = column, .prefetch = (const char *)weights};
        ptrdiff_t share = 0;
        if (next && block_count <= 64 && pass == 0) {
          // With many register blocks the caches keep up by themselves.
          t.prefetch = next;
          share = (panel_bytes + block_count - 1) / block_count;
          t.prefetch_step = (share + steps - 1) / steps;
        }
        for (int i = 0, done = 0; i < block_count; i++) {
          const int size = part_size(u.rows, block_count, i);
          integer_blocks[size - 1][vectors - 1](c, &t);
          ip_store(c, sums, size, u.row + done, column, used);
          t.rows += (ptrdiff_t)size * taps;
          t.prefetch += share;
          done += size;
        }
      }
    }
  }
}
