"""Write the files of Fixtures/dialects that TensorFlow 2.13 with its Keras 2.13 writes (Python 3.11).

    python make_tf213.py FOLDER

    resnet.tf213.weights.h5   ResNet v1 of width 2 and depths 1, 1 (../make_fixtures.py)
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import keras
import numpy as np
from make_fixtures import compact, resnet

folder = sys.argv[1]
rng = np.random.default_rng(32)
model = resnet(keras, width=2, depths=(1, 1))
values = []
for variable in model.weights:
    shape, name = tuple(variable.shape), variable.name.split("/")[-1]
    if len(shape) == 1:
        values.append(("gamma" in name or "variance" in name) + rng.uniform(0, 0.3, shape))
    else:
        values.append(rng.normal(0, np.sqrt(2.0 / np.prod(shape[:-1])), shape))
model.set_weights([v.astype("float32") for v in values])
model.save_weights(folder + "/resnet.tf213.weights.h5")
compact(folder + "/resnet.tf213.weights.h5")
x = (rng.integers(-3, 4, (1,) + model.input_shape[1:]) / 2).astype("float32")
np.savez_compressed(folder + "/resnet.tf213.io.npz", x=x, y=model.predict(x, verbose=0))
