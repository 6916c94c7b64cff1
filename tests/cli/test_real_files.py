#!/usr/bin/env python3
"""Real firmware, programmed and read back: what the chip's file holds in the
end is what objcopy makes of the same input. Files of Debian's packages."""
import glob
import pathlib
import subprocess
import sys

import bench
from bench import Board

KB, MB = 1024, 1024 * 1024


def objcopy(source, kind, folder):
    """(lowest address, flat bytes with 0xFF between) by objcopy."""
    srec, flat = folder / "o.srec", folder / "o.bin"
    tool = "arm-none-eabi-objcopy"
    subprocess.run([tool, "-I", kind, "-O", "srec", source, srec], check=True)
    subprocess.run([tool, "-I", kind, "-O", "binary", "--gap-fill", "0xff", source, flat], check=True)
    low = min(int(line[4:4 + 2 * (int(line[1]) + 1)], 16) for line in srec.read_text().splitlines()
              if line[:2] in ("S1", "S2", "S3"))
    return low, flat.read_bytes()


class RealFiles(bench.Case):
    def program(self, path, base, address=None):
        """Programs `path` into a dirty chip at `base`; gaps must keep what was there."""
        if address is None:
            low, image = objcopy(path, "ihex", self.folder)
        else:
            low, image = address, pathlib.Path(path).read_bytes()
        old = bytes(16 * MB)  # all zero: a byte that must be kept shows at once
        self.file("flash.bin", old)
        arg = path if address is None else f"{path}@{address:#x}"
        with Board(self.folder, "--base", hex(base), chip="w25q128jv") as board:
            self.assertEnds(board.run("program", arg), 0)
            self.assertEnds(board.run("verify", arg), 0)
            out = self.folder / "out.bin"
            self.assertEnds(board.run("read", hex(low), len(image), out), 0)
            board.stop()
        held, at = board.contents(), low - base
        self.assertEqual(out.read_bytes(), held[at:at + len(image)])
        wrong = [i for i in range(len(image)) if held[at + i] != image[i] and
                 not (image[i] == 0xFF and held[at + i] == 0)]
        self.assertEqual(wrong, [], path)
        self.assertEqual(held[:at].strip(b"\0"), b"")
        self.assertEqual(held[at + len(image):].strip(b"\0"), b"")

    def some(self, pattern, count):
        files = sorted(glob.glob(pattern))
        self.assertGreaterEqual(len(files), count, f"{pattern}: ./script/test installs these")
        return files[::max(1, len(files) // count)][:count]

    def test_altos(self):
        for path in self.some("/usr/share/altos/*.ihx", 6):
            with self.subTest(path):
                low, _ = objcopy(path, "ihex", self.folder)
                self.program(path, low & 0xFF000000)

    def test_micropython(self):
        for path in self.some("/usr/share/firmware-microbit-micropython/*.hex", 1):
            low, image = objcopy(path, "ihex", self.folder)
            if low + len(image) > 16 * MB:  # the UICR words lie far above the flash
                with Board(self.folder, "--base", "0", chip="w25q128jv", flash=False) as board:
                    self.assertEnds(board.run("program", path), 6, pathlib.Path(path).name)
            else:
                self.program(path, 0)

    def test_hackrf(self):
        for path in self.some("/usr/share/hackrf/*.bin", 3):
            with self.subTest(path):
                self.program(path, 0x14000000, 0x14000000)

    def test_u_boot(self):
        for path in self.some("/usr/lib/u-boot/*/u-boot.bin", 2):
            with self.subTest(path):
                self.program(path, 0x90000000, 0x90012345)


if __name__ == "__main__":
    sys.exit(bench.main())
