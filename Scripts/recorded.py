"""What Keras and `zoo run` computed, which exported models are compared with."""
import json
import os
import subprocess

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SUFFIXES = (".keras", ".old.weights.h5", ".weights.h5", ".k2w.h5", ".k2.h5", ".pos.npz", ".npz", ".h5", ".safetensors", ".pth")


def recording(path):
    """The file with the inputs and outputs beside a model; None where there is none."""
    stem = next((path.removesuffix(s) for s in SUFFIXES if path.endswith(s)), path)
    return next((p for p in (f"{path}.io.npz", f"{stem}.io.npz") if os.path.exists(p)), None)


def recorded_networks():
    """The networks and layers of Fixtures/layers: the name of the file that the tests export each as, what it is, its
    inputs and its outputs."""
    cases = []
    for name in ("networks.npz", "operations.npz"):
        cases += json.loads(bytes(np.load(f"{ROOT}/Fixtures/layers/{name}")["networks"]).decode())
    named = [(str(index), case["name"], case["inputs"], case["outputs"]) for index, case in enumerate(cases)]
    with open(f"{ROOT}/Fixtures/layers/layers.json", encoding="utf-8") as file:
        layers = json.load(file)
    named += [(f"layer-{index}", layer["operation"]["kind"], layer["inputs"], [layer["output"]])
              for index, layer in enumerate(layers)]
    return named


def largest_error(found, expected):
    """Of the largest value of each output; values that are no numbers have to be the same."""
    assert len(found) == len(expected), f"{len(found)} outputs, expected {len(expected)}"
    worst = 0.0
    for y, e in zip(found, expected):
        assert y.shape == e.shape, f"the shape {y.shape}, expected {e.shape}"
        same = (y == e) | (np.isnan(y) & np.isnan(e))
        scale = max(1e-3, np.abs(e[np.isfinite(e)]).max(initial=0))
        worst = max(worst, float(np.where(same, 0, np.abs(y - e)).max(initial=0) / scale))
    return worst


def arrays(io, name):
    """NAME, NAME1, …, each in double precision where it was recorded in it."""
    keys = [name] + [f"{name}{i}" for i in range(1, 100)]
    return [io.get(f"{k}:64", io.get(k)) for k in keys if k in io]


def zoo_convert(zoo, path, model, x):
    """Converts the weights at `path` for inputs like `x`; what `zoo` said where it refused, else None."""
    # Weights alone do not tell the size of images; files that do may refuse another one.
    size = ["--input-size", "x".join(str(side) for side in x[0].shape[1:3])] if x[0].ndim == 4 else []
    for options in (size, []):
        done = subprocess.run([zoo, "convert", path, "-o", model, "--no-verify", "-q", *options],
                              capture_output=True, text=True)
        if not done.returncode:
            return None
    return done.stderr.strip().splitlines()[0]


def zoo_run(zoo, model, x, folder):
    """What `zoo run` computes from the inputs `x`, by way of files in `folder`."""
    np.savez(f"{folder}/x.npz", **{f"x{i or ''}": a for i, a in enumerate(x)})
    subprocess.run([zoo, "run", model, "--input", f"{folder}/x.npz", "-o", f"{folder}/y.npz", "-q"], check=True)
    return arrays(dict(np.load(f"{folder}/y.npz")), "y")
