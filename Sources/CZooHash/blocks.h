// What SHA-256, SHA-1 and MD5 have in common: whole blocks are compressed, and the last is padded with the length.
#pragma once

#include "CZooHash.h"
#include "words.h"

enum { block_bytes = 64 };

typedef void (*compress_blocks)(uint32_t *state, const uint8_t *blocks, size_t count);

static inline void update_blocks(
    uint32_t *state, zoo_pending_block *pending, compress_blocks compress, const uint8_t *bytes,
    size_t count) {
  if (count == 0) return;
  const size_t held = pending->total % block_bytes;
  uint8_t *block = (uint8_t *)pending->block;
  pending->total += count;
  if (held > 0) {
    const size_t missing = block_bytes - held, part = count < missing ? count : missing;
    memcpy(block + held, bytes, part);
    if (part < missing) return;
    compress(state, block, 1);
    bytes += part;
    count -= part;
  }
  if (count >= block_bytes) compress(state, bytes, count / block_bytes);
  memcpy(block, bytes + count / block_bytes * block_bytes, count % block_bytes);
}

// Compresses what is pending, a one bit, zeros, and the number of bits in the byte order that the hash has.
static inline void finish_blocks(
    uint32_t *state, const zoo_pending_block *pending, compress_blocks compress, bool big_endian) {
  const size_t held = pending->total % block_bytes;
  uint8_t blocks[2 * block_bytes] = {0};
  memcpy(blocks, pending->block, held);
  blocks[held] = 0x80;
  const size_t count = held < block_bytes - 8 ? 1 : 2;
  const uint64_t bits = pending->total << 3, word = big_endian ? BIG_64(bits) : LITTLE_64(bits);
  memcpy(blocks + count * block_bytes - 8, &word, sizeof word);
  compress(state, blocks, count);
}
