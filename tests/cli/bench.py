"""A test bench: simulated boards as processes, and the command run against them.

Used by the test files beside it. Nothing here knows how the product works
inside; it types what a person would type and looks at what came out.
"""
import atexit
import functools
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ.get("VCPFLASH_BIN", "build/release")).resolve()
SEED = int(os.environ.get("VCPFLASH_SEED", "20260101"))
PATIENCE = 300  # seconds after which a command that hangs is a failure


class Run:
    """What a command printed, and how it ended."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def result(self):
        """The result object of --json, after a look at all that was printed: every
        line is an object with an event, only the last is the result, and it says
        how the command ended."""
        lines = [json.loads(line) for line in self.out.splitlines()]
        kinds = [line["event"] for line in lines]
        last = lines[-1] if lines else {}
        if kinds.count("result") != 1 or kinds[-1] != "result":
            raise AssertionError(f"no result at the end of {kinds}")
        if (last["ok"], last["exit"]) != (self.code == 0, self.code):
            raise AssertionError(f"exit {self.code}, but {last}")
        if not last["ok"] and f"vcpflash: {last['error']}" != self.error:
            raise AssertionError(f"two stories: {last['error']!r}, {self.error!r}")
        return last

    @property
    def error(self):
        """The one line that bad input gets."""
        lines = [l for l in self.err.splitlines() if l.startswith("vcpflash: ")]
        return lines[-1] if lines else ""


@functools.cache
def state_folder():
    """What is kept for boards, of this program alone: another's boards may have the same ids."""
    folder = tempfile.mkdtemp(prefix="vcpflash-state-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def clean_environment():
    env = {k: v for k, v in os.environ.items() if not k.startswith("VCPFLASH_")}
    env["XDG_STATE_HOME"] = state_folder()
    return env


def command(*args, port=None):
    return [str(BIN / "vcpflash")] + (["-p", str(port)] if port else []) + [str(a) for a in args]


def vcpflash(*args, port=None, text=True, stdin=subprocess.DEVNULL, env=None, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    if "input" not in options:
        options["stdin"] = stdin
    return Run(subprocess.run(command(*args, port=port), text=text, timeout=PATIENCE,
                              env=env or clean_environment(), **options))


class Board:
    """A vcpflash-sim process: `with Board(folder, "--chip", …) as b`."""

    def __init__(self, folder, *options, chip="tiny64k", time_mode="none", link="ideal", flash=True,
                 tcp=False):
        self.folder = pathlib.Path(folder)
        self.flash = self.folder / "flash.bin"
        self.port = f"127.0.0.1:0" if tcp else self.folder / "port"
        self.options = ["--chip", chip, "--link", link, "--time", time_mode]
        self.options += ["--flash", str(self.flash)] if flash else []
        self.options += ["--tcp", self.port] if tcp else ["--pty", str(self.port)]
        self.options += [str(o) for o in options]

    def __enter__(self):
        self.process = subprocess.Popen([str(BIN / "vcpflash-sim")] + self.options, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            raise AssertionError(f"no board: {line!r} {self.process.stderr.read()}")
        self.port = line.split(None, 1)[1].strip()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, how=signal.SIGTERM):
        """Ends the board and keeps what it said on standard error."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        _, self.err = self.process.communicate(timeout=PATIENCE)
        self.code = self.process.returncode
        return self.code

    def run(self, *args, **options):
        return vcpflash(*args, port=self.port, **options)

    def contents(self):
        """The flash file; only meaningful once the board was stopped."""
        return self.flash.read_bytes()


class Case(unittest.TestCase):
    """A test with a folder of its own and a seeded generator."""

    def setUp(self):
        self.seed = f"{SEED}:{self.id()}"
        self.random = random.Random(self.seed)
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def bytes(self, count):
        return self.random.randbytes(count)

    def assertGolden(self, name, text):
        """`text` is what golden/NAME holds; VCPFLASH_GOLDEN=write accepts a change."""
        path = pathlib.Path(__file__).parent / "golden" / name
        if os.environ.get("VCPFLASH_GOLDEN") == "write":
            path.write_text(text)
        self.assertEqual(text, path.read_text(), f"{path} (VCPFLASH_GOLDEN=write accepts it)")

    def assertEnds(self, run, code, *words):
        """Exit code, and one line on standard error that has all the words."""
        self.assertEqual(run.code, code, f"seed {self.seed}\n{run.out}\n{run.err}")
        for word in words:
            self.assertIn(word, run.error, f"seed {self.seed}")
        if code not in (0, 1):
            self.assertEqual(len([l for l in run.err.splitlines() if l.startswith("vcpflash: ")]), 1,
                             run.err)


def hex_line(address, kind, data):
    record = bytes([len(data), address >> 8 & 255, address & 255, kind]) + bytes(data)
    return ":" + record.hex().upper() + f"{-sum(record) & 255:02X}\n"


def intel_hex(*pieces, start=None, eof=True):
    """Intel HEX text of (address, bytes) pieces, made here and not by the product."""
    lines, high = [], None
    for address, data in pieces:
        for at in range(0, len(data), 16):
            here = address + at
            if here >> 16 != high:
                high = here >> 16
                lines.append(hex_line(0, 4, [high >> 8, high & 255]))
            part = data[at:at + 16]
            room = 0x10000 - (here & 0xFFFF)
            lines.append(hex_line(here & 0xFFFF, 0, part[:room]))
            if len(part) > room:
                high += 1
                lines.append(hex_line(0, 4, [high >> 8, high & 255]))
                lines.append(hex_line(0, 0, part[room:]))
    if start is not None:
        lines.append(hex_line(0, 5, start.to_bytes(4, "big")))
    return "".join(lines) + (":00000001FF\n" if eof else "")


def wait_for(condition, seconds=PATIENCE):
    """Polls until `condition()` is true; the bound only ends a hang."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def main():
    print(f"seed {SEED}", file=sys.stderr)
    unittest.main(verbosity=1)
