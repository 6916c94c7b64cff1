#!/usr/bin/env python3
"""`doctor`: each simulated fault gets the right culprit, and the chip is as before."""
import subprocess
import time

import bench
from bench import Board

BASE = 0x90000000
SIZE = 64 * 1024


class Doctor(bench.Case):
    def setUp(self):
        super().setUp()
        self.old = self.bytes(SIZE)
        self.file("flash.bin", self.old)
        self.env = {**bench.clean_environment(), "XDG_STATE_HOME": str(self.folder / "state")}

    def ask(self, *options, args=(), **more):
        def once():
            with Board(self.folder, "--seed", self.random.randrange(1 << 30), *options, **more) as board:
                run = board.run("--json", "doctor", *args, env=self.env)
                board.stop()
                self.contents = board.contents()
            return run
        return once() if any("stall" in str(o) for o in options) else self.calm(once)

    @staticmethod
    def calm(ask):
        """What is said while the machine itself does not hold the port up: a busy one may."""
        for _ in range(20):
            run = ask()
            if "it pauses for" not in run.err:
                break
        return run

    def blames(self, run, code, culprit, *words):
        self.assertEnds(run, code, *words)
        self.assertEqual(run.result["culprit"], culprit, run.result["verdict"])
        for word in words:
            self.assertIn(word, run.result["verdict"])

    def kept(self):
        folder = self.folder / "state" / "vcpflash" / "kept"
        return list(folder.glob("*")) if folder.exists() else []

    def test_healthy(self):
        for options in ([], ["--dual"], ["--blocking"]):
            with self.subTest(options):
                if options == ["--dual"]:
                    self.file("flash.bin", self.bytes(2 * SIZE))
                before = (self.folder / "flash.bin").read_bytes()
                run = self.ask(*options)
                self.blames(run, 0, "none")
                self.assertIn("fine", run.result["verdict"])
                self.assertGreater(run.result["link"]["rate"], 0)
                self.assertEqual(run.result["link"]["echoes"][-1]["bytes"], 4096)
                self.assertEqual(self.contents, before)
                self.assertEqual(self.kept(), [])
                self.file("flash.bin", self.old)

    def test_protected(self):
        run = self.ask("--fault", "chip=protected")
        self.blames(run, 4, "chip", "write-protected", "block-protect bits", "status register 1")
        self.assertEqual(self.contents, self.old)
        condition = run.result["info"]["memories"][0]["condition"]
        self.assertNotEqual(condition["protect_bits"], 0)
        self.assertEqual(condition["protect_bits"] & ~condition["protect_mask"], 0)

    def test_no_chip(self):
        """The link works, the chip does not answer: that is told apart, with what was read."""
        for how, byte in (("absent", "ff"), ("shorted", "00")):
            with self.subTest(how), Board(self.folder, "--fault", "chip=" + how) as board:
                run = board.run("--json", "doctor", env=self.env)
                self.blames(run, 4, "chip", "not the link", " ".join([byte] * 6),
                            "no chip answers", "chip-select")
                self.assertEqual(run.result["stage"], "probe")
                self.assertEqual(run.result["link"]["echoes"][-1]["bytes"], 4096)
                self.assertEqual([e["lost"] for e in run.result["link"]["echoes"]], [0] * 6)
                condition = run.result["info"]["memories"][0]["condition"]
                self.assertEqual(condition["probe"], "absent")
                said = board.run("info", env=self.env).out
                self.assertIn("no chip answers", said)
                self.assertNotRegex(said, r"(?m)\?|\(max 0|, $")  # nothing is made up about it
                image = self.file("a.bin", self.bytes(100))
                for address in (BASE, BASE + 0x800000):
                    run = board.run("program", f"{image}@{address:#x}", env=self.env)
                    self.assertEnds(run, 4, " ".join([byte] * 3), "no chip answers")
                self.assertEnds(board.run("erase", "--chip", env=self.env), 4, "no chip answers")
                board.stop()
                self.assertEqual(board.contents(), self.old)

    def test_found(self):
        """The mode that the last program left the chip in, and what the chip is known by."""
        (self.folder / "flash.bin").unlink()
        for how, mode in (("asleep", ["asleep"]), ("continuous", ["continuous"]),
                          ("qpi", ["qpi"])):
            with self.subTest(how), Board(self.folder, "--fault", "chip=" + how,
                                          chip="is25lp128") as board:
                run = board.run("--json", "info", env=self.env)
                condition = run.result["info"]["memories"][0]["condition"]
                self.assertEqual(condition["found"], mode)
                self.assertEqual((condition["sfdp"], condition["table"]), (True, True))
                self.assertEqual(condition["protect_bits"], 0)
                self.assertEqual(condition["quad"], "on")
                run = board.run("-v", "info", env=self.env)
                self.assertIn("quad enable enabled", run.out)
                self.assertIn("block-protect bits 00", run.out)
                self.assertNotIn("quad", board.run("info", env=self.env).out)

    def test_words(self):
        with Board(self.folder) as board:
            run = self.calm(lambda: board.run("doctor", env=self.env))
            self.assertEqual(run.code, 0, run.err)
            self.assertIn("link: 16 echoes of 4096 bytes, 0 lost", run.out)
            self.assertRegex(run.out, "back-pressure: 131[0-9]{3} bytes at once, .* 65536: 0 lost")
            self.assertIn("link and chip are fine", run.out.splitlines()[-1])

    def test_link(self):
        for fault in ("corrupt=0.0001", "drop=0.0001"):
            with self.subTest(fault):
                run = self.ask("--fault", fault)
                self.blames(run, 3, "link", "the link is at fault")
                link = run.result["link"]
                self.assertGreater(link["damaged_there"] + link["damaged_here"], 0)
                self.assertEqual(self.contents, self.old)

    def test_back_pressure(self):
        """More than the board's ring holds, at once."""
        for options in ([], ["--ring", 2048], ["--blocking"]):
            with self.subTest(options):
                run = self.ask(*options)
                self.blames(run, 0, "none")
                held = run.result["link"]["back_pressure"]
                self.assertTrue(held["tested"])
                self.assertGreaterEqual(held["bytes"], 2 * held["ring"])
                self.assertEqual(held["lost_bytes"], 0)
        for _ in range(8):  # a machine that is busy may not manage to send faster than the board takes
            run = self.ask("--ring", 2048, "--fault", "link=overrun")
            if run.code != 0:
                break
        self.blames(run, 3, "board", "has no room for", "vf_target_rx_space")
        self.assertGreater(run.result["link"]["back_pressure"]["lost_bytes"], 0)
        self.assertEqual(self.contents, self.old)

    def test_no_back_pressure(self):
        """A UART has nothing that could hold back, and that is said."""
        run = self.ask("--max-baud", 1000000, link="uart:115200")
        self.blames(run, 0, "none")
        held = run.result["link"]["back_pressure"]
        self.assertEqual((held["tested"], "UART" in held["why_not"]), (False, True))

    def test_pauses(self):
        run = self.ask("--fault", "stall=0.00001:700")
        self.blames(run, 3, "link", "the link is at fault")

    def test_bad_cell(self):
        # Only clear bits tell that a cell does not program: what it held must be put back too.
        for _ in range(2):
            address = BASE + SIZE - 1 - self.random.randrange(4096)
            run = self.ask("--fault", f"badbit={address:#x}")
            self.blames(run, 4, "chip", "not the link", "ones where zeros should be")
            self.assertEqual(run.result["mismatch"]["address"], f"{address:#010x}")
            self.assertEqual(run.result["mismatch"]["direction"], "ones")
            self.file("flash.bin", self.old)

    def test_nobody(self):
        run = bench.vcpflash("--json", "doctor", port=self.folder / "nothing", env=self.env)
        self.blames(run, 3, "link", "the link is at fault")

    def test_whole_chip(self):
        run = self.ask(args=["--whole-chip"])
        self.assertEnds(run, 2, "--yes")
        self.assertEqual(self.contents, self.old)
        run = self.ask(args=["--whole-chip", "--yes"])
        self.blames(run, 0, "none")
        self.assertEqual(run.result["tested_bytes"], SIZE)
        self.assertEqual(self.contents, b"\xff" * SIZE)

    def test_journal(self):
        with Board(self.folder, "--seed", 5, "--journal") as board:
            image = self.file("a.bin", self.bytes(5000))
            self.assertEnds(board.run("program", f"{image}@{BASE:#x}", env=self.env), 0)
            before = board.run("--json", "info", env=self.env).result["info"]["journal"]
            self.assertEqual(before["set"], "complete")
            self.assertEnds(self.calm(lambda: board.run("doctor", env=self.env)), 0)
            self.assertEqual(board.run("--json", "info", env=self.env).result["info"]["journal"], before)

    def test_killed(self):
        """What the test sector held is put back by the next command that changes anything."""
        for options in ([], ["--journal"]):
            with self.subTest(options), Board(self.folder, "--seed", 6, *options, link="uart:921600",
                                              time_mode="real") as board:
                process = subprocess.Popen(bench.command("--json", "doctor", port=board.port), text=True,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env)
                for line in process.stdout:
                    if '"phase":"program"' in line:
                        break
                time.sleep(self.random.random() * 0.1)
                process.kill()
                process.communicate(timeout=bench.PATIENCE)
                self.assertNotEqual(self.kept(), [])
                other = self.file("other.bin", self.bytes(10))
                run = board.run("program", f"{other}@{BASE:#x}", env=self.env)
                self.assertEnds(run, 0)
                self.assertEqual(self.kept(), [], run.err)
                if options:
                    info = board.run("--json", "info", env=self.env).result["info"]["journal"]
                    self.assertEqual([r["address"] for r in info["ranges"]], [f"{BASE:#010x}"])
                    self.assertEqual(info["set"], "complete")
                board.stop()
                end = SIZE - 8192 if options else SIZE
                self.assertEqual(board.contents()[10:end], self.old[10:end])
            self.file("flash.bin", self.old)


if __name__ == "__main__":
    bench.main()
