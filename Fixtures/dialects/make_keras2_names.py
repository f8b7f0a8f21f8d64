"""Write the names of the weights-only files of Keras 2.1.3 (Python 3.6, TensorFlow 1.14).

    python make_keras2_names.py FOLDER

    keras213.names.npz: for each of three networks of their published size the UTF-8 bytes of a text, a line per
    layer in the order of `layer_names`: the layer, then `weight shape` for each of `weight_names`, between tabs.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import h5py
import numpy as np
from keras import applications
from keras import backend as K

folder = sys.argv[1]
texts = {}
for name, options in [("MobileNet", {"alpha": 0.25}), ("NASNetMobile", {}), ("ResNet50", {})]:
    K.clear_session()
    model = getattr(applications, name)((224, 224, 3), weights=None, **options)
    path = folder + "/names.h5"
    model.save_weights(path)
    lines = []
    with h5py.File(path, "r") as file:
        for layer in file.attrs["layer_names"]:
            fields = [layer.decode()]
            for weight in file[layer].attrs["weight_names"]:
                shape = "x".join(str(n) for n in file[layer][weight].shape)
                fields.append("%s %s" % (weight.decode(), shape))
            lines.append("\t".join(fields))
    texts[name.lower()] = np.frombuffer("\n".join(lines).encode(), "u1")
    os.remove(path)
np.savez_compressed(folder + "/keras213.names.npz", **texts)
