#!/usr/bin/env python3
"""The STM32H747I-DISCO's firmware behind the command: its machine code, emulated, in the
place of a board. What it holds afterwards is read from the simulator's files.
"""
import os
import pathlib
import signal
import subprocess
import sys
import termios
import time
import tty

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "cli"))
import bench  # noqa: E402

FIRMWARE = pathlib.Path(os.environ.get("VCPFLASH_FIRMWARE", "build/firmware")).resolve()
NOR, INTERNAL = 0x90000000, 0x08000000
LINES = {"Cortex-M7: running from external flash", "Cortex-M4: running from external flash"}


class Disco:
    """`with Disco(folder) as board`: switched on, its loader in it. What was programmed
    stays in `folder` from one to the next."""

    def __init__(self, folder, loader="h747-loader"):
        self.folder, self.loader = pathlib.Path(folder), loader
        self.flash, self.internal = self.folder / "external", self.folder / "internal"
        self.port = self.folder / "port"

    def __enter__(self):
        self.process = subprocess.Popen(
            [bench.BIN / "vcpflash-sim", "--board", "stm32h747i-disco", "--pty", self.port,
             "--flash", self.flash, "--internal", self.internal, "--time", "none",
             "--firmware", FIRMWARE / f"{self.loader}.elf", "--firmware-m4", FIRMWARE / "h747-m4-stub.elf"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            raise AssertionError(f"no board: {line!r} {self.process.stderr.read()}")
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.err = self.process.communicate(timeout=bench.PATIENCE)[1]
        return self.process.returncode

    def run(self, *args, **options):
        return bench.vcpflash(*args, port=self.port, **options)

    def at(self, address, length):
        """Only meaningful once the board was stopped."""
        file, base = (self.flash, NOR) if address >= NOR else (self.internal, INTERNAL)
        with open(file, "rb") as cells:
            cells.seek(address - base)
            return cells.read(length)

    def listen(self, enough):
        """What it prints from its reset on, until `enough` says so."""
        pipe = os.open(self.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            tty.setraw(pipe)
            mode = termios.tcgetattr(pipe)
            mode[4] = mode[5] = termios.B115200
            termios.tcsetattr(pipe, termios.TCSANOW, mode)
            self.process.send_signal(signal.SIGUSR1)
            said, end = b"", time.monotonic() + bench.PATIENCE
            while not enough(said):
                if time.monotonic() > end:
                    raise AssertionError(f"only this came: {said!r}")
                try:
                    said += os.read(pipe, 4096)
                except BlockingIOError:
                    time.sleep(0.02)
            return said.decode(errors="replace")
        finally:
            os.close(pipe)


class Board(bench.Case):
    def good(self, run):
        self.assertEqual(run.code, 0, f"seed {self.seed}\n{run.out}\n{run.err}")
        return run

    def both(self, board):
        """After a reset both cores print their line."""
        said = board.listen(lambda text: text.count(b"flash\r\n") >= 2)
        self.assertEqual(set(said.split("\r\n")) - {""}, LINES)

    def images(self):
        return FIRMWARE / "cm7.hex", FIRMWARE / "cm4.hex"

    def test_both_cores(self):
        """Merged, programmed, started; and the running application gives way to a host."""
        merged = self.folder / "both.hex"
        self.good(bench.vcpflash("merge", *self.images(), "-o", merged))
        with Disco(self.folder) as board:
            self.good(board.run("program", merged))
            self.both(board)
            self.assertIn("128 MB", self.good(board.run("info")).out)
            again = self.good(board.run("--json", "program", "--run", *self.images())).result
            self.assertEqual(again["programmed_bytes"], 0)
            board.stop()
        self.assertEqual(board.at(NOR, 1024), (FIRMWARE / "cm7.bin").read_bytes()[:1024])

    def test_both_memories(self):
        """One file with code inside and assets outside; the loader's sectors are refused."""
        code, assets = self.bytes(5000), self.bytes(20000)
        inside = INTERNAL + 0x20000
        whole = self.file("whole.hex", bench.intel_hex((inside, code), (NOR + 0x4000, assets)))
        with Disco(self.folder) as board:
            self.good(board.run("program", whole))
            self.good(board.run("verify", "--verify", "full", whole))
            changed = self.file("changed.hex", bench.intel_hex((inside + 64, self.bytes(32))))
            self.good(board.run("program", changed))
            for own in (INTERNAL, INTERNAL + 0xC0000, INTERNAL + 0xE0000, INTERNAL + 0x100000):
                refused = board.run("program", self.file("own.hex", bench.intel_hex((own, code))))
                self.assertEnds(refused, 6, "protects")
            board.stop()
        self.assertEqual(board.at(NOR + 0x4000, len(assets)), assets)
        self.assertEqual(board.at(inside, 64), code[:64])
        self.assertEqual(board.at(inside + 96, len(code) - 96), code[96:])
        self.assertEqual(board.at(INTERNAL, 64), (FIRMWARE / "h747-loader.bin").read_bytes()[:64])

    def test_no_key(self):
        """A loader that was built with a key: without it, or with another, nothing but `info`."""
        name = f"{self.file('a.bin', self.bytes(5000))}@{NOR:#x}"
        out, other = self.folder / "out.bin", self.file("other.key", self.bytes(32))
        with Disco(self.folder, "h747-tried-key-loader") as board:
            self.assertIn("key       asked for", self.good(board.run("info")).out)
            for words in (["program", "--yes", name], ["verify", name], ["read", INTERNAL, 64, out],
                          ["erase", NOR, 0x20000], ["run"], ["doctor"]):
                self.assertEnds(board.run(*words), 6, "--key-file")
            self.assertEnds(board.run("--key-file", other, "program", name), 6, "another key")
            board.stop()
        self.assertEqual(board.at(NOR, 5000), b"\xff" * 5000)
        self.assertFalse(out.exists())

    def test_key(self):
        """With it all is as ever; but the sector that holds the key is shown to nobody."""
        code, assets = self.bytes(5000), self.bytes(9000)
        whole = self.file("whole.hex", bench.intel_hex((INTERNAL + 0x20000, code), (NOR, assets)))
        key = ("--key-file", FIRMWARE / "h747-tried.key")
        with Disco(self.folder, "h747-tried-key-loader") as board:
            self.assertIn("accepted", self.good(board.run(*key, "info")).out)
            self.good(board.run(*key, "program", whole))
            self.good(board.run(*key, "verify", "--verify", "full", whole))
            for own in (0xC0000, 0xE0000, 0x100000):
                self.assertEnds(board.run(*key, "erase", INTERNAL + own, 0x20000), 6, "protects")
            loader = self.file("own.hex", bench.intel_hex((INTERNAL, code)))
            self.assertEnds(board.run(*key, "program", loader), 6, "0x08000000")
            for where in (INTERNAL, INTERNAL + 0x1FFFF):
                run = board.run(*key, "read", where, 64, self.folder / "out.bin")
                self.assertNotEqual(run.code, 0, run.out)
            self.assertNotEqual(board.run(*key, "digest", INTERNAL, 64).code, 0)
            board.stop()
        self.assertEqual(board.at(NOR, len(assets)), assets)
        self.assertEqual(board.at(INTERNAL + 0x20000, len(code)), code)
        self.assertEqual(board.at(INTERNAL, 64),
                         (FIRMWARE / "h747-tried-key-loader.bin").read_bytes()[:64])


if __name__ == "__main__":
    bench.main()
