#!/usr/bin/env python3
"""Write a small ResNeXt as `keras_applications.resnext` builds it, and what it computes: `resnext.h5`, `resnext.io.npz`.

    TF_USE_LEGACY_KERAS=1 python Fixtures/architectures/make_resnext.py

Keras 3 has no ResNeXt. Its convolutions by groups are depthwise ones, whose outputs a Lambda layer sums.
"""
import os

import numpy as np
import tf_keras as keras
from tf_keras import layers

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH, GROUPS, DEPTHS = 8, 4, [1, 2]


def norm(x, name):
    return layers.BatchNormalization(epsilon=1.001e-5, name=name)(x)


def block(x, filters, stride, projects, name):
    shortcut = x
    if projects:
        shortcut = norm(layers.Conv2D(2 * filters, 1, strides=stride, use_bias=False, name=name + "_0_conv")(x),
                        name + "_0_bn")
    x = norm(layers.Conv2D(filters, 1, use_bias=False, name=name + "_1_conv")(x), name + "_1_bn")
    x = layers.Activation("relu", name=name + "_1_relu")(x)
    c = filters // GROUPS
    x = layers.ZeroPadding2D(((1, 1), (1, 1)), name=name + "_2_pad")(x)
    x = layers.DepthwiseConv2D(3, strides=stride, depth_multiplier=c, use_bias=False, name=name + "_2_conv")(x)
    size = keras.backend.int_shape(x)[1:-1]
    x = layers.Reshape(size + (GROUPS, c, c))(x)
    x = layers.Lambda(lambda x: sum([x[:, :, :, :, i] for i in range(c)]), name=name + "_2_reduce")(x)
    x = layers.Reshape(size + (filters,))(x)
    x = layers.Activation("relu", name=name + "_2_relu")(norm(x, name + "_2_bn"))
    x = norm(layers.Conv2D(2 * filters, 1, use_bias=False, name=name + "_3_conv")(x), name + "_3_bn")
    return layers.Activation("relu", name=name + "_out")(layers.Add(name=name + "_add")([shortcut, x]))


def main():
    image = x = layers.Input((49, 65, 3))
    x = layers.ZeroPadding2D(((3, 3), (3, 3)), name="conv1_pad")(x)
    x = norm(layers.Conv2D(WIDTH, 7, strides=2, use_bias=False, name="conv1_conv")(x), "conv1_bn")
    x = layers.Activation("relu", name="conv1_relu")(x)
    x = layers.ZeroPadding2D(((1, 1), (1, 1)), name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    taps = {}
    for i, count in enumerate(DEPTHS):
        for j in range(count):
            name = f"conv{i + 2}_block{j + 1}"
            x = block(x, 2 * WIDTH << i, 2 if i > 0 and j == 0 else 1, j == 0, name)
            taps[f"tap:{name}_out"] = x
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    model = keras.Model(image, layers.Dense(10, activation="softmax", name="probs")(x))

    random = np.random.default_rng(0)
    values = []
    for variable in model.weights:
        shape, name = tuple(variable.shape), variable.name
        if "variance" in name or "gamma" in name:
            values.append(random.uniform(0.5, 1.5, shape))
        elif len(shape) > 1:
            inputs = 9 * shape[3] if "depthwise" in name else np.prod(shape[:-1])
            values.append(random.normal(size=shape) * (2 / inputs) ** 0.5)
        else:
            values.append(random.uniform(-0.2, 0.2, shape))
    model.set_weights(values)
    model.save_weights(os.path.join(HERE, "resnext.h5"), save_format="h5")
    x = random.normal(size=(1, 49, 65, 3)).astype(np.float32)
    outputs = keras.Model(image, {"y": model.output} | taps)(x)
    np.savez_compressed(os.path.join(HERE, "resnext.io.npz"), x=x, **{name: y.numpy() for name, y in outputs.items()})


if __name__ == "__main__":
    main()
