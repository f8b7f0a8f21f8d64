#!/usr/bin/env python3
"""Counts which exchanges of two same-shaped tensors `zoo convert` finds in a trained Keras HDF5 file.

    python exchange_tensors.py ZOO WEIGHTS.h5 [--most N]

Needs h5py. Of every kind of tensor each pair of one shape is exchanged in a copy of the file, which is
then converted without writing; `batch norms` exchanges all four tensors of two layers. --most takes only N pairs
of each kind, drawn at random but always the same. Printed per kind: the pairs, how many conversions fail, and in how
many the error names one of the two layers.
"""
import argparse
import itertools
import os
import random
import shutil
import subprocess
import tempfile

import h5py

NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def tensors(path):
    """(layer, kind) -> (dataset, shape) of every weight."""
    found = {}
    with h5py.File(path, "r") as file:
        root = file["model_weights"] if "model_weights" in file else file

        def visit(name, item):
            if isinstance(item, h5py.Dataset) and not name.startswith("optimizer"):
                layer, kind = name.split("/")[-2], name.split("/")[-1].removesuffix(":0")
                found[layer, kind] = (item.name, item.shape)

        root.visititems(visit)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zoo")
    parser.add_argument("weights")
    parser.add_argument("--most", type=int, metavar="N")
    options = parser.parse_args()
    zoo, source = options.zoo, options.weights
    found = tensors(source)
    kinds = {kind: [kind] for _, kind in found}
    kinds["batch norms"] = list(NORM)
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "exchanged.h5")
        for title, roles in kinds.items():
            layers = [layer for layer, kind in found if kind == roles[0]]
            pairs = failed = named = 0
            chosen = [(a, b) for a, b in itertools.combinations(layers, 2)
                      if found[a, roles[0]][1] == found[b, roles[0]][1]]
            if options.most and len(chosen) > options.most:
                chosen = random.Random(1998).sample(chosen, options.most)
            for a, b in chosen:
                shutil.copyfile(source, copy)
                with h5py.File(copy, "r+") as file:
                    for role in roles:
                        x, y = file[found[a, role][0]], file[found[b, role][0]]
                        x[...], y[...] = y[...], x[...]
                result = subprocess.run([zoo, "convert", copy, "--dry-run", "--quiet"], capture_output=True, text=True)
                pairs += 1
                failed += result.returncode == 1
                named += result.returncode == 1 and any(layer in result.stderr for layer in (a, b))
            if pairs:
                print(f"{title}: {pairs} pairs, {failed} found, {named} named", flush=True)


if __name__ == "__main__":
    main()
