"""Write Fixtures/dialects/vgg16.keras0.h5 and its io.npz with Keras 0.3.3 on Theano 0.9 (Python 2.7).

    KERAS_BACKEND=theano THEANO_FLAGS=floatX=float32,device=cpu python make_keras0.py FOLDER

VGG16 as people built it then: a ZeroPadding2D before every convolution, images of (channels, height,
width). Width 1, dense layers of 8, 10 classes, 64x64.
"""
import sys

import numpy as np
from keras.layers.convolutional import Convolution2D, MaxPooling2D, ZeroPadding2D
from keras.layers.core import Dense, Dropout, Flatten
from keras.models import Sequential

folder = sys.argv[1]
rng = np.random.RandomState(30)

model = Sequential()
first = {"input_shape": (3, 64, 64)}
for block, depth in enumerate((2, 2, 3, 3, 3)):
    for _ in range(depth):
        model.add(ZeroPadding2D((1, 1), **first))
        model.add(Convolution2D(1 << min(block, 3), 3, 3, activation="relu"))
        first = {}
    model.add(MaxPooling2D((2, 2), strides=(2, 2)))
model.add(Flatten())
model.add(Dense(8, activation="relu"))
model.add(Dropout(0.5))
model.add(Dense(8, activation="relu"))
model.add(Dropout(0.5))
model.add(Dense(10, activation="softmax"))
model.compile("sgd", "categorical_crossentropy")

weights = []
for value in model.get_weights():
    if value.ndim == 1:
        weights.append(rng.uniform(0, 0.3, value.shape))
    else:
        fan = np.prod(value.shape[1:]) if value.ndim == 4 else value.shape[0]
        weights.append(rng.normal(0.3, 1, value.shape) * np.sqrt(2.0 / fan))
x = (rng.randint(-1, 2, (1, 3, 64, 64)) / 2.0).astype("float32")
# Probabilities should not all be 0 and 1.
while True:
    model.set_weights([w.astype("float32") for w in weights])
    if model.predict(x).max() < 0.6:
        break
    weights[-2] *= 0.5
model.save_weights(folder + "/vgg16.keras0.h5", overwrite=True)
np.savez_compressed(folder + "/vgg16.keras0.io.npz", x=x.transpose(0, 2, 3, 1), y=model.predict(x))
