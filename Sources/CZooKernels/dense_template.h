// Eight rows of weights at a time: enough streams to keep memory busy.
static void dense(const void *arguments, int32_t begin, int32_t end) {
  const zoo_dense *d = arguments;
  for (int unit = begin; unit < end; unit++) {
    const int first = unit * d->column_block;
    const int width = at_most(d->column_block, d->columns - first);
    float *output = d->output + first;
    // The residual may be where the output goes, so it is read before anything is written over it.
    for (int i = 0; i < width; i++) {
      output[i] = d->bias[first + i] + (d->residual ? d->residual[first + i] : 0);
    }
    for (int k = 0; k < d->inputs;) {
      int index[8], count = 0;
      for (; k < d->inputs && count < 8; k++) {
        index[count] = k;
        count += d->input[k] != 0;
      }
      if (count == 0) break;
      vf x[8];
      const float *row[8];
      for (int i = 0; i < 8; i++) {
        x[i] = v_set(i < count ? d->input[index[i]] : 0);
        row[i] = d->weights + (ptrdiff_t)index[i < count ? i : 0] * d->columns + first;
      }
      int n = 0;
      for (; n + VL <= width; n += VL) {
        // Two short sums: little rounding, and no wait for one long chain.
        vf even = v_mul(x[0], v_load(row[0] + n)), odd = v_mul(x[1], v_load(row[1] + n));
        UNROLL for (int i = 2; i < 8; i += 2) {
          even = v_fma(x[i], v_load(row[i] + n), even);
          odd = v_fma(x[i + 1], v_load(row[i + 1] + n), odd);
        }
        v_store(output + n, v_add(v_load(output + n), v_add(even, odd)));
      }
      if (n < width) {
        int rest = width - n;
        vf even = v_mul(x[0], v_load_n(row[0] + n, rest)), odd = v_mul(x[1], v_load_n(row[1] + n, rest));
        UNROLL for (int i = 2; i < 8; i += 2) {
          even = v_fma(x[i], v_load_n(row[i] + n, rest), even);
          odd = v_fma(x[i + 1], v_load_n(row[i + 1] + n, rest), odd);
        }
        v_store_n(output + n, v_add(v_load_n(output + n, rest), v_add(even, odd)), rest);
      }
    }
    for (int i = 0; i < width; i++) {
      float y = output[i] < d->lo ? d->lo : output[i];
      output[i] = y > d->hi ? d->hi : y;
    }
  }
}
