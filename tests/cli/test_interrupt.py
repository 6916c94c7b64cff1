#!/usr/bin/env python3
"""Ctrl-C in the middle of programming: what no file names is as before."""
import re
import signal
import subprocess
import time

import bench
from bench import Board

BASE = 0x90000000
SECTOR = 4096


class Interrupt(bench.Case):
    def setUp(self):
        super().setUp()
        self.old = self.bytes(64 * 1024)
        self.pieces = [(BASE + i * SECTOR + 0x3E8, self.bytes(500)) for i in range(16)]
        self.image = self.file("a.hex", bench.intel_hex(*self.pieces))

    def board(self):
        self.file("flash.bin", self.old)
        return Board(self.folder, link="uart:921600", time_mode="real")

    def cut(self, board, wait, signals):
        """Programs, and sends so many SIGINT; returns exit code and standard error."""
        process = subprocess.Popen(bench.command("--json", "program", self.image, port=board.port), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=bench.clean_environment())
        for line in process.stdout:
            if '"phase":"program"' in line:
                break
        for _ in range(signals):
            time.sleep(wait)
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=bench.PATIENCE)
        return process.returncode, err

    def neighbours(self, content, given_up=()):
        """Offsets of bytes that no file names and that are not as before."""
        named = {a - BASE + k for a, piece in self.pieces for k in range(len(piece))}
        return [i for i, byte in enumerate(content) if byte != self.old[i] and i not in named
                and not any(start <= BASE + i <= end for start, end in given_up)]

    def test_once(self):
        for wait in (0.1, 0.4, 0.8):
            with self.subTest(wait), self.board() as board:
                code, err = self.cut(board, wait, 1)
                if code != 0:
                    self.assertEqual(code, 130, err)
                    self.assertIn("interrupted; ", err)
                board.stop()
                self.assertEqual(self.neighbours(board.contents()), [], err)

    def test_twice(self):
        with self.board() as board:
            code, err = self.cut(board, 0.15, 2)
            self.assertEqual(code, 130, err)
            self.assertRegex(err, "lacks bytes that no file names, which are kept here|was put back")
            given_up = [(int(a, 16), int(b, 16)) for a, b in re.findall(r"(0x\w+)-(0x\w+)", err)]
            self.assertEnds(board.run("info"), 0)
            board.stop()
            self.assertEqual(self.neighbours(board.contents(), given_up), [], err)


if __name__ == "__main__":
    bench.main()
