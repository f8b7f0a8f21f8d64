// Batch normalization by the statistics of the batch, forward and backward.
//
// Sums are in double precision: where the mean is large, squares in floats lose the digits of the variance. All channels
// take their turns at a block of pixels, so that these stay in a near cache.
#pragma once

#include "prelude.h"
#include "table_products.h"

#if REGISTERS >= 32
enum { bn_vectors = 4 };
#else
enum { bn_vectors = 2 };
#endif

INLINE vd bn_widen(vf x, const int HALF) {
  vd_floats part;
  memcpy(&part, (const char *)&x + HALF * sizeof part, sizeof part);
  return __builtin_convertvector(part, vd);
}

// The gradient at a pixel as it passes through the rectifier: KIND 0 without one, 1 by the values, 2 by the mask.
INLINE vf bn_passed(
    const int KIND, vf gradient, vf value, const float *scale, const float *shift, const float *mask, float hi,
    int count) {
  if (KIND == 0) return gradient;
  if (KIND == 2) return v_masked(gradient, v_load_up_to(mask, count), hi);
  return v_masked(gradient, v_fma(value, v_load_up_to(scale, count), v_load_up_to(shift, count)), hi);
}

// Half a vector's sums in double precision, of which `count` are used; `fresh`: they begin with these.
INLINE void bn_store(double *sums, vd sum, int count, int fresh) {
  if (count <= 0) return;
  if (!fresh) sum += count == VD ? d_load(sums) : d_load_n(sums, count);
  if (count == VD) d_store(sums, sum); else d_store_n(sums, sum, count);
}

// Values and squares of V vectors of channels from `channel` on, pixels `begin ..< end`. The last vector has `last`.
INLINE void bn_add(const int V, const zoo_batch_sums *b, int channel, int last, int begin, int end) {
  vd sum[V][2], square[V][2];
  UNROLL for (int v = 0; v < V; v++) {
    UNROLL for (int h = 0; h < 2; h++) sum[v][h] = square[v][h] = d_set(0);
  }
  const float *values = b->values + begin * b->values_pixel + channel;
  ROLLED for (int pixel = begin; pixel < end; pixel++, values += b->values_pixel) {
    UNROLL for (int v = 0; v < V; v++) {
      const vf x = v_load_up_to(values + v * VL, v < V - 1 ? VL : last);
      // For the next block.
      __builtin_prefetch(values + zoo_batch_pixels * b->values_pixel + v * VL, 0, 2);
      UNROLL for (int h = 0; h < 2; h++) {
        const vd value = h ? bn_widen(x, 1) : bn_widen(x, 0);
        sum[v][h] += value;
        square[v][h] = d_fma(value, value, square[v][h]);
      }
    }
  }
  const int fresh = begin == 0 && !b->accumulate;
  UNROLL for (int v = 0; v < V; v++) {
    UNROLL for (int h = 0; h < 2; h++) {
      const int at = channel + v * VL + h * VD, count = v < V - 1 ? VD : min_int(VD, last - h * VD);
      bn_store(b->sums + at, sum[v][h], count, fresh);
      bn_store(b->sums + b->channels + at, square[v][h], count, fresh);
    }
  }
}

// The same of the gradient and its products with the values, which are centered: floats hold the sums of a block.
INLINE void bn_add_gradient(
    const int KIND, const int V, const zoo_batch_sums *b, int channel, int last, int begin, int end) {
  vf sum[V], product[V], center[V], scale[V], shift[V];
  UNROLL for (int v = 0; v < V; v++) {
    const int count = v < V - 1 ? VL : last, at = channel + v * VL;
    sum[v] = product[v] = center[v] = v_set(0);
    if (b->center) center[v] = v_load_up_to(b->center + at, count);
    if (KIND == 1) {
      scale[v] = v_load_up_to(b->scale + at, count);
      shift[v] = v_load_up_to(b->shift + at, count);
    }
  }
  const float *values = b->values + begin * b->values_pixel + channel;
  const float *gradient = b->gradient + begin * b->gradient_pixel + channel;
  const float *mask = KIND == 2 ? b->mask.values + begin * b->mask.pixel + channel : NULL;
  ROLLED for (int pixel = begin; pixel < end; pixel++) {
    UNROLL for (int v = 0; v < V; v++) {
      const int count = v < V - 1 ? VL : last;
      const vf x = v_load_up_to(values + v * VL, count);
      vf g = v_load_up_to(gradient + v * VL, count);
      __builtin_prefetch(values + zoo_batch_pixels * b->values_pixel + v * VL, 0, 2);
      __builtin_prefetch(gradient + zoo_batch_pixels * b->gradient_pixel + v * VL, 0, 2);
      if (KIND == 1) g = v_masked(g, v_fma(x, scale[v], shift[v]), b->hi);
      if (KIND == 2) g = v_masked(g, v_load_up_to(mask + v * VL, count), b->mask.hi);
      sum[v] = v_add(sum[v], g);
      product[v] = v_fma(g, x - center[v], product[v]);
    }
    values += b->values_pixel;
    gradient += b->gradient_pixel;
    if (KIND == 2) mask += b->mask.pixel;
  }
  const int fresh = begin == 0 && !b->accumulate;
  UNROLL for (int v = 0; v < V; v++) {
    UNROLL for (int h = 0; h < 2; h++) {
      const int at = channel + v * VL + h * VD, count = v < V - 1 ? VD : min_int(VD, last - h * VD);
      bn_store(b->sums + at, h ? bn_widen(sum[v], 1) : bn_widen(sum[v], 0), count, fresh);
      bn_store(b->sums + b->channels + at, h ? bn_widen(product[v], 1) : bn_widen(product[v], 0), count, fresh);
    }
  }
}

INLINE void bn_block(
    const int GRADIENT, const int KIND, const int V, const zoo_batch_sums *b, int channel, int last, int begin,
    int end) {
  if (GRADIENT) bn_add_gradient(KIND, V, b, channel, last, begin, end);
  else bn_add(V, b, channel, last, begin, end);
}

INLINE void bn_sums(const int GRADIENT, const int KIND, const zoo_batch_sums *b, int begin, int end) {
  const int first = begin * 16, stop = min_int(end * 16, b->channels);
  for (int pixel = 0; pixel < b->pixels; pixel += zoo_batch_pixels) {
    const int last = min_int(pixel + zoo_batch_pixels, b->pixels);
    int channel = first;
    for (; channel + bn_vectors * VL <= stop; channel += bn_vectors * VL) {
      bn_block(GRADIENT, KIND, bn_vectors, b, channel, VL, pixel, last);
    }
    for (; channel + VL <= stop; channel += VL) bn_block(GRADIENT, KIND, 1, b, channel, VL, pixel, last);
    if (channel < stop) bn_block(GRADIENT, KIND, 1, b, channel, stop - channel, pixel, last);
  }
}

#define BN_SUMS(name, GRADIENT, KIND) \
  static __attribute__((noinline)) void bn_##name(const zoo_batch_sums *b, int begin, int end) { \
    bn_sums(GRADIENT, KIND, b, begin, end); \
  }
BN_SUMS(squares, 0, 0) BN_SUMS(plain, 1, 0) BN_SUMS(rectified, 1, 1) BN_SUMS(masked, 1, 2)

static void batch_sums(const void *arguments, int32_t begin, int32_t end) { bn_squares(arguments, begin, end); }

static void batch_gradient_sums(const void *arguments, int32_t begin, int32_t end) {
  const zoo_batch_sums *b = arguments;
  if (b->mask.values) bn_masked(b, begin, end);
  else if (b->scale) bn_rectified(b, begin, end);
  else bn_plain(b, begin, end);
}

static void batch_norm(const void *arguments, int32_t begin, int32_t end) {
  const zoo_batch_norm *b = arguments;
  for (int pixel = begin; pixel < end; pixel++) {
    const float *values = b->values + pixel * b->values_pixel;
    const float *residual = b->residual ? b->residual + pixel * b->residual_pixel : NULL;
    float *output = b->output + pixel * b->out_pixel;
    for (int channel = 0; channel < b->channels; channel += VL) {
      const int count = min_int(VL, b->channels - channel);
      const vf scale = v_load_up_to(b->scale + channel, count), shift = v_load_up_to(b->shift + channel, count);
      vf y = v_fma(v_load_up_to(values + channel, count), scale, shift);
      if (residual) y = v_add(y, v_load_up_to(residual + channel, count));
      v_store_up_to(output + channel, v_clamp(y, b->lo, b->hi), count);
    }
  }
}

INLINE void bn_gradient(const int KIND, const zoo_batch_norm *b, int begin, int end) {
  for (int pixel = begin; pixel < end; pixel++) {
    const float *values = b->values + pixel * b->values_pixel;
    const float *gradient = b->gradient + pixel * b->gradient_pixel;
    const float *mask = KIND == 2 ? b->mask.values + pixel * b->mask.pixel : NULL;
    float *output = b->output + pixel * b->out_pixel;
    float *passed = b->passed ? b->passed + pixel * b->passed_pixel : NULL;
    for (int channel = 0; channel < b->channels; channel += VL) {
      const int count = min_int(VL, b->channels - channel);
      const vf x = v_load_up_to(values + channel, count);
      const float *scale = KIND == 1 ? b->scale + channel : NULL, *shift = KIND == 1 ? b->shift + channel : NULL;
      const vf g = bn_passed(
          KIND, v_load_up_to(gradient + channel, count), x, scale, shift, KIND == 2 ? mask + channel : NULL,
          KIND == 2 ? b->mask.hi : b->hi, count);
      if (passed) v_store_up_to(passed + channel, g, count);
      const vf rest = v_fma(
          v_load_up_to(b->of_values + channel, count), x, v_load_up_to(b->constant + channel, count));
      v_store_up_to(output + channel, v_fma(v_load_up_to(b->of_gradient + channel, count), g, rest), count);
    }
  }
}

static void batch_norm_gradient(const void *arguments, int32_t begin, int32_t end) {
  const zoo_batch_norm *b = arguments;
  if (b->mask.values) bn_gradient(2, b, begin, end);
  else if (b->scale) bn_gradient(1, b, begin, end);
  else bn_gradient(0, b, begin, end);
}
