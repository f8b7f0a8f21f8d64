// Operations on each value by itself.

enum {
  ew_clamp, ew_affine, ew_add, ew_subtract, ew_multiply, ew_average, ew_maximum, ew_minimum, ew_rectify
};

INLINE vf ew_value(
    const int KIND, const zoo_elementwise *e, const float *a, const float *b, int channel, int n) {
  vf x = n == VL ? v_load(a + channel) : v_load_n(a + channel, n);
  vf y = v_set(0);
  if (KIND >= ew_add) y = n == VL ? v_load(b + channel) : v_load_n(b + channel, n);
  switch (KIND) {
    case ew_affine: {
      vf scale = n == VL ? v_load(e->scale + channel) : v_load_n(e->scale + channel, n);
      vf shift = n == VL ? v_load(e->shift + channel) : v_load_n(e->shift + channel, n);
      x = v_fma(x, scale, shift);
      break;
    }
    case ew_add: x = v_add(x, y); break;
    case ew_subtract: x = x - y; break;
    case ew_multiply: x = v_mul(x, y); break;
    case ew_average: x = v_mul(v_add(x, y), v_set(e->factor)); break;
    case ew_maximum: x = v_max(y, x); break;
    case ew_minimum: x = v_min(y, x); break;
    case ew_rectify: x = v_fma(v_min(v_set(0), x), y, v_max(v_set(0), x)); break;
  }
  return v_clamp(x, e->lo, e->hi);
}

INLINE void elementwise(const int KIND, const zoo_elementwise *e, int begin, int end) {
  const float *a = e->a + begin * e->a_pixel;
  const float *b = KIND >= ew_add ? e->b + begin * e->b_pixel : NULL;
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
    if (KIND >= ew_add) b += e->b_pixel;
    output += e->out_pixel;
  }
}

static void clamp(const void *e, int32_t begin, int32_t end) { elementwise(ew_clamp, e, begin, end); }
static void affine(const void *e, int32_t begin, int32_t end) { elementwise(ew_affine, e, begin, end); }
static void add(const void *e, int32_t begin, int32_t end) { elementwise(ew_add, e, begin, end); }
static void subtract(const void *e, int32_t begin, int32_t end) { elementwise(ew_subtract, e, begin, end); }
static void multiply(const void *e, int32_t begin, int32_t end) { elementwise(ew_multiply, e, begin, end); }
static void average(const void *e, int32_t begin, int32_t end) { elementwise(ew_average, e, begin, end); }
static void maximum(const void *e, int32_t begin, int32_t end) { elementwise(ew_maximum, e, begin, end); }
static void minimum(const void *e, int32_t begin, int32_t end) { elementwise(ew_minimum, e, begin, end); }
static void rectify(const void *e, int32_t begin, int32_t end) { elementwise(ew_rectify, e, begin, end); }
