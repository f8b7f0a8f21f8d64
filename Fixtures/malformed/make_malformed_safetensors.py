#!/usr/bin/env python3
"""Write the safetensors files of Fixtures/malformed: one for each way in which one can be wrong.

    python Fixtures/malformed/make_malformed_safetensors.py

Fixtures/README.md describes what is wrong with each file and how it must be rejected.
"""
import json
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def put(name, header, data=bytes(32), length=None):
    """A file of `header` (JSON text, or what is to become it) and `data`."""
    text = header.encode() if isinstance(header, str) else json.dumps(header).encode()
    length = len(text) if length is None else length
    with open(os.path.join(HERE, f"{name}.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", length) + text + data)


def tensor(dtype="F32", shape=(4,), offsets=(0, 16)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def pair(**second):
    """Two tensors of 16 bytes, the second as told."""
    return {"conv/kernel": tensor(), "conv/bias": tensor(**({"offsets": (16, 32)} | second))}


def main():
    good = json.dumps(pair())
    put("header-too-long", good, length=200_000_000)
    put("header-past-end", good, length=10_000)
    put("length-only", "{", b"")
    put("header-not-json", good[:-1])
    put("header-not-an-object", " " + good)
    put("deep-header", '{"a":' + "[" * 4000 + "]" * 4000 + "}")
    put("duplicate-name", good.replace("conv/bias", "conv/kernel"))
    put("duplicate-member", good.replace('"dtype"', '"dtype": "F32", "dtype"', 1))
    put("metadata-not-texts", pair() | {"__metadata__": {"epoch": 3}})
    put("metadata-not-a-map", pair() | {"__metadata__": "pt"})
    put("unknown-type", pair(dtype="F7"))
    put("no-shape", {"conv/kernel": {"dtype": "F32", "data_offsets": [0, 32]}})
    put("negative-extent", pair(shape=(-4, -1)))
    put("overflowing-shape", pair(shape=(1 << 32, 1 << 32)))
    put("fractional-extent", pair(shape=(4.5,)))
    put("offsets-not-of-the-shape", pair(shape=(5,)))
    put("offsets-reversed", pair(offsets=(32, 16)))
    put("three-offsets", pair(offsets=(16, 32, 32)))
    put("offsets-past-end", pair(offsets=(32, 48)))
    put("overlap", pair(offsets=(8, 24)), bytes(24))
    put("gap", pair(offsets=(24, 40)), bytes(40))
    put("gap-at-start", {"conv/kernel": tensor(offsets=(16, 32))})
    put("trailing-bytes", pair(), bytes(33))
    put("truncated", pair(), bytes(24))
    put("no-tensors", {}, b"")


if __name__ == "__main__":
    main()
