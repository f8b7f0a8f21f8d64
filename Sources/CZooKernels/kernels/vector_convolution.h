// Convolution and dense layers as an indirect matrix product.
//
// A register block is up to MR output pixels by NR vectors of columns, one panel of the weights
// (panels.h). It walks over the window's positions and, in each, over the contiguous floats of the input pixel, which
// is read where it lies through a table of pointers; positions outside point to zeros.
#pragma once

#include "panels.h"
#include "prelude.h"

typedef struct {
  const float *const *rows;  // (taps, rows of the block) pointers
  const float *weights;
  const float *bias;
  const float *residual;
  const float *mask;
  float *output;
  const char *prefetch;      // a line per step or two of the sum is brought into the second-level cache
  ptrdiff_t prefetch_step;   // bytes a step
  int last;                  // columns used of the last vector
} block_arguments;

// Float k of MR pixels times a row of weights.
INLINE void block_step(
    const int MR, const int NR, const float *const *a, ptrdiff_t k, const float *weights, vf sum[MR_1][3]) {
  vf b[3];
  UNROLL for (int n = 0; n < NR; n++) b[n] = v_load(weights + n * VL);
  UNROLL for (int m = 0; m < MR; m++) {
    const vf x = v_set(a[m][k]);
    UNROLL for (int n = 0; n < NR; n++) sum[m][n] = v_fma(x, b[n], sum[m][n]);
    // Where sums, weights and input fill all registers, a load that the compiler moves up pushes a sum out to memory.
    if (MR * NR + NR + 1 == REGISTERS) {
      UNROLL for (int n = 0; n < NR; n++) COMPUTED(sum[m][n]);
    }
  }
}

INLINE void prefetch_rows(const int MR, const int NR, const float *values, ptrdiff_t pixel) {
  UNROLL for (int m = 0; m < MR; m++, values += pixel) {
    UNROLL for (int line = 0; line < NR * VL; line += 16) __builtin_prefetch(values + line, 0, 3);
  }
}

// What becomes of the sums, up to the output. FULL: whether all columns are used.
INLINE void finish_block(
    const int MR, const int NR, const int FULL, const zoo_convolution *c, const block_arguments *t, vf sum[MR_1][3]) {
  const int last = FULL ? VL : t->last;
  if (t->residual) {
    const float *residual = t->residual;
    UNROLL for (int m = 0; m < MR; m++, residual += c->residual_pixel) {
      UNROLL for (int n = 0; n < NR; n++) {
        sum[m][n] = v_add(sum[m][n], v_load_up_to(residual + n * VL, n == NR - 1 ? last : VL));
      }
    }
  }
  // Most layers have one limit or none, and after short sums two comparisons of all values are seen.
  if (c->lo > -__builtin_inff()) {
    const vf lo = v_set(c->lo);
    UNROLL for (int m = 0; m < MR; m++) {
      UNROLL for (int n = 0; n < NR; n++) sum[m][n] = v_max(lo, sum[m][n]);
    }
  }
  if (c->hi < __builtin_inff()) {
    const vf hi = v_set(c->hi);
    UNROLL for (int m = 0; m < MR; m++) {
      UNROLL for (int n = 0; n < NR; n++) sum[m][n] = v_min(hi, sum[m][n]);
    }
  }
  if (t->mask) {
    const float *mask = t->mask;
    UNROLL for (int m = 0; m < MR; m++, mask += c->mask.pixel) {
      UNROLL for (int n = 0; n < NR; n++) {
        sum[m][n] = v_masked(sum[m][n], v_load_up_to(mask + n * VL, n == NR - 1 ? last : VL), c->mask.hi);
      }
    }
  }
  float *output = t->output;
  UNROLL for (int m = 0; m < MR; m++, output += c->window.out_pixel) {
    UNROLL for (int n = 0; n < NR; n++) v_store_up_to(output + n * VL, sum[m][n], n == NR - 1 ? last : VL);
  }
}

INLINE void register_block(const int MR, const int NR, const zoo_convolution *c, const block_arguments *t) {
  vf sum[MR_1][3];
  UNROLL for (int m = 0; m < MR; m++) {
    UNROLL for (int n = 0; n < NR; n++) sum[m][n] = v_load(t->bias + n * VL);
  }
  // What is written, and added to, is on its way while the sum is computed.
  UNROLL for (int m = 0; m < MR; m++) {
    UNROLL for (int line = 0; line < NR * VL; line += 16) {
      __builtin_prefetch(t->output + m * c->window.out_pixel + line, 1, 3);
    }
  }
  if (t->residual) prefetch_rows(MR, NR, t->residual, c->residual_pixel);
  if (t->mask) prefetch_rows(MR, NR, t->mask, c->mask.pixel);
  const int taps = c->window.kernel_height * c->window.kernel_width;
  const ptrdiff_t run = c->run;
  const float *w = t->weights;
  const char *prefetch = t->prefetch;
  const ptrdiff_t step = t->prefetch_step;
  for (int tap = 0; tap < taps; tap++) {
    const float *a[MR_1];
    UNROLL for (int m = 0; m < MR; m++) a[m] = t->rows[tap * MR + m];
    ptrdiff_t k = 0;
    ROLLED for (; k + STEPS <= run; k += STEPS) {
      UNROLL for (int i = 0; i < STEPS; i += 2) __builtin_prefetch(prefetch + i * step, 0, 2);
      prefetch += STEPS * step;
      UNROLL for (int i = 0; i < STEPS; i++) {
        block_step(MR, NR, a, k + i, w + i * NR * VL, sum);
        if (STEPS > 1) IN_ORDER;
      }
      w += STEPS * NR * VL;
    }
    ROLLED for (; k < run; k++, w += NR * VL) block_step(MR, NR, a, k, w, sum);
  }
  if (t->last == VL) {
    finish_block(MR, NR, 1, c, t, sum);
  } else {
    finish_block(MR, NR, 0, c, t, sum);
  }
}

#define BLOCK(MR, NR) \
  static __attribute__((noinline)) void block_##MR##x##NR( \
      const zoo_convolution *c, const block_arguments *t) { \
    register_block(MR, NR, c, t); \
  }
#define BLOCKS_1_TO_4(NR) BLOCK(1, NR) BLOCK(2, NR) BLOCK(3, NR) BLOCK(4, NR)
BLOCKS_1_TO_4(1) BLOCKS_1_TO_4(2) BLOCKS_1_TO_4(3)
BLOCK(5, 1) BLOCK(6, 1) BLOCK(5, 2) BLOCK(6, 2)
#if MR_2 > 6
BLOCK(5, 3) BLOCK(6, 3) BLOCK(7, 3) BLOCK(8, 3) BLOCK(9, 3)
BLOCK(7, 1) BLOCK(8, 1) BLOCK(9, 1) BLOCK(10, 1) BLOCK(11, 1) BLOCK(12, 1) BLOCK(13, 1) BLOCK(14, 1)
BLOCK(7, 2) BLOCK(8, 2) BLOCK(9, 2) BLOCK(10, 2) BLOCK(11, 2) BLOCK(12, 2) BLOCK(13, 2) BLOCK(14, 2)
#endif

typedef void (*block_function)(const zoo_convolution *, const block_arguments *);
static const block_function register_blocks[3][15] = {
#if MR_2 > 6
  {0, block_1x1, block_2x1, block_3x1, block_4x1, block_5x1, block_6x1, block_7x1, block_8x1, block_9x1,
   block_10x1, block_11x1, block_12x1, block_13x1, block_14x1},
  {0, block_1x2, block_2x2, block_3x2, block_4x2, block_5x2, block_6x2, block_7x2, block_8x2, block_9x2,
   block_10x2, block_11x2, block_12x2, block_13x2, block_14x2},
  {0, block_1x3, block_2x3, block_3x3, block_4x3, block_5x3, block_6x3, block_7x3, block_8x3, block_9x3},
#else
  {0, block_1x1, block_2x1, block_3x1, block_4x1, block_5x1, block_6x1},
  {0, block_1x2, block_2x2, block_3x2, block_4x2, block_5x2, block_6x2},
  {0, block_1x3, block_2x3, block_3x3, block_4x3},
#endif
};

// Fills the pointers for `count` output pixels from `first` on, position by position.
static void point_to_rows(const zoo_convolution *c, int first, int count, const float **rows) {
  const zoo_window *g = &c->window;
  const ptrdiff_t step_y = g->dilation_height * g->in_row, step_x = g->dilation_width * g->in_pixel;
  const int reach_y = (g->kernel_height - 1) * g->dilation_height;
  const int reach_x = (g->kernel_width - 1) * g->dilation_width;
  int oy = first / g->out_width, ox = first % g->out_width;
  int y = oy * g->stride_height - g->pad_top, x = ox * g->stride_width - g->pad_left;
  if (ox + count <= g->out_width && y >= 0 && y + reach_y < g->in_height && x >= 0 &&
      x + (count - 1) * g->stride_width + reach_x < g->in_width) {
    // One row of the output, and all windows inside.
    const float *corner = c->input + y * g->in_row + x * g->in_pixel;
    const ptrdiff_t step = g->stride_width * g->in_pixel;
    for (int ky = 0; ky < g->kernel_height; ky++, corner += step_y) {
      const float *input = corner;
      for (int kx = 0; kx < g->kernel_width; kx++, rows += count, input += step_x) {
        for (int m = 0; m < count; m++) rows[m] = input + m * step;
      }
    }
    return;
  }
  int top[MR_1], left[MR_1];
  ptrdiff_t offset[MR_1];
  for (int m = 0; m < count; m++) {
    top[m] = oy * g->stride_height - g->pad_top;
    left[m] = ox * g->stride_width - g->pad_left;
    offset[m] = top[m] * g->in_row + left[m] * g->in_pixel;
    ox++;
    oy += ox == g->out_width;
    ox = ox == g->out_width ? 0 : ox;
  }
  for (int ky = 0; ky < g->kernel_height; ky++) {
    for (int kx = 0; kx < g->kernel_width; kx++, rows += count) {
      const float *input = c->input + ky * step_y + kx * step_x;
      for (int m = 0; m < count; m++) {
        y = top[m] + ky * g->dilation_height, x = left[m] + kx * g->dilation_width;
        rows[m] = y >= 0 && y < g->in_height && x >= 0 && x < g->in_width ? input + offset[m] : c->zero;
      }
    }
  }
}

// What the register blocks of a sweep bring into the second-level cache: `share` bytes each, `step` a step of the sum.
typedef struct {
  const char *next;
  ptrdiff_t share, step;
} sweep_prefetch;

// All rows of a block against one panel of NR vectors. Its register blocks are as even as the number of rows allows.
static void sweep(
    const zoo_convolution *c, int first, int count, const float *const *rows, int block_count, int panel,
    int vectors, sweep_prefetch prefetch) {
  const int taps = c->window.kernel_height * c->window.kernel_width;
  const int column = panel * 2 * VL;
  const int used = min_int(vectors * VL, c->columns - column);
  block_arguments t = {
    .rows = rows,
    .weights = c->weights + (ptrdiff_t)taps * c->run * column,
    .bias = c->bias + column,
    .residual = c->residual ? c->residual + first * c->residual_pixel + column : NULL,
    .mask = c->mask.values ? c->mask.values + first * c->mask.pixel + column : NULL,
    .output = c->output + first * c->window.out_pixel + column,
    .last = used - (vectors - 1) * VL,
    .prefetch = prefetch.next,
    .prefetch_step = prefetch.step,
  };
  for (int i = 0; i < block_count; i++) {
    const int size = part_size(count, block_count, i);
    register_blocks[vectors - 1][size](c, &t);
    t.rows += (ptrdiff_t)size * taps;
    t.output += size * c->window.out_pixel;
    if (t.residual) t.residual += size * c->residual_pixel;
    if (t.mask) t.mask += size * c->mask.pixel;
    t.prefetch += prefetch.share;
  }
}

// Whether row r of the product is simply pixel r of the input.
INLINE int rows_are_input(const zoo_window *g) {
  return g->kernel_height == 1 && g->kernel_width == 1 && g->stride_height == 1 && g->stride_width == 1 &&
         g->pad_top == 0 && g->pad_left == 0 && g->in_width == g->out_width && g->in_height == g->out_height &&
         g->in_row == g->in_width * g->in_pixel;
}

static void point_to_blocks(
    const zoo_convolution *c, int first, int count, int block_count, const float **rows) {
  const zoo_window *g = &c->window;
  const int taps = g->kernel_height * g->kernel_width;
  if (rows_are_input(g)) {
    for (int m = 0; m < count; m++) rows[m] = c->input + (first + m) * g->in_pixel;
    return;
  }
  for (int i = 0, done = 0; i < block_count; i++) {
    const int size = part_size(count, block_count, i);
    point_to_rows(c, first + done, size, rows + (ptrdiff_t)done * taps);
    done += size;
  }
}

// Weights of at most so many bytes stay in the second-level cache while blocks of rows go by.
enum { resident_weights = 512 * 1024 };

static void convolution(const void *arguments, int32_t begin, int32_t end) {
  const zoo_convolution *c = arguments;
  static const int block_rows[3] = {MR_1, MR_2, MR_3};
  const float *rows[zoo_indirection_limit];
  const zoo_window *g = &c->window;
  const int all_rows = g->out_height * g->out_width;
  const int panel_count = panels(c->columns);
  const ptrdiff_t sum_length = (ptrdiff_t)g->kernel_height * g->kernel_width * c->run;
  const ptrdiff_t panel_bytes = sum_length * 2 * VL * (ptrdiff_t)sizeof(float);
  // Once the weights are there, the rows of input to come are what the cache lacks.
  const int brings_input = rows_are_input(g) && panel_bytes * panel_count <= resident_weights;
  for (int unit = begin; unit < end; unit++) {
    const product_unit u = unit_of_product(unit, all_rows, c->row_block, panel_count, c->panel_group, c->by_rows);
    int prepared = 0;
    for (int panel = u.panel; panel < u.end_panel; panel++) {
      const int vectors = panel == panel_count - 1 ? last_panel_vectors(c->columns) : 2;
      const int block_count = (u.rows + block_rows[vectors - 1] - 1) / block_rows[vectors - 1];
      if (block_count != prepared) {
        point_to_blocks(c, u.row, u.rows, block_count, rows);
        prepared = block_count;
      }
      const char *weights = (const char *)(c->weights + sum_length * panel * 2 * VL);
      const char *next = panel + 1 < panel_count ? weights + panel_bytes : c->next_weights;
      sweep_prefetch prefetch = {.next = weights};
      if (c->ahead) {
        // Each sweep brings an equal part.
        const int group = u.end_panel - u.panel, sweeps = (end - begin) * group;
        const int done = (unit - begin) * group + panel - u.panel;
        prefetch.next = (const char *)c->ahead + c->ahead_bytes / sweeps * done;
        prefetch.share = c->ahead_bytes / sweeps / block_count;
        prefetch.step = (prefetch.share + sum_length - 1) / sum_length;
      } else if (brings_input && unit > begin) {
        if (panel == u.panel) {
          const ptrdiff_t block_bytes = (ptrdiff_t)u.rows / block_count * g->in_pixel * (ptrdiff_t)sizeof(float);
          prefetch.next = (const char *)rows[0] + block_bytes;
          prefetch.share = block_bytes;
          prefetch.step = (block_bytes + sum_length - 1) / sum_length;
        }
      } else if (next && block_count <= 64) {
        // With many register blocks the caches keep up by themselves.
        prefetch.next = next;
        prefetch.share = (panel_bytes + block_count - 1) / block_count;
        prefetch.step = (prefetch.share + sum_length - 1) / sum_length;
      }
      sweep(c, u.row, u.rows, rows, block_count, panel, vectors, prefetch);
    }
  }
}
