// Strips of depthwise convolutions on codes of 8 bits for long vectors: 64 channels at a time, in four quarters. Bytes of
// the rows of a column are interleaved as they lie, and the codes of four sums packed, which both keep to parts of 128
// bits: quarter k has the channels 16 j + 4 k ... 16 j + 4 k + 3 in part j. Weights and factors are brought in that order
// once for a block of channels.
#pragma once

enum { id_quarter_channels = 64 };

typedef struct {
  q_weights weights[2 * 7][4];  // of each group of four rows and column of the window
  vi bias[4];
  vf multiplier[4], offset[4];
} id_quarters;

INLINE void id_order(id_quarters *b, const zoo_integer_depthwise *d, int channel) {
  const zoo_window *g = &d->window;
  const ptrdiff_t padded = (d->channels + 63) / 64 * 64;
  for (int i = 0; i < zoo_depthwise_groups(g->kernel_height) * g->kernel_width; i++) {
    q_quarters(d->weights + (i * padded + channel) * 4, b->weights[i]);
  }
  q_quarters(d->bias + channel, b->bias);
  q_quarters(d->multiplier + channel, b->multiplier);
  q_quarters(d->offset + channel, b->offset);
}

// What a strip writes, as words: the first two quarters or the others.
INLINE void id_half(
    const int HALF, const int KH, const int KW, const int S, const int OUTPUTS, const id_quarters *b, int channel,
    const uint8_t *const *columns, q_inputs *words) {
  const int GROUPS = (KH + 3) / 4;
  vi sum[id_outputs][2];
  UNROLL for (int j = 0; j < OUTPUTS; j++) {
    UNROLL for (int k = 0; k < 2; k++) sum[j][k] = b->bias[2 * HALF + k];
  }
  UNROLL for (int group = 0; group < GROUPS; group++) {
    const int ROWS = min_int(KH - 4 * group, 4);
    q_weights w[7][2];
    UNROLL for (int kx = 0; kx < KW; kx++) {
      UNROLL for (int k = 0; k < 2; k++) w[kx][k] = b->weights[group * KW + kx][2 * HALF + k];
    }
    UNROLL for (int i = 0; i < (OUTPUTS - 1) * S + KW; i++) {
      q_inputs x[2];
      q_interleave(HALF, ROWS, columns + i * KH + 4 * group, channel, x);
      UNROLL for (int j = 0; j < OUTPUTS; j++) {
        const int kx = i - j * S;
        if (kx < 0 || kx >= KW) continue;
        UNROLL for (int k = 0; k < 2; k++) sum[j][k] = q_dot(sum[j][k], x[k], w[kx][k]);
      }
      IN_ORDER;
    }
  }
  vf y[id_outputs][2];
  UNROLL for (int k = 0; k < 2; k++) {
    const vf multiplier = b->multiplier[2 * HALF + k], offset = b->offset[2 * HALF + k];
    UNROLL for (int j = 0; j < OUTPUTS; j++) y[j][k] = q_scaled(sum[j][k], multiplier, offset);
  }
  UNROLL for (int j = 0; j < OUTPUTS; j++) words[j] = q_pack_quarters(y[j][0], y[j][1]);
}

// KH, KW: the window; S: its step; OUTPUTS of a row, whose columns begin at `columns` (KH rows each); `used` channels.
INLINE void id_quarter_strip(
    const int KH, const int KW, const int S, const int OUTPUTS, const zoo_integer_depthwise *d, const id_quarters *b,
    int channel, int used, const uint8_t *const *columns, uint8_t *output) {
  const ptrdiff_t pixel = d->window.out_pixel;
  q_inputs low[id_outputs], high[id_outputs];
  id_half(0, KH, KW, S, OUTPUTS, b, channel, columns, low);
  id_half(1, KH, KW, S, OUTPUTS, b, channel, columns, high);
  UNROLL for (int j = 0; j < OUTPUTS; j++) q_store_quarters(output + j * pixel + channel, low[j], high[j], used);
}
