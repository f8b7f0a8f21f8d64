// Square roots that a compiler can compute several of at once: without the error number that the C library's set.
#pragma once

static inline float zoo_square_root_f(float x) { return __builtin_elementwise_sqrt(x); }
static inline double zoo_square_root_d(double x) { return __builtin_elementwise_sqrt(x); }
