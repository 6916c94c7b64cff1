#!/usr/bin/env python3
"""The corpora of the fuzzers, an input a line in hex: `corpus.py unpack FILE DIR` makes
files of them for libFuzzer, `corpus.py pack DIR... FILE` the reverse, smallest first."""
import pathlib
import sys


def unpack(source, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for n, line in enumerate(source.read_text(encoding="ascii").split()):
        (folder / f"{n:04}").write_bytes(bytes.fromhex(line))


def pack(folders, out):
    inputs = {p.read_bytes() for folder in folders for p in folder.iterdir() if p.is_file()}
    lines = [b.hex() + "\n" for b in sorted(inputs, key=lambda b: (len(b), b)) if b]
    out.write_text("".join(lines), encoding="ascii")


def main(arguments):
    paths = [pathlib.Path(a) for a in arguments[1:]]
    if arguments[:1] == ["unpack"] and len(paths) == 2:
        unpack(*paths)
    elif arguments[:1] == ["pack"] and len(paths) >= 2:
        pack(paths[:-1], paths[-1])
    else:
        sys.exit("usage: corpus.py unpack FILE DIR | corpus.py pack DIR... FILE")


if __name__ == "__main__":
    main(sys.argv[1:])
