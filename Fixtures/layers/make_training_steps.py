#!/usr/bin/env python3
"""Writes training_steps.npz: small networks that Keras trains for ten steps in float64, with every optimizer, loss,
way to freeze layers and mode of batch norms.

    python make_training_steps.py

The archive has `networks`, JSON as bytes, and `numbers`, the float64 values that it points into: {"at": the first,
"shape": [...]}. Of each case there are the losses of the ten steps, and after steps 1 and 10 the change of every
weight and moving statistic since the start, and what the optimizer remembers. Beside each stands how far from that
Keras in float32 is, as a Euclidean distance. Changes are rounded to 36 bits, which zip smaller.

Constants are exact in binary, because Keras keeps some of them in float32. Inputs and weights are multiples of 1/4096.
The steps are `train_on_batch`, except where batch norms are fixed while their gamma and beta learn, which only a loop of
one's own can do.
"""
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf

L = keras.layers
EPSILON, MOMENTUM, RATE, STEPS, COUNT = 2.0**-10, 0.875, 2.0**-7, 10, 6
SILENT = ("_initializer", "_constraint")
numbers, networks, cases = [], {}, []


def multiples(rng, shape, low=-1.0, high=1.0):
    return rng.integers(int(low * 4096), int(high * 4096), size=shape) / 4096


def rounded(values):
    bits = np.ascontiguousarray(values, "float64").view("uint64")
    return ((bits + np.uint64(1 << 15)) & np.uint64(0xFFFFFFFFFFFF0000)).view("float64")


def put(values):
    values = np.asarray(values, "float64")
    place = {"at": sum(map(len, numbers)), "shape": list(values.shape)}
    numbers.append(values.ravel())
    return place


def bare(value):
    if isinstance(value, dict):
        return {k: bare(v) for k, v in value.items()
                if not k.endswith(SILENT) and k not in ("build_config", "compile_config")}
    return [bare(v) for v in value] if isinstance(value, list) else value


# MARK: Networks


def norm(**options):
    return L.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, **options)


def conv(filters, size, strides=1, bias=False, **options):
    return L.Conv2D(filters, size, strides=strides, padding="same", use_bias=bias, **options)


def head(y, units=3, activation="softmax", **options):
    if len(y.shape) > 2:
        y = L.GlobalAveragePooling2D(name="pool")(y)
    return L.Dense(units, activation=activation, name="head", **options)(y)


def small():
    x = keras.Input((7, 6, 3))
    y = L.ReLU()(norm()(conv(4, 3, 2)(x)))
    y = L.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
    y = L.ReLU(max_value=6.0)(norm(scale=False)(y))
    y = L.ReLU()(norm()(conv(6, 1)(y)))
    return keras.Model(x, head(y))


def residual():
    x = keras.Input((8, 7, 2))
    y = L.ReLU(name="stem_relu")(norm(name="stem_norm")(conv(4, 3, name="stem")(x)))
    z = L.ReLU(name="one_relu")(norm(name="one_norm")(conv(3, 3, name="one_conv")(y)))
    y = L.Add(name="one_add")([y, norm(name="one_last")(conv(4, 1, name="one_project")(z))])
    z = L.ReLU(name="two_relu")(norm(name="two_norm")(conv(4, 3, 2, name="two_conv")(y)))
    z = norm(center=False, name="two_last")(conv(6, 1, name="two_project")(z))
    y = L.Add(name="two_add")([norm(name="two_side")(conv(6, 1, 2, name="two_shortcut")(y)), z])
    y = L.Dropout(0.0, name="drop")(L.ReLU(name="two_out")(y))
    return keras.Model(x, head(y))


def plain(activation):
    x = keras.Input((4, 4, 2))
    y = L.Conv2D(3, 2, activation="relu")(x)
    return keras.Model(x, head(L.Flatten()(y), 4, activation))


def penalized():
    r = keras.regularizers
    x = keras.Input((5, 5, 2))
    y = L.Conv2D(4, 3, kernel_regularizer=r.L2(2**-4), bias_regularizer=r.L1(2**-6))(x)
    y = L.ReLU()(norm(gamma_regularizer=r.L2(2**-5), beta_regularizer=r.L1L2(2**-6, 2**-5))(y))
    y = L.SeparableConv2D(
        4, 2, depthwise_regularizer=r.L1(2**-6), pointwise_regularizer=r.L1L2(2**-7, 2**-5))(y)
    frozen = L.Conv2D(4, 1, kernel_regularizer=r.L2(2**-4), trainable=False)
    return keras.Model(x, head(L.Activation("tanh")(frozen(y)), kernel_regularizer=r.L2(2**-5)))


def convolutions():
    x = keras.Input((9, 8, 3))
    y = L.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
    y = L.Conv2D(6, 3, groups=2, padding="same", use_bias=False)(y)
    y = L.ReLU(max_value=6.0)(norm()(y))
    y = L.DepthwiseConv2D((3, 2), padding="same", depth_multiplier=2, activation="tanh")(y)
    y = L.Conv2D(4, 2, dilation_rate=(2, 1), padding="same", activation="silu")(y)
    y = L.ZeroPadding2D(((1, 0), (2, 1)))(y)
    y = L.SeparableConv2D(5, 3, depth_multiplier=2, activation="sigmoid")(y)
    y = L.Cropping2D(((0, 1), (1, 0)))(y)
    return keras.Model(x, head(L.Flatten()(y)))


def strides():
    x = keras.Input((11, 10, 2))
    y = [L.Conv2D(3, 3, strides=3, padding="same")(x), L.DepthwiseConv2D(3, strides=3, padding="same")(x),
         L.Conv2D(2, (5, 2), strides=3, padding="same", activation="elu")(x)]
    y = L.ReLU()(norm()(L.Concatenate()(y)))
    y = L.Conv2D(3, 2, strides=2, padding="valid")(y)
    return keras.Model(x, head(L.ReLU()(y)))


def wide():
    # Of a size that Winograd's algorithm serves.
    x = keras.Input((12, 11, 2))
    y = L.ReLU()(norm()(conv(16, 3)(x)))
    return keras.Model(x, head(L.ReLU()(norm()(conv(16, 3)(y)))))


def dense():
    x = keras.Input((3, 4, 2))
    y = L.Dense(5, activation="relu")(x)
    y = L.Reshape((4, 15))(y)
    y = norm()(L.Dense(6, use_bias=False)(L.Flatten()(y)))
    return keras.Model(x, head(L.Activation("tanh")(y)))


def poolings():
    x = keras.Input((9, 8, 2))
    y = conv(3, 3, bias=True)(x)
    y = L.Concatenate()([L.MaxPooling2D(3, 2, padding="same")(y), L.AveragePooling2D(3, 2, padding="same")(y)])
    y = conv(4, 1, activation="relu")(y)
    z = L.AveragePooling2D((2, 3), (2, 1))(y)
    y = L.Concatenate()([L.GlobalMaxPooling2D()(y), L.GlobalAveragePooling2D()(y), L.Flatten()(z),
                         L.GlobalMaxPooling2D()(L.MaxPooling2D(2, 1)(y))])
    return keras.Model(x, head(y))


def merges():
    x = keras.Input((4, 3, 2))
    a, b = conv(4, 1, bias=True)(x), conv(4, 2, bias=True, activation="tanh")(x)
    y = [L.Add()([a, b, a]), L.Subtract()([a, b]), L.Multiply()([a, b]), L.Average()([a, b]), L.Maximum()([a, b]),
         L.Minimum()([a, b])]
    return keras.Model(x, head(L.ReLU()(conv(4, 1, bias=True)(L.Concatenate()(y)))))


def broadcasting():
    x = keras.Input((5, 6, 4))
    y = norm()(conv(6, 1)(x))
    gate = L.GlobalAveragePooling2D(keepdims=True)(y)
    gate = L.Conv2D(6, 1, activation="sigmoid")(L.Conv2D(2, 1, activation="silu")(gate))
    y = L.Multiply()([y, gate])
    row = L.Conv2D(1, (5, 1), activation="tanh")(y)
    y = L.Add()([y, row])
    return keras.Model(x, head(L.Maximum()([y, L.GlobalMaxPooling2D(keepdims=True)(gate)])))


def activations():
    names = ["relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "hard_sigmoid", "hard_silu", "tanh",
             "softplus", "softsign", "exponential", "mish", "softmax"]
    x = keras.Input((3, 3, 4))
    y = L.Conv2D(4, 1, kernel_initializer="zeros")(x)
    y = [L.Activation(n)(y) for n in names] + [
        L.LeakyReLU(0.25)(y), L.ELU(0.5)(y), L.ReLU(max_value=2.5, negative_slope=0.25, threshold=0.5)(y)]
    return keras.Model(x, head(L.Concatenate()(y)))


def shared():
    x = keras.Input((4, 3, 2))
    twice, scale = L.Conv2D(2, 3, padding="same"), norm()
    y = scale(twice(x))
    z = scale(twice(L.Activation("tanh")(y)))
    return keras.Model(x, head(L.Add()([y, z])))


def transposed():
    x = keras.Input((4, 3, 2))
    y = L.Conv2DTranspose(4, 3, strides=(2, 3), padding="same", use_bias=False)(conv(3, 1, bias=True)(x))
    y = L.ReLU()(norm()(y))
    y = L.Conv2DTranspose(3, (2, 3), activation="tanh")(y)
    return keras.Model(x, head(L.Conv2DTranspose(3, 2, strides=2)(y)))


def layer_norms():
    x = keras.Input((4, 3, 2))
    y = L.LayerNormalization(epsilon=EPSILON)(conv(6, 2, bias=True)(x))
    y = L.Conv2D(6, 1, activation="tanh")(y)
    y = L.LayerNormalization(epsilon=EPSILON, scale=False)(L.Dense(5)(L.Flatten()(y)))
    return keras.Model(x, head(y))


def other_norms():
    x = keras.Input((4, 3, 2))
    y = L.GroupNormalization(2, epsilon=EPSILON)(conv(6, 2, bias=True)(x))
    y = L.RMSNormalization(epsilon=EPSILON)(L.Conv2D(4, 1)(y))
    y = L.LayerNormalization(axis=[1, 2, 3], epsilon=EPSILON)(y)
    return keras.Model(x, head(L.UnitNormalization()(L.Flatten()(y))))


def scaled():
    x = keras.Input((4, 3, 2))
    y = L.Rescaling(0.5, 0.25)(conv(4, 2, bias=True)(x))
    y = L.Normalization(mean=[0.5, 1, -1, 2], variance=[0.25, 4, 1, 16])(y)
    # Its data has a mean and a variance that floats hold exactly.
    adapted = L.Normalization()
    adapted.adapt(np.array([[1.5, -2.0], [2.5, 3.0], [1.5, 3.0], [2.5, -2.0]]).reshape((2, 1, 2, 2)).repeat(2, -1))
    y = adapted(y)
    return keras.Model(x, head(L.ReLU()(conv(3, 1, bias=True)(y))))


def prelu():
    x = keras.Input((4, 3, 2))
    y = L.PReLU(shared_axes=[1, 2])(conv(4, 2, bias=True)(x))
    return keras.Model(x, head(L.PReLU()(L.Conv2D(3, 2)(y))))


def resized():
    x = keras.Input((3, 4, 2))
    y = L.UpSampling2D((2, 3))(conv(3, 2, bias=True)(x))
    return keras.Model(x, head(L.ReLU()(conv(3, 3, bias=True)(y))))


def permuted():
    x = keras.Input((3, 4, 2))
    y = L.Permute((3, 1, 2))(conv(4, 2, bias=True)(x))
    return keras.Model(x, head(L.Flatten()(L.Conv2D(2, 2, activation="relu")(y))))


# MARK: Training


def own(layer):
    """The layer's weights, but for an adapted norm's counter."""
    return [v for v in layer.weights if not v.path.endswith("count")]


def fill(model, seed):
    """Weights that neither let values grow nor shrink much."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, L.Normalization):
            continue
        for v in layer.weights:
            name = v.path.split("/")[-1]
            if name in ("gamma", "moving_variance"):
                v.assign(multiples(rng, v.shape, 0.5, 1.5))
            elif "kernel" in name:
                bound = min(1.0, (6 / np.prod(v.shape[:-1])) ** 0.5)
                v.assign(multiples(rng, v.shape, -bound, bound))
            else:
                v.assign(multiples(rng, v.shape, -0.25, 0.25))


def of_network(build, name, seed):
    """The network's weights and batches; its configuration is each case's, because that says what is frozen."""
    if name in networks:
        return networks[name]
    model = build()
    fill(model, seed)
    rng = np.random.default_rng(seed + 1)
    x = multiples(rng, (2 * COUNT,) + tuple(model.inputs[0].shape[1:]), -2, 2)
    weights = {l.name: [np.asarray(v) for v in own(l)] for l in model.layers if l.weights}
    networks[name] = {
        "weights": {l: [put(v) for v in values] for l, values in weights.items()}, "inputs": put(x), "x": x,
        "values": weights}
    return networks[name]


SLOTS = {
    "momentum": "momentum", "velocity": "velocity", "average_gradient": "averageGradient",
    "velocity_hat": "largestVelocity"}


def train(build, name, seed, make_optimizer, make_loss, freeze, mode, targets, weighing, precision):
    """Runs the steps; returns the configuration, the losses, and the states after the first and the last."""
    keras.backend.clear_session()
    keras.config.set_floatx(precision)
    keras.config.set_dtype_policy(precision)
    network = of_network(build, name, seed)
    keras.backend.clear_session()
    model, optimizer, loss = build(), make_optimizer(), make_loss()
    for layer in model.layers:
        for v, value in zip(own(layer), network["values"][layer.name] if layer.weights else []):
            v.assign(value)
        is_norm = isinstance(layer, L.BatchNormalization)
        if layer.weights and (freeze(layer) or (is_norm and mode == "frozen")):
            layer.trainable = False
    start = {v.path: np.asarray(v, "float64") for v in model.variables}
    model.compile(optimizer=optimizer, loss=loss, run_eagerly=True)
    optimizer.build(model.trainable_variables)
    x, y = network["x"].astype(precision), targets if targets.dtype == "int64" else targets.astype(precision)

    def by_tape(x, y, weights):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=False), sample_weight=weights)
            value += sum(model.losses) if model.losses else 0.0
        optimizer.apply(tape.gradient(value, [v.value for v in model.trainable_variables]), model.trainable_variables)
        return float(value)

    def state():
        layers = {}
        for layer in model.layers:
            if layer.weights and not isinstance(layer, L.Normalization):
                own = [np.asarray(v, "float64") - start[v.path] for v in layer.weights]
                if any(v.any() for v in own):
                    layers[layer.name] = own
        slots = {}
        where = {v.path: (l.name, i) for l in model.layers for i, v in enumerate(l.weights)}

        def note(slot, variables):
            for own, v in zip(variables, model.trainable_variables):
                layer, index = where[v.path]
                slots.setdefault(slot, {}).setdefault(layer, {})[index] = np.asarray(own, "float64")

        for ending, own in SLOTS.items():
            parts = [v for v in optimizer.variables if v.path.endswith("_" + ending)]
            if parts:
                assert len(parts) == len(model.trainable_variables)
                note(own, parts)
        if optimizer.use_ema:
            note("average", optimizer._model_variables_moving_average)
        return layers, slots

    losses, states = [], []
    for step in range(STEPS):
        part = slice(COUNT * (step % 2), COUNT * (step % 2 + 1))
        weights = weighing.get("examples")
        weights = None if weights is None else weights[part].astype(precision)
        if mode == "learning":
            losses.append(by_tape(x[part], y[part], weights))
        else:
            model.reset_metrics()
            losses.append(float(model.train_on_batch(
                x[part], y[part], sample_weight=weights, class_weight=weighing.get("classes"))))
        if step in (0, STEPS - 1):
            states.append(state())
    return bare(json.loads(model.to_json())), losses, states


def case(name, build, family, rule="sgd", options={}, optimizer=None, loss="softmaxCrossEntropy", loss_options={},
         make_loss=None, targets=None, freeze=lambda layer: False, mode="batch", weighing={}, keeps_slots=False, of=None):
    if optimizer is None:
        options, optimizer = {"momentum": 0.875}, lambda: keras.optimizers.SGD(RATE, momentum=0.875)
    make_loss = make_loss or (lambda: keras.losses.SparseCategoricalCrossentropy())
    seed = sum(map(ord, of or build.__name__))
    targets = CLASSES if targets is None else targets
    args = (build, of or build.__name__, seed, optimizer, make_loss, freeze, mode, targets, weighing)
    config, losses, states = train(*args, "float64")
    _, losses32, states32 = train(*args, "float32")
    keras.config.set_floatx("float64")

    def kept(state, other):
        (layers, slots), (layers32, slots32) = state, other

        def pair(own, theirs):
            theirs = np.zeros_like(own) if theirs is None else theirs
            return {**put(rounded(own)), "float32": float(np.linalg.norm(own - theirs))}

        return {
            "changes": {l: [pair(v, layers32.get(l, {i: None for i in range(len(own))})[i]) for i, v in enumerate(own)]
                        for l, own in layers.items()},
            "slots": {s: {l: {str(i): pair(v, slots32[s][l][i]) for i, v in own.items()} for l, own in layers.items()}
                      for s, layers in slots.items()} if keeps_slots else {}}

    cases.append({
        "name": name, "family": family, "network": of or build.__name__, "config": config, "mode": mode, "rule": rule,
        "options": options, "rate": RATE, "loss": loss, "lossOptions": loss_options,
        "targets": {"classes": targets.tolist()} if targets.dtype == "int64" else {"values": put(targets)},
        "weights": weighing["examples"].tolist() if "examples" in weighing else None,
        "classWeights": [weighing["classes"][k] for k in sorted(weighing["classes"])] if "classes" in weighing else None,
        "losses": losses, "losses32": losses32, "first": kept(states[0], states32[0]),
        "tenth": kept(states[1], states32[1])})
    drift = max(abs(a - b) for a, b in zip(losses, losses32))
    print(f"{name}: loss {losses[0]:.4f} to {losses[-1]:.4f}, float32 off by {drift:.1e}", flush=True)


RANDOM = np.random.default_rng(13)
CLASSES = RANDOM.integers(0, 3, 2 * COUNT)
FOUR = RANDOM.integers(0, 4, 2 * COUNT)
EXAMPLES = RANDOM.integers(0, 9, 2 * COUNT) / 4
YES = RANDOM.integers(0, 2, (2 * COUNT, 4)).astype("float64")
NUMBERS = multiples(RANDOM, (2 * COUNT, 4), -2, 2)


def optimizers():
    k = keras.optimizers
    adam = dict(beta_1=0.875, beta_2=0.96875, epsilon=2**-20)
    adam_options = {"beta1": 0.875, "beta2": 0.96875, "epsilon": 2**-20}
    rms = dict(rho=0.875, epsilon=2**-20)
    rms_options = {"decay": 0.875, "epsilon": 2**-20}
    decay, no_vectors = {"weightDecay": 2**-4}, {"weightDecay": 2**-4, "decaysVectors": False}
    for name, rule, options, kind, arguments in [
        ("SGD", "sgd", {}, k.SGD, {}),
        ("momentum", "sgd", {"momentum": 0.875}, k.SGD, {"momentum": 0.875}),
        ("Nesterov", "sgd", {"momentum": 0.875, "nesterov": True}, k.SGD, {"momentum": 0.875, "nesterov": True}),
        ("momentum with decay", "sgd", {"momentum": 0.875, **decay}, k.SGD,
         {"momentum": 0.875, "weight_decay": 2**-4}),
        ("norms clipped", "sgd", {"momentum": 0.875, "clipNorm": 0.0625}, k.SGD,
         {"momentum": 0.875, "clipnorm": 0.0625}),
        ("global norm clipped", "sgd", {"momentum": 0.875, "clipGlobalNorm": 0.125}, k.SGD,
         {"momentum": 0.875, "global_clipnorm": 0.125}),
        ("values clipped", "sgd", {"momentum": 0.875, "clipValue": 2**-5}, k.SGD,
         {"momentum": 0.875, "clipvalue": 2**-5}),
        ("averaged", "sgd", {"momentum": 0.875, "averaging": 0.75}, k.SGD,
         {"momentum": 0.875, "use_ema": True, "ema_momentum": 0.75}),
        ("RMSprop", "rmsprop", rms_options, k.RMSprop, rms),
        ("RMSprop, centered", "rmsprop", {**rms_options, "centered": True}, k.RMSprop, {**rms, "centered": True}),
        ("RMSprop with momentum", "rmsprop", {**rms_options, "momentum": 0.75}, k.RMSprop, {**rms, "momentum": 0.75}),
        ("Adam", "adam", adam_options, k.Adam, adam),
        ("AMSGrad", "adam", {**adam_options, "amsgrad": True}, k.Adam, {**adam, "amsgrad": True}),
        ("AdamW", "adam", {**adam_options, **decay}, k.AdamW, {**adam, "weight_decay": 2**-4}),
        ("AdamW, vectors left alone", "adam", {**adam_options, **no_vectors}, k.AdamW,
         {**adam, "weight_decay": 2**-4}),
        ("AMSGrad, averaged, clipped", "adam",
         {**adam_options, **decay, "amsgrad": True, "clipGlobalNorm": 0.125, "averaging": 0.75}, k.AdamW,
         {**adam, "weight_decay": 2**-4, "amsgrad": True, "global_clipnorm": 0.125, "use_ema": True,
          "ema_momentum": 0.75}),
    ]:
        def make():
            made = kind(learning_rate=RATE, **arguments)
            if options.get("decaysVectors", True) is False:
                made.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
            return made

        for mode in ("batch", "learning") if rule == "adam" and options == adam_options else ("batch",):
            case(f"{name}, {mode}", small, "optimizers", rule, options, make, mode=mode, keeps_slots=True)


def freezing():
    is_norm = lambda l: isinstance(l, L.BatchNormalization)
    for frozen, freeze in [
        ("head only", lambda l: l.name != "head"), ("last stage", lambda l: l.name.startswith(("stem", "one"))),
        ("a middle stage", lambda l: not l.name.startswith("one")),
        ("all but batch norms", is_norm), ("batch norms alone", lambda l: not is_norm(l)), ("all", lambda l: False)]:
        for mode in ("frozen", "learning", "batch"):
            # Frozen norms make some of these the same, or leave nothing to learn.
            if (frozen == "all but batch norms" and mode != "frozen") or (
                    frozen in ("all", "batch norms alone") and mode == "frozen"):
                continue
            case(f"{frozen}, norms {mode}", residual, "freezing", freeze=freeze, mode=mode)


def losses():
    k = keras.losses
    one_hot = np.eye(4)[FOUR]
    case("classes", lambda: plain("softmax"), "losses", targets=FOUR, of="classes")
    case("one-hot", lambda: plain("softmax"), "losses", targets=one_hot, of="classes",
         make_loss=lambda: k.CategoricalCrossentropy())
    case("label smoothing", lambda: plain("softmax"), "losses", targets=one_hot, of="classes",
         loss_options={"smoothing": 0.125}, make_loss=lambda: k.CategoricalCrossentropy(label_smoothing=0.125))
    case("sample weights", lambda: plain("softmax"), "losses", targets=FOUR, of="classes",
         weighing={"examples": EXAMPLES})
    case("class weights", lambda: plain("softmax"), "losses", targets=FOUR, of="classes",
         weighing={"classes": {0: 0.5, 1: 2.0, 2: 1.25, 3: 0.25}})
    case("sample weights, norms by the batch", residual, "losses", weighing={"examples": EXAMPLES})
    case("sample weights, norms learning", residual, "losses", weighing={"examples": EXAMPLES}, mode="learning")
    for name, loss, options, target, make in [
        ("binary", "binaryCrossEntropy", {}, YES, lambda: k.BinaryCrossentropy(from_logits=True)),
        ("binary, smoothed", "binaryCrossEntropy", {"smoothing": 0.25}, YES,
         lambda: k.BinaryCrossentropy(from_logits=True, label_smoothing=0.25)),
        ("focal", "categoricalFocal", {"alpha": 0.25, "gamma": 2}, one_hot,
         lambda: k.CategoricalFocalCrossentropy(from_logits=True)),
        ("binary focal", "binaryFocal", {"gamma": 2}, YES, lambda: k.BinaryFocalCrossentropy(from_logits=True)),
        ("squared error", "meanSquaredError", {}, NUMBERS, lambda: k.MeanSquaredError()),
        ("absolute error", "meanAbsoluteError", {}, NUMBERS, lambda: k.MeanAbsoluteError()),
        ("Huber", "huber", {"delta": 0.5}, NUMBERS, lambda: k.Huber(0.5))]:
        case(name, lambda: plain("linear"), "losses", loss=loss, loss_options=options, targets=target, make_loss=make,
             of="numbers")
    case("penalties", penalized, "losses")
    case("penalties, norms learning", penalized, "losses", mode="learning")
    case("penalties, AdamW", penalized, "losses", "adam",
         {"beta1": 0.875, "beta2": 0.96875, "epsilon": 2**-20, "weightDecay": 2**-4},
         lambda: keras.optimizers.AdamW(RATE, 2**-4, beta_1=0.875, beta_2=0.96875, epsilon=2**-20))


def operations():
    for build in [convolutions, strides, wide, dense, poolings, merges, broadcasting, activations, shared, transposed,
                  layer_norms, other_norms, scaled, prelu, resized, permuted]:
        case(build.__name__.replace("_", " "), build, "operations")
    for build in [convolutions, strides, wide, dense, shared]:
        case(build.__name__ + ", norms learning", build, "operations", mode="learning")


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "training_steps.npz")
    optimizers(), freezing(), losses(), operations()
    for network in networks.values():
        del network["x"], network["values"]
    text = json.dumps({"count": COUNT, "networks": networks, "cases": cases}, separators=(",", ":")).encode()
    np.savez_compressed(path, networks=np.frombuffer(text, "uint8"), numbers=np.concatenate(numbers))
    print(len(cases), "cases,", len(text), "bytes of text,", sum(map(len, numbers)), "numbers,",
          os.path.getsize(path), "bytes")


if __name__ == "__main__":
    main()
