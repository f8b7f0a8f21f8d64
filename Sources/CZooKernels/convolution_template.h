// Convolution and dense layers as an indirect matrix product.
//
// A register tile is up to TILE_ROWS output pixels by one panel of the weights (panels_template.h). It
// walks over the window's positions and, in each, over the contiguous floats of the input pixel, which
// is read where it lies through a table of pointers; positions outside point to zeros.

typedef struct {
  const float *const *rows;  // (taps, tile rows) pointers
  const float *weights;
  const float *bias;
  const float *residual;
  float *output;
  const char *prefetch;      // a line per step of the sum is brought into the second-level cache
  ptrdiff_t prefetch_step;
  int last;                  // columns used of the last vector
} tile_arguments;

INLINE void tile_store(float *output, vf y, int used) {
  if (used == VL) v_store(output, y); else v_store_n(output, y, used);
}

INLINE void tile(const int MR, const int NV, const zoo_convolution *c, const tile_arguments *t) {
  vf sum[TILE_ROWS_1][3];
  UNROLL for (int m = 0; m < MR; m++) {
    UNROLL for (int n = 0; n < NV; n++) sum[m][n] = v_load(t->bias + n * VL);
  }
  // What is written, and added to, is on its way while the sum is computed.
  UNROLL for (int m = 0; m < MR; m++) {
    UNROLL for (int line = 0; line < NV * VL; line += 16) {
      __builtin_prefetch(t->output + m * c->window.out_pixel + line, 1, 3);
      if (t->residual) __builtin_prefetch(t->residual + m * c->residual_pixel + line, 0, 3);
    }
  }
  const int taps = c->window.kernel_height * c->window.kernel_width;
  const ptrdiff_t run = c->run;
  const float *w = t->weights;
  const char *prefetch = t->prefetch;
  const ptrdiff_t step = t->prefetch_step;
  for (int tap = 0; tap < taps; tap++) {
    const float *a[TILE_ROWS_1];
    UNROLL for (int m = 0; m < MR; m++) a[m] = t->rows[tap * MR + m];
    // Unrolled, the compiler hoists loads and runs out of registers.
    ROLLED for (ptrdiff_t k = 0; k < run; k++) {
      vf b[3];
      UNROLL for (int n = 0; n < NV; n++) b[n] = v_load(w + n * VL);
      w += NV * VL;
      __builtin_prefetch(prefetch, 0, 2);
      prefetch += step;
      UNROLL for (int m = 0; m < MR; m++) {
        vf x = v_set(a[m][k]);
        UNROLL for (int n = 0; n < NV; n++) sum[m][n] = v_fma(x, b[n], sum[m][n]);
      }
    }
  }
  float *output = t->output;
  if (t->residual) {
    const float *residual = t->residual;
    UNROLL for (int m = 0; m < MR; m++) {
      UNROLL for (int n = 0; n < NV; n++) {
        const int used = n == NV - 1 ? t->last : VL;
        const vf other = used == VL ? v_load(residual + n * VL) : v_load_n(residual + n * VL, used);
        tile_store(output + n * VL, v_clamp(v_add(sum[m][n], other), c->lo, c->hi), used);
      }
      output += c->window.out_pixel;
      residual += c->residual_pixel;
    }
    return;
  }
  // Most layers have one limit or none, and after short sums two comparisons of all values are seen.
  if (c->lo > -__builtin_inff()) {
    const vf lo = v_set(c->lo);
    UNROLL for (int m = 0; m < MR; m++) {
      UNROLL for (int n = 0; n < NV; n++) sum[m][n] = v_max(lo, sum[m][n]);
    }
  }
  if (c->hi < __builtin_inff()) {
    const vf hi = v_set(c->hi);
    UNROLL for (int m = 0; m < MR; m++) {
      UNROLL for (int n = 0; n < NV; n++) sum[m][n] = v_min(hi, sum[m][n]);
    }
  }
  UNROLL for (int m = 0; m < MR; m++, output += c->window.out_pixel) {
    UNROLL for (int n = 0; n < NV; n++) tile_store(output + n * VL, sum[m][n], n == NV - 1 ? t->last : VL);
  }
}

#define TILE(MR, NV) \
  static __attribute__((noinline)) void tile_##MR##x##NV( \
      const zoo_convolution *c, const tile_arguments *t) { \
    tile(MR, NV, c, t); \
  }
#define TILES_1_TO_4(NV) TILE(1, NV) TILE(2, NV) TILE(3, NV) TILE(4, NV)
TILES_1_TO_4(1) TILES_1_TO_4(2) TILES_1_TO_4(3)
TILE(5, 1) TILE(6, 1) TILE(5, 2) TILE(6, 2)
#if TILE_ROWS_2 > 6
TILE(5, 3) TILE(6, 3) TILE(7, 3) TILE(8, 3) TILE(9, 3)
TILE(7, 1) TILE(8, 1) TILE(9, 1) TILE(10, 1) TILE(11, 1) TILE(12, 1) TILE(13, 1) TILE(14, 1)
TILE(7, 2) TILE(8, 2) TILE(9, 2) TILE(10, 2) TILE(11, 2) TILE(12, 2) TILE(13, 2) TILE(14, 2)
#endif

typedef void (*tile_function)(const zoo_convolution *, const tile_arguments *);
static const tile_function tiles[3][15] = {
#if TILE_ROWS_2 > 6
  {0, tile_1x1, tile_2x1, tile_3x1, tile_4x1, tile_5x1, tile_6x1, tile_7x1, tile_8x1, tile_9x1,
   tile_10x1, tile_11x1, tile_12x1, tile_13x1, tile_14x1},
  {0, tile_1x2, tile_2x2, tile_3x2, tile_4x2, tile_5x2, tile_6x2, tile_7x2, tile_8x2, tile_9x2,
   tile_10x2, tile_11x2, tile_12x2, tile_13x2, tile_14x2},
  {0, tile_1x3, tile_2x3, tile_3x3, tile_4x3, tile_5x3, tile_6x3, tile_7x3, tile_8x3, tile_9x3},
#else
  {0, tile_1x1, tile_2x1, tile_3x1, tile_4x1, tile_5x1, tile_6x1},
  {0, tile_1x2, tile_2x2, tile_3x2, tile_4x2, tile_5x2, tile_6x2},
  {0, tile_1x3, tile_2x3, tile_3x3, tile_4x3},
#endif
};

// Fills the pointers for `count` output pixels from `first` on, position by position.
static void point_to_rows(const zoo_convolution *c, int first, int count, const float **rows) {
  const zoo_window *g = &c->window;
  const ptrdiff_t step_y = g->dilation_height * g->in_row, step_x = g->dilation_width * g->in_pixel;
  const int reach_y = (g->kernel_height - 1) * g->dilation_height;
  const int reach_x = (g->kernel_width - 1) * g->dilation_width;
  int top[TILE_ROWS_1], left[TILE_ROWS_1], inside = 1;
  ptrdiff_t offset[TILE_ROWS_1];
  int oy = first / g->out_width, ox = first % g->out_width;
  for (int m = 0; m < count; m++) {
    const int y = oy * g->stride_height - g->pad_top, x = ox * g->stride_width - g->pad_left;
    inside &= y >= 0 & y + reach_y < g->in_height & x >= 0 & x + reach_x < g->in_width;
    top[m] = y;
    left[m] = x;
    offset[m] = y * g->in_row + x * g->in_pixel;
    ox++;
    oy += ox == g->out_width;
    ox = ox == g->out_width ? 0 : ox;
  }
  for (int ky = 0; ky < g->kernel_height; ky++) {
    for (int kx = 0; kx < g->kernel_width; kx++, rows += count) {
      const float *input = c->input + ky * step_y + kx * step_x;
      if (inside) {
        for (int m = 0; m < count; m++) rows[m] = input + offset[m];
        continue;
      }
      for (int m = 0; m < count; m++) {
        const int y = top[m] + ky * g->dilation_height, x = left[m] + kx * g->dilation_width;
        rows[m] = y >= 0 && y < g->in_height && x >= 0 && x < g->in_width ? input + offset[m] : c->zero;
      }
    }
  }
}

// What the tiles of a sweep bring into the second-level cache: `share` bytes each, `step` a step of the sum.
typedef struct {
  const char *next;
  ptrdiff_t share, step;
} sweep_prefetch;

// All rows of a block against one panel of NV vectors. Tiles are as even as the number of rows allows.
static void sweep(
    const zoo_convolution *c, int first, int count, const float *const *rows, int tile_count, int panel,
    int vectors, sweep_prefetch prefetch) {
  const int taps = c->window.kernel_height * c->window.kernel_width;
  const int column = panel * 2 * VL;
  const int used = at_most(vectors * VL, c->columns - column);
  tile_arguments t = {
    .rows = rows,
    .weights = c->weights + (ptrdiff_t)taps * c->run * column,
    .bias = c->bias + column,
    .residual = c->residual ? c->residual + first * c->residual_pixel + column : NULL,
    .output = c->output + first * c->window.out_pixel + column,
    .last = used - (vectors - 1) * VL,
    .prefetch = prefetch.next,
    .prefetch_step = prefetch.step,
  };
  for (int i = 0, done = 0; i < tile_count; i++) {
    int size = (int)((int64_t)count * (i + 1) / tile_count) - done;
    tiles[vectors - 1][size](c, &t);
    done += size;
    t.rows += (ptrdiff_t)size * taps;
    t.output += size * c->window.out_pixel;
    if (t.residual) t.residual += size * c->residual_pixel;
    t.prefetch += prefetch.share;
  }
}

// Whether row r of the product is simply pixel r of the input.
INLINE int rows_are_input(const zoo_window *g) {
  return g->kernel_height == 1 && g->kernel_width == 1 && g->stride_height == 1 && g->stride_width == 1 &&
         g->pad_top == 0 && g->pad_left == 0 && g->in_width == g->out_width && g->in_height == g->out_height &&
         g->in_row == g->in_width * g->in_pixel;
}

static void point_to_tiles(
    const zoo_convolution *c, int first, int count, int tile_count, const float **rows) {
  const zoo_window *g = &c->window;
  const int taps = g->kernel_height * g->kernel_width;
  if (rows_are_input(g)) {
    for (int m = 0; m < count; m++) rows[m] = c->input + (first + m) * g->in_pixel;
    return;
  }
  for (int i = 0, done = 0; i < tile_count; i++) {
    int size = (int)((int64_t)count * (i + 1) / tile_count) - done;
    point_to_rows(c, first + done, size, rows + (ptrdiff_t)done * taps);
    done += size;
  }
}

// Weights of at most so many bytes stay in the second-level cache while blocks of rows go by.
enum { resident_weights = 512 * 1024 };

static void vector_convolution(const zoo_convolution *c, int begin, int end) {
  static const int tile_rows[3] = {TILE_ROWS_1, TILE_ROWS_2, TILE_ROWS_3};
  const float *rows[zoo_indirection_limit];
  const zoo_window *g = &c->window;
  const int all_rows = g->out_height * g->out_width;
  const int panel_count = panels(c->columns);
  const ptrdiff_t sum_length = (ptrdiff_t)g->kernel_height * g->kernel_width * c->run;
  const ptrdiff_t panel_bytes = sum_length * 2 * VL * (ptrdiff_t)sizeof(float);
  const int blocks = (all_rows + c->row_block - 1) / c->row_block;
  // Once the weights are there, the rows of input to come are what the cache lacks.
  const int brings_input = rows_are_input(g) && panel_bytes * panel_count <= resident_weights;
  for (int unit = begin; unit < end; unit++) {
    const int first = unit % blocks * c->row_block;
    const int count = at_most(c->row_block, all_rows - first);
    const int first_panel = unit / blocks * c->panel_group;
    const int end_panel = at_most(first_panel + c->panel_group, panel_count);
    int prepared = 0;
    for (int panel = first_panel; panel < end_panel; panel++) {
      const int vectors = panel == panel_count - 1 ? last_panel_vectors(c->columns) : 2;
      const int tile_count = (count + tile_rows[vectors - 1] - 1) / tile_rows[vectors - 1];
      if (tile_count != prepared) {
        point_to_tiles(c, first, count, tile_count, rows);
        prepared = tile_count;
      }
      const char *weights = (const char *)(c->weights + sum_length * panel * 2 * VL);
      const char *next = panel + 1 < panel_count ? weights + panel_bytes : c->next_weights;
      sweep_prefetch prefetch = {.next = weights};
      if (brings_input && unit > begin) {
        if (panel == first_panel) {
          const ptrdiff_t tile_bytes = (ptrdiff_t)count / tile_count * g->in_pixel * (ptrdiff_t)sizeof(float);
          prefetch.next = (const char *)rows[0] + tile_bytes;
          prefetch.share = tile_bytes;
          prefetch.step = (tile_bytes + sum_length - 1) / sum_length;
        }
      } else if (next && tile_count <= 64) {
        // With many tiles the caches keep up by themselves.
        prefetch.next = next;
        prefetch.share = (panel_bytes + tile_count - 1) / tile_count;
        prefetch.step = (prefetch.share + sum_length - 1) / sum_length;
      }
      sweep(c, first, count, rows, tile_count, panel, vectors, prefetch);
    }
  }
}
