// Dense layers on weights that lie row-major in memory, whose reading takes longer than the arithmetic.
//
// The sum over `dense_chain` inputs is one chain from zero, which is then added to the output: little
// rounding, and the same for every way to share out rows and columns. A pass over the columns takes
// `dense_pass` inputs; for one row as many as make `dense_streams` streams, which keep memory busy.
#pragma once

#include "prelude.h"

enum { dense_chain = 16, dense_pass = 32, dense_streams = 6 };

// How many rows and vectors of columns a register block has: two accumulators for each, in registers.
#if MR_2 > 6
enum { dense_rows = 4, dense_vectors = 3 };
#else
enum { dense_rows = 3, dense_vectors = 2 };
#endif

// The first n of a vector of weights, from the place `at` on, widened as they would be if they were decoded before:
// exactly, or rounded once by the product with their scales.
INLINE vf dense_load(const int FORM, const zoo_dense *d, ptrdiff_t at, vf scales, int n) {
  switch (FORM) {
    case zoo_weight_f16: {
      const uint16_t *weights = (const uint16_t *)d->weights + at;
      return n < VL ? v_load_half_n(weights, n) : v_load_half(weights);
    }
    case zoo_weight_bf16: {
      const uint16_t *weights = (const uint16_t *)d->weights + at;
      return n < VL ? v_load_brain_n(weights, n) : v_load_brain(weights);
    }
    case zoo_weight_i8: {
      const int8_t *weights = (const int8_t *)d->weights + at;
      return v_mul(scales, n < VL ? v_load_bytes_n(weights, n) : v_load_bytes(weights));
    }
    default: {
      const float *weights = (const float *)d->weights + at;
      return n < VL ? v_load_n(weights, n) : v_load(weights);
    }
  }
}

// The scales of a vector of columns.
INLINE vf dense_scales(const int FORM, const zoo_dense *d, int column, int n) {
  return FORM == zoo_weight_i8 ? v_load_up_to(d->scales + column, n) : v_set(1);
}

// Adds the product of inputs `begin ..< end` of R rows with C vectors of columns, from `column`; the last
// vector has `last` columns.
INLINE void dense_block(
    const int FORM, const int R, const int C, const zoo_dense *d, int row, int column, int last, int begin,
    int end) {
  const float *input = d->input + row * d->input_row;
  float *output = d->output + row * d->output_row + column;
  vf total[4][3], scales[3];
  UNROLL for (int c = 0; c < C; c++) {
    scales[c] = dense_scales(FORM, d, column + c * VL, c == C - 1 ? last : VL);
  }
  UNROLL for (int r = 0; r < R; r++) {
    UNROLL for (int c = 0; c < C; c++) {
      const float *y = output + r * d->output_row + c * VL;
      total[r][c] = c == C - 1 && last < VL ? v_load_n(y, last) : v_load(y);
    }
  }
  for (int k = begin; k < end; k += dense_chain) {
    vf sum[4][3];
    UNROLL for (int r = 0; r < R; r++) {
      UNROLL for (int c = 0; c < C; c++) sum[r][c] = v_set(0);
    }
    const int stop = min_int(k + dense_chain, end);
    ptrdiff_t weights = (ptrdiff_t)k * d->columns + column;
    ROLLED for (int i = k; i < stop; i++, weights += d->columns) {
      vf w[3];
      UNROLL for (int c = 0; c < C; c++) {
        w[c] = dense_load(FORM, d, weights + c * VL, scales[c], c == C - 1 ? last : VL);
      }
      UNROLL for (int r = 0; r < R; r++) {
        vf x = v_set(input[r * d->input_row + i]);
        UNROLL for (int c = 0; c < C; c++) sum[r][c] = v_fma(x, w[c], sum[r][c]);
      }
    }
    UNROLL for (int r = 0; r < R; r++) {
      UNROLL for (int c = 0; c < C; c++) total[r][c] = v_add(total[r][c], sum[r][c]);
    }
  }
  UNROLL for (int r = 0; r < R; r++) {
    UNROLL for (int c = 0; c < C; c++) {
      float *y = output + r * d->output_row + c * VL;
      if (c == C - 1 && last < VL) {
        v_store_n(y, total[r][c], last);
      } else {
        v_store(y, total[r][c]);
      }
    }
  }
}

// All rows at C vectors of columns: the weights come from memory for the first of them only.
INLINE void dense_blocks(
    const int FORM, const int C, const zoo_dense *d, int column, int last, int begin, int end) {
  int row = 0;
  for (; row + dense_rows <= d->rows; row += dense_rows) {
    dense_block(FORM, dense_rows, C, d, row, column, last, begin, end);
  }
  for (; row + 2 <= d->rows; row += 2) dense_block(FORM, 2, C, d, row, column, last, begin, end);
  if (row < d->rows) dense_block(FORM, 1, C, d, row, column, last, begin, end);
}

// A pass for one row: weights that would be multiplied by zero are not read.
INLINE void dense_vector(
    const int FORM, const int C, const zoo_dense *d, const int *index, const int *counts, int column, int last) {
  float *output = d->output + column;
  vf total[8], scales[8];
  UNROLL for (int c = 0; c < C; c++) {
    scales[c] = dense_scales(FORM, d, column + c * VL, c == C - 1 ? last : VL);
    total[c] = c == C - 1 && last < VL ? v_load_n(output + c * VL, last) : v_load(output + c * VL);
  }
  for (int chain = 0; chain < 2; chain++) {
    vf sum[8];
    UNROLL for (int c = 0; c < C; c++) sum[c] = v_set(0);
    ROLLED for (int i = 0; i < counts[chain]; i++) {
      const int k = *index++;
      const ptrdiff_t weights = (ptrdiff_t)k * d->columns + column;
      vf x = v_set(d->input[k]);
      UNROLL for (int c = 0; c < C; c++) {
        const vf w = dense_load(FORM, d, weights + c * VL, scales[c], c == C - 1 ? last : VL);
        sum[c] = v_fma(x, w, sum[c]);
      }
    }
    UNROLL for (int c = 0; c < C; c++) total[c] = v_add(total[c], sum[c]);
  }
  UNROLL for (int c = 0; c < C; c++) {
    if (c == C - 1 && last < VL) {
      v_store_n(output + c * VL, total[c], last);
    } else {
      v_store(output + c * VL, total[c]);
    }
  }
}

// Returns the end of the inputs that it has done: one chain's, or two where zeros leave few.
INLINE int dense_one_row(const int FORM, const zoo_dense *d, int first, int width, int begin) {
  int index[2 * dense_chain], counts[2] = {0}, chains = 0, count = 0, end = begin;
  while (chains < 2 && count < dense_streams && end < d->inputs) {
    const int stop = min_int(end + dense_chain, d->inputs), before = count;
    for (; end < stop; end++) {
      index[count] = end;
      count += d->input[end] != 0;
    }
    counts[chains++] = count - before;
  }
  if (count == 0) return end;
  int n = 0;
  for (; n + 4 * VL <= width; n += 4 * VL) dense_vector(FORM, 4, d, index, counts, first + n, VL);
  for (; n < width; n += VL) dense_vector(FORM, 1, d, index, counts, first + n, min_int(VL, width - n));
  return end;
}

INLINE void dense_many_rows(const int FORM, const zoo_dense *d, int first, int width, int begin, int end) {
  int n = 0;
  for (; n + dense_vectors * VL <= width; n += dense_vectors * VL) {
    dense_blocks(FORM, dense_vectors, d, first + n, VL, begin, end);
  }
  for (; n < width; n += VL) dense_blocks(FORM, 1, d, first + n, min_int(VL, width - n), begin, end);
}

INLINE void dense_units(const int FORM, const zoo_dense *d, int begin, int end) {
  for (int unit = begin; unit < end; unit++) {
    const int first = unit * d->column_block;
    const int width = min_int(d->column_block, d->columns - first);
    for (int row = 0; row < d->rows; row++) {
      float *output = d->output + row * d->output_row + first;
      const float *residual = d->residual ? d->residual + row * d->residual_row + first : NULL;
      // The residual may be where the output goes, so it is read before anything is written over it.
      for (int i = 0; i < width; i++) output[i] = d->bias[first + i] + (residual ? residual[i] : 0);
    }
    for (int k = 0; k < d->inputs;) {
      if (d->rows == 1) {
        k = dense_one_row(FORM, d, first, width, k);
      } else {
        const int stop = min_int(k + dense_pass, d->inputs);
        dense_many_rows(FORM, d, first, width, k, stop);
        k = stop;
      }
    }
    for (int row = 0; row < d->rows; row++) {
      float *output = d->output + row * d->output_row + first;
      for (int i = 0; i < width; i++) {
        float y = output[i] < d->lo ? d->lo : output[i];
        output[i] = y > d->hi ? d->hi : y;
      }
    }
  }
}

static void dense(const void *arguments, int32_t begin, int32_t end) {
  const zoo_dense *d = arguments;
  switch (d->form) {
    case zoo_weight_f32: dense_units(zoo_weight_f32, d, begin, end); break;
    case zoo_weight_f16: dense_units(zoo_weight_f16, d, begin, end); break;
    case zoo_weight_bf16: dense_units(zoo_weight_bf16, d, begin, end); break;
    case zoo_weight_i8: dense_units(zoo_weight_i8, d, begin, end); break;
  }
}
