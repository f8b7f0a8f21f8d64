// The most that a core can compute: multiplications and additions on registers alone.
#pragma once

#include "prelude.h"

// Chains that don't wait for each other: more than a core has units times cycles of delay, and few enough to
// stay in registers.
#if MR_2 > 6
enum { peak_chains = 24 };
#else
enum { peak_chains = 12 };
#endif

static void peak(const void *arguments, int32_t begin, int32_t end) {
  const zoo_peak *p = arguments;
  const vf factor = v_set(p->factor), term = v_set(p->term);
  for (int unit = begin; unit < end; unit++) {
    vf x[24];
    UNROLL for (int i = 0; i < peak_chains; i++) x[i] = v_set((float)(unit + i));
    ROLLED for (int turn = 0; turn < p->turns; turn++) {
      UNROLL for (int i = 0; i < peak_chains; i++) x[i] = v_fma(x[i], factor, term);
    }
    vf sum = x[0];
    UNROLL for (int i = 1; i < peak_chains; i++) sum = v_add(sum, x[i]);
    v_store(p->output + (ptrdiff_t)unit * VL, sum);
  }
}
