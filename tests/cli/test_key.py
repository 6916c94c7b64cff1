#!/usr/bin/env python3
"""A board with a key, and what a person meets who has it, has not, or has another one."""
import json

import bench
from bench import Board, vcpflash

BASE = 0x90000000


class Key(bench.Case):
    def setUp(self):
        super().setUp()
        self.image = self.bytes(9000)
        self.name = f"{self.file('a.bin', self.image)}@{BASE:#x}"
        self.key = self.keep("right.key", self.bytes(32).hex() + "\n")

    def keep(self, name, content, mode=0o600):
        path = self.file(name, content)
        path.chmod(mode)
        return path

    def board(self, *options, **more):
        return Board(self.folder, "--key-file", self.key, *options, **more)

    def test_without_the_key_nothing_but_info(self):
        old = self.bytes(64 * 1024)
        self.file("flash.bin", old)
        out = self.folder / "out.bin"
        with self.board() as board:
            info = board.run("info")
            self.assertEnds(info, 0)
            self.assertIn("key       asked for", info.out)
            told = board.run("--json", "info").result["info"]
            self.assertEqual((told["asks_for_key"], told["key_accepted"]), (True, False))
            for words in (["program", "--yes", self.name], ["verify", self.name],
                          ["read", BASE, 100, out], ["erase", BASE, 4096],
                          ["erase", "--chip", "--yes"], ["digest", BASE, 4096], ["run"],
                          ["doctor"]):
                self.assertEnds(board.run(*words), 6)
            self.assertEnds(board.run("verify", self.name), 6, "--key-file")
            self.assertFalse(out.exists())
            self.assertEqual(board.stop(), 0, board.err)
            self.assertEqual(board.contents(), old)

    def test_with_the_key_all_is_as_ever(self):
        out = self.folder / "out.bin"
        with self.board() as board:
            def run(*words):
                return board.run("--key-file", self.key, *words)
            self.assertIn("accepted", run("info").out)
            self.assertTrue(run("--json", "info").result["info"]["key_accepted"])
            self.assertEnds(run("program", "--compress", "on", self.name), 0)
            self.assertEnds(run("verify", "--verify", "full", self.name), 0)
            self.assertEnds(run("read", BASE, len(self.image), out), 0)
            self.assertEqual(out.read_bytes(), self.image)
            self.assertEnds(run("erase", BASE + 4096, 4096), 0)
            self.assertEnds(run("verify", self.name), 1)

    def test_over_a_bad_line_with_small_buffers_and_a_journal(self):
        with self.board("--window", 1024, "--ring", 2048, "--journal", "--seed", 7, "--fault",
                        "corrupt=0.0005,drop=0.0005,dup=0.0005") as board:
            self.assertEnds(board.run("--key-file", self.key, "program", self.name), 0)
            self.assertEnds(board.run("--key-file", self.key, "verify", self.name), 0)

    def test_another_key(self):
        raw = self.keep("other.key", self.bytes(32))
        with self.board() as board:
            self.assertEnds(board.run("--key-file", raw, "program", "--yes", self.name), 6,
                            "another key")
            again = board.run("--key-file", self.key, "program", "--yes", self.name)
            self.assertEnds(again, 0)  # it waits for the second that the board makes it wait
            self.assertIn("wrong key before", again.err)

    def test_from_the_environment(self):
        env = bench.clean_environment() | {"VCPFLASH_KEY_FILE": str(self.key)}
        raw = self.keep("other.key", self.bytes(32))
        with self.board() as board:
            self.assertEnds(board.run("digest", BASE, 4096, env=env), 0)
            self.assertEnds(board.run("--key-file", raw, "digest", BASE, 4096, env=env), 6)

    def test_a_board_without_a_key_does_not_mind(self):
        with Board(self.folder) as board:
            self.assertEnds(board.run("--key-file", self.key, "program", self.name), 0)
            self.assertNotIn("key", board.run("--key-file", self.key, "info").out)

    def test_files_that_are_no_key(self):
        for content, words in ((b"", "is empty"), (b"12ab\n", "4 hexadecimal digits"),
                               ("ab" * 33, "66 hexadecimal digits"), ("ab" * 16, "32 hexadecimal"),
                               ("xy" * 32, "64 bytes, not all of them digits"),
                               (bytes(31), "31 bytes"), ("ab " * 32, "96 bytes"),
                               (b"\xff" * 32, "no secret"), ("00" * 32, "no secret"),
                               (bytes(5000), "larger")):
            bad = self.keep("bad.key", content)
            run = vcpflash("--key-file", bad, "info", port="/nowhere")
            self.assertEnds(run, 5, "bad.key", words)
        self.assertEnds(vcpflash("--key-file", self.folder / "none", "info", port="/nowhere"), 5,
                        "no such file")

    def test_a_key_that_all_can_read(self):
        shown = self.keep("shown.key", self.key.read_bytes().strip() + b" \r\n", 0o644)
        with self.board() as board:
            run = board.run("--key-file", shown, "info")
            self.assertEnds(run, 0)
            self.assertIn("everybody", run.err)
            self.assertNotIn("everybody", board.run("--key-file", self.key, "info").err)

    def test_protected_ranges_are_refused_before_anything_is_erased(self):
        old = self.bytes(64 * 1024)
        self.file("flash.bin", old)
        for options in ([], ["--key-file", self.key]):
            with Board(self.folder, "--journal", *options) as board:
                info = board.run("--json", *options, "info").result["info"]
                where = int(info["memories"][0]["protected"][0]["address"], 16)
                run = board.run("--json", *options, "program", "--yes", self.name,
                                f"{self.file('b.bin', b'x' * 8)}@{where - 4:#x}")
                self.assertEqual((run.code, run.result["ok"]), (6, False), run.out)
                self.assertEnds(board.run(*options, "erase", where, 4096), 6)
                self.assertEqual(board.stop(), 0, board.err)
                self.assertEqual(board.contents()[:where - BASE], old[:where - BASE])


if __name__ == "__main__":
    bench.main()
