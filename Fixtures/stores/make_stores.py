#!/usr/bin/env python3
"""Write weights that are no plain model's, and files of other kinds that Keras or NumPy write.

    python make_stores.py

By Keras 3, weights of random bits:

    by-class.weights.h5          a subclassed model with a MobileNet (alpha 1/32, without top,
                                 32x32) as its attribute `backbone`, and a head; by-class.changed.weights.h5 is the
                                 same with one weight of the MobileNet changed, by-class.old.weights.h5 the first
                                 without the attributes `name`, as Keras before 3.6 wrote it, and by-class.io.npz
                                 has input and output of the MobileNet
    subclass.weights.h5, .keras  another one: two blocks, a head and a variable of its own
    unbuilt.h5, unbuilt.keras    a Sequential model that was saved before it had weights
    bfloat16.h5                  legacy HDF5 of bfloat16, which Keras can't load
    objects.npz, dictionary.npy  get_weights() as one array of objects, and a dictionary of layers

By Keras 2 (tf_keras):

    windows.keras                a store whose paths are joined as Windows does, windows.io.npz its values
    beside.weights.h5            weights only, with beside.json (to_json()) and beside.io.npz
    unlisted.h5                  ../dialects/custom.k2w.h5 with two datasets that no list names, and a text;
                                 unlisted.weights.h5 is beside.weights.h5 with the same
"""
import ntpath
import os
import shutil
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import h5py
import keras
import numpy as np
import tf_keras
from tf_keras.src.saving import saving_lib

folder = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(folder))
from make_fixtures import calibrate, compact, mobilenet, randomise, remove_names

rng = np.random.default_rng(13)


def path(name):
    return f"{folder}/{name}"


class Classifier(keras.Model):
    """The store gets `backbone` by its attribute, and what comes later in the alphabet as a member of `layers`."""

    def __init__(self, backbone, classes):
        super().__init__()
        self.backbone = backbone
        self.pool = keras.layers.GlobalAveragePooling2D()
        self.top = keras.layers.Dense(classes, name="top")

    def call(self, x):
        return self.top(self.pool(self.backbone(x)))


# Layers of one channel amplify rounding. With this seed little of it arrives at the output.
calm = np.random.default_rng(19)
backbone = mobilenet(keras, include_top=False)
randomise(backbone, calm)
calibrate(backbone, calm)
model = Classifier(backbone, 2)
model(np.zeros((1, 32, 32, 3), "float32"))
for name in ("by-class.weights.h5", "by-class.old.weights.h5"):
    model.save_weights(path(name))
    compact(path(name))
remove_names(path("by-class.old.weights.h5"))
x = calm.uniform(-1, 1, (2, 32, 32, 3)).astype("float32")
np.savez_compressed(path("by-class.io.npz"), x=x, y=np.asarray(backbone(x, training=False)))
bias = backbone.get_layer("conv_dw_5_bn").beta
bias.assign(np.asarray(bias) + 0.5)
model.save_weights(path("by-class.changed.weights.h5"))
compact(path("by-class.changed.weights.h5"))


class Subclass(keras.Model):
    def __init__(self):
        super().__init__()
        self.block1 = keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization()])
        self.block2 = [keras.layers.Conv2D(3, 3), keras.layers.Conv2D(3, 1)]
        self.head = keras.layers.Dense(2)
        self.scale = self.add_weight(shape=(2,), name="scale")

    def call(self, x):
        x = self.block2[1](self.block2[0](self.block1(x)))
        return self.head(keras.ops.mean(x, (1, 2))) * self.scale


model = Subclass()
model(np.zeros((1, 8, 8, 3), "float32"))
model.save_weights(path("subclass.weights.h5"))
compact(path("subclass.weights.h5"))
model.save(path("subclass.keras"))

model = keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)])
for layout in ("h5", "keras"):
    model.save(path(f"unbuilt.{layout}"))

keras.config.set_dtype_policy("bfloat16")
model = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(3)])
model.save(path("bfloat16.h5"))
keras.config.set_dtype_policy("float32")

model = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(3)])
weights = np.empty(4, object)
weights[:] = model.get_weights()
np.savez(path("objects.npz"), weights=weights)
layers = {"conv1_1": {"weights": weights[0], "biases": weights[1]}, "fc6": [weights[2], weights[3]]}
np.save(path("dictionary.npy"), layers, allow_pickle=True)


def small():
    L = tf_keras.layers
    x = tf_keras.Input((16, 16, 3))
    y = L.BatchNormalization(name="n1")(L.Conv2D(4, 3, activation="relu", name="c1")(x))
    y = L.GlobalAveragePooling2D()(L.Conv2D(4, 3, strides=2, name="c2")(y))
    model = tf_keras.Model(x, L.Dense(3, activation="softmax", name="out")(y))
    model.set_weights([rng.uniform(0.1, 0.3, w.shape) for w in model.get_weights()])
    return model


def values(model, name):
    x = rng.uniform(-1, 1, (2, 16, 16, 3)).astype("float32")
    np.savez_compressed(path(name), x=x, y=model(x, training=False).numpy())


model = small()
gfile = saving_lib.tf.io.gfile
join = gfile.join
# On Windows, only the paths inside the store matter: the others are of temporary folders.
gfile.join = lambda first, *rest: (join if os.path.isabs(first) else ntpath.join)(first, *rest)
model.save(path("windows.keras"), save_format="keras")
gfile.join = join
values(model, "windows.io.npz")

model = small()
model.save_weights(path("beside.weights.h5"))
compact(path("beside.weights.h5"))
with open(path("beside.json"), "w") as file:
    file.write(model.to_json())
values(model, "beside.io.npz")

for source, name, group in (
    ("../dialects/custom.k2w.h5", "unlisted.h5", "our_first/our_first"),
    ("beside.weights.h5", "unlisted.weights.h5", "layers/conv2d"),
):
    shutil.copy(path(source), path(name))
    with h5py.File(path(name), "a") as file:
        file[f"{group}/mask"] = np.ones(4, "int8")
        file["extra/table"] = np.arange(4, dtype="float32")
        file["note"] = "written by hand"
