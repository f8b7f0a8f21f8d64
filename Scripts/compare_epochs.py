#!/usr/bin/env python3
"""What an epoch of a head on a frozen backbone takes in Keras, beside `zoo-benchmarks head`.

    python Scripts/compare_epochs.py MODEL.h5 MODEL.zoo [--architecture MobileNet] [--benchmarks .build/release/zoo-benchmarks]

Keras trains a dense layer of 10 classes on the pooled features of the frozen network, in `fit` with batches of 32 and
of 16, on pictures in memory; the shortest of three epochs counts. Both run in turn, with 1 thread and with all. Needs
tf_keras and numpy. MODEL.h5 is a whole model, or the weights without top of --architecture.
"""
import argparse
import os
import re
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def epoch(args, threads, batch):
    """Microseconds a picture."""
    import numpy as np
    import tensorflow as tf
    import tf_keras as keras
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    if args.architecture:
        base = getattr(keras.applications, args.architecture)(weights=None, include_top=False, pooling="avg",
                                                              input_shape=(224, 224, 3))
        base.load_weights(args.model)
    else:
        whole = keras.models.load_model(args.model, compile=False)
        output = whole.get_layer(args.layer).output
        base = keras.Model(whole.inputs, keras.layers.GlobalAveragePooling2D()(output))
    base.trainable = False
    model = keras.Sequential([base, keras.layers.Dense(10, activation="softmax")])
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    count = 256
    x = np.random.default_rng(0).uniform(-1, 1, (count, *base.input_shape[1:])).astype("float32")
    y = np.arange(count) % 10
    times = []
    for _ in range(4):
        start = time.time()
        model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
        times.append(time.time() - start)
    return min(times[1:]) / count * 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("zoo")
    parser.add_argument("--architecture")
    parser.add_argument("--layer", default="conv_pw_13_relu", help="the last feature map of a whole model")
    parser.add_argument("--benchmarks", default=".build/release/zoo-benchmarks")
    parser.add_argument("--child", type=int, nargs=2)
    args = parser.parse_args()
    if args.child:
        print(epoch(args, *args.child))
        return
    found = subprocess.run([args.benchmarks, "head", args.zoo], check=True, capture_output=True, text=True).stdout
    print(found, end="")
    own = re.findall(r"([\d.]+) us a picture", found)
    threads = re.findall(r"(\d+) threads?\n", found)
    for index, count in enumerate(threads):
        best = min(float(subprocess.run([sys.executable, __file__, *sys.argv[1:], "--child", count, batch], check=True,
                                        capture_output=True, text=True).stdout.split()[-1]) for batch in ("16", "32"))
        features, step, network = (float(one) for one in own[3 * index:3 * index + 3])
        print(f"Keras, {count} threads: {best:.0f} us a picture; first epoch {best / (features + step):.2f}, "
              f"later ones {best / step:.0f} (a small network {best / network:.0f}) times faster here")


main()
