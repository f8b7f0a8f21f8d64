#!/usr/bin/env python3
"""Write small image files of every kind, and beside them what Pillow makes of them.

    python make_images.py        (Pillow and NumPy; writes into its own folder)

NAME.png, NAME.jpg           the files
NAME.rgb                     Image.open(NAME).convert("RGB"), raw bytes, row-major
NAME.HxW.rgb                 the same after Image.resize((W, H), Image.BILINEAR)
index.txt                    a line per raw file: image file, raw file, height, width
"""
import os
import struct
import zlib

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
lines = []


def picture(height, width, seed):
    """Smooth shapes with a little noise, in colour."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for c in range(3):
        wave = np.sin(x / (3.0 + c) + seed) * np.cos(y / (5.0 - c)) * 90 + 128
        planes.append(wave + rng.normal(0, 12, wave.shape))
    planes = np.clip(np.stack(planes, -1), 0, 255)
    planes[height // 4 : height // 2, width // 4 : width // 2] = (255, 20, 0)
    return planes.astype(np.uint8)


def note(source, name, image):
    pixels = np.asarray(image)
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(pixels.tobytes())
    lines.append(f"{source} {name} {pixels.shape[0]} {pixels.shape[1]}")


def golden(name, sizes=(), converted=None):
    stem = name.replace(".", "-")
    image = converted or Image.open(os.path.join(HERE, name)).convert("RGB")
    note(name, f"{stem}.rgb", image)
    for height, width in sizes:
        note(name, f"{stem}.{height}x{width}.rgb", image.resize((width, height), Image.BILINEAR))


def png16(name, values, color_type):
    """A 16-bit PNG, which Pillow can't write in colour."""
    height, width = values.shape[:2]

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n")
        f.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)))
        f.write(chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def main():
    def save(array, name, mode=None, **options):
        image = Image.fromarray(array)
        if mode:
            image = image.convert(mode)
        image.save(os.path.join(HERE, name), **options)

    save(picture(37, 53, 1), "rgb.png")
    golden("rgb.png", [(224, 96), (16, 16), (37, 20), (11, 53), (1, 1), (30, 20), (38, 54), (74, 106)])
    save(picture(1, 1, 2), "pixel.png")
    golden("pixel.png", [(3, 4)])
    save(picture(19, 23, 3), "gray.png", "L")
    golden("gray.png")
    save(picture(19, 23, 4), "bilevel.png", "1")
    golden("bilevel.png")
    save(picture(19, 23, 5), "palette.png", "P", transparency=3)
    golden("palette.png")
    alpha = np.random.default_rng(6).integers(0, 256, (19, 23, 1)).astype(np.uint8)
    save(np.concatenate([picture(19, 23, 6), alpha], -1), "rgba.png")
    golden("rgba.png")
    save(np.concatenate([picture(19, 23, 7)[..., :1], alpha], -1), "gray-alpha.png")
    golden("gray-alpha.png")
    # A gamma that a colour-managed reader would apply.
    plain = open(os.path.join(HERE, "rgb.png"), "rb").read()
    gamma = b"gAMA" + struct.pack(">I", 100000)
    with open(os.path.join(HERE, "gamma.png"), "wb") as f:
        f.write(plain[:33] + struct.pack(">I", 4) + gamma + struct.pack(">I", zlib.crc32(gamma)) + plain[33:])
    golden("gamma.png")
    deep = np.random.default_rng(8).integers(0, 65536, (9, 13, 3))
    png16("rgb16.png", deep, 2)
    golden("rgb16.png")
    opacity = np.random.default_rng(15).integers(1, 65536, (9, 13, 1))
    png16("rgba16.png", np.concatenate([deep, opacity], -1), 6)
    png16("gray16.png", deep[..., :1], 0)
    # Pillow clips 16-bit grey at 255; its high byte is what is meant.
    golden("gray16.png", converted=Image.fromarray((deep[..., 0] >> 8).astype(np.uint8)).convert("RGB"))

    save(picture(45, 61, 9), "baseline444.jpg", quality=90, subsampling=0)
    golden("baseline444.jpg", [(20, 30)])
    save(picture(45, 61, 10), "baseline420.jpg", quality=85, subsampling=2)
    golden("baseline420.jpg")
    save(picture(45, 61, 11), "baseline422.jpg", quality=75, subsampling=1)
    golden("baseline422.jpg")
    save(picture(45, 61, 12), "progressive420.jpg", quality=80, subsampling=2, progressive=True)
    golden("progressive420.jpg")
    save(picture(33, 29, 13), "gray.jpg", "L", quality=85)
    golden("gray.jpg")
    save(picture(33, 29, 14), "cmyk.jpg", "CMYK", quality=90)
    golden("cmyk.jpg")

    with open(os.path.join(HERE, "index.txt"), "w") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
