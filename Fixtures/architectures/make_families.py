#!/usr/bin/env python3
"""Write the configurations that genuine Keras makes of all networks of keras.applications.

    python make_families.py        (beside this file; needs keras 3)

families.npz        one array of bytes a network: what `to_json()` returns, without initializers, regularizers,
                    constraints, shapes that layers were built for and the like, which say nothing about inference
families.txt        one line a network: its name, Keras' `count_params()`, and what of it training changes

A name is the function, the input, options, and the number of classes or the pooling: mobilenetv2-96x96-alpha0.35-7.
"""
import json
import math
import os
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import keras
import numpy as np
from keras import applications as A
from keras.src.models import Functional
from keras.src.utils import file_utils

HERE = os.path.dirname(os.path.abspath(__file__))

# All networks with their classifier, at their own size.
MEMBERS = (
    ["VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152", "ResNet50V2", "ResNet101V2", "ResNet152V2",
     "DenseNet121", "DenseNet169", "DenseNet201", "MobileNet", "MobileNetV2", "MobileNetV3Large",
     "MobileNetV3Small", "Xception", "InceptionV3", "InceptionResNetV2", "NASNetMobile", "NASNetLarge"]
    + [f"EfficientNetB{i}" for i in range(8)] + [f"EfficientNetV2{m}" for m in ("B0", "B1", "B2", "B3", "S", "M", "L")]
    + [f"ConvNeXt{m}" for m in ("Tiny", "Small", "Base", "Large", "XLarge")])
SIZES = {"EfficientNetB0": 224, "EfficientNetB1": 240, "EfficientNetB2": 260, "EfficientNetB3": 300,
         "EfficientNetB4": 380, "EfficientNetB5": 456, "EfficientNetB6": 528, "EfficientNetB7": 600,
         "EfficientNetV2B1": 240, "EfficientNetV2B2": 260, "EfficientNetV2B3": 300, "EfficientNetV2S": 384,
         "EfficientNetV2M": 480, "EfficientNetV2L": 480, "Xception": 299, "InceptionV3": 299,
         "InceptionResNetV2": 299, "NASNetLarge": 331}

# Others in size, channels, alpha, head and preprocessing. `published` stands for weights="imagenet", without
# the weights.
VARIANTS = [
    ("VGG16", dict(include_top=False, pooling="max", input_shape=(97, 131, 3))),
    ("ResNet101", dict(include_top=False, pooling="avg", input_shape=(97, 131, 3))),
    ("ResNet50V2", dict(include_top=False, pooling="max", input_shape=(97, 131, 3))),
    ("ResNet50V2", dict(include_top=False, input_shape=(225, 225, 1))),
    ("DenseNet121", dict(include_top=False, pooling="avg", input_shape=(97, 131, 3))),
    ("DenseNet121", dict(include_top=False, pooling="max", input_shape=(225, 225, 1))),
    ("MobileNet", dict(alpha=0.25, include_top=False, input_shape=(97, 131, 3))),
    ("MobileNetV2", dict(alpha=0.35, classes=7, input_shape=(96, 96, 3))),
    ("MobileNetV2", dict(alpha=1.4, include_top=False, pooling="avg", input_shape=(225, 225, 3))),
    ("MobileNetV2", dict(alpha=0.5, include_top=False, pooling="max", input_shape=(97, 131, 1))),
    ("MobileNetV2", dict(alpha=0.75, include_top=False, input_shape=(160, 192, 3))),
    ("MobileNetV2", dict(alpha=1.3, include_top=False, input_shape=(128, 128, 3))),
    ("MobileNetV3Large", dict(alpha=0.75, classes=7, input_shape=(97, 131, 3))),
    ("MobileNetV3Large", dict(minimalistic=True, include_top=False, pooling="avg", input_shape=(225, 225, 3))),
    ("MobileNetV3Small", dict(alpha=0.75, include_top=False, pooling="max", input_shape=(97, 131, 3))),
    ("MobileNetV3Small", dict(minimalistic=True, classes=7, input_shape=(224, 224, 3))),
    ("MobileNetV3Small", dict(include_preprocessing=False, include_top=False, input_shape=(64, 64, 1))),
    ("Xception", dict(include_top=False, pooling="avg", input_shape=(97, 131, 3))),
    ("Xception", dict(include_top=False, pooling="max", input_shape=(150, 150, 1))),
    ("InceptionV3", dict(include_top=False, pooling="avg", input_shape=(97, 131, 3))),
    ("InceptionV3", dict(include_top=False, pooling="max", input_shape=(150, 150, 1))),
    ("InceptionResNetV2", dict(include_top=False, pooling="avg", input_shape=(97, 131, 3))),
    ("NASNetLarge", dict(include_top=False, pooling="max", input_shape=(97, 131, 3))),
    ("EfficientNetB0", dict(include_top=False, pooling="avg", input_shape=(97, 131, 3))),
    ("EfficientNetB0", dict(include_top=False, pooling="max", input_shape=(225, 225, 3), published=True)),
    ("EfficientNetB0", dict(include_top=False, input_shape=(64, 64, 1))),
    ("EfficientNetB3", dict(include_top=False, input_shape=(97, 131, 3), published=True)),
    ("EfficientNetV2B0", dict(include_top=False, pooling="avg", input_shape=(97, 131, 3))),
    ("EfficientNetV2B0", dict(include_top=False, pooling="max", input_shape=(225, 225, 1))),
    ("EfficientNetV2B0", dict(include_preprocessing=False, classes=7, input_shape=(64, 64, 3))),
    ("EfficientNetV2S", dict(include_top=False, pooling="avg", input_shape=(97, 131, 3))),
    ("ConvNeXtTiny", dict(include_top=False, pooling="avg", input_shape=(97, 131, 3))),
    ("ConvNeXtTiny", dict(include_top=False, pooling="max", input_shape=(225, 225, 1))),
    ("ConvNeXtTiny", dict(include_top=False, input_shape=(64, 64, 3))),
    ("ConvNeXtTiny", dict(include_preprocessing=False, classes=7, input_shape=(64, 64, 3))),
]
SAYS_NOTHING = ("_initializer", "_regularizer", "_constraint")
LEFT_OUT = ("build_config", "compile_config", "trainable", "dtype", "ragged",
            "sparse", "batch_size", "synchronized", "quantization_config", "lora_rank", "lora_alpha", "autocast")


def text(name, options):
    shape = options["input_shape"]
    parts = [name.lower(), "x".join(str(n) for n in (shape if shape[2] != 3 else shape[:2]))]
    if "alpha" in options:
        parts.append(f"alpha{options['alpha']}")
    if options.get("minimalistic"):
        parts.append("minimalistic")
    if options.get("published"):
        parts.append("published")
    if not options.get("include_preprocessing", True):
        parts.append("bare")
    parts.append(str(options["classes"]) if options.get("include_top", True) else options.get("pooling") or "none")
    return "-".join(parts)


def stripped(value):
    if isinstance(value, dict):
        return {k: stripped(v) for k, v in value.items() if not k.endswith(SAYS_NOTHING) and k not in LEFT_OUT}
    return [stripped(v) for v in value] if isinstance(value, list) else value


def build(name, options):
    options = dict(options)
    if not options.pop("published", False):
        return getattr(A, name)(weights=None, **options)
    with mock.patch.object(file_utils, "get_file", lambda *_, **__: ""), mock.patch.object(
            Functional, "load_weights", lambda *_, **__: None):
        return getattr(A, name)(weights="imagenet", **options)


def main():
    networks = [(m, dict(classes=5, input_shape=(SIZES.get(m, 224),) * 2 + (3,))) for m in MEMBERS]
    configurations, lines = {}, []
    for name, options in networks + VARIANTS:
        keras.backend.clear_session()  # the automatic names of a fresh session
        model = build(name, options)
        member = text(name, options)
        data = json.dumps(stripped(json.loads(model.to_json())), separators=(",", ":"))
        configurations[member] = np.frombuffer(data.encode(), "uint8")
        trainable = sum(math.prod(w.shape) for w in model.trainable_weights)
        lines.append(f"{member} {model.count_params()} {trainable}\n")
        print(lines[-1], end="", flush=True)
    np.savez_compressed(os.path.join(HERE, "families.npz"), **configurations)
    with open(os.path.join(HERE, "families.txt"), "w") as file:
        file.writelines(lines)


if __name__ == "__main__":
    main()
