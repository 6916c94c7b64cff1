#!/usr/bin/env python3
"""What a person does with a board: program, verify, read, erase, digest, run."""
import hashlib
import json
import signal
import socket
import subprocess

import bench
from bench import Board, intel_hex

BASE = 0x90000000
KB = 1024


class Program(bench.Case):
    def expect(self, board, *pieces, old):
        """Stops the board and compares all of the chip with an oracle of our own."""
        want = bytearray(old)
        for address, data in pieces:
            want[address - BASE:address - BASE + len(data)] = data
        self.assertEqual(board.stop(), 0, board.err)
        self.assertEqual(board.contents(), bytes(want), f"seed {self.seed}")

    def test_two_hex_files_on_a_blank_chip(self):
        m7, m4 = self.bytes(9000), self.bytes(5000)
        a = self.file("cm7.hex", intel_hex((BASE, m7)))
        b = self.file("cm4.hex", intel_hex((BASE + 0x8000, m4)))
        with Board(self.folder) as board:
            self.assertEnds(board.run("program", a, b), 0)
            again = board.run("--json", "program", a, b)
            self.assertEnds(again, 0)
            result = json.loads(again.out.splitlines()[-1])
            self.assertEqual((result["ok"], result["programmed_bytes"], result["erased_bytes"]),
                             (True, 0, 0))
            self.assertIn("nothing to do", board.run("program", a, b).err)
            self.assertEnds(board.run("verify", a, b), 0)
            self.expect(board, (BASE, m7), (BASE + 0x8000, m4), old=b"\xff" * 64 * KB)

    def test_every_byte_beside_the_image_survives_on_a_dirty_chip(self):
        old = self.bytes(64 * KB)
        self.file("flash.bin", old)
        pieces = []
        for _ in range(12):
            at = self.random.randrange(64 * KB - 700)
            pieces.append((BASE + at, self.bytes(self.random.randrange(1, 700))))
        files = [self.file(f"{i}.bin", data).as_posix() + f"@{address:#x}"
                 for i, (address, data) in enumerate(pieces)]
        with Board(self.folder) as board:
            for one in files:  # one after the other: they may overlap
                self.assertEnds(board.run("program", one), 0)
            self.expect(board, *pieces, old=old)

    def test_discard_gives_the_neighbours_up(self):
        self.file("flash.bin", self.bytes(64 * KB))
        image = self.bytes(100)
        name = self.file("a.bin", image)
        with Board(self.folder) as board:
            self.assertEnds(board.run("program", "--discard", f"{name}@{BASE + 4096:#x}"), 0)
            board.stop()
            self.assertEqual(board.contents()[4096:8192], image + b"\xff" * 3996)

    def test_dry_run_changes_nothing(self):
        old = self.bytes(64 * KB)
        self.file("flash.bin", old)
        name = self.file("a.bin", self.bytes(5000))
        with Board(self.folder) as board:
            run = board.run("program", "--dry-run", f"{name}@0x90000000")
            self.assertEnds(run, 0)
            self.assertIn("erase", run.out)
            self.assertIn("program", run.out)
            board.stop()
            self.assertEqual(board.contents(), old)

    def test_full_and_verify_full(self):
        image = self.bytes(20000)
        name = self.file("a.bin", image)
        with Board(self.folder) as board:
            for _ in range(2):
                self.assertEnds(board.run("program", "--full", "--verify", "full", f"{name}@{BASE:#x}"), 0)
            self.assertEnds(board.run("verify", "--verify", "full", f"{name}@{BASE:#x}"), 0)
            self.expect(board, (BASE, image), old=b"\xff" * 64 * KB)

    def test_verify_says_where_what_and_how_many(self):
        image = bytearray(self.bytes(10000))
        name = self.file("a.bin", bytes(image))
        with Board(self.folder) as board:
            self.assertEnds(board.run("program", f"{name}@{BASE:#x}"), 0)
            for at in (5001, 5002, 9000):
                image[at] ^= 0x5A
            self.file("a.bin", bytes(image))
            run = board.run("--json", "verify", f"{name}@{BASE:#x}")
            self.assertEnds(run, 1, "0x90001389", f"{image[5001]:02x}", f"{image[5001] ^ 0x5A:02x}", "3")
            mismatch = json.loads(run.out.splitlines()[-1])["mismatch"]
            self.assertEqual((mismatch["address"], mismatch["count"]), ("0x90001389", 3))

    def test_read_and_digest(self):
        old = self.bytes(64 * KB)
        self.file("flash.bin", old)
        out = self.folder / "out.bin"
        with Board(self.folder) as board:
            self.assertEnds(board.run("read", "0x90000123", "7K", out), 0)
            self.assertEqual(out.read_bytes(), old[0x123:0x123 + 7 * KB])
            run = board.run("read", "0x10", "100", "-", text=False)  # an offset into the chip
            self.assertEqual(run.out, old[0x10:0x10 + 100])
            run = board.run("digest", "0x90000001", "12345")
            self.assertEqual(run.out.strip(), hashlib.sha256(old[1:12346]).hexdigest())
            hexed = self.folder / "out.hex"
            self.assertEnds(board.run("read", hex(BASE), "64K", hexed), 0)
            self.assertEnds(board.run("verify", hexed), 0)

    def test_erase_keeps_what_lies_beside(self):
        old = self.bytes(64 * KB)
        self.file("flash.bin", old)
        with Board(self.folder) as board:
            self.assertEnds(board.run("erase", "0x90001100", "0x2000"), 0)
            board.stop()
        self.assertEqual(board.contents(), old[:0x1100] + b"\xff" * 0x2000 + old[0x3100:])
        with Board(self.folder) as board:
            self.assertEnds(board.run("erase", "--chip"), 0)
            self.assertIn("nothing to do", board.run("erase", "0", "64K").err)
            board.stop()
        self.assertEqual(board.contents(), b"\xff" * 64 * KB)

    def test_two_memories_in_one_go(self):
        inside, outside = self.bytes(3000), self.bytes(3000)
        name = self.file("both.hex", intel_hex((0x08020000, inside), (BASE + 0x100, outside)))
        internal = self.folder / "internal.bin"
        with Board(self.folder, "--internal", internal) as board:
            self.assertEnds(board.run("program", name), 0)
            self.assertIn("nothing to do", board.run("program", name).err)
            self.expect(board, (BASE + 0x100, outside), old=b"\xff" * 64 * KB)
        self.assertEqual(internal.read_bytes()[0x20000:0x20000 + 3000], inside)

    def test_the_loaders_own_sector_is_refused_before_anything(self):
        self.file("flash.bin", self.bytes(64 * KB))
        old = (self.folder / "flash.bin").read_bytes()
        name = self.file("both.hex", intel_hex((0x0801FF00, self.bytes(512)), (BASE, self.bytes(512))))
        with Board(self.folder, "--internal", self.folder / "internal.bin") as board:
            self.assertEnds(board.run("program", name), 6, "0x0801ff00", "protects")
            board.stop()
        self.assertEqual(board.contents(), old)

    def test_run_needs_a_vector_table(self):
        table = (0x20020000).to_bytes(4, "little") + (BASE + 0x201).to_bytes(4, "little") + bytes(8)
        name = self.file("app.bin", table + self.bytes(2000))
        with Board(self.folder) as board:
            self.assertEnds(board.run("run"), 4, "0x90000000")
            self.assertEnds(board.run("program", "--run", f"{name}@{BASE:#x}"), 0)
            self.assertEnds(board.run("info"), 3)  # the application has the port now

    def test_internal_is_not_taken_for_an_offset(self):
        name = self.file("low.hex", intel_hex((0x100, b"ITCM code")))
        with Board(self.folder) as board:
            self.assertEnds(board.run("program", name), 6, "low.hex", "0x00000100")

    def test_every_link_and_tcp(self):
        image = self.bytes(3000)
        name = self.file("a.bin", image)
        for link in ("usb-fs", "usb-hs", "uart:921600", "ideal"):
            with self.subTest(link), Board(self.folder, link=link, flash=False) as board:
                self.assertEnds(board.run("program", f"{name}@{BASE:#x}"), 0)
        with Board(self.folder, tcp=True, flash=False) as board:
            self.assertTrue(board.port.startswith("tcp://"), board.port)
            self.assertEnds(board.run("program", f"{name}@{BASE:#x}"), 0)
            self.assertEnds(board.run("verify", f"{name}@{BASE:#x}"), 0)

    def test_small_rings_and_a_driver_that_blocks(self):
        image = self.bytes(30000)
        name = self.file("a.bin", image)
        for options in (("--ring", "4K", "--window", "1K"), ("--ring", "4K", "--window", "4K"),
                        ("--ring", "256K", "--window", "256K"), ("--ring", "4K", "--blocking")):
            with self.subTest(options), Board(self.folder, *options, flash=False) as board:
                self.assertEnds(board.run("program", f"{name}@{BASE:#x}"), 0)

    def test_a_line_that_damages_loses_doubles(self):
        old, image = self.bytes(64 * KB), self.bytes(40000)
        name = self.file("a.bin", image)
        for fault in ("corrupt=0.0001", "drop=0.0001", "dup=0.0001", "corrupt=0.001,drop=0.0005"):
            self.file("flash.bin", old)
            with self.subTest(fault), Board(self.folder, "--fault", fault, "--seed", "7") as board:
                self.assertEnds(board.run("program", f"{name}@{BASE + 77:#x}"), 0)
                self.expect(board, (BASE + 77, image), old=old)

    def test_a_cell_that_will_not_program(self):
        name = self.file("a.bin", b"\0" * 5000)
        with Board(self.folder, "--fault", "badbit=0x90000777") as board:
            self.assertEnds(board.run("program", f"{name}@{BASE:#x}"), 4, "0x90000777")

    def test_console_text_and_a_person_at_a_terminal(self):
        with Board(self.folder, tcp=True, flash=False) as board:
            host, number = board.port[len("tcp://"):].rsplit(":", 1)
            with socket.create_connection((host, int(number)), timeout=bench.PATIENCE) as s:
                s.sendall(b"\r")
                seen = b""
                while b"program" not in seen or not seen.endswith(b"> "):
                    seen += s.recv(1000)
            self.assertIn(b"vcpflash", seen)
            self.assertTrue(seen.isascii())

    def test_ctrl_c_leaves_the_board_ready(self):
        image = self.bytes(60 * KB)
        name = self.file("a.bin", image)
        with Board(self.folder, link="uart:921600", time_mode="real") as board:
            process = subprocess.Popen([str(bench.BIN / "vcpflash"), "-p", board.port, "--json", "program",
                                        f"{name}@{BASE:#x}"], text=True, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, env=bench.clean_environment())
            for line in process.stdout:
                if '"program"' in line:
                    break
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=bench.PATIENCE)
            self.assertEqual(process.returncode, 130, out + err)
            self.assertEnds(board.run("info"), 0)
            self.assertEnds(board.run("program", f"{name}@{BASE:#x}"), 0)
            self.expect(board, (BASE, image), old=b"\xff" * 64 * KB)

    def test_a_board_that_restarts_in_the_middle(self):
        image = self.bytes(60 * KB)
        name = self.file("a.bin", image)
        with Board(self.folder, link="uart:921600", time_mode="real") as board:
            process = subprocess.Popen([str(bench.BIN / "vcpflash"), "-p", board.port, "--json", "program",
                                        f"{name}@{BASE:#x}"], text=True, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, env=bench.clean_environment())
            for line in process.stdout:
                if '"program"' in line:
                    break
            board.process.send_signal(signal.SIGUSR1)
            out, err = process.communicate(timeout=bench.PATIENCE)
            self.assertEqual(process.returncode, 0, out + err)
            self.assertGreater(json.loads(out.splitlines()[-1])["attempts"], 1)
            self.expect(board, (BASE, image), old=b"\xff" * 64 * KB)

    def test_power_that_dies_in_a_bus_transaction(self):
        old, image = self.bytes(64 * KB), self.bytes(30 * KB)
        name = self.file("a.bin", image)
        self.file("flash.bin", old)
        with Board(self.folder, "--fault", "cut=200", "--seed", "3") as board:
            first = board.run("program", f"{name}@{BASE:#x}")
            if first.code != 0:  # what a person does
                self.assertEnds(board.run("program", f"{name}@{BASE:#x}"), 0)
            self.assertEnds(board.run("verify", f"{name}@{BASE:#x}"), 0)


class Chips(bench.Case):
    CHIPS = {"mt25ql512ab": 64, "n25q128a": 16, "n25q512a": 64, "mx25l51245g": 64, "w25q128jv": 16,
             "w25q256jv": 32, "is25lp256": 32, "s25fl512s": 64, "gd25q128": 16, "generic-sfdp": 8}

    def test_each_chip_programs_reads_erases(self):
        for chip, megabytes in self.CHIPS.items():
            for dual in ((), ("--dual",)):
                size = megabytes * KB * KB * (2 if dual else 1)
                with self.subTest(chip=chip, dual=bool(dual)), \
                        Board(self.folder, *dual, chip=chip, flash=False) as board:
                    end = self.bytes(777)  # up to the last byte, odd address
                    begin = self.bytes(70001)
                    a = self.file("a.bin", begin)
                    b = self.file("b.bin", end)
                    both = (f"{a}@{BASE + 1:#x}", f"{b}@{BASE + size - 777:#x}")
                    self.assertEnds(board.run("program", *both), 0)
                    out = self.folder / "out.bin"
                    self.assertEnds(board.run("read", hex(BASE + 1), "70001", out), 0)
                    self.assertEqual(out.read_bytes(), begin)
                    self.assertEnds(board.run("erase", hex(BASE + 5000), "3000"), 0)
                    self.assertEnds(board.run("read", hex(BASE), "70002", out), 0)
                    want = b"\xff" + begin[:4999] + b"\xff" * 3000 + begin[7999:]
                    self.assertEqual(out.read_bytes(), want)
                    info = json.loads(board.run("--json", "info").out.splitlines()[-1])["info"]
                    self.assertEqual(info["memories"][0]["size"], size)

    def test_an_unknown_chip_is_refused_with_its_id(self):
        run = subprocess.run([str(bench.BIN / "vcpflash-sim"), "--chip", "generic-none", "--pty",
                              str(self.folder / "port")], capture_output=True, text=True,
                             timeout=bench.PATIENCE)
        self.assertNotEqual(run.returncode, 0)
        self.assertRegex(run.stderr, r"(?i)\bid\b.*[0-9a-f]{2} ?[0-9a-f]{2} ?[0-9a-f]{2}")


if __name__ == "__main__":
    bench.main()
