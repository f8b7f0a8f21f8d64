#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

// A file in memory, and the first thing that libtiff had to say about it.
typedef struct {
  const uint8_t *bytes;
  uint64_t count;
  uint64_t position;
  char message[256];
} zoo_tiff_memory;

static inline tmsize_t zoo_tiff_read(thandle_t handle, void *target, tmsize_t wanted) {
  zoo_tiff_memory *memory = (zoo_tiff_memory *)handle;
  uint64_t left = memory->position < memory->count ? memory->count - memory->position : 0;
  uint64_t count = wanted < 0 ? 0 : (uint64_t)wanted < left ? (uint64_t)wanted : left;
  if (count > 0) memcpy(target, memory->bytes + memory->position, count);
  memory->position += count;
  return (tmsize_t)count;
}

static inline tmsize_t zoo_tiff_write(thandle_t handle, void *source, tmsize_t count) {
  (void)handle, (void)source, (void)count;
  return -1;
}

// Unsigned sums wrap, as libtiff has them; a position beyond the end has nothing to read.
static inline toff_t zoo_tiff_seek(thandle_t handle, toff_t offset, int from) {
  zoo_tiff_memory *memory = (zoo_tiff_memory *)handle;
  uint64_t start = from == SEEK_SET ? 0 : from == SEEK_CUR ? memory->position : memory->count;
  return memory->position = start + offset;
}

static inline int zoo_tiff_close(thandle_t handle) {
  (void)handle;
  return 0;
}

static inline toff_t zoo_tiff_size(thandle_t handle) { return ((zoo_tiff_memory *)handle)->count; }

static inline int zoo_tiff_failed(TIFF *tiff, void *user, const char *module, const char *format, va_list values) {
  (void)tiff, (void)module;
  zoo_tiff_memory *memory = (zoo_tiff_memory *)user;
  if (memory->message[0] == 0) vsnprintf(memory->message, sizeof memory->message, format, values);
  return 1;
}

static inline int zoo_tiff_warned(TIFF *tiff, void *user, const char *module, const char *format, va_list values) {
  (void)tiff, (void)user, (void)module, (void)format, (void)values;
  return 1;
}

// Opens a file in memory, which has to outlive the handle; no single allocation exceeds `largest` bytes.
static inline TIFF *zoo_tiff_open(zoo_tiff_memory *memory, tmsize_t largest) {
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!options) return NULL;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, largest);
  TIFFOpenOptionsSetErrorHandlerExtR(options, zoo_tiff_failed, memory);
  TIFFOpenOptionsSetWarningHandlerExtR(options, zoo_tiff_warned, NULL);
  // "m": libtiff maps nothing itself.
  TIFF *tiff = TIFFClientOpenExt(
      "memory", "rm", memory, zoo_tiff_read, zoo_tiff_write, zoo_tiff_seek, zoo_tiff_close, zoo_tiff_size, NULL,
      NULL, options);
  TIFFOpenOptionsFree(options);
  return tiff;
}

// Swift calls no functions with variable arguments; each returns 0 where the file does not say.

static inline int zoo_tiff_get16(TIFF *tiff, uint32_t tag, uint16_t *value) {
  return TIFFGetFieldDefaulted(tiff, tag, value);
}

static inline int zoo_tiff_get32(TIFF *tiff, uint32_t tag, uint32_t *value) {
  return TIFFGetFieldDefaulted(tiff, tag, value);
}

// What the samples beyond the colours are; the list belongs to libtiff.
static inline int zoo_tiff_extra_samples(TIFF *tiff, uint16_t *count, uint16_t **kinds) {
  return TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, count, kinds);
}

// Three tables of 2^bits values each, which belong to libtiff.
static inline int zoo_tiff_palette(TIFF *tiff, uint16_t **red, uint16_t **green, uint16_t **blue) {
  return TIFFGetField(tiff, TIFFTAG_COLORMAP, red, green, blue);
}

// Lets libtiff turn the YCbCr of JPEG data into RGB.
static inline int zoo_tiff_ask_for_rgb(TIFF *tiff) {
  return TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
}
