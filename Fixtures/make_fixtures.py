#!/usr/bin/env python3
"""Write Fixtures/models: genuine Keras files of all five families in reduced sizes.

    python Fixtures/make_fixtures.py [--out Fixtures/models] [--models mobilenet ...]

NAME.LAYOUT is one of

    h5               whole model, legacy HDF5, by Keras 3
    keras            whole model, Keras 3 zip (for one model unpacked, as a folder)
    weights.h5       weights only, Keras 3 store
    old.weights.h5   the same without the `name` attributes, as writers before Keras 3.6 leave it
    k2.h5            whole model, legacy HDF5, by Keras 2 (tf_keras)
    k2w.h5           weights only, legacy HDF5, by Keras 2: the layout of the published ImageNet files
    npz              every weight under its Keras path, uncompressed
    pos.npz          get_weights() in order (arr_0, arr_1, ...), deflated
    io.npz           x: an input batch; y: the output; tap:LAYER: outputs of some inner layers, by
                     Keras in float32; y:64, tap:LAYER:64: the same in float64

Kernels are He-normal and batch-norm statistics are measured on noise, so that activations neither
die nor explode and an error in any layer shows in the output. Everything follows from the seed.
"""
import argparse
import json
import os
import re
import shutil
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
import h5py
import numpy as np

CLASSES = 10
EPOCH = (1980, 1, 1, 0, 0, 0)  # the time stamp of every zip member, so that bytes repeat


def mobilenet(keras, **options):
    return keras.applications.MobileNet(
        (32, 32, 3), alpha=0.03125, weights=None, **({"classes": CLASSES} | options))


def nasnet(keras, size, **options):
    if keras.__name__ == "tf_keras":
        from tf_keras.src.applications.nasnet import NASNet
    else:
        from keras.src.applications.nasnet import NASNet
    # NASNet-A (1 @ 96): 2, 4, 8, 16 filters per branch through the reductions. Its four strided
    # cells see sizes of both parities at 32 (15, 8, 4, 2) and odd ones alone at 35 (17, 9, 5, 3).
    return NASNet(
        (size, size, 3), penultimate_filters=96, num_blocks=1, stem_block_filters=4,
        skip_reduction=False, filter_multiplier=2, weights=None, default_size=224,
        **({"classes": CLASSES, "include_top": True, "pooling": None} | options))


def resnet(keras, width=4, depths=(2, 2, 1)):
    """ResNet v1 as keras.applications writes it, whose own stem is 64 wide, made `width` wide."""
    layers = keras.layers

    def norm(x, name):
        return layers.BatchNormalization(axis=3, epsilon=1.001e-5, name=name)(x)

    def block(x, filters, stride, project, name):
        shortcut = x
        if project:
            shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x)
            shortcut = norm(shortcut, f"{name}_0_bn")
        x = layers.Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x)
        x = layers.Activation("relu", name=f"{name}_1_relu")(norm(x, f"{name}_1_bn"))
        x = layers.Conv2D(filters, 3, padding="SAME", name=f"{name}_2_conv")(x)
        x = layers.Activation("relu", name=f"{name}_2_relu")(norm(x, f"{name}_2_bn"))
        x = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
        x = layers.Add(name=f"{name}_add")([shortcut, norm(x, f"{name}_3_bn")])
        return layers.Activation("relu", name=f"{name}_out")(x)

    inputs = layers.Input((40, 33, 3))
    x = layers.ZeroPadding2D(((3, 3), (3, 3)), name="conv1_pad")(inputs)
    x = layers.Conv2D(width, 7, strides=2, name="conv1_conv")(x)
    x = layers.Activation("relu", name="conv1_relu")(norm(x, "conv1_bn"))
    x = layers.ZeroPadding2D(((1, 1), (1, 1)), name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    for stack, depth in enumerate(depths):
        for i in range(depth):
            first = i == 0
            x = block(x, width << stack, 2 if first and stack else 1, first,
                      f"conv{stack + 2}_block{i + 1}")
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dense(CLASSES, activation="softmax", name="predictions")(x)
    return keras.Model(inputs, x, name="resnet")


def vgg(keras, name, depths, size, width=2, dense=32):
    """VGG as keras.applications writes it, whose own width is 64 and dense layers 4096."""
    layers = keras.layers
    x = inputs = layers.Input((*size, 3))
    for block, depth in enumerate(depths):
        filters = width << min(block, 3)
        for i in range(depth):
            x = layers.Conv2D(filters, (3, 3), activation="relu", padding="same",
                              name=f"block{block + 1}_conv{i + 1}")(x)
        x = layers.MaxPooling2D((2, 2), strides=(2, 2), name=f"block{block + 1}_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(dense, activation="relu", name="fc1")(x)
    x = layers.Dense(dense, activation="relu", name="fc2")(x)
    x = layers.Dense(CLASSES, activation="softmax", name="predictions")(x)
    return keras.Model(inputs, x, name=name)


EVERY = ("h5", "keras", "weights.h5", "old.weights.h5", "k2.h5", "k2w.h5", "npz", "pos.npz", "io.npz")

# name: (how it is built, in which layouts, how many inputs in io.npz)
MODELS = {
    "mobilenet": (mobilenet, EVERY, 2),
    "mobilenet-notop-avg": (lambda k: mobilenet(k, include_top=False, pooling="avg"),
                            ("k2w.h5", "io.npz"), 1),
    "nasnet-32": (lambda k: nasnet(k, 32), EVERY, 1),
    "nasnet-35-notop-max": (lambda k: nasnet(k, 35, include_top=False, pooling="max"),
                            ("k2w.h5", "io.npz"), 1),
    "resnet": (resnet, EVERY, 1),
    "vgg16": (lambda k: vgg(k, "vgg16", (2, 2, 3, 3, 3), (64, 64)),
              ("keras-folder", *(l for l in EVERY if l != "keras")), 1),
    "vgg19": (lambda k: vgg(k, "vgg19", (2, 2, 4, 4, 4), (64, 32)),
              EVERY, 1),
}
# HDF5's older group structure takes a few KB for each of a network's hundreds of groups, so only
# these keep it; the others are copied into the compact one of HDF5 1.10 and later (superblock 3,
# version-2 object headers).
OLD_STRUCTURE = {"mobilenet.k2w.h5", "vgg19.h5"}


def randomise(model, rng):
    """Trained-like values in every weight; batch-norm statistics are calibrate's business."""
    import keras

    for layer in model.layers:
        values = []
        for variable in layer.weights:
            shape, name = tuple(variable.shape), variable.path.split("/")[-1]
            if name == "gamma":
                value = rng.uniform(0.5, 1.5, shape)
            elif name == "beta":
                value = rng.normal(0, 0.2, shape)
            elif name in ("moving_mean", "moving_variance"):
                value = variable.numpy()
            elif name == "bias":
                value = rng.normal(0, 0.05, shape)
            else:
                depthwise = (name == "depthwise_kernel"
                             or isinstance(layer, keras.layers.DepthwiseConv2D))
                fan_in = shape[0] * shape[1] if depthwise else int(np.prod(shape[:-1]))
                value = rng.normal(0, np.sqrt(2.0 / fan_in), shape)
            values.append(np.asarray(value, "float32"))
        layer.set_weights(values)


def calibrate(model, rng):
    """Set batch-norm statistics to those of some random inputs."""
    import keras

    norms = [l for l in model.layers if isinstance(l, keras.layers.BatchNormalization)]
    momenta = [n.momentum for n in norms]
    for norm in norms:
        norm.momentum = 0.0
    if norms:
        model(rng.normal(0, 1, (64,) + model.input_shape[1:]).astype("float32"), training=True)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum


def tapped(model, most=8, largest=1500):
    """Some layers over the whole depth whose outputs are small."""
    import keras

    layers = [l for l in model.layers[:-1] if not isinstance(l, keras.layers.InputLayer)
              and np.prod(l.output.shape[1:]) <= largest]
    step = (len(layers) - 1) / (most - 1)
    return [layers[round(i * step)] for i in range(most)]


def outputs(model, names, x, suffix=""):
    import keras

    taps = [model.get_layer(n).output for n in names]
    y, *values = keras.Model(model.inputs, [model.output, *taps]).predict(x, verbose=0)
    return {"y" + suffix: y} | {f"tap:{n}{suffix}": v for n, v in zip(names, values)}


def in_float64(build, weights):
    import keras

    keras.backend.clear_session()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        twin = build()
        twin.set_weights([w.astype("float64") for w in weights])
        return twin
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")


def remove_names(path):
    """Remove the `name` attributes."""
    def strip(_, item):
        if "name" in item.attrs:
            del item.attrs["name"]

    with h5py.File(path, "r+") as file:
        file.visititems(strip)


def compact(path):
    """Write every group, dataset and attribute anew with HDF5 1.10's structures and no dates."""
    def attributes(source, target):
        for key, value in source.attrs.items():
            target.attrs.create(key, value, dtype=source.attrs.get_id(key).dtype)

    def contents(source, target):
        attributes(source, target)
        for key, item in source.items():
            if isinstance(item, h5py.Group):
                plain = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
                plain.set_obj_track_times(False)
                group = h5py.h5g.create(target.id, key.encode(), gcpl=plain)
                contents(item, h5py.Group(group))
            else:
                attributes(item, target.create_dataset(key, data=item[()]))

    plain, access = h5py.h5p.create(h5py.h5p.FILE_CREATE), h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    plain.set_obj_track_times(False)
    access.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_V110)
    made = h5py.h5f.create((path + ".new").encode(), h5py.h5f.ACC_TRUNC, plain, access)
    with h5py.File(path, "r") as source, h5py.File(made) as target:
        contents(source, target)
    os.replace(path + ".new", path)


def save_keras(model, path):
    """model.save(path), with fixed dates; a folder where path ends in a slash."""
    made = path.rstrip("/") + ".made.keras"
    model.save(made)
    with zipfile.ZipFile(made) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    os.remove(made)
    metadata = json.loads(members["metadata.json"])
    metadata["date_saved"] = "2000-01-01@00:00:00"
    members["metadata.json"] = json.dumps(metadata).encode()
    ids = {}  # memory addresses
    members["config.json"] = re.sub(
        rb'(?<="shared_object_id": )\d+', lambda m: b"%d" % ids.setdefault(m[0], len(ids) + 1),
        members["config.json"])
    with open(made, "wb") as file:
        file.write(members["model.weights.h5"])
    compact(made)
    with open(made, "rb") as file:
        members["model.weights.h5"] = file.read()
    os.remove(made)
    if path.endswith("/"):
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        for name, data in members.items():
            with open(path + name, "wb") as file:
                file.write(data)
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name, EPOCH), data)


def write(name, build, layouts, batch, out, seed):
    import keras
    import tf_keras

    rng = np.random.default_rng(seed)
    keras.backend.clear_session()
    model = build(keras)
    randomise(model, rng)
    calibrate(model, rng)
    base = os.path.join(out, name)
    if "h5" in layouts:
        model.save(base + ".h5")
    if "keras" in layouts:
        save_keras(model, base + ".keras")
    if "keras-folder" in layouts:
        save_keras(model, base + ".keras/")
    for layout in ("weights.h5", "old.weights.h5"):
        if layout in layouts:
            model.save_weights(f"{base}.{layout}")
    if "old.weights.h5" in layouts:
        remove_names(base + ".old.weights.h5")
    if "k2.h5" in layouts or "k2w.h5" in layouts:
        tf_keras.backend.clear_session()
        twin = build(tf_keras)
        for layer in twin.layers:
            if layer.weights:
                layer.set_weights(model.get_layer(layer.name).get_weights())
        if "k2.h5" in layouts:
            twin.save(base + ".k2.h5", save_format="h5")
        if "k2w.h5" in layouts:
            twin.save_weights(base + ".k2w.h5", save_format="h5")
    if "npz" in layouts:
        np.savez(base + ".npz", **{v.path: v.numpy() for v in model.weights})
    if "pos.npz" in layouts:
        np.savez_compressed(base + ".pos.npz", *model.get_weights())
    if "io.npz" in layouts:
        x = rng.normal(0, 1, (batch,) + model.input_shape[1:])
        x = (np.round(x * 16) / 16).astype("float32")  # few digits, which deflate well
        names = [l.name for l in tapped(model)]
        single = outputs(model, names, x)
        truth = outputs(in_float64(lambda: build(keras), model.get_weights()), names,
                        x.astype("float64"), ":64")
        np.savez_compressed(base + ".io.npz", x=x, **single, **truth)
    for layout in layouts:
        file = f"{name}.{layout}"
        if layout.endswith("h5") and file not in OLD_STRUCTURE:
            compact(os.path.join(out, file))
    print(f"{name}: {model.count_params():,} parameters", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--out", default=os.path.join(here, "models"))
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    for name in options.models:
        write(name, *MODELS[name], options.out, options.seed)


if __name__ == "__main__":
    main()
