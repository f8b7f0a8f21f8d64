// Matrix products of 32-bit floats on tiles of bfloat16 (Intel AMX).
//
// A float is cut into three parts of 8 bits of significand each, which are exactly its sum: x = x0 + x1 + x2,
// |x1| < 2^-7 |x|, |x2| < 2^-15 |x|. Of the nine products of parts the six largest are summed, in 32 bits; what is
// left out is below 2^-21 of a product and in the mean 2^-24, the rounding of one operation in 32 bits. (Henry, Tang
// and Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype for Higher-Precision Computations",
// https://arxiv.org/abs/1904.06376.) A tile multiplies so much faster than a vector that six products on tiles
// still take less time than one on vectors. Infinities become NaN, and values below 2^-110 lose their last bits.
//
// Rows of the left-hand side go by in blocks of up to 32, two tiles; columns in two tiles of 16. These are four
// tiles of sums, two of rows and two of columns: all eight registers. The time that a tile takes is its number of
// rows, so the blocks are made as even as the number of rows allows.
//
// A step of the sum takes 32 values. In memory the parts of a block and step follow each other, as those of the
// weights do: first parts, second parts, third parts, each of two tiles.
#pragma once

#include "prelude.h"

enum { amx_length = 32, amx_part = 2048, amx_step = 3 * amx_part };

typedef struct {
  int upper, lower;  // rows of the tiles of a block
  int blocks;
  int steps;
} amx_shape;

INLINE amx_shape amx_shape_of(int rows, int inputs) {
  const int blocks = (rows + 31) / 32, block = (rows + blocks - 1) / blocks;
  return (amx_shape){
    .upper = (block + 1) / 2,
    .lower = max_int(block / 2, 1),
    .blocks = blocks,
    .steps = (inputs + amx_length - 1) / amx_length,
  };
}

// Configures this thread's tiles; `_tile_release` ends that.
INLINE void amx_begin(const amx_shape *s) {
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } tiles = {.palette = 1};
  const int rows[8] = {s->upper, s->upper, s->lower, s->lower, s->upper, s->lower, 16, 16};
  for (int i = 0; i < 8; i++) {
    tiles.row_bytes[i] = 64;
    tiles.rows[i] = (uint8_t)rows[i];
  }
  _tile_loadconfig(&tiles);
}

// The parts of each float, in the high halves.
INLINE void amx_split(vf x, __m512i *parts) {
  const __m512i high = _mm512_set1_epi32((int)0xffff0000);
  UNROLL for (int i = 0; i < 2; i++) {
    parts[i] = _mm512_and_si512(_mm512_castps_si512(x), high);
    x = _mm512_sub_ps(x, _mm512_castsi512_ps(parts[i]));
  }
  parts[2] = _mm512_castps_si512(x);
}

// The parts of 32 values of a row.
INLINE void amx_split_pair_of_vectors(vf first, vf second, char *target) {
  __m512i a[3], b[3];
  amx_split(first, a);
  amx_split(second, b);
  UNROLL for (int i = 0; i < 3; i++) {
    // This takes four words of each in turn, so that the values' order is 0-3, 16-19, 4-7, 20-23, and so on;
    // `amx_split_weights` has the same.
    const __m512i words = _mm512_packus_epi32(_mm512_srli_epi32(a[i], 16), _mm512_srli_epi32(b[i], 16));
    _mm512_storeu_si512(target + i * amx_part, words);
  }
}

// The same of values that follow each other, of which the first `count` are used and the rest zero.
INLINE void amx_split_values(const float *x, int count, char *target) {
  amx_split_pair_of_vectors(
      count < VL ? v_load_n(x, count) : v_load(x),
      count < 2 * VL ? v_load_n(x + VL, max_int(count - VL, 0)) : v_load(x + VL), target);
}

// Weights to cut into parts: `inputs` rows, `width` floats apart, of `tiles` x 16 columns.
typedef struct {
  const float *source;
  int width, inputs, tiles;
} amx_weights;

// Cuts pair `index` of the rows of 16 columns.
INLINE void amx_split_pair(const float *source, int width, int inputs, int index, char *target) {
  // The values' order: see `amx_split_pair_of_vectors`.
  static const uint8_t rows[amx_length / 2] = {0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30};
  const int step = index / (amx_length / 2), pair = index % (amx_length / 2);
  const int row = step * amx_length + rows[pair];
  source += (ptrdiff_t)row * width;
  target += (ptrdiff_t)step * amx_step + pair * 64;
  __m512i even[3], odd[3];
  amx_split(row < inputs ? v_load(source) : v_set(0), even);
  amx_split(row + 1 < inputs ? v_load(source + width) : v_set(0), odd);
  UNROLL for (int i = 0; i < 3; i++) {
    const __m512i words = _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32(even[i], 16), odd[i]);
    _mm512_storeu_si512(target + i * amx_part, words);
  }
}

INLINE int amx_steps(int inputs) { return (inputs + amx_length - 1) / amx_length; }
INLINE int amx_pairs(const amx_weights *w) { return amx_steps(w->inputs) * (amx_length / 2); }

static void amx_split_weights(const amx_weights *w, char *target) {
  for (int tile = 0; tile < w->tiles; tile++) {
    for (int pair = 0; pair < amx_pairs(w); pair++) {
      amx_split_pair(w->source + tile * VL, w->width, w->inputs, pair, target + tile * (amx_part / 2));
    }
  }
}

// What is done beside a product, between its instructions, by the units of the processor that tiles leave idle:
// cutting what the next product needs into parts, and bringing what the one after that needs into the second-level
// cache. Few tiles can be on their way at a time, so only work right behind an instruction is done beside it.
typedef struct {
  // Weights: the rest of this tile of columns, and how many tiles come after it.
  amx_weights weights;
  int pair, more_tiles;
  // Or rows, each `inputs` values that follow each other: 32 values of all rows, then the next; from `value` of
  // row `row` on.
  const float *rows;
  ptrdiff_t row_stride;
  int inputs, count, value, row;
  // Where the parts go.
  char *target;
  const char *prefetch;
  int lines;  // cache lines
} amx_beside;

enum { amx_beside_weights, amx_beside_rows };

INLINE void amx_advance(const int BESIDE, amx_beside *b) {
  if (BESIDE == amx_beside_weights) {
    if (b->lines > 0) {
      __builtin_prefetch(b->prefetch, 0, 2);
      __builtin_prefetch(b->prefetch + 64, 0, 2);
      b->prefetch += 128;
      b->lines -= 2;
    }
    if (b->pair == 0) return;
    b->pair--;
    amx_split_pair(b->weights.source, b->weights.width, b->weights.inputs, b->pair, b->target);
    if (b->pair == 0 && b->more_tiles > 0) {
      b->more_tiles--;
      b->pair = amx_pairs(&b->weights);
      b->weights.source += VL;
      b->target += amx_part / 2;
    }
  } else {
    if (b->value >= b->inputs) return;
    amx_split_values(
        b->rows + b->row * b->row_stride + b->value, min_int(amx_length, b->inputs - b->value), b->target + b->row * 64);
    if (++b->row == b->count) {
      b->row = 0;
      b->value += amx_length;
      b->target += amx_step;
    }
  }
}

// The rest of what is to be cut.
static void amx_finish(amx_beside *b) {
  while (b->pair > 0) amx_advance(amx_beside_weights, b);
  while (b->value < b->inputs) amx_advance(amx_beside_rows, b);
}

// The tiles of rows are registers 4 and 5, those of columns 6 and 7; sums are in 0 to 3.

INLINE void amx_load_rows(const amx_shape *s, const char *rows, int part) {
  _tile_loadd(4, rows + part * amx_part, 64);
  _tile_loadd(5, rows + part * amx_part + (ptrdiff_t)s->upper * 64, 64);
}

INLINE void amx_load_weights(const int TILES, const char *weights, int part) {
  _tile_loadd(6, weights + part * amx_part, 64);
  if (TILES == 2) _tile_loadd(7, weights + part * amx_part + amx_part / 2, 64);
}

INLINE void amx_add_products(const int TILES, const int BESIDE, amx_beside *b) {
  _tile_dpbf16ps(0, 4, 6);
  amx_advance(BESIDE, b);
  if (TILES == 2) {
    _tile_dpbf16ps(1, 4, 7);
    amx_advance(BESIDE, b);
  }
  _tile_dpbf16ps(2, 5, 6);
  amx_advance(BESIDE, b);
  if (TILES == 2) {
    _tile_dpbf16ps(3, 5, 7);
    amx_advance(BESIDE, b);
  }
}

// Adds the products of a block of rows with TILES x 16 columns to `sums`, rows of two vectors; BEGINS: the sums
// begin with them.
INLINE void amx_multiply(
    const int TILES, const int BEGINS, const int BESIDE, const amx_shape *s, const char *rows, const char *weights,
    float *sums, amx_beside *beside) {
  enum { stride = 2 * VL * sizeof(float) };
  float *lower_sums = sums + s->upper * 2 * VL;
  amx_beside b = *beside;
  if (BEGINS) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    _tile_loadd(0, sums, stride);
    if (TILES == 2) _tile_loadd(1, sums + VL, stride);
    _tile_loadd(2, lower_sums, stride);
    if (TILES == 2) _tile_loadd(3, lower_sums + VL, stride);
  }
  for (int step = 0; step < s->steps; step++, rows += amx_step, weights += amx_step) {
    // Each pair of parts but the first needs one of the two loaded.
    amx_load_rows(s, rows, 0);
    amx_load_weights(TILES, weights, 2);
    amx_add_products(TILES, BESIDE, &b);
    amx_load_weights(TILES, weights, 1);
    amx_add_products(TILES, BESIDE, &b);
    amx_load_rows(s, rows, 1);
    amx_add_products(TILES, BESIDE, &b);
    amx_load_weights(TILES, weights, 0);
    amx_add_products(TILES, BESIDE, &b);
    amx_load_rows(s, rows, 2);
    amx_add_products(TILES, BESIDE, &b);
    amx_load_rows(s, rows, 0);
    amx_add_products(TILES, BESIDE, &b);
  }
  _tile_stored(0, sums, stride);
  if (TILES == 2) _tile_stored(1, sums + VL, stride);
  _tile_stored(2, lower_sums, stride);
  if (TILES == 2) _tile_stored(3, lower_sums + VL, stride);
  *beside = b;
}
