// Products on codes of 8 bits where a processor multiplies words and adds them in pairs. Codes and weights become words
// once, before many products use them: to make a word takes about as long as to multiply it.
//
// A slice of the sum, for some rows and a panel, becomes words at a time, few enough for the caches next to a core.
// Register blocks of WR rows by WV vectors of columns use them; their sums wait in memory for the next slice. Four codes
// are two pairs, the even ones and the odd ones: of up to VL such groups all even pairs come first.
#pragma once

#include "integer_rows.h"

enum {
  word_groups = 64,                         // of four codes in a slice
  word_rows = 56,
  word_panels = 4,                          // for which the words of codes are made once
  word_stride = 4 * word_groups + 4 * VL,   // words; off the powers of two
  word_least_rows = WR,                     // fewer don't make up for the words of the weights
};

typedef struct {
  _Alignas(64) uint16_t codes[word_rows * word_stride];
  _Alignas(64) int16_t weights[4 * word_groups * zoo_integer_panel];
  int32_t sums[word_panels][word_rows * zoo_integer_panel];
} word_memory;

// Positions `tap ..< end_tap` of the window; of each, `groups` of four codes from `group` on.
typedef struct {
  int tap, end_tap, group, groups;
} word_slice;

// Of WR rows or fewer, from the first code and vector of columns on.
typedef struct {
  const uint16_t *codes;
  const int16_t *weights;
  const int32_t *begin;  // sums to begin with, `begin_stride` from row to row
  int32_t *sums;         // where they go, where that is not `output`
  uint8_t *output;       // codes; null before the last slice, and where something else is written
  ptrdiff_t begin_stride;
  int width;             // columns of the panel
  int column, pairs;
} word_block;

INLINE void word_register_block(const int MR, const int NV, const zoo_integer_product *c, const word_block *t) {
  vi sum[WR][WV];
  UNROLL for (int m = 0; m < MR; m++) {
    UNROLL for (int n = 0; n < NV; n++) sum[m][n] = q_load(t->begin + m * t->begin_stride + n * VL);
  }
  const uint16_t *x = t->codes;
  const int16_t *w = t->weights;
  const ptrdiff_t step = 2 * t->width;
  ROLLED for (int pair = 0; pair < t->pairs; pair += 2) {
    UNROLL for (int i = 0; i < 2; i++, x += 2, w += step) {
      vi b[WV];
      UNROLL for (int n = 0; n < NV; n++) b[n] = q_load_pairs(w + n * VL * 2);
      UNROLL for (int m = 0; m < MR; m++) {
        const vi a = q_repeat_pair(x + m * word_stride);
        UNROLL for (int n = 0; n < NV; n++) sum[m][n] = q_add_pairs(sum[m][n], a, b[n]);
      }
    }
    IN_ORDER;
  }
  if (!t->output) {
    int32_t *sums = t->sums;
    UNROLL for (int m = 0; m < MR; m++, sums += zoo_integer_panel) {
      UNROLL for (int n = 0; n < NV; n++) q_store(sums + n * VL, sum[m][n]);
    }
    return;
  }
  UNROLL for (int n = 0; n < NV; n++) {
    const vf multiplier = v_load(c->multiplier + t->column + n * VL), offset = v_load(c->offset + t->column + n * VL);
    uint8_t *output = t->output + n * VL;
    const ptrdiff_t pixel = c->window.out_pixel;
    UNROLL for (int m = 0; m < MR; m++, output += pixel) {
      q_store_codes(output, q_scaled(sum[m][n], multiplier, offset), VL);
    }
  }
}

#define WORD_BLOCK(MR, NV) \
  static __attribute__((noinline)) void word_block_##MR##x##NV(const zoo_integer_product *c, const word_block *t) { \
    word_register_block(MR, NV, c, t); \
  }
#define WORD_BLOCKS(MR) WORD_BLOCK(MR, 1) WORD_BLOCK(MR, 2)
WORD_BLOCKS(1) WORD_BLOCKS(2) WORD_BLOCKS(3) WORD_BLOCKS(4) WORD_BLOCKS(5) WORD_BLOCKS(6)

typedef void (*word_block_function)(const zoo_integer_product *, const word_block *);
#define WORD_ROW(MR) {word_block_##MR##x1, word_block_##MR##x2}
static const word_block_function word_blocks[WR][WV] = {
  WORD_ROW(1), WORD_ROW(2), WORD_ROW(3), WORD_ROW(4), WORD_ROW(5), WORD_ROW(6)};

// The codes of a slice of `count` rows, whose (taps, rows) pointers are in `rows`.
static void word_codes(const uint8_t *const *rows, int count, word_slice s, word_memory *memory) {
  for (int m = 0; m < count; m++) {
    uint16_t *to = memory->codes + m * word_stride;
    for (int tap = s.tap; tap < s.end_tap; tap++) {
      const uint8_t *from = rows[tap * count + m] + 4 * s.group;
      for (int group = 0; group < s.groups; group += VL) {
        const int some = min_int(VL, s.groups - group);
        vw even, odd;
        q_split_codes(from + 4 * group, &even, &odd);
        memcpy(to, &even, sizeof even);
        memcpy(to + 2 * some, &odd, sizeof odd);
        to += 4 * some;
      }
    }
  }
}

// The weights of a slice of a panel of `width` columns; `steps`: groups of four of a position.
static void word_weights(const int8_t *panel, int width, int steps, word_slice s, word_memory *memory) {
  int16_t *to = memory->weights;
  for (int tap = s.tap; tap < s.end_tap; tap++) {
    const int8_t *from = panel + ((ptrdiff_t)tap * steps + s.group) * 4 * width;
    for (int group = 0; group < s.groups; group += VL) {
      const int some = min_int(VL, s.groups - group);
      for (int i = 0; i < some; i++, from += 4 * width, to += 2 * width) {
        for (int n = 0; n < width; n += VL) {
          vw even, odd;
          q_split_weights(from + 4 * n, &even, &odd);
          memcpy(to + 2 * n, &even, sizeof even);
          memcpy(to + 2 * (some * width + n), &odd, sizeof odd);
        }
      }
      to += 2 * some * width;
    }
  }
}

// The work on `count` rows, from `pixel` on.
typedef struct {
  const uint8_t **rows;  // (taps, rows) pointers
  int pixel, count;
} word_part;

// A slice with one panel of `width` columns.
static void word_slice_blocks(
    const zoo_integer_product *c, word_slice s, word_part p, int panel, int width, const word_memory *memory,
    int32_t *panel_sums, int is_first, int is_last) {
  const int start = panel * zoo_integer_panel;
  const int block_count = (p.count + WR - 1) / WR;
  for (int n = 0; n < width && start + n < c->columns; n += WV * VL) {
    const int column = start + n, used = min_int(min_int(WV * VL, width - n), c->columns - column);
    const int vectors = (used + VL - 1) / VL;
    const int writes_codes = is_last && !c->residual && c->writes == zoo_write_codes && used == vectors * VL;
    for (int i = 0, done = 0; i < block_count; i++) {
      const int size = part_size(p.count, block_count, i), pixel = p.pixel + done;
      int32_t *sums = panel_sums + done * zoo_integer_panel + n;
      const word_block t = {
        .codes = memory->codes + done * word_stride, .weights = memory->weights + 2 * n,
        .begin = is_first ? c->bias + column : sums, .begin_stride = is_first ? 0 : zoo_integer_panel, .sums = sums,
        .output = writes_codes ? (uint8_t *)c->output + pixel * c->window.out_pixel + column : NULL, .width = width,
        .column = column, .pairs = 2 * s.groups * (s.end_tap - s.tap)};
      word_blocks[size - 1][vectors - 1](c, &t);
      if (is_last && !writes_codes) ip_store(c, sums, size, pixel, column, used);
      done += size;
    }
  }
}

// All slices with the panels `first ..< end`, at most `word_panels`.
static void word_slices(
    const zoo_integer_product *c, word_part p, int first, int end, int has_codes, word_memory *memory) {
  const int taps = c->window.kernel_height * c->window.kernel_width, steps = (c->run + 3) / 4;
  const int taps_at_once = steps <= word_groups ? word_groups / steps : 1;
  for (int tap = 0, group = 0; tap < taps;) {
    const word_slice s = {
      .tap = tap, .end_tap = min_int(tap + taps_at_once, taps), .group = group,
      .groups = min_int(word_groups, steps - group)};
    const int is_first = tap == 0 && group == 0;
    group += s.groups;
    if (group == steps) {
      group = 0;
      tap = s.end_tap;
    }
    if (!has_codes) word_codes(p.rows, p.count, s, memory);
    for (int panel = first; panel < end; panel++) {
      const int width = min_int(zoo_integer_panel, zoo_integer_columns(c->columns) - panel * zoo_integer_panel);
      word_weights(c->weights + (ptrdiff_t)panel * taps * steps * 4 * zoo_integer_panel, width, steps, s, memory);
      word_slice_blocks(c, s, p, panel, width, memory, memory->sums[panel - first], is_first, tap == taps);
    }
  }
}

static void word_unit(const zoo_integer_product *c, const uint8_t **rows, product_unit u) {
  word_memory memory;
  const int taps = c->window.kernel_height * c->window.kernel_width, steps = (c->run + 3) / 4;
  const int parts = (u.rows + word_rows - 1) / word_rows, is_one_slice = taps * steps <= word_groups;
  for (int i = 0, done = 0; i < parts; i++) {
    const word_part p = {.rows = rows, .pixel = u.row + done, .count = part_size(u.rows, parts, i)};
    ip_point(c, p.pixel, p.count, rows);
    for (int panel = u.panel; panel < u.end_panel; panel += word_panels) {
      word_slices(
          c, p, panel, min_int(panel + word_panels, u.end_panel), is_one_slice && panel > u.panel, &memory);
    }
    done += p.count;
  }
}
