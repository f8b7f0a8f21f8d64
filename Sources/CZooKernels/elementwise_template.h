// Operations on each value by itself.

enum { ew_clamp, ew_add, ew_affine };

INLINE vf ew_value(
    const int KIND, const zoo_elementwise *e, const float *a, const float *b, int channel, int n) {
  vf x = n == VL ? v_load(a + channel) : v_load_n(a + channel, n);
  if (KIND == ew_add) x = v_add(x, n == VL ? v_load(b + channel) : v_load_n(b + channel, n));
  if (KIND == ew_affine) {
    vf scale = n == VL ? v_load(e->scale + channel) : v_load_n(e->scale + channel, n);
    vf shift = n == VL ? v_load(e->shift + channel) : v_load_n(e->shift + channel, n);
    x = v_fma(x, scale, shift);
  }
  return v_clamp(x, e->lo, e->hi);
}

INLINE void elementwise(const int KIND, const zoo_elementwise *e, int begin, int end) {
  const float *a = e->a + begin * e->a_pixel;
  const float *b = KIND == ew_add ? e->b + begin * e->b_pixel : NULL;
  float *output = e->output + begin * e->out_pixel;
  for (int pixel = begin; pixel < end; pixel++) {
    int channel = 0;
    for (; channel + VL <= e->channels; channel += VL) {
      v_store(output + channel, ew_value(KIND, e, a, b, channel, VL));
    }
    if (channel < e->channels) {
      int rest = e->channels - channel;
      v_store_n(output + channel, ew_value(KIND, e, a, b, channel, rest), rest);
    }
    a += e->a_pixel;
    if (KIND == ew_add) b += e->b_pixel;
    output += e->out_pixel;
  }
}

static void clamp(const void *e, int32_t begin, int32_t end) { elementwise(ew_clamp, e, begin, end); }
static void add(const void *e, int32_t begin, int32_t end) { elementwise(ew_add, e, begin, end); }
static void affine(const void *e, int32_t begin, int32_t end) { elementwise(ew_affine, e, begin, end); }
