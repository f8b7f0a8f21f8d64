// Any machine.
#include <string.h>

#include "CZooKernels.h"

#define KERNELS zoo_kernels_portable
#define KERNELS_NAME "portable"
#define INTEGERS "../arch/integers_plain.h"

#include "vectors_portable.h"
#include "../kernels/table.h"
