#!/usr/bin/env python3
"""Checks what `zoo export MODEL.onnx` writes with ONNX' own checker, and runs it in ONNX Runtime.

    pip install onnx onnxruntime numpy
    ZOO_ONNX_NETWORKS=NETWORKS make test FILTER='ONNX(Network|Layer)Tests'
    Scripts/check_onnx.py .build/release/zoo NETWORKS [FILE_OR_FOLDER ...]

`make check-onnx` does both. NETWORKS has the networks of Fixtures/layers, which Keras computed in double precision.
Further models, by default those of Fixtures/models, Fixtures/layers and Fixtures/dialects, are converted and exported
in both orders of axes, and get the inputs of the NAME.io.npz beside them. Errors are of the largest value: against
what Keras computed, in double precision where that was recorded, and against `zoo run`. Exits with 1 where the first is
above 2e-5, the tolerance of `zoo verify --io`, and above twice the error of Keras' own 32-bit outputs.
"""
import glob
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

from recorded import ROOT, arrays, largest_error, recorded_networks, recording, zoo_convert, zoo_run

TOLERANCE = 2e-5
LAYOUTS = ("nhwc", "nchw")


def first(x):
    """An image with its channels first."""
    return x.transpose(0, 3, 1, 2) if x.ndim == 4 else x


def last(x):
    return x.transpose(0, 2, 3, 1) if x.ndim == 4 else x


def run(path, inputs, layout):
    """The outputs of ONNX Runtime, with channels last, after the checks of onnx."""
    onnx.checker.check_model(path, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    given = {value.name: first(x) if layout == "nchw" else x
             for value, x in zip(session.get_inputs(), inputs, strict=True)}
    return [last(y) if layout == "nchw" else y for y in session.run(None, given)]


def check_networks(folder):
    """The largest error of the networks of Fixtures/layers in both layouts, and how many failed."""
    worst, failures = dict.fromkeys(LAYOUTS, 0.0), 0
    named = recorded_networks()
    for index, title, *examples in named:
        # Each example twice, as the batch is open.
        x, y = ([np.tile(np.array(a["values"]).reshape([1] + a["shape"]), [2] + [1] * len(a["shape"]))
                 for a in group] for group in examples)
        for layout in LAYOUTS:
            try:
                found = run(f"{folder}/{index}.{layout}.onnx", [a.astype(np.float32) for a in x], layout)
                error = largest_error(found, y)
                assert error <= TOLERANCE, f"off by {error:.1e}"
                worst[layout] = max(worst[layout], error)
            except Exception as fault:
                failures += 1
                print(f"FAILED {index} {title} ({layout}): {str(fault)[:300]}")
    print(f"{len(named)} networks of Fixtures/layers, {failures} failures; largest errors: "
          + ", ".join(f"{layout} {error:.1e}" for layout, error in worst.items()))
    return failures


def check_model(zoo, path):
    """The errors of one model: per layout against Keras and against zoo, and whether they are tolerable; text where the
    model was refused."""
    io = dict(np.load(recording(path)))
    x, y = [a.astype(np.float32) for a in arrays(io, "x")], arrays(io, "y")
    with tempfile.TemporaryDirectory() as folder:
        model = f"{folder}/m.zoo"
        if refusal := zoo_convert(zoo, path, model, x):
            return refusal
        ours = zoo_run(zoo, model, x, folder)
        # Weights alone do not tell that a network ended in a pooling of its features.
        is_same = [a.shape for a in y] == [a.shape for a in ours]
        single = [io[k] for k in io if f"{k}:64" in io and not k.startswith("tap:")]
        own = largest_error(single, y) if len(single) == len(y) else 0
        errors, passed = [], True
        for layout in LAYOUTS:
            output = f"{folder}/m.onnx"
            done = subprocess.run([zoo, "export", model, "-o", output, "--layout", layout, "-q", "-f"],
                                  capture_output=True, text=True)
            if done.returncode:
                return done.stderr.strip().splitlines()[0]
            found = run(output, x, layout)
            errors += [largest_error(found, y) if is_same else None, largest_error(found, ours)]
            passed &= errors[-2 if is_same else -1] <= max(TOLERANCE, 2 * own)
        return errors, passed


def main():
    zoo, networks, *given = sys.argv[1:]
    failures = check_networks(networks)
    paths = []
    for place in given or [f"{ROOT}/Fixtures/{name}" for name in ("models", "layers", "dialects")]:
        paths += sorted(glob.glob(f"{place}/*")) if os.path.isdir(place) else [place]
    print("\n| model | nhwc: of Keras | of zoo | nchw: of Keras | of zoo |\n|---|---|---|---|---|")
    for path in paths:
        if not path.endswith((".h5", ".keras", ".npz")) or path.endswith(".io.npz") or not recording(path):
            continue
        if "tensorpack" in path:  # The writer of such files has to be stated.
            continue
        name = os.path.basename(path)
        try:
            found = check_model(zoo, path)
        except Exception as fault:
            failures += 1
            print(f"FAILED {name}: {str(fault)[:300]}")
            continue
        if isinstance(found, str):
            print(f"| {name} | {found} |", flush=True)
            continue
        errors, passed = found
        failures += not passed
        print(f"| {name} | " + " | ".join("–" if e is None else f"{e:.1e}" for e in errors) + " |", flush=True)
    if failures:
        sys.exit(f"{failures} failures")


if __name__ == "__main__":
    main()
