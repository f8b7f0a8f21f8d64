"""Writes networks.npz (one array of bytes, JSON): small networks by their Keras configuration, with weights, inputs and outputs.

    python make_networks.py [--later]

With `--later` it keeps the networks that are there and makes those of `LATER` anew.

The network `nested and shared` is also saved by each, as nested.k2.h5 and nested.keras, with its inputs and
outputs in nested.*.io.npz.

Configurations are those of Keras 3 and of Keras 2 (tf_keras), without initializers, regularizers and
constraints. Keras 1 can't be installed any more: its configurations (`keras1`) are written by hand after its
source, beside the same network in Keras 3, which computes the outputs. All is computed in float64, except
that TensorFlow resizes images and looks up hard constants in float32. Inputs and weights are multiples of
1/32, so that few digits hold them exactly.
"""
import json
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf
import tf_keras

keras.config.set_floatx("float64")
tf_keras.backend.set_floatx("float64")
rng = np.random.default_rng(3)
cases = []
SILENT = ("_initializer", "_regularizer", "_constraint")


def multiples(shape, low=-64, high=64):
    return rng.integers(low, high, size=shape) / 32


def numbers(array):
    return [float("%.15g" % v) for v in np.asarray(array, "float64").ravel()]


def bare(value):
    if isinstance(value, dict):
        return {k: bare(v) for k, v in value.items()
                if not k.endswith(SILENT) and k not in ("build_config", "compile_config")}
    return [bare(v) for v in value] if isinstance(value, list) else value


def leaves(model):
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from leaves(layer)
        elif layer.weights:
            yield layer


def case(name, model, config=None, writer=None, scale=1.0, fill=True, names=None, compiled=False):
    """Fills the model with weights, runs it, and notes all. `config` stands in for the model's own."""
    for v in model.weights if fill else []:
        path = getattr(v, "path", v.name)
        low = 1 if "variance" in path else -32
        v.assign(multiples(v.shape, low, 32) * (1 if "variance" in path else scale))
    shapes = [tuple(t.shape[1:]) for t in model.inputs]
    x = [multiples((1,) + s) for s in shapes]
    # Keras lists what is in a dictionary in the order of the names.
    given = dict(zip(sorted(names), x)) if names else x if len(x) > 1 else x[0]
    y = tf.function(lambda v: model(v, training=False), jit_compile=compiled)(given) if compiled else model(
        given, training=False)
    y = [y[k] for k in sorted(y)] if names else y if isinstance(y, (list, tuple)) else [y]
    weights = {}
    for layer in leaves(model):
        values = [np.asarray(v) for v in layer.weights if "count" not in getattr(v, "path", v.name)]
        weights[layer.name] = [{"shape": list(v.shape), "values": numbers(v)} for v in values]
    own = json.loads(model.to_json())
    cases.append({
        "name": name,
        "writer": writer or ("keras " + (keras if isinstance(model, keras.Model) else tf_keras).__version__),
        "config": bare(config or own),
        "weights": weights,
        "inputs": [{"shape": list(s), "values": numbers(v)} for s, v in zip(shapes, x)],
        "outputs": [{"shape": list(v.shape[1:]), "values": numbers(v)} for v in y],
    })


def both(name, make, *shapes):
    """One network in Keras 2 and in Keras 3; make(K, inputs) builds it."""
    for K in (keras, tf_keras):
        K.backend.clear_session()
        inputs = [K.Input(s) for s in shapes]
        case(f"{name} (keras {K.__version__[0]})", K.Model(inputs, make(K, inputs if len(inputs) > 1 else inputs[0])))


def layer(name, make, *shapes):
    both(name, lambda K, x: make(K.layers)(x), *shapes)


ACTIVATIONS = ["elu", "selu", "gelu", "silu", "swish", "sigmoid", "hard_sigmoid", "softplus", "softsign",
               "exponential", "tanh", "relu", "relu6", "mish", "softmax", "leaky_relu"]


def activations():
    for name in ACTIVATIONS:
        def make(K, x, name=name):
            if K is tf_keras and name in ("silu", "relu6", "leaky_relu"):
                function = {"silu": tf.nn.silu, "relu6": tf.nn.relu6, "leaky_relu": tf.nn.leaky_relu}[name]
                return K.layers.Activation(function)(x)
            return K.layers.Activation(name)(x)
        both("activation " + name, make, (3, 2, 5))
    for name in ("hard_silu", "hard_swish"):
        x = keras.Input((3, 2, 5))
        case("activation " + name, keras.Model(x, keras.layers.Activation(name)(x)))
    layer("relu layer", lambda L: L.ReLU(max_value=1.5, negative_slope=0.25, threshold=0.5), (3, 4, 2))
    layer("leaky relu layer", lambda L: L.LeakyReLU(0.25), (3, 4, 2))
    layer("elu layer", lambda L: L.ELU(0.5), (3, 4, 2))
    layer("softmax layer", lambda L: L.Softmax(), (3, 4, 2))
    layer("softmax over rows", lambda L: L.Softmax(axis=1), (3, 4, 2))
    layer("prelu", lambda L: L.PReLU(), (3, 4, 2))
    layer("prelu, shared", lambda L: L.PReLU(shared_axes=[1, 2]), (3, 4, 5))
    layer("prelu, shared by columns", lambda L: L.PReLU(shared_axes=[2]), (3, 4, 2))
    layer("dense with gelu", lambda L: L.Dense(5, activation="gelu"), (4,))
    both("conv with silu", lambda K, x: K.layers.Conv2D(3, 3, activation="swish")(x), (5, 5, 2))


def convolutions():
    for options in [dict(strides=2, padding="same"), dict(strides=2, padding="valid"),
                    dict(strides=1, padding="same"), dict(strides=(2, 3), padding="valid"),
                    dict(strides=3, padding="same"), dict(strides=2, padding="same", output_padding=1),
                    dict(strides=2, padding="valid", output_padding=1)]:
        for kernel in (2, 3):
            if options.get("output_padding") and kernel == 2 and options["padding"] == "same":
                continue
            def make(L, options=options, kernel=kernel):
                return L.Conv2DTranspose(3, kernel, activation="relu", **options)
            layer(f"transposed {kernel} {options}", make, (3, 4, 2))
    layer("grouped", lambda L: L.Conv2D(6, 3, groups=2, padding="same"), (5, 4, 4))
    layer("one channel a group", lambda L: L.Conv2D(8, 3, groups=4, padding="same", strides=2), (5, 4, 4))
    layer("depthwise, multiplied", lambda L: L.DepthwiseConv2D(3, padding="same", depth_multiplier=2), (5, 4, 3))
    layer("separable", lambda L: L.SeparableConv2D(4, 3, padding="same", strides=2, depth_multiplier=2), (5, 4, 3))

    def folded(K, x):
        x = K.layers.Conv2DTranspose(4, 3, strides=2, padding="same", use_bias=False)(x)
        return K.layers.ReLU()(K.layers.BatchNormalization()(x))
    both("transposed, with batch norm", folded, (4, 3, 3))


def shapes():
    layer("upsampling", lambda L: L.UpSampling2D((2, 3)), (3, 4, 2))
    layer("upsampling, bilinear", lambda L: L.UpSampling2D(2, interpolation="bilinear"), (3, 4, 2))
    for size in [(5, 7), (2, 3), (6, 4)]:
        layer(f"resizing to {size}", lambda L: L.Resizing(*size), (4, 5, 2))
        layer(f"resizing to {size}, nearest", lambda L: L.Resizing(*size, interpolation="nearest"), (4, 5, 2))
    layer("permute", lambda L: L.Permute((3, 1, 2)), (2, 3, 4))
    layer("reshape", lambda L: L.Reshape((4, -1)), (2, 3, 4))
    layer("cropping", lambda L: L.Cropping2D(((1, 0), (2, 1))), (4, 5, 2))
    layer("padding", lambda L: L.ZeroPadding2D((1, 2)), (4, 5, 2))
    layer("pool, kept", lambda L: L.GlobalAveragePooling2D(keepdims=True), (4, 5, 2))
    layer("max pool, kept", lambda L: L.GlobalMaxPooling2D(keepdims=True), (4, 5, 2))


def merges():
    for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
        layer(name, lambda L: getattr(L, name)(), (2, 3, 4), (2, 3, 4))
        layer(name + ", broadcast", lambda L: getattr(L, name)(), (2, 3, 4), (1, 1, 4))
        layer(name + ", broadcast the other way", lambda L: getattr(L, name)(), (2, 3, 1), (2, 3, 4))
    for name in ("Add", "Average", "Maximum"):
        layer(name + " of three", lambda L: getattr(L, name)(), (2, 3, 4), (2, 3, 4), (1, 3, 4))
    layer("concatenate rows", lambda L: L.Concatenate(axis=1), (2, 3, 4), (1, 3, 4))
    layer("concatenate columns", lambda L: L.Concatenate(axis=-2), (2, 3, 4), (2, 2, 4))


def norms():
    layer("layer norm", lambda L: L.LayerNormalization(epsilon=1e-6), (3, 2, 5))
    layer("layer norm of images", lambda L: L.LayerNormalization(axis=[1, 2, 3], scale=False), (3, 2, 5))
    layer("layer norm of rows", lambda L: L.LayerNormalization(axis=[2, 3], center=False), (3, 2, 5))
    layer("rescaling", lambda L: L.Rescaling(1 / 127.5, -1), (3, 2, 3))
    layer("rescaling by channel", lambda L: L.Rescaling([0.5, 0.25, 2.0], [1.0, -1.0, 0.0]), (3, 2, 3))
    layer("normalization by constants",
          lambda L: L.Normalization(mean=[0.5, 1, -1], variance=[0.25, 4, 1]), (3, 2, 3))
    layer("normalization, inverted",
          lambda L: L.Normalization(mean=[0.5, 1, -1], variance=[0.25, 4, 1], invert=True), (3, 2, 3))
    layer("batch norm", lambda L: L.BatchNormalization(scale=False), (3, 2, 5))
    for K in (keras, tf_keras):
        K.backend.clear_session()
        norm = K.layers.Normalization(name="n")
        norm.adapt(multiples((8, 3, 2, 3)))
        x = K.Input((3, 2, 3))
        case(f"normalization (keras {K.__version__[0]})", K.Model(x, norm(x)), fill=False)


def noise():
    def make(K, x):
        L = K.layers
        names = ["Dropout", "SpatialDropout2D", "GaussianDropout", "AlphaDropout"]
        for n in names:
            x = getattr(L, n)(0.5)(x)
        x = L.GaussianNoise(0.5)(x)
        for l in (L.RandomFlip(), L.RandomRotation(0.1), L.RandomZoom(0.1), L.RandomTranslation(0.1, 0.1),
                  L.RandomContrast(0.1), L.RandomBrightness(0.1)):
            x = l(x, training=False) if K is tf_keras else l(x)
        return K.layers.Dense(2)(x)
    both("noise and augmentation", make, (4, 4, 3))


def functions():
    x = keras.Input((4, 4, 3))
    o = keras.ops
    a = keras.layers.Conv2D(3, 1)(x)
    y = o.relu6(a + 3.0) * (1 / 6) * a
    y = 2.0 - y
    y = o.concatenate([y, a], axis=-1)
    y = o.add(y, np.array([1.0, 2, 3, 4, 5, 6])) / 2.0
    y = o.maximum(-y, y)
    y = o.silu(o.transpose(y, (0, 2, 1, 3)))
    y = o.clip(y, 0, 2.5)
    y = o.reshape(o.mean(y, axis=(1, 2), keepdims=True), (-1, 6))
    case("functions (keras 3)", keras.Model(x, o.gelu(y)))
    x = tf_keras.Input((4, 4, 3))
    a = tf_keras.layers.Conv2D(3, 1)(x)
    y = tf.nn.relu6(a + 3.0) * (1 / 6) * a
    y = 2.0 - y
    y = tf.concat([y, a], axis=-1)
    y = (y + np.array([1.0, 2, 3, 4, 5, 6])) / 2.0
    y = tf.maximum(-y, y)
    y = tf.nn.silu(tf.transpose(y, (0, 2, 1, 3)))
    y = tf.reshape(tf.reduce_mean(y, axis=[1, 2], keepdims=True), (-1, 6))
    case("functions (keras 2)", tf_keras.Model(x, tf.nn.gelu(y)))


def structures():
    def nested(K, inputs):
        L = K.layers
        def part(name):
            i = K.Input((4, 4, 3))
            return K.Model(i, L.BatchNormalization(name=name + "_bn")(
                L.Conv2D(3, 3, padding="same", name=name + "_conv")(i)), name=name)
        first, second = part("first"), part("second")
        i = K.Input((4, 4, 3))
        outer = K.Model(i, second(first(first(i))), name="outer")
        row = K.Sequential([K.Input((4, 4, 3)), L.Conv2D(3, 1, name="row_conv"), L.ReLU()], name="row")
        head = L.Dense(2, name="head")
        a, b = inputs
        return [head(outer(a)), head(row(row(b))), L.Add()([outer(b), b])]
    both("nested and shared", nested, (4, 4, 3), (4, 4, 3))
    folder = os.path.dirname(os.path.abspath(__file__))
    for K, layout in ((tf_keras, "k2.h5"), (keras, "keras")):
        K.backend.clear_session()
        K.backend.set_floatx("float32") if K is tf_keras else K.config.set_floatx("float32")
        inputs = [K.Input((4, 4, 3)), K.Input((4, 4, 3))]
        model = K.Model(inputs, nested(K, inputs))
        for v in model.weights:
            v.assign(multiples(v.shape, 1 if "variance" in getattr(v, "path", v.name) else -32, 32))
        x = [multiples((2, 4, 4, 3)).astype("float32") for _ in inputs]
        y = model(x, training=False)
        model.save(f"{folder}/nested.{layout}")
        np.savez_compressed(f"{folder}/nested.{layout}.io.npz", x=x[0], x1=x[1], y=y[0], y1=y[1], y2=y[2])
        K.backend.set_floatx("float64") if K is tf_keras else K.config.set_floatx("float64")

    def many(K, x):
        L = K.layers
        i = K.Input((3, 3, 2))
        inner = K.Model(i, [L.Conv2D(2, 1, name="left")(i), L.Conv2D(3, 1, name="right")(i)], name="inner")
        left, right = inner(x)
        return [L.Concatenate()([right, left]), L.GlobalMaxPooling2D()(right)]
    both("several outputs of a nested model", many, (3, 3, 2))
    for K in (keras, tf_keras):
        K.backend.clear_session()
        inner = K.Sequential([K.layers.Conv2D(2, 3, name="deep")], name="inner")
        case(f"sequential in sequential (keras {K.__version__[0]})",
             K.Sequential([K.Input((5, 5, 2)), inner, K.layers.Flatten(), K.layers.Dense(2, name="d")]))


def applications():
    keras.backend.clear_session()
    for name in ("inception_resnet_v2.CustomScaleLayer", "convnext.LayerScale"):
        module, cls = name.split(".")
        made = getattr(__import__("keras.src.applications." + module, fromlist=[cls]), cls)
        x = keras.Input((2, 3, 4))
        if cls == "LayerScale":
            case(cls, keras.Model(x, made(0.5, 4)(x)))
        else:
            z = keras.Input((2, 3, 4))
            case(cls, keras.Model([x, z], made(0.25)([x, z])))


def keras1():
    L = keras.layers
    def node(cls, name, inbound, **config):
        return {"class_name": cls, "name": name, "config": dict(config, name=name, trainable=True),
                "inbound_nodes": [[[n, 0, 0] for n in inbound]] if inbound else []}
    conv = dict(border_mode="same", dim_ordering="tf", subsample=[1, 1], bias=True, activation="relu",
                W_regularizer=None, b_regularizer=None, init="glorot_uniform", W_constraint=None,
                b_constraint=None, activity_regularizer=None)
    x = keras.Input((6, 5, 2), name="x")
    a = L.Conv2D(4, (3, 2), padding="same", activation="relu", name="a")(x)
    b = L.Conv2D(4, 3, dilation_rate=2, padding="same", activation="hard_sigmoid", name="b")(x)
    n = L.BatchNormalization(name="n", epsilon=1e-3)(a)
    s = L.Add(name="s")([n, b])
    m = L.Multiply(name="m")([a, s])
    c = L.Concatenate(name="c")([m, b])
    p = L.MaxPooling2D(2, name="p")(c)
    u = L.UpSampling2D(2, name="u")(p)
    z = L.ZeroPadding2D(1, name="z")(u)
    t = L.Conv2DTranspose(3, 3, strides=2, padding="same", name="t")(z)
    g = L.GlobalAveragePooling2D(name="g")(t)
    d = L.Dense(3, activation="softmax", name="d")(L.Dropout(0.5, name="o")(g))
    model = keras.Model(x, d)
    for l in model.layers:
        if l.name == "b":
            l.activation = lambda v: keras.ops.clip(0.2 * v + 0.5, 0.0, 1.0)
    config = {"class_name": "Model", "keras_version": "1.2.2", "config": {
        "name": "model_1", "input_layers": [["x", 0, 0]], "output_layers": [["d", 0, 0]], "layers": [
            node("InputLayer", "x", [], batch_input_shape=[None, 6, 5, 2], input_dtype="float32", sparse=False),
            node("Convolution2D", "a", ["x"], nb_filter=4, nb_row=3, nb_col=2, **conv),
            node("AtrousConvolution2D", "b", ["x"], nb_filter=4, nb_row=3, nb_col=3, atrous_rate=[2, 2],
                 **dict(conv, activation="hard_sigmoid")),
            node("BatchNormalization", "n", ["a"], mode=0, axis=-1, epsilon=1e-3, momentum=0.99),
            node("Merge", "s", ["n", "b"], mode="sum", mode_type="raw", concat_axis=-1, dot_axes=-1),
            node("Merge", "m", ["a", "s"], mode="mul", mode_type="raw", concat_axis=-1, dot_axes=-1),
            node("Merge", "c", ["m", "b"], mode="concat", mode_type="raw", concat_axis=-1, dot_axes=-1),
            node("MaxPooling2D", "p", ["c"], pool_size=[2, 2], strides=[2, 2], border_mode="valid",
                 dim_ordering="tf"),
            node("UpSampling2D", "u", ["p"], size=[2, 2], dim_ordering="tf"),
            node("ZeroPadding2D", "z", ["u"], padding=[1, 1], dim_ordering="tf"),
            node("Deconvolution2D", "t", ["z"], nb_filter=3, nb_row=3, nb_col=3,
                 output_shape=[None, 16, 12, 3], **dict(conv, subsample=[2, 2], activation="linear")),
            node("GlobalAveragePooling2D", "g", ["t"], dim_ordering="tf"),
            node("Dropout", "o", ["g"], p=0.5),
            node("Dense", "d", ["o"], output_dim=3, input_dim=None, bias=True, activation="softmax"),
        ]}}
    case("functional (keras 1)", model, config, writer="keras 1.2.2", scale=0.25)

    keras.backend.clear_session()
    model = keras.Sequential([
        keras.Input((5, 5, 2)), L.SeparableConv2D(3, 3, name="sep"), L.ELU(name="e"), L.Flatten(name="f"),
        L.Dense(4, name="d"), L.LeakyReLU(negative_slope=0.25, name="l")])
    config = {"class_name": "Sequential", "keras_version": "1.2.2", "config": [
        {"class_name": "SeparableConvolution2D", "config": dict(
            conv, name="sep", nb_filter=3, nb_row=3, nb_col=3, depth_multiplier=1, border_mode="valid",
            activation="linear", batch_input_shape=[None, 5, 5, 2], input_dtype="float32")},
        {"class_name": "ELU", "config": {"name": "e", "alpha": 1.0}},
        {"class_name": "Flatten", "config": {"name": "f"}},
        {"class_name": "Dense", "config": {"name": "d", "output_dim": 4, "input_dim": 27, "bias": True,
                                           "activation": "linear", "W_regularizer": None}},
        {"class_name": "LeakyReLU", "config": {"name": "l", "alpha": 0.25}},
    ]}
    case("sequential (keras 1)", model, config, writer="keras 1.2.2")


NEW_ACTIVATIONS = ["celu", "glu", "hard_shrink", "hard_tanh", "log_sigmoid", "log_softmax", "soft_shrink", "sparse_plus",
                   "sparse_sigmoid", "squareplus", "tanh_shrink"]


def composed_activations():
    for name in NEW_ACTIVATIONS:
        x = keras.Input((3, 2, 6))
        case("activation " + name, keras.Model(x, keras.layers.Activation(name)(x)))
    x = keras.Input((6, 5, 3))
    case("conv with squareplus, dense with glu", keras.Model(x, keras.layers.Dense(4, activation="glu")(
        keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="squareplus", name="conv")(x)))))
    x = keras.Input((3, 4, 6))
    o = keras.ops
    case("parameters of activation functions", keras.Model(x, [
        o.celu(x, 0.5), o.glu(x, axis=2), o.hard_shrink(x, 0.25), o.log_softmax(x, axis=1), o.soft_shrink(x, 0.75),
        o.squareplus(x, 2), o.threshold(x, 0.5, 0.0), o.softmax(x, axis=1)]))


def any_axis():
    for axis in (1, 2, -1):
        layer(f"batch norm on axis {axis}", lambda L: L.BatchNormalization(axis=axis), (3, 2, 5))
        layer(f"normalization by constants on axis {axis}",
              lambda L: L.Normalization(axis=axis, mean=[0.5, 1, -1], variance=[0.25, 4, 1]), (3, 3, 3))
        layer(f"unit norm on axis {axis}", lambda L: L.UnitNormalization(axis=axis), (3, 2, 5))
        layer(f"group norm on axis {axis}", lambda L: L.GroupNormalization(2, axis=axis), (4, 6, 4))
    x = keras.Input((3, 2, 5))
    case("mean square norm", keras.Model(x, keras.layers.RMSNormalization(epsilon=1e-3)(x)))
    layer("instance norm, no scale", lambda L: L.GroupNormalization(-1, scale=False), (4, 3, 4))
    layer("group norm, neither scale nor center",
          lambda L: L.GroupNormalization(2, scale=False, center=False, epsilon=1e-2), (4, 3, 4))
    layer("group norm of vectors", lambda L: L.GroupNormalization(2), (6,))
    layer("unit norm of images", lambda L: L.UnitNormalization(axis=[1, 2]), (3, 2, 5))
    layer("unit norm on the outer axes", lambda L: L.UnitNormalization(axis=[1, 3]), (3, 2, 5))
    for axis in ([1], [1, 2], [1, 3]):
        layer(f"layer norm on {axis}", lambda L: L.LayerNormalization(axis=axis), (3, 2, 5))


def channels_first():
    def network(K, x):
        L = K.layers
        f = "channels_first"
        a = L.Conv2D(4, 3, padding="same", strides=2, data_format=f, activation="relu", name="a")(x)
        a = L.ReLU()(L.BatchNormalization(axis=1, name="n")(a))
        b = L.DepthwiseConv2D(3, padding="same", data_format=f, name="b")(a)
        a = L.Add()([a, b])
        a = L.Concatenate(axis=1)([a, L.SeparableConv2D(2, 3, padding="same", data_format=f, name="s")(a)])
        a = L.MaxPooling2D(2, data_format=f)(L.ZeroPadding2D(1, data_format=f)(a))
        a = L.UpSampling2D(2, data_format=f)(L.AveragePooling2D(2, strides=1, data_format=f)(a))
        a = L.Cropping2D(((1, 0), (0, 1)), data_format=f)(a)
        # Keras 3 adds a bias along the wrong axis where there are as many columns as channels.
        a = L.Conv2DTranspose(5, 3, strides=2, data_format=f, name="t")(a)
        flat = L.Dense(2, name="d")(L.Flatten(data_format=f)(a))
        plain = L.Dense(2, name="e")(L.Flatten()(a))
        return [a, flat, plain, L.GlobalAveragePooling2D(data_format=f)(a),
                L.GlobalMaxPooling2D(data_format=f, keepdims=True)(a)]
    # Only compiled, TensorFlow has such convolutions on a processor.
    for K in (keras, tf_keras):
        K.backend.clear_session()
        x = K.Input((2, 8, 6))
        case(f"channels first (keras {K.__version__[0]})", K.Model(x, network(K, x)), compiled=True)


def parts():
    x = keras.Input((4, 6, 3))
    o = keras.ops
    p = o.split(x, 3, axis=-1)
    q = o.split(x, [1, 4], axis=2)
    u = o.unstack(x, axis=1)
    case("parts (keras 3)", keras.Model(x, [
        x[..., ::-1], x[:, 1:3, ::2], x[..., 0], x[:, -1], x[:, None, 1], x[:, :, 1:-1, 2], x[:, 3:0:-1], p[1], q[2], q[0], u[3],
        o.stack([x[..., 2], x[..., 0]], axis=-1), o.stack(u, axis=2), o.squeeze(x[:, :1], 1), o.expand_dims(x, 1),
        o.expand_dims(x, -1), o.flip(x, axis=2), o.swapaxes(x, 1, 3), o.pad(x, [[0, 0], [1, 0], [0, 2], [0, 0]])]))
    x = tf_keras.Input((4, 6, 3))
    p = tf.split(x, 3, axis=-1)
    q = tf.split(x, [1, -1, 2], axis=2)
    u = tf.unstack(x, axis=1)
    case("parts (keras 2)", tf_keras.Model(x, [
        x[..., ::-1], x[:, 1:3, ::2], x[..., 0], x[:, -1], x[:, tf.newaxis, 1], x[:, :, 1:-1, 2], x[:, 3:0:-1], p[1], q[2], q[1],
        u[3], tf.stack([x[..., 2], x[..., 0]], axis=-1), tf.stack(u, axis=2), tf.squeeze(x[:, :1], 1), tf.expand_dims(x, 1),
        tf.expand_dims(x, -1), tf.reverse(x, [2]), tf.pad(x, [[0, 0], [1, 0], [0, 2], [0, 0]])]))
    layer("repeated vector", lambda L: L.RepeatVector(3), (4,))
    for size in [(3, 4), (2, 2), (6, 3), (8, 9)]:
        x = keras.Input((5, 6, 2))
        case(f"center crop to {size}, resized", keras.Model(x, keras.layers.CenterCrop(*size)(x)))
        x = tf_keras.Input((5, 6, 2))
        case(f"center crop to {size}, resized, keras 2", tf_keras.Model(x, tf_keras.layers.CenterCrop(*size)(x)))


def values():
    x = keras.Input((4, 6, 4))
    o = keras.ops
    y = o.square(x) + 0.5
    case("values, single functions (keras 3)", keras.Model(x, [
        o.abs(x), y, o.sqrt(y), o.rsqrt(y), o.log(y), o.log1p(y), o.expm1(x), o.exp(x), x ** 3, y ** 0.5, y ** -1.5, 2.0 / y,
        o.divide(x, y), o.reciprocal(y), o.clip(x, -0.5, 1.25), o.maximum(x, 0.25), o.minimum(x, np.array([1.0, -1.0, 0.5, 0.0])),
        o.subtract(1.0, x), x * np.arange(6).reshape((6, 1)) / 4.0]))
    case("values, single functions over axes (keras 3)", keras.Model(x, [
        o.sum(x, axis=1), o.mean(x, axis=-1), o.max(x, axis=2, keepdims=True), o.min(x, axis=[1, 2]), o.sum(x, axis=[1, 3]),
        o.mean(x, axis=[2, 3], keepdims=True), o.normalize(x), o.normalize(x, axis=1), o.normalize(x, order=1)]))
    case("values, single functions of images (keras 3)", keras.Model(x, [
        o.image.resize(x, (7, 5)), o.image.resize(x, (8, 12), interpolation="nearest"), o.depth_to_space(x, 2)
        if hasattr(o, "depth_to_space") else o.nn.depth_to_space(x, 2), o.nn.space_to_depth(x, 2)]))
    x = tf_keras.Input((4, 6, 4))
    y = tf.square(x) + 0.5
    case("values, single functions (keras 2)", tf_keras.Model(x, [
        tf.abs(x), y, tf.sqrt(y), tf.math.rsqrt(y), tf.math.log(y), tf.math.log1p(y), tf.math.expm1(x), tf.exp(x), x ** 3,
        tf.pow(y, 0.5), y ** -1.5, 2.0 / y, x / y, tf.math.reciprocal(y), tf.clip_by_value(x, -0.5, 1.25), tf.maximum(x, 0.25),
        tf.minimum(x, [1.0, -1.0, 0.5, 0.0]), 1.0 - x, tf.nn.bias_add(x, [1.0, 2.0, 3.0, 4.0])]))
    case("values, single functions over axes (keras 2)", tf_keras.Model(x, [
        tf.reduce_sum(x, 1), tf.reduce_mean(x, axis=-1), tf.reduce_max(x, axis=2, keepdims=True), tf.reduce_min(x, [1, 2]),
        tf.reduce_sum(x, axis=[1, 3]), tf.nn.l2_normalize(x, -1), tf.math.l2_normalize(x, axis=[1, 2]), tf.nn.log_softmax(x)]))
    case("values, single functions of images (keras 2)", tf_keras.Model(x, [
        tf.image.resize(x, (7, 5)), tf.image.resize(x, (8, 12), method="nearest"), tf.nn.depth_to_space(x, 2),
        tf.nn.space_to_depth(x, 2)]))


def preprocessing():
    for mode in ("caffe", "tf", "torch"):
        def make(K, x, mode=mode):
            y = K.applications.imagenet_utils.preprocess_input(x, mode=mode)
            return K.layers.GlobalAveragePooling2D()(K.layers.Conv2D(2, 3, name="c")(y))
        both(f"single functions, preprocessing {mode}", make, (5, 4, 3))
    for name in ("vgg16", "mobilenet_v2", "densenet"):
        def make(K, x, name=name):
            return K.layers.Conv2D(2, 3, name="c")(getattr(K.applications, name).preprocess_input(x))
        both(f"single functions, preprocessing of {name}", make, (5, 4, 3))


def dictionaries():
    def make(K, x):
        L = K.layers
        i = {"right": K.Input((3,), name="right"), "left": K.Input((3,), name="left")}
        inner = K.Model(i, {"sum": L.Add()([i["right"], i["left"]]), "difference": L.Subtract()([i["right"], i["left"]])})
        return inner
    for K in (keras, tf_keras):
        K.backend.clear_session()
        inner = make(K, None)
        i = {"second": K.Input((3,), name="second"), "first": K.Input((3,), name="first")}
        o = inner({"right": i["second"], "left": i["first"]})
        model = K.Model(i, {"z": o["sum"], "a": K.layers.Dense(2, name="d")(o["difference"])})
        case(f"dictionaries (keras {K.__version__[0]})", model, names=list(i))


PARTS = [activations, convolutions, shapes, merges, norms, noise, functions, structures, applications, keras1]
LATER = [composed_activations, any_axis, channels_first, parts, values, preprocessing, dictionaries]


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "networks.npz")
    if "--later" in sys.argv:
        # What is there stays as it is.
        known = json.loads(np.load(path)["networks"].tobytes())
        cases.extend(known)
    else:
        for part in PARTS:
            part()
    global rng
    rng = np.random.default_rng(4)
    first = len(cases)
    for part in LATER:
        part()
    names = {c["name"] for c in cases[first:]}
    cases[:first] = [c for c in cases[:first] if c["name"] not in names]
    text = json.dumps(cases, separators=(",", ":")).encode()
    np.savez_compressed(path, networks=np.frombuffer(text, "uint8"))
    print(len(cases), "networks,", len(text), "bytes,", os.path.getsize(path), "compressed")


if __name__ == "__main__":
    main()
