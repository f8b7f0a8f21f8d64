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
  int ran[zoo_kernel_count];  // how often each kernel has been run
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
void run(check *, zoo_kernel_id, const void *arguments, int units);
#define KERNEL(name, arguments) \
  static inline void run_##name(check *c, const arguments *a, int units) { run(c, zoo_kernel_##name, a, units); }
ZOO_KERNELS(KERNEL)
#undef KERNEL

// `bound` is the largest difference that rounding explains.
void expect(check *, const char *what, double value, double truth, double bound);

// Half of the distance from 1 to the next float: the relative error of one rounding.
static const double rounding = 0x1p-24;
static inline double limited(double x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }

// The check of each kernel, which must run it and compare what it writes.
#define KERNEL(name, arguments) void check_##name(check *);
ZOO_KERNELS(KERNEL)
#undef KERNEL

// The product of integer_tiles.h on tiles in plain C.
void plain_tile_product(const void *arguments, int32_t begin, int32_t end);
