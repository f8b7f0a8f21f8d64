#!/usr/bin/env python3
"""Write networks that Keras does not compute in 32 bits, with random weights, inputs and outputs (.io.npz).

    python make_precisions.py              write the files
    python make_precisions.py --measure    print how far such outputs are from those in 32 bits

    int8.keras                  dense layers quantized to int8: Keras rounds their inputs to 8 bits, too
    bfloat16.keras              weights and computation in bfloat16
    lora.h5                     legacy HDF5 of a Conv2D and a Dense with LoRA, by Keras 3: kernels and updates apart
    mixed-float16.keras         weights in 32 bits, computation in float16
    mixed-bfloat16.k2.h5        the same in bfloat16, by Keras 2

`y` is what Keras computes, `y:64` what the stored weights give in double precision, in mixed-float16 only.
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

rng = np.random.default_rng(31)


def network(K, policy, depth=2, width=8, size=12):
    """Convolutions with batch norms and a residual sum each, and two dense layers."""
    L = K.layers
    make = getattr(K, "dtype_policies", None)
    dtype = make.get(policy) if make else K.mixed_precision.Policy(policy)
    x = K.Input((size, size, 3))
    y = L.Conv2D(width, 3, padding="same", activation="relu", dtype=dtype)(x)
    for _ in range(depth):
        z = L.Conv2D(width, 3, padding="same", dtype=dtype)(y)
        z = L.BatchNormalization(dtype=dtype)(z)
        y = L.Add(dtype=dtype)([y, L.ReLU(dtype=dtype)(z)])
    y = L.Flatten(dtype=dtype)(L.MaxPooling2D(2, dtype=dtype)(y))
    y = L.Dense(16, activation="relu", dtype=dtype)(y)
    return K.Model(x, L.Dense(3, dtype=dtype)(y))


def fill(model):
    for v in model.weights:
        path = getattr(v, "path", v.name)
        shape = tuple(v.shape)
        fan = np.prod(shape[:-1]) if len(shape) > 1 else 1
        value = rng.standard_normal(shape) * np.sqrt(2 / fan) if len(shape) > 1 else rng.standard_normal(shape) / 8
        if "gamma" in path or "variance" in path:
            value = rng.uniform(0.5, 1.5, shape)
        v.assign(value.astype("float32"))


def outputs(model, x):
    return np.asarray(model(x, training=False)).astype("float32")


def in_float32(policy, weights, **options):
    model = network(keras, "float32", **options)
    model.set_weights([np.asarray(w).astype("float32") for w in weights])
    return model


def dequantized(model):
    """The weights, each int8 kernel divided by its scale."""
    values, taken = [], set()
    for layer in model.layers:
        own = {v.name: np.asarray(v).astype("float32") for v in layer.weights}
        if "kernel_scale" in own:
            values += [own["kernel"] / own["kernel_scale"], own["bias"]]
        else:
            values += [np.asarray(v).astype("float32") for v in layer.weights]
    return values


def make(policy, **options):
    keras.backend.clear_session()
    model = network(keras, "float32" if policy == "int8" else policy, **options)
    fill(model)
    if policy == "int8":
        for layer in model.layers:
            if isinstance(layer, keras.layers.Dense):
                layer.quantize("int8")
    return model


def measure():
    for policy in ("int8", "mixed_float16", "float16", "mixed_bfloat16", "bfloat16"):
        errors = []
        for depth, width, size in ((0, 4, 8), (2, 8, 12), (4, 16, 16), (8, 16, 16), (16, 16, 16)) * 4:
            options = dict(depth=depth, width=width, size=size)
            model = make(policy, **options)
            x = rng.standard_normal((2, size, size, 3)).astype("float32")
            y = outputs(model, x)
            truth = outputs(in_float32(policy, dequantized(model), **options), x)
            errors.append(np.abs(y - truth).max() / np.abs(truth).max())
        print(f"{policy:16} of the largest value: median {np.median(errors):.5f}, most {max(errors):.5f}")


def write(name, model, truth=None):
    x = rng.standard_normal((2,) + tuple(model.input_shape[1:])).astype("float32")
    path = f"{folder}/{name}"
    if name.endswith(".keras"):
        save_keras(model, path)
    else:
        model.save(path)
        compact(path)
    arrays = {"x": x, "y": outputs(model, x)}
    if truth:
        arrays["y:64"] = np.asarray(truth(x.astype("float64")), "float64")
    np.savez(f"{path}.io.npz", **arrays)


def low_rank():
    """LoRA of another rank and strength for each layer."""
    L = keras.layers
    x = keras.Input((8, 8, 3))
    conv, dense = L.Conv2D(4, 3, name="conv"), L.Dense(3, name="dense")
    model = keras.Model(x, dense(L.Flatten()(L.ReLU()(conv(x)))))
    conv.enable_lora(2, lora_alpha=3)
    dense.enable_lora(4)
    fill(model)
    return model


def main():
    write("int8.keras", make("int8"))
    write("bfloat16.keras", make("bfloat16"))
    model = make("mixed_float16")
    double = network(keras, "float64")
    double.set_weights(model.get_weights())
    write("mixed-float16.keras", model, truth=lambda x: double(x, training=False))
    model = network(tf_keras, "mixed_bfloat16")
    fill(model)
    write("mixed-bfloat16.k2.h5", model)
    write("lora.h5", low_rank())


if "--measure" in sys.argv:
    measure()
else:
    main()
