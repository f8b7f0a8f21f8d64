#!/usr/bin/env python3
"""Convert every model of keras.applications and compare with genuine Keras.

    swift build -c release --product zoo
    python Fixtures/applications/check_applications.py [--zoo .build/release/zoo] [--models MobileNetV2 ...]

Each model is built by Keras at a small input size that it accepts and, without its top, at an odd one where
the parity of padding matters. Kernels are He-normal and batch-norm statistics measured on noise. It is saved
as `.keras` (some also as `.h5`), converted by `zoo convert --io` against Keras' outputs and taps, and a table
is printed: the largest error of any output or tap in units of its tolerance (four times Keras' own error in
float32 against float64, at least 2e-5 of the largest value), and the geometric mean of our error over Keras'.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np

warnings.filterwarnings("ignore")

# Name: the smallest sensible size with top, an odd size without.
MODELS = {
    "VGG16": (32, 37), "VGG19": (32, 37),
    "ResNet50": (32, 45), "ResNet101": (32, 45), "ResNet152": (32, 45),
    "ResNet50V2": (32, 45), "ResNet101V2": (32, 45), "ResNet152V2": (32, 45),
    "InceptionV3": (75, 91), "InceptionResNetV2": (75, 91), "Xception": (71, 85),
    "MobileNet": (32, 45), "MobileNetV2": (32, 45), "MobileNetV3Small": (32, 45), "MobileNetV3Large": (32, 45),
    "DenseNet121": (32, 45), "DenseNet169": (32, 45), "DenseNet201": (32, 45),
    "NASNetMobile": (32, 45), "NASNetLarge": (32, 45),
    "EfficientNetB0": (32, 45), "EfficientNetB1": (32, 45), "EfficientNetB2": (32, 45),
    "EfficientNetB3": (32, 45), "EfficientNetB4": (32, 45), "EfficientNetB5": (32, 45),
    "EfficientNetB6": (32, 45), "EfficientNetB7": (32, 45),
    "EfficientNetV2B0": (32, 45), "EfficientNetV2B1": (32, 45), "EfficientNetV2B2": (32, 45),
    "EfficientNetV2B3": (32, 45), "EfficientNetV2S": (32, 45), "EfficientNetV2M": (32, 45),
    "EfficientNetV2L": (32, 45),
    "ConvNeXtTiny": (32, 45), "ConvNeXtSmall": (32, 45), "ConvNeXtBase": (32, 45),
    "ConvNeXtLarge": (32, 45), "ConvNeXtXLarge": (32, 45),
}
ALSO_LEGACY = {"MobileNetV3Small", "DenseNet121", "EfficientNetB0", "ConvNeXtTiny"}


def leaves(model):
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from leaves(layer)
        else:
            yield layer


def randomise(model, rng):
    for layer in leaves(model):
        for v in layer.weights:
            shape, name = tuple(v.shape), v.path.split("/")[-1]
            if isinstance(layer, keras.layers.Normalization) or name.startswith("moving_"):
                continue
            if type(layer).__name__ == "LayerScale":
                value = rng.uniform(0.2, 0.5, shape)
            elif name == "gamma":
                value = rng.uniform(0.5, 1.5, shape)
            elif len(shape) == 1:
                value = rng.normal(0, 0.1, shape)
            else:
                depthwise = "depthwise" in name or isinstance(layer, keras.layers.DepthwiseConv2D)
                fan_in = shape[0] * shape[1] if depthwise else int(np.prod(shape[:-1]))
                value = rng.normal(0, np.sqrt(2.0 / fan_in), shape)
            v.assign(value)


def calibrate(model, batch):
    norms = [l for l in leaves(model) if isinstance(l, keras.layers.BatchNormalization)]
    momenta = [n.momentum for n in norms]
    for norm in norms:
        norm.momentum = 0.0
    if norms:
        model(batch, training=True)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum


def tapped(model, most=6, largest=100_000):
    layers = [l for l in model.layers[:-1] if not isinstance(l, keras.layers.InputLayer)
              and not getattr(l, "layers", None) and np.prod(l.output.shape[1:]) <= largest]
    return [layers[round(i * (len(layers) - 1) / (most - 1))] for i in range(most)] if layers else []


def outputs(model, names, x, suffix=""):
    taps = [model.get_layer(n).output for n in names]
    y, *values = keras.Model(model.inputs, [model.output, *taps])(x, training=False)
    return {"y" + suffix: np.asarray(y)} | {f"tap:{n}{suffix}": np.asarray(v) for n, v in zip(names, values)}


def build(name, size, top):
    options = dict(weights=None, input_shape=(size, size, 3), include_top=top)
    if top:
        options["classes"] = 10
    return getattr(keras.applications, name)(**options)


def parameters(model):
    return sum(int(np.prod(v.shape)) for layer in leaves(model) for v in layer.weights
               if "count" not in v.path.split("/")[-1])


def check(zoo, folder, name, size, top):
    keras.backend.clear_session()
    keras.config.set_floatx("float32")
    rng = np.random.default_rng(7)
    model = build(name, size, top)
    pixels = any(type(l).__name__ in ("Rescaling", "Normalization") for l in model.layers)
    noise = lambda n: (rng.uniform(0, 255, (n, size, size, 3)) if pixels
                       else rng.normal(0, 1, (n, size, size, 3))).astype("float32")
    randomise(model, rng)
    # NASNet ends in cells of one pixel, whose variance a few examples do not tell.
    calibrate(model, noise(64 if name.startswith("NASNet") else 8))
    names = list(dict.fromkeys(l.name for l in tapped(model)))
    x = noise(1)
    arrays = {"x": x} | outputs(model, names, x)
    weights = model.get_weights()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    keras.backend.clear_session()
    twin = build(name, size, top)
    twin.set_weights([w.astype("float64") for w in weights])
    # Automatic names are counted per session.
    renamed = {old.name: new.name for old, new in zip(model.layers, twin.layers)}
    truth = outputs(twin, [renamed[n] for n in names], x.astype("float64"), ":64")
    back = {f"tap:{renamed[n]}:64": f"tap:{n}:64" for n in names}
    arrays |= {back.get(k, k): v for k, v in truth.items()}
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    np.savez(f"{folder}/io.npz", **arrays)
    for layout in ("keras", "h5") if name in ALSO_LEGACY and top else ("keras",):
        path = f"{folder}/model.{layout}"
        model.save(path)
        run = subprocess.run(
            [zoo, "convert", path, "--io", f"{folder}/io.npz", "-o", f"{folder}/model.zoo", "--force", "--json",
             "--preprocessing", "none"], capture_output=True, text=True)
        os.remove(path)
        row = f"| {name} | {layout} | {size}x{size}{'' if top else ', no top'} | {parameters(model):,} |"
        if not run.stdout.strip():
            print(row, "failed:", run.stderr.strip().splitlines()[-1] if run.stderr else run.returncode, "|",
                  flush=True)
            return False
        report = json.loads(run.stdout)
        checks = {c["name"]: c for c in report["verification"]["checks"]}
        io = checks.get("recorded inputs and outputs")
        if not io:
            print(row, "failed:", run.stderr.strip() or report["verification"], "|", flush=True)
            return False
        print(row, f"{io['largestError'] / io['tolerance']:.2g} at {io['location']} |",
              f"{io.get('errorRatio') or 0:.2g} |", "" if run.returncode == 0 else "FAILED", flush=True)
        if run.returncode != 0:
            return False
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--zoo", default=".build/release/zoo")
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--sizes", choices=["small", "odd", "both"], default="both")
    arguments = parser.parse_args()
    print("| model | file | input | parameters | largest error in tolerances | our error over Keras' |\n"
          "|---|---|---|---|---|---|", flush=True)
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.models:
            small, odd = MODELS[name]
            for size, top in [(small, True), (odd, False)]:
                if arguments.sizes == "small" and not top or arguments.sizes == "odd" and top:
                    continue
                good = check(os.path.abspath(arguments.zoo), folder, name, size, top) and good
    sys.exit(0 if good else 1)


main()
