#!/usr/bin/env python3
"""Writes mobilenet_steps.npz: the published MobileNet 0.25 with a new head for ten classes, which Keras trains for ten
steps in float64 on batches of 8 pictures of 96 pixels, batch norms fixed or by the batch.

    python make_mobilenet_steps.py mobilenet_2_5_224_tf_no_top.h5

Of every weight and moving statistic it keeps, after steps 1 and 10, the norm of the change and some of its values, and
how far from these Keras in float32 is. See make_training_steps.py for the form. The pictures are by formula.
"""
import json
import os
import sys

import h5py
import make_training_steps as steps
from make_training_steps import keras, np, put, rounded

SIDE, COUNT, CLASSES, SAMPLES = 96, 8, 10, 24


def wave(values):
    return np.abs(values % 256 - 128)


def pictures():
    n, h, w, c = np.ix_(range(2 * COUNT), range(SIDE), range(SIDE), range(3))
    return (wave(h * (2 + n) + 40 * c) + wave(w * (3 + c) + 17 * n) + 0 * c) / 128 - 1


def build():
    base = keras.applications.MobileNet(input_shape=(SIDE, SIDE, 3), alpha=0.25, include_top=False, weights=None)
    y = keras.layers.GlobalAveragePooling2D(name="pool")(base.outputs[0])
    return keras.Model(base.inputs, keras.layers.Dense(CLASSES, activation="softmax", name="head")(y))


def values(model, path):
    found = {}
    with h5py.File(path) as file:
        for layer in model.layers:
            if not layer.weights or layer.name == "head":
                continue
            group = file[layer.name]
            found[layer.name] = [group[name][()].astype("float64") for name in group.attrs["weight_names"]]
    kernel = ((np.arange(256 * CLASSES) * 37 + 11) % 201 - 100) / 4096
    found["head"] = [kernel.reshape(256, CLASSES), np.zeros(CLASSES)]
    return found


def sampled(values):
    """Up to SAMPLES values, evenly spread."""
    flat = values.ravel()
    count = min(SAMPLES, flat.size)
    return flat[np.arange(count) * flat.size // count]


def kept(state, other):
    (layers, _), (layers32, _) = state, other
    return {name: [
        {**put(rounded(sampled(v))), "norm": float(np.linalg.norm(v)),
         "float32": float(np.linalg.norm(sampled(v) - sampled(layers32[name][i])))} for i, v in enumerate(own)]
        for name, own in layers.items()}


def main():
    steps.COUNT = COUNT
    keras.config.set_dtype_policy("float64")
    weights = values(build(), sys.argv[1])
    steps.networks["mobilenet"] = {"x": pictures(), "values": weights}
    targets = np.arange(2 * COUNT) * 7 % CLASSES
    cases = []
    for mode, rate in [("frozen", 2.0**-14), ("learning", 2.0**-14), ("batch", 2.0**-12)]:
        steps.RATE = rate
        args = (build, "mobilenet", 0, lambda: keras.optimizers.SGD(rate, momentum=0.875),
                lambda: keras.losses.SparseCategoricalCrossentropy(), lambda layer: False, mode, targets, {})
        config, losses, states = steps.train(*args, "float64")
        _, losses32, states32 = steps.train(*args, "float32")
        print(mode, losses, "float32 off by", [b - a for a, b in zip(losses, losses32)], flush=True)
        cases.append({
            "name": f"norms {mode}", "network": "mobilenet", "config": config, "mode": mode, "rule": "sgd",
            "options": {"momentum": 0.875}, "rate": rate, "loss": "softmaxCrossEntropy", "lossOptions": {},
            "targets": {"classes": targets.tolist()}, "losses": losses, "losses32": losses32,
            "first": kept(states[0], states32[0]), "tenth": kept(states[1], states32[1])})
    text = json.dumps({
        "count": COUNT, "cases": cases,
        "networks": {"mobilenet": {"weights": {"head": [put(v) for v in weights["head"]]}, "inputs": put([])}},
    }, separators=(",", ":")).encode()
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mobilenet_steps.npz")
    np.savez_compressed(path, networks=np.frombuffer(text, "uint8"), numbers=np.concatenate(steps.numbers))
    print(len(text), "bytes of text,", os.path.getsize(path), "bytes")


if __name__ == "__main__":
    main()
