#!/usr/bin/env python3
"""How much smaller firmware gets: raw deflate in blocks of 16 KB, the same with Thumb
branches made places where that is less (PROTOCOL.md 5.4), and the same with 8 KB of the
other packages' code as a dictionary. `coding.py DIR`: the corpus that `script/bench` left
in build/bench/corpus."""
import pathlib
import struct
import sys
import zlib

BLOCK = 16384
DICTIONARY = 8192


def places(data):
    out = bytearray(data)
    p = 0
    while p + 4 <= len(out):
        first, second = struct.unpack_from("<HH", out, p)
        if first >> 11 == 0b11110 and second >> 11 == 0b11111:
            number = ((first & 0x7FF) << 11 | second & 0x7FF) + p // 2 & 0x3FFFFF
            struct.pack_into("<HH", out, p, 0xF000 | number >> 11, 0xF800 | number & 0x7FF)
            p += 2
        p += 2
    return bytes(out)


def deflated(data, dictionary=b""):
    more = {"zdict": dictionary} if dictionary else {}
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, **more)
    return min(len(packer.compress(data) + packer.flush()), len(data))


def sample(others):
    """Pieces from all over the other packages."""
    whole = b"".join(others)
    pieces = 32
    size = DICTIONARY // pieces
    return b"".join(whole[i * len(whole) // pieces:][:size] for i in range(pieces))


def package(path):
    """usr_share_altos_telemega…flat -> altos"""
    return path.name.split("_")[2]


def sizes(data, dictionary):
    plain = branches = shared = 0
    for at in range(0, len(data), BLOCK):
        block = data[at:at + BLOCK]
        size = deflated(block)
        plain += size
        branches += min(size, deflated(places(block)))
        shared += min(size, deflated(block, dictionary))
    return len(data), plain, branches, shared


def main(arguments):
    if len(arguments) != 1 or not pathlib.Path(arguments[0]).is_dir():
        sys.exit("usage: coding.py DIR, with the packages' flat files in it")
    packages = {}
    for path in sorted(pathlib.Path(arguments[0]).iterdir()):
        packages.setdefault(package(path), []).append(path.read_bytes())
    print("| package | bytes | deflate | with branches | with a dictionary |\n"
          "| --- | --- | --- | --- | --- |")
    for name, files in packages.items():
        dictionary = sample([f for n, fs in packages.items() if n != name for f in fs])
        total, *left = map(sum, zip(*(sizes(f, dictionary) for f in files)))
        print(f"| {name} | {total:,} | " + " | ".join(f"{n / total:.3f}" for n in left) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
