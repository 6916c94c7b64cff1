#!/usr/bin/env python3
"""The loader's machine code on QEMU's Cortex-M4, against chip models that are not ours.
"""
import hashlib
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "guest"))
import qemu
from test_lrzsz import Terminal
from qemu import BASE, MB, Qemu, bench

SECTOR = 4096


class Firmware(bench.Case):
    def image(self, *pieces):
        return self.file("a.hex", bench.intel_hex(*((BASE + at, data) for at, data in pieces)))

    def good(self, run):
        self.assertEqual(run.code, 0, f"seed {self.seed}\n{run.out}\n{run.err}")
        return run

    def works(self, chip, size, pty=False):
        """Programs, verifies, reads and erases, at both ends of the chip; then the file
        of its cells is compared whole."""
        drive = qemu.drive(self.folder / "drive", size)
        low, high = self.bytes(7000), self.bytes(SECTOR)
        image = self.image((0x1100, low), (size - SECTOR, high))
        with Qemu(drive, chip, pty=pty) as board:
            self.good(board.run("program", image))
            self.good(board.run("verify", "--verify", "full", image))
            again = self.good(board.run("--json", "program", image)).result
            self.assertEqual(again["programmed_bytes"], 0)
            self.good(board.run("read", hex(BASE + 0x1000), SECTOR, self.folder / "back"))
            self.assertEqual((self.folder / "back").read_bytes(), bytes(0x100) + low[:SECTOR - 0x100])
            said = self.good(board.run("digest", hex(BASE + size - SECTOR), SECTOR)).out
            self.assertIn(hashlib.sha256(high).hexdigest(), said)
            self.good(board.run("erase", hex(BASE + 0x2000), SECTOR))
            wrong = board.run("verify", image)
            self.assertEqual(wrong.code, 1, wrong.err)
            board.stop()
        low = low[:0xF00] + b"\xFF" * SECTOR
        self.assertEqual(qemu.differences(drive, size, [(0x1100, low), (size - SECTOR, high)]), [])

    def test_mt25ql512ab(self):
        self.works("mt25ql512ab", 64 * MB)

    def test_a_terminal_sends_a_file(self):
        drive = qemu.drive(self.folder / "drive", 64 * MB)
        data = self.bytes(9000)
        name = self.file("a.bin", data)
        with Qemu(drive, "mt25ql512ab", pty=True) as board, Terminal(board.port) as t:
            while "> " not in t.seen:  # QEMU notices late that somebody has opened it
                t.type("\r")
                t.read(2)
            t.type("\r")
            while t.read(1):
                t.seen = ""
            said = t.sb(name, line=f"load {BASE + 0x1100:#x}")
            self.assertIn(f"9000 bytes at {BASE + 0x1100:#x}, SHA-256 {hashlib.sha256(data).hexdigest()}", said)
            board.stop()
        self.assertEqual(qemu.differences(drive, 64 * MB, [(0x1100, data)]), [])

    def test_n25q256a(self):
        self.works("n25q256a", 32 * MB, pty=True)

    def test_w25q256(self):
        self.works("w25q256", 32 * MB)

    def test_w25q512jv(self):
        self.works("w25q512jv", 64 * MB)

    def test_mx66l1g45g(self):
        self.works("mx66l1g45g", 128 * MB)

    def test_mx66l51235f(self):
        self.works("mx66l51235f", 64 * MB)

    def test_flashrom(self):
        """Its protocol on the loader's line, its chip QEMU's; and vcpflash right behind it."""
        size, data, ours = 16 * MB, self.bytes(2 * SECTOR), self.bytes(5000)
        drive = qemu.drive(self.folder / "drive", size)
        layout = self.file("layout", f"00010000:{0x10000 + len(data) - 1:08x} part\n")
        picture = self.file("image", bytes(0x10000) + data + bytes(size - 0x10000 - len(data)))
        image = self.image((0x40000, ours))
        with Qemu(drive, "n25q128") as board:
            said = subprocess.run(
                ["flashrom", "-p", "serprog:ip=" + board.port[len("tcp://"):], "-c", "N25Q128..3E", "-l", layout,
                 "-i", "part", "--noverify-all", "-w", picture], text=True, timeout=bench.PATIENCE,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env={**bench.os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
            self.assertEqual(said.returncode, 0, f"seed {self.seed}\n{said.stdout}")
            self.assertIn("VERIFIED", said.stdout)
            self.good(board.run("program", image))
            board.stop()
        self.assertEqual(qemu.differences(drive, size, [(0x10000, data), (0x40000, ours)]), [])

    def killed_at(self, board, image, share, host=False):
        """Kills QEMU (or the command) when so much of the programming is done; the command's
        exit code."""
        process = subprocess.Popen(bench.command("--json", "--wait", 0, "program", image, port=board.port),
                                   text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=bench.clean_environment())
        for line in process.stdout:
            event = bench.json.loads(line)
            if event.get("phase") == "program" and event["done"] >= share * event["total"]:
                break
        if host:
            process.kill()
        else:
            board.stop(signal.SIGKILL)
        process.communicate(timeout=bench.PATIENCE)
        return process.returncode

    def test_killed(self):
        """The power fails at several places; the same command completes what is left."""
        size = 32 * MB
        drive = qemu.drive(self.folder / "drive", size)
        data = self.bytes(12 * SECTOR)
        image = self.image((0x3000, data))
        for share in (0.1, 0.6):
            with Qemu(drive, "w25q256") as board:
                self.assertEqual(self.killed_at(board, image, share), 3)
            self.assertNotEqual(qemu.differences(drive, size, [(0x3000, data)]), [])
        with Qemu(drive, "w25q256") as board:
            left = self.good(board.run("--json", "program", image)).result
            self.assertLess(left["programmed_bytes"], len(data))
            board.stop()
        self.assertEqual(qemu.differences(drive, size, [(0x3000, data)]), [])

    def test_journal(self):
        """With a journal in the chip: what was cut off, by the board's end or the host's, is
        known as incomplete and is not started, until the same command has completed it."""
        size = 32 * MB
        drive = qemu.drive(self.folder / "drive", size)
        hello = (qemu.FIRMWARE / "qemu-ast1030-hello.bin").read_bytes()
        data = hello.ljust(4 * SECTOR, b"\x5A") + self.bytes(8 * SECTOR)
        image = self.image((0, data))
        firmware = "qemu-ast1030-journal.elf"
        with Qemu(drive, "n25q256a", firmware) as board:
            self.good(board.run("program", image))  # complete, so what is cut below takes that back
        data = data[:-SECTOR] + self.bytes(SECTOR) + self.bytes(8 * SECTOR)
        image = self.image((0, data))
        with Qemu(drive, "n25q256a", firmware) as board:
            self.assertEqual(self.killed_at(board, image, 0.3), 3)
        with Qemu(drive, "n25q256a", firmware) as board:
            self.assertEnds(board.run("run", hex(BASE)), 6, "not complete")
            self.assertEqual(self.killed_at(board, image, 0.3, host=True), -signal.SIGKILL)
            self.assertEnds(board.run("run", hex(BASE)), 6, "not complete")
            self.good(board.run("program", image))
            self.assertEnds(board.run("erase", hex(BASE + size - SECTOR), SECTOR), 6, "protect")
            board.stop()
        self.assertEqual(qemu.differences(drive, size, [(0, data)], own=2 * SECTOR), [])
        with Qemu(drive, "n25q256a", firmware, pty=True) as board:
            self.good(board.run("run", hex(BASE)))
            self.assertIn("hello from 0x80000000", self.listen(board.port))

    def test_application(self):
        """What is programmed at the mapped address starts, and prints; once it has left
        the loader only a reset brings that back."""
        drive = qemu.drive(self.folder / "drive", 64 * MB)
        hello = qemu.FIRMWARE / "qemu-ast1030-hello.hex"
        with Qemu(drive, "mx66l51235f", pty=True) as board:
            early = board.run("run", hex(BASE))
            self.assertEnds(early, 4, "vector table")
            self.good(board.run("program", hello))
            self.good(board.run("run", hex(BASE)))
            said = self.listen(board.port)
        self.assertRegex(said, r"hello from 0x80000000, line \d+\r\n")
        with Qemu(drive, "mx66l51235f") as board:
            self.good(board.run("verify", hello))

    def listen(self, port):
        """What the board says until its second whole line."""
        said, end = b"", time.monotonic() + bench.PATIENCE
        with open(port, "rb", buffering=0) as pipe:
            while said.count(b"line") < 2 or not said.endswith(b"\n"):
                said += pipe.read(1)
                self.assertLess(time.monotonic(), end, said)
        return said.decode(errors="replace")

    def test_complaint(self):
        """A chip that is in no table and has no SFDP: the board says so, nothing is guessed, and
        `doctor` tells link and chip apart."""
        drive = qemu.drive(self.folder / "drive", 64 * 1024)
        with Qemu(drive, "sst25wf512") as board:
            run = board.run("info")
            self.assertEqual(run.code, 0, run.err)
            self.assertIn("unknown flash chip", run.out)
            run = board.run("doctor")
        self.assertEnds(run, 4, "not the link", "its id reads bf 25 01", "SFDP: nothing", "nor/parts.c")

if __name__ == "__main__":
    bench.main()
