#!/usr/bin/env python3
"""Write networks of torchvision and timm, reduced in size, and what they compute.

    python Fixtures/pytorch/make_networks.py

`check_networks.py` does the same with the networks at full size, and keeps no files.
"""
import json
import os
import re
import warnings

import timm
import torch
from torch import nn
from torchvision import models
from torchvision.models import densenet, resnet, vgg

import networks

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "networks")


class ResNet(resnet.ResNet):
    """torchvision's network with fewer filters."""

    def __init__(self, block, layers, width, groups=1, base_width=64):
        nn.Module.__init__(self)
        self._norm_layer = nn.BatchNorm2d
        self.inplanes, self.dilation, self.groups, self.base_width = width, 1, groups, base_width
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        for i, count in enumerate(layers):
            setattr(self, f"layer{i + 1}", self._make_layer(block, width << i, count, stride=1 if i == 0 else 2))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(width * 8 * block.expansion, 10)


def small_vgg(batch_norm):
    layers = vgg.make_layers([4, "M", 8, "M", 16, 16, "M", 32, 32, "M", 32, 32, "M"], batch_norm)
    net = vgg.VGG(layers, num_classes=10, init_weights=False)
    net.avgpool = nn.AdaptiveAvgPool2d((2, 2))
    net.classifier = nn.Sequential(
        nn.Linear(32 * 4, 24), nn.ReLU(True), nn.Dropout(), nn.Linear(24, 24), nn.ReLU(True), nn.Dropout(),
        nn.Linear(24, 10))
    return net


def small_timm_vgg():
    net = timm.models.vgg.VGG([4, "M", 8, "M", 16, "M", 32, 32, "M", 32, 32, "M"], num_classes=10)
    net.pre_logits = timm.models.vgg.ConvMlp(
        32, 24, 2, 1.0, drop_rate=0, act_layer=nn.ReLU, conv_layer=nn.Conv2d)
    net.head.fc = nn.Linear(24, 10)
    return net


def small_efficientnet_v2():
    """torchvision's form of B0 at a tenth of its width."""
    fused, inverted = models.efficientnet.FusedMBConvConfig, models.efficientnet.MBConvConfig
    rows = [fused(1, 3, 1, 8, 8, 1), fused(4, 3, 2, 8, 8, 2), fused(4, 3, 2, 8, 8, 2), inverted(4, 3, 2, 8, 8, 3),
            inverted(6, 3, 1, 8, 8, 5), inverted(6, 3, 2, 8, 16, 8)]
    return models.EfficientNet(rows, dropout=0, num_classes=10, last_channel=128,
                               norm_layer=lambda channels: nn.BatchNorm2d(channels, eps=1e-3))


def path(name):
    return os.path.join(HERE, name)


def main():
    torch.manual_seed(0)
    net = networks.randomize(ResNet(resnet.BasicBlock, [1, 2, 1, 1], 4), 1)
    networks.save(net, HERE, "resnet-basic", ["pth"])
    networks.record(net, path("resnet-basic.io.npz"), 65, 49, networks.resnet_taps(net))

    net = networks.randomize(ResNet(resnet.Bottleneck, [1, 2, 1, 1], 4), 2)
    networks.save(net, HERE, "resnet", ["safetensors"])
    state = {f"module._orig_mod.{name}": value for name, value in net.state_dict().items()}
    torch.save({"epoch": 7, "state_dict": state, "optimizer": {"state": {0: net.conv1.weight}}},
               path("resnet-checkpoint.pth"))
    networks.record(net, path("resnet.io.npz"), 65, 49, networks.resnet_taps(net))

    net = networks.randomize(ResNet(resnet.Bottleneck, [1, 1, 1, 1], 4, groups=2), 3)
    networks.save(net, HERE, "resnext", ["npz"])
    networks.record(net, path("resnext.io.npz"), 65, 49, networks.resnet_taps(net))

    for name, net, kinds in [("vgg", small_vgg(False), ["pth"]), ("vgg-bn", small_vgg(True), ["pth"]),
                             ("vgg-timm", small_timm_vgg(), ["safetensors"])]:
        networks.randomize(net, 4)
        networks.save(net, HERE, name, kinds)
        networks.record(net, path(f"{name}.io.npz"), 64, 64, networks.vgg_taps(net))
        # Another last map than 2x2, higher and less wide.
        if name != "vgg-bn":
            pool = {"avgpool": "avgpool"} if name == "vgg" else {}
            networks.record(net, path(f"{name}-pooled.io.npz"), 97, 49, networks.vgg_taps(net) | pool)

    # Half precision is what makes it small.
    net = timm.models.efficientnet._gen_mobilenet_v1("mobilenetv1_100", channel_multiplier=0.25)
    net.reset_classifier(10)
    networks.randomize(net, 5).half()
    networks.save(net, HERE, "mobilenet", ["pth"])
    net.float()
    taps = {module: layer for module, layer in networks.mobilenet_taps(net).items() if module[:9] != "blocks.2."}
    networks.record(net, path("mobilenet.io.npz"), 65, 49, taps)

    net = networks.randomize(densenet.DenseNet(growth_rate=32, block_config=(1, 2), num_init_features=16, num_classes=10), 6)
    # As torchvision's published files have it.
    half = {name: value.half() if value.is_floating_point() else value for name, value in net.state_dict().items()}
    net.load_state_dict(half)
    state = {re.sub(r"(denselayer\d+\.(norm|conv))", r"\1.", name): value for name, value in half.items()}
    torch.save(state, path("densenet.pth"))
    networks.record(net, path("densenet.io.npz"), 65, 49, networks.densenet_taps(net))

    net = networks.randomize(models.MobileNetV2(width_mult=0.1, num_classes=10), 7).half()
    networks.save(net, HERE, "mobilenetv2", ["pth"])
    net.float()
    taps = networks.mobilenet_v2_taps(net)
    networks.record(net, path("mobilenetv2.io.npz"), 65, 49, dict(list(taps.items())[::3]))

    net = timm.models.convnext.ConvNeXt(depths=(1, 1, 2, 1), dims=(4, 8, 16, 32), num_classes=10)
    networks.randomize(net, 8)
    networks.save(net, HERE, "convnext", ["safetensors"])
    networks.record(net, path("convnext.io.npz"), 97, 70, networks.convnext_taps(net))

    for name, generate, taps in [
        ("mobilenetv3_small_100", timm.models.mobilenetv3._gen_mobilenet_v3, networks.mobilenet_v3_taps),
        ("tf_mobilenetv3_small_100", timm.models.mobilenetv3._gen_mobilenet_v3, networks.mobilenet_v3_taps),
        ("efficientnet_b0", timm.models.efficientnet._gen_efficientnet, networks.efficientnet_taps),
        ("tf_efficientnet_b0", timm.models.efficientnet._gen_efficientnet, networks.efficientnet_taps),
    ]:
        options = {"bn_eps": 1e-3, "pad_type": "same"} if name.startswith("tf_") else {}
        net = generate(name, channel_multiplier=0.25, num_classes=10, **options)
        networks.randomize(net, 9).half()
        networks.save(net, HERE, name, ["pth"])
        found = list(taps(net).items())
        networks.record(net.float(), path(f"{name}.io.npz"), 65, 49, dict(found[:2] + found[2::4]))

    nets = [("efficientnet_v2", small_efficientnet_v2()),
            ("tf_efficientnetv2_b0", timm.models.efficientnet._gen_efficientnetv2_base(
                "tf_efficientnetv2_b0", channel_multiplier=0.1, num_classes=10, bn_eps=1e-3, pad_type="same"))]
    for name, net in nets:
        networks.randomize(net, 10).half()
        networks.save(net, HERE, name, ["pth"])
        found = list(networks.efficientnet_v2_taps(net).items())
        networks.record(net.float(), path(f"{name}.io.npz"), 65, 49, dict(found[:2] + found[2::4]))

    net = timm.models.nasnet.NASNetALarge(num_classes=10, stem_size=8, num_features=96, pad_type="same")
    networks.randomize(net, 11).half()
    networks.save(net, HERE, "nasnet", ["safetensors"])
    found = list(networks.nasnet_taps(net).items())
    networks.record(net.float(), path("nasnet.io.npz"), 65, 49, dict(found[:5] + found[5::6]))

    # These have one size alone: their names and shapes, for which module is which layer.
    shapes = {}
    for name, net in [("inception_v3", models.inception_v3(init_weights=False)),
                      ("legacy_xception", timm.create_model("legacy_xception")),
                      ("inception_resnet_v2", timm.create_model("inception_resnet_v2"))]:
        shapes[name] = {key: list(value.shape) for key, value in net.state_dict().items()
                        if not key.endswith("num_batches_tracked")}
    with open(path("shapes.json"), "w") as file:
        json.dump(shapes, file, separators=(",", ":"))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
