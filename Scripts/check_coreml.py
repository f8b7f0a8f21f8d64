#!/usr/bin/env python3
"""Checks what `zoo export MODEL.mlpackage` writes with coremltools' own loader, and evaluates its operations with torch.

    pip install coremltools torch numpy
    ZOO_COREML_NETWORKS=NETWORKS make test FILTER='CoreML(Network|Layer)Tests'
    Scripts/check_coreml.py .build/release/zoo NETWORKS [FILE_OR_FOLDER ...]

`make check-coreml` does both. coremltools reads a package's specification and weights on Linux, too, and refuses unknown
operations and inputs, wrong types, and stated shapes that do not follow. It can't run them there: this script has an
evaluator of its own for that, in double precision. NETWORKS has the networks of Fixtures/layers. Further models, by
default those of Fixtures/models, Fixtures/layers, Fixtures/dialects and Fixtures/pytorch/networks, are converted, exported with 32-bit and 16-bit
floats, and get the inputs of the NAME.io.npz beside them; .zoo files without recorded inputs get random pictures and are
compared with `zoo run`. Errors are of the largest value of an output:

  f32        the program with 32-bit floats, against what Keras computed
  f16        the program with 16-bit weights, its arithmetic in double precision
  f16 values the same with each operation's result rounded to 16 bits, as the Neural Engine has them

Exits with 1 where the first is above 2e-5 and above twice the error of Keras' own 32-bit outputs (above 1e-4 where there
is only `zoo run`, which computes with 32 bits), or the second or third above 0.1 and above twice what `zoo export` said.
"""
import glob
import json
import logging
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

logging.disable(logging.WARNING)
import coremltools
from coremltools.converters.mil.frontend.milproto.load import load as load_program
from coremltools.converters.mil.mil import types

from recorded import ROOT, arrays, largest_error, recorded_networks, recording, zoo_convert, zoo_run

TOLERANCE = 2e-5
OWN_TOLERANCE = 1e-4
HALF_TOLERANCE = 0.1

# Of a channel, in the network's own order: what is subtracted from a pixel of 0 to 255, and what that is divided by.
PIXELS = {
    "caffe": ([103.939, 116.779, 123.68], [1, 1, 1]),
    "caffe-rgb": ([123.68, 116.779, 103.939], [1, 1, 1]),
    "tf": ([127.5] * 3, [127.5] * 3),
    "torch": ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
    "torch-bgr": ([103.53, 116.28, 123.675], [57.375, 57.12, 58.395]),
    "unit": ([0] * 3, [255] * 3),
    "none": ([0] * 3, [1] * 3),
}


# MARK: The evaluator

def padded(x, op, value):
    assert op["pad_type"] == "custom"
    top, bottom, left, right = op["pad"]
    return F.pad(x, (left, right, top, bottom), value=value)


def conv(op):
    return F.conv2d(padded(op["x"], op, 0), op["weight"], op.get("bias"), stride=op["strides"],
                    dilation=op["dilations"], groups=op["groups"])


def conv_transpose(op):
    assert op["pad_type"] == "custom" and op["groups"] == 1
    y = F.conv_transpose2d(op["x"], op["weight"], op.get("bias"), stride=op["strides"], dilation=op["dilations"])
    top, bottom, left, right = op["pad"]
    return y[:, :, top:y.shape[2] - bottom, left:y.shape[3] - right]


def max_pool(op):
    assert not op["ceil_mode"]
    return F.max_pool2d(padded(op["x"], op, -np.inf), op["kernel_sizes"], op["strides"])


def avg_pool(op):
    assert not op["ceil_mode"]
    sums = F.avg_pool2d(padded(op["x"], op, 0), op["kernel_sizes"], op["strides"])
    if not op["exclude_padding_from_average"]:
        return sums
    return sums / F.avg_pool2d(padded(torch.ones_like(op["x"]), op, 0), op["kernel_sizes"], op["strides"])


def batch_norm(op):
    shape = [1, -1] + [1] * (op["x"].ndim - 2)
    factor = op["gamma"] / torch.sqrt(op["variance"] + op["epsilon"])
    return (op["x"] - op["mean"].reshape(shape)) * factor.reshape(shape) + op["beta"].reshape(shape)


def layer_norm(op):
    axes = [int(axis) for axis in op["axes"]]
    centred = op["x"] - op["x"].mean(axes, keepdim=True)
    y = centred / torch.sqrt((centred * centred).mean(axes, keepdim=True) + op["epsilon"]) * op["gamma"]
    return y + op["beta"] if op.get("beta") is not None else y


def resize_bilinear(op):
    assert op["sampling_mode"] == "UNALIGN_CORNERS"
    size = (op["target_size_height"], op["target_size_width"])
    return F.interpolate(op["x"], size=size, mode="bilinear", align_corners=False)


def upsample(op):
    return op["x"].repeat_interleave(op["scale_factor_height"], 2).repeat_interleave(op["scale_factor_width"], 3)


def pad(op):
    assert op["mode"] == "constant"
    pairs = np.array(op["pad"]).reshape(-1, 2)[::-1]
    return F.pad(op["x"], [int(n) for n in pairs.flatten()], value=float(op["constant_val"]))


def slice_by_index(op):
    return op["x"][tuple(slice(int(a), int(b)) for a, b in zip(op["begin"], op["end"]))]


def prelu(op):
    alpha = op["alpha"].reshape([1, -1] + [1] * (op["x"].ndim - 2))
    return torch.where(op["x"] < 0, op["x"] * alpha, op["x"])


def elu(op):
    return torch.where(op["x"] < 0, op["alpha"] * torch.expm1(op["x"].clamp(max=0)), op["x"])


def reduce(function):
    return lambda op: function(op["x"], [int(axis) for axis in op["axes"]], bool(op["keep_dims"]))


def linear(op):
    assert 1 <= op["x"].ndim <= 3
    return F.linear(op["x"], op["weight"], op.get("bias"))


def matmul(op):
    assert not op["transpose_x"] and not op["transpose_y"]
    return op["x"] @ op["y"]


def concat(op):
    assert not op["interleave"]
    return torch.cat(op["values"], int(op["axis"]))


def gather(op):
    assert op["batch_dims"] == 0
    return torch.index_select(op["x"], int(op["axis"]), torch.tensor(np.array(op["indices"]).astype(np.int64)))


OPERATIONS = {
    "conv": conv, "conv_transpose": conv_transpose, "linear": linear, "matmul": matmul,
    "batch_norm": batch_norm, "layer_norm": layer_norm, "max_pool": max_pool, "avg_pool": avg_pool,
    "reduce_mean": reduce(lambda x, axes, keep: x.mean(axes, keep)),
    "reduce_max": reduce(lambda x, axes, keep: x.amax(axes, keep)),
    "add": lambda op: op["x"] + op["y"], "sub": lambda op: op["x"] - op["y"],
    "mul": lambda op: op["x"] * op["y"], "real_div": lambda op: op["x"] / op["y"],
    "maximum": lambda op: torch.maximum(op["x"], torch.as_tensor(op["y"], dtype=op["x"].dtype)),
    "minimum": lambda op: torch.minimum(op["x"], torch.as_tensor(op["y"], dtype=op["x"].dtype)),
    "greater": lambda op: op["x"] > op["y"],
    "select": lambda op: torch.where(op["cond"], op["a"], torch.as_tensor(op["b"], dtype=op["a"].dtype)),
    "identity": lambda op: op["x"],
    "cast": lambda op: op["x"].to(torch.float16).to(torch.float64) if op["dtype"] == "fp16" else op["x"],
    "relu": lambda op: op["x"].relu(), "relu6": lambda op: op["x"].clamp(0, 6),
    "clip": lambda op: op["x"].clamp(op["alpha"], op["beta"]),
    "leaky_relu": lambda op: torch.where(op["x"] < 0, op["alpha"] * op["x"], op["x"]),
    "elu": elu, "prelu": prelu,
    "sigmoid": lambda op: op["x"].sigmoid(), "tanh": lambda op: op["x"].tanh(), "erf": lambda op: op["x"].erf(),
    "sigmoid_hard": lambda op: (op["alpha"] * op["x"] + op["beta"]).clamp(0, 1),
    "silu": lambda op: op["x"] * op["x"].sigmoid(),
    "gelu": lambda op: F.gelu(op["x"], approximate={"EXACT": "none", "TANH_APPROXIMATION": "tanh"}[op["mode"]]),
    "softplus": lambda op: op["x"].clamp(min=0) + torch.log1p(torch.exp(-op["x"].abs())),
    "softsign": lambda op: op["x"] / (1 + op["x"].abs()),
    "exp": lambda op: op["x"].exp(), "sqrt": lambda op: op["x"].sqrt(),
    "log": lambda op: torch.log(op["x"] + op["epsilon"]), "inverse": lambda op: 1 / (op["x"] + op["epsilon"]),
    "softmax": lambda op: op["x"].softmax(int(op["axis"])),
    "pad": pad, "slice_by_index": slice_by_index, "upsample_nearest_neighbor": upsample,
    "resize_bilinear": resize_bilinear, "gather": gather, "concat": concat,
    "reshape": lambda op: op["x"].reshape([int(n) for n in op["shape"]]),
    "transpose": lambda op: op["x"].permute([int(n) for n in op["perm"]]),
}


def constant(value):
    """What an operation reads of a constant: floats as arrays of double precision, anything else as it is."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f":
            return torch.tensor(value.astype(np.float64))
        return [int(n) for n in value] if value.ndim == 1 else value
    return value.item() if isinstance(value, np.generic) else value


class Package:
    """A package as coremltools reads it."""

    def __init__(self, path):
        model = coremltools.models.MLModel(path, skip_model_load=True)
        self.spec = model.get_spec()
        self.program = load_program(
            self.spec, specification_version=self.spec.specificationVersion, file_weights_dir=model.weights_dir)
        self.main = self.program.functions["main"]
        self.metadata = dict(self.spec.description.metadata.userDefined)
        self.check_description()

    def check_description(self):
        """That the description fits the program."""
        description = self.spec.description
        assert [f.name for f in description.input] == list(self.main.inputs), "inputs of other names"
        assert [f.name for f in description.output] == [v.name for v in self.main.outputs], "outputs of other names"
        for feature, var in zip(description.input, self.main.inputs.values()):
            kind = feature.type.WhichOneof("Type")
            if kind == "imageType":
                image = feature.type.imageType
                channels = 1 if image.colorSpace == 10 else 3
                assert tuple(var.shape) == (1, channels, image.height, image.width), "a picture of another shape"
            else:
                assert tuple(var.shape) == tuple(feature.type.multiArrayType.shape), "an array of another shape"

    @property
    def takes_pictures(self):
        return self.spec.description.input[0].type.WhichOneof("Type") == "imageType"

    def weights(self):
        return [op.outputs[0].val for op in self.main.operations if op.op_type == "const"]

    def run(self, inputs, rounds=False):
        """The outputs for one example, in double precision; with `rounds`, values of 16 bits are rounded to that."""
        values = dict(zip(self.main.inputs, [torch.tensor(np.asarray(x, np.float64)) for x in inputs]))

        def read(var):
            return constant(var.val) if var.val is not None and var.name not in values else values[var.name]

        for op in self.main.operations:
            if op.op_type == "const":
                continue
            arguments = {name: [read(v) for v in var] if isinstance(var, (list, tuple)) else read(var)
                         for name, var in op.inputs.items() if var is not None}
            if op.op_type == "classify":
                classes = [c.val if hasattr(c, "val") else c for c in op.classes.val]
                probabilities = arguments["probabilities"].flatten()
                assert len(classes) == len(set(classes)) == len(probabilities), "classes that are no keys"
                return [probabilities[None].numpy()]
            y = OPERATIONS[op.op_type](arguments)
            out = op.outputs[0]
            assert tuple(y.shape) == tuple(out.shape), f"{out.name}: {tuple(y.shape)}, stated {tuple(out.shape)}"
            if rounds and types.builtin_to_string(out.dtype) == "fp16" and y.dtype == torch.float64:
                y = y.to(torch.float16).to(torch.float64)
            values[out.name] = y
        return [values[v.name].numpy() for v in self.main.outputs]


# MARK: Comparing

def check_networks(folder):
    """The largest errors of the networks of Fixtures/layers, and how many failed."""
    errors, refused, failures = {"f32": [], "f16": []}, {"f32": 0, "f16": 0}, 0
    named = recorded_networks()
    for index, title, *examples in named:
        x, y = ([np.array(a["values"]).reshape([1] + a["shape"]) for a in group] for group in examples)
        for kind in errors:
            path = f"{folder}/{index}.{kind}.mlpackage"
            if not os.path.exists(path):  # The tests check why.
                refused[kind] += 1
                continue
            try:
                error = largest_error(Package(path).run(x), y)
                if kind == "f32":
                    assert error <= TOLERANCE, f"off by {error:.1e}"
                errors[kind].append(error)
            except Exception as fault:
                failures += 1
                print(f"FAILED {index} {title} ({kind}): {type(fault).__name__} {str(fault)[:300]}")
    print(f"{len(named)} networks of Fixtures/layers, {failures} failures; "
          + ", ".join(f"{kind}: {len(found)} loaded, {refused[kind]} refused, largest error {max(found):.1e}, median {np.median(found):.1e}"
                      for kind, found in errors.items()))
    return failures


def example(package, x):
    """What a package takes for the preprocessed inputs of one example: pixels, where it takes pictures."""
    if not package.takes_pictures:
        return x
    means, scales = (np.array(n)[:x[0].shape[3]] for n in PIXELS[package.metadata["preprocessing"]])
    return [(x[0].astype(np.float64) * scales + means).transpose(0, 3, 1, 2)]


def outputs(package, x, shapes, rounds):
    """Of all examples, in the shapes of what is expected."""
    found = [package.run(example(package, [a[i:i + 1] for a in x]), rounds) for i in range(len(x[0]))]
    joined = [np.concatenate([y[i] for y in found]) for i in range(len(found[0]))]
    if len(joined) == 1 and joined[0].shape != shapes[0] and joined[0].shape[1:] == (2,):
        joined = [joined[0][:, 1:]]  # The second of two classes.
    return joined


def random_inputs(zoo, model):
    """Pictures of random pixels, preprocessed as the model wants them."""
    summary = json.loads(subprocess.run([zoo, "inspect", model, "--json"], capture_output=True, check=True).stdout)
    shape = summary["input_shape"]
    generator = np.random.default_rng(7)
    pixels = generator.integers(0, 256, [1] + shape).astype(np.float64)
    means, scales = PIXELS.get(summary["preprocessing"], PIXELS["tf"])
    if len(shape) < 3:
        return [(pixels / 127.5 - 1).astype(np.float32)]
    return [((pixels - np.array(means)[:shape[-1]]) / np.array(scales)[:shape[-1]]).astype(np.float32)]


def check_model(zoo, path):
    """The errors of one model, and whether they are tolerable; text where the model was refused."""
    with tempfile.TemporaryDirectory() as folder:
        model, y, own = path, None, 0
        if path.endswith(".zoo"):
            x = random_inputs(zoo, model)
        else:
            io = dict(np.load(recording(path)))
            x, y = [a.astype(np.float32) for a in arrays(io, "x")], arrays(io, "y")
            model = f"{folder}/m.zoo"
            if refusal := zoo_convert(zoo, path, model, x):
                return refusal
            single = [io[k] for k in io if f"{k}:64" in io and not k.startswith("tap:")]
            own = largest_error(single, y) if len(single) == len(y) else 0
        ours = zoo_run(zoo, model, x, folder)
        # Weights alone do not tell that a network ended in a pooling of its features.
        expected = y if y is not None and [a.shape for a in y] == [a.shape for a in ours] else ours
        shapes = [e.shape for e in expected]
        limit = max(TOLERANCE, 2 * own) if expected is y else OWN_TOLERANCE
        errors = []
        for kind in ("f32", "f16"):
            output = f"{folder}/{kind}.mlpackage"
            done = subprocess.run([zoo, "export", model, "-o", output, "--dtype", kind, "--json", "-q"],
                                  capture_output=True, text=True)
            if done.returncode:
                if kind == "f16" and "16-bit" in done.stderr:
                    return errors + [None, None], errors[0] <= limit, "beyond f16"
                return done.stderr.strip().splitlines()[0]
            report = json.loads(done.stdout)
            package = Package(output)
            if kind == "f32" and "softmax" in report["interface"]:
                expected = [np.exp(e - e.max(-1, keepdims=True)) for e in expected]
                expected = [e / e.sum(-1, keepdims=True) for e in expected]
            kinds = {w.dtype for w in package.weights() if isinstance(w, np.ndarray) and w.dtype.kind == "f"}
            assert kinds == {np.dtype(np.float32 if kind == "f32" else np.float16)}, f"weights of {kinds}"
            for rounds in ((False,) if kind == "f32" else (False, True)):
                errors.append(largest_error(outputs(package, x, shapes, rounds), expected))
        passed = errors[0] <= limit and max(errors[1:]) <= max(HALF_TOLERANCE, 2 * report["largest_error"])
        return errors, passed, f"{report['largest_error']:.1e}"


def main():
    zoo, networks, *given = sys.argv[1:]
    failures = check_networks(networks) if networks != "-" else 0
    paths = []
    for place in given or [f"{ROOT}/Fixtures/{name}" for name in ("models", "layers", "dialects", "pytorch/networks")]:
        paths += sorted(glob.glob(f"{place}/*")) if os.path.isdir(place) and not place.endswith(".mlpackage") else [place]
    print("\n| model | f32 | f16 | f16 values | zoo's own figure |\n|---|---|---|---|---|")
    for path in paths:
        is_recorded = path.endswith((".h5", ".keras", ".npz", ".safetensors", ".pth")) and not path.endswith(".io.npz") and recording(path)
        if not is_recorded and not path.endswith(".zoo"):
            continue
        if "tensorpack" in path:  # The writer of such files has to be stated.
            continue
        name = os.path.basename(path)
        try:
            found = check_model(zoo, path)
        except Exception as fault:
            failures += 1
            print(f"FAILED {name}: {type(fault).__name__} {str(fault)[:300]}", flush=True)
            continue
        if isinstance(found, str):
            print(f"| {name} | {found} |", flush=True)
            continue
        errors, passed, figure = found
        failures += not passed
        print(f"| {name} | " + " | ".join("–" if e is None else f"{e:.1e}" for e in errors)
              + f" | {figure} |" + ("" if passed else " FAILED"), flush=True)
    if failures:
        sys.exit(f"{failures} failures")


if __name__ == "__main__":
    main()
