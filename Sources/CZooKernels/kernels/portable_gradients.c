// Gradients of softmax and of its loss.
#include <math.h>

#include "portable_ops.h"

void zoo_softmax_loss(const void *arguments, int32_t begin, int32_t end) {
  const zoo_class_gradient *s = arguments;
  for (int32_t row = begin; row < end; row++) {
    const float *logits = s->logits + row * s->logits_row, *targets = s->targets + row * s->targets_row;
    float *gradient = s->gradient + row * s->gradient_row;
    const double factor = s->factor * (s->factors ? (double)s->factors[row] : 1);
    double largest = -INFINITY, sum = 0, whole = 0, loss = 0;
    for (int32_t i = 0; i < s->classes; i++) largest = logits[i] > largest ? logits[i] : largest;
    for (int32_t i = 0; i < s->classes; i++) sum += exp(logits[i] - largest);
    const double log_sum = largest + log(sum);
    for (int32_t i = 0; i < s->classes; i++) {
      whole += targets[i];
      // A class that can't be has no part in the loss, however unlikely it is.
      if (targets[i] != 0) loss += targets[i] * (log_sum - logits[i]);
    }
    if (s->losses) s->losses[row] = loss;
    for (int32_t i = 0; i < s->classes; i++) {
      gradient[i] = (float)(factor * (whole * exp(logits[i] - log_sum) - targets[i]));
    }
  }
}

void zoo_softmax_gradient(const void *arguments, int32_t begin, int32_t end) {
  const zoo_class_gradient *s = arguments;
  for (int32_t row = begin; row < end; row++) {
    const float *output = s->logits + row * s->logits_row, *from = s->targets + row * s->targets_row;
    float *gradient = s->gradient + row * s->gradient_row;
    const double factor = s->factor * (s->factors ? (double)s->factors[row] : 1);
    double mean = 0;
    for (int32_t i = 0; i < s->classes; i++) mean += (double)output[i] * from[i];
    for (int32_t i = 0; i < s->classes; i++) gradient[i] = (float)(factor * output[i] * (from[i] - mean));
  }
}
