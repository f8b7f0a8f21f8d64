"""Writers of image files of kinds that Pillow reads and does not write."""
import struct
import zlib

import numpy as np


def gif(path, indices, colors, canvas, place, transparent=None):
    """One frame at `place` (x, y) of a `canvas` (height, width); 8 colours, of which some may lack."""
    bits = max(1, (len(colors) - 1).bit_length())
    data = b"GIF89a" + struct.pack("<HHBBB", canvas[1], canvas[0], 0x80 | bits - 1, 0, 0) + colors.tobytes()
    if transparent is not None:
        data += b"!\xf9\x04" + struct.pack("<BHB", 1, 0, transparent) + b"\0"
    data += b"," + struct.pack("<HHHHB", *place, indices.shape[1], indices.shape[0], 0)
    # Every code is a literal: a clear code before the table grows to wider codes.
    size, codes = 3, []
    for count, index in enumerate(indices.ravel()):
        if count % 6 == 0:
            codes.append(1 << size)
        codes.append(int(index))
    codes.append((1 << size) + 1)
    value = sum(code << place * (size + 1) for place, code in enumerate(codes))
    packed = value.to_bytes((len(codes) * (size + 1) + 7) // 8, "little")
    with open(path, "wb") as f:
        f.write(data + bytes([size, len(packed)]) + packed + b"\0;")


def bmp(path, values, bits, colors=None, header=40, masks=(), runs=False, top_down=False):
    """Numbers of colours, words, or (H, W, 3) for 24 bits."""
    height, width = values.shape[:2]
    rows = values if top_down else values[::-1]
    if runs:
        data = b"".join(_runs(row, bits) for row in rows) + b"\0\1"
    else:
        data = b"".join(_padded(_row(row, bits)) for row in rows)
    table = b""
    if colors is not None:
        table = b"".join(bytes([b, g, r]) + b"\0" * (header > 12) for r, g, b in colors)
        table += b"\0" * ((1 << bits) * (3 if header == 12 else 4) - len(table) if header == 12 else 0)
    compression = {8: 1, 4: 2}[bits] if runs else 3 if masks else 0
    fields = struct.pack("<III", *masks[:3]) if masks else b""
    if header == 12:
        head = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        head = struct.pack(
            "<IiiHHIIiiII", header, width, -height if top_down else height, 1, bits, compression, len(data), 0, 0,
            len(colors) if colors is not None else 0, 0)
        if header > 40:
            head += struct.pack("<IIII", *masks)
            head += b"\0" * (header - len(head))
            fields = b""
    offset = 14 + len(head) + len(fields) + len(table)
    with open(path, "wb") as f:
        f.write(b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset))
        f.write(head + fields + table + data)


def _row(row, bits):
    if bits == 24:
        return row[:, ::-1].tobytes()
    if bits >= 16:
        return row.astype({16: "<u2", 32: "<u4"}[bits]).tobytes()
    return _packed(row, bits)


def _packed(values, bits):
    """Values of less than a byte, the first in the highest bits."""
    text = "".join(format(int(value), f"0{bits}b") for value in values)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))


def _padded(row):
    return row + b"\0" * (-len(row) % 4)


def _runs(row, bits):
    """A run for the equal values of a row, the others stored; and a skip over what is 0 at its end."""
    data, x = b"", 0
    while x < len(row):
        end = x
        while end < len(row) and row[end] == row[x]:
            end += 1
        if end - x >= 3:
            data += bytes([end - x, int(row[x]) * (17 if bits == 4 else 1)])
            x = end
            continue
        end = x
        while end < len(row) and not (end + 2 < len(row) and row[end] == row[end + 1] == row[end + 2]):
            end += 1
        part = row[x:end]
        if len(part) < 3:
            data += b"".join(bytes([1, int(v) * (17 if bits == 4 else 1)]) for v in part)
        else:
            stored = _packed(part, bits) if bits == 4 else bytes(int(v) for v in part)
            data += bytes([0, len(part)]) + stored + b"\0" * (len(stored) % 2)
        x = end
    return data + b"\0\0"


def tiff(path, values, bits, photometric, big_endian=False, deflate=False, planar=False, tile=None,
         rows_per_strip=None, extra=None, palette=None):
    """Values (H, W, samples), in strips or in tiles of (height, width)."""
    order = ">" if big_endian else "<"
    height, width, samples = values.shape
    rows = rows_per_strip or height
    planes = [values[..., i : i + 1] for i in range(samples)] if planar else [values]
    parts = []
    for plane in planes:
        if tile:
            for y in range(0, height, tile[0]):
                for x in range(0, width, tile[1]):
                    block = plane[y : y + tile[0], x : x + tile[1]]
                    full = np.zeros(tile + block.shape[2:], block.dtype)
                    full[: block.shape[0], : block.shape[1]] = block
                    parts.append(full)
        else:
            parts += [plane[y : y + rows] for y in range(0, height, rows)]

    def encoded(part):
        if bits == 16:
            data = part.astype(order + "u2").tobytes()
        elif bits == 8:
            data = part.astype("u1").tobytes()
        else:
            data = b"".join(_packed(row.ravel(), bits) for row in part)
        return zlib.compress(data) if deflate else data

    parts = [encoded(part) for part in parts]
    short, long = 3, 4
    tags = {
        256: (short, [width]), 257: (short, [height]), 258: (short, [bits] * samples),
        259: (short, [8 if deflate else 1]), 262: (short, [photometric]), 277: (short, [samples]),
        284: (short, [2 if planar else 1]),
    }
    if tile:
        tags |= {322: (short, [tile[1]]), 323: (short, [tile[0]])}
    else:
        tags[278] = (short, [rows])
    offsets, counts = (324, 325) if tile else (273, 279)
    tags |= {offsets: (long, [0] * len(parts)), counts: (long, [len(part) for part in parts])}
    if extra is not None:
        tags[338] = (short, [extra])
    if palette is not None:
        tags[320] = (short, [int(v) for v in palette.ravel()])

    end = 8 + 2 + 12 * len(tags) + 4
    place = end + sum(
        size for kind, list in tags.values() if (size := len(list) * (2 if kind == short else 4)) > 4)
    place += place % 2
    start = place
    for i, part in enumerate(parts):
        tags[offsets][1][i] = place
        place += len(part)
    directory, beyond = struct.pack(order + "H", len(tags)), b""
    for tag, (kind, list) in sorted(tags.items()):
        data = struct.pack(order + str(len(list)) + ("H" if kind == short else "I"), *list)
        directory += struct.pack(order + "HHI", tag, kind, len(list))
        if len(data) <= 4:
            directory += data.ljust(4, b"\0")
        else:
            directory += struct.pack(order + "I", end + len(beyond))
            beyond += data
    head = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "I", 8)
    body = head + directory + struct.pack(order + "I", 0) + beyond
    with open(path, "wb") as f:
        f.write(body.ljust(start, b"\0") + b"".join(parts))
