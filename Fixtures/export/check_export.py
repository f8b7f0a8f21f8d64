#!/usr/bin/env python3
"""Show that what `zoo export` writes is read by other programs and means the same to them.

    python Fixtures/export/check_export.py [--zoo .build/release/zoo] [--models FOLDER] [--names NAME ...]

For every NAME.h5 or NAME.keras (a whole model by Keras 3) and NAME.k2.h5 (by Keras 2) in FOLDER: converts it,
exports it in all six formats, and then

  - .weights.h5 and .h5: loads the model in genuine Keras, records its outputs for NAME.io.npz's input,
    sets all weights to 0, loads the export with load_weights, and compares the outputs with those before;
  - .hdf5 and .keras: opens it with load_model, and compares its outputs with those of the original;
  - .safetensors and .npz: reads them with their own libraries and compares every tensor with the model's
    variable of that path, bit for bit.

Prints a table: the largest difference of any output, or how many tensors differ. Exits with 1 where
anything does.
"""
import argparse
import glob
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tf_keras
from safetensors.numpy import load_file

TOLERANCE = 0.0


def outputs(model, x):
    """All outputs in one array."""
    y = model.predict(x, verbose=0)
    return np.concatenate([np.ravel(v) for v in (y if isinstance(y, list) else [y])])


def largest_difference(library, path, x, export):
    """Of the model's outputs before and after loading `export` over other weights."""
    model = library.models.load_model(path, compile=False)
    before = outputs(model, x)
    model.set_weights([np.full_like(w, 0.25) for w in model.get_weights()])
    assert np.abs(outputs(model, x) - before).max() > 0, "other weights give other outputs"
    model.load_weights(export)
    return float(np.abs(outputs(model, x) - before).max())


def whole_difference(library, path, x, export):
    """Of the outputs of the model at `export` from those of the one at `path`."""
    whole = library.models.load_model(export, compile=False)
    return float(np.abs(outputs(whole, x) - outputs(library.models.load_model(path, compile=False), x)).max())


def unequal_tensors(path, arrays):
    """How many variables of the model at `path` are not in `arrays` under their paths as they are; None for
    models with models inside, whose layers have their own names."""
    model = keras.models.load_model(path, compile=False)
    if any(getattr(layer, "layers", None) for layer in model.layers):
        return None
    # A Sequential's variables have its name in front.
    paths = {v.path.removeprefix(f"{model.name}/"): v.numpy() for v in model.weights}
    assert set(paths) == set(arrays.keys()), set(paths) ^ set(arrays.keys())
    return sum(not np.array_equal(v, arrays[k]) for k, v in paths.items())


# Formats of whole models, which have no layers that are called twice.
WHOLE = {"hdf5", "keras"}
COLUMNS = {  # title: (file converted, library that wrote it, export)
    f".weights.h5 in Keras {keras.__version__}": ("h5", keras, "weights.h5"),
    f".h5 in Keras {keras.__version__}": ("h5", keras, "h5"),
    f".h5 in Keras 2 (tf_keras {tf_keras.__version__})": ("k2.h5", tf_keras, "h5"),
    f".hdf5 in Keras {keras.__version__}": ("h5", keras, "hdf5"),
    f".keras in Keras {keras.__version__}": ("h5", keras, "keras"),
    f".hdf5 in Keras 2 (tf_keras {tf_keras.__version__})": ("k2.h5", tf_keras, "hdf5"),
    ".safetensors": ("h5", keras, "safetensors"),
    ".npz": ("h5", keras, "npz"),
}


def check(zoo, folder, name, scratch):
    """One number per column; None where there is no file to convert, or no whole model can be written."""
    found = []
    for source, library, target in COLUMNS.values():
        path = os.path.join(folder, f"{name}.{source}")
        if source == "h5" and not os.path.exists(path):
            path = os.path.join(folder, f"{name}.keras")
        if not os.path.exists(path):
            found.append(None)
            continue
        recorded = [f"{path}.io.npz", os.path.join(folder, f"{name}.io.npz")]
        io = np.load(next(p for p in recorded if os.path.exists(p)))
        x = [io[k] for k in sorted(io) if k.removeprefix("x").isdigit() or k == "x"]
        x = x if len(x) > 1 else x[0]
        model, export = (os.path.join(scratch, n) for n in ("model.zoo", f"export.{target}"))
        subprocess.run([zoo, "convert", path, "-o", model, "--force", "--no-verify", "--quiet"],
                       check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run([zoo, "export", model, "-o", export, "--force", "--quiet"], check=target not in WHOLE)
        if done.returncode:
            found.append(None)  # a whole model with a layer that is called twice
            continue
        if target in WHOLE:
            found.append(whole_difference(library, path, x, export))
        elif target.endswith("h5"):
            found.append(largest_difference(library, path, x, export))
        else:
            arrays = load_file(export) if target == "safetensors" else np.load(export)
            found.append(unequal_tensors(path, arrays))
        os.remove(model)
        os.remove(export)
        library.backend.clear_session()
    return found


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--zoo", default=os.path.join(root, ".build/release/zoo"))
    parser.add_argument("--models", default=os.path.join(root, "Fixtures/models"))
    parser.add_argument("--names", nargs="*")
    options = parser.parse_args()
    whole = glob.glob(os.path.join(options.models, "*.h5"))
    names = options.names or sorted({os.path.basename(p).split(".")[0] for p in whole
                                     if os.path.basename(p).count(".") == 1})
    print("| | " + " | ".join(COLUMNS) + " |\n|---" + "|---" * len(COLUMNS) + "|")
    good = bool(names)
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            found = check(options.zoo, options.models, name, scratch)
            print(f"| {name} | " + " | ".join("" if f is None else f"{f:.3g}" for f in found) + " |", flush=True)
            good = good and all(f is None or f <= TOLERANCE for f in found)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
