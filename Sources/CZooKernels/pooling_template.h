// Pooling over windows and over whole images.

INLINE vf pool_start(const int AVERAGE) { return v_set(AVERAGE ? 0 : -__builtin_inff()); }

INLINE vf pool_add(const int AVERAGE, vf a, vf b) { return AVERAGE ? v_add(a, b) : v_max(a, b); }

INLINE vf pool_load(const float *p, int count) { return count == VL ? v_load(p) : v_load_n(p, count); }

INLINE void pool_store(const zoo_pooling *p, vf value, ptrdiff_t pixel, int channel, int count) {
  if (p->residual) value = v_add(value, pool_load(p->residual + pixel * p->residual_pixel + channel, count));
  value = v_clamp(value, p->lo, p->hi);
  float *output = p->output + pixel * p->window.out_pixel + channel;
  if (count == VL) v_store(output, value); else v_store_n(output, value, count);
}

// The part of a window that is inside, for one output pixel: rows [y, y_end), columns [x, x_end).
// KW: how many columns that is, or 0 for any number.
INLINE void pool_pixel(
    const int AVERAGE, const int KW, const zoo_pooling *p, int y, int y_end, int x, int x_end, ptrdiff_t pixel) {
  const zoo_window *g = &p->window;
  const int whole = g->kernel_height * g->kernel_width;
  const int inside = at_least(y_end - y, 0) * at_least(x_end - x, 0);
  const vf divisor = v_set(1.0f / (float)(p->zeros ? whole : at_least(inside, 1)));
  for (int channel = 0; channel < p->channels; channel += VL) {
    const int count = at_most(VL, p->channels - channel);
    vf result = pool_start(AVERAGE);
    for (int i = y; i < y_end; i++) {
      const float *row = p->input + i * g->in_row + x * g->in_pixel + channel;
      if (KW) {
        UNROLL for (int j = 0; j < KW; j++) {
          result = pool_add(AVERAGE, result, pool_load(row + j * g->in_pixel, count));
        }
      } else {
        for (int j = 0; j < x_end - x; j++) {
          result = pool_add(AVERAGE, result, pool_load(row + j * g->in_pixel, count));
        }
      }
    }
    if (AVERAGE) result = v_mul(result, divisor);
    else if (p->zeros && inside < whole) result = v_max(v_set(0), result);
    pool_store(p, result, pixel, channel, count);
  }
}

INLINE void pool_row(const int AVERAGE, const zoo_pooling *p, int oy) {
  const zoo_window *g = &p->window;
  const int y0 = oy * g->stride_height - g->pad_top;
  const int y = at_least(y0, 0), y_end = at_most(y0 + g->kernel_height, g->in_height);
  ptrdiff_t pixel = (ptrdiff_t)oy * g->out_width;
  for (int ox = 0; ox < g->out_width; ox++, pixel++) {
    const int x0 = ox * g->stride_width - g->pad_left;
    const int x = at_least(x0, 0), x_end = at_most(x0 + g->kernel_width, g->in_width);
    switch (x_end - x) {
      case 1: pool_pixel(AVERAGE, 1, p, y, y_end, x, x_end, pixel); break;
      case 2: pool_pixel(AVERAGE, 2, p, y, y_end, x, x_end, pixel); break;
      case 3: pool_pixel(AVERAGE, 3, p, y, y_end, x, x_end, pixel); break;
      default: pool_pixel(AVERAGE, 0, p, y, y_end, x, x_end, pixel);
    }
  }
}

// Windows three wide, stride 1: each column of the window is summed once for the three outputs it is part of.
INLINE vf pool_column(const int AVERAGE, const zoo_pooling *p, int y, int y_end, int x, int channel, int count) {
  const zoo_window *g = &p->window;
  if (x < 0 || x >= g->in_width) return pool_start(AVERAGE);
  const float *input = p->input + y * g->in_row + x * g->in_pixel + channel;
  vf result = pool_load(input, count);
  if (y_end - y == 3) {
    result = pool_add(AVERAGE, result, pool_load(input + g->in_row, count));
    return pool_add(AVERAGE, result, pool_load(input + 2 * g->in_row, count));
  }
  while (++y < y_end) {
    input += g->in_row;
    result = pool_add(AVERAGE, result, pool_load(input, count));
  }
  return result;
}

INLINE void pool_row_of_threes(const int AVERAGE, const int PART, const zoo_pooling *p, int oy, int channel, int count) {
  const zoo_window *g = &p->window;
  const int y0 = oy - g->pad_top, x0 = -g->pad_left;
  const int y = at_least(y0, 0), y_end = at_most(y0 + g->kernel_height, g->in_height);
  const int rows = at_least(y_end - y, 1);
  if (!PART) count = VL;
  vf left = pool_column(AVERAGE, p, y, y_end, x0, channel, count);
  vf middle = pool_column(AVERAGE, p, y, y_end, x0 + 1, channel, count);
  const vf whole = v_set(1.0f / (float)(3 * rows));
  for (int ox = 0; ox < g->out_width; ox++) {
    const int x = x0 + ox;
    vf right = pool_column(AVERAGE, p, y, y_end, x + 2, channel, count);
    vf result = pool_add(AVERAGE, pool_add(AVERAGE, left, middle), right);
    if (AVERAGE) {
      const int columns = at_most(x + 3, g->in_width) - at_least(x, 0);
      result = v_mul(result, columns == 3 ? whole : v_set(1.0f / (float)(at_least(columns, 1) * rows)));
    }
    pool_store(p, result, (ptrdiff_t)oy * g->out_width + ox, channel, count);
    left = middle;
    middle = right;
  }
}

INLINE void pool_threes(const int AVERAGE, const zoo_pooling *p, int oy) {
  int channel = 0;
  for (; channel + VL <= p->channels; channel += VL) pool_row_of_threes(AVERAGE, 0, p, oy, channel, VL);
  if (channel < p->channels) pool_row_of_threes(AVERAGE, 1, p, oy, channel, p->channels - channel);
}

static void pooling(const void *arguments, int32_t begin, int32_t end) {
  const zoo_pooling *p = arguments;
  const zoo_window *g = &p->window;
  const int threes = g->kernel_height == 3 && g->kernel_width == 3 && g->pad_top < 3 && g->stride_width == 1 && g->stride_height == 1 && !p->zeros;
  for (int oy = begin; oy < end; oy++) {
    if (threes) {
      if (p->average) pool_threes(1, p, oy); else pool_threes(0, p, oy);
    } else {
      if (p->average) pool_row(1, p, oy); else pool_row(0, p, oy);
    }
  }
}

static void global_pooling(const void *arguments, int32_t begin, int32_t end) {
  const zoo_global_pooling *p = arguments;
  for (int channel = begin * 16; channel < at_most(end * 16, p->channels); channel += VL) {
    const int count = at_most(VL, p->channels - channel);
    vf total = v_set(p->average ? 0 : -__builtin_inff());
    for (int y = 0; y < p->height; y++) {
      // A sum for each row keeps the rounding small on large images.
      vf sum = v_set(p->average ? 0 : -__builtin_inff());
      for (int x = 0; x < p->width; x++) {
        vf value = v_load_n(p->input + y * p->in_row + x * p->in_pixel + channel, count);
        sum = p->average ? v_add(sum, value) : v_max(sum, value);
      }
      total = p->average ? v_add(total, sum) : v_max(total, sum);
    }
    if (p->average) total = v_mul(total, v_set((float)(1.0 / ((double)p->height * p->width))));
    v_store_n(p->output + channel, total, count);
  }
}
