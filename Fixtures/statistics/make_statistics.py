"""Writes sound networks whose statistics look as if tensors had been exchanged, to a check that forgets chance.

    python make_statistics.py

`chain.keras` and `sum.keras` scale the pixels themselves. They have random weights and the batch-norm statistics of
noise of deviation 1, which hardly shows behind the scaling, so that all layers are far from what images give them. In
`chain.keras`, a chain of convolutions, the gammas of two layers happened to fit better in each other's place. In
`sum.keras`, which adds each pair of convolutions to its input, the betas did. `twice.keras` scales the pixels itself
and has the statistics of grey noise from 0 to 1, that is, of pixels that were scaled before. The script needs what
`../../Scripts/alarm_rate.py` needs, whose weights and statistics it takes.
"""
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "Scripts"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
from alarm_rate import calibrate, randomise
from keras import layers as L


def network(adds):
    def normed(x, filters, size=1, strides=1, active=True):
        x = L.Conv2D(filters, size, strides, padding="same", use_bias=False)(x)
        x = L.BatchNormalization()(x)
        return L.Activation("swish")(x) if active else x

    inputs = L.Input((16, 16, 3))
    x = L.Normalization()(L.Rescaling(1 / 255)(inputs))
    x = normed(x, 64, 3, 2)
    for _ in range(10):
        y = normed(normed(x, 4), 64, active=not adds)
        x = L.Add()([x, y]) if adds else y
    return keras.Model(inputs, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(x)))


def twice():
    inputs = L.Input((16, 16, 3))
    x = L.Rescaling(1 / 255)(inputs)
    for _ in range(4):
        x = L.ReLU()(L.BatchNormalization()(L.Conv2D(16, 1, use_bias=False)(x)))
    return keras.Model(inputs, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(x)))


def write(name, model, random, batch):
    randomise(model, random)
    calibrate(model, batch())
    model.save(os.path.join(here, name + ".keras"))


for name, adds, seed in (("chain", False, 10), ("sum", True, 4)):
    keras.backend.clear_session()
    random = np.random.default_rng(seed)
    write(name, network(adds), random, lambda: random.normal(0, 1, (4, 16, 16, 3)))
keras.backend.clear_session()
random = np.random.default_rng(0)
write("twice", twice(), random,
      lambda: (random.uniform(0.05, 0.95, (4, 16, 16, 1)) + random.normal(0, 0.1, (4, 16, 16, 3))).clip(0, 1))
