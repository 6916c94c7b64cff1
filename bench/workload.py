"""Workloads: what should be on the chip, and what is there before.

Real firmware comes from four Debian packages, converted to flat bytes by the
product's own reader (bench-flatten) and put one after the other in a fixed
order until the size is reached; where the corpus ends it begins again. Random
bytes are seeded. Nothing here depends on time, machine or order of calls.
"""
import collections
import glob
import pathlib
import random
import re
import subprocess

KB, MB = 1024, 1024 * 1024
BLOCK = 4 * KB
NEIGHBOURS = 256 * KB  # bytes behind the image that must survive, unless the chip is blank

PACKAGES = ("firmware-microbit-micropython", "hackrf-firmware", "altos", "u-boot-qemu")
PATTERNS = (
    "/usr/share/firmware-microbit-micropython/*.hex",
    "/usr/share/hackrf/*.bin",
    "/usr/share/altos/*.ihx",
    "/usr/lib/u-boot/*/u-boot.bin",
)
SIZES = {"64K": 64 * KB, "1M": MB, "8M": 8 * MB, "64M": 64 * MB}
CONTENTS = ("firmware", "random")
STATES = ("blank", "dirty", "same", "run", "scattered", "rebuilt")
STATE_TEXT = {
    "blank": "blank",
    "dirty": "dirty",
    "same": "same",
    "run": "1 % in one run",
    "scattered": "1 % scattered",
    "rebuilt": "older release",
}

# offset 0; chip bytes beyond `flash` are 0xFF
Workload = collections.namedtuple("Workload", "size content state image flash")


def seeded(*words):
    return random.Random("vcpflash " + " ".join(words))


class Corpus:
    """The firmware of the packages, converted once into `folder`."""

    def __init__(self, flatten, folder):
        self.flatten = pathlib.Path(flatten)
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.files = [f for p in PATTERNS for f in sorted(glob.glob(p))]
        if len({p for p in PATTERNS for f in glob.glob(p)}) < len(PATTERNS):
            raise SystemExit("the corpus is not complete; install: " + " ".join(PACKAGES))
        self.cache = {}

    def flat(self, path):
        if path not in self.cache:
            name = path.strip("/").replace("/", "_") + ".flat"
            subprocess.run([self.flatten, path, self.folder / name], check=True)
            self.cache[path] = (self.folder / name).read_bytes()
        return self.cache[path]

    def firmware(self, size):
        whole = b"".join(self.flat(f) for f in self.files)
        return (whole * (size // len(whole) + 1))[:size]

    def releases(self):
        """(newer, older) builds of one source: an altos board's highest and
        second highest hardware version."""
        boards = collections.defaultdict(list)
        for path in self.files:
            m = re.search(r"/altos/(.+)-v(\d+(?:\.\d+)*)-([\d.]+)\.ihx$", path)
            if m:
                boards[m[1]].append((tuple(int(n) for n in m[2].split(".")), path))
        for versions in (sorted(v) for _, v in sorted(boards.items())):
            if len(versions) > 1:
                yield self.flat(versions[-1][1]), self.flat(versions[-2][1])

    def rebuilt(self, size):
        """(image, chip): the builds in slots of whole 4 KB blocks."""
        new, old = bytearray(), bytearray()
        for n, o in self.releases():
            slot = (max(len(n), len(o)) + BLOCK - 1) // BLOCK * BLOCK
            new += n.ljust(slot, b"\xff")
            old += o.ljust(slot, b"\xff")
        times = size // len(new) + 1
        return bytes((new * times)[:size]), bytes((old * times)[:size])


def changed_run(image, rng):
    length = max(1, len(image) // 100)
    at = rng.randrange(len(image) - length)
    return image[:at] + rng.randbytes(length) + image[at + length:]


def changed_blocks(image, rng):
    chip = bytearray(image)
    blocks = len(image) // BLOCK
    for b in rng.sample(range(blocks), max(1, round(blocks / 100))):
        chip[b * BLOCK:(b + 1) * BLOCK] = rng.randbytes(BLOCK)
    return bytes(chip)


def make(corpus, size, content, state):
    """The workload, or None where there is no such thing."""
    n = SIZES[size]
    rng = seeded(size, content, state)
    if state == "rebuilt":
        if content != "firmware":
            return None
        image, chip = corpus.rebuilt(n)
    else:
        image = corpus.firmware(n) if content == "firmware" else seeded(size).randbytes(n)
        chip = {
            "blank": lambda: b"",
            "dirty": lambda: rng.randbytes(n),
            "same": lambda: image,
            "run": lambda: changed_run(image, rng),
            "scattered": lambda: changed_blocks(image, rng),
        }[state]()
    if chip:
        chip += rng.randbytes(NEIGHBOURS)
    return Workload(size, content, state, image, chip)
