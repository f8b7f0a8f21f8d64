// Convolutions, on matrix tiles where the instruction set has them and the caller gives memory for them.
#pragma once

#include "vector_convolution.h"
#ifdef HAS_TILES
#include "amx_convolution.h"
#endif

static void convolution(const void *arguments, int32_t begin, int32_t end) {
#ifdef HAS_TILES
  if (((const zoo_convolution *)arguments)->scratch) {
    amx_convolution(arguments, begin, end);
    return;
  }
#endif
  vector_convolution(arguments, begin, end);
}
