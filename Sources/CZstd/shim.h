// For the choice of how literals are coded, a parameter of the compressor alone.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
