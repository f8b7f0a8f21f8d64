#!/usr/bin/env python3
"""Write the demo's network as it is before training, for comparison: digits-untrained.h5.

    python Fixtures/digits/make_untrained.py

Same layers, Keras' initial weights. The moving statistics are those of the digits, without which a network that
deep would give nearly constant features: training with a learning rate of 0 finds them.
"""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
import keras
import numpy as np
from sklearn.datasets import load_digits

from train_digits import HERE, SEED, SIZE, picture, preprocessed


def main():
    keras.utils.set_random_seed(SEED + 1)
    digits, y = load_digits(return_X_y=True)
    x = np.stack([preprocessed(picture(d, SIZE)) for d in digits.reshape(-1, 8, 8)])
    network = keras.applications.MobileNet((SIZE, SIZE, 3), alpha=0.25, weights=None, classes=10)
    before = [w.copy() for w in (v.numpy() for v in network.trainable_variables)]
    network.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    network.fit(x, y, batch_size=64, epochs=30, shuffle=True, verbose=0)
    assert all(np.array_equal(a, v.numpy()) for a, v in zip(before, network.trainable_variables))
    model = keras.Model(network.inputs, network.outputs, name=network.name)
    model.save(os.path.join(HERE, "digits-untrained.h5"))


main()
