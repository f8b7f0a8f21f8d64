"""Write resnet.tensorpack.npz with tensorpack 0.9.8 on TensorFlow 1.14 (Python 3.6), and what the three
networks of tensorpack's examples that read such a file compute with it.

    python make_tensorpack.py FOLDER

The layers are tensorpack's own, put together as examples/ResNet/resnet_model.py (tensorpack.io.npz),
examples/ResNet/load-resnet.py (tensorpack-caffe.io.npz) and examples/FasterRCNN/modeling/backbone.py
(tensorpack-aligned.io.npz) do, with width 2, depths 1, 1 and images of (height, width, channels), which is what
TensorFlow computes on a CPU. x is what enters the network: preprocessed, in the order BGR.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf
from tensorpack.models import BatchNorm, BNReLU, Conv2D, FullyConnected, GlobalAvgPooling, MaxPooling
from tensorpack.tfutils.argscope import argscope
from tensorpack.tfutils.tower import TowerContext

folder = sys.argv[1]


def norm(x, name=None):
    return BatchNorm("bn", x)


def pad(x, before, after):
    return tf.pad(x, [[0, 0], [before, after], [before, after], [0, 0]])


def bottleneck(x, filters, stride, stride_first, aligned):
    shortcut = x
    x = Conv2D("conv1", x, filters, 1, strides=stride if stride_first else 1, activation=BNReLU)
    if aligned and stride > 1:
        x = Conv2D("conv2", pad(x, 1, 0), filters, 3, strides=stride, padding="VALID", activation=BNReLU)
    else:
        x = Conv2D("conv2", x, filters, 3, strides=1 if stride_first else stride, activation=BNReLU)
    x = Conv2D("conv3", x, filters * 4, 1, activation=norm)
    if shortcut.shape[3] != filters * 4:
        shortcut = Conv2D("convshortcut", shortcut, filters * 4, 1, strides=stride, activation=norm)
    return tf.nn.relu(x + shortcut)


def network(image, stride_first, aligned):
    with argscope(Conv2D, use_bias=False):
        if stride_first or aligned:
            x = Conv2D("conv0", pad(image, 3, 2), 2, 7, strides=2, padding="VALID", activation=BNReLU)
        else:
            x = Conv2D("conv0", image, 2, 7, strides=2, activation=BNReLU)
        if aligned:
            x = MaxPooling("pool0", pad(x, 1, 0), 3, strides=2, padding="VALID")
        else:
            x = MaxPooling("pool0", x, 3, strides=2, padding="SAME")
        for group, (filters, stride) in enumerate([(2, 1), (4, 2)]):
            with tf.variable_scope("group%d" % group), tf.variable_scope("block0"):
                x = bottleneck(x, filters, stride, stride_first, aligned)
        return tf.nn.softmax(FullyConnected("linear", GlobalAvgPooling("gap", x), 10))


weights = None
x = (np.random.RandomState(33).randint(-1, 2, (1, 64, 64, 3)) / 2.0).astype("float32")
for name, options in [("tensorpack", (False, False)), ("tensorpack-caffe", (True, False)),
                      ("tensorpack-aligned", (False, True))]:
    tf.reset_default_graph()
    image = tf.placeholder(tf.float32, (1, 64, 64, 3))
    with TowerContext("", is_training=False):
        y = network(image, *options)
    variables = tf.global_variables()
    if weights is None:
        rng, weights = np.random.RandomState(34), {}
        for v in variables:
            shape, key = v.shape.as_list(), v.op.name
            if len(shape) == 1:
                value = ("gamma" in key or "variance" in key) + rng.uniform(0, 0.3, shape)
            else:
                value = rng.normal(0, np.sqrt(2.0 / np.prod(shape[:-1])), shape)
            weights[key] = value.astype("float32")
        np.savez_compressed(folder + "/resnet.tensorpack.npz", **weights)
    with tf.Session() as session:
        for v in variables:
            v.load(weights[v.op.name], session)
        np.savez_compressed("%s/resnet.%s.io.npz" % (folder, name), x=x, y=session.run(y, {image: x}))
