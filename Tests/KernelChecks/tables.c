// Products of tables with coefficients, against plain loops.
#include <math.h>
#include <stdlib.h>

#include "checks.h"

// Doubles in the memory of a block of floats, so that its guards hold for them too.
static double *doubles(block b) { return (double *)(void *)b.values; }

static block random_doubles(check *c, int count) {
  const block source = random_block(c, (size_t)count), b = zeros_block(2 * (size_t)count);
  // A factor that floats can't hold.
  for (int i = 0; i < count; i++) doubles(b)[i] = source.values[i] * (1 + 0x1p-30);
  release(source);
  return b;
}

typedef struct {
  zoo_table arguments;
  block table, wide, factors, sums, squares;
  int32_t index[64];
} example;

static example any_example(check *c, int product) {
  const int rows = any(c, 1, 50), columns = any(c, 0, 3) ? any(c, 1, 80) : any(c, 500, 1100);
  const int outputs = any(c, 1, 20), table_rows = rows + any(c, 0, 9);
  const int factors_rows = product ? outputs : rows, sums_rows = product ? rows : outputs;
  example e = {.arguments = {
      .rows = rows, .columns = columns, .outputs = outputs, .block = any(c, 1, 40),
      .table_row = columns + one_of(c, 0, 3), .factors_row = (product ? columns : outputs) + one_of(c, 0, 2),
      .sums_row = (product ? outputs : columns) + one_of(c, 0, 1)}};
  zoo_table *t = &e.arguments;
  e.table = random_block(c, (size_t)(table_rows * t->table_row));
  e.wide = random_doubles(c, table_rows * (int)t->table_row);
  e.factors = random_doubles(c, factors_rows * (int)t->factors_row);
  e.sums = marked_block(2 * (size_t)(sums_rows * t->sums_row));
  e.squares = marked_block(2 * (size_t)rows);
  t->table = e.table.values;
  if (any(c, 0, 1)) t->wide = doubles(e.wide);
  t->factors = doubles(e.factors);
  t->sums = doubles(e.sums);
  if (product && any(c, 0, 1)) t->squares = doubles(e.squares);
  for (int row = 0; row < rows; row++) e.index[row] = any(c, 0, table_rows - 1);
  return e;
}

static double value(const zoo_table *t, int row, int column) {
  const ptrdiff_t at = (t->index ? t->index[row] : row) * t->table_row + column;
  return t->wide ? t->wide[at] : t->table[at];
}

static void end(check *c, const char *what, example *e) {
  release(e->table);
  release(e->wide);
  release(e->factors);
  released(c, what, e->sums);
  released(c, what, e->squares);
}

void check_table_product(check *c) {
  for (int i = 0; i < 60; i++) {
    example e = any_example(c, 1);
    zoo_table *t = &e.arguments;
    if (any(c, 0, 1)) t->index = e.index;
    run_table_product(c, t, (t->rows + t->block - 1) / t->block);
    for (int row = 0; row < t->rows; row++) {
      double square = 0;
      for (int column = 0; column < t->columns; column++) square += value(t, row, column) * value(t, row, column);
      if (t->squares) expect(c, "squares of a table", t->squares[row], square, t->columns * 0x1p-52 * square);
      for (int output = 0; output < t->outputs; output++) {
        double sum = 0;
        for (int column = 0; column < t->columns; column++) {
          sum += value(t, row, column) * t->factors[output * t->factors_row + column];
        }
        expect(c, "product of a table", t->sums[row * t->sums_row + output], sum, t->columns * 0x1p-51);
      }
    }
    end(c, "product of a table", &e);
  }
}

void check_table_adjoint(check *c) {
  for (int i = 0; i < 60; i++) {
    example e = any_example(c, 0);
    zoo_table *t = &e.arguments;
    if (any(c, 0, 1)) t->index = e.index;
    run_table_adjoint(c, t, (t->columns + t->block - 1) / t->block);
    for (int output = 0; output < t->outputs; output++) {
      for (int column = 0; column < t->columns; column++) {
        double sum = 0;
        for (int row = 0; row < t->rows; row++) {
          sum += t->factors[row * t->factors_row + output] * value(t, row, column);
        }
        expect(c, "adjoint of a table", t->sums[output * t->sums_row + column], sum, t->rows * 0x1p-51);
      }
    }
    end(c, "adjoint of a table", &e);
  }
}
