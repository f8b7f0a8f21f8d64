#!/usr/bin/env python3
"""Compare `zoo train` with the recipes of Keras and fastai, on the same pictures, splits and backbone.

    python Scripts/compare_training.py DATA BACKBONE.h5 [--seeds 5] [--recipes keras,fastai] [--zoo .build/release/zoo]
        [--variant "views=--views 8" …] [--fastai PYTHON]

DATA is a folder of class folders; BACKBONE.h5 a whole model that Keras 2 or 3 has saved. For each seed `zoo train` splits
the pictures (30 % held back, copies on one side), and the recipes get the same parts:

- zoo: `zoo train` with its defaults; each --variant is one more row, NAME=OPTIONS of `zoo train`. With `--fine-tune`
  among them a part of the other pictures chooses epochs and layers.
- keras: the transfer learning guide. A dense head on the frozen backbone, Adam 1e-3, 10 epochs; then all layers, Adam
  1e-5, 10 epochs, batch norms frozen.
- fastai: its `fine_tune(5)`. One epoch of the head, one-cycle up to 2e-3; then 5 epochs of all layers, one-cycle, with
  rates from 1e-5 at the first layers to 1e-3 at the head. compare_fastai.py has the rest, and says what fastai:16 is.

Prints accuracy and the mean of the classes' recalls (mean and standard error over the seeds), the shortest times, by
the clock and of all processors, and the highest peak of memory. Needs tf_keras, Pillow, numpy; --fastai is a Python that
has fastai, where this one has not.
"""
import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


# For each seed, the pictures held back.
HELD = {}


def parts(args, seed, folder):
    """The data as a folder with `train` and `test`, which has the pictures held back."""
    root = os.path.join(folder, f"parts-{seed}")
    if not os.path.exists(root):
        held = set(HELD[seed])
        for name in sorted(os.listdir(args.data)):
            source = os.path.join(args.data, name)
            for file in sorted(os.listdir(source)) if os.path.isdir(source) else []:
                target = os.path.join(root, "test" if f"{name}/{file}" in held else "train", name)
                os.makedirs(target, exist_ok=True)
                shutil.copy(os.path.join(source, file), target)
    return root


def zoo_run(args, seed, folder, options):
    """The part held back, and what zoo makes of the split: trained on the rest alone, measured on that part."""
    backbone = os.path.join(folder, "backbone.zoo")
    if not os.path.exists(backbone):
        command = [args.zoo, "convert", args.backbone, "-o", backbone, "-q"]
        subprocess.run(command + (["--preprocessing", args.preprocessing] if args.preprocessing else []), check=True)
    output = os.path.join(folder, f"{seed}.zoo")
    data, part = args.data, ["--validation", "0.3"]
    if "--fine-tune" in options:
        # Chooses by pictures of its own among the others; the part held back is for the end.
        data, part = parts(args, seed, folder), []
    start = time.time()
    command = [args.zoo, "train", data, "--backbone", backbone, "-o", output, "--seed", str(seed), "--no-cache",
               "--json", "-f", "-q"] + part + options.split()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    report = json.loads(process.stdout.read())
    # Of this child alone.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.time() - start
    if status:
        sys.exit(f"zoo train failed for seed {seed}")
    task = report["tasks"][0]
    if data == args.data:
        HELD[seed] = report["split"]["validation_pictures"]
    measured = task["measured"] if data == args.data else task["tested"]
    return (HELD[seed],
            (measured["accuracy"]["value"], measured["balanced_accuracy"], seconds, usage.ru_utime + usage.ru_stime,
             usage.ru_maxrss / 1024))


def load(data, held, size, preprocessing):
    import numpy as np
    from PIL import Image
    held = set(held)
    classes = sorted(c for c in os.listdir(data) if os.path.isdir(os.path.join(data, c)))
    parts = {False: ([], []), True: ([], [])}
    for index, name in enumerate(classes):
        for file in sorted(os.listdir(os.path.join(data, name))):
            try:
                image = Image.open(os.path.join(data, name, file)).convert("RGB").resize(size, Image.BILINEAR)
            except OSError:
                continue
            x = np.asarray(image, "float32")
            x = {"tf": x / 127.5 - 1, "none": x, "unit": x / 255}[preprocessing]
            part = parts[f"{name}/{file}" in held]
            part[0].append(x)
            part[1].append(index)
    return classes, *(np.stack(v) if i % 2 == 0 else np.array(v)
                      for key in (False, True) for i, v in enumerate(parts[key]))


def recipe_run(args, seed, held, recipe, folder):
    """In a process of its own, so that memory is this recipe's."""
    name, *options = recipe.split(":")
    job = json.dumps(
        {"data": args.data, "backbone": args.backbone, "seed": seed, "held": held, "layer": args.layer,
         "preprocessing": args.preprocessing or "tf", "options": options, "zoo": args.zoo,
         "zoo_backbone": f"{folder}/backbone.zoo"})
    command = {"keras": [sys.executable, __file__, "--child", job],
               "fastai": [args.fastai, os.path.join(os.path.dirname(__file__), "compare_fastai.py"), job]}[name]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{recipe} failed for seed {seed}:\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def child(job):
    import numpy as np
    import tf_keras as keras
    keras.utils.set_random_seed(job["seed"])
    start, worked = time.time(), time.process_time()
    whole = keras.models.load_model(job["backbone"], compile=False)
    layer = whole.get_layer(job["layer"])
    size = tuple(whole.input_shape[1:3])
    base = keras.Model(whole.inputs, layer.output)
    classes, x, y, x_test, y_test = load(job["data"], job["held"], size[::-1], job["preprocessing"])
    pooled = keras.layers.GlobalAveragePooling2D()(base.output) if len(layer.output.shape) == 4 else base.output
    scores = keras.layers.Dense(len(classes), activation="softmax")(keras.layers.Dropout(0.2)(pooled))
    model = keras.Model(base.inputs, scores)
    loss = "sparse_categorical_crossentropy"
    for one in base.layers:
        one.trainable = False
    model.compile(keras.optimizers.Adam(1e-3), loss)
    model.fit(x, y, batch_size=32, epochs=10, verbose=0)
    for one in base.layers:
        one.trainable = not isinstance(one, keras.layers.BatchNormalization)
    model.compile(keras.optimizers.Adam(1e-5), loss)
    model.fit(x, y, batch_size=32, epochs=10, verbose=0)
    right = model.predict(x_test, verbose=0, batch_size=32).argmax(1) == y_test
    recall = np.mean([right[y_test == one].mean() for one in np.unique(y_test)])
    print(json.dumps([float(right.mean()), float(recall), time.time() - start, time.process_time() - worked,
                      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def main():
    if sys.argv[1:2] == ["--child"]:
        return child(json.loads(sys.argv[2]))
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("backbone")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--recipes", default="keras,fastai", help="besides zoo; empty for none")
    parser.add_argument("--fastai", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--zoo", default=".build/release/zoo")
    parser.add_argument("--layer", default="conv_pw_13_relu", help="the last feature map, for the recipes")
    parser.add_argument("--preprocessing")
    parser.add_argument("--variant", action="append", default=[], metavar="NAME=OPTIONS")
    args = parser.parse_args()
    variants = [("zoo", "")] + [tuple(one.split("=", 1)) for one in args.variant]
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(args.seeds):
            for name, options in variants:
                held, row = zoo_run(args, seed, folder, options)
                results.setdefault(name, []).append(row)
            for recipe in filter(None, args.recipes.split(",")):
                results.setdefault(recipe, []).append(recipe_run(args, seed, held, recipe, folder))
            print(f"{seed + 1} seeds, {len(held)} pictures held back")
            for name, rows in results.items():
                print(f"{name:12} accuracy {spread([r[0] for r in rows])}, recall {spread([r[1] for r in rows])}, "
                      f"{min(r[2] for r in rows):.1f} s, {min(r[3] for r in rows):.1f} s of processors, "
                      f"{max(r[4] for r in rows):.0f} MiB", flush=True)


def spread(values):
    """The mean and its standard error."""
    n = len(values)
    mean = sum(values) / n
    return f"{mean:.3f} ± {math.sqrt(sum((v - mean) ** 2 for v in values) / max(1, n - 1) / n):.3f}"


if __name__ == "__main__":
    main()
