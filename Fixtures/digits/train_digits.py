#!/usr/bin/env python3
"""Train the demo's model, MobileNet 0.25 at 32x32, on scikit-learn's handwritten digits.

    python Fixtures/digits/train_digits.py

Writes beside itself: digits.h5 (Keras 3, whole model, legacy HDF5), labels.txt, card.json (with the
accuracy on held-out pictures), pictures/ (one held-out picture of each digit) and expected.json
(what Keras predicts for those).
"""
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
import keras
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 7
SIZE = 32
EPOCHS = 60
BATCH = 64
LABELS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
HERE = os.path.dirname(os.path.abspath(__file__))


def picture(digit, size):
    """An 8x8 image of 0...16 as an RGB picture."""
    grey = Image.fromarray((digit * (255 / 16)).round().astype("uint8"))
    return grey.resize((size, size), Image.BILINEAR).convert("RGB")


def preprocessed(image):
    resized = image.convert("RGB").resize((SIZE, SIZE), Image.BILINEAR)
    return np.asarray(resized, "float32") / 127.5 - 1


def shifted(x, rng):
    """Each picture moved by up to three pixels, with the background drawn in."""
    padded = np.pad(x, ((0, 0), (3, 3), (3, 3), (0, 0)), mode="edge")
    moves = rng.integers(0, 7, (len(x), 2))
    return np.stack([p[a:a + SIZE, b:b + SIZE] for p, (a, b) in zip(padded, moves)])


def train(x, y, rng):
    model = keras.applications.MobileNet((SIZE, SIZE, 3), alpha=0.25, weights=None, classes=10)
    steps = EPOCHS * (len(x) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=4e-3, warmup_steps=100)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=1e-3),
                  "sparse_categorical_crossentropy")
    for epoch in range(EPOCHS):
        order = rng.permutation(len(x))
        moved = shifted(x, rng)
        losses = [model.train_on_batch(moved[part], y[part])
                  for part in np.array_split(order, len(x) // BATCH)]
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {float(losses[-1]):.4f}", flush=True)
    return model


def write_pictures(model, digits, x, y):
    """One confidently recognised held-out picture per class, in the kinds that people have."""
    folder = os.path.join(HERE, "pictures")
    os.makedirs(folder, exist_ok=True)
    probabilities = model.predict(x, verbose=0)
    expected = []
    kinds = {3: "jpg", 7: "jpg", 8: "grey.jpg", 1: "grey", 4: "alpha", 6: "palette"}
    for label, name in enumerate(LABELS):
        mine = np.flatnonzero(y == label)
        chosen = mine[np.argsort(-probabilities[mine, label])[len(mine) // 4]]
        kind = kinds.get(label, "rgb")
        if kind.endswith("jpg"):
            file = name + ".jpg"
            image = picture(digits[chosen], 96)
            image = image.convert("L") if kind == "grey.jpg" else image
            image.save(os.path.join(folder, file), quality=92)
        else:
            file = name + ".png"
            image = picture(digits[chosen], SIZE)
            image = {"rgb": lambda i: i, "grey": lambda i: i.convert("L"),
                     "alpha": lambda i: i.convert("RGBA"),
                     "palette": lambda i: i.convert("P", palette=Image.ADAPTIVE)}[kind](image)
            image.save(os.path.join(folder, file))
        with Image.open(os.path.join(folder, file)) as image:
            y_hat = model.predict(preprocessed(image)[None], verbose=0)[0]
        expected.append({
            "image": file, "class": int(y_hat.argmax()), "label": LABELS[int(y_hat.argmax())],
            "probabilities": [round(float(p), 6) for p in y_hat]})
        assert y_hat.argmax() == label, file
    with open(os.path.join(HERE, "expected.json"), "w") as file:
        rows = ",\n".join("  " + json.dumps(row) for row in expected)
        file.write(f"[\n{rows}\n]\n")


def main():
    keras.utils.set_random_seed(SEED)
    rng = np.random.default_rng(SEED)
    digits, y = load_digits(return_X_y=True)
    digits = digits.reshape(-1, 8, 8)
    x = np.stack([preprocessed(picture(d, SIZE)) for d in digits])
    of_training, of_test = train_test_split(
        np.arange(len(x)), test_size=0.25, random_state=SEED, stratify=y)

    trained = train(x[of_training], y[of_training], rng)
    # The same layers without a training configuration or an optimizer.
    model = keras.Model(trained.inputs, trained.outputs, name=trained.name)
    model.save(os.path.join(HERE, "digits.h5"))

    right = model.predict(x[of_test], verbose=0).argmax(1) == y[of_test]
    accuracy = round(float(right.mean()), 4)
    print(f"accuracy {accuracy} on {len(of_test)} held-out pictures")
    with open(os.path.join(HERE, "labels.txt"), "w") as file:
        file.write("\n".join(LABELS) + "\n")
    card = {
        "name": "MobileNet 0.25 on handwritten digits",
        "architecture": "mobilenet",
        "alpha": 0.25,
        "input_size": [SIZE, SIZE],
        "classes": 10,
        "preprocessing": "tf",
        "dataset": "Optical Recognition of Handwritten Digits, as in scikit-learn's load_digits: "
                   "1797 pictures of 8x8, resized bilinearly to 32x32 and repeated in R, G and B",
        "dataset_licence": "CC BY 4.0",
        "licence": "Apache-2.0",
        "training_images": len(of_training),
        "test_images": len(of_test),
        "test_accuracy": accuracy,
        "seed": SEED,
        "keras_version": keras.__version__,
        "citation": [
            "E. Alpaydin, C. Kaynak (1998). Optical Recognition of Handwritten Digits. UCI Machine "
            "Learning Repository. https://doi.org/10.24432/C50P49",
            "A. G. Howard et al. (2017). MobileNets: Efficient Convolutional Neural Networks for "
            "Mobile Vision Applications. https://arxiv.org/abs/1704.04861",
        ],
    }
    with open(os.path.join(HERE, "card.json"), "w") as file:
        json.dump(card, file, indent=2)
        file.write("\n")
    write_pictures(model, digits[of_test], x[of_test], y[of_test])


if __name__ == "__main__":
    main()
