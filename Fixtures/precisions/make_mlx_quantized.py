"""Writes mlx_quantized.json: weights of 16 bits, and what mlx.core.quantize makes of them with 4 bits and groups of 64.

    pip install "mlx[cpu]" numpy
    python make_mlx_quantized.py

Each row of a weight is an output channel, as MLX has it. All numbers are bits in hexadecimal: f16 for weights, scales
and minima (MLX's biases), and the bytes of the codes in order, two a byte with the first one in the low bits.
"""

import json
import pathlib

import mlx.core as mx
import numpy as np


def rows():
    random = np.random.default_rng(1)
    plain = random.normal(0, 0.05, (6, 192))
    special = np.zeros((6, 192))
    special[0, 64:128] = 0.25  # one value, of either sign
    special[0, 128:] = -0.375
    special[1, :64] = random.uniform(0, 1, 64)  # one-sided
    special[1, 64:128] = random.uniform(-1, 0, 64)
    special[1, 128:] = random.uniform(3, 3.01, 64)  # far from 0
    special[2, :64] = random.normal(0, 1e-6, 64)  # narrower than MLX's least scale
    special[2, 64:128] = random.normal(0, 8000, 64)
    special[2, 128:] = random.integers(-8, 8, 64) * 0.5  # ties
    special[3] = random.integers(0, 2, 192)
    special[4] = np.where(random.random(192) < 0.02, 1, 0.001) * random.normal(0, 1, 192)  # outliers
    special[5, ::2] = random.integers(-1, 2, 96) * 0.1  # ends of equal size
    return np.concatenate([plain, special]).astype(np.float16)


def hexadecimal(array):
    return np.ascontiguousarray(array).tobytes().hex()


weights = rows()
codes, scales, biases = mx.quantize(mx.array(weights), group_size=64, bits=4)
path = pathlib.Path(__file__).parent / "mlx_quantized.json"
path.write_text(
    json.dumps(
        {
            "mlx": mx.__version__,
            "channels": weights.shape[0],
            "inputs": weights.shape[1],
            "group": 64,
            "weights": hexadecimal(weights),
            "codes": hexadecimal(np.array(codes).astype("<u4")),
            "scales": hexadecimal(np.array(scales)),
            "minima": hexadecimal(np.array(biases)),
        },
        indent=1,
    )
    + "\n"
)
