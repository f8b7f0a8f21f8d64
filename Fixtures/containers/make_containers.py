#!/usr/bin/env python3
"""Write the same four tensors into every kind of container that a reader must know.

    python Fixtures/containers/make_containers.py

In all files (README.md names the few exceptions) tensor number k, in the order of TENSORS, has at
flat index i, in row-major order, the value ((37 i + 11 k) mod 201 - 100) / 64, which float16 holds
exactly.
"""
import io
import os
import zipfile

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
EPOCH = (1980, 1, 1, 0, 0, 0)
TENSORS = {
    "conv/kernel": (3, 3, 2, 4),
    "conv/bias": (4,),
    "dense/kernel": (8, 5),
    "dense/bias": (5,),
}
LAYERS = ["conv", "relu", "dense"]


def tensors(dtype="<f4"):
    def values(k, shape):
        i = np.arange(np.prod(shape))
        return (((37 * i + 11 * k) % 201 - 100) / 64).reshape(shape).astype(dtype)

    return {name: values(k, shape) for k, (name, shape) in enumerate(TENSORS.items())}


# MARK: HDF5


def names_attribute(item, key, names, strings, parts):
    """A list of names as Keras writes it: one attribute, or several numbered ones."""
    if not names:
        item.attrs[key] = np.zeros((0,))  # what h5py makes of an empty list
        return
    split = [names] if parts == 1 else [names[i:i + 1] for i in range(len(names))]
    for i, part in enumerate(split):
        value = (np.array([n.encode() for n in part]) if strings == "fixed"
                 else np.array(part, dtype=h5py.string_dtype()))
        item.attrs[key if parts == 1 else f"{key}{i}"] = value


def create_file(path, version=h5py.h5f.LIBVER_EARLIEST, userblock=0):
    plain, access = h5py.h5p.create(h5py.h5p.FILE_CREATE), h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    plain.set_obj_track_times(False)
    plain.set_userblock(userblock)
    access.set_libver_bounds(version, h5py.h5f.LIBVER_V110)
    return h5py.File(h5py.h5f.create(path.encode(), h5py.h5f.ACC_TRUNC, plain, access))


def create_group(parent, name):
    plain = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
    plain.set_obj_track_times(False)
    for part in name.split("/"):
        parent = (parent[part] if part in parent
                  else h5py.Group(h5py.h5g.create(parent.id, part.encode(), gcpl=plain)))
    return parent


def write_h5(name, dtype="<f4", strings="fixed", parts=1, version=h5py.h5f.LIBVER_EARLIEST,
             layers=LAYERS, userblock=0, make=None, edges=False, **options):
    """Keras 2's weights-only layout. `options` are those of h5py's create_dataset.

    With `edges` the chunks do not divide the shapes."""
    path = os.path.join(HERE, name)
    with create_file(path, version, userblock) as file:
        file.attrs["backend"] = "tensorflow" if strings == "variable" else np.bytes_("tensorflow")
        file.attrs["keras_version"] = "2.15.0" if strings == "variable" else np.bytes_("2.15.0")
        names_attribute(file, "layer_names", list(layers), strings, parts)
        for layer in layers:
            group = create_group(file, layer)
            mine = {n: v for n, v in tensors(dtype).items() if n.split("/")[0] == layer}
            names_attribute(group, "weight_names", [n + ":0" for n in mine], strings, parts)
            for n, value in mine.items():
                chunks = {"chunks": tuple(max(1, d - 1) for d in value.shape)} if edges else {}
                (make or create_dataset)(
                    create_group(group, layer), n.split("/")[1] + ":0", value, **(chunks | options))


def create_dataset(group, name, value, **options):
    group.create_dataset(name, data=value, **options)


def compact_dataset(group, name, value):
    """The data inside the object header."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    plist.set_obj_track_times(False)
    kind, space = h5py.h5t.py_create(value.dtype), h5py.h5s.create_simple(value.shape)
    h5py.h5d.create(group.id, name.encode(), kind, space, plist).write(
        h5py.h5s.ALL, h5py.h5s.ALL, value)


def unallocated(group, name, value):
    """The last bias is never written: no storage, all zero."""
    if name == "bias:0" and group.name == "/dense/dense":
        group.create_dataset(name, shape=value.shape, dtype=value.dtype)
    else:
        group.create_dataset(name, data=value)


def write_bfloat16(name):
    """A Keras 3 store whose variables are bfloat16: opaque two-byte values with an attribute."""
    with create_file(os.path.join(HERE, name)) as file:
        for layer, kind in (("conv", "conv2d"), ("dense", "dense")):
            group = create_group(file, f"layers/{kind}/vars")
            group.attrs["name"] = layer
            mine = [v for n, v in tensors().items() if n.split("/")[0] == layer]
            for i, value in enumerate(mine):
                data = group.create_dataset(str(i), data=bfloat16(value).view("V2"))
                data.attrs["dtype"] = "bfloat16"


def bfloat16(value):
    """The upper half of each float32, rounded to nearest even."""
    bits = value.astype("<f4").view("<u4").astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


# MARK: NumPy


def npy(value, version=None, fortran=False, header=None):
    """The bytes of a .npy; `header` replaces the text that NumPy would write."""
    if header is not None:
        text = header.encode()
        text += b" " * (-(10 + len(text) + 1) % 64) + b"\n"
        return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + value.tobytes()
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asfortranarray(value) if fortran else value, version=version)
    return out.getvalue()


class Unseekable(io.RawIOBase):
    """A stream that can't go back, so that zip members end with a data descriptor."""

    def __init__(self, file):
        self.file = file

    def writable(self):
        return True

    def write(self, data):
        return self.file.write(data)


def write_npz(name, members, method=zipfile.ZIP_STORED, zip64=False, stream=False, comment=b""):
    with open(os.path.join(HERE, name), "wb") as file:
        with zipfile.ZipFile(Unseekable(file) if stream else file, "w", method) as archive:
            for key, data in members.items():
                info = zipfile.ZipInfo(key + ".npy", EPOCH)
                info.compress_type = method
                with archive.open(info, "w", force_zip64=zip64) as member:
                    member.write(data)
            archive.comment = comment


def write_zip64_directory(name, members):
    """zip64 fields in the central directory and its zip64 end, as an archive over 4 GiB has them."""
    limits = zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT
    zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = 0, 0
    try:
        write_npz(name, members, zip64=True)
    finally:
        zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limits


def main():
    for strings in ("fixed", "variable"):
        write_h5(f"strings-{strings}.h5", strings=strings)
        write_h5(f"strings-{strings}-split.h5", strings=strings, parts=2)
    for dtype in ("<f2", "<f8", ">f2", ">f4", ">f8"):
        write_h5(f"{'little' if dtype[0] == '<' else 'big'}-{dtype[1:]}.h5", dtype)
    deflated = {"compression": "gzip", "shuffle": True}
    write_h5("chunked.h5", chunks=True)
    write_h5("chunked-edges.h5", edges=True)
    write_h5("gzip.h5", edges=True, compression="gzip")
    write_h5("gzip-shuffle.h5", edges=True, **deflated)
    write_h5("gzip-shuffle-fletcher32.h5", edges=True, fletcher32=True, **deflated)
    write_h5("gzip-shuffle-big-f8.h5", ">f8", edges=True, **deflated)
    write_h5("lzf.h5", compression="lzf")
    write_h5("compact.h5", make=compact_dataset)
    write_h5("unallocated.h5", make=unallocated)
    write_h5("userblock.h5", userblock=512)
    write_h5("userblock-gzip.h5", version=h5py.h5f.LIBVER_V110, userblock=1024, **deflated)
    write_h5("superblock3-edges.h5", version=h5py.h5f.LIBVER_V110, edges=True, **deflated)
    write_h5("superblock3.h5", version=h5py.h5f.LIBVER_V110)
    write_h5("superblock3-gzip.h5", version=h5py.h5f.LIBVER_V110, **deflated)
    # More than eight links make a group dense (fractal heap and version-2 B-tree).
    write_h5("superblock3-dense.h5", version=h5py.h5f.LIBVER_V110,
             layers=LAYERS + [f"dropout_{i}" for i in range(20)])
    write_bfloat16("bfloat16.weights.h5")

    plain = {n: npy(v) for n, v in tensors().items()}
    write_npz("stored.npz", plain)
    write_npz("deflated.npz", plain, zipfile.ZIP_DEFLATED)
    write_npz("zip64-local.npz", plain, zip64=True)
    write_zip64_directory("zip64-directory.npz", plain)
    write_npz("descriptors.npz", plain, stream=True)
    write_npz("descriptors-deflated.npz", plain, zipfile.ZIP_DEFLATED, stream=True)
    write_npz("comment.npz", plain, comment=b"A comment after the directory. " * 20)
    write_npz("positional.npz", {f"arr_{i}": data for i, data in enumerate(plain.values())})
    for version in (1, 2, 3):
        write_npz(f"npy{version}.npz",
                  {n: npy(v, (version, 0)) for n, v in tensors().items()})
    write_npz("fortran.npz", {n: npy(v, fortran=True) for n, v in tensors().items()})
    for dtype in ("<f2", "<f8", ">f2", ">f4", ">f8"):
        write_npz(f"{'little' if dtype[0] == '<' else 'big'}-{dtype[1:]}.npz",
                  {n: npy(v) for n, v in tensors(dtype).items()})
    write_npz("bfloat16.npz", {n: npy(bfloat16(v).view("V2")) for n, v in tensors().items()})

    def header(value, descr):
        return f"{{'shape': {value.shape}, 'descr': '{descr}', 'fortran_order': False, }}"

    # '=' is this machine's order (little-endian here); the keys may come in any order.
    write_npz("native-order.npz",
              {n: npy(v, header=header(v, "=f4")) for n, v in tensors().items()})
    few = np.arange(-3, 3)
    write_npz("integers.npz", {
        d[1:]: npy(few.astype(d)) for d in
        ("<i1", "<i2", "<i4", "<i8", "<u1", "<u2", "<u4", "<u8")} | {"b1": npy(few > 0)})
    write_npz("odd-shapes.npz", {
        "scalar": npy(np.array(1.5, "<f4")), "empty": npy(np.zeros((0, 3), "<f4")),
        "one": npy(np.array([1.5], "<f4"))})
    with open(os.path.join(HERE, "kernel.npy"), "wb") as file:
        file.write(plain["conv/kernel"])


if __name__ == "__main__":
    main()
