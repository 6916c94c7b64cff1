#!/usr/bin/env python3
"""The command line itself: options, words, streams, and what a script gets."""
import os
import subprocess

import bench
from bench import Board, intel_hex, vcpflash

BASE = 0x90000000


class Usage(bench.Case):
    WRONG = ((), ("frobnicate",), ("info", "more"), ("program",), ("erase", "1"), ("erase", "--chip", "0", "1"),
             ("merge", "x"), ("--full", "info"), ("-b", "fast", "info"), ("-b",), ("--trace",),
             ("--max-baud", "fast", "info"), ("--max-baud",),
             ("program", "--compress", "best", "x"), ("--nonsense", "info"), ("--ver",), ("-Z", "info"),
             ("--full=3", "program", "x"), ("-q", "-v", "info"), ("merge", "--fill", "256", "x", "-o", "y"),
             ("merge", "--format", "elf", "x@0", "-o", "y"), ("merge", "x@0", "-o", "-"),
             ("-p", "/nowhere", "digest", "here", "1"), ("-p", "/nowhere", "read", "0", "0", "x"),
             ("-p", "/nowhere", "read", "0", "1", "x.elf"), ("-p", "/nowhere", "run", "there"))

    def test_every_mistake_gets_one_line_and_a_result(self):
        self.file("x", b"x")
        for args in self.WRONG:
            with self.subTest(args):
                run = vcpflash("--json", *args, cwd=self.folder)
                self.assertEnds(run, 2)
                self.assertFalse(run.result["ok"])
                self.assertEqual(vcpflash(*args, cwd=self.folder).code, 2)

    def test_json_counts_wherever_it_stands(self):
        for args in (("--nonsense", "--json"), ("info", "x", "--json"), ("-b", "x", "--json", "info")):
            self.assertEqual(vcpflash(*args).result["exit"], 2)

    def test_the_environment(self):
        env = dict(bench.clean_environment(), VCPFLASH_BAUD="quick")
        self.assertEnds(vcpflash("info", env=env), 2, "VCPFLASH_BAUD", "quick")
        env = dict(bench.clean_environment(), VCPFLASH_PORT="/nowhere/at/all", VCPFLASH_BAUD="")
        self.assertEnds(vcpflash("info", env=env), 3, "/nowhere/at/all")
        self.assertEnds(vcpflash("info", env=env, port="/elsewhere"), 3, "/elsewhere")

    def test_help(self):
        run = vcpflash("--help")
        self.assertEqual(run.code, 0)
        self.assertGolden("help.txt", run.out)
        self.assertLessEqual(max(map(len, run.out.splitlines())), 90)

    def test_ports_is_never_an_error(self):
        self.assertEnds(vcpflash("ports"), 0)
        for port in vcpflash("--json", "ports").result["ports"]:
            self.assertIn("port", port)


class Streams(bench.Case):
    def test_standard_input_is_a_file(self):
        for args in (("-@0x90000000",), ("--", "-@0x90000000")):
            run = vcpflash("--json", "inspect", *args, input="some bytes")
            self.assertEqual(run.result["segments"],
                             [{"address": "0x90000000", "length": 10, "file": "standard input"}])
        self.assertEnds(vcpflash("inspect", "-", input=""), 5, "standard input", "empty")
        self.assertEnds(vcpflash("inspect", "-", input=intel_hex((BASE, b"abc"))), 0)

    def test_names_that_need_care(self):
        raw = self.file("odd @0x10 name@64K", b"abc")
        self.assertEnds(vcpflash("inspect", raw), 5, "odd @0x10 name")  # that is FILE@ADDR
        segment = vcpflash("--json", "inspect", f"{raw}@1M").result["segments"][0]
        self.assertEqual((segment["address"], segment["file"]), ("0x00100000", str(raw)))
        bad = os.fsencode(self.folder) + b"/a\xff\n\x1b[31m.bin"
        with open(bad, "wb") as f:
            f.write(b"abc")
        run = vcpflash("inspect", os.fsdecode(bad + b"@0"), text=False)
        self.assertEqual(run.out.count(b"\n"), 3)
        self.assertNotIn(b"\x1b", run.out)
        run = vcpflash("--json", "inspect", os.fsdecode(bad + b"@0"))
        self.assertIn("\ufffd\n", run.result["files"][0]["name"])

    def test_a_full_or_closed_output_is_an_error(self):
        name = self.file("a.hex", intel_hex((BASE, b"abc")))
        out = self.folder / "out.hex"
        with open("/dev/full", "w") as full:
            for args in (("inspect", name), ("--json", "inspect", name), ("--help",), ("--version",)):
                self.assertEnds(vcpflash(*args, stdout=full), 5, "standard output")
            self.assertEnds(vcpflash("merge", name, "-o", "-", "--format", "hex", stdout=full), 5)
            self.assertEnds(vcpflash("merge", name, "-o", "/dev/full", "--format", "hex"), 5, "/dev/full")
        run = vcpflash("--json", "merge", name, "-o", out, stdout=None,
                       preexec_fn=lambda: os.close(1))
        self.assertEnds(run, 5, "standard output")
        self.assertEqual(out.read_text(), name.read_text())  # no JSON in it

    def test_closed_streams_are_not_taken_for_ports(self):
        name = self.file("a.bin", self.bytes(3000))
        with Board(self.folder) as board:
            done = subprocess.run(bench.command("program", f"{name}@{BASE:#x}", port=board.port),
                                  timeout=bench.PATIENCE, env=bench.clean_environment(),
                                  preexec_fn=lambda: os.closerange(0, 3))
            self.assertEqual(done.returncode, 0)
            self.assertEnds(board.run("verify", f"{name}@{BASE:#x}"), 0)
            run = board.run("-q", "program", f"{name}@{BASE + 4:#x}")
            self.assertEqual((run.code, run.out, run.err), (0, "", ""))

    def test_long_names(self):
        deep = self.folder
        while len(str(deep)) < 700:
            deep /= "d" * 100
        deep.mkdir(parents=True)
        a = deep / "a.hex"
        a.write_text(intel_hex((BASE, self.bytes(100))))
        with Board(deep) as board:
            self.assertEnds(board.run("program", a), 0)
            self.assertEnds(board.run("verify", a), 0)
            self.assertEqual(board.run("--json", "info").result["info"]["port"], str(board.port))

    def test_merge_onto_one_of_its_inputs(self):
        one, two = self.bytes(100), self.bytes(100)
        a = self.file("a.hex", intel_hex((BASE, one)))
        b = self.file("b.bin", two)
        self.assertEnds(vcpflash("merge", a, f"{b}@{BASE + 1000:#x}", "-o", a), 0)
        segments = vcpflash("--json", "inspect", a).result["segments"]
        self.assertEqual([s["address"] for s in segments], ["0x90000000", "0x900003e8"])
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["a.hex", "b.bin"])


if __name__ == "__main__":
    bench.main()
