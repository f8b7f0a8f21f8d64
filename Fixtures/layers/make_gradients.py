"""Writes gradients.npz (one array of bytes, JSON): small networks as in make_networks.py, for a batch, with the gradients
that Keras computes in float64 of all weights and inputs, and the moving statistics after the step.

    python make_gradients.py

The loss is the sum of the outputs, each times a number (`slopes`). Batch norms use their stored statistics (called
with `training=False`), or, where `momentum` has them, those of the batch. Two networks are of Keras 2 in float32, whose
moving variances of images are unbiased. Constants are exact in binary, because Keras
holds some of them in float32. Inputs and weights are multiples of 1/4096, so that ties are rare.
"""
import json
import os

import make_networks as networks
from make_networks import bare, keras, leaves, np, tf, tf_keras

L = keras.layers
rng = np.random.default_rng(13)
cases = []
EPSILON = 2.0**-10
MOMENTUM = 0.875


def multiples(shape, low=-1.0, high=1.0):
    return rng.integers(int(low * 4096), int(high * 4096), size=shape) / 4096


def array(value):
    if value is None:
        return None
    numbers = ["%.13g" % v for v in np.asarray(value).ravel()]
    return {"shape": list(value.shape), "values": [int(n) if n.lstrip("-").isdigit() else float(n) for n in numbers]}


def path(v):
    return getattr(v, "path", v.name)


def own(layer):
    """The layer's weights as `get_weights()` has them, but for an adapted norm's counter."""
    return [v for v in layer.weights if not path(v).endswith("count")]


def is_statistic(v):
    return "moving" in path(v) or path(v).endswith(("/mean", "/variance"))


def case(name, model, training=False, scale=1.0, count=3, of_inputs=True):
    """Fills the model with weights, runs it forward and back, and notes all."""
    K = keras if isinstance(model, keras.Model) else tf_keras
    normalizations = (keras.layers.Normalization, tf_keras.layers.Normalization)
    for v in (v for layer in leaves(model) if not isinstance(layer, normalizations) for v in layer.weights):
        v.assign(multiples(v.shape, 0.5, 1.5) if "variance" in path(v) else multiples(v.shape) * scale)
    x = [multiples((count,) + tuple(t.shape[1:]), -2, 2) for t in model.inputs]
    weights = {layer.name: [array(np.asarray(v)) for v in own(layer)] for layer in leaves(model)}
    variables = [v for layer in leaves(model) for v in own(layer)]
    tensors = [v if isinstance(v, tf.Variable) else v.value for v in variables]
    given = [tf.constant(v, model.inputs[0].dtype) for v in x]
    with tf.GradientTape() as tape:
        tape.watch(given + tensors)
        y = model(given if len(given) > 1 else given[0], training=training)
        y = y if isinstance(y, (list, tuple)) else [y]
        slopes = [multiples(tuple(v.shape)) for v in y]
        loss = sum(tf.reduce_sum(v * tf.constant(s, v.dtype)) for v, s in zip(y, slopes))
    found = tape.gradient(loss, given + tensors)
    of = {path(v): None if is_statistic(v) else g for v, g in zip(variables, found[len(given):])}
    kinds = (keras.layers.BatchNormalization, tf_keras.layers.BatchNormalization)
    norms = [l for l in leaves(model) if isinstance(l, kinds) and l.trainable and training]
    cases.append({
        "name": name, "writer": "keras " + K.__version__, "config": bare(json.loads(model.to_json())),
        "weights": weights, "inputs": [array(v) for v in x], "outputs": [array(v) for v in y],
        "slopes": [array(v) for v in slopes],
        "gradients": {l.name: [array(of[path(v)]) for v in own(l)] for l in leaves(model)},
        "inputGradients": [array(g) for g in found[:len(given)]] if of_inputs else [],
        "momentum": {l.name: l.momentum for l in norms},
        "moved": {l.name: [array(l.moving_mean), array(l.moving_variance)] for l in norms},
    })
    K.backend.clear_session()


def norm(**options):
    return L.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, **options)


def products():
    x = keras.Input((9, 8, 3))
    y = L.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
    y = L.DepthwiseConv2D((3, 2), padding="same", depth_multiplier=2, activation="tanh")(y)
    y = L.SeparableConv2D(5, 3, padding="same", depth_multiplier=2, activation="sigmoid")(y)
    y = L.Conv2DTranspose(4, 3, strides=(2, 3), padding="same", activation="silu")(y)
    y = L.ZeroPadding2D(((1, 0), (2, 1)))(y)
    y = L.Conv2D(4, (2, 3), dilation_rate=(2, 1), use_bias=False)(y)
    y = L.Cropping2D(((0, 1), (1, 2)))(y)
    y = L.Conv2DTranspose(3, (2, 3), padding="valid", use_bias=False)(y)
    y = L.DepthwiseConv2D(3, strides=2, use_bias=False)(y)
    y = L.Conv2D(12, 1, activation="softplus")(y)
    y = L.Dense(5, activation="elu")(y)
    y = L.Dense(4, activation="softmax")(L.Flatten()(y))
    case("products", keras.Model(x, y), scale=0.5)
    for strides, padding, size in [(2, "same", 6), (2, "same", 7), (3, "same", 8), (2, "valid", 7), (1, "same", 5)]:
        x = keras.Input((size, size + 1, 2))
        y = L.Conv2D(3, 3, strides=strides, padding=padding)(x)
        z = L.DepthwiseConv2D(3, strides=strides, padding=padding)(x)
        case(f"strides {strides}, {padding}, {size}", keras.Model(x, [y, z]))
    x = keras.Input((5, 6, 4))
    case("groups", keras.Model(x, L.Conv2D(6, 3, groups=2, padding="same")(x)))
    x = keras.Input((5, 6, 2))
    case("dilated depthwise", keras.Model(x, L.DepthwiseConv2D(3, dilation_rate=2, padding="same")(x)))


def poolings():
    for padding in ("valid", "same"):
        x = keras.Input((7, 6, 2))
        case(f"poolings, {padding}", keras.Model(x, [
            L.MaxPooling2D(3, 2, padding=padding)(x), L.AveragePooling2D(3, 2, padding=padding)(x),
            L.MaxPooling2D(2, 1, padding=padding)(x), L.AveragePooling2D((2, 3), (2, 1), padding=padding)(x),
            L.GlobalMaxPooling2D()(x), L.GlobalAveragePooling2D(keepdims=True)(x)]))
    x = keras.Input((5, 6, 2))
    case("upsampled, nearest", keras.Model(x, L.UpSampling2D((2, 3))(x)))
    # TensorFlow has no gradient in float64 of the others.
    for interpolation in ("bilinear", "bicubic"):
        x = keras.Input((5, 6, 2))
        case(f"resized, {interpolation}", keras.Model(x, L.Resizing(7, 4, interpolation=interpolation)(x)))


def activations():
    names = ["relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "sigmoid", "hard_sigmoid", "hard_silu", "tanh",
             "softplus", "softsign", "exponential", "mish", "softmax"]
    x = keras.Input((2, 3, 4))
    y = L.Conv2D(6, 1)(x)
    case("activations", keras.Model(x, [L.Activation(n)(y) for n in names]), scale=4.0)
    x = keras.Input((2, 3, 4))
    y = L.Rescaling(4.0, 0.5)(x)
    case("activations with parameters", keras.Model(x, [
        L.PReLU()(y), L.PReLU(shared_axes=[1, 2])(y), L.LeakyReLU(0.25)(y), L.ELU(0.5)(y),
        L.ReLU(max_value=2.5, negative_slope=0.25, threshold=0.5)(y), L.Softmax()(y)]))


def norms(training):
    mode = "by the batch" if training else "stored"
    x = keras.Input((4, 5, 3))
    y = L.Conv2D(4, 3, padding="same", use_bias=False)(x)
    y = L.ReLU()(norm()(y))
    y = L.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
    y = L.ReLU(max_value=6.0)(norm(scale=False)(y))
    z = norm(center=False)(L.Conv2D(4, 1)(y))
    y = L.Add()([y, z])
    y = L.LayerNormalization(epsilon=EPSILON)(y)
    y = L.Dense(5)(L.GlobalAveragePooling2D()(y))
    y = L.Activation("tanh")(norm()(y))
    y = norm(scale=False, center=False)(L.Dense(3)(y))
    case(f"norms, {mode}", keras.Model(x, y), training=training, count=4)

    # One is frozen, one is called twice, and one reads what another has read.
    x = keras.Input((4, 3, 2))
    conv, twice, frozen = L.Conv2D(2, 3, padding="same"), norm(), norm()
    y = twice(conv(x))
    z = twice(conv(L.Activation("tanh")(y)))
    case(f"shared, {mode}", keras.Model(x, [L.Multiply()([y, z]), L.Average()([x, z])]), training=training)
    x = keras.Input((4, 3, 2))
    y = norm()(L.Conv2D(3, 3)(x))
    frozen.trainable = False
    case(f"one frozen, {mode}", keras.Model(x, frozen(L.Conv2D(2, 1, activation="relu")(y))), training=training)

    x = keras.Input((32, 32, 3))
    model = keras.applications.MobileNet(alpha=1 / 32, weights=None, classes=4, input_tensor=x, dropout=0.0)
    case(f"MobileNet, {mode}", model, training=training, count=4, of_inputs=False)


def keras2():
    tf_keras.backend.set_floatx("float32")
    K = tf_keras.layers
    options = dict(epsilon=EPSILON, momentum=MOMENTUM)
    x = tf_keras.Input((4, 3, 2))
    y = K.BatchNormalization(**options)(K.Conv2D(3, 2)(x))
    case("images, by the batch (keras 2)", tf_keras.Model(x, K.Activation("tanh")(y)), training=True)
    x = tf_keras.Input((5,))
    y = K.BatchNormalization(**options)(K.Dense(3)(x))
    case("vectors, by the batch (keras 2)", tf_keras.Model(x, K.Activation("tanh")(y)), training=True)


def other_norms():
    x = keras.Input((3, 2, 4))
    case("other norms", keras.Model(x, [
        L.LayerNormalization(axis=[1, 2, 3], epsilon=EPSILON, scale=False)(x),
        L.LayerNormalization(axis=[2, 3], epsilon=EPSILON, center=False)(x),
        L.LayerNormalization(axis=1, epsilon=EPSILON)(x), L.GroupNormalization(2, epsilon=EPSILON)(x),
        L.RMSNormalization(epsilon=EPSILON)(x), L.UnitNormalization()(x),
        L.Normalization(mean=[0.5, 1, -1, 2], variance=[0.25, 4, 1, 16])(x),
        L.Normalization(mean=[0.5, 1, -1, 2], variance=[0.25, 4, 1, 16], invert=True)(x),
        L.Rescaling([0.5, 0.25, 2.0, 1.0], [1.0, -1.0, 0.0, 2.0])(x)]))
    # Its data has a mean and a variance that floats hold exactly.
    x = keras.Input((3, 2, 2))
    adapted = [L.Normalization(), L.Normalization(axis=None, invert=True)]
    for layer in adapted:
        layer.adapt(np.array([[1.5, -2.0], [2.5, 3.0], [1.5, 3.0], [2.5, -2.0]]).reshape((2, 1, 2, 2)))
    case("adapted norms", keras.Model(x, [layer(x) for layer in adapted]))
    x = keras.Input((3, 2, 4))
    scale = __import__("keras.src.applications.convnext", fromlist=["LayerScale"]).LayerScale
    case("layer scale", keras.Model(x, scale(0.5, 4)(L.Dense(4, activation="relu")(x))))


def merges():
    x = [keras.Input((2, 3, 4)), keras.Input((2, 3, 4)), keras.Input((1, 3, 1))]
    a, b, c = x
    case("merges", keras.Model(x, [
        L.Add()([a, b, c]), L.Subtract()([a, b]), L.Subtract()([c, a]), L.Multiply()([a, b, c]), L.Average()([a, b, c]),
        L.Maximum()([a, b, c]), L.Minimum()([a, b, c]), L.Concatenate()([a, b]), L.Permute((3, 1, 2))(a),
        L.Reshape((4, 6))(b)]))
    x = keras.Input((5, 6, 4))
    y = L.Conv2D(6, 1, activation="silu")(x)
    gate = L.GlobalAveragePooling2D(keepdims=True)(y)
    gate = L.Conv2D(6, 1, activation="sigmoid")(L.Conv2D(2, 1, activation="silu")(gate))
    y = L.Conv2D(4, 1)(L.Multiply()([y, gate]))
    y = L.Concatenate()([L.Add()([x, y]), L.MaxPooling2D(3, 1, padding="same")(y)])
    case("squeeze, excite and join", keras.Model(x, L.Dense(3)(L.Flatten()(y))))


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gradients.npz")
    products(), poolings(), activations(), norms(False), norms(True), keras2(), other_norms(), merges()
    text = json.dumps(cases, separators=(",", ":")).encode()
    np.savez_compressed(path, networks=np.frombuffer(text, "uint8"))
    print(len(cases), "networks,", len(text), "bytes,", os.path.getsize(path), "compressed")


if __name__ == "__main__":
    main()
