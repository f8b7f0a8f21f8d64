#!/usr/bin/env python3
"""Write small image files of every kind, and beside them what Pillow makes of them.

    python make_images.py        (Pillow and NumPy, Keras for one way to crop; writes into its own folder)

NAME.png, NAME.jpg, …        the files
NAME.rgb                     Image.open(NAME).convert("RGB"), raw bytes, row-major
NAME.HxW.rgb                 the same after Image.resize((W, H), Image.BILINEAR)
index.txt                    a line per raw file: image file, raw file, height, width
oriented/                    files with an EXIF orientation, and what ImageOps.exif_transpose makes of them
oriented/index.txt           as above
fitted/                      rgb.png resized with each filter, and cropped as Keras, torchvision and timm do it
fitted/index.txt             a line per raw file: image file, raw file, height, width, filter, crop
"""
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

from image_writers import bmp, gif, tiff

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


def webp(save):
    alpha = np.random.default_rng(31).integers(0, 256, (19, 23, 1)).astype(np.uint8)
    alpha[:5] = 0
    save(picture(31, 45, 30), "lossy.webp", quality=80)
    save(picture(19, 23, 31), "lossless.webp", lossless=True)
    transparent = np.concatenate([picture(19, 23, 32), alpha], -1)
    save(transparent, "lossless-alpha.webp", lossless=True, exact=True)
    save(transparent, "lossy-alpha.webp", quality=90, exact=True)
    save(picture(19, 23, 33), "gray.webp", "L", quality=90)
    frames = [Image.fromarray(picture(19, 23, seed)) for seed in (34, 35)]
    frames[0].save(os.path.join(HERE, "animated.webp"), save_all=True, append_images=frames[1:], lossless=True)
    for name in ("lossy", "lossless", "lossless-alpha", "lossy-alpha", "gray", "animated"):
        golden(f"{name}.webp")


def gifs(save):
    save(picture(19, 23, 40), "palette.gif", "P")
    save(picture(19, 23, 41), "gray.gif", "L")
    save(picture(19, 23, 42), "plain.gif", "P", interlace=0)
    frames = [Image.fromarray(picture(19, 23, seed)).convert("P") for seed in (43, 44)]
    frames[0].save(os.path.join(HERE, "animated.gif"), save_all=True, append_images=frames[1:], duration=50)
    # A frame that covers a part of the canvas, the rest being of the transparent colour, or of the first.
    indices = np.random.default_rng(45).integers(0, 8, (5, 7)).astype(np.uint8)
    colors = np.random.default_rng(46).integers(0, 256, (8, 3)).astype(np.uint8)
    gif(os.path.join(HERE, "part.gif"), indices, colors, canvas=(9, 12), place=(3, 2))
    gif(os.path.join(HERE, "part-transparent.gif"), indices, colors, canvas=(9, 12), place=(3, 2), transparent=5)
    # It reaches beyond the canvas, and has fewer colours than it uses.
    gif(os.path.join(HERE, "beyond.gif"), indices, colors[:4], canvas=(4, 4), place=(1, 1))
    for name in ("palette", "gray", "plain", "animated", "part", "part-transparent", "beyond"):
        golden(f"{name}.gif")


def bmps(save):
    for name, mode in (("bilevel", "1"), ("gray", "L"), ("palette", "P"), ("rgb", None)):
        save(picture(19, 23, 50), f"{name}.bmp", mode)
        golden(f"{name}.bmp")
    alpha = np.random.default_rng(51).integers(0, 256, (19, 23, 1)).astype(np.uint8)
    save(np.concatenate([picture(19, 23, 51), alpha], -1), "rgba.bmp")
    golden("rgba.bmp")
    rng = np.random.default_rng(52)
    colors = rng.integers(0, 256, (16, 3)).astype(np.uint8)
    indices = rng.integers(0, 16, (7, 11)).astype(np.uint8)
    indices[2:5, 1:9] = 3
    path = lambda name: os.path.join(HERE, name)
    bmp(path("four.bmp"), indices, bits=4, colors=colors)
    bmp(path("os2.bmp"), indices, bits=8, colors=colors, header=12)
    bmp(path("runs8.bmp"), indices, bits=8, colors=colors, runs=True)
    bmp(path("runs4.bmp"), indices, bits=4, colors=colors, runs=True)
    bmp(path("top-down.bmp"), picture(7, 11, 53), bits=24, top_down=True)
    words = rng.integers(0, 65536, (7, 11))
    bmp(path("555.bmp"), words, bits=16)
    bmp(path("565.bmp"), words, bits=16, masks=(0xF800, 0x7E0, 0x1F))
    words = rng.integers(0, 1 << 32, (7, 11))
    bmp(path("masks32.bmp"), words, bits=32, masks=(0xFF000000, 0xFF0000, 0xFF00))
    bmp(path("v5.bmp"), words, bits=32, masks=(0xFF, 0xFF00, 0xFF0000, 0xFF000000), header=124)
    for name in ("four", "os2", "runs8", "runs4", "top-down", "555", "565", "masks32", "v5"):
        golden(f"{name}.bmp")


def tiffs(save):
    color = picture(37, 29, 60)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd", "lzma"):
        name = f"{compression.removeprefix('tiff_')}.tiff"
        options = {"quality": 90} if compression == "jpeg" else {}
        save(color, name, compression=compression, **options)
        golden(name)
    save(picture(19, 23, 61), "bilevel.tiff", "1", compression="group4")
    save(picture(19, 23, 62), "gray.tiff", "L")
    save(picture(19, 23, 63), "palette.tiff", "P", compression="tiff_lzw")
    alpha = np.random.default_rng(64).integers(0, 256, (19, 23, 1)).astype(np.uint8)
    alpha[3:6], alpha[6:9] = 0, 255
    transparent = np.concatenate([picture(19, 23, 64), alpha], -1)
    save(transparent, "rgba.tiff", compression="tiff_adobe_deflate")
    save(picture(19, 23, 65), "cmyk.tiff", "CMYK", compression="tiff_lzw")
    # Here libtiff's conversion and Pillow's own round differently.
    save(picture(19, 23, 66), "ycbcr.tiff", "YCbCr")
    with open(os.path.join(HERE, "ycbcr-tiff.rgb"), "wb") as f:
        f.write(Image.open(os.path.join(HERE, "ycbcr.tiff")).convert("RGB").tobytes())
    save(picture(19, 23, 67), "big.tiff", big_tiff=True)
    path = lambda name: os.path.join(HERE, name)
    deep = np.random.default_rng(68).integers(0, 65536, (9, 13, 3))
    tiff(path("rgb16.tiff"), deep, bits=16, photometric=2)
    tiff(path("rgb16-big-endian.tiff"), deep, bits=16, photometric=2, big_endian=True, deflate=True)
    tiff(path("planar.tiff"), picture(19, 23, 69), bits=8, photometric=2, planar=True, rows_per_strip=4)
    tiff(path("tiled.tiff"), picture(37, 53, 70), bits=8, photometric=2, tile=(16, 32), deflate=True)
    multiplied = transparent.copy()
    multiplied[..., :3] = np.minimum(transparent[..., :3], alpha)
    tiff(path("premultiplied.tiff"), multiplied, bits=8, photometric=2, extra=1)
    shades = np.random.default_rng(71).integers(0, 16, (9, 13, 1))
    tiff(path("gray4.tiff"), shades, bits=4, photometric=1)
    tiff(path("gray2-inverted.tiff"), shades // 4, bits=2, photometric=0)
    tiff(path("gray-inverted.tiff"), deep[..., :1] >> 8, bits=8, photometric=0)
    colors = np.random.default_rng(72).integers(0, 65536, (3, 16))
    tiff(path("palette4.tiff"), shades, bits=4, photometric=3, palette=colors)
    names = ["bilevel", "gray", "palette", "rgba", "cmyk", "big", "rgb16", "rgb16-big-endian", "planar"]
    names += ["tiled", "premultiplied", "gray4", "gray2-inverted", "gray-inverted", "palette4"]
    for name in names:
        golden(f"{name}.tiff")
    tiff(path("gray16.tiff"), deep[..., :1], bits=16, photometric=1)
    # As with PNG: Pillow clips 16-bit grey at 255; its high byte is what is meant.
    golden("gray16.tiff", converted=Image.fromarray((deep[..., 0] >> 8).astype(np.uint8)).convert("RGB"))


def oriented():
    """Each orientation in each kind of file."""
    os.makedirs(os.path.join(HERE, "oriented"), exist_ok=True)
    image = Image.fromarray(picture(11, 7, 80))
    kinds = {"jpg": {"quality": 90}, "png": {}, "webp": {"lossless": True}, "tiff": {}}
    for kind, options in kinds.items():
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[0x0112] = orientation
            name = f"oriented/{orientation}.{kind}"
            image.save(os.path.join(HERE, name), exif=exif, **options)
            opened = Image.open(os.path.join(HERE, name))
            upright = ImageOps.exif_transpose(opened).convert("RGB")
            note(name, f"oriented/{orientation}-{kind}.rgb", upright)
    # Motorola's order of bytes, in which cameras write too.
    block = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    image.save(os.path.join(HERE, "oriented/big-endian.jpg"), exif=block, quality=90)
    opened = Image.open(os.path.join(HERE, "oriented/big-endian.jpg"))
    note("oriented/big-endian.jpg", "oriented/big-endian-jpg.rgb", ImageOps.exif_transpose(opened).convert("RGB"))


FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")


def fitted():
    from keras.utils import load_img

    os.makedirs(os.path.join(HERE, "fitted"), exist_ok=True)
    sources = {"rgb.png": (37, 53), "baseline444.jpg": (45, 61), "oriented/1.png": (11, 7)}

    def write(source, image, height, width, filter, crop):
        assert image.size == (width, height)
        stem = source.replace(".", "-").replace("/", "-")
        name = f"fitted/{stem}.{height}x{width}.{filter}.{crop}.rgb"
        note(source, name, image.convert("RGB"))
        lines[-1] += f" {filter} {crop}"

    for filter in FILTERS:
        method = getattr(Image, filter.upper())
        for source, sizes in {
            "rgb.png": [(16, 16), (20, 53), (37, 30), (50, 70), (1, 1)],
            "oriented/1.png": [(24, 20), (5, 3)],
        }.items():
            image = Image.open(os.path.join(HERE, source)).convert("RGB")
            for height, width in sizes:
                write(source, image.resize((width, height), method), height, width, filter, "none")
    for source in sources:
        path = os.path.join(HERE, source)
        image = Image.open(path).convert("RGB")
        for height, width in ((16, 16), (12, 20), (20, 12)):
            for filter in ("nearest", "bilinear", "bicubic"):
                kept = load_img(path, target_size=(height, width), interpolation=filter, keep_aspect_ratio=True)
                write(source, kept, height, width, filter, "aspect")
        for crop in (0.875, 0.95, 1.0):
            for height, width in ((16, 16), (12, 20)):
                for filter in ("bilinear", "bicubic"):
                    method = getattr(Image, filter.upper())
                    resized = image.resize(timm_size(image, height, width, crop), method)
                    write(source, center(resized, height, width), height, width, filter, str(crop))
        for crop in (20, 18):
            resized = image.resize(torchvision_size(image, crop), Image.BILINEAR)
            write(source, center(resized, 16, 16), 16, 16, "bilinear", str(crop))


def torchvision_size(image, side):
    """torchvision.transforms.functional._compute_resized_output_size, for a single number."""
    width, height = image.size
    short, long = (width, height) if width <= height else (height, width)
    new_short, new_long = side, int(side * long / short)
    return (new_short, new_long) if width <= height else (new_long, new_short)


def timm_size(image, height, width, crop):
    """timm.data.transforms_factory.transforms_imagenet_eval with crop_mode="center"."""
    scaled = (int(np.floor(height / crop)), int(np.floor(width / crop)))
    if height == width:
        return torchvision_size(image, scaled[0])
    # ResizeKeepRatio with longest=0.
    ratio = min(image.height / scaled[0], image.width / scaled[1])
    return (round(image.width / ratio), round(image.height / ratio))


def center(image, height, width):
    """torchvision.transforms.functional.center_crop of an image that is large enough."""
    top = int(round((image.height - height) / 2.0))
    left = int(round((image.width - width) / 2.0))
    return image.crop((left, top, left + width, top + height))


def write_index(name):
    with open(os.path.join(HERE, name), "w") as f:
        f.write("\n".join(lines) + "\n")
    lines.clear()


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

    webp(save)
    gifs(save)
    bmps(save)
    tiffs(save)
    write_index("index.txt")
    oriented()
    write_index("oriented/index.txt")
    fitted()
    write_index("fitted/index.txt")


if __name__ == "__main__":
    main()
