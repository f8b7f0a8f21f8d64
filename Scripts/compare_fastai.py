#!/usr/bin/env python3
"""The recipe `fastai` of compare_training.py, which runs it: the real `Learner.fine_tune(5)` on a Keras network.

    python Scripts/compare_fastai.py JOB

JOB is JSON: the data, the pictures held back, the Keras file, its last feature map and preprocessing, the seed, what
follows the recipe's name, and the command and the `.zoo` file that the network in PyTorch is checked with before it is
trained.

The network is what `vision_learner` makes of one that it knows: the layers up to the last feature map, and fastai's own
head (average and largest values, two dense layers with batch norms and dropout). The layers learn in two groups, the head
in a third. Rates, momentum and weight decay are those of `fine_tune`, views those of `aug_transforms`, batches have 64
pictures; `fastai:16` has batches of 16, and `fastai:16:15` also 15 epochs of all layers in place of 5. Pictures are
decoded once and resized as for the other recipes. Those held back are looked at when all is done. Batches are made in the
same process, so that its peak of memory is all there is.

Prints the accuracy, the mean of the classes' recalls, seconds by the clock and of all processors, and MiB. Needs fastai,
h5py, Pillow, numpy.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np
import torch
from fastai.vision.all import (
    Callback, CancelValidException, CategoryBlock, DataBlock, ImageBlock, IndexSplitter, L, Learner, Normalize,
    add_head, aug_transforms, params, set_seed)
from torch import nn

from compare_training import load


class KerasBody(nn.Module):
    """The layers of a functional Keras model up to one of them, with the weights of its `.h5` file."""

    def __init__(self, path, last):
        super().__init__()
        self.layers, self.inputs, self.last = nn.ModuleDict(), {}, last
        with h5py.File(path) as file:
            config = json.loads(file.attrs["model_config"])["config"]
            for layer in config["layers"]:
                name = layer["name"]
                if layer["class_name"] == "InputLayer":
                    self.first, self.size = name, tuple(layer["config"]["batch_input_shape"][1:3])
                    continue
                group = file["model_weights"][name]
                weights = [torch.tensor(group[key][()]) for key in group.attrs["weight_names"]]
                self.layers[name] = module(layer["class_name"], layer["config"], weights)
                self.inputs[name] = [one[0] for one in layer["inbound_nodes"][0]]
                if name == last:
                    break

    def forward(self, x):
        values = {self.first: x}
        for name, layer in self.layers.items():
            values[name] = layer(*(values[one] for one in self.inputs[name]))
        return values[self.last]

    def halves(self):
        """Parameters of the lower and the upper half of the layers."""
        layers = list(self.layers.values())
        return [[p for one in part for p in one.parameters()]
                for part in (layers[:len(layers) // 2], layers[len(layers) // 2:])]


class SamePadded(nn.Module):
    """A convolution with Keras' padding `same`: where the sides differ, the right and the bottom get one more."""

    def __init__(self, convolution):
        super().__init__()
        self.convolution = convolution

    def forward(self, x):
        around = []
        for side in (3, 2):
            kernel, stride = self.convolution.kernel_size[side - 2], self.convolution.stride[side - 2]
            total = max(0, (-(-x.shape[side] // stride) - 1) * stride + kernel - x.shape[side])
            around += [total // 2, total - total // 2]
        return self.convolution(nn.functional.pad(x, around))


class Sum(nn.Module):
    def forward(self, *values):
        return sum(values)


def module(kind, config, weights):
    """A layer of Keras as a module of PyTorch."""
    if kind in ("Conv2D", "DepthwiseConv2D"):
        # Keras: height, width, inputs, outputs; of a depthwise kernel the third axis are the channels.
        kernel = weights[0].permute(2, 3, 0, 1) if kind == "DepthwiseConv2D" else weights[0].permute(3, 2, 0, 1)
        assert kind == "Conv2D" or kernel.shape[1] == 1, "a depth multiplier"
        groups = kernel.shape[0] if kind == "DepthwiseConv2D" else 1
        made = nn.Conv2d(kernel.shape[1] * groups, kernel.shape[0], tuple(config["kernel_size"]),
                         tuple(config["strides"]), groups=groups, bias=config["use_bias"])
        made.weight.data = kernel.contiguous()
        if config["use_bias"]:
            made.bias.data = weights[1]
        assert config["activation"] == "linear"
        return SamePadded(made) if config["padding"] == "same" else made
    if kind == "BatchNormalization":
        # PyTorch's momentum: with Keras' 0.99 the statistics would hardly move in so few steps.
        made = nn.BatchNorm2d(len(weights[0]), eps=config["epsilon"])
        made.weight.data, made.bias.data, made.running_mean, made.running_var = weights
        return made
    if kind == "ReLU" and config["max_value"] == 6:
        return nn.ReLU6()
    if kind == "Activation" and config["activation"] == "relu":
        return nn.ReLU()
    if kind == "ZeroPadding2D":
        (top, bottom), (left, right) = config["padding"]
        return nn.ZeroPad2d((left, right, top, bottom))
    if kind == "Add":
        return Sum()
    raise SystemExit(f"no module for the layer {kind} {config}")


def check(body, job, x):
    """The feature map of a picture has to be that of `zoo run`, but for rounding."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/x.npy", x[None])
        subprocess.run([job["zoo"], "run", job["zoo_backbone"], "--input", f"{folder}/x.npy", "-o",
                        f"{folder}/y.npz", "--tap", job["layer"], "-q"], check=True)
        expected = np.load(f"{folder}/y.npz")[f"tap:{job['layer']}"]
    with torch.no_grad():
        found = body.eval()(torch.tensor(x[None]).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert error < 1e-3, f"the network in PyTorch differs from zoo run by {error}"


class NoValidation(Callback):
    """The pictures held back are for the end."""
    active = True

    def before_validate(self):
        if self.active:
            raise CancelValidException


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    job = json.loads(sys.argv[1])
    start, worked = time.time(), time.process_time()
    set_seed(job["seed"], reproducible=True)
    body = KerasBody(job["backbone"], job["layer"])
    classes, x, y, x_test, y_test = load(job["data"], job["held"], body.size[::-1], "none")
    scale, shift = {"tf": (127.5, 1), "none": (1, 0), "unit": (255, 0)}[job["preprocessing"]]
    check(body, job, x_test[0] / np.float32(scale) - np.float32(shift))

    pictures, labels = np.concatenate([x, x_test]).astype("uint8"), np.concatenate([y, y_test])
    del x, x_test
    # fastai has pixels from 0 to 1: x * 255 / scale - shift = (x - mean) / deviation.
    deviation = scale / 255
    block = DataBlock(
        (ImageBlock, CategoryBlock(vocab=range(len(classes)))),
        get_x=lambda i: pictures[i], get_y=lambda i: int(labels[i]),
        splitter=IndexSplitter(range(len(y), len(labels))),
        batch_tfms=[*aug_transforms(), Normalize.from_stats([shift * deviation] * 3, [deviation] * 3, cuda=False)])
    batch, epochs = map(int, job["options"] + ["64", "5"][len(job["options"]):])
    data = block.dataloaders(range(len(labels)), bs=batch, num_workers=0, device=torch.device("cpu"))
    with torch.no_grad():
        channels = body(torch.zeros(1, 3, *body.size)).shape[1]
    model = add_head(body, channels, len(classes))
    quiet = NoValidation()
    learner = Learner(data, model, splitter=lambda m: L(*m[0].halves(), params(m[1])), cbs=quiet)
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(epochs)
        quiet.active = False
        scores, _ = learner.get_preds()
    right = scores.numpy().argmax(1) == y_test
    recall = np.mean([right[y_test == one].mean() for one in np.unique(y_test)])
    print(json.dumps([float(right.mean()), float(recall), time.time() - start, time.process_time() - worked,
                      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


main()
