// Pooling over windows and over whole images.

// One output pixel, one vector of channels, the part of the window [y, y_end) x [x, x_end) inside.
INLINE vf pool_window(
    const int AVERAGE, const zoo_pooling *p, int y, int y_end, int x, int x_end, int channel, int count) {
  const zoo_window *g = &p->window;
  vf result = v_set(AVERAGE ? 0 : -__builtin_inff());
  for (; y < y_end; y++) {
    const float *pixel = p->input + y * g->in_row + x * g->in_pixel + channel;
    for (int i = x; i < x_end; i++, pixel += g->in_pixel) {
      vf value = count == VL ? v_load(pixel) : v_load_n(pixel, count);
      result = AVERAGE ? v_add(result, value) : v_max(result, value);
    }
  }
  return result;
}

// One output pixel whose KW columns are all inside: each vector of channels over the rows [y, y_end).
INLINE void pool_pixel(
    const int AVERAGE, const int KW, const zoo_pooling *p, int y, int y_end, int x, vf divisor, float *output) {
  const zoo_window *g = &p->window;
  const float *input = p->input + y * g->in_row + x * g->in_pixel;
  const vf first = v_set(AVERAGE ? 0 : -__builtin_inff());
  for (int channel = 0; channel < p->channels; channel += VL) {
    const int count = at_most(VL, p->channels - channel);
    const float *row = input + channel;
    vf result = first;
    for (int i = y; i < y_end; i++, row += g->in_row) {
      UNROLL for (int kx = 0; kx < KW; kx++) {
        const vf value = count == VL ? v_load(row + kx * g->in_pixel) : v_load_n(row + kx * g->in_pixel, count);
        result = AVERAGE ? v_add(result, value) : v_max(result, value);
      }
    }
    if (AVERAGE) result = v_mul(result, divisor);
    if (count == VL) v_store(output + channel, result); else v_store_n(output + channel, result, count);
  }
}

INLINE void pool_row(const int AVERAGE, const zoo_pooling *p, int oy) {
  const zoo_window *g = &p->window;
  const int y0 = oy * g->stride_height - g->pad_top;
  const int y = at_least(y0, 0), y_end = at_most(y0 + g->kernel_height, g->in_height);
  float *output = p->output + (ptrdiff_t)oy * g->out_width * g->out_pixel;
  for (int ox = 0; ox < g->out_width; ox++, output += g->out_pixel) {
    const int x0 = ox * g->stride_width - g->pad_left;
    const int x = at_least(x0, 0), x_end = at_most(x0 + g->kernel_width, g->in_width);
    const int whole = g->kernel_height * g->kernel_width;
    const int inside = at_least(y_end - y, 0) * at_least(x_end - x, 0);
    const vf divisor = v_set(1.0f / (float)(p->zeros ? whole : at_least(inside, 1)));
    if (x_end - x == g->kernel_width && (AVERAGE || !p->zeros || inside == whole)) {
      if (g->kernel_width == 3) {
        pool_pixel(AVERAGE, 3, p, y, y_end, x, divisor, output);
        continue;
      }
      if (g->kernel_width == 2) {
        pool_pixel(AVERAGE, 2, p, y, y_end, x, divisor, output);
        continue;
      }
    }
    for (int channel = 0; channel < p->channels; channel += VL) {
      const int count = at_most(VL, p->channels - channel);
      vf result = pool_window(AVERAGE, p, y, y_end, x, x_end, channel, count);
      if (AVERAGE) result = v_mul(result, divisor);
      else if (p->zeros && inside < whole) result = v_max(v_set(0), result);
      if (count == VL) v_store(output + channel, result); else v_store_n(output + channel, result, count);
    }
  }
}

static void pooling(const void *arguments, int32_t begin, int32_t end) {
  const zoo_pooling *p = arguments;
  for (int oy = begin; oy < end; oy++) {
    if (p->average) pool_row(1, p, oy); else pool_row(0, p, oy);
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
