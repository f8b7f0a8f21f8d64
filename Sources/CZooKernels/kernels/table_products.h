// Products of a table of numbers with few or many coefficients: sums in double precision, whatever the table's
// element type. The vectors of doubles are those of the compiler, which fuses `a * b + c` where the target can.
#pragma once

#include "prelude.h"

enum { VD = VL / 2 };
typedef double vd __attribute__((vector_size(8 * VL / 2)));
typedef float vd_floats __attribute__((vector_size(4 * VL / 2)));

// Register blocks: rows by outputs of `table_product`, outputs by vectors of columns of `table_adjoint`.
#if REGISTERS > 16
// For a single output more rows make chains that don't wait for each other, and streams that keep memory busy.
enum { product_rows = 3, single_rows = 8, product_outputs = 8, adjoint_outputs = 6, adjoint_vectors = 4 };
#else
enum { product_rows = 2, single_rows = 4, product_outputs = 4, adjoint_outputs = 4, adjoint_vectors = 2 };
#endif
// What stays in the nearest cache: columns of the coefficients, and rows of a block of columns.
enum { product_columns = 512, adjoint_rows = 128 };
// A table of this many values comes from memory, not from a cache.
enum { streamed_values = 1 << 18 };

INLINE vd d_load(const double *p) {
  vd v;
  memcpy(&v, p, sizeof v);
  return v;
}
INLINE vd d_load_n(const double *p, int n) {
  double part[VD] = {0};
  for (int i = 0; i < n; i++) part[i] = p[i];
  return d_load(part);
}
INLINE void d_store(double *p, vd v) { memcpy(p, &v, sizeof v); }
INLINE void d_store_n(double *p, vd v, int n) {
  double part[VD];
  d_store(part, v);
  for (int i = 0; i < n; i++) p[i] = part[i];
}
INLINE vd d_set(double x) { return x - (vd){0}; }
INLINE vd d_fma(vd a, vd b, vd c) { return a * b + c; }

// The first n of a vector of the table's values from `column` on, which may be all.
INLINE vd table_load(const int WIDE, const void *row, int column, int n) {
  if (WIDE) {
    const double *p = (const double *)row + column;
    return n == VD ? d_load(p) : d_load_n(p, n);
  }
  const float *p = (const float *)row + column;
  vd_floats floats;
  if (n == VD) {
    memcpy(&floats, p, sizeof floats);
  } else {
    float part[VD] = {0};
    for (int i = 0; i < n; i++) part[i] = p[i];
    memcpy(&floats, part, sizeof floats);
  }
  return __builtin_convertvector(floats, vd);
}

INLINE const void *table_row(const int WIDE, const zoo_table *t, int row) {
  const ptrdiff_t at = (t->index ? t->index[row] : row) * t->table_row;
  return WIDE ? (const void *)(t->wide + at) : (const void *)(t->table + at);
}

INLINE double d_sum(vd v) {
  double lanes[VD], sum = 0;
  d_store(lanes, v);
  for (int i = 0; i < VD; i++) sum += lanes[i];
  return sum;
}

// Adds columns `begin ..< end` of R rows to the sums of C outputs, and where SQUARES to those of the squares.
INLINE void product_block(
    const int WIDE, const int SQUARES, const int R, const int C, const zoo_table *t, int row, int output, int begin,
    int end) {
  const void *x[R];
  const double *f[C];
  vd sum[R][C], square[R];
  UNROLL for (int r = 0; r < R; r++) {
    x[r] = table_row(WIDE, t, row + r);
    square[r] = d_set(0);
    UNROLL for (int c = 0; c < C; c++) sum[r][c] = d_set(0);
  }
  UNROLL for (int c = 0; c < C; c++) f[c] = t->factors + (output + c) * t->factors_row;
  int column = begin;
  ROLLED for (; column + VD <= end; column += VD) {
    vd values[R];
    UNROLL for (int r = 0; r < R; r++) {
      values[r] = table_load(WIDE, x[r], column, VD);
      if (SQUARES) square[r] = d_fma(values[r], values[r], square[r]);
    }
    UNROLL for (int c = 0; c < C; c++) {
      const vd factor = d_load(f[c] + column);
      UNROLL for (int r = 0; r < R; r++) sum[r][c] = d_fma(values[r], factor, sum[r][c]);
    }
  }
  if (column < end) {
    const int n = end - column;
    UNROLL for (int r = 0; r < R; r++) {
      const vd value = table_load(WIDE, x[r], column, n);
      if (SQUARES) square[r] = d_fma(value, value, square[r]);
      UNROLL for (int c = 0; c < C; c++) {
        sum[r][c] = d_fma(value, d_load_n(f[c] + column, n), sum[r][c]);
      }
    }
  }
  UNROLL for (int r = 0; r < R; r++) {
    double *y = t->sums + (ptrdiff_t)(row + r) * t->sums_row + output;
    UNROLL for (int c = 0; c < C; c++) y[c] = (begin ? y[c] : 0) + d_sum(sum[r][c]);
    if (SQUARES) t->squares[row + r] = (begin ? t->squares[row + r] : 0) + d_sum(square[r]);
  }
}

INLINE void product_rows_of(
    const int WIDE, const int SQUARES, const int C, const zoo_table *t, int first, int stop, int output, int begin,
    int end) {
  int row = first;
  const int rows = C == 1 ? single_rows : product_rows;
  for (; row + rows <= stop; row += rows) {
    if (C == 1) {
      product_block(WIDE, SQUARES, single_rows, C, t, row, output, begin, end);
    } else {
      product_block(WIDE, SQUARES, product_rows, C, t, row, output, begin, end);
    }
  }
  for (; row < stop; row++) product_block(WIDE, SQUARES, 1, C, t, row, output, begin, end);
}

// A single output of a large table is bound by memory, which is fastest where it is read in its own order: row after
// row. The sums are those of the other way, bit for bit.
INLINE void single_rows_of(const int WIDE, const zoo_table *t, int first, int stop) {
  for (int row = first; row < stop; row++) {
    for (int begin = 0; begin < t->columns; begin += product_columns) {
      const int end = min_int(begin + product_columns, t->columns);
      if (t->squares) {
        product_block(WIDE, 1, 1, 1, t, row, 0, begin, end);
      } else {
        product_block(WIDE, 0, 1, 1, t, row, 0, begin, end);
      }
    }
  }
}

// `count` of the next outputs when as many as possible, at most `most`, go together and all groups are about equal.
INLINE int even_share(int left, int most) {
  const int groups = (left + most - 1) / most;
  return (left + groups - 1) / groups;
}

INLINE void product_units(const int WIDE, const zoo_table *t, int unit_begin, int unit_end) {
  const int streams = t->outputs == 1 && !t->index && (ptrdiff_t)t->rows * t->table_row >= streamed_values;
  for (int unit = unit_begin; unit < unit_end; unit++) {
    const int first = unit * t->block, stop = min_int(first + t->block, t->rows);
    if (streams) {
      single_rows_of(WIDE, t, first, stop);
      continue;
    }
    for (int begin = 0; begin < t->columns; begin += product_columns) {
      const int end = min_int(begin + product_columns, t->columns);
      for (int output = 0; output < t->outputs;) {
        const int count = even_share(t->outputs - output, product_outputs);
        if (t->squares && output == 0) {
          // With the squares one at a time: few outputs are all that this is used with.
          product_rows_of(WIDE, 1, 1, t, first, stop, 0, begin, end);
          output++;
          continue;
        }
        switch (count) {
          case 1: product_rows_of(WIDE, 0, 1, t, first, stop, output, begin, end); break;
          case 2: product_rows_of(WIDE, 0, 2, t, first, stop, output, begin, end); break;
          case 3: product_rows_of(WIDE, 0, 3, t, first, stop, output, begin, end); break;
          case 4: product_rows_of(WIDE, 0, 4, t, first, stop, output, begin, end); break;
#if REGISTERS > 16
          case 5: product_rows_of(WIDE, 0, 5, t, first, stop, output, begin, end); break;
          case 6: product_rows_of(WIDE, 0, 6, t, first, stop, output, begin, end); break;
          case 7: product_rows_of(WIDE, 0, 7, t, first, stop, output, begin, end); break;
          case 8: product_rows_of(WIDE, 0, 8, t, first, stop, output, begin, end); break;
#endif
        }
        output += count;
      }
    }
  }
}

static void table_product(const void *arguments, int32_t begin, int32_t end) {
  const zoo_table *t = arguments;
  if (t->wide) product_units(1, t, begin, end); else product_units(0, t, begin, end);
}

// Adds rows `begin ..< end` to the sums of C outputs and V vectors of columns; the last vector has `last` columns.
INLINE void adjoint_block(
    const int WIDE, const int C, const int V, const zoo_table *t, int output, int column, int last, int begin,
    int end) {
  vd sum[C][V];
  UNROLL for (int c = 0; c < C; c++) {
    const double *y = t->sums + (output + c) * t->sums_row + column;
    UNROLL for (int v = 0; v < V; v++) {
      sum[c][v] = begin == 0 ? d_set(0) : v == V - 1 && last < VD ? d_load_n(y + v * VD, last) : d_load(y + v * VD);
    }
  }
  const double *factors = t->factors + begin * t->factors_row + output;
  ROLLED for (int row = begin; row < end; row++, factors += t->factors_row) {
    const void *x = table_row(WIDE, t, row);
    vd values[V];
    UNROLL for (int v = 0; v < V; v++) {
      values[v] = table_load(WIDE, x, column + v * VD, v == V - 1 ? last : VD);
    }
    UNROLL for (int c = 0; c < C; c++) {
      const vd factor = d_set(factors[c]);
      UNROLL for (int v = 0; v < V; v++) sum[c][v] = d_fma(values[v], factor, sum[c][v]);
    }
  }
  UNROLL for (int c = 0; c < C; c++) {
    double *y = t->sums + (output + c) * t->sums_row + column;
    UNROLL for (int v = 0; v < V; v++) {
      if (v == V - 1 && last < VD) d_store_n(y + v * VD, sum[c][v], last); else d_store(y + v * VD, sum[c][v]);
    }
  }
}

INLINE void adjoint_columns(
    const int WIDE, const int C, const zoo_table *t, int output, int first, int stop, int begin, int end) {
  int column = first;
  for (; column + adjoint_vectors * VD <= stop; column += adjoint_vectors * VD) {
    adjoint_block(WIDE, C, adjoint_vectors, t, output, column, VD, begin, end);
  }
  for (; column + VD <= stop; column += VD) adjoint_block(WIDE, C, 1, t, output, column, VD, begin, end);
  if (column < stop) adjoint_block(WIDE, C, 1, t, output, column, stop - column, begin, end);
}

INLINE void adjoint_units(const int WIDE, const zoo_table *t, int unit_begin, int unit_end) {
  for (int unit = unit_begin; unit < unit_end; unit++) {
    const int first = unit * t->block, stop = min_int(first + t->block, t->columns);
    for (int begin = 0; begin < t->rows; begin += adjoint_rows) {
      const int end = min_int(begin + adjoint_rows, t->rows);
      for (int output = 0; output < t->outputs;) {
        const int count = even_share(t->outputs - output, adjoint_outputs);
        switch (count) {
          case 1: adjoint_columns(WIDE, 1, t, output, first, stop, begin, end); break;
          case 2: adjoint_columns(WIDE, 2, t, output, first, stop, begin, end); break;
          case 3: adjoint_columns(WIDE, 3, t, output, first, stop, begin, end); break;
          case 4: adjoint_columns(WIDE, 4, t, output, first, stop, begin, end); break;
#if REGISTERS > 16
          case 5: adjoint_columns(WIDE, 5, t, output, first, stop, begin, end); break;
          case 6: adjoint_columns(WIDE, 6, t, output, first, stop, begin, end); break;
#endif
        }
        output += count;
      }
    }
  }
}

static void table_adjoint(const void *arguments, int32_t begin, int32_t end) {
  const zoo_table *t = arguments;
  if (t->wide) adjoint_units(1, t, begin, end); else adjoint_units(0, t, begin, end);
}
