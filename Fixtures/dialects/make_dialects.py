#!/usr/bin/env python3
"""Write what is in Fixtures/dialects and not written by the other scripts here, which need older programs.

    python make_dialects.py [--out FOLDER] [--from FOLDER]

`--from` is where make_keras0.py, make_keras1.py, make_tf213.py, make_tensorpack.py and make_keras2_names.py
have written: their files are taken over, the HDF5 ones in the compact structure of HDF5 1.10, contents unchanged.

By Keras 3 and tf_keras, of a ResNet v1 of width 2 and depths 1, 1 (see ../make_fixtures.py), 40x33:

    shards/resnet.weights.json     sharded weights, with its files
    resnet.bf16.weights.h5, .npz   bfloat16 weights, as an HDF5 store and as NumPy's |V2
    trained.keras, trained.h5      a compiled model after a step of training, with its optimizer
    finetuned.keras, .k2.h5, .k2w.h5   the ResNet without its top inside another model, with its first layers
                                   frozen; finetuned-base.io.npz is of the ResNet alone

    keras0-*.h5                    files as Keras 0 never writes them

Written here by the description of their layout, since what wrote them is gone or needs what can't be had:

    vgg16.frossard.npz             Frossard's names; kernels read RGB, x in RGB
    vgg16.tensorpack.npz           tensorpack's names, rows of fc6 in (channel, height, width); x in BGR
"""
import argparse
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import numpy as np
from make_fixtures import calibrate, compact, randomise, resnet, save_keras, vgg


def image(rng, shape):
    return (rng.integers(-3, 4, (1, *shape)) / 2).astype("float32")


def soften(model, x):
    """Halves the last kernel until probabilities are not all 0 and 1."""
    while model.predict(x, verbose=0).max() > 0.6:
        kernel, bias = model.layers[-1].get_weights()
        model.layers[-1].set_weights([kernel * 0.5, bias])


def make_resnet(keras, rng):
    model = resnet(keras, width=2, depths=(1, 1))
    randomise(model, rng)
    calibrate(model, rng)
    return model


def write_resnet(out, rng):
    import keras

    keras.backend.clear_session()
    model = make_resnet(keras, rng)
    x = image(rng, model.input_shape[1:])
    soften(model, x)
    np.savez_compressed(f"{out}/resnet.io.npz", x=x, y=model.predict(x, verbose=0))

    shutil.rmtree(f"{out}/shards", ignore_errors=True)
    os.makedirs(f"{out}/shards")
    model.save_weights(f"{out}/shards/resnet.weights.json", max_shard_size=2e-6)
    for name in os.listdir(f"{out}/shards"):
        if name.endswith(".h5"):
            compact(f"{out}/shards/{name}")

    keras.config.set_dtype_policy("bfloat16")
    half = resnet(keras, width=2, depths=(1, 1))
    keras.config.set_dtype_policy("float32")
    half.set_weights(model.get_weights())
    half.save_weights(f"{out}/resnet.bf16.weights.h5")
    compact(f"{out}/resnet.bf16.weights.h5")
    rounded = {v.path: keras.ops.convert_to_numpy(v.value) for v in half.weights}
    np.savez_compressed(f"{out}/resnet.bf16.npz", **rounded)
    model.set_weights([v.astype("float32") for v in rounded.values()])
    np.savez_compressed(f"{out}/resnet.bf16.io.npz", x=x, y=model.predict(x, verbose=0))


def write_trained(out, rng):
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(35)
    layers = keras.layers
    model = keras.Sequential([
        layers.Input((8, 8, 3)), layers.Conv2D(4, 3, name="a"), layers.BatchNormalization(name="norm"),
        layers.GaussianNoise(0.1, seed=1), layers.Conv2D(4, 3, name="b"), layers.Flatten(),
        layers.Dropout(0.5, seed=2), layers.Dense(3, activation="softmax", name="top")], name="trained")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x = image(rng, (8, 8, 3))
    model.fit(np.repeat(x, 4, 0), np.arange(4) % 3, verbose=0)
    save_keras(model, f"{out}/trained.keras")
    model.save(f"{out}/trained.h5")
    compact(f"{out}/trained.h5")
    np.savez_compressed(f"{out}/trained.io.npz", x=x, y=model.predict(x, verbose=0))


def write_finetuned(out, rng):
    import keras
    import tf_keras

    def build(keras):
        keras.backend.clear_session()
        whole = resnet(keras, width=2, depths=(1, 1))
        base = keras.Model(whole.inputs, whole.get_layer("conv3_block1_out").output, name="resnet50")
        for layer in base.layers[:12]:
            layer.trainable = False
        inputs = keras.layers.Input((40, 33, 3), name="picture")
        x = keras.layers.Conv2D(3, 1, name="colours")(inputs)
        x = keras.layers.GlobalAveragePooling2D(name="pool")(base(x))
        x = keras.layers.Dropout(0.2, name="dropout")(x)
        x = keras.layers.Dense(3, activation="softmax", name="mine")(x)
        return keras.Model(inputs, x, name="finetuned"), base

    model, base = build(keras)
    flat = make_resnet(keras, rng)
    for layer in filter(lambda layer: layer.weights, base.layers):
        layer.set_weights(flat.get_layer(layer.name).get_weights())
    for name in ("colours", "mine"):
        layer = model.get_layer(name)
        layer.set_weights([rng.normal(0, 0.5, w.shape).astype("float32") for w in layer.get_weights()])
    x = image(rng, (40, 33, 3))
    np.savez_compressed(f"{out}/finetuned.io.npz", x=x, y=model.predict(x, verbose=0))
    np.savez_compressed(f"{out}/finetuned-base.io.npz", x=x, y=base.predict(x, verbose=0))
    save_keras(model, f"{out}/finetuned.keras")

    twin, twin_base = build(tf_keras)
    for source, target in ((base, twin_base), (model, twin)):
        for layer in target.layers:
            if layer.weights and layer is not twin_base:
                layer.set_weights(source.get_layer(layer.name).get_weights())
    twin.save(f"{out}/finetuned.k2.h5", save_format="h5")
    twin.save_weights(f"{out}/finetuned.k2w.h5", save_format="h5")
    for name in ("finetuned.k2.h5", "finetuned.k2w.h5"):
        compact(f"{out}/{name}")


def write_vgg(out, rng):
    import keras

    keras.backend.clear_session()
    model = vgg(keras, "vgg16", (2, 2, 3, 3, 3), (64, 64), width=1, dense=8)
    randomise(model, rng)
    # Few filters with a ReLU behind would be dead.
    for layer in model.layers[:-1]:
        if layer.weights:
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel + 0.3 * np.abs(kernel).mean(), np.abs(bias)])
    x = np.sign(image(rng, (64, 64, 3)))
    soften(model, x)
    y = model.predict(x, verbose=0)

    names = {"fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}
    frossard, tensorpack = {}, {}
    for layer in model.layers:
        if layer.weights:
            name = names.get(layer.name, layer.name.replace("block", "conv", 1).replace("_conv", "_"))
            for suffix, value in zip("Wb", layer.get_weights()):
                frossard[f"{name}_{suffix}"] = value
                tensorpack[f"{name}/{suffix}"] = value
    rows = tensorpack["fc6/W"].reshape(2, 2, 8, 8).transpose(2, 0, 1, 3).reshape(32, 8)
    np.savez_compressed(f"{out}/vgg16.tensorpack.npz", **(tensorpack | {"fc6/W": rows}))
    np.savez_compressed(f"{out}/vgg16.tensorpack.io.npz", x=x, y=y)
    first = frossard["conv1_1_W"][:, :, ::-1, :]
    np.savez_compressed(f"{out}/vgg16.frossard.npz", **(frossard | {"conv1_1_W": first}))
    np.savez_compressed(f"{out}/vgg16.frossard.io.npz", x=x[..., ::-1], y=y)


def write_numbered(out, rng):
    """Keras 0's layout with a layer, a count or a weight that is not there, and with a count out of bounds."""
    import h5py

    for name, layers, params in (("layer", 2, 1), ("weight", 1, 2), ("count", 1, None), ("bounds", -1, 1)):
        with h5py.File(f"{out}/keras0-{name}.h5", "w", libver="v110") as file:
            file.attrs["nb_layers"] = layers
            group = file.create_group("layer_0")
            if params is not None:
                group.attrs["nb_params"] = params
            group["param_0"] = np.zeros(2, "float32")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=HERE)
    parser.add_argument("--from", dest="older")
    options = parser.parse_args()
    out = options.out
    for number, write in enumerate((write_resnet, write_trained, write_finetuned, write_vgg, write_numbered)):
        write(out, np.random.default_rng(40 + number))
    if options.older:
        for name in sorted(os.listdir(options.older)):
            shutil.copy(f"{options.older}/{name}", f"{out}/{name}")
            if name.endswith(".h5"):
                compact(f"{out}/{name}")


if __name__ == "__main__":
    main()
