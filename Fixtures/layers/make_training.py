#!/usr/bin/env python3
"""Writes training.json: configurations of Keras 3 and 2 with everything that only training needs, and what Keras
makes of them. What Keras 1 wrote is by hand.
"""
import json
import os
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import h5py
import keras
import tf_keras

ROLES = {
    "kernel": "kernel", "depthwise": "depthwise_kernel", "pointwise": "pointwise_kernel", "bias": "bias",
    "gamma": "gamma", "beta": "beta", "alpha": "alpha"}
NOISE = {
    "Dropout": "dropout", "SpatialDropout2D": "spatial_dropout", "GaussianDropout": "gaussian_dropout",
    "GaussianNoise": "gaussian_noise", "AlphaDropout": "alpha_dropout"}


def build(k):
    l, r, i = k.layers, k.regularizers, k.initializers
    inner = k.Sequential(
        [k.Input((4, 4, 6)), l.Conv2D(3, 1, kernel_regularizer=r.L2(0.25), name="inner_conv"),
         l.BatchNormalization(momentum=0.5, name="inner_bn")], name="inner")
    inner.trainable = False
    x = inputs = k.Input((8, 8, 3), name="image")
    x = l.Conv2D(
        4, 3, padding="same", kernel_regularizer=r.L1L2(0.5, 0.125), bias_regularizer=r.L1(0.25),
        kernel_initializer="he_normal", bias_initializer=i.Constant(0.5), name="conv")(x)
    x = l.BatchNormalization(
        momentum=0.875, gamma_regularizer=r.L2(0.0625), beta_regularizer=r.L2(0.5), gamma_initializer="zeros",
        beta_initializer=i.RandomUniform(-0.25, 0.5), name="bn")(x)
    x = l.Dropout(0.25, seed=3, name="drop")(x)
    x = l.Dropout(0.5, noise_shape=(None, 1, 1, 1), name="depth")(x)
    x = l.Dropout(0.5, noise_shape=(None, 1, 1, 4), name="channels")(x)
    x = l.SpatialDropout2D(0.375, name="spatial")(x)
    x = l.GaussianNoise(0.125, name="noise")(x)
    x = l.GaussianDropout(0.25, name="gaussian")(x)
    x = l.AlphaDropout(0.125, name="alpha")(x)
    x = l.Dropout(0.0, name="nothing")(x)
    x = l.DepthwiseConv2D(
        3, depthwise_regularizer=r.L2(0.75), depthwise_initializer=i.TruncatedNormal(0.25, 0.5),
        name="depthwise")(x)
    x = l.SeparableConv2D(
        6, 3, depthwise_regularizer=r.L1(0.125), pointwise_regularizer=r.L2(0.5),
        depthwise_initializer=i.RandomNormal(0.5, 2.0), pointwise_initializer="lecun_uniform",
        bias_regularizer="l2", name="separable")(x)
    x = inner(x)
    x = l.PReLU(
        shared_axes=[1, 2], alpha_regularizer=r.L2(0.25), alpha_initializer=i.Constant(0.25), name="prelu")(x)
    x = l.GlobalAveragePooling2D(name="pool")(x)
    frozen = l.Dense(
        5, activation="relu", name="frozen",
        kernel_initializer=i.VarianceScaling(2.0, "fan_out", "untruncated_normal"))
    frozen.trainable = False
    x = frozen(x)
    x = l.Dense(4, kernel_initializer="orthogonal", activity_regularizer="l1", name="orthogonal")(x)
    x = l.Dense(3, name="plain")(x)
    return k.Model(inputs, x, name="net")


def initializer(own):
    name, config = type(own).__name__, own.get_config()
    numbers = {
        "Constant": ["value"], "RandomUniform": ["minval", "maxval"], "RandomNormal": ["mean", "stddev"],
        "TruncatedNormal": ["mean", "stddev"], "VarianceScaling": ["scale"],
        "Orthogonal": ["gain"]}.get(name, [])
    words = ["mode", "distribution"] if name == "VarianceScaling" else []
    return [name, [float(config[k]) for k in numbers], [config[k] for k in words]]


def truth(model, is_frozen=False):
    """What the layers of a model say, those that have weights or work in training only."""
    found = {}
    for layer in model.layers:
        if hasattr(layer, "layers"):
            found.update(truth(layer, is_frozen or not layer.trainable))
            continue
        own = {"frozen": bool(layer.weights) and (is_frozen or not layer.trainable)}
        name = type(layer).__name__
        if name == "BatchNormalization":
            own["momentum"] = float(layer.momentum)
        if name in NOISE:
            own["noise"] = NOISE[name]
            own["amount"] = float(layer.stddev if name == "GaussianNoise" else layer.rate)
        own["regularizers"], own["initializers"] = {}, {}
        for prefix, role in ROLES.items():
            # Some classes have attributes for weights that their layers lack.
            if not layer.weights or not hasattr(layer, prefix + "_initializer"):
                continue
            penalty = getattr(layer, prefix + "_regularizer", None)
            if penalty is not None:
                own["regularizers"][role] = [float(getattr(penalty, key, 0)) for key in ("l1", "l2")]
            own["initializers"][role] = initializer(getattr(layer, prefix + "_initializer"))
        found[layer.name] = own
    return found


def legacy(model):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.h5")
        model.save(path)
        with h5py.File(path) as file:
            return json.loads(file.attrs["model_config"])


def keras1():
    def layer(class_name, config, **more):
        return {"class_name": class_name, "config": {"trainable": True, **config, **more}}

    penalty = {"name": "WeightRegularizer", "l1": 0.25, "l2": 0.5}
    conv = {
        "nb_filter": 4, "nb_row": 3, "nb_col": 3, "border_mode": "same", "subsample": [1, 1],
        "dim_ordering": "tf", "activation": "linear", "bias": True}
    return {"class_name": "Sequential", "config": [
        layer("Convolution2D", conv, name="conv", batch_input_shape=[None, 8, 8, 3], init="he_normal",
              W_regularizer=penalty, b_regularizer={"name": "L1L2Regularizer", "l1": 0.0, "l2": 0.125}),
        layer("BatchNormalization", {"mode": 0, "axis": -1, "epsilon": 1e-3, "momentum": 0.75}, name="bn",
              gamma_regularizer={"name": "L1L2Regularizer", "l1": 0.0, "l2": 0.25}, beta_init="one"),
        layer("Dropout", {"p": 0.25}, name="drop"),
        layer("GaussianNoise", {"sigma": 0.5}, name="noise"),
        layer("Flatten", {}, name="flatten"),
        layer("Dense", {"output_dim": 3, "activation": "softmax", "bias": True, "init": "glorot_uniform"},
              name="dense", trainable=False, W_regularizer=None)]}


models = {"keras3": build(keras), "keras2": build(tf_keras)}
content = {
    "configurations": {
        "keras3": json.loads(models["keras3"].to_json()), "keras3 in HDF5": legacy(models["keras3"]),
        "keras2": json.loads(models["keras2"].to_json()), "keras1": keras1()},
    "truth": {name: truth(model) for name, model in models.items()}}

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "training.json"), "w") as file:
    json.dump(content, file, separators=(",", ":"))
    file.write("\n")
