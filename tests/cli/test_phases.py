#!/usr/bin/env python3
"""Everything that can happen in the middle, in the middle of each phase."""
import itertools
import os
import select
import signal
import subprocess

import bench
from bench import Board

BASE = 0x90000000
KB = 1024


class Phases(bench.Case):
    def setUp(self):
        super().setUp()
        self.image = self.bytes(16 * KB)
        self.old = self.bytes(64 * KB)
        placed = f"{self.file('a.bin', self.image)}@{BASE + 100:#x}"
        self.program = ("program", "--verify", "full", placed)
        read = ("read", "0", "16K", self.folder / "out.bin")
        self.phases = {"compare": self.program, "keep": self.program, "program": self.program,
                       "verify": self.program, "read": read, "erase": ("erase", "0", "16K")}

    def board(self, new=True):
        if new:
            self.file("flash.bin", self.old)
            self.identity = self.random.randrange(1 << 31)
        return Board(self.folder, "--seed", self.identity, link="uart:2000000", time_mode="real")

    def until(self, board, phase, *options):
        """The command, running, with its phase begun."""
        process = subprocess.Popen(bench.command("--json", *options, *self.phases[phase], port=board.port),
                                   text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={**bench.clean_environment(), "XDG_STATE_HOME": str(self.folder)})
        for line in process.stdout:
            if f'"phase":"{phase}"' in line:
                return process
        self.fail(f"no {phase} in {self.phases[phase]}: {self.ended(process)}")

    def ended(self, process):
        _, err = process.communicate(timeout=bench.PATIENCE)
        return process.returncode, err

    def test_the_command_is_killed(self):
        for phase in self.phases:
            with self.subTest(phase), self.board() as board:
                process = self.until(board, phase)
                process.kill()
                self.ended(process)
                self.assertEnds(board.run("info"), 0)
                self.assertEnds(board.run(*self.program), 0)
                self.assertEnds(board.run("verify", self.program[-1]), 0)
                board.stop()
                self.assertEqual(board.contents()[20 * KB:], self.old[20 * KB:])

    def test_it_is_told_to_stop(self):
        for phase in self.phases:
            with self.subTest(phase), self.board() as board:
                process = self.until(board, phase)
                process.send_signal(self.random.choice((signal.SIGINT, signal.SIGTERM)))
                code, err = self.ended(process)
                if code != 0:  # it may have been done already
                    self.assertEqual((code, err.count("vcpflash: ")), (130, 1), err)
                if phase == "read":
                    self.assertNotIn("begun", err)
                self.assertEnds(board.run("info"), 0)
                self.assertEqual(list(self.folder.glob("*.tmp")), [])

    def test_the_board_goes_away(self):
        for phase in self.phases:
            with self.subTest(phase), self.board() as board:
                process = self.until(board, phase, "--wait", 0)
                board.process.kill()
                code, err = self.ended(process)
                self.assertEqual((code, err.count("\n")), (3, 1), err)
                self.assertIn(board.port, err)
                self.assertFalse((self.folder / "out.bin").exists())

    def test_the_board_restarts(self):
        for phase in self.phases:
            with self.subTest(phase), self.board() as board:
                process = self.until(board, phase)
                board.process.send_signal(signal.SIGUSR1)
                self.finishes(process, phase, board)

    def test_the_number_becomes_somebody_elses(self):
        """A pseudo-terminal's number is given away again at once: its link alone is no port that came back."""
        board = self.board()
        with board:
            number = os.readlink(board.port)
            process = self.until(board, "program", "--wait", 2)
            board.stop(signal.SIGKILL)
            strangers = []
            try:
                while not strangers or os.ttyname(strangers[-1][1]) != number:
                    self.assertLess(len(strangers), 200)
                    strangers.append(os.openpty())
                code, err = self.ended(process)
                self.assertEqual(code, 3, err)
                self.assertIn("is gone: waiting up to 2 s", err)
                heard, _, _ = select.select([strangers[-1][0]], [], [], 0)
                self.assertEqual(heard, [], "it spoke to a terminal that is no board")
            finally:
                for end in itertools.chain(*strangers):
                    os.close(end)

    def test_it_is_unplugged_and_plugged_in(self):
        """The port goes with the board, and is another one behind the same name."""
        for phase in self.phases:
            with self.subTest(phase), self.board() as board:
                process = self.until(board, phase)
                board.stop(signal.SIGKILL)
                with self.board(new=False) as again:
                    err = self.finishes(process, phase, again)
                self.assertIn("is gone: waiting", err)

    def finishes(self, process, phase, board):
        code, err = self.ended(process)
        self.assertEqual(code, 0, err)
        if phase == "read":
            self.assertEqual((self.folder / "out.bin").read_bytes(), self.old[:16 * KB])
            (self.folder / "out.bin").unlink()
            return err
        at, want = (0, b"\xff" * 16 * KB) if phase == "erase" else (100, self.image)
        board.stop()
        self.assertEqual(board.contents(), self.old[:at] + want + self.old[at + 16 * KB:])
        return err


if __name__ == "__main__":
    bench.main()
