// Views of pictures for one instruction set, as resizing_template.h has resizing.

static void NAMED(map_pixels)(
    const zoo_pixel_map *map, const uint8_t *pixels, ptrdiff_t height, ptrdiff_t width, uint8_t *target,
    ptrdiff_t new_height, ptrdiff_t new_width) {
  const ptrdiff_t right = width - 1, bottom = height - 1, row_bytes = 3 * width;
  const ptrdiff_t x_across = map->x_across, y_across = map->y_across;
  const numbers_16 lanes = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
  for (ptrdiff_t row = 0; row < new_height; row++) {
    ptrdiff_t x = map->x + row * map->x_down, y = map->y + row * map->y_down;
    for (ptrdiff_t column = 0; column < new_width; column += 4, x += 4 * x_across, y += 4 * y_across) {
      // Of each of four pixels those around it: eight bytes of the upper row and eight of the lower one.
      bytes_64 v;
      const ptrdiff_t last_x = x + 3 * x_across, last_y = y + 3 * y_across;
      // What is between two pixels inside is inside, and so are two bytes more.
      if (is_inside(x, right - 1) && is_inside(last_x, right - 1) && is_inside(y, bottom) &&
          is_inside(last_y, bottom)) {
        uint64_t parts[8];
        for (ptrdiff_t i = 0; i < 4; i++) {
          const ptrdiff_t left = (x + i * x_across) >> zoo_place_bits;
          const ptrdiff_t top = (y + i * y_across) >> zoo_place_bits;
          const uint8_t *const own = pixels + top * row_bytes + 3 * left;
          memcpy(&parts[2 * i], own, 8);
          memcpy(&parts[2 * i + 1], own + row_bytes, 8);
        }
        memcpy(&v, parts, sizeof v);
      } else {
        uint8_t parts[64];
        for (ptrdiff_t i = 0; i < 4; i++) {
          copy_around(
              parts + 16 * i, pixels, (x + i * x_across) >> zoo_place_bits,
              (y + i * y_across) >> zoo_place_bits, right, bottom);
        }
        memcpy(&v, parts, sizeof v);
      }
      const numbers_16 across = (((int32_t)x + lanes * (int32_t)x_across) >> (zoo_place_bits - 8)) & 255;
      const numbers_16 down = (((int32_t)y + lanes * (int32_t)y_across) >> (zoo_place_bits - 8)) & 255;
      const numbers_16 upper = (PIXELS(v, 0) << 8) + (PIXELS(v, 3) - PIXELS(v, 0)) * across;
      const numbers_16 lower = (PIXELS(v, 8) << 8) + (PIXELS(v, 11) - PIXELS(v, 8)) * across;
      const bytes_16 rounded =
          __builtin_convertvector(((upper << 8) + (lower - upper) * down + 32768) >> 16, bytes_16);
      store_pixels(target + 3 * column, &rounded, (size_t)(new_width - column));
    }
    target += 3 * new_width;
  }
}

static void NAMED(recolor)(const zoo_color_map *map, const uint8_t *pixels, size_t count, uint8_t *target) {
  numbers_16 red, green, blue, constant;
  for (size_t i = 0; i < 4; i++) {
    memcpy((int32_t *)&red + 4 * i, map->red, 16);
    memcpy((int32_t *)&green + 4 * i, map->green, 16);
    memcpy((int32_t *)&blue + 4 * i, map->blue, 16);
    memcpy((int32_t *)&constant + 4 * i, map->constant, 16);
  }
  for (size_t place = 0; place < count; place += 4) {
    const size_t left = count - place;
    // The same 16 bytes four times: each takes another pixel from them.
    bytes_16 own = {0};
    if (3 * left >= 16) {
      memcpy(&own, pixels + 3 * place, 16);
    } else {
      memcpy(&own, pixels + 3 * place, 3 * (left < 4 ? left : 4));
    }
    bytes_64 v;
    for (size_t i = 0; i < 4; i++) memcpy((uint8_t *)&v + 16 * i, &own, 16);
    const numbers_16 sums = COLORS(v, 0, 0, 0, 19) * red + COLORS(v, 1, 1, 1, 19) * green +
                            COLORS(v, 2, 2, 2, 19) * blue + constant;
    const bytes_16 rounded = __builtin_convertvector(LEVELS(sums, 16, numbers_16), bytes_16);
    store_pixels(target + 3 * place, &rounded, left);
  }
}

static void NAMED(soften)(
    const uint8_t *pixels, size_t height, size_t width, uint16_t *restrict scratch, uint8_t *restrict target) {
  const size_t row_bytes = 3 * width;
  // The sums along the column; the first and the last pixel are there twice.
  uint16_t *const sums = scratch + 3;
  for (size_t row = 0; row < height; row++) {
    const uint8_t *const own = pixels + row * row_bytes;
    const uint8_t *const above = row > 0 ? own - row_bytes : own;
    const uint8_t *const below = row + 1 < height ? own + row_bytes : own;
    for (size_t i = 0; i < row_bytes; i++) sums[i] = (uint16_t)(above[i] + 2 * own[i] + below[i]);
    for (size_t i = 0; i < 3; i++) {
      scratch[i] = sums[i];
      sums[row_bytes + i] = sums[row_bytes - 3 + i];
    }
    uint8_t *const to = target + row * row_bytes;
    for (size_t i = 0; i < row_bytes; i++) {
      to[i] = (uint8_t)((scratch[i] + 2 * scratch[i + 3] + scratch[i + 6] + 8) >> 4);
    }
  }
}

static void NAMED(sum_colors)(const uint8_t *pixels, size_t count, uint64_t sums[3]) {
  sums[0] = sums[1] = sums[2] = 0;
  // Sums of 32 bits hold that many.
  enum { part = 1 << 24 };
  for (size_t start = 0; start < count; start += part) {
    const uint8_t *const from = pixels + 3 * start;
    const size_t pixels_here = count - start < part ? count - start : part;
    uint32_t red = 0, green = 0, blue = 0;
    for (size_t i = 0; i < pixels_here; i++) {
      red += from[3 * i];
      green += from[3 * i + 1];
      blue += from[3 * i + 2];
    }
    sums[0] += red;
    sums[1] += green;
    sums[2] += blue;
  }
}
