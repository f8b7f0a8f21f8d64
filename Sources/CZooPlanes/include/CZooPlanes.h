// The byte planes of floating-point numbers: plane 0 has the first byte of each number, and so on, where a number's
// bits are turned left by one first, so that the exponent is on top and the sign at the bottom.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Cuts `count` numbers of `width` bytes (1, 2 or 4; those of 1 are not turned) into `width` planes of `count` bytes,
// which lie one after another in `planes`.
void zoo_split_planes(const void *numbers, size_t count, size_t width, uint8_t *planes);

// Puts numbers together again. `planes` has a pointer for each plane.
void zoo_join_planes(const uint8_t *const *planes, size_t count, size_t width, void *numbers);

// Whether all of these 32-bit floats are binary16 numbers (IEEE 754), bit for bit.
bool zoo_all_are_float16(const float *numbers, size_t count);

// Whether the lower 16 bits of all of these 32-bit floats are zero.
bool zoo_all_are_bfloat16(const float *numbers, size_t count);

#ifdef __cplusplus
}
#endif
