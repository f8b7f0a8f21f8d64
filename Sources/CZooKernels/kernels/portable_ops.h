// Kernels that are plain C for every machine; they are in every table.
#pragma once

#include "CZooKernels.h"

#define KERNEL(name, arguments) void zoo_##name(const void *, int32_t begin, int32_t end);
ZOO_PORTABLE_KERNELS(KERNEL)
#undef KERNEL
