#!/usr/bin/env python3
"""flashrom itself, as Debian ships it, at a simulated board (docs/GUESTS.md, serprog): what it
identifies, reads, writes, erases and verifies, and what the board and vcpflash make of that.
"""
import select
import shutil
import signal
import socket
import subprocess
import time
import unittest

import bench

FLASHROM = shutil.which("flashrom", path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin")
BASE, KB, MB = 0x90000000, 1 << 10, 1 << 20
PART = 0x10000, 64 * KB  # the region of the layout that most tests write


def programmer(board):
    place = board.port
    return f"serprog:ip={place[6:]}" if place.startswith("tcp://") else f"serprog:dev={place}:115200"


@unittest.skipUnless(FLASHROM, "flashrom is not installed (Debian: flashrom)")
class Flashrom(bench.Case):
    def command(self, board, chip, *args):
        return [FLASHROM, "-p", programmer(board), "-c", chip] + [str(a) for a in args]

    def flashrom(self, board, chip, *args, fails=False):
        done = subprocess.run(self.command(board, chip, *args), text=True, timeout=bench.PATIENCE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = "\n".join(l for l in done.stdout.splitlines() if "requested mapping" not in l)
        self.assertEqual(done.returncode != 0, fails, f"seed {self.seed}\n{args}\n{said}")
        return said

    def part(self, at=PART[0], size=PART[1]):
        layout = self.file("layout", f"{at:08x}:{at + size - 1:08x} part\n")
        return ["-l", layout, "-i", "part", "--noverify-all"]

    def image(self, size, data, at=PART[0]):
        return self.file("image", bytes(at) + data + bytes(size - at - len(data)))

    def wrote(self, board, size, data, at=PART[0]):
        """Ends the board; that is in its chip, and nothing else."""
        self.assertEqual(board.stop(), 0, board.err)
        self.assertEqual(board.contents(), b"\xFF" * at + data + b"\xFF" * (size - at - len(data)))

    def writes_a_part(self, part, chip, size=16 * MB):
        data = self.bytes(PART[1])
        with bench.Board(self.folder, chip=part, tcp=True) as board:
            said = self.flashrom(board, chip, *self.part(), "-w", self.image(size, data))
            self.assertIn("VERIFIED", said)
            self.wrote(board, size, data)

    def test_micron(self):
        self.writes_a_part("n25q128a", "N25Q128..3E")

    def test_issi(self):
        self.writes_a_part("is25lp128", "IS25LP128")

    def test_gigadevice(self):
        self.writes_a_part("gd25q128", "GD25Q127C/GD25Q128C")

    def test_whole_chip(self):
        """By a pseudo-terminal; flashrom knows this one by its SFDP alone."""
        size, data = 8 * MB, self.bytes(3000)
        with bench.Board(self.folder, chip="generic-sfdp") as board:
            image = self.file("image", data + b"\xFF" * (size - 2 * len(data)) + data[::-1])
            said = self.flashrom(board, "SFDP-capable chip", "-w", image)
            self.assertIn("VERIFIED", said)
            self.flashrom(board, "SFDP-capable chip", "-r", self.folder / "back")
            self.assertEqual((self.folder / "back").read_bytes(), image.read_bytes())
            self.assertEqual(board.stop(), 0, board.err)
            self.assertEqual(board.contents(), image.read_bytes())

    def test_beside_vcpflash(self):
        """Each finds what the other wrote, and the chip in order."""
        ours, theirs = self.bytes(9000), self.bytes(PART[1])
        hex_file = self.file("ours.hex", bench.intel_hex((BASE + 0x40000, ours)))
        with bench.Board(self.folder, chip="w25q128jv", tcp=True) as board:
            self.assertEnds(board.run("program", hex_file), 0)
            found = self.flashrom(board, "W25Q128.V")
            self.assertRegex(found, 'Found Winbond flash chip "W25Q128.V" \\(16384 kB, SPI\\)')
            self.flashrom(board, "W25Q128.V", *self.part(), "-w", self.image(16 * MB, theirs))
            again = board.run("--json", "program", hex_file).result
            self.assertEqual(again["programmed_bytes"], 0)
            back = self.folder / "back"
            self.assertEnds(board.run("read", hex(BASE + PART[0]), PART[1], back), 0)
            self.assertEqual(back.read_bytes(), theirs)
            self.flashrom(board, "W25Q128.V", *self.part(0x40000, 12 * KB), "-r", back)
            self.assertEqual(back.read_bytes()[0x40000:0x40000 + len(ours)], ours)
            self.flashrom(board, "W25Q128.V", *self.part(), "-E")
            self.assertEqual(board.stop(), 0, board.err)
            self.assertEqual(board.contents()[PART[0]:0x40000], b"\xFF" * 0x30000)
            self.assertEqual(board.contents()[0x40000:][:len(ours)], ours)

    def killed(self, board, how):
        """flashrom, when it has begun to erase."""
        image = self.image(16 * MB, self.bytes(MB))
        process = subprocess.Popen(self.command(board, "W25Q128.V", *self.part(size=MB), "-w", image),
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = b""
        while b"Erasing and writing" not in said:
            byte = process.stdout.read(1)
            self.assertTrue(byte, said)
            said += byte
        time.sleep(0.3)
        process.send_signal(how)
        process.communicate(timeout=bench.PATIENCE)

    def test_killed(self):
        """In the middle of a write, with the chip at work: whoever comes next finds it."""
        data = self.bytes(9000)
        hex_file = self.file("a.hex", bench.intel_hex((BASE + PART[0], data)))
        with bench.Board(self.folder, chip="w25q128jv", tcp=True, time_mode="real") as board:
            self.killed(board, signal.SIGKILL)
            self.assertEnds(board.run("program", hex_file), 0)
            self.killed(board, signal.SIGKILL)
            small = PART[0], 4 * KB
            self.flashrom(board, "W25Q128.V", *self.part(*small), "-w", self.image(16 * MB, data))
            self.assertEqual(board.stop(), 0, board.err)
            self.assertEqual(board.contents()[PART[0]:][:4 * KB], data[:4 * KB])

    def cut_off(self, board, image, after):
        """flashrom writes through a cable of ours: when so many of its bytes have passed, the board's power dies."""
        host, port = board.port[6:].rsplit(":", 1)
        with socket.create_server(("127.0.0.1", 0)) as door:
            place = f"serprog:ip=127.0.0.1:{door.getsockname()[1]}"
            process = subprocess.Popen([FLASHROM, "-p", place, "-c", "W25Q128.V", *map(str, self.part()), "-w", image],
                                       text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.addCleanup(process.kill)
            door.settimeout(bench.PATIENCE)
            client = door.accept()[0]
        passed = 0
        with client, socket.create_connection((host, int(port)), bench.PATIENCE) as far:
            while passed < after:
                for end in select.select([client, far], [], [], bench.PATIENCE)[0]:
                    data = end.recv(4096)
                    self.assertTrue(data, "flashrom or the board left before the power was cut")
                    (far if end is client else client).sendall(data)
                    passed += len(data) if end is client else 0
            self.assertEqual(board.stop(), 0, board.err)
        process.kill()  # it would wait for an answer for ever
        said = process.communicate(timeout=bench.PATIENCE)[0]
        self.assertIn("Erasing and writing", said)
        self.assertNotIn("write done", said)

    def test_power_cut(self):
        """In the middle of a write, and of what the chip was doing: the same command again makes it right, and
        vcpflash says so, of the part and of what stood around it."""
        before, data, around = self.bytes(PART[1]), self.bytes(PART[1]), self.bytes(4 * KB)
        size, end = 16 * MB, PART[0] + PART[1]
        image, what = self.image(size, data), self.file("part.bin", data)
        board = bench.Board(self.folder, "--journal", chip="w25q128jv", tcp=True, time_mode="real")
        board.flash.write_bytes(b"\xFF" * (PART[0] - len(around)) + around + before + around +
                                b"\xFF" * (size - end - len(around)))
        with board:
            self.cut_off(board, image, PART[1] // 2)
        torn = board.contents()[PART[0]:end]
        self.assertNotIn(torn, (before, data))
        self.assertEqual(torn[:4 * KB], data[:4 * KB])
        with bench.Board(self.folder, "--journal", chip="w25q128jv", tcp=True, time_mode="real") as board:
            self.assertEnds(board.run("verify", f"{what}@{BASE + PART[0]:#x}"), 1)
            self.assertRegex(board.run("info").out, r"journal +incomplete: .* program it")
            said = self.flashrom(board, "W25Q128.V", *self.part(), "-w", image)
            self.assertIn("VERIFIED", said)
            self.assertEnds(board.run("verify", f"{what}@{BASE + PART[0]:#x}"), 0)
            self.assertEqual(board.stop(), 0, board.err)
        self.assertEqual(board.contents()[PART[0] - len(around):end + len(around)], around + data + around)

    def test_journal(self):
        """The board's own range stays, and what flashrom changed does not start."""
        size, journal = 16 * MB, 8 * KB
        app = self.vectors(600)
        hex_file = self.file("app.hex", bench.intel_hex((BASE, app)))
        with bench.Board(self.folder, "--journal", chip="w25q128jv", tcp=True) as board:
            self.assertEnds(board.run("program", hex_file), 0)
            self.flashrom(board, "W25Q128.V", *self.part(), "-w", self.image(size, self.bytes(PART[1])))
            self.assertEnds(board.run("run", hex(BASE)), 6, "not complete")
            said = self.flashrom(board, "W25Q128.V", *self.part(size - journal, journal), "-E", fails=True)
            self.assertRegex(said, "(?i)fail")
            self.assertEnds(board.run("program", hex_file), 0)
            self.assertEnds(board.run("run", hex(BASE)), 0)

    def vectors(self, size):
        head = (0x20001000).to_bytes(4, "little") + (BASE + 9).to_bytes(4, "little")
        return head + self.bytes(size - 8)


if __name__ == "__main__":
    unittest.main(verbosity=2)
