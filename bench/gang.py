#!/usr/bin/env python3
"""How long many boards take at once, against one alone, and what it costs the processor.

    ./bench/gang.py [--boards 64] [--link uart:921600] [--size 1M] [--bin build/release]

Every board is a simulator process with its link paced in real time. One board is programmed
alone first, then all at once, with fresh boards; the ratio of the two times is what is to be
near one. Processor time is that of the vcpflash process alone; what the simulators took beside
it tells whether they, and not the command, filled the cores.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

BASE = 0x90000000


def arguments():
    a = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    a.add_argument("--boards", type=int, default=64)
    a.add_argument("--link", default="uart:921600")
    a.add_argument("--chip", default="w25q128jv")
    a.add_argument("--size", type=int, default=1 << 20, help="bytes of the image")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--code", action="store_true", help="an image that compresses")
    a.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release"))
    return a.parse_args()


def content(options):
    """Random bytes, or words that repeat as code does."""
    draw = random.Random(options.seed)
    if not options.code:
        return draw.randbytes(options.size)
    words = [draw.randbytes(4) for _ in range(400)]
    return b"".join(draw.choices(words, k=options.size // 4))


class Boards:
    """So many simulators, in a folder of their own."""

    def __init__(self, options, folder, count, first):
        self.ports, self.running = [], []
        for i in range(count):
            port = pathlib.Path(folder) / f"board{first + i:03d}"
            self.ports.append(str(port))
            self.running.append(subprocess.Popen(
                [options.bin / "vcpflash-sim", "--chip", options.chip, "--link", options.link, "--seed",
                 str(first + i), "--pty", port], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
        for process in self.running:
            if not process.stdout.readline().startswith("ready"):
                sys.exit("a simulated board did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.used = 0.0
        for process in self.running:
            process.kill()
        for process in self.running:
            process.stdout.close()
            _, process.returncode, used = os.wait4(process.pid, 0)
            self.used += used.ru_utime + used.ru_stime


def measure(options, folder, image, count, first):
    """Of one gang: (seconds, processor seconds of the command, of the simulators, result)."""
    with Boards(options, folder, count, first) as boards:
        process = subprocess.Popen([options.bin / "vcpflash", "--json", "gang", f"{image}@{BASE:#x}", "--ports",
                                    ",".join(boards.ports), "--log", pathlib.Path(folder) / "log.sqlite"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=dict(os.environ, XDG_STATE_HOME=str(folder)))
        lines = process.stdout.read().splitlines()
        _, status, used = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(process.stderr.read())
        result = json.loads(lines[-1])
    return result["elapsed_us"] / 1e6, used.ru_utime + used.ru_stime, boards.used, result


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder) / "image.bin"
        image.write_bytes(content(options))
        one, one_cpu, one_sim, _ = measure(options, folder, image, 1, 1)
        all_, all_cpu, all_sim, result = measure(options, folder, image, options.boards, 2)
    print(f"{options.boards} boards ({options.chip}, {options.link}), {options.size} bytes each, on {os.cpu_count()} cores")
    print(f"  one alone    {one:7.2f} s, {one_cpu:6.3f} s of processor; the simulator {one_sim:.2f} s")
    print(f"  all at once  {all_:7.2f} s, {all_cpu:6.3f} s of processor, {all_cpu / options.boards * 1e3:.1f} ms a board; "
          f"the simulators {all_sim:.2f} s")
    print(f"  ratio        {all_ / one:7.3f}; right: {result['right']} of {result['boards']}")


if __name__ == "__main__":
    main()
