// Convolutions as an indirect matrix product on tiles, in one of two orders.
//
// Where the weights are few, all of them are cut into parts, and the rows go by block by block: while one block is
// multiplied the next is cut. Else all rows of a unit are cut and the weights go by, two tiles of columns at a time;
// sums are taken in slices of `amx_slice` values, so that all that is used stays in the second-level cache.
#pragma once

#include "amx_product.h"
#include "panels.h"
#include "prelude.h"
#include "vector_convolution.h"

enum { amx_slice = 256 };

INLINE int amx_has_few_weights(int inputs, int columns) {
  return inputs <= zoo_tile_few_inputs && inputs * columns <= zoo_tile_few_weights;
}

// Pairs of tiles of columns; the last panel may be one and a half.
INLINE int amx_column_pairs(int columns) { return panels(columns) + last_panel_vectors(columns) / 3; }

// Floats that a unit of so many rows needs.
static int64_t amx_scratch(int32_t rows, int32_t inputs, int32_t columns) {
  const int64_t step = amx_step / (int)sizeof(float), sums = 32 * 2 * VL;
  if (amx_has_few_weights(inputs, columns)) return (amx_column_pairs(columns) + 2) * amx_steps(inputs) * step + sums;
  const int slice = min_int(inputs, amx_slice);
  const amx_shape s = amx_shape_of(rows, slice);
  return (s.blocks + 2) * s.steps * step + (inputs > amx_slice ? amx_column_pairs(columns) * s.blocks : 1) * sums;
}

// Sums, rows of two vectors, to `count` output pixels from `pixel` on and `columns` columns from `column` on.
INLINE void amx_store(
    const int TILES, const zoo_convolution *c, const float *sums, int pixel, int count, int column, int columns) {
  const int last = columns - (TILES - 1) * VL;
  vf bias[2];
  UNROLL for (int n = 0; n < TILES; n++) bias[n] = v_load(c->bias + column + n * VL);
  float *output = c->output + pixel * c->window.out_pixel + column;
  const float *residual = c->residual ? c->residual + pixel * c->residual_pixel + column : NULL;
  for (int m = 0; m < count; m++, sums += 2 * VL, output += c->window.out_pixel) {
    UNROLL for (int n = 0; n < TILES; n++) {
      const int used = n == TILES - 1 ? last : VL;
      vf y = v_add(v_load(sums + n * VL), bias[n]);
      if (residual) {
        y = v_add(y, v_load_up_to(residual + n * VL, used));
      }
      v_store_up_to(output + n * VL, v_clamp(y, c->lo, c->hi), used);
    }
    if (residual) residual += c->residual_pixel;
  }
}

// What a block adds to, and where it goes, is on its way while the sum is computed.
INLINE void amx_prefetch_output(const int TILES, const zoo_convolution *c, int pixel, int count, int column) {
  for (ptrdiff_t p = pixel; p < pixel + count; p++) {
    UNROLL for (int n = 0; n < TILES; n++) {
      __builtin_prefetch(c->output + p * c->window.out_pixel + column + n * VL, 1, 3);
      if (c->residual) __builtin_prefetch(c->residual + p * c->residual_pixel + column + n * VL, 0, 3);
    }
  }
}

// A block of rows with TILES x 16 columns, or a slice of its sums: BEGINS with the first, ENDS with the last.
INLINE void amx_block(
    const int TILES, const int BEGINS, const int ENDS, const int BESIDE, const zoo_convolution *c, const amx_shape *s,
    const char *rows, const char *weights, float *sums, int pixel, int count, int column, amx_beside *beside) {
  if (ENDS) amx_prefetch_output(TILES, c, pixel, count, column);
  amx_multiply(TILES, BEGINS, BESIDE, s, rows, weights, sums, beside);
  if (ENDS) amx_store(TILES, c, sums, pixel, count, column, min_int(TILES * VL, c->columns - column));
}

#define TILE_BLOCK(NAME, TILES, BEGINS, ENDS, BESIDE) \
  static __attribute__((noinline)) void NAME( \
      const zoo_convolution *c, const amx_shape *s, const char *rows, const char *weights, float *sums, int pixel, \
      int count, int column, amx_beside *beside) { \
    amx_block(TILES, BEGINS, ENDS, BESIDE, c, s, rows, weights, sums, pixel, count, column, beside); \
  }
TILE_BLOCK(amx_whole_1, 1, 1, 1, amx_beside_rows)
TILE_BLOCK(amx_whole_2, 2, 1, 1, amx_beside_rows)
TILE_BLOCK(amx_slice_1, 1, 0, 0, amx_beside_weights)
TILE_BLOCK(amx_slice_2, 2, 0, 0, amx_beside_weights)
TILE_BLOCK(amx_last_1, 1, 0, 1, amx_beside_weights)
TILE_BLOCK(amx_last_2, 2, 0, 1, amx_beside_weights)
TILE_BLOCK(amx_first_1, 1, 1, 0, amx_beside_weights)
TILE_BLOCK(amx_first_2, 2, 1, 0, amx_beside_weights)
TILE_BLOCK(amx_only_1, 1, 1, 1, amx_beside_weights)
TILE_BLOCK(amx_only_2, 2, 1, 1, amx_beside_weights)
#undef TILE_BLOCK

typedef void (*amx_block_function)(
    const zoo_convolution *, const amx_shape *, const char *, const char *, float *, int, int, int, amx_beside *);

// The weights of a pair of tiles of columns, the values `from ..< end` of the sums.
INLINE amx_weights amx_columns(const zoo_convolution *c, int pair, int inputs, int from, int end, int *column) {
  const int panel = min_int(pair, panels(c->columns) - 1);
  const int width = panel == panels(c->columns) - 1 ? last_panel_vectors(c->columns) * VL : 2 * VL;
  const int inside = (pair - panel) * 2 * VL;
  *column = panel * 2 * VL + inside;
  return (amx_weights){
    .source = c->weights + (ptrdiff_t)inputs * panel * 2 * VL + (ptrdiff_t)from * width + inside,
    .width = width,
    .inputs = end - from,
    .tiles = min_int(2, (width - inside) / VL),
  };
}

// The rows of a unit, and where their runs begin.
typedef struct {
  const zoo_convolution *convolution;
  int first, count;
  const float **pointers;  // by chunks of `chunk` rows: (taps, rows of the chunk); null: one run, row by row
  int chunk;
} amx_rows;

// `pointers` has room for all rows.
static amx_rows amx_rows_of(const zoo_convolution *c, int first, int count, const float **pointers) {
  const int taps = c->window.kernel_height * c->window.kernel_width;
  amx_rows rows = {
    .convolution = c, .first = first, .count = count, .chunk = min_int(MR_1, zoo_indirection_limit / taps)};
  if (rows_are_input(&c->window)) return rows;
  for (int row = 0; row < count; row += rows.chunk) {
    point_to_rows(c, first + row, min_int(rows.chunk, count - row), pointers + (ptrdiff_t)row * taps);
  }
  rows.pointers = pointers;
  return rows;
}

// The values `from ..< end` of rows from `row` on that lie in memory one after another.
INLINE amx_beside amx_direct(const amx_rows *r, int row, int count, int from, int end, char *target) {
  const ptrdiff_t stride = r->convolution->window.in_pixel;
  return (amx_beside){
    .rows = r->convolution->input + (r->first + row) * stride + from, .row_stride = stride,
    .inputs = count > 0 ? end - from : 0, .count = count, .target = target};
}

// Where the next value of a row is: runs of values, whose beginnings are `stride` pointers apart.
typedef struct {
  const float *const *runs;
  int stride, run, offset;
} amx_cursor;

// The next `count` values, at most a vector.
INLINE vf amx_gather(amx_cursor *at, int count) {
  vf values = v_set(0);
  for (int done = 0; done < count;) {
    const int part = min_int(at->run - at->offset, count - done);
    // Lanes that are not asked for are not read.
    const __mmask16 lanes = (__mmask16)(v_mask(part) << done);
    values = _mm512_mask_loadu_ps(values, lanes, *at->runs + at->offset - done);
    done += part;
    at->offset += part;
    if (at->offset == at->run) {
      at->runs += at->stride;
      at->offset = 0;
    }
  }
  return values;
}

// Cuts the values `from ..< end` of `count` rows of a block into parts.
static void amx_split_rows(const amx_rows *r, int row, int count, int from, int end, char *target) {
  if (!r->pointers) {
    amx_beside direct = amx_direct(r, row, count, from, end, target);
    amx_finish(&direct);
    return;
  }
  const zoo_convolution *c = r->convolution;
  const int taps = c->window.kernel_height * c->window.kernel_width;
  for (int last = row + count; row < last; row++, target += 64) {
    const int in_chunk = row % r->chunk, stride = min_int(r->chunk, r->count - (row - in_chunk));
    const float **runs = r->pointers + (ptrdiff_t)(row - in_chunk) * taps + in_chunk;
    amx_cursor at = {.runs = runs + from / c->run * stride, .stride = stride, .run = c->run, .offset = from % c->run};
    char *parts = target;
    for (int k = from; k < end; k += amx_length, parts += amx_step) {
      const vf first = amx_gather(&at, min_int(VL, end - k));
      amx_split_pair_of_vectors(first, amx_gather(&at, min_int(VL, max_int(end - k - VL, 0))), parts);
    }
  }
}

// All weights are in parts, the rows go by.
static void amx_stream_rows(const zoo_convolution *c, const amx_rows *rows, int first_pair, int end_pair, char *memory) {
  static const amx_block_function blocks[2] = {amx_whole_1, amx_whole_2};
  const int inputs = c->window.kernel_height * c->window.kernel_width * c->run;
  const amx_shape s = amx_shape_of(rows->count, inputs);
  const int block_rows = s.upper + s.lower;
  const ptrdiff_t part = (ptrdiff_t)s.steps * amx_step;
  char *parts[2] = {memory, memory + part}, *all_weights = memory + 2 * part;
  float *sums = (float *)(all_weights + (ptrdiff_t)amx_column_pairs(c->columns) * part);
  int column;
  for (int pair = first_pair; pair < end_pair; pair++) {
    const amx_weights w = amx_columns(c, pair, inputs, 0, inputs, &column);
    amx_split_weights(&w, all_weights + (pair - first_pair) * part);
  }
  amx_split_rows(rows, 0, min_int(block_rows, rows->count), 0, inputs, parts[0]);
  for (int block = 0, done = 0; block < s.blocks; block++, done += block_rows) {
    const int next = min_int(done + block_rows, rows->count), next_count = min_int(block_rows, rows->count - next);
    amx_beside beside = {0};
    if (!rows->pointers) beside = amx_direct(rows, next, next_count, 0, inputs, parts[(block + 1) % 2]);
    for (int pair = first_pair; pair < end_pair; pair++) {
      const amx_weights w = amx_columns(c, pair, inputs, 0, inputs, &column);
      blocks[w.tiles - 1](
          c, &s, parts[block % 2], all_weights + (pair - first_pair) * part, sums, rows->first + done, next - done,
          column, &beside);
    }
    if (rows->pointers) {
      amx_split_rows(rows, next, next_count, 0, inputs, parts[(block + 1) % 2]);
    } else {
      amx_finish(&beside);
    }
  }
}

// A pair of tiles of columns and a slice of the sums: slice by slice, in each all pairs.
typedef struct {
  int pair, from, end;
} amx_turn;

INLINE amx_turn amx_next(amx_turn t, int first_pair, int end_pair, int inputs) {
  if (t.pair + 1 < end_pair) return (amx_turn){t.pair + 1, t.from, t.end};
  return (amx_turn){first_pair, t.end, min_int(t.end + amx_slice, inputs)};
}

// All rows are in parts, slice by slice; the weights go by.
static void amx_stream_weights(
    const zoo_convolution *c, const amx_rows *rows, int first_pair, int end_pair, char *memory) {
  static const amx_block_function blocks[2][2][2] = {
    {{amx_slice_1, amx_last_1}, {amx_first_1, amx_only_1}}, {{amx_slice_2, amx_last_2}, {amx_first_2, amx_only_2}}};
  const int inputs = c->window.kernel_height * c->window.kernel_width * c->run;
  amx_shape s = amx_shape_of(rows->count, min_int(inputs, amx_slice));
  const int block_rows = s.upper + s.lower;
  const ptrdiff_t most = (ptrdiff_t)s.steps * amx_step;
  char *weights[2] = {memory, memory + most}, *parts = memory + 2 * most;
  float *all_sums = (float *)(parts + s.blocks * most), *sums = all_sums;
  amx_turn turn = {first_pair, 0, min_int(amx_slice, inputs)};
  int column;
  const amx_weights first = amx_columns(c, turn.pair, inputs, turn.from, turn.end, &column);
  amx_split_weights(&first, weights[0]);
  for (int current = 0; turn.from < inputs; current = !current) {
    const int begins = turn.from == 0, ends = turn.end == inputs;
    if (turn.pair == first_pair) {
      sums = all_sums;
      s.steps = amx_steps(turn.end - turn.from);
      for (int block = 0, row = 0; block < s.blocks; block++, row += block_rows) {
        amx_split_rows(
            rows, row, min_int(block_rows, rows->count - row), turn.from, turn.end,
            parts + (ptrdiff_t)block * s.steps * amx_step);
      }
    }
    amx_beside beside = {.target = weights[!current], .prefetch = c->next_weights};
    const amx_turn next = amx_next(turn, first_pair, end_pair, inputs);
    if (next.from < inputs) {
      beside.weights = amx_columns(c, next.pair, inputs, next.from, next.end, &column);
      beside.more_tiles = beside.weights.tiles - 1;
      beside.pair = amx_pairs(&beside.weights);
      const amx_turn second = amx_next(next, first_pair, end_pair, inputs);
      if (second.from < inputs) {
        beside.prefetch = (const char *)amx_columns(c, second.pair, inputs, second.from, second.end, &column).source;
      }
    }
    if (beside.prefetch) beside.lines = (turn.end - turn.from) * 2 * VL * (int)sizeof(float) / 64;
    const amx_weights w = amx_columns(c, turn.pair, inputs, turn.from, turn.end, &column);
    for (int block = 0, done = 0; block < s.blocks; block++, done += block_rows) {
      blocks[w.tiles - 1][begins][ends](
          c, &s, parts + (ptrdiff_t)block * s.steps * amx_step, weights[current], sums, rows->first + done,
          min_int(block_rows, rows->count - done), column, &beside);
      if (!(begins && ends)) sums += 32 * 2 * VL;
    }
    amx_finish(&beside);
    turn = next;
  }
}

static void amx_convolution(const void *arguments, int32_t begin, int32_t end) {
  const zoo_convolution *c = arguments;
  const zoo_window *g = &c->window;
  const int all_rows = g->out_height * g->out_width, panel_count = panels(c->columns);
  const int inputs = g->kernel_height * g->kernel_width * c->run;
  const float *pointers[zoo_indirection_limit];
  char *memory = (char *)(c->scratch + zoo_thread_index() * c->slot_floats);
  for (int unit = begin; unit < end; unit++) {
    const product_unit u = unit_of_product(unit, all_rows, c->row_block, panel_count, c->panel_group, c->by_rows);
    const int end_pair = u.end_panel < panel_count ? u.end_panel : amx_column_pairs(c->columns);
    amx_rows rows = amx_rows_of(c, u.row, u.rows, pointers);
    const amx_shape s = amx_shape_of(u.rows, 1);
    amx_begin(&s);
    if (amx_has_few_weights(inputs, c->columns)) {
      amx_stream_rows(c, &rows, u.panel, end_pair, memory);
    } else {
      amx_stream_weights(c, &rows, u.panel, end_pair, memory);
    }
    _tile_release();
  }
}
