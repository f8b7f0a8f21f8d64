// Weights in the panels of `convolution` (panels.h) for the gradient of its input: turned and transposed.
#pragma once

#include "panels.h"
#include "prelude.h"

static void pack_transposed(const void *arguments, int32_t begin, int32_t end) {
  const zoo_transposed_packing *p = arguments;
  const int count = panels(p->columns);
  const ptrdiff_t depth = (ptrdiff_t)p->taps * p->rows;
  for (int panel = begin; panel < end; panel++) {
    const int first = panel * 2 * VL;
    const int width = VL * (panel == count - 1 ? last_panel_vectors(p->columns) : 2);
    const int used = min_int(width, p->columns - first);
    float *target = p->packed + depth * first;
    for (int t = 0; t < p->taps; t++) {
      const int tap = p->tap ? p->tap[t] : p->taps - 1 - t;
      const float *source = p->source + ((ptrdiff_t)tap * p->columns + first) * p->stride;
      // Some rows at a time, so that what is read and written both stay in the nearest cache.
      for (int from = 0; from < p->rows; from += 16, target += 16 * width) {
        const int rows = min_int(16, p->rows - from);
        for (int column = 0; column < width; column++) {
          const float *values = source + column * p->stride + from;
          // For the next rows.
          if (column < used) __builtin_prefetch(values + 16, 0, 2);
          for (int row = 0; row < rows; row++) {
            float value = 0;
            if (column < used) value = p->scale ? (float)(values[row] * p->scale[from + row]) : values[row];
            target[row * width + column] = value;
          }
        }
        if (rows < 16) target += (rows - 16) * width;
      }
    }
  }
}
