// Images at another size, and the end of transposed convolutions.

// Where output row or column `index` lies: `fraction` of the way from `lower` to `upper`.
typedef struct {
  int lower, upper;
  float fraction;
} resize_position;

INLINE resize_position resize_at(int bilinear, int index, int output, int input) {
  const float center = ((float)index + 0.5f) * ((float)input / (float)output);
  if (!bilinear) {
    const int nearest = at_most((int)center, input - 1);
    return (resize_position){nearest, nearest, 0};
  }
  const float place = center - 0.5f, below = __builtin_floorf(place);
  const int upper = at_most((int)__builtin_ceilf(place), input - 1);
  return (resize_position){at_most(at_least((int)below, 0), upper), upper, place - below};
}

static void resize(const void *arguments, int32_t begin, int32_t end) {
  const zoo_resize *r = arguments;
  for (int oy = begin; oy < end; oy++) {
    const resize_position y = resize_at(r->bilinear, oy, r->out_height, r->in_height);
    const float *above = r->input + y.lower * r->in_row, *below = r->input + y.upper * r->in_row;
    float *output = r->output + (ptrdiff_t)oy * r->out_width * r->out_pixel;
    for (int ox = 0; ox < r->out_width; ox++, output += r->out_pixel) {
      const resize_position x = resize_at(r->bilinear, ox, r->out_width, r->in_width);
      const ptrdiff_t left = x.lower * r->in_pixel, right = x.upper * r->in_pixel;
      if (!r->bilinear) {
        memcpy(output, above + left, (size_t)r->channels * sizeof(float));
        continue;
      }
      const vf across = v_set(x.fraction), down = v_set(y.fraction);
      for (int channel = 0; channel < r->channels; channel += VL) {
        const int count = at_most(VL, r->channels - channel);
        const vf a = v_load_n(above + left + channel, count), b = v_load_n(above + right + channel, count);
        const vf c = v_load_n(below + left + channel, count), d = v_load_n(below + right + channel, count);
        const vf top = v_fma(b - a, across, a), bottom = v_fma(d - c, across, c);
        v_store_n(output + channel, v_fma(bottom - top, down, top), count);
      }
    }
  }
}

static void scatter(const void *arguments, int32_t begin, int32_t end) {
  const zoo_scatter *s = arguments;
  const zoo_window *g = &s->window;
  for (int oy = begin; oy < end; oy++) {
    float *output = s->output + (ptrdiff_t)oy * g->out_width * g->out_pixel;
    for (int ox = 0; ox < g->out_width; ox++, output += g->out_pixel) {
      for (int channel = 0; channel < s->channels; channel += VL) {
        const int count = at_most(VL, s->channels - channel);
        vf sum = v_load_n(s->bias + channel, count);
        for (int ky = 0; ky < g->kernel_height; ky++) {
          const int y = oy + g->pad_top - ky * g->dilation_height;
          if (y < 0 || y % g->stride_height != 0 || y / g->stride_height >= g->in_height) continue;
          for (int kx = 0; kx < g->kernel_width; kx++) {
            const int x = ox + g->pad_left - kx * g->dilation_width;
            if (x < 0 || x % g->stride_width != 0 || x / g->stride_width >= g->in_width) continue;
            const float *pixel =
              s->input + y / g->stride_height * g->in_row + x / g->stride_width * g->in_pixel;
            const ptrdiff_t tap = (ptrdiff_t)(ky * g->kernel_width + kx) * s->channels;
            sum = v_add(sum, v_load_n(pixel + tap + channel, count));
          }
        }
        v_store_n(output + channel, v_clamp(sum, s->lo, s->hi), count);
      }
    }
  }
}
