#!/usr/bin/env python3
"""A serial port whose baud rate goes up by agreement, as a person meets it: a board
behind a pseudo-terminal whose speed counts, as on a real line."""
import signal
import subprocess

import bench
from bench import Board, command

BASE = 0x90000000
HOME, HIGH = 115200, 921600


class Rate(bench.Case):
    def board(self, *options, **more):
        return Board(self.folder, "--max-baud", HIGH, *options, link=f"uart:{HOME}", **more)

    def image(self, length):
        content = self.bytes(length)
        return content, f"{self.file('a.bin', content)}@{BASE:#x}"

    def assertRate(self, run, *rates):
        self.assertEnds(run, 0)
        self.assertIn(run.result["baud"], rates)

    def test_up_and_home_again(self):
        content, name = self.image(60000)
        with self.board() as board:
            # A machine that is very busy may find a lower one safer.
            self.assertRate(board.run("--json", "program", name), HIGH, HIGH // 2, HIGH // 4)
            self.assertEnds(board.run("--max-baud", "0", "info"), 0)
            self.assertRate(board.run("--json", "--max-baud", HOME, "verify", name), HOME)
            self.assertRate(board.run("--json", "--max-baud", 230400, "verify", name), 230400)
            self.assertEnds(board.run("-b", "57600", "info"), 3, "baud rate")
            self.assertIn("link: 115200 baud", board.run("-v", "--max-baud", "0", "info").err)
            board.stop()
            self.assertEqual(board.contents()[:60000], content)

    def test_a_cable_that_does_not_hold_it(self):
        content, name = self.image(20000)
        with self.board("--fault", f"badrate={HOME}", "--seed", "1") as board:
            self.assertRate(board.run("--json", "program", name), HOME)
            board.stop()
            self.assertEqual(board.contents()[:20000], content)

    def test_a_board_that_stays(self):
        _, name = self.image(5000)
        with Board(self.folder, link=f"uart:{HOME}") as board:
            self.assertRate(board.run("--json", "program", name), HOME)

    def test_over_tcp_there_is_no_rate(self):
        _, name = self.image(5000)
        with self.board(tcp=True) as board:
            run = board.run("--json", "program", name)
            self.assertEnds(run, 0)
            self.assertNotIn("baud", run.result)

    def test_a_killed_host_leaves_a_board_that_can_be_had_again(self):
        content, name = self.image(60000)
        with self.board(time_mode="real") as board:
            killed = subprocess.Popen(command("--json", "program", name, port=board.port),
                                      stdout=subprocess.PIPE, text=True,
                                      env=bench.clean_environment())
            for line in killed.stdout:
                if '"phase":"program"' in line.replace(" ", ""):
                    killed.send_signal(signal.SIGKILL)
                    break
            self.assertEqual(killed.wait(), -signal.SIGKILL)
            killed.stdout.close()
            self.assertEnds(board.run("--max-baud", "0", "info"), 0)
            self.assertEnds(board.run("program", name), 0)
            board.stop()
            self.assertEqual(board.contents()[:60000], content)

    def test_the_boards_own_options(self):
        for options, word in ((("--max-baud", "9600"), "above"), (("--max-baud", "x"), "number"),
                              (("--link", "usb-fs"), "uart")):
            done = subprocess.run([str(bench.BIN / "vcpflash-sim"), "--link", "uart:115200",
                                   "--max-baud", "921600", *options], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2)
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    bench.main()
