#!/usr/bin/env python3
"""Write digests.txt: the digests of the first LENGTH bytes of one message, by hashlib and xxhash.

    python Fixtures/hashes/make_digests.py [--out Fixtures/hashes/digests.txt]

A line has the length, SHA-256, MD5 and XXH3 of 128 bits with seed 0. Byte i of the message is the highest of
the 32-bit product of i and 0x9e3779b1.
"""
import argparse
import hashlib
import os

import xxhash

# Around the places where a padding, a case of XXH3, a stripe, a block or a buffer ends.
LENGTHS = [
    *range(0, 19), 31, 32, 33, 55, 56, 57, 63, 64, 65, 95, 96, 97, 111, 112, 119, 120, 127, 128, 129, 130,
    159, 160, 161, 191, 192, 193, 223, 224, 225, 239, 240, 241, 255, 256, 257, 319, 320, 321, 511, 512, 513,
    1023, 1024, 1025, 1087, 1088, 1089, 1279, 1280, 1281, 2047, 2048, 2049, 4095, 4096, 4097, 10000, 65536,
    65537, 1 << 20, (1 << 20) + 1,
]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.join(here, "digests.txt"))
    message = bytes((i * 0x9E3779B1 & 0xFFFFFFFF) >> 24 for i in range(max(LENGTHS)))
    with open(parser.parse_args().out, "w", newline="\n") as out:
        for length in LENGTHS:
            part = message[:length]
            digests = hashlib.sha256(part), hashlib.md5(part), xxhash.xxh3_128(part)
            print(length, *(digest.hexdigest() for digest in digests), file=out)


if __name__ == "__main__":
    main()
