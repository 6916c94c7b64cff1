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

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.flash, self.internal = self.folder / "external", self.folder / "internal"
        self.port = self.folder / "port"

    def __enter__(self):
        self.process = subprocess.Popen(
            [bench.BIN / "vcpflash-sim", "--board", "stm32h747i-disco", "--pty", self.port,
             "--flash", self.flash, "--internal", self.internal, "--time", "none",
             "--firmware", FIRMWARE / "h747-loader.elf", "--firmware-m4", FIRMWARE / "h747-m4-stub.elf"],
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


if __name__ == "__main__":
    bench.main()
