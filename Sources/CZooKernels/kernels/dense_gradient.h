// The gradients of dense layers whose weights lie row-major in memory, and take longer to read than the arithmetic.
#pragma once

#include "prelude.h"

// How many rows of the weights a register block has, for as many examples.
#if MR_2 > 6
enum { dg_rows = 4 };
#else
enum { dg_rows = 2 };
#endif
enum { dg_examples = 4 };
// Columns whose products are added up in registers: of a row, what a page has.
enum { dg_columns = 1024 };

// Adds to `sums` the products of R rows of the weights and N examples, from `column` on.
INLINE void dg_dot(
    const int R, const int N, const zoo_dense_gradient *d, int row, int example, int column, int end, vf *sums) {
  const float *weights = d->weights + (ptrdiff_t)row * d->columns;
  const float *gradient = d->gradient + example * d->gradient_row;
  vf sum[4][4];
  UNROLL for (int r = 0; r < R; r++) {
    UNROLL for (int n = 0; n < N; n++) sum[r][n] = v_set(0);
  }
  ROLLED for (; column + VL <= end; column += VL) {
    vf w[4];
    UNROLL for (int r = 0; r < R; r++) w[r] = v_load(weights + (ptrdiff_t)r * d->columns + column);
    UNROLL for (int n = 0; n < N; n++) {
      const vf g = v_load(gradient + n * d->gradient_row + column);
      UNROLL for (int r = 0; r < R; r++) sum[r][n] = v_fma(w[r], g, sum[r][n]);
    }
  }
  if (column < end) {
    UNROLL for (int n = 0; n < N; n++) {
      const vf g = v_load_n(gradient + n * d->gradient_row + column, end - column);
      UNROLL for (int r = 0; r < R; r++) {
        sum[r][n] = v_fma(v_load_n(weights + (ptrdiff_t)r * d->columns + column, end - column), g, sum[r][n]);
      }
    }
  }
  UNROLL for (int r = 0; r < R; r++) {
    UNROLL for (int n = 0; n < N; n++) sums[r * dg_examples + n] = v_add(sums[r * dg_examples + n], sum[r][n]);
  }
}

INLINE void dg_dots(
    const int R, const zoo_dense_gradient *d, int row, int example, int count, int column, int end, vf *sums) {
  switch (count) {
    case 1: dg_dot(R, 1, d, row, example, column, end, sums); break;
    case 2: dg_dot(R, 2, d, row, example, column, end, sums); break;
    case 3: dg_dot(R, 3, d, row, example, column, end, sums); break;
    default: dg_dot(R, 4, d, row, example, column, end, sums); break;
  }
}

// The gradient of inputs `row ..< row + R` for `count` examples from `first` on.
INLINE void dg_block(const int R, const zoo_dense_gradient *d, int row, int first, int count) {
  vf sums[zoo_dense_examples / dg_examples][4 * dg_examples];
  for (int n = 0; n < count; n += dg_examples) {
    for (int i = 0; i < R * dg_examples; i++) sums[n / dg_examples][i] = v_set(0);
  }
  // All examples take their turns at a part of the rows, so that it is read from memory once.
  for (int column = 0; column < d->columns; column += dg_columns) {
    const int end = min_int(column + dg_columns, d->columns);
    for (int n = 0; n < count; n += dg_examples) {
      dg_dots(R, d, row, first + n, min_int(dg_examples, count - n), column, end, sums[n / dg_examples]);
    }
  }
  for (int n = 0; n < count; n++) {
    for (int r = 0; r < R; r++) {
      float lanes[VL], sum = 0;
      v_store(lanes, sums[n / dg_examples][r * dg_examples + n % dg_examples]);
      for (int i = 0; i < VL; i++) sum += lanes[i];
      const ptrdiff_t at = (first + n) * d->output_row + row + r;
      if (d->accumulate) sum += d->output[at];
      if (d->mask.values) {
        const float value = d->mask.values[(first + n) * d->mask.pixel + row + r];
        if (!(value > 0 && value < d->mask.hi)) sum = 0;
      }
      d->output[at] = sum;
    }
  }
}

static void dense_gradient(const void *arguments, int32_t begin, int32_t end) {
  const zoo_dense_gradient *d = arguments;
  const int last = min_int(end * zoo_dense_unit, d->inputs);
  for (int row = begin * zoo_dense_unit; row < last;) {
    const int rows = row + dg_rows <= last ? dg_rows : 1;
    for (int first = 0; first < d->rows; first += zoo_dense_examples) {
      const int count = min_int(zoo_dense_examples, d->rows - first);
      if (rows == dg_rows) dg_block(dg_rows, d, row, first, count); else dg_block(1, d, row, first, count);
    }
    row += rows;
  }
}

// Rows `row ..< row + R` of the gradient of the weights, of which `output` has the first, at C vectors of columns.
INLINE void dg_outer(
    const int R, const int C, const zoo_dense_weight_gradient *d, int row, int column, int last, float *output,
    ptrdiff_t stride) {
  vf sum[4][2];
  UNROLL for (int r = 0; r < R; r++) {
    UNROLL for (int c = 0; c < C; c++) sum[r][c] = v_set(0);
  }
  const float *input = d->input + row, *gradient = d->gradient + column;
  ROLLED for (int n = 0; n < d->rows; n++, input += d->input_row, gradient += d->gradient_row) {
    vf g[2];
    UNROLL for (int c = 0; c < C; c++) g[c] = v_load_up_to(gradient + c * VL, c == C - 1 ? last : VL);
    UNROLL for (int r = 0; r < R; r++) {
      const vf x = v_set(input[r]);
      UNROLL for (int c = 0; c < C; c++) sum[r][c] = v_fma(x, g[c], sum[r][c]);
    }
  }
  UNROLL for (int r = 0; r < R; r++) {
    UNROLL for (int c = 0; c < C; c++) {
      v_store_up_to(output + r * stride + c * VL, sum[r][c], c == C - 1 ? last : VL);
    }
  }
}

INLINE void dg_columns_of(
    const int R, const zoo_dense_weight_gradient *d, int row, int column, int end, float *output, ptrdiff_t stride) {
  for (; column + 2 * VL <= end; column += 2 * VL, output += 2 * VL) dg_outer(R, 2, d, row, column, VL, output, stride);
  for (; column < end; column += VL, output += VL) {
    dg_outer(R, 1, d, row, column, min_int(VL, end - column), output, stride);
  }
}

static void dense_weight_gradient(const void *arguments, int32_t begin, int32_t end) {
  const zoo_dense_weight_gradient *d = arguments;
  for (int unit = begin; unit < end; unit++) {
    const int64_t first = d->first + (int64_t)unit * d->block, stop = first + d->block;
    const int64_t last = stop < d->end ? stop : d->end;
    float *output = d->output + (first - d->first);
    for (int64_t at = first; at < last;) {
      const int row = (int)(at / d->columns), column = (int)(at % d->columns);
      if (column == 0 && at + 4 * (int64_t)d->columns <= last) {
        dg_columns_of(4, d, row, 0, d->columns, output, d->columns);
        at += 4 * (int64_t)d->columns;
        output += 4 * (ptrdiff_t)d->columns;
      } else {
        const int count = last - at < d->columns - column ? (int)(last - at) : d->columns - column;
        dg_columns_of(1, d, row, column, column + count, output, d->columns);
        at += count;
        output += count;
      }
    }
  }
}
