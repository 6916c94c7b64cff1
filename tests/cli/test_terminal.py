#!/usr/bin/env python3
"""What a person at a terminal sees: one progress line that stays one line,
questions, and Ctrl-C."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios

import bench
from bench import Board, intel_hex

BASE = 0x90000000


class Screen:
    """As much of a terminal as the command may use: CR, LF, erase to the end."""

    def __init__(self, text, columns):
        self.lines, self.wrapped, at = [""], 0, 0
        for token in re.findall(r"\x1b\[K|[^\x1b]|\x1b", text):
            if token == "\x1b[K":
                self.lines[-1] = self.lines[-1][:at]
            elif token == "\r":
                at = 0
            elif token == "\n":
                self.lines.append("")
                at = 0
            elif token == "\x1b":
                raise AssertionError(f"an unknown escape sequence in {text!r}")
            else:
                self.wrapped += at >= columns
                line = self.lines[-1].ljust(at)
                self.lines[-1] = line[:at] + token + line[at + 1:]
                at += 1


class Terminal(bench.Case):
    def at_terminal(self, *args, columns=80, port=None, answer=None, stop_at=None, term="xterm"):
        """Runs the command on a terminal; (exit code, all it printed). `answer` is
        typed at a question; Ctrl-C is typed when `stop_at` has been printed."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        process = subprocess.Popen(bench.command(*args, port=port), stdin=slave, stdout=slave, stderr=slave,
                                   env=dict(bench.clean_environment(), TERM=term),
                                   preexec_fn=own_terminal)
        os.close(slave)
        seen = ""
        while True:
            try:
                chunk = os.read(master, 4096).decode()
            except OSError:  # the other end is closed
                break
            seen += chunk
            if answer is not None and "[y/N]" in seen:
                os.write(master, answer.encode())
                answer = None
            if stop_at is not None and stop_at in seen:
                os.write(master, b"\x03")
                stop_at = None
        os.close(master)
        return process.wait(timeout=bench.PATIENCE), seen

    def test_the_progress_line_stays_one_line(self):
        image = self.bytes(40000)
        name = self.file("a.bin", image)
        for columns in (132, 80, 60, 30, 8):
            with self.subTest(columns), Board(self.folder, link="uart:921600", time_mode="real",
                                              flash=False) as board:
                code, seen = self.at_terminal("program", f"{name}@{BASE:#x}", columns=columns,
                                              port=board.port)
                self.assertEqual(code, 0, seen)
                drawn = re.findall(r"\r((?:compare|program|verify)[^\r\n\x1b]*)\x1b\[K", seen)
                self.assertGreater(len(drawn), 2, seen)
                self.assertLess(max(map(len, drawn)), columns)
                if columns >= 80:
                    self.assertTrue(any(re.search(r"\[#+ *\] +\d+ %  .* of .*/s  \d+ s left", d)
                                        for d in drawn), drawn)
                    self.assertEqual(len({d.index("%") for d in drawn if "%" in d}), 1, drawn)
                before_last = seen[:seen.rindex("programmed ")]
                self.assertEqual(Screen(before_last, columns).lines, [""])
                self.assertEqual(Screen(before_last, columns).wrapped, 0)

    def test_no_progress_where_nobody_looks(self):
        name = self.file("a.bin", self.bytes(3000))
        with Board(self.folder) as board:
            quiet = board.run("program", f"{name}@{BASE:#x}")
            self.assertEqual(len(quiet.err.splitlines()), 1, quiet.err)
            self.assertNotIn("\r", quiet.err)
            for args, term in ((("-q",), "xterm"), ((), "dumb")):
                code, seen = self.at_terminal(*args, "program", "--full", f"{name}@{BASE:#x}",
                                              port=board.port, term=term)
                self.assertEqual(code, 0, seen)
                self.assertNotIn("\x1b", seen)

    def test_a_warning_asks_first(self):
        stray = (0x20020000).to_bytes(4, "little") + (0x08000201).to_bytes(4, "little")
        name = self.file("a.hex", intel_hex((BASE, stray + bytes(504))))
        with Board(self.folder) as board:
            for answer in ("n\n", "\n", "\x04"):
                code, seen = self.at_terminal("program", name, port=board.port, answer=answer)
                self.assertEqual(code, 130, seen)
                self.assertIn("warning: ", seen)
                self.assertIn("nothing was changed", seen)
            code, seen = self.at_terminal("program", name, port=board.port, answer="\x03")
            self.assertIn(code, (130, -signal.SIGINT), seen)
            self.assertEnds(board.run("verify", name), 1)
            code, seen = self.at_terminal("program", "--dry-run", name, port=board.port)
            self.assertEqual(code, 0, seen)
            self.assertNotIn("[y/N]", seen)
            code, seen = self.at_terminal("program", name, port=board.port, answer="y\n")
            self.assertEqual(code, 0, seen)
            code, seen = self.at_terminal("program", "--yes", "--full", name, port=board.port)
            self.assertEqual(code, 0, seen)
            self.assertNotIn("[y/N]", seen)
            self.assertEnds(board.run("verify", name), 0)

    def test_erasing_the_chip_asks_first(self):
        self.file("flash.bin", bytes(64 * 1024))
        with Board(self.folder) as board:
            code, seen = self.at_terminal("erase", "--chip", port=board.port, answer="no\n")
            self.assertEqual(code, 130, seen)
            code, seen = self.at_terminal("erase", "--chip", "--yes", port=board.port)
            self.assertEqual(code, 0, seen)
            board.stop()
        self.assertEqual(board.contents(), b"\xff" * 64 * 1024)

    def test_ctrl_c_at_the_terminal(self):
        name = self.file("a.bin", self.bytes(60000))
        with Board(self.folder, link="uart:115200", time_mode="real", flash=False) as board:
            code, seen = self.at_terminal("program", f"{name}@{BASE:#x}", port=board.port,
                                          stop_at="program ")
            self.assertEqual(code, 130, seen)
            lines = [line for line in Screen(seen, 80).lines if line]
            self.assertEqual(len(lines), 1, seen)
            self.assertRegex(lines[0], r"vcpflash: interrupted")
            self.assertEnds(board.run("info"), 0)


if __name__ == "__main__":
    bench.main()
