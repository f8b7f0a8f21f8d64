#!/usr/bin/env python3
"""A step of training beside PyTorch's and Keras': for `make bench TRAINING="mobilenet resnet50"`.

    python training_peers.py compare PROGRAM [NETWORK...] [--batch N] [--rounds N] [--threads N...]
    python training_peers.py step torch|keras NETWORK BATCH fixed|batch all|last THREADS STEPS

NETWORK: mobilenet, resnet50, vgg16; PROGRAM: zoo-benchmarks. The networks, the batch and the optimizer (gradient
descent with momentum) are the same for all. Batch norms normalize by their stored statistics (fixed) or by the batch;
all layers learn, or those of the last stage. PyTorch keeps channels last. Every figure is the median of rounds in
which the engines take turns, each in a process of its own, of which each is the median of its steps. The ratio is the
fastest peer's time by ours. Memory is the most that a process had.

TORCH_PYTHON and KERAS_PYTHON name other Pythons, where no single one has both.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

NETWORKS = ["mobilenet", "resnet50", "vgg16"]
CLASSES = 10


# PyTorch

def torch_mobilenet(nn):
    """MobileNet v1; blocks are pairs of a depthwise and a 1x1 convolution."""

    def unit(inputs, outputs, size, stride=1, groups=1):
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True))

    widths = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    blocks, channels = [unit(3, 32, 3, 2)], 32
    for width, stride in widths:
        blocks.append(nn.Sequential(
            unit(channels, channels, 3, stride, groups=channels), unit(channels, width, 1)))
        channels = width
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES))


def torch_network(name):
    """The network, and the part of it that is the last stage and what follows."""
    from torch import nn

    if name == "mobilenet":
        model = torch_mobilenet(nn)
        return model, [model[12], model[13], model[16]]
    import torchvision

    if name == "resnet50":
        model = torchvision.models.resnet50(num_classes=CLASSES)
        for stage in (model.layer2, model.layer3, model.layer4):
            # As Keras has it, and the publication.
            stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
        return model, [model.layer4, model.fc]
    model = torchvision.models.vgg16(num_classes=CLASSES)
    return model, [*list(model.features)[24:], model.classifier]


def torch_steps(name, batch, norms, part, threads, steps):
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model, last = torch_network(name)
    model = model.to(memory_format=torch.channels_last).train()
    learning = set(model.modules())
    if part == "last":
        learning = {module for top in last for module in top.modules()}
        for parameter in model.parameters():
            parameter.requires_grad = False
        for top in last:
            for parameter in top.parameters():
                parameter.requires_grad = True
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and (norms == "fixed" or module not in learning):
            module.eval()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1e-5, momentum=0.9)
    pictures = torch.rand(batch, 3, 224, 224).to(memory_format=torch.channels_last)
    labels = torch.arange(batch) % CLASSES
    times = []
    for _ in range(steps + 1):
        start = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(pictures), labels).backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
    return times[1:]


# Keras

def keras_steps(name, batch, norms, part, threads, steps):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    import keras
    import numpy as np

    keras.utils.set_random_seed(1)
    maker = {"mobilenet": "MobileNet", "resnet50": "ResNet50", "vgg16": "VGG16"}[name]
    model = getattr(keras.applications, maker)(weights=None, classes=CLASSES, input_shape=(224, 224, 3))
    first = {"mobilenet": "conv_dw_12", "resnet50": "conv5_block1", "vgg16": "block5_conv1"}[name]
    names = [layer.name for layer in model.layers]
    start = next(i for i, layer in enumerate(names) if layer.startswith(first)) if part == "last" else 0
    for index, layer in enumerate(model.layers):
        is_norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = index >= start and not (is_norm and norms == "fixed")
    model.compile(
        optimizer=keras.optimizers.SGD(1e-5, momentum=0.9), loss="sparse_categorical_crossentropy")
    pictures = np.random.default_rng(1).random((batch, 224, 224, 3), dtype="float32")
    labels = np.arange(batch) % CLASSES
    times = []
    for _ in range(steps + 2):
        start = time.perf_counter()
        model.train_on_batch(pictures, labels)
        times.append(time.perf_counter() - start)
    return times[2:]


# Turns

def child(command, **environment):
    """What a process printed, as JSON, with the most memory that it had; None where it failed."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **environment})
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        return None
    scale = 1 if sys.platform == "darwin" else 1024
    return json.loads(output) | {"peak": usage.ru_maxrss * scale / 2**20}


def has(python, module):
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", code], check=False).returncode == 0


def compare(options):
    pythons = {
        "PyTorch": (os.environ.get("TORCH_PYTHON", sys.executable), "torch"),
        "Keras": (os.environ.get("KERAS_PYTHON", sys.executable), "keras"),
    }
    peers = [name for name, (python, module) in pythons.items() if has(python, module)]
    for name in pythons.keys() - set(peers):
        print(f"{name} is not installed, and is left out.", file=sys.stderr)
    engines = ["ours"] + peers
    print(f"A step of training, batch {options.batch}: milliseconds, and MiB.\n")
    head = ["network", "learn", "norms", "threads"] + engines + ["ratio"] + [f"{e}, MiB" for e in engines] + ["share"]
    print("| " + " | ".join(head) + " |")
    print("|---|---|---|" + "---:|" * (len(head) - 3), flush=True)
    for name in options.networks:
        for part in ("all", "last"):
            for norms in ("fixed", "batch") if name != "vgg16" else ("fixed",):
                for threads in options.threads:
                    row(options, engines, pythons, name, part, norms, threads)


def row(options, engines, pythons, name, part, norms, threads):
    runs = {engine: [] for engine in engines}
    for _ in range(options.rounds):
        for engine in engines:
            case = [name, str(options.batch), norms, part]
            if engine == "ours":
                found = child(
                    [options.program, "training", *case], JSON="1", THREADS=str(threads),
                    ROUNDS=str(options.steps))
            else:
                python, module = pythons[engine]
                found = child(
                    [python, os.path.abspath(__file__), "step", module, *case, str(threads), str(options.steps)],
                    OMP_NUM_THREADS=str(threads))
            if found:
                runs[engine].append(found)

    def median(engine, key):
        values = [run[key] for run in runs[engine]]
        return statistics.median(values) if values else None

    def cells(key):
        values = [median(engine, key) for engine in engines]
        own, others = values[0], [value for value in values[1:] if value]
        return values, own, min(others) if others else None

    times, own, best = cells("milliseconds")
    peaks, memory, least = cells("peak")
    texts = [name, part, norms, str(threads)]
    texts += [f"{value:.0f}" if value else "–" for value in times]
    texts += [f"{best / own:.2f}" if best and own else "–"]
    texts += [f"{value:.0f}" if value else "–" for value in peaks]
    texts += [f"{memory / least:.2f}" if memory and least else "–"]
    print("| " + " | ".join(texts) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("compare")
    command.add_argument("program")
    command.add_argument("networks", nargs="*", default=NETWORKS)
    command.add_argument("--batch", type=int, default=16)
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--steps", type=int, default=3)
    command.add_argument("--threads", type=int, nargs="+", default=sorted({1, os.cpu_count() or 1}))
    command = commands.add_parser("step")
    command.add_argument("engine", choices=["torch", "keras"])
    command.add_argument("network", choices=NETWORKS)
    command.add_argument("batch", type=int)
    command.add_argument("norms", choices=["fixed", "batch"])
    command.add_argument("part", choices=["all", "last"])
    command.add_argument("threads", type=int)
    command.add_argument("steps", type=int)
    options = parser.parse_args()
    if options.command == "compare":
        return compare(options)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    run = torch_steps if options.engine == "torch" else keras_steps
    times = run(options.network, options.batch, options.norms, options.part, options.threads, options.steps)
    print(json.dumps({"milliseconds": statistics.median(times) * 1e3, "fastest": min(times) * 1e3}))


if __name__ == "__main__":
    main()
