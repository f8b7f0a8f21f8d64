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
