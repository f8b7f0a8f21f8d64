// What the templates in this folder share. They are written once over the vector type of the instruction set that
// includes them; see `table.h`.
#pragma once

#include <string.h>

#define UNROLL _Pragma("clang loop unroll(full)")
#define ROLLED _Pragma("clang loop unroll(disable) vectorize(disable)")
// Nothing is loaded ahead of this place: between the STEPS of a loop, loads that the compiler hoists would leave it
// without registers.
#define IN_ORDER __asm__ volatile("" ::: "memory")
// The vector `v` is computed before anything is loaded that stands after this place.
#ifndef COMPUTED
#define COMPUTED(v)
#endif

INLINE int min_int(int a, int b) { return a < b ? a : b; }
INLINE int max_int(int a, int b) { return a > b ? a : b; }

// The size of part i where `count` is divided into `parts` as evenly as possible, the larger ones first.
INLINE int part_size(int count, int parts, int i) { return count / parts + (i < count % parts); }

// The part of a product that a unit is: `rows` rows, or Winograd's tiles, from `row` on by the panels
// `panel ..< end_panel`.
typedef struct {
  int row, rows, panel, end_panel;
} product_unit;

INLINE product_unit unit_of_product(
    int unit, int all_rows, int row_block, int panel_count, int panel_group, int by_rows) {
  const int blocks = (all_rows + row_block - 1) / row_block, groups = (panel_count + panel_group - 1) / panel_group;
  const int row = (by_rows ? unit / groups : unit % blocks) * row_block;
  const int panel = (by_rows ? unit % groups : unit / blocks) * panel_group;
  return (product_unit){
    .row = row, .rows = min_int(row_block, all_rows - row), .panel = panel,
    .end_panel = min_int(panel + panel_group, panel_count)};
}

INLINE vf v_clamp(vf x, float lo, float hi) { return v_min(v_set(hi), v_max(v_set(lo), x)); }

// The first n values of half precision, the rest zero.
INLINE vf v_load_half_n(const uint16_t *p, int n) {
  uint16_t part[VL] = {0};
  memcpy(part, p, (size_t)n * sizeof *p);
  return v_load_half(part);
}

// The same of bfloat16.
INLINE vf v_load_brain_n(const uint16_t *p, int n) {
  uint16_t part[VL] = {0};
  memcpy(part, p, (size_t)n * sizeof *p);
  return v_load_brain(part);
}

// The first n bytes as floats, the rest zero.
INLINE vf v_load_bytes_n(const int8_t *p, int n) {
  int8_t part[VL] = {0};
  memcpy(part, p, (size_t)n);
  return v_load_bytes(part);
}

// The first n floats, which may be all.
INLINE vf v_load_up_to(const float *p, int n) { return n == VL ? v_load(p) : v_load_n(p, n); }
INLINE void v_store_up_to(float *p, vf v, int n) {
  if (n == VL) v_store(p, v); else v_store_n(p, v, n);
}

INLINE vf v_select(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }

// `x` where the rectifier whose output is `y` lets it through, else zero.
INLINE vf v_masked(vf x, vf y, float hi) {
  return (vf)((vi)x & (vi)(y > v_set(0)) & (vi)(y < v_set(hi)));
}
