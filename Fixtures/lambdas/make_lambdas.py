#!/usr/bin/env python3
"""Write models with Python code in them, which is never run, with random weights, inputs and outputs (.io.npz).

    python make_lambdas.py

Each is named after what has to be stated of it; Tests/ZooConversionTests/LambdaTests.swift has the expressions.

    code.k2.h5, code.keras      a lambda in front of a network, by Keras 2 and 3
    preprocess.k2.h5            `preprocess_input` of VGG16 as a Lambda: Keras 2 stores its code and its module
    preprocess.keras            the same of MobileNetV2, of which Keras 3 stores only the name
    several.keras               three lambdas, one of them called twice and one in a model inside the model,
                                where its name repeats
    activations.keras           a lambda and a named function as the activation of layers
    silu.keras                  a Lambda of one of Keras' own activations, which Keras 3 stores by its name
    inputs.k2.h5                a lambda of two inputs
    functions.k2.h5             no lambda, but TensorFlow's silu with a beta, and a power of a number
"""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf
import tf_keras

folder = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(folder))
from make_fixtures import compact, save_keras

rng = np.random.default_rng(29)


def half_swish(x):
    return x * tf.sigmoid(x) / 2


def without_folder(function):
    """Leaves the folder out of what the code says of its file."""
    code = function.__code__
    function.__code__ = code.replace(co_filename=os.path.basename(code.co_filename))
    return function


def network(K, *first):
    L = K.layers
    return K.Sequential([L.InputLayer((8, 8, 3)), *first, L.Conv2D(4, 3, activation="relu", name="conv"),
                         L.GlobalAveragePooling2D(name="pool"), L.Dense(2, name="dense")])


def several(K):
    L = K.layers
    inner = K.Sequential([L.InputLayer((8, 8, 4)), L.Lambda(without_folder(lambda v: abs(v) ** 0.5), name="scale"),
                          L.Conv2D(4, 3, padding="same", name="second")], name="inner")
    scale = L.Lambda(without_folder(lambda v: v / 255 - [0.5, 0.25, 0.125]), name="scale")
    twice = L.Lambda(without_folder(lambda v: tf.nn.relu6(1.5 * v + 1) - 2), name="twice")
    x = K.Input((8, 8, 3), name="image")
    y = L.Conv2D(4, 3, padding="same", name="first")(scale(x))
    y = twice(inner(twice(y)))
    return K.Model(x, L.GlobalAveragePooling2D(name="pool")(y))


def activations(K):
    L = K.layers
    return K.Sequential([L.InputLayer((8, 8, 3)), L.Conv2D(4, 3, activation=half_swish, name="conv"),
                         L.Activation(without_folder(lambda v: tf.maximum(v, -0.1)), name="floor"),
                         L.GlobalAveragePooling2D(name="pool"), L.Dense(2, name="dense")])


def two_inputs(K):
    L = K.layers
    x = K.Input((8, 8, 3), name="image")
    a, b = L.Conv2D(4, 3, name="a")(x), L.Conv2D(4, 3, name="b")(x)
    return K.Model(x, L.Lambda(without_folder(lambda v: v[0] + 0.17 * v[1]), name="sum")([a, b]))


def functions(K):
    x = K.Input((8, 8, 3), name="image")
    y = K.layers.Conv2D(4, 3, name="conv")(x)
    return K.Model(x, K.layers.GlobalAveragePooling2D(name="pool")(tf.nn.silu(y, beta=2.5) + 1.5 ** y))


def write(name, K, model, pixels=True):
    for v in model.weights:
        v.assign(rng.standard_normal(v.shape).astype("float32") / 4)
    x = rng.uniform(0, 255, (2,) + tuple(model.input_shape[1:])) if pixels else rng.standard_normal(
        (2,) + tuple(model.input_shape[1:]))
    x = x.astype("float32")
    path = f"{folder}/{name}"
    if name.endswith(".keras"):
        save_keras(model, path)
    else:
        model.save(path)
        compact(path)
    np.savez(f"{path}.io.npz", x=x, y=np.asarray(model(x)))


L2, L3 = tf_keras.layers, keras.layers
write("code.k2.h5", tf_keras, network(tf_keras, L2.Lambda(without_folder(lambda v: v / 127.5 - 1), name="scale")))
write("code.keras", keras, network(keras, L3.Lambda(without_folder(lambda v: v / 127.5 - 1), name="scale")))
write("preprocess.k2.h5", tf_keras, network(
    tf_keras, L2.Lambda(without_folder(tf_keras.applications.vgg16.preprocess_input), name="preprocess")))
write("preprocess.keras", keras, network(
    keras, L3.Lambda(keras.applications.mobilenet_v2.preprocess_input, name="preprocess")))
write("several.keras", keras, several(keras))
write("activations.keras", keras, activations(keras), pixels=False)
write("silu.keras", keras, network(keras, L3.Lambda(keras.activations.silu, name="function")), pixels=False)
write("inputs.k2.h5", tf_keras, two_inputs(tf_keras))
write("functions.k2.h5", tf_keras, functions(tf_keras), pixels=False)
