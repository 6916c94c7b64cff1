"""QEMU's ast1030-evb as a process: its Cortex-M4 executes the firmware, and the chip
behind its flash controller is QEMU's own model, with a file for its cells.
"""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "cli"))
import bench  # noqa: E402

FIRMWARE = pathlib.Path(os.environ.get("VCPFLASH_FIRMWARE", "build/firmware")).resolve()
BASE = 0x80000000
MB = 1 << 20


class Qemu:
    """`with Qemu(drive, chip) as board`: powered on with the loader. Its UART is a
    TCP port, or with pty=True a pseudo-terminal (of which QEMU notices only each second
    that somebody opened it)."""

    def __init__(self, drive, chip, firmware="qemu-ast1030.elf", pty=False):
        self.drive, self.chip, self.pty = drive, chip, pty
        self.firmware = FIRMWARE / firmware

    def __enter__(self):
        serial = "pty"
        if not self.pty:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                number = probe.getsockname()[1]
            serial = f"tcp:127.0.0.1:{number},server=on,wait=off"
        command = ["qemu-system-arm", "-M", f"ast1030-evb,fmc-model={self.chip}", "-display", "none",
                   "-monitor", "none", "-serial", serial, "-kernel", str(self.firmware)]
        if self.drive:
            command += ["-drive", f"file={self.drive},format=raw,if=mtd"]
        self.process = subprocess.Popen(command, text=True, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self.pty:
            line = self.process.stdout.readline()
            found = re.search(r"redirected to (\S+)", line)
            if not found:
                raise AssertionError(f"no port: {line!r} {self.stop()}")
            self.port = found[1]
        else:
            self.port = f"tcp://127.0.0.1:{number}"
            if not bench.wait_for(lambda: self.awake(number)):
                raise AssertionError(f"no loader answers: {self.stop()}")
        return self

    def awake(self, number):
        """Return is answered. QEMU listens before it has read the drive, and on a busy
        machine that lasts longer than the host's patience."""
        try:
            with socket.create_connection(("127.0.0.1", number), timeout=1) as pipe:
                pipe.sendall(b"\r")
                return pipe.recv(1) != b""
        except OSError:
            return False

    def __exit__(self, *_):
        self.stop()

    def stop(self, how=signal.SIGTERM):
        """Ends it; what it said on standard error."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.communicate(timeout=bench.PATIENCE)[1]

    def run(self, *args, **options):
        return bench.vcpflash(*args, port=self.port, **options)


def drive(path, size):
    """A chip that somebody filled with zeros: nothing may be taken for erased, and the
    file takes no room."""
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def differences(path, size, pieces, own=0):
    """Offsets (the first of each megabyte) where the drive does not hold `pieces` on a
    ground of zeros. Its file is compared whole, but for its last `own` bytes, which are
    the board's."""
    found = []
    if os.path.getsize(path) != size:
        return [f"the file has {os.path.getsize(path)} bytes"]
    with open(path, "rb") as file:
        for start in range(0, size - own, MB):
            expected = bytearray(min(MB, size - own - start))
            for at, data in pieces:
                low, high = max(at, start), min(at + len(data), start + len(expected))
                if low < high:
                    expected[low - start:high - start] = data[low - at:high - at]
            have = file.read(len(expected))
            if have != expected:
                found.append(start + next(i for i in range(len(have)) if have[i] != expected[i]))
    return found
