#!/usr/bin/env python3
"""Write the tensors of make_containers.py as safetensors files, by the format's own library.

    python Fixtures/containers/make_safetensors.py
"""
import os

import numpy as np
from safetensors.numpy import save_file

from make_containers import HERE, bfloat16, tensors


def write(name, values, metadata=None):
    save_file(values, os.path.join(HERE, name), metadata)


def main():
    for kind in ("f2", "f4", "f8"):
        write(f"little-{kind}.safetensors", tensors(f"<{kind}"))
    write("dots.safetensors", {n.replace("/", "."): v for n, v in tensors().items()},
          {"writer": "make_safetensors.py", "format": "np"})
    few = np.arange(-3, 3)
    write("integers.safetensors", {
        d[1:]: few.astype(d) for d in
        ("<i1", "<i2", "<i4", "<i8", "<u1", "<u2", "<u4", "<u8")} | {"b1": few > 0})
    write("odd-shapes.safetensors", {
        "scalar": np.array(1.5, "<f4"), "empty": np.zeros((0, 3), "<f4"), "one": np.array([1.5], "<f4")})
    # NumPy has no bfloat16: 16-bit integers under another name of the type.
    write("bfloat16.safetensors", {n: bfloat16(v) for n, v in tensors().items()})
    path = os.path.join(HERE, "bfloat16.safetensors")
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    header = data[8:8 + length].rstrip().replace(b'"U16"', b'"BF16"')
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header + data[8 + length:])


if __name__ == "__main__":
    main()
