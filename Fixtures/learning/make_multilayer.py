#!/usr/bin/env python3
"""Writes multilayer.json: ten steps of Keras' AdamW on a network with one hidden layer, in double precision.

Constants are exact in binary, because Keras keeps them as 32-bit floats.
"""
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

keras.backend.set_floatx("float64")
random = np.random.default_rng(5)
rows, columns, units, classes, steps = 6, 4, 5, 3, 10

model = keras.Sequential(
    [keras.Input((columns,)), keras.layers.Dense(units, activation="relu"), keras.layers.Dense(classes)])
start = [np.round(random.normal(size=w.shape) * 64) / 64 for w in model.get_weights()]
model.set_weights(start)
optimizer = keras.optimizers.AdamW(
    learning_rate=2**-7, weight_decay=2**-4, beta_1=0.875, beta_2=0.96875, epsilon=2**-20)
optimizer.exclude_from_weight_decay(var_names=["bias"])
model.compile(
    optimizer, keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.125))

batches, losses = [], []
for step in range(steps):
    x = np.round(random.normal(size=(rows, columns)) * 64) / 64
    labels = random.integers(0, classes, rows)
    weights = random.integers(1, 5, rows) / 2
    targets = np.eye(classes)[labels]
    losses.append(float(model.train_on_batch(x, targets, sample_weight=weights)))
    batches.append({"x": x.flatten().tolist(), "labels": labels.tolist(), "weights": weights.tolist()})
    model.reset_metrics()

flat = lambda weights: [w.flatten().tolist() for w in weights]
content = {
    "columns": columns, "units": units, "classes": classes, "batches": batches, "losses": losses,
    "start": flat(start), "end": flat(model.get_weights())}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "multilayer.json")
with open(path, "w") as file:
    json.dump(content, file, separators=(",", ":"))
    file.write("\n")
