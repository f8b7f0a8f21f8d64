// Winograd's F(4x4, 3x3) on codes of 8 bits, for 3x3 windows of stride 1 where a processor multiplies words: 36
// multiplications in place of 144 for 16 outputs. The sums are the window's own, bit for bit.
//
// The transforms are those of Lavin and Gray (https://arxiv.org/abs/1509.09308), with points 0, +-1, +-2 and infinity, and
// the rows of G times 4, 6, 6, 24, 24 and 1: weights become whole numbers of at most 49 * 127, codes of at most 68 * 255.
// Both are words. Going back then gives each sum times 9 * 2^k, of at most 9 * 64. All of that is arithmetic modulo 2^32,
// where 9 has an inverse; a shift makes 2^k times the sum the sum itself, if that is below 2^25. So many channels as keep it
// there, a slice, are summed at a time.
//
// Weights are transformed while a block of tiles goes by them. That takes a sixth of the products' time, and an eighth of the
// memory that transformed weights would have to be read from.
#pragma once

#include "integer_words.h"

// The sides of a tile of the input and of the output.
enum { iw_side = 6, iw_outputs = 4, iw_points = iw_side * iw_side };
_Static_assert(255 * 127 * 9 * zoo_winograd_channels < 1 << 25, "sums of a slice are too large");
_Static_assert(word_stride == zoo_winograd_stride, "scratch memory is for another stride");

typedef uint32_t vu __attribute__((vector_size(4 * VL)));  // sums modulo 2^32

// A slice of the channels: `groups` of four from `group` on.
typedef struct {
  int group, groups;
} iw_slice;

INLINE int iw_slices(int channels) { return (channels + zoo_winograd_channels - 1) / zoo_winograd_channels; }

INLINE iw_slice iw_slice_of(int channels, int slice) {
  const int groups = (channels + 3) / 4, count = iw_slices(channels), group = groups * slice / count;
  return (iw_slice){group, groups * (slice + 1) / count - group};
}

// B^T d for one vector d, in place.
INLINE void iw_input(vw *d) {
  const vw a = d[4] - (d[2] << 2), b = d[3] - (d[1] << 2), c = d[4] - d[2], e = (d[3] - d[1]) << 1;
  d[0] = ((d[0] - d[2]) << 2) + c;
  d[5] = d[5] - d[3] - (e << 1);
  d[1] = a + b;
  d[2] = a - b;
  d[3] = c + e;
  d[4] = c - e;
}

// G g for one vector g of three weights, times 4, 6, 6, 24, 24 and 1.
INLINE void iw_weights(const vw *g, vw *u) {
  const vw outer = g[0] + g[2], twice = g[1] << 1, even = g[0] + (g[2] << 2);
  u[0] = g[0];
  u[1] = -(outer + g[1]);
  u[2] = g[1] - outer;
  u[3] = even + twice;
  u[4] = even - twice;
  u[5] = g[2];
}

// For one vector m, the outputs in its first four, times 24, 12, 6 and 6.
INLINE void iw_output(vu *m) {
  const vu sum = m[1] + m[2], difference = m[1] - m[2], sum_two = m[3] + m[4], difference_two = m[3] - m[4];
  m[0] = (((m[0] << 1) + m[0]) << 1) + (sum << 2) + sum_two;
  m[1] = (difference << 1) + difference_two;
  m[2] = sum + sum_two;
  m[3] = difference + ((difference_two + (m[5] << 1) + m[5]) << 1);
}

// What a sum has been multiplied with is 9 times two to the power of the shifts of its row and of its column.
static const int iw_shifts[iw_outputs] = {3, 2, 1, 1};

// The tile `index` of the outputs, row by row: its top left pixel.
INLINE void iw_position(const zoo_window *g, int index, int *y, int *x) {
  const int across = (g->out_width + iw_outputs - 1) / iw_outputs;
  *y = index / across * iw_outputs;
  *x = index % across * iw_outputs;
}

// The points of one vector of codes under each pixel of a tile.
INLINE void iw_points_of(vw t[iw_side][iw_side], uint16_t *target, ptrdiff_t point_stride) {
  UNROLL for (int j = 0; j < iw_side; j++) {
    vw d[iw_side];
    UNROLL for (int i = 0; i < iw_side; i++) d[i] = t[i][j];
    iw_input(d);
    UNROLL for (int i = 0; i < iw_side; i++) t[i][j] = d[i];
  }
  UNROLL for (int i = 0; i < iw_side; i++) {
    iw_input(t[i]);
    UNROLL for (int j = 0; j < iw_side; j++) memcpy(target + (i * iw_side + j) * point_stride, &t[i][j], sizeof(vw));
  }
}

// A slice of the channels of one tile of the input, in the order of integer_words.h: of up to VL groups of four, all even
// pairs come first. Points are `point_stride` words apart.
static void iw_transform(
    const zoo_integer_product *c, int index, iw_slice s, uint16_t *target, ptrdiff_t point_stride) {
  const zoo_window *g = &c->window;
  int oy, ox;
  iw_position(g, index, &oy, &ox);
  const uint8_t *pixels[iw_side][iw_side];
  for (int i = 0; i < iw_side; i++) {
    const int y = oy - g->pad_top + i;
    for (int j = 0; j < iw_side; j++) {
      const int x = ox - g->pad_left + j;
      const int inside = y >= 0 && y < g->in_height && x >= 0 && x < g->in_width;
      pixels[i][j] = inside ? c->input + y * g->in_row + x * g->in_pixel : c->zero;
    }
  }
  for (int group = 0; group < s.groups; group += VL) {
    const int some = min_int(VL, s.groups - group), channel = 4 * (s.group + group);
    vw even[iw_side][iw_side], odd[iw_side][iw_side];
    UNROLL for (int i = 0; i < iw_side; i++) {
      UNROLL for (int j = 0; j < iw_side; j++) {
        q_split_codes(pixels[i][j] + channel, &even[i][j], &odd[i][j]);
      }
    }
    iw_points_of(even, target, point_stride);
    iw_points_of(odd, target + 2 * some, point_stride);
    target += 4 * some;
  }
}

// The points of one vector of weights of each position of the window.
INLINE void iw_weight_points(vw w[3][3], int16_t *target, ptrdiff_t point_stride) {
  vw half[iw_side][3];
  UNROLL for (int j = 0; j < 3; j++) {
    const vw g[3] = {w[0][j], w[1][j], w[2][j]};
    vw u[iw_side];
    iw_weights(g, u);
    UNROLL for (int i = 0; i < iw_side; i++) half[i][j] = u[i];
  }
  UNROLL for (int i = 0; i < iw_side; i++) {
    vw u[iw_side];
    iw_weights(half[i], u);
    UNROLL for (int j = 0; j < iw_side; j++) memcpy(target + (i * iw_side + j) * point_stride, &u[j], sizeof(vw));
  }
}

// A slice of the weights of a panel of `width` columns; `steps`: groups of four of a position.
static void iw_panel(
    const int8_t *panel, int width, int steps, iw_slice s, int16_t *target, ptrdiff_t point_stride) {
  const ptrdiff_t tap = (ptrdiff_t)steps * 4 * width;
  const int8_t *from = panel + (ptrdiff_t)s.group * 4 * width;
  for (int group = 0; group < s.groups; group += VL) {
    const int some = min_int(VL, s.groups - group);
    for (int i = 0; i < some; i++, from += 4 * width, target += 2 * width) {
      for (int n = 0; n < width; n += VL) {
        vw even[3][3], odd[3][3];
        UNROLL for (int k = 0; k < 9; k++) q_split_weights(from + k * tap + 4 * n, &even[k / 3][k % 3], &odd[k / 3][k % 3]);
        iw_weight_points(even, target + 2 * n, point_stride);
        iw_weight_points(odd, target + 2 * (some * width + n), point_stride);
      }
    }
    target += 2 * some * width;
  }
}

// The products of a slice of `count` tiles with a panel of `width` columns, point by point.
INLINE void iw_multiply(
    const zoo_integer_product *c, const uint16_t *inputs, int pairs, int count, const int16_t *weights,
    ptrdiff_t weight_stride, int width, int32_t *products) {
  static const int32_t zeros[zoo_integer_panel] = {0};
  const int block_count = (count + WR - 1) / WR;
  for (int point = 0; point < iw_points; point++) {
    for (int n = 0; n < width; n += WV * VL) {
      const int vectors = min_int(WV, (width - n) / VL);
      for (int i = 0, done = 0; i < block_count; i++) {
        const int size = part_size(count, block_count, i);
        const word_block t = {
          .codes = inputs + done * word_stride, .weights = weights + 2 * n, .begin = zeros,
          .sums = products + done * zoo_integer_panel + n, .width = width, .pairs = pairs};
        word_blocks[size - 1][vectors - 1](c, &t);
        done += size;
      }
    }
    inputs += (ptrdiff_t)count * word_stride;
    weights += weight_stride;
    products += (ptrdiff_t)count * zoo_integer_panel;
  }
}

// The products of one tile with one vector of columns, added to `begin` (`begin_stride` from output to output) and written
// to `sums`, `zoo_integer_panel` apart.
static void iw_back(
    const int32_t *products, ptrdiff_t point_stride, const int32_t *begin, ptrdiff_t begin_stride, int32_t *sums) {
  vu s[iw_outputs][iw_side];
  UNROLL for (int j = 0; j < iw_side; j++) {
    vu m[iw_side];
    UNROLL for (int i = 0; i < iw_side; i++) m[i] = (vu)q_load(products + (i * iw_side + j) * point_stride);
    iw_output(m);
    UNROLL for (int i = 0; i < iw_outputs; i++) s[i][j] = m[i];
  }
  const uint32_t inverse = 954437177;  // of 9 modulo 2^32
  UNROLL for (int i = 0; i < iw_outputs; i++) {
    iw_output(s[i]);
    UNROLL for (int j = 0; j < iw_outputs; j++) {
      const vi sum = (vi)(s[i][j] * inverse) >> (iw_shifts[i] + iw_shifts[j]);
      const int output = i * iw_outputs + j;
      q_store(sums + output * zoo_integer_panel, sum + q_load(begin + output * begin_stride));
    }
  }
}

// What becomes of the sums of `count` tiles with a panel.
static void iw_store(const zoo_integer_product *c, int first, int count, int column, const int32_t *sums) {
  const zoo_window *g = &c->window;
  const int used = min_int(zoo_integer_panel, c->columns - column);
  for (int i = 0; i < count; i++) {
    int oy, ox;
    iw_position(g, first + i, &oy, &ox);
    const int height = min_int(iw_outputs, g->out_height - oy), width = min_int(iw_outputs, g->out_width - ox);
    for (int y = 0; y < iw_outputs; y++, sums += iw_outputs * zoo_integer_panel) {
      if (y < height) ip_store(c, sums, width, (oy + y) * g->out_width + ox, column, used);
    }
  }
}

// One block of tiles with a group of panels.
static void iw_block(const zoo_integer_product *c, product_unit u, uint8_t *scratch) {
  const int slices = iw_slices(c->run), steps = (c->run + 3) / 4;
  const ptrdiff_t point_codes = (ptrdiff_t)u.rows * word_stride, point_sums = (ptrdiff_t)u.rows * zoo_integer_panel;
  const ptrdiff_t tile_sums = iw_outputs * iw_outputs * zoo_integer_panel;
  int16_t *weights = (int16_t *)(void *)scratch;
  int32_t *products = (int32_t *)(void *)(scratch + zoo_winograd_weights);
  int32_t *sums = products + iw_points * point_sums;
  uint16_t *codes = (uint16_t *)(void *)(sums + (u.end_panel - u.panel) * u.rows * tile_sums);
  for (int slice = 0; slice < slices; slice++) {
    const iw_slice s = iw_slice_of(c->run, slice);
    for (int i = 0; i < u.rows; i++) iw_transform(c, u.row + i, s, codes + i * word_stride, point_codes);
    for (int panel = u.panel; panel < u.end_panel; panel++) {
      const int column = panel * zoo_integer_panel;
      const int width = min_int(zoo_integer_panel, zoo_integer_columns(c->columns) - column);
      // A line more keeps points in different sets of the cache.
      const ptrdiff_t point_weights = 4 * s.groups * width + 32;
      iw_panel(c->weights + (ptrdiff_t)9 * steps * 4 * column, width, steps, s, weights, point_weights);
      iw_multiply(c, codes, 2 * s.groups, u.rows, weights, point_weights, width, products);
      int32_t *own = sums + (panel - u.panel) * u.rows * tile_sums;
      for (int i = 0; i < u.rows; i++) {
        for (int n = 0; n < width; n += VL) {
          int32_t *tile = own + i * tile_sums + n;
          iw_back(
              products + i * zoo_integer_panel + n, point_sums, slice ? tile : c->bias + column + n,
              slice ? zoo_integer_panel : 0, tile);
        }
      }
      if (slice == slices - 1) iw_store(c, u.row, u.rows, column, own);
    }
  }
}

static void integer_winograd(const void *arguments, int32_t begin, int32_t end) {
  const zoo_integer_winograd *w = arguments;
  const zoo_integer_product *c = &w->product;
  const int down = (c->window.out_height + iw_outputs - 1) / iw_outputs;
  const int across = (c->window.out_width + iw_outputs - 1) / iw_outputs;
  uint8_t *scratch = w->scratch + zoo_thread_index() * w->slot_bytes;
  for (int unit = begin; unit < end; unit++) {
    const product_unit u =
        unit_of_product(unit, down * across, c->row_block, zoo_integer_panels(c->columns), c->panel_group, c->by_rows);
    iw_block(c, u, scratch);
  }
}
