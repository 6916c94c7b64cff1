#!/usr/bin/env python3
"""What becomes of a key file when a loader is built with it: its bytes, or one clear line."""
import pathlib
import re
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).parents[2] / "boards/stm32h7-dual/key.cmake"
KEY = bytes(range(1, 64, 2))


class KeyFile(unittest.TestCase):
    def make(self, content):
        with tempfile.TemporaryDirectory() as folder:
            key, out = pathlib.Path(folder, "board.key"), pathlib.Path(folder, "key_bytes.c")
            if content is not None:
                key.write_bytes(content)
            run = subprocess.run(["cmake", f"-DKEY={key}", f"-DOUT={out}", "-P", SCRIPT], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
            self.assertEqual(run.returncode == 0, out.exists(), run.stdout)
            if run.returncode != 0:
                return " ".join(run.stdout.split())
            self.assertEqual(out.stat().st_mode & 0o077, 0)
            return bytes(int(x, 16) for x in re.findall(r"0x(..)", out.read_text()))

    def test_keys(self):
        digits = KEY.hex().encode()
        for content in (KEY, digits, digits.upper(), digits + b"\n", digits + b" \r\n"):
            self.assertEqual(self.make(content), KEY, content)
        odd = b'"\\;${A}\n\x00' + bytes(range(200, 223))
        self.assertEqual(self.make(odd), odd)

    def test_no_keys(self):
        for content in (b"", b"12ab\n", b"ab" * 16, b"ab" * 33, b"xy" * 32, KEY[:31], KEY * 2,
                        b"ab " * 32, b"1;" * 32, bytes(5000)):
            self.assertIn("a key is 32 bytes", self.make(content), content)
        for content in (b"\xff" * 32, b"00" * 32, b"AB" * 32):
            self.assertIn("no secret", self.make(content), content)
        self.assertIn("no such key file", self.make(None))


if __name__ == "__main__":
    unittest.main()
