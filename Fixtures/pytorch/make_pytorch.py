#!/usr/bin/env python3
"""Write small files of torch.save and torch.jit.save in every form, and what torch reads from them.

    python Fixtures/pytorch/make_pytorch.py

`expected.npz` has the tensors of every file under FILE:NAME, in 64 bits where they are floats.
"""
import argparse
import collections
import io
import os
import pickle
import warnings
import zipfile

import numpy as np
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
expected = {}


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, 4, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.register_buffer("passing", torch.ones(3), persistent=False)

    def forward(self, x):
        return torch.relu(self.bn(self.conv(x)))


class Net(nn.Module):
    """Two blocks and a linear layer."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(Block(3), nn.ReLU(), Block(4))
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        return self.fc(self.features(x).mean((2, 3)))


def network():
    torch.manual_seed(7)
    net = Net().eval()
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.randint(-100, 100, value.shape) / 64)
            if name.endswith("running_var"):
                value.abs_().add_(0.25)
    return net


def note(name, tensors):
    for key, value in tensors.items():
        value = value.detach()
        array = value.to(torch.float64).numpy() if value.is_floating_point() else value.numpy()
        expected[f"{name}:{key}"] = array


def save(name, value, tensors, **options):
    torch.save(value, os.path.join(HERE, name), **options)
    note(name, tensors)


def main():
    # Older files hold the source of classes, with its place on the machine.
    torch.serialization.get_source_lines_and_file = lambda cls: (["pass\n"], 0, f"{cls.__name__}.py")
    net = network()
    state = net.state_dict()
    save("state.pth", state, state)
    save("legacy.pth", state, state, _use_new_zipfile_serialization=False)
    save("protocol5.pth", state, state, pickle_protocol=5)
    torch.serialization.set_crc32_options(False)
    save("no-checksums.pth", state, state)
    torch.serialization.set_crc32_options(True)

    # Whole modules: the class is named, and never looked for.
    save("module.pth", net, state)
    save("module-legacy.pth", net, state, _use_new_zipfile_serialization=False)
    parallel = nn.DataParallel(net)
    save("parallel.pth", parallel.state_dict(), parallel.state_dict())
    script = torch.jit.trace(net, torch.zeros(1, 3, 8, 8))
    script.save(os.path.join(HERE, "script.pt"))
    repack("script.pt", "script.pt", lambda name: None if name.endswith(".debug_pkl") else name)
    note("script.pt", state)

    # Checkpoints.
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.zeros(1, 3, 8, 8)).sum().backward()
    optimizer.step()
    state = {name: value.clone() for name, value in net.state_dict().items()}
    average = torch.optim.swa_utils.AveragedModel(net)
    options = argparse.Namespace(data="photos", epochs=3, lr=0.1)
    save("checkpoint.pth", {
        "epoch": 3, "arch": "net", "state_dict": state, "optimizer": optimizer.state_dict(),
        "model_ema": average.state_dict(), "args": options, "best": float("nan")}, state)
    save("nested.pth", {"model": {"state_dict": state}, "optimizer": optimizer.state_dict()}, state)
    save("ema.pth", {"model_ema": average.state_dict(), "epoch": 1}, average.state_dict())
    tree = {"encoder": {"conv": {"weight": state["features.0.conv.weight"]}},
            "head": {"weight": state["fc.weight"], "bias": state["fc.bias"]}}
    save("tree.pth", tree, {
        "encoder.conv.weight": state["features.0.conv.weight"], "head.weight": state["fc.weight"],
        "head.bias": state["fc.bias"]})
    save("list.pt", [state["fc.weight"], state["fc.bias"]], {"0": state["fc.weight"], "1": state["fc.bias"]})
    save("tensor.pt", state["fc.weight"], {"tensor": state["fc.weight"]})
    save("parameters.pth", dict(net.named_parameters()), dict(net.named_parameters()))

    # Element types.
    few = torch.arange(-3, 3)
    types = {str(t).removeprefix("torch."): few.to(t) for t in (
        torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8, torch.int16, torch.int32,
        torch.int64, torch.uint8, torch.bool)}
    types["uint16"] = torch.arange(6).to(torch.uint16)
    types["uint64"] = torch.arange(6).to(torch.uint64)
    save("types.pt", types, {k: v for k, v in types.items() if not k.startswith("uint") or k == "uint8"})
    for key in ("uint16", "uint64"):
        expected[f"types.pt:{key}"] = np.arange(6).astype(key)
    half = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    save("half.pth", half, half)

    # Strides, shared storages, and extents of 0.
    base = torch.arange(2 * 3 * 4 * 5, dtype=torch.float32).reshape(2, 3, 4, 5)
    line = torch.arange(24, dtype=torch.float64)
    strided = {
        "base": base, "transposed": base.permute(2, 3, 1, 0), "sliced": base[:, 1:, ::2, 1:4],
        "row": base[1, 2], "channels_last": base.contiguous(memory_format=torch.channels_last),
        "expanded": torch.tensor([1.5, 2.5]).expand(3, 2), "scalar": line[7], "diagonal": line[:16].view(4, 4).diagonal(),
        "overlapping": line.as_strided((5, 3), (2, 1), 4), "empty": torch.zeros(0, 3), "no_columns": base[:, :, :, :0],
        "one": line[3:4].view(1, 1, 1),
    }
    save("strided.pt", strided, strided)
    save("strided-legacy.pt", strided, strided, _use_new_zipfile_serialization=False)

    # An archive that another program packed, with its files at the top.
    repack("state.pth", "flat.pth", lambda name: name.split("/", 1)[1])
    note("flat.pth", network().state_dict())

    older(network().state_dict())
    np.savez_compressed(os.path.join(HERE, "expected.npz"), **expected)


def repack(source, target, rename):
    """Copy an archive's members, under the names that `rename` gives; without those that get none."""
    with zipfile.ZipFile(os.path.join(HERE, source)) as archive:
        members = [(member.filename, archive.read(member)) for member in archive.infolist()]
    with zipfile.ZipFile(os.path.join(HERE, target), "w") as archive:
        for name, content in members:
            if rename(name) is not None:
                archive.writestr(zipfile.ZipInfo(rename(name), (2000, 1, 1, 0, 0, 0)), content)


class Older(pickle.Pickler):
    """What versions 0.1 to 0.3 wrote for tensors and parameters."""

    def __init__(self, file):
        super().__init__(file, 2)
        self.storages = {}

    def persistent_id(self, value):
        if isinstance(value, Storage):
            self.storages.setdefault(value.key, value)
            return ("storage", getattr(torch, value.kind), value.key, "cpu", value.count, value.view)
        return None


class Storage:
    def __init__(self, key, array, view=None):
        self.key, self.array, self.view = key, array, view
        self.kind, self.count = {"f": "FloatStorage", "d": "DoubleStorage"}[array.dtype.char], array.size


class Rebuilt:
    def __init__(self, storage, offset, size, stride):
        self.parts = storage, offset, size, stride

    def __reduce__(self):
        return torch._utils._rebuild_tensor, self.parts


class Variable:
    """Pickles as torch.nn.parameter.Parameter with the state (data, creator, hooks, gradient, volatile)."""

    def __init__(self, data):
        self.data = data

    def __reduce__(self):
        return Made(nn.Parameter), (), (self.data, None, collections.OrderedDict(), True, False)


def Made(cls):
    return cls


def older(state):
    """A file of the layout before 1.6 with the objects of older versions, a storage with parts, and Python 2's
    way to make an OrderedDict."""
    weight = state["fc.weight"].numpy()
    bias = np.arange(10, dtype=np.float64)
    whole = Storage("94", weight.ravel())
    half = Storage("95", bias, ("96", 4, 5))
    pairs = [["fc.weight", Variable(Rebuilt(whole, 0, (5, 4), (4, 1)))], ["fc.bias", Rebuilt(half, 1, (3,), (1,))]]

    class Ordered:
        def __reduce__(self):
            return collections.OrderedDict, (pairs,)

    body = io.BytesIO()
    pickler = Older(body)
    pickler.dump(Ordered())
    with open(os.path.join(HERE, "older.pth"), "wb") as file:
        pickle.dump(0x1950A86A20F9469CFC6C, file, 2)
        pickle.dump(1001, file, 2)
        pickle.dump({"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}, file, 2)
        file.write(body.getvalue())
        keys = sorted(pickler.storages)
        pickle.dump(keys, file, 2)
        for key in keys:
            array = pickler.storages[key].array
            file.write(array.size.to_bytes(8, "little") + array.tobytes())
    read = torch.load(os.path.join(HERE, "older.pth"), weights_only=False)
    assert torch.equal(read["fc.weight"], state["fc.weight"]) and read["fc.bias"].tolist() == [5, 6, 7], read
    note("older.pth", read)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
