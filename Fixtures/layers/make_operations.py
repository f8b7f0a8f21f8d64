"""Writes operations.npz as make_networks.py does networks.npz: further layers and functions, each as a small network.

    python make_operations.py

It also writes equations.keras, a model whose weights have more axes than the graph's, with equations.keras.io.npz,
and any_size_pixels.keras and any_size_judge.keras, which leave the size of their images open.
"""
import json
import os

import make_networks as networks
from make_networks import both, case, keras, layer, np, tf_keras

L = keras.layers


def later(name, make, *shapes):
    """One network in Keras 3 alone."""
    keras.backend.clear_session()
    x = [keras.Input(s) for s in shapes]
    case(name, keras.Model(x, make(*x)))


def equations():
    for equation, bias, output, shape in [
            ("...x,xy->...y", "y", 5, (3, 4)), ("abc,cde->abde", "de", (None, 2, 3), (3, 4)),
            ("abcd,cde->abe", "e", (None, 5), (3, 2, 4)), ("abc,dc->abd", "d", (None, 5), (3, 4)),
            ("abc,bcd->abd", "bd", (3, 5), (3, 4)), ("abc,bd->adc", None, (5, 4), (3, 4)),
            ("abc,bce->ae", "e", 5, (3, 4)), ("abc,ced->abde", "ed", (None, 2, 3), (3, 4)),
            ("abc,ced->aedb", "ed", (3, 2, 3), (3, 4)), ("abcd,dce->abe", "e", (None, 5), (3, 2, 4)),
            ("abc,c->abc", "c", (3, 4), (3, 4)), ("...bc,bcd->...bd", "bd", (3, 5), (2, 3, 4))]:
        later(f"einsum {equation} {bias}", lambda x: L.EinsumDense(
            equation, output_shape=output, bias_axes=bias, activation="tanh")(x), shape)


def activations():
    for axis in (1, 2, -1):
        later(f"sparsemax on axis {axis}", lambda x: keras.ops.sparsemax(x, axis=axis), (3, 4, 5))
    later("sparsemax of equal values", lambda x: keras.ops.sparsemax(keras.activations.relu(x * 0.25)), (4, 6))
    later("threshold with a value", lambda x: keras.ops.threshold(x, 0.25, -1.5), (3, 4, 5))
    later("relu with parameters", lambda x: keras.activations.relu(x, negative_slope=0.25, max_value=1.5, threshold=0.5), (3, 4))
    later("convolution with sparsemax", lambda x: L.Conv2D(4, 2, activation="sparsemax")(x), (3, 3, 2))
    later("dense with a softmax layer", lambda x: L.Dense(5, activation=L.Softmax(axis=1))(x), (3, 4))
    later("dense with a layer of several functions", lambda x: L.Dense(6, activation=L.Activation("glu"))(x), (3, 4))
    both("softmax over two axes", lambda K, x: K.layers.Softmax(axis=[1, 3])(x), (3, 2, 4))


def norms():
    later("layer norm by the deviation", lambda x: L.LayerNormalization(rms_scaling=True)(x), (3, 2, 5))
    later("layer norm by the deviation of outer axes", lambda x: L.LayerNormalization(axis=[1, 3], rms_scaling=True)(x), (3, 2, 5))
    later("mean square norm of two axes", lambda x: L.RMSNormalization(axis=[-2, -1])(x), (3, 2, 5))
    for K in (keras, tf_keras):
        K.backend.clear_session()
        x = K.Input((3, 2, 5))
        norm = K.layers.Normalization(axis=(1, 3))
        norm.adapt(networks.multiples((40, 3, 2, 5)))
        case(f"normalization on two axes (keras {K.__version__[0]})", K.Model(x, norm(x)), fill=False)
    x = tf_keras.Input((3, 2, 5))
    case("batch norm on two axes (keras 2)", tf_keras.Model(x, tf_keras.layers.BatchNormalization(axis=[1, 3])(x)))
    for axis in (1, 2, 3, 4):
        later(f"norms of volumes on axis {axis}", lambda x: [
            f(x) for f in (L.BatchNormalization(axis=axis), L.LayerNormalization(axis=axis), L.UnitNormalization(axis=axis),
                           L.GroupNormalization(2, axis=axis))], (2, 4, 2, 6))


def categories():
    bounds = [-1.0, -0.5, 0.25, 1.5]
    for mode in ("int", "one_hot", "multi_hot", "count"):
        # Keras 2 makes vectors of single numbers alone.
        count = 1 if mode == "one_hot" else 9
        both(f"buckets, {mode}", lambda K, x: K.layers.Discretization(bounds, output_mode=mode)(x), (count,))
        both(f"numbers of words, {mode}", lambda K, x: K.layers.IntegerLookup(
            vocabulary=list(range(-60, 60, 3)), output_mode=mode)(K.layers.Rescaling(32.0)(x)), (count,))
        if mode != "int":
            both(f"categories, {mode}", lambda K, x: K.layers.CategoryEncoding(6, output_mode=mode)(
                K.layers.Discretization(bounds)(x)), (count,))
    later("vectors of buckets", lambda x: L.Discretization(bounds, output_mode="one_hot")(x), (3, 4))
    both("buckets of an image", lambda K, x: K.layers.Discretization([-1.0, 0.0, 0.25])(x), (3, 2, 2))
    later("numbers of words and a mask", lambda x: L.IntegerLookup(
        vocabulary=list(range(-60, 60, 3)), mask_token=4)(L.Rescaling(32.0)(x)), (20,))
    later("words of numbers", lambda x: L.IntegerLookup(vocabulary=[7, 5, 11], invert=True)(
        L.Discretization([-1.0, -0.5, 0.25, 1.5])(x)), (9,))


def pooling():
    for size in [(3, 4), (7, 2), (3, 3), (8, 9), 1]:
        later(f"adaptive pooling to {size}", lambda x: [
            L.AdaptiveAveragePooling2D(size)(x), L.AdaptiveMaxPooling2D(size)(x)], (7, 9, 2))
    later("adaptive pooling, channels first", lambda x: L.AdaptiveAveragePooling2D((3, 2), data_format="channels_first")(x), (2, 7, 5))
    later("adaptive pooling of sequences", lambda x: [L.AdaptiveAveragePooling1D(4)(x), L.AdaptiveMaxPooling1D(4)(x)], (11, 3))


def sizes():
    for size in [(4, 5), (7, 3), (3, 9), (6, 12)]:
        both(f"cropped and resized to {size}", lambda K, x: K.layers.Resizing(*size, crop_to_aspect_ratio=True)(x), (6, 5, 2))
        for fill in (0.0, 0.75):
            later(f"framed with {fill} and resized to {size}", lambda x: L.Resizing(
                *size, pad_to_aspect_ratio=True, fill_value=fill)(x), (6, 5, 2))
        both(f"random crop to {size}, resized", lambda K, x: K.layers.RandomCrop(*size)(x), (6, 5, 2))
    later("function resized to a part", lambda x: [
        keras.ops.image.resize(x, (4, 3), crop_to_aspect_ratio=True, interpolation="nearest"),
        keras.ops.image.resize(x, (4, 3), pad_to_aspect_ratio=True, fill_value=0.5)], (6, 5, 2))
    later("augmentations that rest", lambda x: L.MixUp()(L.RandomInvert(0.5)(x)), (4, 4, 3))


def interpolations():
    for method in ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"):
        for size in [(4, 7), (5, 3), (13, 11)]:
            x = tf_keras.Input((9, 7, 2))
            if method not in ("bilinear", "nearest"):
                case(f"resizing {method} to {size} (keras 2)", tf_keras.Model(x, tf_keras.layers.Resizing(*size, interpolation=method)(x)))
            if method in ("area", "gaussian", "mitchellcubic"):
                continue
            for antialias in (False, True):
                if antialias or method not in ("bilinear", "nearest"):
                    later(f"resizing {method} to {size}{', antialiased' if antialias else ''}", lambda x: L.Resizing(
                        *size, interpolation=method, antialias=antialias)(x), (9, 7, 2))
    for method in ("bicubic", "lanczos3", "lanczos5"):
        both(f"upsampled {method}, resized", lambda K, x: K.layers.UpSampling2D((2, 3), interpolation=method)(x), (4, 3, 2))
    later("function resized and antialiased", lambda x: keras.ops.image.resize(x, (4, 3), antialias=True), (7, 8, 2))
    x = tf_keras.Input((7, 8, 2))
    case("function resized and antialiased (keras 2)", tf_keras.Model(x, [
        networks.tf.image.resize(x, (4, 3), antialias=True), networks.tf.image.resize(x, (4, 3), method="gaussian")]))


def stored():
    """A file of whose weights some have several axes that the graph joins or moves."""
    here = os.path.dirname(os.path.abspath(__file__))
    keras.config.set_floatx("float32")
    keras.backend.clear_session()
    rng = np.random.default_rng(6)
    x = keras.Input((3, 4))
    norm = L.Normalization(axis=(1, 2))
    norm.adapt(rng.normal(size=(40, 3, 4)))
    y = L.EinsumDense("abc,dec->abde", output_shape=(3, 2, 5), bias_axes="de", activation="relu")(norm(x))
    y = L.RMSNormalization(axis=[-2, -1])(y)
    y = L.EinsumDense("abde,bdef->abf", output_shape=(3, 6), bias_axes="bf")(y)
    model = keras.Model(x, y)
    for v in model.weights[3:]:
        v.assign(rng.normal(size=v.shape))
    path = os.path.join(here, "equations.keras")
    model.save(path)
    data = rng.normal(size=(4, 3, 4)).astype("float32")
    np.savez(path + ".io.npz", x=data, y=model.predict(data, verbose=0))


def any_size():
    """Two networks that leave height and width open: one that works on pixels, one that judges images."""
    here = os.path.dirname(os.path.abspath(__file__))
    keras.config.set_floatx("float32")
    for name in ("pixels", "judge"):
        keras.backend.clear_session()
        keras.utils.set_random_seed(7)
        x = keras.Input((None, None, 3))
        y = L.PReLU(shared_axes=[1, 2])(L.Conv2D(2, 3, padding="same")(x))
        if name == "judge":
            y = L.Dense(2)(L.GlobalAveragePooling2D()(y))
        keras.Model(x, y).save(os.path.join(here, f"any_size_{name}.keras"))


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "operations.npz")
    networks.rng = np.random.default_rng(5)
    for part in (equations, activations, norms, categories, pooling, sizes, interpolations):
        part()
    text = json.dumps(networks.cases, separators=(",", ":")).encode()
    np.savez_compressed(path, networks=np.frombuffer(text, "uint8"))
    print(len(networks.cases), "networks,", len(text), "bytes,", os.path.getsize(path), "compressed")
    stored()
    any_size()


if __name__ == "__main__":
    main()
