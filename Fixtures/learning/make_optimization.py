#!/usr/bin/env python3
"""Writes optimization.json: losses, optimizers, schedules, penalties and binary metrics as Keras computes them
in double precision, and the steps of PyTorch's optimizers by the formulas of its documentation.

Constants are exact in binary, because Keras keeps them as 32-bit floats.
"""
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf

keras.backend.set_floatx("float64")
random = np.random.default_rng(13)


def exact(x):
    return np.round(np.asarray(x) * 64) / 64


def flat(x):
    return np.asarray(x, "float64").flatten().tolist()


def losses():
    rows, columns = 5, 4
    predictions = exact(random.normal(size=(rows, columns)) * 2)
    classes = random.integers(0, columns, rows)
    shares = random.integers(1, 9, (rows, columns))
    soft = np.round(shares / shares.sum(1, keepdims=True) * 64) / 64
    soft[:, 0] += 1 - soft.sum(1)
    yes = random.integers(0, 2, (rows, columns)).astype(float)
    numbers = exact(predictions + random.normal(size=(rows, columns)))
    numbers[0, 0] = predictions[0, 0]
    numbers[1, 1] = predictions[1, 1] + 0.5  # where Huber's halves meet
    weights = random.integers(1, 9, rows) / 4
    k = keras.losses
    cases = [
        ("softmaxCrossEntropy", {}, "classes", k.SparseCategoricalCrossentropy(from_logits=True)),
        ("softmaxCrossEntropy", {}, "soft", k.CategoricalCrossentropy(from_logits=True)),
        ("softmaxCrossEntropy", {"smoothing": 0.125}, "classes",
         k.CategoricalCrossentropy(from_logits=True, label_smoothing=0.125)),
        ("softmaxCrossEntropy", {"smoothing": 0.125}, "soft",
         k.CategoricalCrossentropy(from_logits=True, label_smoothing=0.125)),
        ("binaryCrossEntropy", {}, "yes", k.BinaryCrossentropy(from_logits=True)),
        ("binaryCrossEntropy", {"smoothing": 0.25}, "yes", k.BinaryCrossentropy(from_logits=True, label_smoothing=0.25)),
        ("binaryCrossEntropy", {}, "soft", k.BinaryCrossentropy(from_logits=True)),
        ("categoricalFocal", {"alpha": 0.25, "gamma": 2}, "classes", k.CategoricalFocalCrossentropy(from_logits=True)),
        ("categoricalFocal", {"alpha": 0.5, "gamma": 0.5}, "soft",
         k.CategoricalFocalCrossentropy(alpha=0.5, gamma=0.5, from_logits=True)),
        ("categoricalFocal", {"alpha": 0.25, "gamma": 1.5, "smoothing": 0.125}, "classes",
         k.CategoricalFocalCrossentropy(gamma=1.5, from_logits=True, label_smoothing=0.125)),
        ("binaryFocal", {"gamma": 2}, "yes", k.BinaryFocalCrossentropy(from_logits=True)),
        ("binaryFocal", {"gamma": 0.5}, "soft", k.BinaryFocalCrossentropy(gamma=0.5, from_logits=True)),
        ("binaryFocal", {"gamma": 1.5, "alpha": 0.25, "smoothing": 0.25}, "yes",
         k.BinaryFocalCrossentropy(True, 0.25, 1.5, from_logits=True, label_smoothing=0.25)),
        ("meanSquaredError", {}, "numbers", k.MeanSquaredError()),
        ("meanAbsoluteError", {}, "numbers", k.MeanAbsoluteError()),
        ("huber", {"delta": 0.5}, "numbers", k.Huber(0.5)),
        ("huber", {"delta": 1}, "numbers", k.Huber()),
    ]
    targets = {"soft": soft, "yes": yes, "numbers": numbers, "classes": np.eye(columns)[classes]}
    found = []
    for name, options, target, loss in cases:
        truth = targets[target]
        if isinstance(loss, k.SparseCategoricalCrossentropy):
            truth = classes
        for weighted in (False, True):
            z = tf.Variable(predictions)
            with tf.GradientTape() as tape:
                value = loss(truth, z, sample_weight=weights if weighted else None)
            found.append({
                "loss": name, "options": options, "targets": target, "isWeighted": weighted, "value": float(value),
                "gradient": flat(tf.convert_to_tensor(tape.gradient(value, z)))})
    return {
        "columns": columns, "predictions": flat(predictions), "classes": classes.tolist(), "weights": flat(weights),
        "targets": {name: flat(targets[name]) for name in ("soft", "yes", "numbers")}, "cases": found}


names, shapes, steps = ["kernel", "bias", "gamma"], [(3, 4), (4,), (5,)], 10
start = [exact(random.normal(size=s)) for s in shapes]
gradients = [
    [exact(random.normal(size=s) * scale) for s, scale in zip(shapes, (2, 0.25, 1))] for _ in range(steps)]
gradients[3] = [g * 0 for g in gradients[3]]
rates = [2**-7] * 4 + [2**-6] * 3 + [2**-9] * 3


def join(parts):
    return np.concatenate([flat(p) for p in parts]).tolist()


def optimizers():
    k = keras.optimizers
    adam = dict(beta_1=0.875, beta_2=0.96875, epsilon=2**-20)
    adam_options = {"beta1": 0.875, "beta2": 0.96875, "epsilon": 2**-20}
    rms = dict(rho=0.875, epsilon=2**-20)
    rms_options = {"decay": 0.875, "epsilon": 2**-20}
    decay, no_vectors = {"weightDecay": 2**-4}, {"weightDecay": 2**-4, "decaysVectors": False}
    cases = [
        ("sgd", {}, k.SGD, {}),
        ("sgd", {"momentum": 0.875}, k.SGD, {"momentum": 0.875}),
        ("sgd", {"momentum": 0.875, "nesterov": True}, k.SGD, {"momentum": 0.875, "nesterov": True}),
        ("sgd", {"momentum": 0.875, **decay}, k.SGD, {"momentum": 0.875, "weight_decay": 2**-4}),
        ("sgd", {"momentum": 0.875, "clipNorm": 0.5}, k.SGD, {"momentum": 0.875, "clipnorm": 0.5}),
        ("sgd", {"clipGlobalNorm": 2}, k.SGD, {"global_clipnorm": 2}),
        ("sgd", {"clipGlobalNorm": 64}, k.SGD, {"global_clipnorm": 64}),
        ("sgd", {"clipValue": 0.5}, k.SGD, {"clipvalue": 0.5}),
        ("sgd", {"momentum": 0.875, "averaging": 0.75}, k.SGD,
         {"momentum": 0.875, "use_ema": True, "ema_momentum": 0.75}),
        ("rmsprop", {**rms_options}, k.RMSprop, {**rms}),
        ("rmsprop", {**rms_options, "centered": True}, k.RMSprop, {**rms, "centered": True}),
        ("rmsprop", {**rms_options, "momentum": 0.75}, k.RMSprop, {**rms, "momentum": 0.75}),
        ("rmsprop", {**rms_options, "momentum": 0.75, "centered": True, **decay}, k.RMSprop,
         {**rms, "momentum": 0.75, "centered": True, "weight_decay": 2**-4}),
        ("adam", adam_options, k.Adam, adam),
        ("adam", {**adam_options, "amsgrad": True}, k.Adam, {**adam, "amsgrad": True}),
        ("adam", {**adam_options, **decay}, k.AdamW, {**adam, "weight_decay": 2**-4}),
        ("adam", {**adam_options, **no_vectors}, k.AdamW, {**adam, "weight_decay": 2**-4}),
        ("adam", {**adam_options, **no_vectors, "amsgrad": True, "clipGlobalNorm": 2, "averaging": 0.75}, k.AdamW,
         {**adam, "weight_decay": 2**-4, "amsgrad": True, "global_clipnorm": 2, "use_ema": True,
          "ema_momentum": 0.75}),
    ]
    slots = {
        "momentum": "momentum", "velocity": "velocity", "average_gradient": "averageGradient",
        "velocity_hat": "largestVelocity"}
    found = []
    for rule, options, kind, arguments in cases:
        variables = [keras.Variable(w, name=n) for w, n in zip(start, names)]
        optimizer = kind(learning_rate=rates[0], **arguments)
        if options.get("decaysVectors", True) is False:
            optimizer.exclude_from_weight_decay(var_names=["bias", "gamma"])
        optimizer.build(variables)

        def state():
            content = {"weights": join(variables)}
            for name, own in slots.items():
                parts = [v for v in optimizer.variables if v.path.endswith("_" + name)]
                if parts:
                    content[own] = join(parts)
            if arguments.get("use_ema"):
                content["average"] = join(optimizer._model_variables_moving_average)
            return content

        states = []
        for step in range(steps):
            optimizer.learning_rate = rates[step]
            optimizer.apply([tf.convert_to_tensor(g) for g in gradients[step]], variables)
            if step in (0, steps - 1):
                states.append(state())
        found.append({"rule": rule, "options": options, "first": states[0], "tenth": states[1]})
    return found


def torch_optimizers():
    """torch.optim's formulas, as its documentation states them."""

    def sgd(w, g, s, rate, momentum, nesterov=False):
        s["b"] = g if "b" not in s else momentum * s["b"] + g
        return w - rate * (g + momentum * s["b"] if nesterov else s["b"])

    def rmsprop(w, g, s, rate, alpha, eps, momentum=0, centered=False):
        s["v"] = alpha * s.get("v", 0) + (1 - alpha) * g * g
        v = s["v"]
        if centered:
            s["a"] = alpha * s.get("a", 0) + (1 - alpha) * g
            v = v - s["a"] ** 2
        change = g / (np.sqrt(v) + eps)
        s["b"] = momentum * s.get("b", 0) + change
        return w - rate * s["b"]

    def adam(w, g, s, rate, beta1, beta2, eps, decay=0, amsgrad=False):
        w = w * (1 - rate * decay)
        s["t"] = s.get("t", 0) + 1
        s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
        s["v"] = beta2 * s.get("v", 0) + (1 - beta2) * g * g
        v = s["v"]
        if amsgrad:
            v = s["h"] = np.maximum(s.get("h", 0), v)
        m_hat, v_hat = s["m"] / (1 - beta1 ** s["t"]), v / (1 - beta2 ** s["t"])
        return w - rate * m_hat / (np.sqrt(v_hat) + eps)

    eps = 2**-10  # large, so that its place shows
    adam_options = {"beta1": 0.875, "beta2": 0.96875, "epsilon": eps}
    cases = [
        ("sgd", {"momentum": 0.875}, sgd, {"momentum": 0.875}),
        ("sgd", {"momentum": 0.875, "nesterov": True}, sgd, {"momentum": 0.875, "nesterov": True}),
        ("rmsprop", {"decay": 0.875, "epsilon": eps}, rmsprop, {"alpha": 0.875, "eps": eps}),
        ("rmsprop", {"decay": 0.875, "epsilon": eps, "momentum": 0.75, "centered": True}, rmsprop,
         {"alpha": 0.875, "eps": eps, "momentum": 0.75, "centered": True}),
        ("adam", {**adam_options, "weightDecay": 2**-4}, adam,
         {"beta1": 0.875, "beta2": 0.96875, "eps": eps, "decay": 2**-4}),
        ("adam", {**adam_options, "amsgrad": True}, adam,
         {"beta1": 0.875, "beta2": 0.96875, "eps": eps, "amsgrad": True}),
    ]
    found = []
    for rule, options, update, arguments in cases:
        w, state, states = np.array(join(start)), {}, []
        for step in range(steps):
            w = update(w, np.array(join(gradients[step])), state, rates[step], **arguments)
            if step in (0, steps - 1):
                states.append({"weights": w.tolist()})
        found.append({"rule": rule, "options": options, "first": states[0], "tenth": states[1]})
    return found


def schedules():
    s = keras.optimizers.schedules
    half, start = np.float64(0.5), np.float64(0.0625)  # Python's numbers become 32-bit floats
    at = list(range(0, 41)) + [79, 80, 81, 99, 100, 1000]
    cases = [
        ("cosine", {"initial": 0.5, "steps": 30}, s.CosineDecay(half, 30)),
        ("cosine", {"initial": 0.5, "steps": 30, "floor": 0.125}, s.CosineDecay(half, 30, alpha=0.125)),
        ("cosine", {"initial": 0.5, "steps": 30, "floor": 0.125, "start": 0.0625, "warmUp": 10},
         s.CosineDecay(start, 30, alpha=0.125, warmup_target=0.5, warmup_steps=10)),
        ("exponential", {"initial": 0.5, "steps": 8, "factor": 0.75}, s.ExponentialDecay(half, 8, 0.75)),
        ("exponential", {"initial": 0.5, "steps": 8, "factor": 0.75, "staircase": True},
         s.ExponentialDecay(half, 8, 0.75, staircase=True)),
        ("inverseTime", {"initial": 0.5, "steps": 8, "factor": 0.75}, s.InverseTimeDecay(half, 8, 0.75)),
        ("inverseTime", {"initial": 0.5, "steps": 8, "factor": 0.75, "staircase": True},
         s.InverseTimeDecay(half, 8, 0.75, staircase=True)),
        ("polynomial", {"initial": 0.5, "steps": 30, "final": 0.125, "power": 1}, s.PolynomialDecay(half, 30, 0.125)),
        ("polynomial", {"initial": 0.5, "steps": 30, "final": 0.125, "power": 1.5},
         s.PolynomialDecay(half, 30, 0.125, power=1.5)),
        ("piecewise", {"boundaries": [10, 20, 80], "values": [0.5, 0.25, 0.125, 0.0625]},
         s.PiecewiseConstantDecay([10, 20, 80], [0.5, 0.25, 0.125, 0.0625])),
    ]
    return {"steps": at, "cases": [
        {"schedule": name, "options": options, "rates": [float(schedule(step)) for step in at]}
        for name, options, schedule in cases]}


def plateaus():
    class Optimizer:
        learning_rate = 0.5

    class Model:
        pass

    losses = exact([3, 2.5, 2.5, 2.484375, 2.5, 2.5, 2.25, 2.25, 2.5, 2.5, 2.5, 2.5, 2.5, 2.0, 2.0, 2.0, 2.0, 2.0])
    found = []
    for options, arguments in [
        ({"factor": 0.5, "patience": 2, "leastChange": 2**-5}, dict(factor=0.5, patience=2, min_delta=2**-5)),
        ({"factor": 0.5, "patience": 1, "leastChange": 0, "cooldown": 2, "leastRate": 2**-4},
         dict(factor=0.5, patience=1, min_delta=0, cooldown=2, min_lr=2**-4)),
        ({"factor": 0.5, "patience": 3, "leastChange": 0, "isHigherBetter": True},
         dict(factor=0.5, patience=3, min_delta=0, mode="max"))]:
        Model.optimizer = Optimizer()
        callback = keras.callbacks.ReduceLROnPlateau(monitor="loss", mode=arguments.pop("mode", "min"), **arguments)
        callback.set_model(Model)
        callback.on_train_begin()
        learned = []
        for epoch, loss in enumerate(losses):
            callback.on_epoch_end(epoch, {"loss": loss})
            learned.append(float(Model.optimizer.learning_rate))
        found.append({"options": options, "rates": learned})
    return {"losses": flat(losses), "cases": found}


def penalties():
    r = keras.regularizers
    w = exact(random.normal(size=12))
    w[3] = 0
    found = []
    for l1, l2, regularizer in [(0.125, 0, r.L1(0.125)), (0, 0.25, r.L2(0.25)), (0.125, 0.25, r.L1L2(0.125, 0.25))]:
        v = tf.Variable(w)
        with tf.GradientTape() as tape:
            value = regularizer(v)
        found.append({"l1": l1, "l2": l2, "value": float(value), "gradient": flat(tape.gradient(value, v))})
    return {"weights": flat(w), "cases": found}


def binary():
    scores = np.round(random.normal(size=40) * 4) / 4  # some are 0, which is no yes
    targets = (random.random(40) < 1 / (1 + np.exp(-scores))).astype(float)
    p = 1 / (1 + np.exp(-scores))
    m = keras.metrics
    found = {"scores": flat(scores), "targets": flat(targets)}
    for name, metric in [
        ("accuracy", m.BinaryAccuracy()), ("precision", m.Precision()), ("recall", m.Recall()),
        ("specificity", m.TrueNegatives())]:
        metric.update_state(targets, p)
        found[name] = float(metric.result())
    found["specificity"] /= float((targets == 0).sum())
    return found


content = {
    "losses": losses(),
    "optimization": {
        "names": names, "shapes": shapes, "start": join(start), "rates": rates,
        "gradients": [join(g) for g in gradients], "keras": optimizers(), "pytorch": torch_optimizers()},
    "schedules": schedules(), "plateaus": plateaus(), "penalties": penalties(), "binary": binary()}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optimization.json")
with open(path, "w") as file:
    json.dump(content, file, separators=(",", ":"))
    file.write("\n")
