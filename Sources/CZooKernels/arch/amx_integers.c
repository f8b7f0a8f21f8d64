// Products on whole numbers of 8 bits on the tiles of AMX, which the table of AMX takes where they pay.
#include "CZooKernels.h"

#if defined(__x86_64__)
#include <string.h>

#pragma clang attribute push( \
    __attribute__((target("amx-tile,amx-int8,avx512vnni,avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))), \
    apply_to = function)

#include "vectors_avx512.h"
#include "../kernels/prelude.h"
#include "integers_avx512.h"

INLINE void tile_begin(const uint8_t *rows, const uint16_t *bytes) {
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } tiles = {.palette = 1};
  memcpy(tiles.rows, rows, 8 * sizeof *rows);
  memcpy(tiles.row_bytes, bytes, 8 * sizeof *bytes);
  _tile_loadconfig(&tiles);
}
#define tile_end _tile_release
#define tile_load _tile_loadd
#define tile_store _tile_stored
#define tile_add_products _tile_dpbusd

#include "../kernels/integer_tiles.h"

extern const zoo_kernel zoo_vnni_integer_product;

static void integer_product(const void *arguments, int32_t begin, int32_t end) {
  (tiles_pay(arguments) ? tile_product : zoo_vnni_integer_product)(arguments, begin, end);
}
const zoo_kernel zoo_amx_integer_product = integer_product;

#pragma clang attribute pop
#endif
