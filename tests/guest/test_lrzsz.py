#!/usr/bin/env python3
"""A person with a terminal, and its "send file": lines typed to a simulated board, and
files sent by lrzsz's sb, the YMODEM that most terminals on Linux call.
"""
import hashlib
import os
import pathlib
import select
import subprocess
import sys
import time
import tty
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "cli"))
import bench  # noqa: E402
from bench import Board  # noqa: E402

BASE = 0x90000000
KB = 1024
SECTOR = 4 * KB


class Terminal:
    """A pseudo-terminal, as a terminal program has it open."""

    def __init__(self, port):
        self.fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)
        self.seen = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def read(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            self.seen += os.read(self.fd, 65536).decode("latin1")
            return True
        return False

    def until(self, ending):
        """What comes up to `ending`; an error after bench.PATIENCE."""
        begun = time.monotonic()
        while ending not in self.seen:
            if not self.read(1) and time.monotonic() - begun > bench.PATIENCE:
                raise AssertionError(f"no {ending!r} in {self.seen!r}")
        at = self.seen.index(ending) + len(ending)
        text, self.seen = self.seen[:at], self.seen[at:]
        return text

    def type(self, line):
        os.write(self.fd, line.encode("latin1"))

    def ask(self, line):
        """What is answered to a line, without its echo and the prompt."""
        self.type(line + "\r")
        return self.until(line + "\r\n") and self.until("> ")[:-2]

    def sb(self, *files, line="load", kill_at=None):
        """Types `line`, sends files; what the board says in the end."""
        self.type(line + "\r")
        self.until("control-c ends that\r\n")
        process = subprocess.Popen(["sb", "-k", *map(str, files)], stdin=self.fd, stdout=self.fd,
                                   stderr=subprocess.PIPE)
        said = b""
        while kill_at is not None and kill_at not in said:
            said += process.stderr.read(1)
        if kill_at is not None:
            process.kill()
        process.communicate(timeout=bench.PATIENCE)
        self.code = process.returncode
        while kill_at is not None and "> " not in self.seen: # in the middle of a block it is one
            self.type("\x03")
            self.read(1.5)
        return self.until("> ")[:-2].split("\x18")[-1].lstrip("\x06C\b")


class Guests(bench.Case):
    def board(self, *options, **more):
        return Board(self.folder, *options, **more)

    def old(self, size=64 * KB):
        """A chip that somebody has filled."""
        old = self.bytes(size)
        self.file("flash.bin", old)
        return old

    # --- the console

    def test_a_person_types(self):
        old = self.old()
        with self.board() as board, Terminal(board.port) as t:
            t.type("\r")
            self.assertIn("vcpflash program FILE", t.until("> "))
            self.assertIn("digest [ADDR LEN]", t.ask("help"))
            self.assertIn("64 KB, sectors of 4 KB", t.ask("info"))
            self.assertIn(hashlib.sha256(old).hexdigest(), t.ask("digest"))
            self.assertIn(hashlib.sha256(old[0x1001:0x1001 + 300]).hexdigest(),
                          t.ask(f"digest {BASE + 0x1001:#x} 300"))
            t.type("infx\bo\r")
            self.assertIn("64 KB, sectors of 4 KB", t.until("> "))
            t.type("info\r\ndigest\r\n")
            t.until("> ")
            self.assertIn(hashlib.sha256(old).hexdigest(), t.until("> "))
            self.assertIn("no plausible vector table", t.ask("run"))
            for line, answer in (("digest 12", "a range of one memory"), ("digest x 1", "is no number"),
                                 ("run 0x20000000", "a multiple of 4 in a memory"),
                                 ("run 1 2", "too much"), ("format", "is no command"),
                                 ("load 90000000", '"90000000" is in no memory: was 0x90000000 meant?'),
                                 ("load 0x9000000", "in no memory; the memory is 0x90000000 to 0x9000ffff"),
                                 ("load 0x90010000", "is in no memory"), ("load 0x0", "is in no memory"),
                                 (f"digest {BASE:#x} 64M", "a range of one memory")):
                self.assertIn(answer, t.ask(line))
            board.stop()
            self.assertEqual(board.contents(), old)

    def test_an_application_is_started(self):
        vectors = (0x20010000).to_bytes(4, "little") + (BASE + 0x101).to_bytes(4, "little")
        name = self.file("app.bin", vectors + self.bytes(1000))
        with self.board("--journal") as board, Terminal(board.port) as t:
            self.assertIn("verified, 1008 bytes at 0x90000000", t.sb(name))
            self.assertIn("image: complete", t.ask("info"))
            t.type("run\r")
            t.until("starting 0x90000000\r\n")
            board.stop()
        self.assertIn("0x90000000", board.err)

    def test_a_host_comes_first(self):
        image = self.bytes(3 * SECTOR)
        name = self.file("a.bin", image)
        with self.board() as board:
            with Terminal(board.port) as t:
                t.type("load\r")
                t.until("C")
            self.assertEqual(board.run("program", f"{name}@{BASE:#x}").code, 0)
            with Terminal(board.port) as t:
                t.type("\r")
                t.until("> ")
                self.assertIn(hashlib.sha256(image).hexdigest(),
                              t.ask(f"digest {BASE:#x} {len(image)}"))

    def test_off(self):
        with self.board("--guests", "off") as board, Terminal(board.port) as t:
            t.type("info\r")
            self.assertIn("vcpflash program FILE", t.until("FILE\r\n"))
        self.assertEqual(subprocess.run([str(bench.BIN / "vcpflash-sim"), "--guests", "xmodem"],
                                        capture_output=True).returncode, 2)

    # --- files

    def test_bin(self):
        old, data = self.old(), self.bytes(9000)
        name = self.file("app@0x90001234.bin", data)
        with self.board() as board, Terminal(board.port) as t:
            said = t.sb(name)
            self.assertEqual(t.code, 0)
            self.assertIn("verified, 9000 bytes at 0x90001234, SHA-256 "
                          + hashlib.sha256(data).hexdigest(), said)
            self.assertIn("nothing was written", t.sb(name))
            self.assertIn("9000 bytes at 0x90005000", t.sb(name, line="load 0x90005000"))
            board.stop()
        new = bytearray(old)
        new[0x1234:0x1234 + 9000] = data
        new[0x5000:0x5000 + 9000] = data
        self.assertEqual(board.contents(), bytes(new))

    def test_hex_and_several_files(self):
        old, low, high, other = self.old(), self.bytes(700), self.bytes(5000), self.bytes(50)
        image = self.file("app.hex", bench.intel_hex((BASE + 0x80, low), (BASE + 0x8100, high)))
        second = self.file("b@0x9000d000.bin", other)
        with self.board("--journal") as board, Terminal(board.port) as t:
            said = t.sb(image, second)
            self.assertEqual(t.code, 0)
            self.assertIn("app.hex: verified, 5700 bytes in 2 stretches", said)
            self.assertIn("b@0x9000d000.bin: verified, 50 bytes", said)
            self.assertIn("image: complete", t.ask("info"))
            board.stop()
        new = bytearray(old)
        new[0x80:0x80 + 700], new[0x8100:0x8100 + 5000], new[0xD000:0xD000 + 50] = low, high, other
        self.assertEqual(board.contents()[:0xE000], bytes(new[:0xE000])) # behind it the journal

    def test_what_is_refused(self):
        """sb takes seconds to leave: test_ymodem.c has all the reasons."""
        old = self.old()
        cases = (("a.elf", b"\x7fELF" + bytes(100), "load", "this is an ELF file"), # at block 1
                 ("app@12x.bin", b"12", "load", "is no address"),                   # at block 0
                 ("cut.hex", b":0200000490006A\r\n", "load", "no end record"))       # at the last
        with self.board() as board, Terminal(board.port) as t:
            for name, data, line, answer in cases:
                with self.subTest(name):
                    self.assertIn(answer, t.sb(self.file(name, data), line=line))
                    self.assertNotEqual(t.code, 0)
            board.stop()
        self.assertEqual(board.contents(), old)

    def test_protected(self):
        with self.board("--journal") as board, Terminal(board.port) as t:
            name = self.file("a@0x9000d000.bin", self.bytes(3 * SECTOR))
            self.assertIn("what the board protects at 0x9000e000", t.sb(name))
            self.assertIn("image: not known", t.ask("info"))

    def test_a_transfer_that_breaks_off(self):
        data = self.bytes(40 * KB)
        name = self.file("app.bin", data)
        with self.board("--journal") as board, Terminal(board.port) as t:
            said = t.sb(name, kill_at=b"/ 8k")
            self.assertIn("the transfer broke off", said)
            self.assertIn("image: incomplete", t.ask("info"))
            self.assertIn("incomplete", t.ask("run"))
            self.assertIn("verified, 40960 bytes", t.sb(name))
            self.assertIn("image: complete", t.ask("info"))
            board.stop()
        self.assertEqual(board.contents()[:len(data)], data)

    def test_noise_changes_nothing(self):
        old = self.old()
        with self.board() as board, Terminal(board.port) as t:
            for _ in range(20):
                os.write(t.fd, self.bytes(1000))
                t.read(0.01)
            time.sleep(1.3)
            t.read(0.1)
            t.seen = ""
            self.assertIn("sectors of 4 KB", t.ask("info"))
            board.stop()
        self.assertEqual(board.contents(), old)


if __name__ == "__main__":
    unittest.main()
