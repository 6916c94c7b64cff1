#!/usr/bin/env python3
"""kill -9, a pulled cable and a full disk while `program` works on a chip that holds
what no file names: the same command again makes the image right and the rest as it
was, and never writes over something newer."""
import os
import signal
import subprocess
import time

import bench
from bench import Board

BASE = 0x90000000
SECTOR = 4096
PIECES = 14
LEN = PIECES * SECTOR  # the rest of the chip may be the journal's


class Keep(bench.Case):
    options = []
    newer = "holds something newer"

    def setUp(self):
        super().setUp()
        self.old = self.bytes(64 * 1024)
        self.pieces = [(BASE + i * SECTOR + 0x3E8, self.bytes(500)) for i in range(PIECES)]
        self.pieces[5] = (BASE + 5 * SECTOR, self.bytes(SECTOR))  # nothing to preserve there
        self.image = self.file("a.hex", bench.intel_hex(*self.pieces))
        self.want = bytearray(self.old[:LEN])
        for address, piece in self.pieces:
            self.want[address - BASE:address - BASE + len(piece)] = piece
        self.env = self.home("state")

    def home(self, name):
        return {**bench.clean_environment(), "XDG_STATE_HOME": str(self.folder / name)}

    def kept(self, name="state"):
        folder = self.folder / name / "vcpflash" / "kept"
        return sorted(p.name for p in folder.glob("*")) if folder.exists() else []

    def board(self, **more):
        """The same board each time: its id comes from the seed."""
        if not (self.folder / "flash.bin").exists():
            self.file("flash.bin", self.old)
        return Board(self.folder, "--seed", 77, *self.options,
                     **{"link": "uart:921600", "time_mode": "real", **more})

    def begin(self, board):
        process = subprocess.Popen(bench.command("--json", "--wait", 0, "program", self.image, port=board.port),
                                   text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env)
        for line in process.stdout:
            if '"phase":"program"' in line:
                break
        return process

    def kill(self, board, wait):
        process = self.begin(board)
        time.sleep(wait)
        process.kill()
        process.communicate(timeout=bench.PATIENCE)

    def again(self, board, env=None):
        run = board.run("program", self.image, env=env or self.env)
        self.assertEnds(run, 0)
        return run

    def check(self, board, want=None):
        board.stop()
        want = want or self.want
        wrong = [hex(i) for i, byte in enumerate(board.contents()[:LEN]) if byte != want[i]]
        self.assertEqual(wrong[:4], [], f"{len(wrong)} bytes, seed {self.seed}")

    def test_kill(self):
        for _ in range(4):
            with self.board() as board:
                for _ in range(self.random.randrange(1, 3)):
                    self.kill(board, self.random.random() * 0.8)
                self.again(board)
                self.assertEqual(self.kept(), [])
                self.check(board)
            (self.folder / "flash.bin").unlink()

    def test_the_flash_file_is_the_board(self):
        """Started anew without a seed it is the same board, and another file is another."""
        def identity(board):
            return board.run("--json", "info", env=self.env).result["info"]["id"]

        self.file("flash.bin", self.old)
        with Board(self.folder, *self.options, link="uart:921600", time_mode="real") as board:
            name = identity(board)
            self.kill(board, 0.35)
            self.assertNotEqual(self.kept(), [])
        with Board(self.folder, *self.options, link="ideal", time_mode="none") as board:
            self.assertEqual(identity(board), name)
            self.assertIn("putting them back", self.again(board).err)
            self.check(board)
        other = self.folder / "other"
        other.mkdir()
        with Board(other, *self.options) as board:
            self.assertNotEqual(identity(board), name)

    def test_pulled(self):
        """The board's end of the link goes, and with it its power."""
        for _ in range(3):
            with self.board() as board:
                process = self.begin(board)
                time.sleep(self.random.random() * 0.5)
                board.stop()
                _, err = process.communicate(timeout=bench.PATIENCE)
                self.assertIn(process.returncode, (0, 3), err)
            with self.board(link="ideal", time_mode="none") as board:
                self.again(board)
                self.check(board)
            (self.folder / "flash.bin").unlink()

    def test_another_image_puts_back(self):
        other = self.file("other.bin", self.bytes(300))
        at = 0x8800
        with self.board() as board:
            self.kill(board, 0.35)
            self.assertNotEqual(self.kept(), [])
            run = board.run("program", f"{other}@{BASE + at:#x}", env=self.env)
            self.assertEnds(run, 0)
            self.assertEqual(self.kept(), [])
            self.again(board)
            want = bytearray(self.want)
            want[at:at + 300] = other.read_bytes()
            self.check(board, want)

    def test_newer_stays(self):
        """Another computer programs the whole range in between."""
        newer = self.bytes(LEN)
        with self.board() as board:
            self.kill(board, 0.35)
            self.assertNotEqual(self.kept(), [])
            run = board.run("program", f"{self.file('newer.bin', newer)}@{BASE:#x}", env=self.home("elsewhere"))
            self.assertEnds(run, 0)
            run = self.again(board)
            self.assertIn(self.newer, run.err)
            self.said = run.err
            self.assertEqual([name for name in self.kept() if not name.endswith(".old")], [])
            want = bytearray(newer)
            for address, piece in self.pieces:
                want[address - BASE:address - BASE + len(piece)] = piece
            self.check(board, want)

    def test_nothing_set_aside_is_lost(self):
        """Three times somebody else is quicker: three files, each named to the person."""
        folder = self.folder / "state" / "vcpflash" / "kept"
        said, held = "", []
        with self.board(link="ideal", time_mode="none") as board:
            name = board.run("--json", "info", env=self.env).result["info"]["id"]
            folder.mkdir(parents=True)
            for _ in range(3):
                held.append(self.bytes(100))  # no file of this form: to be set aside
                (folder / name).write_bytes(held[-1])
                image = self.file("newer.bin", self.bytes(100))
                run = board.run("program", f"{image}@{BASE:#x}", env=self.env)
                self.assertEnds(run, 0)
                said += run.err
        files = [folder / (name + end) for end in (".old", ".2.old", ".3.old")]
        self.assertEqual([f.read_bytes() for f in files], held)
        self.assertEqual(sorted(folder.iterdir()), sorted(files))
        for f in files:
            self.assertIn(f"set aside in {f};", said)

    def test_no_place(self):
        blocked = self.file("blocked", b"")
        env = {**bench.clean_environment(), "XDG_STATE_HOME": str(blocked)}
        with self.board(link="ideal", time_mode="none") as board:
            run = board.run("program", self.image, env=env)
            self.assertEnds(run, 5, str(blocked), "--discard", "XDG_STATE_HOME")
            env.pop("XDG_STATE_HOME")
            env.pop("HOME", None)
            run = board.run("program", self.image, env=env)
            self.assertEnds(run, 5, "HOME", "--discard")
            self.check(board, self.old[:LEN])

    def test_full_disk(self):
        full = "/dev/full"
        if not os.path.exists(full):
            self.skipTest("no /dev/full")
        with self.board(link="ideal", time_mode="none") as board:
            # Where the file is written first stands a device that takes nothing.
            info = board.run("--json", "info", env=self.env)
            name = info.result["info"]["id"] + ".tmp"
            folder = self.folder / "state" / "vcpflash" / "kept"
            folder.mkdir(parents=True)
            (folder / name).symlink_to(full)
            run = board.run("program", self.image, env=self.env)
            self.assertEnds(run, 5, "cannot be kept", "No space left")
            self.check(board, self.old[:LEN])

    def test_nobody_else_reads_it(self):
        with self.board() as board:
            self.kill(board, 0.35)
            folder = self.folder / "state" / "vcpflash" / "kept"
            modes = [p.stat().st_mode & 0o777 for p in folder.iterdir()]
            self.assertEqual(modes, [0o600])
            self.assertEqual(folder.stat().st_mode & 0o777, 0o700)


class KeepWithJournal(Keep):
    """The same, and the board remembers what is not complete."""
    options = ["--journal"]
    newer = "the flash was changed by somebody else since"

    def test_newer_stays(self):
        """And the person learns what was lost, and in which file it still is."""
        super().test_newer_stays()
        aside = list((self.folder).rglob("*.old"))
        self.assertEqual(len(aside), 1)
        self.assertIn(f"kept/{aside[0].name}", self.said)
        self.assertRegex(self.said, r"0x9[0-9a-f]{7}-0x9[0-9a-f]{7}")

    def test_told_on_another_computer(self):
        """Which has no file: bytes may be lost, and exit 0 alone would not say so."""
        words = "left nothing on this computer"
        with self.board() as board:
            self.kill(board, 0.35)
            self.assertNotEqual(self.kept(), [])
            run = board.run("--json", "program", self.image, env=self.home("elsewhere"))
            self.assertEnds(run, 0)
            self.assertRegex(run.out, '"note".*interrupted run was at work at 0x9[0-9a-f]{7}-0x9[0-9a-f]{7}.*' + words)
        (self.folder / "flash.bin").unlink()
        with self.board() as board:
            self.kill(board, 0.35)
            self.assertNotIn(words, self.again(board).err)

    def test_nothing_half_written_starts(self):
        with self.board() as board:
            self.kill(board, 0.35)
            self.assertEnds(board.run("run", env=self.env), 6, "not complete", "program it again")
            info = board.run("--json", "info", env=self.env).result["info"]["journal"]
            self.assertEqual(info["set"], "incomplete")
            self.assertEqual([r["state"] for r in info["ranges"]], ["open"])
            self.assertIn("incomplete: a run was interrupted", board.run("info", env=self.env).out)
            # Another file does not make it complete, and is told so; nothing starts after it.
            other = self.file("other.hex", bench.intel_hex((BASE + 0x2000, self.bytes(100))))
            run = board.run("program", other, env=self.env)
            self.assertEnds(run, 0)
            self.assertIn("nothing starts until that is programmed or erased", run.err)
            table = [0x20020000, BASE + 0x1C1] + [BASE + 0x1C1] * 14
            vectors = self.file("app.hex", bench.intel_hex(
                (BASE, b"".join(v.to_bytes(4, "little") for v in table) + bytes(0x200 - 64))))
            self.assertEnds(board.run("program", "--run", "--yes", vectors, env=self.env), 6,
                            "incomplete", "nothing was changed")
            self.assertEnds(board.run("run", env=self.env), 6, "not complete")
            self.again(board)
            info = board.run("--json", "info", env=self.env).result["info"]["journal"]
            self.assertEqual(info["set"], "complete")

    def test_erase_ends_it_too(self):
        with self.board() as board:
            self.kill(board, 0.35)
            self.assertEnds(board.run("erase", f"{BASE:#x}", LEN, env=self.env), 0)
            info = board.run("--json", "info", env=self.env).result["info"]["journal"]
            self.assertEqual(info, {"set": "none", "ranges": []})

    def test_chip(self):
        with self.board(link="ideal", time_mode="none") as board:
            self.assertEnds(board.run("program", self.image, env=self.env), 0)
            self.assertEnds(board.run("erase", "--chip", "--yes", env=self.env), 0)
            info = board.run("--json", "info", env=self.env).result["info"]["journal"]
            self.assertEqual(info, {"set": "none", "ranges": []})


if __name__ == "__main__":
    bench.main()
