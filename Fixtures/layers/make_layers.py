"""Writes layers.json: single layers computed by Keras in float64, over the options that matter.

    python make_layers.py

Inputs and weights are multiples of 1/32, so that few digits hold them exactly; outputs have 15 digits.
"""
import json
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
from keras import layers as L

keras.config.set_floatx("float64")
rng = np.random.default_rng(1)
cases = []


def multiples(shape, low=-64, high=64):
    return rng.integers(low, high, size=shape) / 32


def numbers(array):
    return [int(v) if v == int(v) else float("%.15g" % v) for v in np.asarray(array).ravel()]


def case(operation, make, *shapes):
    """make(inputs) builds the layers; `operation` says the same for the reader."""
    inputs = [keras.Input(s) for s in shapes]
    model = keras.Model(inputs, make(inputs[0] if len(inputs) == 1 else inputs))
    values = [multiples((1,) + tuple(s)) for s in shapes]
    for v in model.variables:
        low = 1 if "variance" in v.path else -32
        v.assign(multiples(v.shape, low, 32))
    y = np.asarray(model(values[0] if len(values) == 1 else values))
    cases.append({
        "operation": operation,
        "inputs": [{"shape": list(s), "values": numbers(v)} for s, v in zip(shapes, values)],
        "weights": {v.path.split("/")[-1].replace("depthwise_conv2d_", ""): numbers(v)
                    for layer in model.layers for v in layer.variables},
        "output": {"shape": list(y.shape[1:]), "values": numbers(y)},
    })


def pair(x):
    return [x, x] if isinstance(x, int) else list(x)


def conv(shape, filters, kernel, strides=1, padding="valid", dilation=1, groups=1, bias=True,
         activation="linear"):
    explicit = not isinstance(padding, str)
    layer = L.Conv2D(filters, kernel, strides, "valid" if explicit else padding, dilation_rate=dilation,
                     groups=groups, use_bias=bias, activation=activation)
    case(dict(kind="convolution", filters=filters, kernel=pair(kernel), strides=pair(strides),
              padding=padding, dilation=pair(dilation), groups=groups, bias=bias, activation=activation),
         lambda x: layer(L.ZeroPadding2D((padding[:2], padding[2:]))(x) if explicit else x), shape)


def depthwise(shape, kernel, strides=1, padding="valid", dilation=1, multiplier=1, bias=False,
              activation="linear"):
    layer = L.DepthwiseConv2D(kernel, strides, padding, depth_multiplier=multiplier,
                              dilation_rate=dilation, use_bias=bias, activation=activation)
    case(dict(kind="depthwise", kernel=pair(kernel), strides=pair(strides), padding=padding,
              dilation=pair(dilation), multiplier=multiplier, bias=bias, activation=activation),
         lambda x: layer(x), shape)


def separable(shape, filters, kernel, strides=1, padding="valid", multiplier=1, bias=False,
              activation="linear"):
    layer = L.SeparableConv2D(filters, kernel, strides, padding, depth_multiplier=multiplier,
                              use_bias=bias, activation=activation)
    case(dict(kind="separable", filters=filters, kernel=pair(kernel), strides=pair(strides),
              padding=padding, dilation=[1, 1], multiplier=multiplier, bias=bias, activation=activation),
         lambda x: layer(x), shape)


def pool(kind, shape, window, strides, padding):
    layer = {"maxPooling": L.MaxPooling2D, "averagePooling": L.AveragePooling2D}[kind]
    case(dict(kind=kind, window=pair(window), strides=pair(strides), padding=padding),
         lambda x: layer(window, strides, padding)(x), shape)


def main():
    for size in [(6, 7), (7, 6)]:
        for stride in (1, 2):
            for padding in ("same", "valid"):
                conv(size + (2,), 3, 3, stride, padding)
    conv((6, 5, 2), 2, (2, 4), (1, 2), "same", activation="relu")
    conv((7, 8, 3), 2, 5, 3, "same", bias=False)
    conv((6, 7, 2), 2, 3, 2, (0, 1, 2, 1))
    conv((8, 7, 2), 2, 3, 1, "same", dilation=2)
    conv((8, 9, 2), 2, (3, 2), 1, "valid", dilation=(2, 3))
    conv((5, 4, 4), 6, 3, 1, "same", groups=2)
    conv((4, 4, 3), 4, 1, 2, "same", activation="sigmoid")
    conv((3, 2, 3), 4, 1, 1, "valid", activation="softmax")
    depthwise((6, 7, 3), 3, 1, "same")
    depthwise((6, 7, 2), 3, 2, "same", multiplier=3, bias=True, activation="relu")
    depthwise((7, 6, 2), 5, 2, "same")
    depthwise((7, 6, 2), 3, 2, "valid")
    depthwise((7, 7, 2), 3, 1, "same", dilation=2)
    separable((7, 6, 2), 3, 5, 2, "same")
    separable((6, 6, 2), 3, 3, 1, "valid", multiplier=2, bias=True, activation="tanh")
    for kind in ("maxPooling", "averagePooling"):
        pool(kind, (6, 7, 2), 3, 2, "same")
        pool(kind, (7, 6, 2), 2, 2, "valid")
        pool(kind, (5, 6, 2), 3, 1, "same")
        pool(kind, (5, 7, 2), (1, 3), (2, 3), "same")
    for activation in ("linear", "tanh", "softmax"):
        layer = L.Dense(5, activation=activation)
        case(dict(kind="dense", units=5, bias=True, activation=activation), lambda x: layer(x), (7,))
    layer2 = L.Dense(3, use_bias=False)
    case(dict(kind="dense", units=3, bias=False, activation="linear"), lambda x: layer2(x), (2, 3, 4))
    for scale, center in [(True, True), (False, True), (True, False), (False, False)]:
        bn = L.BatchNormalization(epsilon=1e-3, scale=scale, center=center)
        case(dict(kind="batchNormalization", epsilon=1e-3, scale=scale, center=center),
             lambda x: bn(x), (3, 2, 4))
    for options in [{}, {"max_value": 1.5}, {"negative_slope": 0.25}, {"threshold": 0.5},
                    {"max_value": 1, "negative_slope": 0.25, "threshold": 0.5}, {"max_value": 6},
                    {"max_value": 1, "threshold": 0.25}]:
        case(dict(kind="relu", maxValue=options.get("max_value"),
                  negativeSlope=options.get("negative_slope", 0), threshold=options.get("threshold", 0)),
             lambda x: L.ReLU(**options)(x), (3, 4, 2))
    for name in ("sigmoid", "tanh", "softmax", "linear"):
        case(dict(kind="activation", activation=name), lambda x: L.Activation(name)(x), (2, 3, 5))
    for keep in (False, True):
        case(dict(kind="globalAveragePooling", keepDimensions=keep),
             lambda x: L.GlobalAveragePooling2D(keepdims=keep)(x), (3, 4, 2))
        case(dict(kind="globalMaxPooling", keepDimensions=keep),
             lambda x: L.GlobalMaxPooling2D(keepdims=keep)(x), (3, 4, 2))
    case(dict(kind="zeroPadding", padding=[1, 0, 2, 3]),
         lambda x: L.ZeroPadding2D(((1, 0), (2, 3)))(x), (2, 3, 2))
    case(dict(kind="cropping", padding=[1, 0, 2, 1]),
         lambda x: L.Cropping2D(((1, 0), (2, 1)))(x), (4, 5, 2))
    case(dict(kind="add"), lambda x: L.Add()(x), (2, 2, 3), (2, 2, 3), (2, 2, 3))
    case(dict(kind="concatenate"), lambda x: L.Concatenate()(x), (2, 2, 3), (2, 2, 1), (2, 2, 2))
    case(dict(kind="flatten"), lambda x: L.Flatten()(x), (2, 3, 2))
    case(dict(kind="reshape", target=[3, 4]), lambda x: L.Reshape((3, 4))(x), (2, 3, 2))
    case(dict(kind="identity"), lambda x: L.Dropout(0.5)(x), (5,))

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.json")
    with open(path, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")


main()
