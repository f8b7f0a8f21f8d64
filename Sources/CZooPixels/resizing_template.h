// Resizing for one instruction set, whose name NAMED gives to functions.
//
// COLORS is one of the two ways of vectors.h. Where there is DOT(sums, v, w), it adds to each sum the products of four
// bytes of v with the signed bytes of w.

static void NAMED(resize_rows)(
    const zoo_resampling *resampling, const uint8_t *pixels, size_t available, size_t row_bytes, size_t rows,
    void *scratch, uint8_t *target) {
  const zoo_pixel_window *const windows = resampling->windows;
  const size_t count = resampling->count, stride = resampling->stride, new_bytes = 3 * count;
  uint8_t *const copies = (uint8_t *)scratch + count * stride * sizeof(int32_t);
#if defined(DOT)
  split_weights(resampling, scratch);
  const int32_t *const all_weights = scratch;
#else
  const int32_t *const all_weights = resampling->weights;
#endif
  for (size_t row = 0; row < rows; row += row_step) {
    // Beyond the last row that one again.
    const uint8_t *from[row_step];
    uint8_t *to[row_step];
    for (size_t r = 0; r < row_step; r++) {
      const size_t own = row + r < rows ? row + r : rows - 1;
      from[r] = readable_row(
          pixels, available, own * row_bytes, row_bytes, copies + r * (row_bytes + row_excess));
      to[r] = target + own * new_bytes;
    }
    const int32_t *weights = all_weights;
    for (size_t i = 0; i < count; i++, weights += stride) {
      size_t place = 3 * windows[i].first;
      const size_t taps = windows[i].count;
      numbers_16 sums = {0}, more = {0}, most = {0};
      sums += half;
      for (size_t tap = 0; tap < taps; tap += zoo_weight_step, place += 3 * zoo_weight_step) {
        bytes_64 v;
        for (size_t r = 0; r < row_step; r++) memcpy((uint8_t *)&v + 16 * r, from[r] + place, 16);
#if defined(DOT)
        const bytes_64 quads = QUADS(v);
        sums = DOT(sums, quads, weights[tap]);
        more = DOT(more, quads, weights[tap + 1]);
        most = DOT(most, quads, weights[tap + 2]);
      }
      sums += (more << 8) + (most << 16);
#else
        sums += PIXELS(v, 0) * weights[tap];
        more += PIXELS(v, 3) * weights[tap + 1];
        most += PIXELS(v, 6) * weights[tap + 2];
        sums += PIXELS(v, 9) * weights[tap + 3];
      }
      sums += more + most;
#endif
      // The same place in the next rows.
      for (size_t r = 0; r < row_step; r++) {
        __builtin_prefetch((const void *)((uintptr_t)from[r] + place + row_step * row_bytes));
      }
      uint8_t new_pixels[4 * row_step];
      const bytes_16 rounded = __builtin_convertvector(LEVELS(sums, zoo_weight_bits, numbers_16), bytes_16);
      memcpy(new_pixels, &rounded, sizeof rounded);
      // The fourth byte is overwritten by the next pixel.
      const bool is_last = i + 1 == count;
      for (size_t r = 0; r < row_step; r++) {
        if (is_last) {
          memcpy(to[r] + 3 * i, new_pixels + 4 * r, 3);
        } else {
          memcpy(to[r] + 3 * i, new_pixels + 4 * r, 4);
        }
      }
    }
  }
}

static void NAMED(resize_columns)(
    const zoo_resampling *resampling, const uint8_t *pixels, size_t first_row, size_t row_bytes,
    uint8_t *target) {
  const int32_t *weights = resampling->weights;
  for (size_t i = 0; i < resampling->count; i++, weights += resampling->stride, target += row_bytes) {
    const uint8_t *const from = pixels + (resampling->windows[i].first - first_row) * row_bytes;
    const size_t taps = resampling->windows[i].count;
    if (row_bytes < sizeof(bytes_32)) {
      resize_short_columns(from, row_bytes, weights, taps, target);
      continue;
    }
    // The last block overlaps the one before where the row is no multiple of it.
    const size_t last = row_bytes - sizeof(bytes_32);
    for (size_t x = 0;; x = x + sizeof(bytes_32) < last ? x + sizeof(bytes_32) : last) {
      numbers_32 sums = {0};
      sums += half;
      for (size_t tap = 0; tap < taps; tap++) {
        bytes_32 v;
        memcpy(&v, from + tap * row_bytes + x, sizeof v);
        sums += __builtin_convertvector(v, numbers_32) * weights[tap];
      }
      const bytes_32 rounded = __builtin_convertvector(LEVELS(sums, zoo_weight_bits, numbers_32), bytes_32);
      memcpy(target + x, &rounded, sizeof rounded);
      if (x == last) break;
    }
  }
}
