// Convolutions, on matrix tiles where the instruction set has them, the caller gives memory for them
// and nothing is masked.
#pragma once

#include "vector_convolution.h"
#ifdef HAS_TILES
#include "amx_convolution.h"
#endif

static void convolution(const void *arguments, int32_t begin, int32_t end) {
#ifdef HAS_TILES
  const zoo_convolution *c = arguments;
  if (c->scratch && !c->mask.values) {
    amx_convolution(arguments, begin, end);
    return;
  }
#endif
  vector_convolution(arguments, begin, end);
}
