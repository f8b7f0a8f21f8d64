// What the checks share: numbers, memory with guards, and comparing.
#pragma once

#include <CZooKernels.h>
#include <KernelChecks.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  const zoo_kernels *kernels;
  void (*report)(void *context, const char *line);
  void *context;
  zoo_check_result result;
  uint64_t random;
  zoo_pool *pool;
  int runs;
} check;

// From `low` to `high`, both included.
int any(check *, int low, int high);
#define one_of(c, ...) \
  ((const int[]){__VA_ARGS__}[any(c, 0, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)) - 1)])

// Floats with room before, and behind as much as a kernel may read.
typedef struct {
  float *values;
  size_t count;
} block;
block zeros_block(size_t count);
block random_block(check *, size_t count);  // from -1 to 1
// Filled with a mark that no kernel computes; `released` finds what was written beyond it.
block marked_block(size_t count);
int is_marked(float);
void release(block);
void released(check *, const char *what, block);

enum { check_threads = 3 };

// Runs units 0 ..< units: by turns at once, in pieces from the last to the first, and on `check_threads` threads.
void run(check *, zoo_kernel, const void *arguments, int units);

// `bound` is the largest difference that rounding explains.
void expect(check *, const char *what, double value, double truth, double bound);

// Half of the distance from 1 to the next float: the relative error of one rounding.
static const double rounding = 0x1p-24;
static inline double limited(double x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }

void check_convolution(check *);
void check_winograd(check *);
void check_dense(check *);
void check_depthwise(check *);
void check_separable(check *);
void check_pooling(check *);
void check_resize(check *);
void check_scatter(check *);
void check_elementwise(check *);
void check_activation(check *);
void check_layer_norm(check *);
