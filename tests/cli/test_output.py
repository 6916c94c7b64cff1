#!/usr/bin/env python3
"""What is printed, word for word (golden/*.txt), and what a script gets instead."""
import json
import os
import re
import subprocess

import bench
from bench import Board, intel_hex, vcpflash

BASE = 0x90000000
KB = 1024


def table(stack, reset, size):
    """A Cortex-M vector table and something behind it."""
    return stack.to_bytes(4, "little") + reset.to_bytes(4, "little") + bytes(56) + b"code" * (size // 4 - 16)


class Golden(bench.Case):
    def normal(self, text):
        """Without what differs from run to run: folder, ids, times taken."""
        text = text.replace(str(self.folder) + "/", "")
        text = re.sub(r"(board +.*, id )[0-9a-f]+", r"\1ID", text)
        text = re.sub(r"(round trip |of payload |[0-9BM] in |compared in |about )[0-9.]+ (us|ms|s)\b(?! \(max)", r"\1TIME", text)
        # what the planner chose is its own affair; so is what the line seemed to gain
        text = re.sub(r", [0-9.]+ K?B saved on the line by compression", "", text)
        return re.sub(r"[0-9.]+ K?B (erased|written|of it kept|left as)", r"N \1", text)

    def test_info(self):
        with Board(self.folder, "--dual", "--internal", self.folder / "i.bin", "--name", "BENCH",
                   chip="w25q128jv", flash=False) as board:
            run = board.run("info")
        self.assertGolden("info.txt", self.normal(run.out))

    def test_inspect(self):
        a = self.file("cm7.hex", intel_hex((BASE, table(0x20020000, BASE + 0x201, 3000)),
                                           (BASE + 0x2000, bytes(16)), start=BASE + 0x201))
        b = self.file("cm4.hex", intel_hex((BASE + 0x100000, table(0x10048000, BASE + 0x100201, 700))))
        self.assertGolden("inspect.txt", self.normal(vcpflash("inspect", a, b).out))
        c = self.file("swapped.hex", intel_hex((BASE, table(0x10048000, BASE + 0x201, 700)),
                                               (BASE + 0x100000, table(0x20020000, BASE + 0x201, 300))))
        self.assertGolden("swapped.txt", self.normal(vcpflash("inspect", c).out))

    def test_sentences(self):
        a = self.file("a.bin", b"0123456789 and a fox" * 500)
        b = self.file("b.bin", b"0123456789 and a cat" * 500)
        said = ""
        with Board(self.folder, "--internal", self.folder / "i.bin") as board:
            for args in (("program", f"{a}@{BASE:#x}"), ("program", f"{a}@{BASE:#x}"),
                         ("program", f"{b}@{BASE + 0x80:#x}"), ("verify", f"{b}@{BASE + 0x80:#x}"),
                         ("verify", f"{a}@{BASE:#x}"), ("erase", "0x1000", "100"), ("erase", "0x1000", "100"),
                         ("erase", "--chip"), ("erase", "--chip"), ("digest", "0", "4K"), ("run",),
                         ("read", "0", "4K", self.folder / "out.bin"), ("erase", "0x08000000", "4K"),
                         ("read", "0x70000000", "1", self.folder / "out.bin")):
                run = board.run(*args)
                said += f"$ vcpflash {' '.join(map(str, args))}\n{run.out}{run.err}=> {run.code}\n"
        self.assertGolden("sentences.txt", self.normal(said))


class Plan(bench.Case):
    LINE = re.compile(r"  (erase|program) +0x([0-9a-f]{8})-0x([0-9a-f]{8})  (?:(\d+) x )?([0-9.]+) (B|KB|MB)$")
    UNIT = {"B": 1, "KB": KB, "MB": KB * KB}

    def lines(self, text, kind):
        """{address: length} of a printed plan, each line consistent in itself."""
        found = {}
        for line in text.splitlines():
            if line.startswith(f"  {kind} ") and "0x" in line:
                match = self.LINE.match(line)
                self.assertIsNotNone(match, line)
                _, first, last, times, size, unit = match.groups()
                length = int(last, 16) + 1 - int(first, 16)
                said = int(times or 1) * float(size) * self.UNIT[unit]
                self.assertLessEqual(abs(said - length), 0.05 * self.UNIT[unit] * int(times or 1), line)
                found[int(first, 16)] = length
        return found

    def covered(self, pieces):
        return {at + i for at, length in pieces for i in range(length)}

    def test_what_is_printed_is_what_a_script_gets(self):
        self.file("flash.bin", bytes(range(256)) * 128 + b"\xff" * 32 * KB)
        scattered = [(BASE + 1024 * i, b"scattered") for i in range(32, 64)]
        for pieces in ([(BASE + 500, bytes(20000)), (BASE + 0x6100, bytes(100))], scattered,
                       [(BASE + 0x8000, bytes(20000))]):
            path = self.file("a.hex", intel_hex(*pieces))
            with Board(self.folder) as board:
                short = board.run("program", "--dry-run", path)
                every = board.run("program", "--dry-run", "-v", path)
                steps = board.run("--json", "program", "--dry-run", path).result["plan"][0]["steps"]
            self.assertEnds(short, 0)
            for kind in ("erase", "program"):
                want = self.covered((int(s["address"], 16), s["length"]) for s in steps if s["do"] == kind)
                lines = self.lines(every.out, kind)
                self.assertEqual(self.covered(lines.items()), want)
                self.assertEqual(len(self.lines(short.out, kind)), min(len(lines), 16))
                self.assertEqual(bool(re.search(rf"^  {kind} +in \d+ more", short.out, re.M)),
                                 len(lines) > 16)
            self.assertIn("nothing was changed", short.err)
            self.assertRegex(short.out, r"erases .* writes .* sends .* takes about ")

    def test_neighbours_are_one_line(self):
        self.file("flash.bin", bytes(64 * KB))
        path = self.file("a.bin", self.bytes(64 * KB))
        with Board(self.folder) as board:
            run = board.run("program", "--dry-run", f"{path}@{BASE:#x}")
        self.assertEqual(self.lines(run.out, "program"), {BASE: 64 * KB})
        self.assertEqual(sum(self.lines(run.out, "erase").values()), 64 * KB)
        self.assertLess(len(run.out.splitlines()), 7, run.out)


class Json(bench.Case):
    def test_every_command(self):
        a = self.file("a.bin", self.bytes(6000))
        placed = f"{a}@{BASE + 5:#x}"
        with Board(self.folder, flash=False) as board:
            for code, *args in ((0, "info"), (1, "verify", placed), (0, "program", "--dry-run", placed),
                                (0, "program", placed), (0, "program", placed), (0, "verify", placed),
                                (0, "read", "0", "4K", self.folder / "out.bin"), (0, "digest", "0", "4K"),
                                (0, "erase", "0", "4K"), (0, "erase", "--chip"), (4, "run"),
                                (6, "read", "0", "1M", self.folder / "out.bin"),
                                (6, "program", f"{a}@0x90010000"), (5, "program", self.folder / "none.hex"),
                                (5, "read", "0", "4K", "/dev/full"), (2, "erase", "0"),
                                (0, "merge", placed, "-o", self.folder / "m.hex"), (0, "inspect", placed),
                                (5, "inspect", "/dev/null"), (0, "ports")):
                with self.subTest(args):
                    run = board.run("--json", *args)
                    self.assertEqual(run.code, code, run.err)
                    self.assertEqual(run.result["command"], args[0])
        self.assertEnds(board.run("--json", "info"), 3)
        self.assertEqual(board.run("--json", "info").result["exit"], 3)

    def test_the_figures_are_those_of_the_chip(self):
        old = self.bytes(64 * KB)
        self.file("flash.bin", old)
        a = self.file("a.bin", self.bytes(5000))
        with Board(self.folder) as board:
            plan = board.run("--json", "program", "--dry-run", f"{a}@{BASE + 100:#x}").result["plan"][0]
            done = board.run("--json", "program", f"{a}@{BASE + 100:#x}").result
        self.assertEqual((plan["sectors_dirty"], plan["keep_bytes"]), (2, 2 * 4096 - 5000))
        self.assertEqual(sum(s["length"] for s in plan["steps"] if s["do"] == "erase"), 8192)
        self.assertEqual((done["image_bytes"], done["erased_bytes"], done["kept_bytes"]),
                         (5000, 8192, 8192 - 5000))
        self.assertGreater(done["sent_bytes"], 5000)

    def test_compression_is_chosen_and_told(self):
        a = self.file("a.bin", (b"the same words again and again, number %d\n" * 1000) % tuple(range(1000)))
        size = a.stat().st_size
        with Board(self.folder) as board:
            off = board.run("--json", "program", "--compress", "off", f"{a}@{BASE:#x}").result
        with Board(self.folder) as board:
            on = board.run("--json", "program", "--compress", "on", "--full", f"{a}@{BASE:#x}")
            words = board.run("program", "--compress", "on", "--full", f"{a}@{BASE:#x}")
        self.assertEqual((off["packed_bytes"], off["saved_bytes"]), (0, 0))
        self.assertEqual(on.result["programmed_bytes"], off["programmed_bytes"])
        self.assertEqual(on.result["packed_bytes"], on.result["programmed_bytes"])
        self.assertGreater(on.result["saved_bytes"], size // 2)
        self.assertLess(on.result["sent_bytes"], off["sent_bytes"] // 2)
        self.assertIn("saved on the line by compression", words.out + words.err)


class Read(bench.Case):
    def test_a_failed_read_leaves_nothing(self):
        out = self.file("out.bin", b"what was there")
        for name in (out, self.folder / "new.bin", self.folder / "new.hex"):
            with Board(self.folder, link="uart:115200", time_mode="real", flash=False) as board:
                process = subprocess.Popen(bench.command("--json", "--wait", 0, "read", "0", "64K", name, port=board.port),
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                           env=bench.clean_environment())
                for line in process.stdout:
                    if '"read"' in line:
                        break
                board.process.kill()
                out_text, err = process.communicate(timeout=bench.PATIENCE)
                self.assertEqual(process.returncode, 3, err)
        self.assertEqual(out.read_bytes(), b"what was there")
        self.assertEqual([p.name for p in self.folder.iterdir() if not p.is_symlink()], ["out.bin"])

    def test_memory_does_not_grow_with_the_length(self):
        peak = {}
        with Board(self.folder, chip="n25q128a", flash=False) as board:
            for length in ("64K", "16M"):
                process = subprocess.Popen(bench.command("-q", "read", "0", length, "/dev/null",
                                                         port=board.port), env=bench.clean_environment())
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                self.assertEqual(process.returncode, 0)
                peak[length] = usage.ru_maxrss
        self.assertLess(peak["16M"] - peak["64K"], 4096, peak)  # KB

    def test_offsets_become_addresses_in_files_that_have_them(self):
        old = self.bytes(64 * KB)
        self.file("flash.bin", old)
        with Board(self.folder, "--internal", self.folder / "i.bin") as board:
            for ending in ("hex", "srec", "uf2"):
                name = self.folder / f"out.{ending}"
                self.assertEnds(board.run("read", "0x1000", "300", name), 0)
                segment = vcpflash("--json", "inspect", name).result["segments"][0]
                self.assertEqual((segment["address"], segment["length"]), ("0x90001000", 300))
                self.assertEnds(board.run("verify", name), 0)
            for name in ("a.out", "dump", "a.bin.old"):
                self.assertEnds(board.run("read", "0x1000", "300", self.folder / name), 0)
                self.assertEqual((self.folder / name).read_bytes(), old[0x1000:0x1000 + 300])

    def test_a_trace_has_every_frame(self):
        trace = self.folder / "trace.txt"
        with Board(self.folder, flash=False) as board:
            self.assertEnds(board.run("--trace", trace, "info"), 0)
            lines = trace.read_text().splitlines()
            for line in lines:
                _, way, length, body = line.split()
                self.assertIn(way, "<>")
                self.assertEqual(len(bytes.fromhex(body)), int(length))
            self.assertTrue(any(" > " in l for l in lines) and any(" < " in l for l in lines))
            self.assertEnds(board.run("--trace", self.folder / "no" / "t", "info"), 5, "trace")
            run = board.run("--trace", "/dev/full", "info")
            self.assertEqual(run.code, 0)
            self.assertIn("not complete", run.err)


if __name__ == "__main__":
    bench.main()
