"""Writes small classifiers whose ends and inputs differ, with what Keras makes of the digits' pictures.

    python make_heads.py

`one-sigmoid.h5` and `two-layers.keras` end in a single sigmoid, `sigmoids.h5` in three, `logits.keras` and
`logits.k2.h5` in nothing, `grey.h5` takes one channel and pixels / 255, `rescaling.keras` and `normalization.h5`
scale the pixels themselves. `predictions.json` has, for each file, the outputs for the pictures of
`../digits/pictures` by name, resized bilinearly by Pillow, as pixels of 0...255 except for `grey.h5`.
"""
import json
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tf_keras
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
pictures = os.path.join(here, "..", "digits", "pictures")
rng = np.random.default_rng(11)


def network(K, channels, units, activation, first=(), last=()):
    layers = [K.layers.Input((12, 10, channels)), *first,
              K.layers.Conv2D(4, 3, strides=2, activation="relu"),
              K.layers.GlobalAveragePooling2D(), K.layers.Dense(units, activation=activation), *last]
    model = K.Sequential(layers)
    for v in model.weights:
        if any(name in getattr(v, "path", v.name) for name in ("mean", "variance", "count")):
            continue
        v.assign(rng.integers(-16, 17, size=v.shape) / 64)
    return model


def outputs(model, channels, scale):
    result = {}
    for name in sorted(os.listdir(pictures)):
        image = Image.open(os.path.join(pictures, name)).convert("L" if channels == 1 else "RGB")
        pixels = np.asarray(image.resize((10, 12), Image.BILINEAR), "float32").reshape(1, 12, 10, channels)
        result[name] = [float(v) for v in np.asarray(model(pixels * np.float32(scale)))[0]]
    return result


files = {
    "one-sigmoid.h5": (keras, 3, 1, "sigmoid", lambda K: {}),
    "two-layers.keras": (keras, 3, 1, None, lambda K: {"last": [K.layers.Activation("sigmoid")]}),
    "sigmoids.h5": (tf_keras, 3, 3, "sigmoid", lambda K: {}),
    "logits.keras": (keras, 3, 3, None, lambda K: {}),
    "logits.k2.h5": (tf_keras, 3, 3, None, lambda K: {"last": [K.layers.Activation("linear")]}),
    "grey.h5": (tf_keras, 1, 3, "softmax", lambda K: {}),
    "rescaling.keras": (keras, 3, 3, "softmax", lambda K: {"first": [K.layers.Rescaling(1 / 255)]}),
    "normalization.h5": (tf_keras, 3, 3, "softmax", lambda K: {
        "first": [K.layers.Normalization(mean=[120, 115, 100], variance=[3600, 3500, 3700])]}),
}
predictions = {}
for file, (K, channels, units, activation, options) in files.items():
    model = network(K, channels, units, activation, **options(K))
    model.save(os.path.join(here, file))
    predictions[file] = outputs(model, channels, 1 / 255 if channels == 1 else 1)
with open(os.path.join(here, "predictions.json"), "w") as f:
    json.dump(predictions, f, indent=1, sort_keys=True)
    f.write("\n")
