"""Networks of torchvision and timm with random weights and statistics, and what they compute, as `zoo convert --io`
reads it."""
import os

import numpy as np
import torch


def randomize(net, seed):
    """Weights that keep values of usual size from layer to layer, and statistics that matter."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(shape, low, high):
        return torch.rand(shape, generator=generator) * (high - low) + low

    with torch.no_grad():
        for name, value in net.state_dict().items():
            if not value.is_floating_point():
                continue
            kind = name.rsplit(".", 1)[-1]
            if kind == "running_var":
                value.copy_(uniform(value.shape, 0.5, 1.5))
            elif kind == "running_mean":
                value.copy_(uniform(value.shape, -0.2, 0.2))
            elif value.dim() > 1:
                inputs = value[0].numel()
                value.copy_(torch.randn(value.shape, generator=generator) * (2 / inputs) ** 0.5)
            elif kind == "weight":
                value.copy_(uniform(value.shape, 0.5, 1.0))
            else:
                value.copy_(uniform(value.shape, -0.1, 0.1))
    return net.eval()


def record(net, path, height, width, taps, seed=1, logits=True):
    """Write the input `x`, the output `y` and taps (N, H, W, C) of some modules, in 32 and 64 bits."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((1, 3, height, width), generator=generator)
    found = {}
    modules = dict(net.named_modules())
    handles = [
        modules[module].register_forward_hook(lambda m, i, o, layer=layer: found.__setitem__(layer, o.clone()))
        for module, layer in taps.items()]

    def run(net, x):
        found.clear()
        with torch.no_grad():
            y = net(x)
        y = torch.softmax(y, 1) if logits else y
        arrays = {"y": y} | {f"tap:{layer}": value for layer, value in found.items()}
        return {name: a.numpy() if a.dim() == 2 else a.permute(0, 2, 3, 1).contiguous().numpy()
                for name, a in arrays.items()}

    single = run(net, x)
    double = run(net.double(), x.double())
    net.float()
    for handle in handles:
        handle.remove()
    arrays = {"x": x.permute(0, 2, 3, 1).contiguous().numpy()} | single
    arrays |= {f"{name}:64": value for name, value in double.items()}
    np.savez_compressed(path, **arrays)


def save(net, folder, name, kinds=("pth", "safetensors", "npz")):
    """Write the state dictionary in these containers; returns the paths."""
    from safetensors.torch import save_file
    state = net.state_dict()
    paths = []
    for kind in kinds:
        path = os.path.join(folder, f"{name}.{kind}")
        if kind == "pth":
            torch.save(state, path)
        elif kind == "safetensors":
            save_file({key: value.contiguous() for key, value in state.items()}, path)
        else:
            np.savez(path, **{key: value.numpy() for key, value in state.items()})
        paths.append(path)
    return paths


# Which module gives what a layer of the zoo's network gives.

def resnet_taps(net):
    taps = {"conv1": "conv1_conv", "bn1": "conv1_bn", "maxpool": "pool1_pool"}
    for stack in range(1, 5):
        for block in range(len(getattr(net, f"layer{stack}"))):
            taps[f"layer{stack}.{block}"] = f"conv{stack + 1}_block{block + 1}_out"
    return taps


def vgg_taps(net):
    pools = [i for i, module in enumerate(net.features) if isinstance(module, torch.nn.MaxPool2d)]
    return {f"features.{place}": f"block{i + 1}_pool" for i, place in enumerate(pools)}


def mobilenet_taps(net):
    taps, number = {"bn1": "conv1_relu"}, 0
    for s, stage in enumerate(net.blocks):
        for b, _ in enumerate(stage):
            number += 1
            taps[f"blocks.{s}.{b}"] = f"conv_pw_{number}_relu"
    return taps


def densenet_taps(net):
    taps = {"features.conv0": "conv1_conv", "features.pool0": "pool1"}
    block = 1
    while hasattr(net.features, f"denseblock{block}"):
        layers = len(getattr(net.features, f"denseblock{block}"))
        taps[f"features.denseblock{block}"] = f"conv{block + 1}_block{layers}_concat"
        taps[f"features.transition{block}"] = f"pool{block + 1}_pool"
        block += 1
    del taps[f"features.transition{block - 1}"]
    return taps


def mobilenet_v2_taps(net):
    if hasattr(net, "blocks"):
        blocks = [(f"blocks.{s}.{b}", block.has_skip)
                  for s, stage in enumerate(net.blocks) for b, block in enumerate(stage)]
        taps = {"bn1": "Conv1_relu", "bn2": "out_relu"}
    else:
        blocks = [(f"features.{i + 1}", block.use_res_connect) for i, block in enumerate(net.features[1:-1])]
        taps = {"features.0": "Conv1_relu", f"features.{len(blocks) + 1}": "out_relu"}
    for i, (module, adds) in enumerate(blocks):
        name = f"block_{i}" if i else "expanded_conv"
        taps[module] = f"{name}_add" if adds else f"{name}_project_BN"
    return taps


def convnext_taps(net):
    """Of `convnext_tiny` and others by the zoo's names of them."""
    is_timms = hasattr(net, "stages")
    depths = [len(stage.blocks) for stage in net.stages] if is_timms else [len(net.features[i]) for i in (1, 3, 5, 7)]
    width = (net.stem if is_timms else net.features[0])[0].out_channels
    name = {(9, 96): "tiny", (27, 96): "small", (27, 128): "base", (27, 192): "large"}.get(
        (depths[2], width), "custom")
    taps = {"stem" if is_timms else "features.0": f"convnext_{name}_stem_layernorm"}
    for stage, count in enumerate(depths):
        for block in (0, count - 1):
            module = f"stages.{stage}.blocks.{block}" if is_timms else f"features.{2 * stage + 1}.{block}"
            taps[module] = f"convnext_{name}_stage_{stage}_block_{block}_add"
    return taps


def mobilenet_v3_taps(net):
    if hasattr(net, "blocks"):
        blocks = [(f"blocks.{s}.{b}", block.has_skip)
                  for s, stage in enumerate(net.blocks[:-1]) for b, block in enumerate(stage)]
        taps = {"bn1": "conv_activation", f"blocks.{len(net.blocks) - 1}.0": "conv_1_activation"}
    else:
        blocks = [(f"features.{i + 1}", block.use_res_connect) for i, block in enumerate(net.features[1:-1])]
        taps = {"features.0": "conv_activation", f"features.{len(blocks) + 1}": "conv_1_activation"}
    for i, (module, adds) in enumerate(blocks):
        name = f"expanded_conv_{i}" if i else "expanded_conv"
        taps[module] = f"{name}_add" if adds else f"{name}_project_bn"
    return taps


def efficientnet_taps(net):
    is_timms = hasattr(net, "blocks")
    stages = net.blocks if is_timms else net.features[1:-1]
    taps = {"bn1": "stem_activation", "bn2": "top_activation"} if is_timms else {
        "features.0": "stem_activation", "features.8": "top_activation"}
    for s, stage in enumerate(stages):
        for b, block in enumerate(stage):
            adds = block.has_skip if is_timms else block.use_res_connect
            module = f"blocks.{s}.{b}" if is_timms else f"features.{s + 1}.{b}"
            taps[module] = f"block{s + 1}{chr(97 + b)}_{'add' if adds else 'project_bn'}"
    return taps


def efficientnet_v2_taps(net):
    taps = efficientnet_taps(net)
    if not hasattr(net, "blocks"):
        del taps["features.8"]
        taps[f"features.{len(net.features) - 1}"] = "top_activation"
    # The first stage widens nothing and ends with an activation.
    for module, layer in taps.items():
        if layer.startswith("block1") and layer.endswith("project_bn"):
            taps[module] = layer.replace("project_bn", "project_activation")
    return taps


def inception_taps(net):
    modules = ["5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"]
    return {"Conv2d_1a_3x3": "activation"} | {f"Mixed_{name}": f"mixed{i}" for i, name in enumerate(modules)}


def xception_taps(net):
    return {"act2": "block1_conv2_act"} | {
        f"block{block}": f"add{f'_{block - 1}' if block > 1 else ''}" for block in range(1, 13)}


def nasnet_taps(net):
    taps = {"conv0": "stem_bn1", "cell_stem_0": "reduction_concat_stem_1", "cell_stem_1": "reduction_concat_stem_2",
            "reduction_cell_0": "reduction_concat_reduce_6", "reduction_cell_1": "reduction_concat_reduce_12"}
    # Keras' numbers skip one after the first stack.
    return taps | {f"cell_{i}": f"normal_concat_{i if i < 6 else i + 1}" for i in range(18)}


def inception_resnet_taps(net):
    taps = {"mixed_5b": "mixed_5b", "mixed_6a": "mixed_6a", "mixed_7a": "mixed_7a", "conv2d_7b": "conv_7b_ac",
            "block8": "block8_10_add"}
    for name, layer in [("repeat", "block35"), ("repeat_1", "block17"), ("repeat_2", "block8")]:
        count = len(getattr(net, name))
        taps |= {f"{name}.{i}": f"{layer}_{i + 1}_ac" for i in (0, count - 1)}
    return taps
