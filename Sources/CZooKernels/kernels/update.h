// Steps of optimizers.
#pragma once

#include "prelude.h"

INLINE void up_vector(const int OPTIMIZER, const zoo_update *u, ptrdiff_t at, int count) {
  const vf g = v_mul(v_load_up_to(u->gradient + at, count), v_set(u->gradient_factor));
  vf w = v_load_up_to(u->weights + at, count);
  if (u->decay != 0) w = v_fma(v_set(-u->decay), w, w);
  const vf step = v_mul(v_set(-u->rate), g);
  if (OPTIMIZER == zoo_sgd) {
    if (u->first) {
      const vf momentum = v_set(u->momentum);
      const vf m = v_fma(momentum, v_load_up_to(u->first + at, count), step);
      v_store_up_to(u->first + at, m, count);
      w = v_add(w, u->nesterov ? v_fma(momentum, m, step) : m);
    } else {
      w = v_add(w, step);
    }
  } else if (OPTIMIZER == zoo_adam) {
    vf m = v_load_up_to(u->first + at, count), v = v_load_up_to(u->second + at, count);
    m = v_fma(g - m, v_set(u->first_rate), m);
    v = v_fma(v_fma(g, g, -v), v_set(u->second_rate), v);
    v_store_up_to(u->first + at, m, count);
    v_store_up_to(u->second + at, v, count);
    w = w - v_mul(v_set(u->rate), m) / v_add(__builtin_elementwise_sqrt(v), v_set(u->epsilon));
  } else {
    vf v = v_load_up_to(u->second + at, count);
    v = v_fma(v_set(u->second_rate), v_mul(g, g), v_mul(v_set(u->momentum), v));
    v_store_up_to(u->second + at, v, count);
    w = v_add(w, step / __builtin_elementwise_sqrt(v_add(v, v_set(u->epsilon))));
  }
  v_store_up_to(u->weights + at, w, count);
  if (!u->average) return;
  const vf average = v_load_up_to(u->average + at, count);
  v_store_up_to(u->average + at, v_fma(w - average, v_set(u->average_rate), average), count);
}

INLINE void up_values(const int OPTIMIZER, const zoo_update *u, ptrdiff_t begin, ptrdiff_t end) {
  ptrdiff_t at = begin;
  for (; at + VL <= end; at += VL) up_vector(OPTIMIZER, u, at, VL);
  if (at < end) up_vector(OPTIMIZER, u, at, (int)(end - at));
}

static void update(const void *arguments, int32_t begin, int32_t end) {
  const zoo_update *u = arguments;
  const ptrdiff_t first = (ptrdiff_t)begin * zoo_update_block, last = (ptrdiff_t)end * zoo_update_block;
  const ptrdiff_t stop = last < u->count ? last : u->count;
  switch (u->optimizer) {
    case zoo_sgd: up_values(zoo_sgd, u, first, stop); break;
    case zoo_adam: up_values(zoo_adam, u, first, stop); break;
    default: up_values(zoo_rmsprop, u, first, stop);
  }
}
