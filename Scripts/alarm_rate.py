#!/usr/bin/env python3
"""Counts the false alarms of `zoo convert` on sound networks: freshly calibrated ones.

    python alarm_rate.py ZOO LOG [--only FAMILY...] [--rounds N] [--work FOLDER]
    python alarm_rate.py --table LOG

Needs TensorFlow and Keras 3. Every network gets random weights and the batch-norm statistics that one random
batch has, is saved as HDF5 and converted without writing; whatever a check finds is a false alarm. Each network is
calibrated N times (2) with another seed and another kind of input: normal noise of several deviations, even noise,
pixels, blurred pixels. LOG gets a line of JSON per conversion; networks that are in it already are left out, so that
a run can go on where it stopped. --table prints what LOG says per family.
"""
import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Kinds of calibrating inputs, from a random generator and a shape.
INPUTS = {
    "normal 1": lambda random, shape: random.normal(0, 1, shape),
    "pixels": lambda random, shape: random.integers(0, 256, shape),
    "even 0..1": lambda random, shape: random.uniform(0, 1, shape),
    "normal 0.1": lambda random, shape: random.normal(0, 0.1, shape),
    "even -1..1": lambda random, shape: random.uniform(-1, 1, shape),
    "blurred pixels": lambda random, shape: blurred(random, shape),
    "normal 64": lambda random, shape: random.normal(0, 64, shape),
    "normal 3 + 1": lambda random, shape: random.normal(1, 3, shape),
}


def blurred(random, shape):
    """Patches of one colour, 8 pixels wide, with a little noise."""
    coarse = random.uniform(0, 255, (shape[0], -(-shape[1] // 8), -(-shape[2] // 8), shape[3]))
    fine = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, : shape[1], : shape[2]]
    return (fine + random.normal(0, 8, shape)).clip(0, 255)


def randomise(model, random):
    """He kernels; gammas, betas and biases that change something."""
    import keras
    import numpy as np

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            randomise(layer, random)
            continue
        values = []
        for variable in layer.weights:
            shape, name = tuple(variable.shape), variable.path.split("/")[-1]
            if isinstance(layer, keras.layers.Normalization):
                value = {"mean": random.normal(0, 0.3, shape), "variance": random.uniform(0.5, 1.5, shape)}.get(name, 1)
            elif name == "gamma":
                value = random.uniform(0.5, 1.5, shape)
            elif name in ("beta", "bias"):
                value = random.normal(0, 0.2 if name == "beta" else 0.05, shape)
            elif name in ("moving_mean", "moving_variance"):
                value = variable.numpy()
            else:
                depthwise = "depthwise" in name or isinstance(layer, keras.layers.DepthwiseConv2D)
                inputs = shape[0] * shape[1] if depthwise else int(np.prod(shape[:-1]))
                value = random.standard_normal(shape, "float32") * (2 / inputs) ** 0.5
            values.append(np.asarray(value, "float32"))
        if values:
            layer.set_weights(values)
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def norms(model):
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from norms(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            yield layer


def calibrate(model, batch):
    """Sets the batch norms' statistics to those of the batch."""
    layers = list(norms(model))
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    model(batch.astype("float32"), training=True)
    for layer, momentum in zip(layers, momenta):
        layer.momentum = momentum


# MARK: Networks


def applications():
    """(family, name, function that makes it) of keras.applications."""
    from keras import applications as made

    def of(function, size, **options):
        name = " ".join([function, str(size)] + [f"{k}={v}" for k, v in options.items()])
        return name, lambda: getattr(made, function)(weights=None, input_shape=(size, size, 3), **options)

    families = {
        "MobileNet": [of("MobileNet", size, alpha=alpha, classes=classes) for size, alpha, classes in [
            (224, 0.25, 1000), (224, 1.0, 1000), (96, 0.25, 2), (64, 0.5, 10), (128, 0.75, 100)]]
        + [of("MobileNet", 96, alpha=0.5, include_top=False)],
        "MobileNetV2": [of("MobileNetV2", size, alpha=alpha, classes=classes) for size, alpha, classes in [
            (224, 0.35, 1000), (96, 0.5, 4), (64, 0.35, 10), (96, 1.0, 100), (64, 1.4, 10)]]
        + [of("MobileNetV2", 96, alpha=0.75, include_top=False, pooling="avg")],
        "MobileNetV3": [of("MobileNetV3" + kind, size, alpha=alpha, minimalistic=minimal, classes=10)
                        for kind in ("Small", "Large") for size, alpha, minimal in [
                            (224, 1.0, False), (96, 0.75, False), (64, 1.0, True)]]
        + [of("MobileNetV3Small", 96, include_preprocessing=False, classes=5)],
        "ResNet": [of("ResNet50", 224), of("ResNet50", 64, classes=10), of("ResNet101", 64, classes=10),
                   of("ResNet152", 64, include_top=False)],
        "ResNetV2": [of("ResNet50V2", 224), of("ResNet50V2", 64, classes=10), of("ResNet101V2", 64, classes=10),
                     of("ResNet152V2", 64, include_top=False)],
        "DenseNet": [of("DenseNet121", 224), of("DenseNet121", 64, classes=10), of("DenseNet169", 64, classes=10),
                     of("DenseNet201", 64, include_top=False)],
        "Inception": [of("InceptionV3", 96, classes=10), of("InceptionV3", 139, include_top=False),
                      of("InceptionResNetV2", 96, classes=10), of("Xception", 96, classes=10),
                      of("Xception", 128, include_top=False)],
        "NASNet": [of("NASNetMobile", 224), of("NASNetMobile", 64, classes=10),
                   of("NASNetMobile", 96, include_top=False)],
        "EfficientNet": [of("EfficientNetB0", 224), of("EfficientNetB0", 64, classes=10),
                         of("EfficientNetB1", 64, classes=10), of("EfficientNetB2", 96, include_top=False),
                         of("EfficientNetB3", 64, classes=10), of("EfficientNetB4", 64, classes=10)],
        "EfficientNetV2": [of("EfficientNetV2B0", 224), of("EfficientNetV2B0", 64, classes=10),
                           of("EfficientNetV2B0", 96, include_preprocessing=False, classes=10),
                           of("EfficientNetV2B1", 240), of("EfficientNetV2B1", 64, classes=10),
                           of("EfficientNetV2B2", 64, classes=10), of("EfficientNetV2B2", 96, include_top=False),
                           of("EfficientNetV2B3", 64, classes=10), of("EfficientNetV2S", 64, classes=10),
                           of("EfficientNetV2M", 64, classes=10)],
    }
    return [(family, *made) for family, list in families.items() for made in list]


def others():
    """(family, name, function that makes it) of networks that are put together here."""
    import keras
    from keras import layers as L

    def normed(x, activation="relu"):
        x = L.BatchNormalization()(x)
        return L.Activation(activation)(x) if activation else x

    def conv(x, filters, size=3, strides=1, groups=1):
        return L.Conv2D(filters, size, strides, padding="same", use_bias=False, groups=groups)(x)

    def network(body, size=48, scale=None, head=True):
        def make():
            inputs = L.Input((size, size, 3))
            x = inputs
            for part in scale or ():
                x = {"rescaling": lambda: L.Rescaling(1 / 255), "tf": lambda: L.Rescaling(1 / 127.5, -1),
                     "normalization": lambda: L.Normalization()}[part]()(x)
            x = body(x)
            if head:
                x = L.Dense(10, activation="softmax")(L.GlobalAveragePooling2D()(x))
            return keras.Model(inputs, x)
        return make

    def plain(widths, activation="relu"):
        def body(x):
            for index, width in enumerate(widths):
                x = normed(conv(x, width, strides=2 if index in (1, 4) else 1), activation)
            return x
        return body

    def residual(width, depth, before=False, groups=1):
        def body(x):
            x = conv(x, width)
            if not before:
                x = normed(x)
            for stage in range(3):
                for block in range(depth):
                    strides, filters = (2 if stage and not block else 1), width << stage
                    short = x
                    if before:
                        y = conv(normed(x), filters, strides=strides, groups=groups)
                        y = conv(normed(y), filters, groups=groups)
                    else:
                        y = conv(normed(conv(x, filters, strides=strides)), filters, groups=groups)
                        y = normed(y, None)
                    if not block and stage:
                        short = conv(x, filters, 1, strides)
                        short = short if before else normed(short, None)
                    x = L.Add()([short, y])
                    x = x if before else L.Activation("relu")(x)
            return normed(x) if before else x
        return body

    def separable(width, depth, activation="relu", fused=False):
        def body(x):
            x = normed(conv(x, width, strides=2), activation)
            for block in range(depth):
                strides = 2 if block == depth // 2 else 1
                if fused:
                    x = L.SeparableConv2D(width, 3, strides, padding="same", use_bias=False)(x)
                else:
                    x = normed(L.DepthwiseConv2D(3, strides, padding="same", use_bias=False)(x), activation)
                    x = conv(x, width, 1)
                x = normed(x, activation)
            return x
        return body

    def inverted(width, depth, squeeze=False):
        def body(x):
            x = normed(conv(x, width, strides=2), "swish")
            for _ in range(depth):
                y = normed(conv(x, width * 4, 1), "swish")
                y = normed(L.DepthwiseConv2D(3, padding="same", use_bias=False)(y), "swish")
                if squeeze:
                    s = L.GlobalAveragePooling2D(keepdims=True)(y)
                    s = L.Conv2D(width * 4, 1, activation="sigmoid")(L.Conv2D(width, 1, activation="swish")(s))
                    y = L.Multiply()([y, s])
                x = L.Add()([x, normed(conv(y, width, 1), None)])
            return x
        return body

    def mixer(width, depth):
        def body(x):
            x = L.BatchNormalization()(L.Conv2D(width, 4, 4, activation="gelu")(x))
            for _ in range(depth):
                y = L.BatchNormalization()(L.DepthwiseConv2D(5, padding="same", activation="gelu")(x))
                x = L.Add()([x, y])
                x = L.BatchNormalization()(L.Conv2D(width, 1, activation="gelu")(x))
            return x
        return body

    def dense(growth, depth):
        def body(x):
            x = conv(x, 2 * growth)
            for stage in range(3):
                for _ in range(depth):
                    y = conv(normed(conv(normed(x), 4 * growth, 1)), growth)
                    x = L.Concatenate()([x, y])
                x = L.AveragePooling2D(2)(conv(normed(x), x.shape[-1] // 2, 1))
            return normed(x)
        return body

    def unet(width):
        def body(x):
            kept = []
            for level in range(3):
                x = normed(conv(normed(conv(x, width << level)), width << level))
                kept.append(x)
                x = L.MaxPooling2D()(x)
            x = normed(conv(x, width << 3))
            for level in (2, 1, 0):
                x = normed(L.Conv2DTranspose(width << level, 2, 2, padding="same", use_bias=False)(x))
                x = normed(conv(L.Concatenate()([x, kept[level]]), width << level))
            return L.Conv2D(2, 1, activation="softmax")(x)
        return body

    def branches(width, depth):
        def body(x):
            x = normed(conv(x, width))
            for _ in range(depth):
                x = L.Activation("relu")(
                    L.Add()([normed(conv(x, width), None), normed(conv(x, width, 1), None), normed(x, None)]))
            return x
        return body

    pixels = ("rescaling", "normalization")
    families = {
        "plain": [("plain 12 x 8", network(plain([8] * 12))), ("plain 40 x 8", network(plain([8] * 40))),
                  ("plain 24 x 16", network(plain([16] * 24), scale=("rescaling",))),
                  ("plain 8 x 32 elu", network(plain([32] * 8, "elu"))),
                  ("plain 16..64", network(plain([16, 16, 32, 32, 64, 64, 64], "swish"), scale=("tf",))),
                  ("plain 20 x 32 scaled", network(plain([32] * 20), scale=pixels)),
                  ("plain 30 x 12 tanh", network(plain([12] * 30, "tanh"))),
                  ("plain 4 x 64", network(plain([64] * 4), scale=("rescaling",)))],
        "residual": [("residual 16 x 3", network(residual(16, 3), 32)),
                     ("residual 16 x 9", network(residual(16, 9), 32)),
                     ("residual 8 x 5 scaled", network(residual(8, 5), 32, pixels)),
                     ("residual 32 x 4", network(residual(32, 4), 32, ("rescaling",))),
                     ("pre-activated 16 x 5", network(residual(16, 5, True), 32)),
                     ("pre-activated 8 x 9", network(residual(8, 9, True), 32, ("tf",))),
                     ("pre-activated 32 x 4 scaled", network(residual(32, 4, True), 32, pixels)),
                     ("grouped 32 x 3", network(residual(32, 3, groups=4), 32))],
        "separable": [("separable 16 x 20", network(separable(16, 20))),
                      ("separable 8 x 30", network(separable(8, 30), scale=("rescaling",))),
                      ("separable 32 x 16 scaled", network(separable(32, 16, "swish"), scale=pixels)),
                      ("separable 64 x 10", network(separable(64, 10, "relu6"))),
                      ("fused separable 32 x 12", network(separable(32, 12, fused=True), scale=("tf",))),
                      ("inverted 16 x 12", network(inverted(16, 12), scale=pixels)),
                      ("inverted 24 x 8 squeezed", network(inverted(24, 8, True), scale=("rescaling",))),
                      ("inverted 8 x 20 squeezed", network(inverted(8, 20, True)))],
        "mixer": [("mixer 32 x 12", network(mixer(32, 12))), ("mixer 64 x 8", network(mixer(64, 8), 64, pixels)),
                  ("mixer 16 x 20", network(mixer(16, 20), scale=("rescaling",)))],
        "concatenating": [("dense 8 x 6", network(dense(8, 6), 32)),
                          ("dense 4 x 12", network(dense(4, 12), 32, pixels)),
                          ("dense 12 x 4", network(dense(12, 4), 32, ("rescaling",)))],
        "segmenting": [("unet 8", network(unet(8), 64, head=False)),
                       ("unet 16", network(unet(16), 64, ("rescaling",), False)),
                       ("unet 16 scaled", network(unet(16), 64, pixels, False))],
        "branching": [("branches 16 x 8", network(branches(16, 8))),
                      ("branches 8 x 16", network(branches(8, 16), scale=pixels)),
                      ("branches 32 x 6", network(branches(32, 6), scale=("tf",)))],
    }
    return [(family, *made) for family, list in families.items() for made in list]


# MARK: The measurement


def judge(zoo, model, path, record):
    """Converts the network, and adds what came of it to the record."""
    model.save(path)
    start = time.monotonic()
    result = subprocess.run([zoo, "convert", path, "--dry-run", "--json", "--threads", "1"], capture_output=True,
                            text=True)
    record["seconds"] = round(time.monotonic() - start, 1)
    os.remove(path)
    record["exit"] = result.returncode
    if result.returncode:
        record["error"] = result.stderr.strip().splitlines()[-1] if result.stderr.strip() else result.stdout[-500:]
        return
    report = json.loads(result.stdout)
    checks = report.get("verification", {}).get("checks", [])
    record["statistics"] = next(
        (f"{check['status']}: {check.get('detail', '')}" for check in checks
         if check["name"] == "batch-norm statistics"),
        None)


def measure(options):
    import keras
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    done = set()
    if os.path.exists(options.log):
        with open(options.log) as log:
            done = {(r["network"], r["seed"]) for r in map(json.loads, log)}
    kinds = list(INPUTS)
    networks = others() + applications()
    with tempfile.TemporaryDirectory(dir=options.work) as folder, open(options.log, "a") as log:
        for index, (family, name, make) in enumerate(networks):
            seeds = [1998 + round for round in range(options.rounds)]
            seeds = [seed for seed in seeds if (name, seed) not in done]
            if not seeds or options.only and family not in options.only:
                continue
            keras.backend.clear_session()
            gc.collect()
            model = make()
            for seed in seeds:
                random = np.random.default_rng(seed)
                # The first round takes noise of deviation 1, the later ones each something else.
                turn = 0 if seed == 1998 else 1 + (index + seed - 1999) % (len(kinds) - 1)
                randomise(model, random)
                calibrate(model, INPUTS[kinds[turn]](random, (4,) + model.input_shape[1:]))
                record = {"family": family, "network": name, "seed": seed, "inputs": kinds[turn],
                          "norms": len(list(norms(model)))}
                judge(options.zoo, model, os.path.join(folder, f"{zlib.crc32(name.encode()):08x}-{seed}.h5"), record)
                print(json.dumps(record), file=log, flush=True)
                verdict = record.get("error") or record.get("statistics")
                print(f"{name}, seed {seed}, {kinds[turn]}: exit {record['exit']}, {verdict}", flush=True)


def table(path):
    with open(path) as log:
        records = [json.loads(line) for line in log]
    print("| family | networks | batch norms | alarms | agree | no testimony |\n|---|---|---|---|---|---|")
    families = list(dict.fromkeys(r["family"] for r in records))
    for family in families + [None]:
        rows = [r for r in records if family in (None, r["family"])]
        counts = [r["norms"] for r in rows]
        agree = sum((r.get("statistics") or "").startswith("passed") for r in rows)
        alarms = sum(r["exit"] != 0 for r in rows)
        print(f"| {family or 'all'} | {len(rows)} | {min(counts)} to {max(counts)} | {alarms} | {agree} | "
              f"{len(rows) - alarms - agree} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zoo", nargs="?")
    parser.add_argument("log", nargs="?")
    parser.add_argument("--only", nargs="+", metavar="FAMILY")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--work", metavar="FOLDER")
    parser.add_argument("--table", metavar="LOG")
    options = parser.parse_args()
    if options.table:
        table(options.table)
    elif options.zoo and options.log:
        measure(options)
    else:
        parser.error("ZOO and LOG, or --table LOG")


if __name__ == "__main__":
    main()
