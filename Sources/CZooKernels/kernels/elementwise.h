// Operations on each value by itself.
#pragma once

#include "prelude.h"

// KIND: the kernel's place in the list.
INLINE int ew_reads_b(const int KIND) { return KIND != zoo_kernel_clamp && KIND != zoo_kernel_affine; }

INLINE vf ew_value(
    const int KIND, const zoo_elementwise *e, const float *a, const float *b, int channel, int n) {
  vf x = v_load_up_to(a + channel, n);
  vf y = v_set(0);
  if (ew_reads_b(KIND)) y = v_load_up_to(b + channel, n);
  switch (KIND) {
    case zoo_kernel_affine: {
      vf scale = v_load_up_to(e->scale + channel, n);
      vf shift = v_load_up_to(e->shift + channel, n);
      x = v_fma(x, scale, shift);
      break;
    }
    case zoo_kernel_add: x = v_add(x, y); break;
    case zoo_kernel_subtract: x = x - y; break;
    case zoo_kernel_multiply: x = v_mul(x, y); break;
    case zoo_kernel_average: x = v_mul(v_add(x, y), v_set(e->factor)); break;
    case zoo_kernel_maximum: x = v_max(y, x); break;
    case zoo_kernel_minimum: x = v_min(y, x); break;
    case zoo_kernel_rectify: x = v_fma(v_min(v_set(0), x), y, v_max(v_set(0), x)); break;
  }
  return v_clamp(x, e->lo, e->hi);
}

// Of so few channels, several pixels fill a vector.
enum { ew_few = 4 };

// Scales and shifts pixels that lie side by side, as many at a time as a vector has elements, in as many vectors as a
// pixel has channels. Returns the first pixel that is left.
INLINE int ew_affine_pictures(const zoo_elementwise *e, int begin, int end) {
  const int channels = e->channels;
  if (channels > ew_few || e->a_pixel != channels || e->out_pixel != channels || end - begin < VL) return begin;
  float scales[ew_few * VL], shifts[ew_few * VL];
  for (int i = 0; i < channels * VL; i++) {
    scales[i] = e->scale[i % channels];
    shifts[i] = e->shift[i % channels];
  }
  const float *a = e->a + (ptrdiff_t)begin * channels;
  float *output = e->output + (ptrdiff_t)begin * channels;
  for (; begin + VL <= end; begin += VL) {
    for (int i = 0; i < channels * VL; i += VL) {
      v_store(output + i, v_clamp(v_fma(v_load(a + i), v_load(scales + i), v_load(shifts + i)), e->lo, e->hi));
    }
    a += channels * VL;
    output += channels * VL;
  }
  return begin;
}

INLINE void elementwise(const int KIND, const zoo_elementwise *e, int begin, int end) {
  if (KIND == zoo_kernel_affine) begin = ew_affine_pictures(e, begin, end);
  const float *a = e->a + begin * e->a_pixel;
  const float *b = ew_reads_b(KIND) ? e->b + begin * e->b_pixel : NULL;
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
    if (ew_reads_b(KIND)) b += e->b_pixel;
    output += e->out_pixel;
  }
}

#define KERNEL(name, arguments) \
  static void name(const void *e, int32_t begin, int32_t end) { \
    elementwise(zoo_kernel_##name, e, begin, end); \
  }
ZOO_ELEMENTWISE_KERNELS(KERNEL)
#undef KERNEL
