#include "CZooPlanes.h"

#include <string.h>

// Vectors of 16 bytes are there on every processor that the project is built for.
typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint16_t halves8 __attribute__((vector_size(16)));
typedef uint32_t words4 __attribute__((vector_size(16)));

static inline bytes16 load(const uint8_t *from) {
  bytes16 value;
  memcpy(&value, from, sizeof value);
  return value;
}

#define INTERLEAVE_LOW(a, b) \
  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define INTERLEAVE_HIGH(a, b) \
  __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

static inline uint32_t turned_right_32(uint32_t bits) { return bits >> 1 | bits << 31; }

static inline uint16_t turned_right_16(uint16_t bits) { return (uint16_t)(bits >> 1 | bits << 15); }

static inline void store_words(bytes16 low, bytes16 high, uint8_t *to) {
  // Four numbers are the lower halves of `low` beside those of `high`, and four the upper ones.
  halves8 l = (halves8)low, h = (halves8)high;
  words4 first = (words4)__builtin_shufflevector(l, h, 0, 8, 1, 9, 2, 10, 3, 11);
  words4 second = (words4)__builtin_shufflevector(l, h, 4, 12, 5, 13, 6, 14, 7, 15);
  first = first >> 1 | first << 31;
  second = second >> 1 | second << 31;
  memcpy(to, &first, sizeof first);
  memcpy(to + 16, &second, sizeof second);
}

static void join4(const uint8_t *const *planes, size_t count, uint8_t *numbers) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    bytes16 p0 = load(planes[0] + i), p1 = load(planes[1] + i);
    bytes16 p2 = load(planes[2] + i), p3 = load(planes[3] + i);
    store_words(INTERLEAVE_LOW(p3, p2), INTERLEAVE_LOW(p1, p0), numbers + 4 * i);
    store_words(INTERLEAVE_HIGH(p3, p2), INTERLEAVE_HIGH(p1, p0), numbers + 4 * i + 32);
  }
  for (; i < count; i++) {
    uint32_t turned = (uint32_t)planes[0][i] << 24 | (uint32_t)planes[1][i] << 16 |
                      (uint32_t)planes[2][i] << 8 | planes[3][i];
    uint32_t bits = turned_right_32(turned);
    memcpy(numbers + 4 * i, &bits, sizeof bits);
  }
}

static void join2(const uint8_t *const *planes, size_t count, uint8_t *numbers) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    bytes16 p0 = load(planes[0] + i), p1 = load(planes[1] + i);
    halves8 low = (halves8)INTERLEAVE_LOW(p1, p0), high = (halves8)INTERLEAVE_HIGH(p1, p0);
    low = low >> 1 | low << 15;
    high = high >> 1 | high << 15;
    memcpy(numbers + 2 * i, &low, sizeof low);
    memcpy(numbers + 2 * i + 16, &high, sizeof high);
  }
  for (; i < count; i++) {
    uint16_t bits = turned_right_16((uint16_t)(planes[0][i] << 8 | planes[1][i]));
    memcpy(numbers + 2 * i, &bits, sizeof bits);
  }
}

void zoo_join_planes(const uint8_t *const *planes, size_t count, size_t width, void *numbers) {
  if (width == 4) {
    join4(planes, count, numbers);
  } else if (width == 2) {
    join2(planes, count, numbers);
  } else if (count > 0) {
    memcpy(numbers, planes[0], count);
  }
}

void zoo_split_planes(const void *numbers, size_t count, size_t width, uint8_t *planes) {
  const uint8_t *source = numbers;
  if (width == 4) {
    for (size_t i = 0; i < count; i++) {
      uint32_t bits;
      memcpy(&bits, source + 4 * i, sizeof bits);
      bits = bits << 1 | bits >> 31;
      planes[i] = (uint8_t)(bits >> 24);
      planes[count + i] = (uint8_t)(bits >> 16);
      planes[2 * count + i] = (uint8_t)(bits >> 8);
      planes[3 * count + i] = (uint8_t)bits;
    }
  } else if (width == 2) {
    for (size_t i = 0; i < count; i++) {
      uint16_t bits;
      memcpy(&bits, source + 2 * i, sizeof bits);
      bits = (uint16_t)(bits << 1 | bits >> 15);
      planes[i] = (uint8_t)(bits >> 8);
      planes[count + i] = (uint8_t)bits;
    }
  } else if (count > 0) {
    memcpy(planes, source, count);
  }
}

// Whether a 32-bit float is a binary16 number. Below 2^-14 those are the multiples of 2^-24.
static inline bool is_float16(float number, uint32_t bits) {
  uint32_t magnitude = bits & 0x7fffffff;
  bool is_normal = magnitude >= 0x38800000 && magnitude < 0x47800000 && (bits & 0x1fff) == 0;
  float units = number * 0x1p24f;
  bool is_subnormal = magnitude < 0x38800000 && units == (float)(int32_t)(magnitude < 0x38800000 ? units : 0);
  bool is_infinite = magnitude == 0x7f800000;
  return is_normal | is_subnormal | is_infinite;
}

bool zoo_all_are_float16(const float *numbers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, numbers + i, sizeof bits);
    if (!is_float16(numbers[i], bits)) return false;
  }
  return true;
}

bool zoo_all_are_bfloat16(const float *numbers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, numbers + i, sizeof bits);
    if (bits & 0xffff) return false;
  }
  return true;
}
