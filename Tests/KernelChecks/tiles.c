// The kernel for matrix tiles, on tiles in plain C: what it does with them can be checked on every machine.
#include <string.h>

#include "checks.h"

#include "../../Sources/CZooKernels/arch/vectors_portable.h"
#include "../../Sources/CZooKernels/kernels/prelude.h"
#include "../../Sources/CZooKernels/arch/integers_plain.h"

typedef struct {
  int rows, bytes;
  uint8_t values[16][64];
} tile;

static _Thread_local tile tiles[8];

static void tile_begin(const uint8_t *rows, const uint16_t *bytes) {
  for (int i = 0; i < 8; i++) tiles[i] = (tile){.rows = rows[i], .bytes = bytes[i]};
}
static void tile_end(void) { tile_begin((const uint8_t[8]){0}, (const uint16_t[8]){0}); }
static void tile_load(int i, const void *from, ptrdiff_t stride) {
  for (int row = 0; row < tiles[i].rows; row++) {
    memcpy(tiles[i].values[row], (const char *)from + row * stride, (size_t)tiles[i].bytes);
  }
}
static void tile_store(int i, void *to, ptrdiff_t stride) {
  for (int row = 0; row < tiles[i].rows; row++) {
    memcpy((char *)to + row * stride, tiles[i].values[row], (size_t)tiles[i].bytes);
  }
}
// As TDPBUSD: unsigned bytes of the second times signed bytes of the third, four to a sum. Other extents than it takes
// are a fault.
static void tile_add_products(int sums, int pixels, int weights) {
  tile *const s = &tiles[sums];
  const tile *const p = &tiles[pixels], *const w = &tiles[weights];
  if (s->rows != p->rows || s->bytes != w->bytes || p->bytes != 4 * w->rows || !s->rows || !w->rows) __builtin_trap();
  for (int row = 0; row < s->rows; row++) {
    for (int column = 0; column < s->bytes / 4; column++) {
      int32_t sum;
      memcpy(&sum, s->values[row] + 4 * column, sizeof sum);
      for (int k = 0; k < p->bytes; k++) sum += p->values[row][k] * (int8_t)w->values[k / 4][4 * column + k % 4];
      memcpy(s->values[row] + 4 * column, &sum, sizeof sum);
    }
  }
}

#include "../../Sources/CZooKernels/kernels/integer_tiles.h"

void plain_tile_product(const void *arguments, int32_t begin, int32_t end) { tile_product(arguments, begin, end); }
