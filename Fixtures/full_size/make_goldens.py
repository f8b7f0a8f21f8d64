#!/usr/bin/env python3
"""Write the goldens of the full-size networks: what Keras computes with generated weights.

    python Fixtures/full_size/make_goldens.py [--models resnet50 ...]

GENERATOR.md beside it defines the weights and explains the files.
"""
import argparse
import json
import os
import re

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
from keras import applications

HERE = os.path.dirname(os.path.abspath(__file__))
BUILDERS = {
    "mobilenet": applications.MobileNet,
    "nasnetmobile": applications.NASNetMobile,
    "resnet50": applications.ResNet50,
    "vgg16": applications.VGG16,
    "vgg19": applications.VGG19,
}
TAPS, SAMPLES, SAMPLES_OF_OUTPUT = 12, 32, 64


# MARK: The generator


def bits(name, count):
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = (key ^ byte) * 0x100000001B3 % 2**64
    z = np.uint64(key) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def values(name, shape, offset=0.0, scale=1.0):
    u = ((bits(name, int(np.prod(shape))) >> np.uint64(40)).astype("int64") - 2**23) / 2**23
    return (offset + scale * u).astype("float32").reshape(shape)


def weight(layer, role, shape, exponent=0):
    name = f"{layer}/{role}"
    if role in ("kernel", "pointwise_kernel"):
        return values(name, shape, scale=np.sqrt(6 / np.prod(shape[:-1])))
    if role == "depthwise_kernel":
        return values(name, shape, scale=np.sqrt(6 / (shape[0] * shape[1])))
    offset, scale = {
        "bias": (0, 2**-4),
        "gamma": (1, 0.5),
        "beta": (0, 3 / 16),
        "moving_mean": (0, 2.0 ** (exponent - 3)),
        "moving_variance": (2.0 ** (2 * exponent), 2.0 ** (2 * exponent - 1)),
    }[role]
    return values(name, shape, offset, scale)


# MARK: The networks


def fill(layer, exponent=0):
    roles = [v.path.split("/")[-1] for v in layer.weights]
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        roles = ["depthwise_kernel" if r == "kernel" else r for r in roles]
    layer.set_weights([weight(layer.name, r, tuple(v.shape), exponent)
                       for r, v in zip(roles, layer.weights)])


def calibrate(model, x):
    """Fill every layer in the order of the graph, each batch norm by what reaches it."""
    exponents, reached = {}, {id(model.inputs[0]): keras.ops.convert_to_tensor(x)}
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            layer = node.operation
            if isinstance(layer, keras.layers.InputLayer):
                continue
            arguments = [reached[id(t)] for t in node.input_tensors]
            exponent = 0
            if isinstance(layer, keras.layers.BatchNormalization):
                entering = np.asarray(arguments[0], "float64")
                exponent = round(float(np.log2(np.sqrt(np.mean(entering**2)))))
                exponents[layer.name] = exponent
            fill(layer, exponent)
            result = layer(arguments if len(arguments) > 1 else arguments[0])
            reached[id(node.outputs[0])] = result
    return exponents


def tapped(model):
    """Some layers over the whole depth, with names that do not depend on a counter of Keras."""
    automatic = re.compile(r"(activation|add|concatenate|cropping2d|global_average_pooling2d)(_\d+)?")
    idle = (keras.layers.ZeroPadding2D, keras.layers.Flatten, keras.layers.Reshape,
            keras.layers.Dropout)
    layers = [l for l in model.layers[1:-1]
              if not automatic.fullmatch(l.name) and not isinstance(l, idle)]
    step = (len(layers) - 1) / (TAPS - 1)
    return [layers[round(i * step)] for i in range(TAPS)]


def in_float64(build, weights):
    keras.backend.clear_session()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        twin = build(weights=None)
        twin.set_weights([w.astype("float64") for w in weights])
        return twin
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")


def outputs(model, names, x):
    taps = [model.get_layer(n).output for n in names]
    return [np.asarray(v)[0] for v in keras.Model(model.inputs, taps).predict(x, verbose=0)]


def make(name, build):
    keras.backend.clear_session()
    model = build(weights=None)
    x = values("input", (1, *model.input_shape[1:]))
    exponents = calibrate(model, x)
    layers = [l.name for l in tapped(model)] + [model.layers[-1].name]
    single = outputs(model, layers, x)
    parameters = model.count_params()
    weights = model.get_weights()
    del model
    double = outputs(in_float64(build, weights), layers, x.astype("float64"))
    arrays = []
    for layer, ours, truth in zip(layers, single, double):
        is_output = layer == layers[-1]
        count = min(SAMPLES_OF_OUTPUT if is_output else SAMPLES, truth.size)
        at = bits(f"sample/{layer}", count) % np.uint64(truth.size)
        error = np.abs(ours.ravel() - truth.ravel())
        arrays.append({
            "layer": layer,
            "shape": list(truth.shape),
            "largest": float(f"{np.abs(truth).max():.13g}"),
            "float32_error": float(f"{error.max():.4g}"),
            "float32_error_sampled": float(f"{error[at].max():.4g}"),
            "values": [float(f"{v:.13g}") for v in truth.ravel()[at]],
        })
        print(f"  {layer:36} largest {np.abs(truth).max():9.4f}  deviation {truth.std():9.4f}  "
              f"zeros {np.mean(truth == 0):.2f}  error {error.max():.1e}", flush=True)
    head = {"model": name, "keras_version": keras.__version__, "parameters": parameters,
            "input_shape": list(x.shape[1:]), "exponents": exponents}
    with open(os.path.join(HERE, name + ".json"), "w") as file:
        rows = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in head.items()]
        listed = ",\n".join("    " + json.dumps(a) for a in arrays)
        file.write("{\n" + ",\n".join(rows) + ',\n  "arrays": [\n' + listed + "\n  ]\n}\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(BUILDERS), choices=list(BUILDERS))
    for name in parser.parse_args().models:
        print(name, flush=True)
        make(name, BUILDERS[name])


if __name__ == "__main__":
    main()
