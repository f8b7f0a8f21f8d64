// The gradient of a convolution's weights, as a matrix product of the input's window positions and the output's
// gradient over all output pixels.
//
// The rows of the weights are divided into tiles of at most MR_2 within a `run`: the channels at one window
// position, or of a whole row of the window where these follow one another. For a block of 256 pixels the input of the
// tiles is copied to (tile, pixel, tile width) and the gradient to (pixel, panel width): where they lie, pixels are
// far apart, often at distances that fall into one set of the cache. Then the sums of a tile and a panel of two
// vectors of columns stay in registers for all of the block's pixels. The input of windows of one pixel is read in place where
// pixels are near to each other.
#pragma once

#include "prelude.h"

// A tile's rows take whole vectors.
enum { wgr_tile = (MR_2 + VL - 1) / VL * VL };
// Apart by a line more than a power of two.
enum { wgr_tile_floats = zoo_gradient_rows * wgr_tile + 16, wgr_panel_floats = zoo_gradient_rows * 2 * VL };

// Floats from pixel to pixel with which these are not too far apart for the cache.
enum { wgr_near = 512 };

// How the rows of the weights are divided.
typedef struct {
  int run;                 // rows that lie next to each other in the input
  int across;              // runs in a row of the window
  int tiles;               // of a run
} wgr_division;

INLINE wgr_division wgr_divide(const zoo_window *g, int channels) {
  const int joined = g->dilation_width == 1 && g->in_pixel == channels;
  const int run = joined ? g->kernel_width * channels : channels;
  return (wgr_division){run, joined ? 1 : g->kernel_width, (run + MR_2 - 1) / MR_2};
}

static int32_t gradient_tiles(const zoo_window *g, int32_t channels) {
  const wgr_division d = wgr_divide(g, channels);
  return g->kernel_height * d.across * d.tiles;
}
static int32_t gradient_panels(int32_t columns) { return (columns + 2 * VL - 1) / (2 * VL); }
static int64_t gradient_scratch(int32_t tile_group) {
  return (int64_t)tile_group * wgr_tile_floats + wgr_panel_floats;
}

// Where an output pixel is.
typedef struct {
  const float *image;      // of the input
  const float *gradient;
  int y, x;                // of the window's first position
} wgr_pixel;

static void wgr_find(const zoo_weight_gradient *w, int first, int count, wgr_pixel *pixels) {
  const zoo_window *g = &w->window;
  const int size = g->out_height * g->out_width;
  int image = first / size, rest = first % size;
  int oy = rest / g->out_width, ox = rest % g->out_width;
  for (int i = 0; i < count; i++) {
    pixels[i] = (wgr_pixel){
      .image = w->input + image * w->in_image,
      .gradient = w->gradient + image * w->out_image + ((ptrdiff_t)oy * g->out_width + ox) * g->out_pixel,
      .y = oy * g->stride_height - g->pad_top,
      .x = ox * g->stride_width - g->pad_left,
    };
    if (++ox < g->out_width) continue;
    ox = 0;
    if (++oy < g->out_height) continue;
    oy = 0;
    image++;
  }
}

// One run of a pixel, from its tile `first` on, to the tiles' places.
INLINE void wgr_pack_run(
    wgr_division d, const float *run, int first, int end, float *target) {
  for (int tile = first; tile < end; tile++, target += wgr_tile_floats) {
    const int from = d.run * tile / d.tiles, left = d.run - from;
    UNROLL for (int v = 0; v < wgr_tile; v += VL) {
      if (left >= v + VL) v_store(target + v, v_load(run + from + v));
      else v_store(target + v, v_load_n(run + from + v, max_int(left - v, 0)));
    }
  }
}

// A run of which a part lies outside: the kernel's columns [`from`, `end`) inside.
static __attribute__((noinline)) void wgr_pack_edge(
    wgr_division d, const float *run, int channels, int from, int end, int first, int last, float *target) {
  for (int tile = first; tile < last; tile++, target += wgr_tile_floats) {
    const int begin = d.run * tile / d.tiles;
    for (int i = 0; i < wgr_tile; i++) {
      const int at = begin + i;
      target[i] = at >= from * channels && at < end * channels ? run[at] : 0;
    }
  }
}

// The input of tiles `first ..< end` at `count` pixels.
static void wgr_pack_input(
    const zoo_weight_gradient *w, wgr_division d, const wgr_pixel *pixels, int count, int first, int end,
    float *target) {
  const zoo_window *g = &w->window;
  const int columns = d.across == 1 ? g->kernel_width : 1;
  for (int i = 0; i < count; i++, target += wgr_tile) {
    float *place = target;
    for (int tile = first; tile < end;) {
      const int run = tile / d.tiles, from = tile % d.tiles, last = min_int(d.tiles, from + end - tile);
      const int y = pixels[i].y + run / d.across * g->dilation_height;
      const int x = pixels[i].x + run % d.across * g->dilation_width;
      if (y >= 0 && y < g->in_height && x >= 0 && x + columns <= g->in_width) {
        wgr_pack_run(d, pixels[i].image + y * g->in_row + x * g->in_pixel, from, last, place);
      } else {
        const int inside = y >= 0 && y < g->in_height;
        const int begin = inside ? max_int(0, -x) : 0, stop = inside ? min_int(columns, g->in_width - x) : 0;
        const float *input = stop > begin ? pixels[i].image + y * g->in_row + x * g->in_pixel : NULL;
        wgr_pack_edge(d, input, w->channels, begin, stop, from, last, place);
      }
      place += (ptrdiff_t)(last - from) * wgr_tile_floats;
      tile += last - from;
    }
  }
}

// The gradient of a panel of N vectors, `used` of the last one's columns; `sums`, where not null, become those of
// the columns.
INLINE void wgr_pack_columns(
    const int N, const wgr_pixel *pixels, int count, int column, int used, float *target, float *sums) {
  vf sum[N];
  UNROLL for (int n = 0; n < N; n++) sum[n] = v_set(0);
  for (int i = 0; i < count; i++, target += N * VL) {
    const float *gradient = pixels[i].gradient + column;
    UNROLL for (int n = 0; n < N; n++) {
      const vf value = n < N - 1 ? v_load(gradient + n * VL) : v_load_up_to(gradient + n * VL, used);
      v_store(target + n * VL, value);
      sum[n] = v_add(sum[n], value);
    }
  }
  if (!sums) return;
  UNROLL for (int n = 0; n < N; n++) v_store(sums + n * VL, sum[n]);
}

typedef struct {
  const float *input, *gradient;  // as packed
  ptrdiff_t input_step;           // from pixel to pixel
  float *weights;
  ptrdiff_t stride;
  int count;                      // of pixels
  int last;                       // columns used of the last vector
  int add;                        // whether to what is there
} wgr_block;

// One pixel's M inputs times its N vectors of gradients.
INLINE void wgr_step(const int M, const int N, const float *input, const float *gradient, vf sum[MR_2][2]) {
  vf b[2];
  UNROLL for (int n = 0; n < N; n++) b[n] = v_load(gradient + n * VL);
  UNROLL for (int m = 0; m < M; m++) {
    const vf x = v_set(input[m]);
    UNROLL for (int n = 0; n < N; n++) sum[m][n] = v_fma(x, b[n], sum[m][n]);
  }
}

INLINE void wgr_multiply(const int M, const int N, const wgr_block *t) {
  vf sum[MR_2][2];
  UNROLL for (int m = 0; m < M; m++) {
    UNROLL for (int n = 0; n < N; n++) sum[m][n] = v_set(0);
  }
  const float *input = t->input, *gradient = t->gradient;
  const ptrdiff_t step = t->input_step;
  int i = t->count;
  ROLLED for (; i >= STEPS; i -= STEPS) {
    UNROLL for (int k = 0; k < STEPS; k++) {
      wgr_step(M, N, input + k * step, gradient + k * N * VL, sum);
      if (STEPS > 1) IN_ORDER;
    }
    input += STEPS * step;
    gradient += STEPS * N * VL;
  }
  ROLLED for (; i > 0; i--, input += step, gradient += N * VL) wgr_step(M, N, input, gradient, sum);
  float *weights = t->weights;
  UNROLL for (int m = 0; m < M; m++, weights += t->stride) {
    UNROLL for (int n = 0; n < N; n++) {
      const int used = n == N - 1 ? t->last : VL;
      vf y = sum[m][n];
      if (t->add) y = v_add(v_load_up_to(weights + n * VL, used), y);
      v_store_up_to(weights + n * VL, y, used);
    }
  }
}

#define WGR_BLOCK(M) \
  static __attribute__((noinline)) void wgr_block_##M##x1(const wgr_block *t) { wgr_multiply(M, 1, t); } \
  static __attribute__((noinline)) void wgr_block_##M##x2(const wgr_block *t) { wgr_multiply(M, 2, t); }
WGR_BLOCK(1) WGR_BLOCK(2) WGR_BLOCK(3) WGR_BLOCK(4) WGR_BLOCK(5) WGR_BLOCK(6)
#if MR_2 > 6
WGR_BLOCK(7) WGR_BLOCK(8) WGR_BLOCK(9) WGR_BLOCK(10) WGR_BLOCK(11) WGR_BLOCK(12) WGR_BLOCK(13) WGR_BLOCK(14)
#endif

static void (*const wgr_blocks[MR_2 + 1][2])(const wgr_block *) = {
  {0, 0},
#define WGR_PAIR(M) {wgr_block_##M##x1, wgr_block_##M##x2}
  WGR_PAIR(1), WGR_PAIR(2), WGR_PAIR(3), WGR_PAIR(4), WGR_PAIR(5), WGR_PAIR(6),
#if MR_2 > 6
  WGR_PAIR(7), WGR_PAIR(8), WGR_PAIR(9), WGR_PAIR(10), WGR_PAIR(11), WGR_PAIR(12), WGR_PAIR(13), WGR_PAIR(14),
#endif
};

// Adds one block's sums to those of the columns.
static void wgr_add_sums(double *sums, const float *values, int count, int add) {
  for (int i = 0; i < count; i++) sums[i] = (add ? sums[i] : 0) + (double)values[i];
}

// Whether the input is read where it lies rather than copied: windows of one pixel, equally far apart, but not so far that
// the cache has few sets for them.
INLINE int wgr_reads_in_place(const zoo_weight_gradient *w) {
  const zoo_window *g = &w->window;
  return g->kernel_height == 1 && g->kernel_width == 1 && g->stride_height == 1 && g->stride_width == 1 &&
         g->pad_top == 0 && g->pad_left == 0 && g->in_height == g->out_height && g->in_width == g->out_width &&
         g->in_row == g->in_width * g->in_pixel && w->in_image == g->in_height * g->in_row && g->in_pixel <= wgr_near;
}

// Tiles `first ..< end` by panels `first_panel ..< end_panel`.
static void wgr_group(
    const zoo_weight_gradient *w, wgr_division d, int first, int end, int first_panel, int end_panel,
    float *scratch) {
  float *const gradient = scratch, *const input = scratch + wgr_panel_floats;
  wgr_pixel pixels[zoo_gradient_rows];
  const int stop = w->first_row + w->rows, in_place = wgr_reads_in_place(w);
  for (int row = w->first_row; row < stop; row += zoo_gradient_rows) {
    const int count = min_int(zoo_gradient_rows, stop - row), add = w->accumulate || row > w->first_row;
    wgr_find(w, row, count, pixels);
    if (!in_place) wgr_pack_input(w, d, pixels, count, first, end, input);
    for (int panel = first_panel; panel < end_panel; panel++) {
      const int column = panel * 2 * VL, columns = min_int(2 * VL, w->columns - column);
      const int vectors = (columns + VL - 1) / VL, last = columns - (vectors - 1) * VL;
      double *sums = w->column_sums && first == 0 ? w->column_sums + column : NULL;
      float values[2 * VL];
      if (vectors == 2) wgr_pack_columns(2, pixels, count, column, last, gradient, sums ? values : NULL);
      else wgr_pack_columns(1, pixels, count, column, last, gradient, sums ? values : NULL);
      if (sums) wgr_add_sums(sums, values, columns, add);
      wgr_block t = {
        .gradient = gradient, .input_step = in_place ? w->window.in_pixel : wgr_tile, .stride = w->stride,
        .count = count, .last = last, .add = add};
      for (int tile = first; tile < end; tile++) {
        const int run = tile / d.tiles, i = tile % d.tiles;
        const int from = d.run * i / d.tiles, size = d.run * (i + 1) / d.tiles - from;
        t.input = in_place ? w->input + row * w->window.in_pixel + from : input + (tile - first) * wgr_tile_floats;
        t.weights = w->weights + ((ptrdiff_t)run * d.run + from) * w->stride + column;
        wgr_blocks[size][vectors - 1](&t);
      }
    }
  }
}

static void weight_gradient(const void *arguments, int32_t begin, int32_t end) {
  const zoo_weight_gradient *w = arguments;
  const wgr_division d = wgr_divide(&w->window, w->channels);
  const int tiles = gradient_tiles(&w->window, w->channels), panel_count = gradient_panels(w->columns);
  float *memory = w->scratch + zoo_thread_index() * w->slot_floats;
  // As many panels as possible go by the tiles of a group once these are there.
  for (int unit = begin; unit < end;) {
    const int group = unit / panel_count, panel = unit % panel_count;
    const int end_panel = min_int(panel_count, panel + end - unit);
    const int first = group * w->tile_group;
    wgr_group(w, d, first, min_int(first + w->tile_group, tiles), panel, end_panel, memory);
    unit += end_panel - panel;
  }
}
