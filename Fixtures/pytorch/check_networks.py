#!/usr/bin/env python3
"""Convert networks of torchvision and timm with `zoo` and compare what both compute; prints a table.

    python Fixtures/pytorch/check_networks.py [--zoo .build/release/zoo] [--only TEXT] [--kinds pth,safetensors,npz]

Weights and statistics are random. The error is that of the output or tap which is nearest to its tolerance.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import warnings

import timm
import torch
import torchvision.models as models

import networks

SIZES = [(224, 224), (225, 225), (97, 131)]


def rows():
    for name in ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
                 "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2"]:
        yield "torchvision", name, lambda name=name: getattr(models, name)(), networks.resnet_taps, SIZES
    for name in ["resnet18", "resnet26", "resnet50", "resnext50_32x4d", "resnext101_32x4d", "wide_resnet50_2"]:
        yield "timm", name, lambda name=name: timm.create_model(name), networks.resnet_taps, SIZES
    for layers in (11, 13, 16, 19):
        for suffix in ("", "_bn"):
            name = f"vgg{layers}{suffix}"
            # The last size leaves a map larger than the 7x7 of the first dense layer along one side.
            sizes = SIZES + [(289, 160)]
            yield "torchvision", name, lambda name=name: getattr(models, name)(), networks.vgg_taps, sizes
            yield "timm", name, lambda name=name: timm.create_model(name), networks.vgg_taps, sizes
    for name in ["mobilenetv1_100", "mobilenetv1_125"]:
        yield "timm", name, lambda name=name: timm.create_model(name), networks.mobilenet_taps, SIZES
    for name in ["densenet121", "densenet161", "densenet169", "densenet201"]:
        yield "torchvision", name, lambda name=name: getattr(models, name)(), networks.densenet_taps, SIZES
    yield "timm", "densenet121", lambda: timm.create_model("densenet121"), networks.densenet_taps, SIZES
    yield "torchvision", "mobilenet_v2", models.mobilenet_v2, networks.mobilenet_v2_taps, SIZES
    for name in ["mobilenetv2_050", "mobilenetv2_100", "mobilenetv2_140"]:
        yield "timm", name, lambda name=name: timm.create_model(name), networks.mobilenet_v2_taps, SIZES
    for name in ["convnext_tiny", "convnext_small", "convnext_base"]:
        yield "torchvision", name, lambda name=name: getattr(models, name)(), networks.convnext_taps, SIZES
    for name in ["convnext_atto", "convnext_tiny", "convnext_base"]:
        yield "timm", name, lambda name=name: timm.create_model(name), networks.convnext_taps, SIZES
    for name in ["mobilenet_v3_large", "mobilenet_v3_small"]:
        yield "torchvision", name, lambda name=name: getattr(models, name)(), networks.mobilenet_v3_taps, SIZES
    for name in ["mobilenetv3_large_100", "mobilenetv3_small_100", "tf_mobilenetv3_large_100",
                 "tf_mobilenetv3_large_075", "tf_mobilenetv3_small_minimal_100"]:
        yield "timm", name, lambda name=name: timm.create_model(name), networks.mobilenet_v3_taps, SIZES
    for name in ["efficientnet_b0", "efficientnet_b1", "efficientnet_b5"]:
        yield "torchvision", name, lambda name=name: getattr(models, name)(), networks.efficientnet_taps, SIZES
    for name in ["efficientnet_b0", "efficientnet_b3", "tf_efficientnet_b0", "tf_efficientnet_b4"]:
        yield "timm", name, lambda name=name: timm.create_model(name), networks.efficientnet_taps, SIZES
    for name in ["efficientnet_v2_s", "efficientnet_v2_m"]:
        yield "torchvision", name, lambda name=name: getattr(models, name)(), networks.efficientnet_v2_taps, SIZES
    for name in ["tf_efficientnetv2_b0", "tf_efficientnetv2_b3", "tf_efficientnetv2_s"]:
        yield "timm", name, lambda name=name: timm.create_model(name), networks.efficientnet_v2_taps, SIZES
    yield ("torchvision", "inception_v3", lambda: models.inception_v3(init_weights=False), networks.inception_taps, SIZES)
    yield "timm", "inception_v3", lambda: timm.create_model("inception_v3"), networks.inception_taps, SIZES
    yield "timm", "legacy_xception", lambda: timm.create_model("legacy_xception"), networks.xception_taps, SIZES
    yield ("timm", "inception_resnet_v2", lambda: timm.create_model("inception_resnet_v2"), networks.inception_resnet_taps,
           SIZES)
    yield ("timm", "nasnetalarge", lambda: timm.create_model("nasnetalarge"), networks.nasnet_taps,
           [(331, 331), (225, 225), (97, 131)])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--zoo", default=".build/release/zoo")
    parser.add_argument("--only", default="")
    parser.add_argument("--kinds", default="pth,safetensors,npz")
    arguments = parser.parse_args()
    failed = 0
    print("| program | network | file | size | largest error |\n|---|---|---|---|---|")
    for program, name, make, taps, sizes in rows():
        if arguments.only not in f"{program}:{name}":
            continue
        torch.manual_seed(0)
        net = networks.randomize(make(), 3)
        with tempfile.TemporaryDirectory() as folder:
            for kind, path in zip(arguments.kinds.split(","),
                                  networks.save(net, folder, name, arguments.kinds.split(","))):
                for height, width in sizes if kind == arguments.kinds.split(",")[0] else sizes[:1]:
                    io = os.path.join(folder, "io.npz")
                    networks.record(net, io, height, width, taps(net))
                    run = subprocess.run(
                        [arguments.zoo, "convert", path, "-o", os.path.join(folder, "m.zoo"), "--io", io, "--force"],
                        capture_output=True, text=True)
                    line = next((l for l in run.stdout.splitlines() if "recorded inputs" in l), "")
                    error = re.search(r"largest error (\S+) at (\S+), tolerance (\S+)", line)
                    failed += run.returncode != 0
                    result = f"{float(error[1]):.1e} at {error[2]}, tolerance {float(error[3]):.1e}" if error and not run.returncode \
                        else (run.stderr + run.stdout).strip()
                    print(f"| {program} | {name} | {kind} | {height}x{width} | {result} |", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
