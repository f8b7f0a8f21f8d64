"""Write the Keras 1 files of Fixtures/dialects with Keras 1.2.2 on Theano 0.9 (Python 3.6).

    KERAS_BACKEND=theano THEANO_FLAGS=floatX=float32,device=cpu python make_keras1.py FOLDER

    resnet_th_dim_ordering_th_kernels.h5   ResNet v1 as deep-learning-models v0.2 has it: older layer names,
                                           epsilon 1e-3, no padding before the pooling; channels first
    vgg16_th_dim_ordering_th_kernels.h5    VGG16 of width 1, dense layers of 8; channels first, so that the
                                           rows behind Flatten are too
    vgg16_tf_dim_ordering_th_kernels.h5    the same network, channels last: only its kernels are rotated
    with an io.npz each; images are (height, width, channels) there.
"""
import sys

import numpy as np
from keras import backend as K
from keras.layers import (Activation, BatchNormalization, Convolution2D, Dense, Flatten,
                          GlobalAveragePooling2D, Input, MaxPooling2D, ZeroPadding2D, merge)
from keras.models import Model

folder = sys.argv[1]


def resnet():
    axis = 1 if K.image_dim_ordering() == "th" else 3

    def norm(x, name):
        return BatchNormalization(axis=axis, name=name)(x)

    def block(x, filters, stage, letter, strides, projects):
        conv, bn = "res%d%s_branch" % (stage, letter), "bn%d%s_branch" % (stage, letter)
        y = norm(Convolution2D(filters, 1, 1, subsample=strides, name=conv + "2a")(x), bn + "2a")
        y = Activation("relu")(y)
        y = norm(Convolution2D(filters, 3, 3, border_mode="same", name=conv + "2b")(y), bn + "2b")
        y = Activation("relu")(y)
        y = norm(Convolution2D(4 * filters, 1, 1, name=conv + "2c")(y), bn + "2c")
        if projects:
            x = norm(Convolution2D(4 * filters, 1, 1, subsample=strides, name=conv + "1")(x), bn + "1")
        return Activation("relu")(merge([y, x], mode="sum"))

    inputs = Input((3, 64, 64) if axis == 1 else (64, 64, 3))
    x = ZeroPadding2D((3, 3))(inputs)
    x = norm(Convolution2D(2, 7, 7, subsample=(2, 2), name="conv1")(x), "bn_conv1")
    x = MaxPooling2D((3, 3), strides=(2, 2))(Activation("relu")(x))
    x = block(x, 2, 2, "a", (1, 1), True)
    x = block(x, 2, 2, "b", (1, 1), False)
    x = block(x, 4, 3, "a", (2, 2), True)
    x = GlobalAveragePooling2D()(x)
    return Model(inputs, Dense(10, activation="softmax", name="fc1000")(x))


def vgg16():
    inputs = Input((3, 64, 64) if K.image_dim_ordering() == "th" else (64, 64, 3))
    x = inputs
    for block, depth in enumerate((2, 2, 3, 3, 3)):
        for i in range(depth):
            x = Convolution2D(1 << min(block, 3), 3, 3, activation="relu", border_mode="same",
                              name="block%d_conv%d" % (block + 1, i + 1))(x)
        x = MaxPooling2D((2, 2), strides=(2, 2), name="block%d_pool" % (block + 1))(x)
    x = Flatten(name="flatten")(x)
    x = Dense(8, activation="relu", name="fc1")(x)
    x = Dense(8, activation="relu", name="fc2")(x)
    return Model(inputs, Dense(10, activation="softmax", name="predictions")(x))


def write(make, ordering, name):
    K.set_image_dim_ordering(ordering)
    rng = np.random.RandomState(31)
    model = make()
    for layer in model.layers:
        values = []
        for variable, value in zip(layer.weights, layer.get_weights()):
            if value.ndim == 1:
                centre = 1 if "gamma" in variable.name or "running_std" in variable.name else 0
                values.append(centre + rng.uniform(0, 0.3, value.shape))
            else:
                fan = value.shape[0] if value.ndim == 2 else value.size // (
                    value.shape[0] if ordering == "th" else value.shape[3])
                values.append(rng.normal(0.1, 1, value.shape) * np.sqrt(2.0 / fan))
        if values:
            layer.set_weights([v.astype("float32") for v in values])
    x = (rng.randint(-1, 2, (1, 64, 64, 3)) / 2.0).astype("float32")
    shown = x.transpose(0, 3, 1, 2) if ordering == "th" else x
    # Probabilities should not all be 0 and 1.
    while model.predict(shown).max() > 0.6:
        kernel, bias = model.layers[-1].get_weights()
        model.layers[-1].set_weights([kernel * 0.5, bias])
    path = "%s/%s_%s_dim_ordering_th_kernels" % (folder, name, ordering)
    model.save_weights(path + ".h5", overwrite=True)
    np.savez_compressed(path + ".io.npz", x=x, y=model.predict(shown))


write(resnet, "th", "resnet")
write(vgg16, "th", "vgg16")
write(vgg16, "tf", "vgg16")
