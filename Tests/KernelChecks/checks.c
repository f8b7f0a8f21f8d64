#include "checks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// SplitMix64.
static uint64_t next(check *c) {
  uint64_t z = c->random += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

int any(check *c, int low, int high) { return low + (int)(next(c) % (uint64_t)(high - low + 1)); }

enum { guard = 32 };
static const float mark = 0x1.a5a5a6p+100f;

int is_marked(float x) { return x == mark; }

static block make(size_t count) {
  float *memory = malloc((count + 2 * guard) * sizeof(float));
  if (!memory) abort();
  for (size_t i = 0; i < count + 2 * guard; i++) memory[i] = mark;
  return (block){memory + guard, count};
}

block zeros_block(size_t count) {
  const block b = make(count);
  // Kernels may read past the end: what they find must not be taken into a sum.
  for (size_t i = 0; i < count; i++) b.values[i] = 0;
  return b;
}

block random_block(check *c, size_t count) {
  const block b = make(count);
  for (size_t i = 0; i < count; i++) b.values[i] = (float)((double)(next(c) >> 11) * 0x1p-52 - 1);
  return b;
}

block marked_block(size_t count) { return make(count); }

void release(block b) { free(b.values - guard); }

void released(check *c, const char *what, block b) {
  for (int i = 0; i < guard; i++) {
    if (!is_marked(b.values[-1 - i]) || !is_marked(b.values[b.count + i])) {
      c->result.failed++;
      c->report(c->context, what);
      c->report(c->context, "  wrote outside of its output");
      break;
    }
  }
  release(b);
}

void run(check *c, zoo_kernel_id id, const void *arguments, int units) {
  const zoo_kernel kernel = zoo_kernel_of(c->kernels, id);
  c->ran[id]++;
  switch (c->runs++ % 3) {
    case 0: kernel(arguments, 0, units); break;
    case 1:
      for (int end = units; end > 0;) {
        const int begin = end - any(c, 1, end);
        kernel(arguments, begin, end);
        end = begin;
      }
      break;
    default: zoo_pool_run(c->pool, kernel, arguments, units);
  }
}

void expect(check *c, const char *what, double value, double truth, double bound) {
  c->result.compared++;
  // Where results are too small for all their digits, the error is half of the smallest number at most.
  if (value == truth || fabs(value - truth) <= bound + 0x1p-149 || (isnan(value) && isnan(truth))) return;
  c->result.failed++;
  char line[256];
  snprintf(
      line, sizeof line, "%s %s: %.9g, not %.9g; off by %.2g, at most %.2g", c->kernels->name, what, value, truth,
      fabs(value - truth), bound);
  c->report(c->context, line);
}

static void check_kernel(check *c, zoo_kernel_id id, void (*body)(check *)) {
  if (!zoo_kernel_of(c->kernels, id)) return;
  const int64_t compared = c->result.compared;
  c->ran[id] = 0;
  body(c);
  if (c->ran[id] > 0 && c->result.compared > compared) return;
  c->result.failed++;
  char line[80];
  snprintf(line, sizeof line, "%s: the check of %s does not run it", c->kernels->name, zoo_kernel_name(id));
  c->report(c->context, line);
}

zoo_check_result zoo_check_plain_tiles(void (*report)(void *, const char *), void *context) {
  zoo_kernels kernels = *zoo_kernels_named("portable");
  kernels.name = "tiles in plain C";
  kernels.integer_product = plain_tile_product;
  check c = {.kernels = &kernels, .report = report, .context = context, .random = 1};
  c.pool = zoo_pool_create(check_threads);
  for (int i = 0; i < 4; i++) check_kernel(&c, zoo_kernel_integer_product, check_integer_product);
  zoo_pool_destroy(c.pool);
  return c.result;
}

zoo_check_result zoo_check_kernels(const char *name, void (*report)(void *, const char *), void *context) {
  const zoo_kernels *kernels = zoo_kernels_named(name);
  check c = {.kernels = kernels, .report = report, .context = context, .random = 1};
  if (!kernels) return c.result;
  c.pool = zoo_pool_create(check_threads);
#define KERNEL(name, arguments) check_kernel(&c, zoo_kernel_##name, check_##name);
  ZOO_KERNELS(KERNEL)
#undef KERNEL
  zoo_pool_destroy(c.pool);
  return c.result;
}
