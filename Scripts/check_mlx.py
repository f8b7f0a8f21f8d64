#!/usr/bin/env python3
"""Loads weights that `zoo export --format mlx` wrote with MLX itself, and runs layers of them.

    pip install 'mlx[cpu]' numpy
    Scripts/check_mlx.py .build/release/zoo MODEL.zoo

Every tensor is compared with what `zoo export MODEL.npz` has: kernels by convolving random values with MLX and
with NumPy, dense layers of 4 and 8 bits by MLX' own dequantization and product. Prints the largest error of each
kind, of the largest value, and fails where one is larger than rounding explains.
"""
import json
import subprocess
import sys
import tempfile

import mlx.core as mx
import numpy as np

mx.set_default_device(mx.cpu)


def plain_convolution(x, kernel):
    """Valid convolution of (H, W, I) with (h, w, I, O), in double precision."""
    height, width = kernel.shape[:2]
    out = np.zeros((x.shape[0] - height + 1, x.shape[1] - width + 1, kernel.shape[3]))
    for i in range(height):
        for j in range(width):
            out += x[i:i + out.shape[0], j:j + out.shape[1]].astype(np.float64) @ kernel[i, j].astype(np.float64)
    return out


def main():
    zoo, model = sys.argv[1:3]
    random = np.random.default_rng(1)
    errors = {}

    def note(kind, found, expected):
        assert found.shape == expected.shape, (kind, found.shape, expected.shape)
        scale = np.abs(expected).max() or 1
        errors[kind] = max(errors.get(kind, 0), float(np.abs(found - expected).max() / scale))

    with tempfile.TemporaryDirectory() as folder:
        weights, plain = f"{folder}/m.safetensors", f"{folder}/m.npz"
        subprocess.run([zoo, "export", model, "-o", weights, "--format", "mlx", "-q"], check=True)
        subprocess.run([zoo, "export", model, "-o", plain, "-q"], check=True)
        tensors, metadata = mx.load(weights, return_metadata=True)
        expected = dict(np.load(plain))
    quantized = json.loads(metadata.get("quantization", "{}"))
    names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var",
             "kernel": "weight", "bias": "bias", "depthwise_kernel": "weight"}
    seen = 0
    for path, value in expected.items():
        layer, role = path.rsplit("/", 1)
        name = f"{layer}.{names.get(role, role)}"
        if role == "pointwise_kernel" or f"{layer}.pointwise.weight" in tensors:
            continue
        tensor = tensors[name]
        seen += 1
        if layer in quantized and role == "kernel":
            form = quantized[layer]
            scales, biases = tensors[f"{layer}.scales"], tensors[f"{layer}.biases"]
            whole = mx.dequantize(tensor, scales.astype(mx.float32), biases.astype(mx.float32),
                                  group_size=form["group_size"], bits=form["bits"])
            note(f"{form['bits']} bits", np.array(whole).T, value)
            x = random.standard_normal((3, value.shape[0])).astype(np.float32)
            product = mx.quantized_matmul(mx.array(x), tensor, scales.astype(mx.float32), biases.astype(mx.float32),
                                          transpose=True, group_size=form["group_size"], bits=form["bits"])
            note(f"{form['bits']} bits, product", np.array(product), x @ value)
        elif value.ndim == 4 and role == "kernel" and tensor.shape[0] == value.shape[3]:
            if tensor.shape[3] != value.shape[2]:
                continue
            x = random.standard_normal((value.shape[0] + 2, value.shape[1] + 1, value.shape[2])).astype(np.float32)
            found = np.array(mx.conv2d(mx.array(x)[None], tensor.astype(mx.float32)))[0]
            note("convolutions", found, plain_convolution(x, value))
        elif value.ndim == 4 and tensor.shape[3] == 1 and tensor.shape[0] == value.shape[2] * value.shape[3]:
            channels = value.shape[2]
            x = random.standard_normal((value.shape[0] + 2, value.shape[1] + 1, channels)).astype(np.float32)
            found = np.array(mx.conv2d(mx.array(x)[None], tensor.astype(mx.float32), groups=channels))[0]
            parts = [plain_convolution(x[..., c:c + 1], value[:, :, c:c + 1]) for c in range(channels)]
            note("depthwise convolutions", found, np.concatenate(parts, axis=-1))
        elif value.ndim == 2 and role == "kernel":
            note("dense layers", np.array(tensor.astype(mx.float32)).T, value)
        else:
            note("vectors", np.array(tensor.astype(mx.float32)), value)
    print(f"{model}: {seen} of {len(expected)} weights")
    for kind, error in sorted(errors.items()):
        print(f"  {kind}: {error:.1e}")
    if any(error > 1e-5 for error in errors.values()):
        sys.exit("an error is larger than rounding explains")


if __name__ == "__main__":
    main()
