#!/usr/bin/env python3
"""Write Fixtures/malformed: one small file per way in which an input can be wrong.

    python Fixtures/malformed/make_malformed.py

Fixtures/README.md describes what is wrong with each file and how it must be rejected.
"""
import io
import json
import os
import sys
import warnings
import zipfile
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import h5py
import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.dirname(HERE)
sys.path += [FIXTURES, os.path.join(FIXTURES, "containers")]
import make_containers
import make_fixtures
from make_containers import EPOCH, create_file, create_group, names_attribute, npy, tensors

KERNEL = tensors()["conv/kernel"]


def path(name):
    return os.path.join(HERE, name)


def put(name, data):
    with open(path(name), "wb") as file:
        file.write(data)


def container(name):
    with open(os.path.join(FIXTURES, "containers", name), "rb") as file:
        return file.read()


# MARK: HDF5


def one_layer(name, make, layer_names=("conv",), weight_names=("conv/kernel:0",), attributes={}):
    """A weights-only file with one layer; `make` puts things into its group."""
    with create_file(path(name)) as file:
        for key, value in attributes.items():
            file.attrs[key] = value
        if layer_names is not None:
            names_attribute(file, "layer_names", list(layer_names), "fixed", 1)
        group = create_group(file, "conv")
        if weight_names is not None:
            names_attribute(group, "weight_names", list(weight_names), "fixed", 1)
        make(create_group(group, "conv"))


def external_storage(group):
    group.create_dataset("kernel:0", shape=KERNEL.shape, dtype="<f4",
                         external=[("/etc/hostname", 0, KERNEL.nbytes)])


def virtual(group):
    plain = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plain.set_obj_track_times(False)
    space = h5py.h5s.create_simple(KERNEL.shape)
    plain.set_virtual(space, b"other.h5", b"kernel", space)
    h5py.h5d.create(group.id, b"kernel:0", h5py.h5t.IEEE_F32LE, space, plain)


def corrupt_chunk(name, **options):
    """One bit of the only chunk's stored bytes changed."""
    one_layer(name, lambda g: g.create_dataset(
        "kernel:0", data=KERNEL, chunks=KERNEL.shape, **options))
    with h5py.File(path(name), "r") as file:
        chunk = file["conv/conv/kernel:0"].id.get_chunk_info(0)
    flip(name, chunk.byte_offset + chunk.size // 2)


def flip(name, offset):
    with open(path(name), "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


def write_hdf5():
    whole = container("strings-fixed.h5")
    put("empty.h5", b"")
    put("text.h5", b"This is a text file that someone named .h5.\n")
    put("superblock-only.h5", whole[:40])
    put("truncated.h5", whole[:len(whole) * 2 // 3])

    def kernel(group):
        group.create_dataset("kernel:0", data=KERNEL)

    def link(to):
        return lambda group: group.__setitem__("kernel:0", to)

    one_layer("external-link.h5", link(h5py.ExternalLink("other.h5", "/kernel")))
    one_layer("soft-link.h5", link(h5py.SoftLink("/elsewhere/kernel")))
    one_layer("external-storage.h5", external_storage)
    one_layer("virtual-dataset.h5", virtual)
    one_layer("absent-group.h5", kernel, layer_names=["conv", "dense"])
    one_layer("absent-dataset.h5", kernel, weight_names=["conv/kernel:0", "conv/bias:0"])
    one_layer("duplicate-layer.h5", kernel, layer_names=["conv", "conv"])
    one_layer("no-layer-names.h5", kernel, layer_names=None, weight_names=None)
    one_layer("no-weight-names.h5", kernel, weight_names=None)
    one_layer("group-as-dataset.h5", lambda g: create_group(g, "kernel:0"))
    one_layer("strings.h5", lambda g: g.create_dataset("kernel:0", data=np.array([b"a", b"bc"])))
    one_layer("compound.h5", lambda g: g.create_dataset(
        "kernel:0", data=np.zeros(3, [("re", "<f4"), ("im", "<f4")])))
    one_layer("huge-shape.h5", lambda g: g.create_dataset(
        "kernel:0", shape=(2**40, 2**20), dtype="<f4", chunks=(1024, 1024), compression="gzip"))
    corrupt_chunk("corrupt-gzip.h5", compression="gzip")
    corrupt_chunk("corrupt-fletcher32.h5", fletcher32=True)

    with create_file(path("absent-index.weights.h5")) as file:
        for layer, index in (("conv2d", "1"), ("dense", "0")):
            group = create_group(file, f"layers/{layer}/vars")
            group.create_dataset(index, data=KERNEL)

    for name, config in (("config-not-json.h5", '{"class_name": "Functional", "config": {"name'),
                         ("config-without-layers.h5", '{"class_name": "Functional", "config": {}}')):
        with create_file(path(name)) as file:
            file.attrs["model_config"] = config
            file.attrs["keras_version"] = "2.15.0"
            weights = create_group(file, "model_weights")
            names_attribute(weights, "layer_names", ["conv"], "fixed", 1)
            names_attribute(create_group(weights, "conv"), "weight_names", [], "fixed", 1)


def write_hostile_hdf5():
    """Structures that no writer makes by mistake, and one that is only damaged."""
    # Two bytes of a heap's size: libhdf5 1.10 reads beyond its memory.
    crash = bytearray(container("strings-variable.h5"))
    crash[1070], crash[2269] = 20, 132
    put("crash.h5", bytes(crash))

    # A group that is a member of itself, and of its own member.
    with create_file(path("cycle.weights.h5")) as file:
        layers = create_group(file, "layers")
        inner = create_group(layers, "functional")
        layers["layers"] = layers
        inner["layers"] = layers
    with create_file(path("deep.weights.h5"), h5py.h5f.LIBVER_V110) as file:
        group = create_group(file, "layers")
        for _ in range(80):
            group = create_group(group, "a")
    with create_file(path("path-trick.h5")) as file:
        names_attribute(file, "layer_names", ["../conv"], "fixed", 1)
        names_attribute(create_group(file, "conv"), "weight_names", [], "fixed", 1)
    # 8 GiB of zeros in a chunk of a few hundred bytes; the other chunks are not there.
    def zeros(group):
        data = group.create_dataset("kernel:0", shape=(2**14, 2**17), dtype="<f4", chunks=(2**8, 2**8),
                                    compression="gzip")
        data.id.write_direct_chunk((0, 0), zlib.compress(bytes(2**18), 9))
    one_layer("bomb.h5", zeros)
    # Inflates to more than the chunk's shape has.
    def swollen(group):
        data = group.create_dataset("kernel:0", shape=KERNEL.shape, dtype="<f4", chunks=KERNEL.shape,
                                    compression="gzip")
        data.id.write_direct_chunk((0, 0, 0, 0), zlib.compress(bytes(2**16), 9))
    one_layer("swollen-chunk.h5", swollen)


# MARK: NumPy


def header(descr="'<f4'", shape="(3, 3, 2, 4)", fortran="False"):
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


def one(name, data, method=zipfile.ZIP_STORED):
    make_containers.write_npz(os.path.join("..", "malformed", name), {"conv/kernel": data}, method)


def write_numpy():
    stored, deflated = container("stored.npz"), container("deflated.npz")
    put("empty.npz", b"")
    put("no-members.npz", b"PK\x05\x06" + bytes(18))
    put("truncated.npz", stored[:len(stored) * 2 // 3])
    put("truncated-deflated.npz", deflated[:len(deflated) * 2 // 3])
    put("crc.npz", stored)
    flip("crc.npz", stored.index(KERNEL.tobytes()) + 100)
    put("corrupt-deflate.npz", deflated)
    flip("corrupt-deflate.npz", 150)
    one("bzip2.npz", npy(KERNEL), zipfile.ZIP_BZIP2)
    encrypted = bytearray(stored)
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = encrypted.index(signature)
        encrypted[at + flags] |= 1
    put("encrypted.npz", bytes(encrypted))
    with warnings.catch_warnings(), zipfile.ZipFile(path("duplicate.npz"), "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.writestr(zipfile.ZipInfo("conv/kernel.npy", EPOCH), npy(KERNEL))

    with io.BytesIO() as out:
        np.lib.format.write_array(out, np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
        pickled = out.getvalue()
    put("object.npy", pickled)
    one("object.npz", pickled)
    good = npy(KERNEL)
    one("not-npy.npz", b"This is a text file.\n")
    one("npy-version-9.npz", good[:6] + b"\x09" + good[7:])
    one("header-past-end.npz", good[:8] + b"\xff\xff" + good[10:])
    one("header-not-a-dictionary.npz", npy(KERNEL, header="[1, 2, 3]"))
    one("header-without-shape.npz", npy(KERNEL, header="{'descr': '<f4', 'fortran_order': False}"))
    one("unknown-type.npz", npy(KERNEL, header=header("'<f3'")))
    one("complex.npz", npy(KERNEL.astype("<c8")))
    one("structured.npz", npy(KERNEL, header=header("[('a', '<f4')]")))
    one("negative-shape.npz", npy(KERNEL, header=header(shape="(3, -3, 2, 4)")))
    one("overflowing-shape.npz", npy(KERNEL, header=header(shape="(4294967296, 4294967296, 4)")))
    one("huge-dimension.npz", npy(KERNEL, header=header(shape="(99999999999999999999999,)")))
    one("short-data.npz", npy(KERNEL, header=header(shape="(3, 3, 2, 400)")))
    put("short-data.npy", good[:-100])
    put("path-trick.npz", stored.replace(b"dense/bias", b"../../bias"))
    # The directory promises 1 TiB from the few bytes that the member has.
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w") as archive:
        archive.writestr(zipfile.ZipInfo("conv/kernel.npy", EPOCH),
                         npy(KERNEL, header=header(shape="(274877906944,)")))
    data = bomb.getvalue()
    at = data.index(b"PK\x01\x02")
    name = b"conv/kernel.npy"
    sizes = (b"\x01\x00\x10\x00" + (2**40).to_bytes(8, "little")
             + int.from_bytes(data[at + 20:at + 24], "little").to_bytes(8, "little"))
    entry = bytearray(data[at:at + 46])
    entry[10:12] = (8).to_bytes(2, "little")
    entry[20:28] = b"\xff" * 8
    entry[30:32] = len(sizes).to_bytes(2, "little")
    directory = bytes(entry) + name + sizes
    end = (b"PK\x05\x06" + bytes(4) + b"\x01\x00\x01\x00" + len(directory).to_bytes(4, "little")
           + at.to_bytes(4, "little") + bytes(2))
    local = bytearray(data[:at])
    local[8:10] = (8).to_bytes(2, "little")
    put("bomb.npz", bytes(local) + directory + end)


# MARK: Keras


def rezip(name, members):
    with zipfile.ZipFile(path(name), "w", zipfile.ZIP_STORED) as archive:
        for member, data in members.items():
            archive.writestr(zipfile.ZipInfo(member, EPOCH), data)


def members_of(name):
    with zipfile.ZipFile(path(name)) as archive:
        return {member: archive.read(member) for member in archive.namelist()}


def write_keras():
    import keras

    layers = keras.layers
    inputs = layers.Input((4,), name="input")
    # Keras stores the compiled code, and with it the file name that the code was compiled under.
    double = eval(compile("lambda t: t * 2", "model.py", "eval"))
    x = layers.Lambda(double, name="double")(inputs)
    x = layers.Dense(2, name="dense", kernel_initializer="zeros")(x)
    model = keras.Model(inputs, x, name="tiny")
    make_fixtures.save_keras(model, path("lambda.keras"))
    model.save(path("lambda.h5"))

    keras.backend.clear_session()
    inputs = layers.Input((4,), name="input")
    x = layers.Dense(2, name="dense", kernel_initializer="zeros")(inputs)
    make_fixtures.save_keras(keras.Model(inputs, x, name="tiny"), path("good.keras"))
    good = members_of("good.keras")
    os.remove(path("good.keras"))

    def without(*names):
        return {k: v for k, v in good.items() if k not in names}

    config = json.loads(good["config.json"])
    config["config"]["layers"][1] |= {"class_name": "MyDense", "module": "mine",
                                      "registered_name": "mine>MyDense"}
    pickled = io.BytesIO()
    np.savez(pickled, **{"layers/dense": np.array({"0": 1}, dtype=object)})
    rezip("npz-weights.keras",
          without("model.weights.h5") | {"model.weights.npz": pickled.getvalue()})
    rezip("no-config.keras", without("config.json"))
    rezip("no-weights.keras", without("model.weights.h5"))
    rezip("config-not-json.keras", good | {"config.json": good["config.json"][:100]})
    rezip("custom-layer.keras", good | {"config.json": json.dumps(config).encode()})
    rezip("deep-config.keras", good | {"config.json": b"[" * 4000 + b"]" * 4000})
    rezip("truncated.keras", good)
    with open(path("truncated.keras"), "r+b") as file:
        file.truncate(os.path.getsize(path("truncated.keras")) // 2)
    rezip("path-trick.keras", good | {"../config.json": good["config.json"]})
    # A configuration that is declared to inflate to 80 MiB.
    with zipfile.ZipFile(path("bomb.keras"), "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in (good | {"config.json": good["config.json"] + bytes(80 << 10)}).items():
            archive.writestr(zipfile.ZipInfo(member, EPOCH), data, zipfile.ZIP_DEFLATED)
        archive.getinfo("config.json").file_size = 80 << 20
    put("sharded.weights.json", json.dumps({
        "metadata": {"total_size": 576},
        "weight_map": {"/layers/dense/vars": "model_00000.weights.h5"}}).encode())


# MARK: Well-formed files that do not fit


def write_misfits():
    import keras

    keras.backend.clear_session()
    model = make_fixtures.vgg(keras, "vgg16", (2, 2, 3, 3, 3), (32, 32), width=1, dense=4)
    make_fixtures.randomise(model, np.random.default_rng(7))
    named = {v.path: v.numpy() for v in model.weights}

    def write(name, values):
        make_containers.write_npz(os.path.join("..", "malformed", name),
                                  {k: npy(v) for k, v in values.items()}, zipfile.ZIP_DEFLATED)

    kernel = "block4_conv2/kernel"
    write("fits.vgg16.npz", named)
    write("missing-tensor.vgg16.npz", {k: v for k, v in named.items() if k != "fc2/bias"})
    write("wrong-shape.vgg16.npz", named | {kernel: named[kernel].transpose(2, 0, 1, 3).copy()})
    write("extra-tensor.vgg16.npz", named | {"block6_conv1/kernel": KERNEL})
    write("no-network.npz", tensors())
    positional = [*named.values()]
    write("positional-too-few.vgg16.npz", {f"arr_{i}": v for i, v in enumerate(positional[:-1])})
    write("positional-gap.vgg16.npz",
          {f"arr_{i}": v for i, v in enumerate(positional) if i != 5})


# MARK: Images


def write_images():
    grey = np.add.outer(np.arange(32), np.arange(32)) * 4
    image = Image.fromarray(np.stack([grey, 255 - grey, grey // 2], -1).astype("uint8"))
    jpeg, png = io.BytesIO(), io.BytesIO()
    image.save(jpeg, "JPEG", quality=90)
    image.save(png, "PNG")
    jpeg, png = jpeg.getvalue(), png.getvalue()
    put("truncated.jpg", jpeg[:len(jpeg) * 3 // 4])
    put("header-only.jpg", jpeg[:100])
    put("truncated.png", png[:len(png) * 3 // 4])
    put("text.png", b"This is a text file that someone named .png.\n")
    put("empty.png", b"")
    put("crc.png", png)
    flip("crc.png", png.index(b"IDAT") + 20)
    at = png.index(b"IHDR")
    ihdr = b"IHDR" + (2**31 - 1).to_bytes(4, "big") * 2 + png[at + 12:at + 17]
    put("huge-size.png", png[:at] + ihdr + zlib.crc32(ihdr).to_bytes(4, "big") + png[at + 21:])
    sof = jpeg.index(b"\xff\xc0")
    put("huge-size.jpg", jpeg[:sof + 5] + b"\xff\xff\xff\xff" + jpeg[sof + 9:])


if __name__ == "__main__":
    write_hdf5()
    write_hostile_hdf5()
    write_numpy()
    write_keras()
    write_misfits()
    write_images()
