#!/usr/bin/env python3
"""Writes a small network that is no published one, with layers that keep the state of a random generator, and
a fine-tuned MobileNet.

    python make_custom.py

custom.keras, custom.h5 and custom.weights.h5 are by Keras 3, custom.old.weights.h5 is the last without the
attributes `name`, as Keras before 3.6 wrote it; custom.k2w.h5 is by Keras 2 (tf_keras), weights only, of the
same weights in layers of other names. custom.io.npz has outputs. Two convolutions have weights of one shape,
and so have a convolution and a transposed one.

finetuned-mobilenet.h5 is by Keras 3: a MobileNet (alpha 1/32, without top) as one layer of a model that turns and
scales pictures in front of it and has a head behind it, trained for one step with all but its last block frozen.
finetuned-mobilenet.io.npz has the model's outputs, finetuned-mobilenet-base.io.npz those of the MobileNet.
"""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import h5py
import keras
import numpy as np
import tf_keras

folder = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(folder))
from make_fixtures import calibrate, compact, randomise


def network(K, prefix):
    L = K.layers
    x = y = K.Input((6, 6, 3))
    if K is keras:
        y = L.RandomFlip(name="flip")(y)
    y = L.Conv2D(4, 3, name=prefix + "first")(y)
    y = L.Dropout(0.2, name=prefix + "dropout")(y)
    y = L.Conv2D(4, 1, name=prefix + "left")(y)
    y = L.GaussianNoise(0.1, name=prefix + "noise")(y)
    y = L.BatchNormalization(name=prefix + "norm")(y)
    y = L.Conv2D(4, 3, padding="same", name=prefix + "second", activation="relu")(y)
    y = L.SpatialDropout2D(0.2, name=prefix + "spatial")(y)
    y = L.Conv2D(4, 3, padding="same", name=prefix + "third", activation="relu")(y)
    y = L.Conv2DTranspose(4, 1, name=prefix + "right")(y)
    return K.Model(x, L.Dense(2, name=prefix + "head")(L.GlobalAveragePooling2D(name=prefix + "pool")(y)))


rng = np.random.default_rng(5)
model = network(keras, "")
assert any("seed_generator" in v.path for v in model.non_trainable_variables)
for v in model.weights:
    if "seed" not in v.path:
        v.assign(rng.integers(1 if "variance" in v.path else -32, 32, size=v.shape) / 32)
for layout in ("keras", "h5"):
    model.save(f"{folder}/custom.{layout}")
for name in ("custom", "custom.old"):
    model.save_weights(f"{folder}/{name}.weights.h5")
with h5py.File(f"{folder}/custom.old.weights.h5", "a") as file:
    file.visititems(lambda _, item: item.attrs.pop("name", None) and None)
for name in ("custom.h5", "custom.weights.h5", "custom.old.weights.h5"):
    compact(f"{folder}/{name}")
x = (rng.integers(0, 64, size=(2, 6, 6, 3)) / 64).astype("float32")
np.savez_compressed(f"{folder}/custom.io.npz", x=x, y=np.asarray(model(x, training=False)))

other = network(tf_keras, "our_")
values = [v.numpy() for layer in model.layers for v in layer.weights if "seed" not in v.path]
other.set_weights(values)
other.save_weights(f"{folder}/custom.k2w.h5")
compact(f"{folder}/custom.k2w.h5")

base = keras.applications.MobileNet((32, 32, 3), alpha=0.03125, weights=None, include_top=False)
randomise(base, rng)
calibrate(base, rng)
for layer in base.layers[:-6]:
    layer.trainable = False
L = keras.layers
x = keras.Input((32, 32, 3))
y = L.Rescaling(1 / 127.5, offset=-1.0)(L.RandomRotation(0.1)(x))
y = L.Dropout(0.2)(L.GlobalAveragePooling2D()(base(y, training=False)))
model = keras.Model(x, L.Dense(3, activation="softmax", name="mine")(y))
picture = rng.integers(0, 256, size=(2, 32, 32, 3)).astype("float32")
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit(picture, np.array([0, 2]), verbose=0)
model.save(f"{folder}/finetuned-mobilenet.h5", include_optimizer=False)
compact(f"{folder}/finetuned-mobilenet.h5")
np.savez_compressed(f"{folder}/finetuned-mobilenet.io.npz", x=picture, y=np.asarray(model(picture, training=False)))
scaled = picture / 127.5 - 1
np.savez_compressed(f"{folder}/finetuned-mobilenet-base.io.npz", x=scaled, y=np.asarray(base(scaled, training=False)))
