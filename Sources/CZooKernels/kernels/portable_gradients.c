// The gradient of softmax.
#include "portable_ops.h"

void zoo_softmax_gradient(const void *arguments, int32_t begin, int32_t end) {
  const zoo_class_gradient *s = arguments;
  for (int32_t row = begin; row < end; row++) {
    const float *output = s->output + row * s->output_row, *gradient = s->gradient + row * s->gradient_row;
    float *result = s->result + row * s->result_row;
    double mean = 0;
    for (int32_t i = 0; i < s->classes; i++) mean += (double)output[i] * gradient[i];
    for (int32_t i = 0; i < s->classes; i++) {
      result[i] = (float)((double)s->factor * output[i] * (gradient[i] - mean));
    }
  }
}
