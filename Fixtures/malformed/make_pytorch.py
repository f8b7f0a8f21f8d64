#!/usr/bin/env python3
"""Write PyTorch files that are wrong in one way each. Pickles are put together by hand, so that each breaks one rule.

    python Fixtures/malformed/make_pytorch.py
"""
import os
import pickle
import struct
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def integer(value):
    return pickle.dumps(value, 2)[2:-1]


def name(module, value):
    return b"c" + f"{module}\n{value}\n".encode()


def items(*parts):
    return b"(" + b"".join(parts) + b"t"


def storage(key="0", count=6, kind="FloatStorage", module="torch"):
    return items(text("storage"), name(module, kind), text(key), text("cpu"), integer(count)) + b"Q"


def counts(values):
    return items(*[integer(value) for value in values])


def tensor(shape=(2, 3), strides=(3, 1), offset=0, function="_rebuild_tensor_v2", **options):
    return name("torch._utils", function) + items(
        storage(**options), integer(offset), counts(shape), counts(strides), b"\x89",
        name("collections", "OrderedDict") + b")R") + b"R"


def dictionary(**entries):
    return b"}(" + b"".join(text(key) + value for key, value in entries.items()) + b"u"


def archive(file, pickled, storages={"0": struct.pack("<6f", *range(6))}, compressed=(), **members):
    with zipfile.ZipFile(os.path.join(HERE, file), "w") as target:
        def add(member, content):
            method = zipfile.ZIP_DEFLATED if member in compressed else zipfile.ZIP_STORED
            info = zipfile.ZipInfo(f"archive/{member}", (2000, 1, 1, 0, 0, 0))
            target.writestr(info, content, method)
        if pickled is not None:
            add("data.pkl", b"\x80\x02" + pickled)
        for member, content in members.items():
            add(member, content)
        for key, content in storages.items():
            add(f"data/{key}", content)


def legacy(file, pickled, keys=("0",), counts=(6,), little=True, data=struct.pack("<6f", *range(6))):
    with open(os.path.join(HERE, file), "wb") as target:
        pickle.dump(0x1950A86A20F9469CFC6C, target, 2)
        pickle.dump(1001, target, 2)
        pickle.dump({"protocol_version": 1001, "little_endian": little, "type_sizes": {"int": 4}}, target, 2)
        target.write(b"\x80\x02" + pickled)
        if keys is None:
            return
        pickle.dump(list(keys), target, 2)
        for count in counts:
            target.write(struct.pack("<q", count) + data)


class Command:
    """What runs a command where a pickle is loaded."""

    def __reduce__(self):
        return os.system, ("touch /tmp/zoo-pickle-ran; echo ran > zoo-pickle-ran",)


def main():
    sound = dictionary(weight=tensor())
    archive("sound-one-tensor.pth", sound + b".")
    # Each runs a command in Python.
    archive("command.pth", pickle.dumps(Command(), 2)[2:])
    archive("command-beside.pth", b"}(" + text("weight") + tensor() + text("hook")
            + pickle.dumps(Command(), 2)[2:-1] + b"u.")

    # The machine.
    archive("cut-pickle.pth", sound[:40])
    archive("no-stop.pth", sound)
    archive("empty-stack.pth", b".")
    archive("no-mark.pth", b"}u.")
    archive("unknown-instruction.pth", b"\xff.")
    archive("text-instruction.pth", b"I1\n.")
    archive("protocol-9.pth", b"\x80\x09}.")
    archive("never-noted.pth", b"h\x07.")
    archive("append-to-dictionary.pth", b"}Na.")
    archive("set-in-list.pth", b"]NNs.")
    archive("key-without-value.pth", b"}(Nu.")
    archive("attributes-of-a-list.pth", b"]}b.")
    archive("arguments-no-tuple.pth", name("torch._utils", "_rebuild_tensor_v2") + b"]R.")
    archive("name-no-text.pth", b"NN\x93.")
    archive("name-without-end.pth", b"ctorch")
    archive("long-text.pth", b"X\xff\xff\xff\x7fabc.")
    archive("long-number.pth", b"\x8b\xff\xff\xff\x7f\x01.")
    archive("marks.pth", b"(" * 1001 + b".")
    archive("deep.pth", b"]q\x00" * 1 + b"".join(b"]" for _ in range(1100)) + b"a" * 1100 + b".")
    archive("endless.pth", b"}q\x00(" + text("a") + b"h\x00" + text("b") + tensor() + b"u.")
    # Doubles forty times over: 2^40 ways to the same tensor.
    archive("many-ways.pth", b"}q\x00(" + text("w") + tensor() + b"u0" + b"".join(
        b"}q" + bytes([k]) + b"(" + text("a") + b"h" + bytes([k - 1]) + text("b") + b"h" + bytes([k - 1]) + b"u"
        + (b"0" if k < 40 else b"") for k in range(1, 41)) + b".")

    # Tensors.
    for file, value in {
        "beyond-storage": tensor(offset=1), "strides-beyond-storage": tensor(strides=(4, 1)),
        "overflowing-strides": tensor(strides=(2 ** 62, 2 ** 62)), "negative-stride": tensor(strides=(-3, 1)),
        "negative-size": tensor(shape=(-2, 3)), "negative-offset": tensor(offset=-1),
        "huge-size": tensor(shape=(2 ** 40, 2 ** 40)), "many-axes": tensor((1,) * 33, (1,) * 33),
        "strides-of-other-rank": tensor(strides=(1,)), "huge-storage": tensor(count=2 ** 50),
        "storage-too-short": tensor((2, 4), (4, 1), count=8), "absent-storage": tensor(key="1"),
        "complex": tensor(kind="ComplexFloatStorage"), "unknown-type": tensor(kind="OddStorage"),
        "quantised": name("torch._utils", "_rebuild_qtensor") + items(storage(kind="QInt8Storage")) + b"R",
        "sparse": name("torch._utils", "_rebuild_sparse_tensor") + items(b"N") + b"R",
        "no-parts": name("torch._utils", "_rebuild_tensor_v2") + b")R",
        "parameter-of-nothing": name("torch._utils", "_rebuild_parameter") + b")R",
        "parameter-of-itself": name("torch.nn.parameter", "Parameter") + b")Rq\x05(h\x05NNtb",
        "expanded-bomb": tensor((2 ** 20, 2 ** 16), (0, 0)),
    }.items():
        archive(f"{file}.pth", dictionary(weight=value) + b".")
    archive("same-name.pth", b"}(" + text("a.b") + tensor() + text("a") + dictionary(b=tensor()) + b"u.")
    long = "n" * 600
    archive("long-name.pth", b"}(" + text(long) + b"}(" + text(long) + tensor() + b"u" + text("b") + tensor()
            + b"u.")

    # The archive around it.
    archive("big-endian.pth", sound + b".", byteorder=b"big")
    archive("compressed-storage.pth", sound + b".", {"0": bytes(24)}, compressed=("data/0",))
    archive("no-tensors.pth", b"}.")
    archive("code-alone.pt", None, {}, **{"constants.pkl": b"\x80\x02)."})
    path = os.path.join(HERE, "wrong-checksum.pth")
    archive("wrong-checksum.pth", sound + b".")
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[data.index(struct.pack("<6f", *range(6)))] ^= 1
    with open(path, "wb") as file:
        file.write(data)

    # Before 1.6.
    legacy("older-big-endian.pth", sound + b".", little=False)
    legacy("older-without-list.pth", sound + b".", keys=None)
    legacy("older-keys-no-texts.pth", sound + b".", keys=(1,))
    legacy("older-other-count.pth", sound + b".", counts=(5,))
    legacy("older-beyond-end.pth", sound + b".", data=bytes(20))
    legacy("older-absent-storage.pth", sound + b".", keys=(), counts=())
    legacy("older-unknown-storage.pth", sound + b".", keys=("0", "9"), counts=(6, 6))
    legacy("older-twice.pth", sound + b".", keys=("0", "0"), counts=(6, 6))
    legacy("older-disagreeing.pth", dictionary(a=tensor(), b=tensor((2,), (1,), count=2)) + b".")


if __name__ == "__main__":
    main()
