"""The real-time part: programs side by side on the same simulated chip and
link, each with the board it was made for, in one run. What is on the chip in
the end is compared with what should be, whatever the program said.
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

import reference
import workload

HERE = pathlib.Path(__file__).resolve().parent
CHIP = "mt25ql512ab-dual"
STATES = ("blank", "dirty", "run", "scattered", "same")
TOOLS = ("vcpflash", "block by block (model)", "naive script")
PATIENCE = 300


class Board:
    """A board as a process, from its ready line to its end."""

    def __init__(self, command, port):
        self.command, self.port = [str(c) for c in command], port

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.PIPE)
        if not self.process.stdout.readline().startswith("ready "):
            raise SystemExit(f"{self.command[0]}: {self.process.stderr.read()}")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        if self.process.returncode != 0:
            raise SystemExit(f"{self.command[0]}: {self.process.stderr.read()}")


class RealTime:
    chip = CHIP

    def __init__(self, bench):
        self.bench = bench
        self.flash, self.port = bench.folder / "chip.bin", bench.folder / "port"

    def commands(self, tool, link, image):
        """(board, program) as command lines."""
        binaries = self.bench.binaries
        naive = [binaries / "bench-naive-board", "--dual", "--flash", self.flash,
                 "--pty", self.port, "--link", link]
        if tool == TOOLS[0]:
            return ([binaries / "vcpflash-sim", "--chip", "mt25ql512ab", "--dual", "--seed", "1",
                     "--flash", self.flash, "--pty", self.port, "--link", link],
                    [binaries / "vcpflash", "-q", "-p", self.port, "program",
                     f"{image}@0x90000000"])
        if tool == TOOLS[1]:
            return naive + ["--blocks"], [sys.executable, HERE / "stop_and_wait.py", self.port,
                                          image]
        return naive, [sys.executable, HERE / "naive.py", self.port, image]

    def run(self, tool, size, state, link="usb-fs"):
        load, image, _ = self.bench.workload(size, "firmware", state)
        chip = reference.CHIPS[self.chip]
        before = load.flash.ljust(chip.size, b"\xff")
        self.flash.write_bytes(before)
        board, program = self.commands(tool, link, image)
        env = {k: v for k, v in os.environ.items() if not k.startswith("VCPFLASH_")}
        with Board(board, self.port):
            started = time.monotonic()
            done = subprocess.run([str(p) for p in program], capture_output=True, text=True,
                                  env=env, timeout=PATIENCE, check=False)
            seconds = time.monotonic() - started
            if tool == TOOLS[2]:
                time.sleep(1)  # the board may have some left to write
        held = self.flash.read_bytes()
        wrong = wrong_bytes(held, load.image + before[len(load.image):])
        ref = reference.Reference(chip, load.image, load.flash, packer=self.bench.packer)
        t_star = ref.time(reference.link(link).rate).t_star / 1e6
        return {"tool": tool, "size": size, "state": state, "link": link, "seconds": seconds,
                "t_star": t_star, "ratio": seconds / t_star, "exit": done.returncode,
                "wrong_bytes": wrong, "image_bytes": len(load.image),
                "said": (done.stdout + done.stderr).strip().splitlines()[-1:]}

    def run_all(self, size, say, link="usb-fs"):
        rows = []
        for state in STATES:
            for tool in TOOLS:
                rows.append(self.run(tool, size, state, link))
                say(rows[-1])
        self.flash.unlink(missing_ok=True)
        return rows


def wrong_bytes(held, want):
    """How many bytes differ."""
    if held == want:
        return 0
    step = workload.MB
    return sum(a != b for at in range(0, len(want), step)
               if held[at:at + step] != want[at:at + step]
               for a, b in zip(held[at:at + step], want[at:at + step]))
