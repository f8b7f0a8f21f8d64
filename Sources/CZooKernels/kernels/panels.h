// Weights of a matrix product in panels of two vectors of columns, row by row; the last panel has one to
// three vectors, so that at most one vector is partly used.
#pragma once

#include "prelude.h"

INLINE int last_panel_vectors(int columns) {
  int vectors = (columns + VL - 1) / VL;
  if (vectors <= 3) return vectors;
  return vectors % 2 ? 3 : 2;
}

static int32_t packed_columns(int32_t columns) { return (columns + VL - 1) / VL * VL; }

static int32_t panels(int32_t columns) {
  return ((columns + VL - 1) / VL - last_panel_vectors(columns)) / 2 + 1;
}

static void pack(const void *arguments, int32_t begin, int32_t end) {
  const zoo_packing *p = arguments;
  const int count = panels(p->columns);
  // All panels but the last are equally wide.
  float *target = p->packed + (ptrdiff_t)begin * 2 * VL * p->rows;
  for (int panel = begin; panel < end; panel++) {
    int first = panel * 2 * VL;
    int width = VL * (panel == count - 1 ? last_panel_vectors(p->columns) : 2);
    int used = min_int(width, p->columns - first);
    for (int row = 0; row < p->rows; row++, target += width) {
      const float *source = p->source + row * p->stride + first;
      if (p->scale) {
        const double *scale = p->scale + first;
        for (int i = 0; i < used; i++) target[i] = (float)(source[i] * scale[i]);
      } else {
        for (int i = 0; i < used; i++) target[i] = source[i];
      }
      for (int i = used; i < width; i++) target[i] = 0;
    }
  }
}
