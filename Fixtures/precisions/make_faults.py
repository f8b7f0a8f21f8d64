#!/usr/bin/env python3
"""Write networks whose outputs are no numbers.

    python make_faults.py

    faults.k2.h5       a Normalization with a negative variance and one that is no number, a kernel with three values
                       that are no numbers and one that is infinite, two negative variances of a batch norm
    variance.keras     a Normalization whose configuration has a negative variance
"""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tf_keras

folder = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(folder))
from make_fixtures import compact, save_keras

rng = np.random.default_rng(37)


def network(K, first):
    L = K.layers
    return K.Sequential([L.InputLayer((8, 8, 3)), first, L.Conv2D(4, 3, name="conv"),
                         L.BatchNormalization(name="norm"), L.GlobalAveragePooling2D(name="pool"),
                         L.Dense(2, name="dense")])


scale = tf_keras.layers.Normalization(name="scale")
model = network(tf_keras, scale)
scale.set_weights([np.float32([1, 2, 3]), np.float32([1, -1, np.nan]), np.int64(8)])
kernel = rng.standard_normal((3, 3, 3, 4)).astype("float32")
kernel[0, 0, :, 1], kernel[2, 2, 0, 0] = np.nan, np.inf
model.get_layer("conv").set_weights([kernel, np.zeros(4, "float32")])
ones, zeros = np.ones(4, "float32"), np.zeros(4, "float32")
model.get_layer("norm").set_weights([ones, zeros, zeros, np.float32([1, -1, -2, 1e-9])])
model.save(f"{folder}/faults.k2.h5")
compact(f"{folder}/faults.k2.h5")

save_keras(network(keras, keras.layers.Normalization(mean=[1, 2, 3], variance=[1, -1, 2], name="scale")),
           f"{folder}/variance.keras")
