#!/usr/bin/env python3
"""The reference time against exhaustive search on chips small enough for it.

The search here tries every set of erase operations, works out byte by byte what
has to be programmed then, and takes the least. It shares the definition of T*
with bench/reference.py, and no code but the chip's description.
"""
import itertools
import pathlib
import random
import sys
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import reference  # noqa: E402


def packed(data):
    z = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    return min(len(data), len(z.compress(data) + z.flush()))


def all_erases(chip):
    return [(at, size, us) for size, us in chip.erases for at in range(0, chip.size, size)]


def must_program(chip, old, new):
    """Whether a page is programmed; None where it cannot be without an erase."""
    if old == new:
        return False
    if old == b"\xff" * len(old):
        return True
    unit = chip.rewrite
    if unit is None:
        return None
    for i in range(0, len(old), unit):
        o, n = old[i:i + unit], new[i:i + unit]
        if unit == 1 and o[0] & n[0] != n[0]:
            return None
        if unit > 1 and o != n and o != b"\xff" * unit:
            return None
    return True


def cost(chip, image, flash, offset, erases, rate, group):
    """look + keep + max(link, chip) of one set of erases; None if it does not do."""
    before = bytearray(flash)
    after = flash[:offset] + image + flash[offset + len(image):]
    outside = {i for i in range(chip.size)} - set(range(offset, offset + len(image)))
    kept, chip_us = set(), 0.0
    for at, size, us in erases:
        before[at:at + size] = b"\xff" * size
        kept |= outside & set(range(at, at + size))
        chip_us += us
    travel = {}
    for at in range(0, chip.size, chip.page):
        what = must_program(chip, bytes(before[at:at + chip.page]), after[at:at + chip.page])
        if what is None:
            return None
        if what:
            chip_us += chip.page_us + 2 * chip.page / chip.dies / reference.READ_RATE
            some = bytes(after[i] for i in range(at, at + chip.page) if i not in outside)
            travel[at // group] = travel.get(at // group, b"") + some
    wire = sum(packed(t) for t in travel.values() if t)
    keep = len(kept) / reference.READ_RATE / chip.dies
    return len(image) / reference.DIGEST_RATE + keep + max(wire / rate if rate else 0.0, chip_us)


def exhaustive(chip, image, flash, offset, rate, group):
    ops = all_erases(chip)
    best = float("inf")
    for n in range(len(ops) + 1):
        for some in itertools.combinations(ops, n):
            if sum(us for _, _, us in some) >= best:
                continue  # the erases alone take longer
            found = cost(chip, image, flash, offset, some, rate, group)
            best = best if found is None else min(best, found)
    return best


def content(rng, size, kind):
    if kind == "blank":
        return b"\xff" * size
    if kind == "sparse":
        return bytes(rng.choice((0xFF, 0xFF, 0xFF, rng.randrange(256))) for _ in range(size))
    return rng.randbytes(size)


def near(rng, image, chip):
    """A chip that holds much of the image already: blank, cleared or other pages between."""
    out = bytearray(image)
    for at in range(0, len(out), chip.page):
        what = rng.randrange(5)
        if what == 0:
            out[at:at + chip.page] = b"\xff" * chip.page
        elif what == 1:
            out[at:at + chip.page] = bytes(b | rng.randrange(256) for b in out[at:at + chip.page])
        elif what == 2 and rng.random() < 0.5:
            out[at:at + chip.page] = rng.randbytes(chip.page)
    return bytes(out)


def random_chip(rng):
    page = 16
    leaf, middle, size = rng.choice(((32, 128, 256), (64, 128, 512), (32, 64, 256), (256, 512, 1024)))
    us = rng.randrange(5, 400)
    erases = ((leaf, us), (middle, round(us * rng.uniform(1.0, 4.0))),
              (size, round(us * rng.uniform(1.5, 10.0))))
    return reference.Chip("tiny", rng.choice((1, 2)), size, page, rng.randrange(1, 90), erases,
                          rng.choice((1, 16, 4, None)))


class Exact(unittest.TestCase):
    def check(self, seed):
        rng = random.Random(seed)
        chip = random_chip(rng)
        offset = rng.choice((0, 0, rng.randrange(chip.size // 2)))
        length = rng.randrange(1, chip.size - offset + 1)
        image = content(rng, length, rng.choice(("random", "sparse", "random")))
        flash = content(rng, chip.size, rng.choice(("blank", "sparse", "random")))
        if rng.random() < 0.6:
            flash = flash[:offset] + near(rng, image, chip) + flash[offset + length:]
        group = rng.choice((chip.erases[0][0], 64, 128))
        rate = rng.choice((None, 0.05, 0.3, 1.0, 5.0))
        ref = reference.Reference(chip, image, flash, offset, group=group)
        want = exhaustive(chip, image, flash, offset, rate, group)
        got = ref.time(rate)
        self.assertAlmostEqual(got.t_star, want, places=6, msg=f"seed {seed}")
        self.assertAlmostEqual(got.t_star, got.look + got.keep + max(got.link, got.chip), places=6)
        return got, chip

    def test_against_exhaustive_search(self):
        seen = {"larger": 0, "none": 0, "kept": 0, "link": 0, "chip": 0}
        for seed in range(40):
            got, chip = self.check(seed)
            seen["larger"] += got.erases > 0 and got.erase_us != got.erases * chip.erases[0][1]
            seen["none"] += got.erases == 0 and got.pages > 0
            seen["kept"] += got.kept > 0
            seen["link"] += got.link > got.chip
            seen["chip"] += got.chip > got.link
        # The draw reached what it is for.
        self.assertTrue(all(n >= 3 for n in seen.values()), seen)


class ByHand(unittest.TestCase):
    """Figures that a pencil yields."""
    DUAL = reference.CHIPS["mt25ql512ab-dual"]
    PAGE = 120 + 10.24

    def time(self, chip, image, flash, link, **more):
        return reference.Reference(chip, image, flash, **more).time(reference.link(link).rate)

    def test_blank_and_random_over_usb(self):
        data = random.Random(1).randbytes(reference.MB)
        got = self.time(self.DUAL, data, b"", "usb-fs")
        self.assertAlmostEqual(got.t_star, reference.MB / 50 + reference.MB, places=3)
        self.assertAlmostEqual(got.chip, 2048 * self.PAGE, places=3)

    def test_four_dirty_sectors_of_a_block_are_one_block(self):
        rng = random.Random(2)
        data = rng.randbytes(128 * 1024)
        for dirty, erases in ((3, 3), (4, 1)):
            flash = bytearray(data)
            for i in range(dirty):
                flash[(4 * i) * 8192] ^= 0xFF
            got = self.time(self.DUAL, data, bytes(flash), "ideal")
            # 4 * 48 ms and 64 pages are 200 ms, 160 ms and 256 pages 193.
            self.assertEqual(got.erases, erases)

    def test_right_already_is_the_look(self):
        data = random.Random(3).randbytes(100000)
        got = self.time(self.DUAL, data, data, "uart:115200")
        self.assertEqual((got.t_star, got.erases, got.pages), (100000 / 50, 0, 0))

    def test_whole_chip(self):
        chip = reference.CHIPS["mt25ql512ab"]._replace(
            size=reference.MB, erases=((4096, 48000), (reference.MB, 100000)))
        data = random.Random(4).randbytes(reference.MB // 2)
        old = random.Random(5).randbytes(reference.MB)
        got = self.time(chip, data, old, "ideal")
        self.assertEqual((got.erases, got.erase_us, got.pages), (1, 100000, 4096))
        self.assertEqual(got.kept, reference.MB // 2)

    def test_only_bits_to_clear(self):
        old, new = b"\xf0" * 4096, b"\x10" * 4096
        self.assertEqual(self.time(self.DUAL, new, old, "ideal").erases, 0)
        self.assertEqual(self.time(reference.CHIPS["mx25l51245g"], new, old, "ideal").erases, 1)

    def test_uart_rate(self):
        self.assertAlmostEqual(reference.link("uart:115200").rate, 0.01152)


if __name__ == "__main__":
    unittest.main()
