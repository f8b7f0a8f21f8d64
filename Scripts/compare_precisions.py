#!/usr/bin/env python3
"""What smaller types cost and gain: one model stored in several ways, on pictures.

    python compare_precisions.py MODEL PICTURES [--zoo PATH] [--largest-error X] [--output-error X] [--threads N]

MODEL is a weight file or a .zoo file of a network with classes, PICTURES a folder. For each way to store it: the size
against 32-bit floats; how far logits move on the pictures (the root of the mean square over their deviation, with each
picture's mean taken off both), the farthest that a probability moves, on how many pictures the first class stays, and on
how many of those where 32-bit floats are surer than 0.5; and `zoo bench`'s median, in turn with that of 32-bit floats.
"""
import argparse
import json
import math
import os
import subprocess
import tempfile

WAYS = [
    ("f32", []),
    ("f32, compressed", ["--compress"]),
    ("f16", ["--dtype", "f16"]),
    ("bf16", ["--dtype", "bf16"]),
    ("int8", ["--dtype", "int8"]),
    ("int8, compressed", ["--dtype", "int8", "--compress"]),
    ("int8, activations int8", ["--activations", "int8"]),
]


def run(zoo, *arguments):
    return subprocess.run([zoo, *arguments], check=True, capture_output=True, text=True).stdout


def probabilities(zoo, model, pictures):
    """By picture, each class' probability by its index."""
    results = json.loads(run(zoo, "predict", model, pictures, "--json", "--top", "100000"))
    return [{p["class"]: p["probability"] for p in result["predictions"]} for result in results]


def logits(picture):
    values = {index: math.log(max(p, 1e-30)) for index, p in picture.items()}
    mean = sum(values.values()) / len(values)
    return {index: value - mean for index, value in values.items()}


def compare(truth, found):
    squares = values = count = 0
    moved, same, sure, kept = 0.0, 0, 0, 0
    for a, b in zip(truth, found):
        la, lb = logits(a), logits(b)
        squares += sum((la[i] - lb[i]) ** 2 for i in la)
        values += sum(v * v for v in la.values())
        count += len(la)
        moved = max(moved, max(abs(a[i] - b[i]) for i in a))
        first = max(a, key=a.get)
        same += max(b, key=b.get) == first
        if a[first] > 0.5:
            sure += 1
            kept += max(b, key=b.get) == first
    return math.sqrt(squares / values), moved, f"{same}/{len(truth)}", f"{kept}/{sure}"


def median(zoo, model, threads):
    return json.loads(run(zoo, "bench", model, "--json", "--seconds", "1", "--threads", str(threads)))["median_ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("pictures")
    parser.add_argument("--zoo", default=".build/release/zoo")
    parser.add_argument("--largest-error", default="10")
    parser.add_argument("--output-error", default="10")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print("| stored as | size | logits move | probability moves | same class | where sure | ms | times as fast |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        plain = os.path.join(folder, "plain.zoo")
        for name, arguments in WAYS:
            path = plain if not arguments else os.path.join(folder, "other.zoo")
            limits = ["--largest-error", options.largest_error] if "--compress" not in arguments[:1] else []
            if "--activations" in arguments:
                limits += ["--output-error", options.output_error]
            run(options.zoo, "convert", options.model, "-o", path, "-f", "-q", "--no-verify",
                *arguments, *(limits if arguments else []))
            found = probabilities(options.zoo, path, options.pictures)
            if not arguments:
                truth, size = found, os.path.getsize(path)
            error, moved, same, sure = compare(truth, found)
            times = [(median(options.zoo, plain, options.threads), median(options.zoo, path, options.threads))
                     for _ in range(3)]
            before, after = (sorted(column)[1] for column in zip(*times))
            cells = [name, f"{os.path.getsize(path) / size:.3f}", f"{error:.3f}", f"{moved:.3f}", same, sure,
                     f"{after:.2f}", f"{before / after:.2f}"]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
