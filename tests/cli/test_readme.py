#!/usr/bin/env python3
"""README.md, tried: each block of commands and each program runs as it stands there, against boards
that are simulated or emulated; commands, options, exit codes and messages it names are those that exist."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

import bench
from bench import Board, intel_hex, vcpflash
from test_remote import HOST, Ser2net

TOP = pathlib.Path(__file__).parents[2]
README = TOP / "README.md"
LIBRARY = os.environ.get("VCPFLASH_LIBRARY")
BASE = 0x90000000
DEVICE = "/dev/ttyACM0"
FOREIGN = {"--preset", "--build", "--install", "--cflags", "--libs"}  # of cmake, pkg-config


def section(title):
    return re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README.read_text(), re.M | re.S)[1]


def blocks(kind, title=None):
    return re.findall(rf"^```{kind}\n(.*?)^```$", section(title) if title else README.read_text(), re.M | re.S)


class Readme(bench.Case):
    def setUp(self):
        super().setUp()
        self.env = {**bench.clean_environment(), "XDG_STATE_HOME": str(self.folder / "state"),
                    "PATH": f"{bench.BIN}:{os.environ['PATH']}"}
        (self.folder / "build/demo").mkdir(parents=True)
        (self.folder / "build/release").symlink_to(bench.BIN)
        (self.folder / "build/firmware").symlink_to(TOP / "build/firmware")
        self.file("README.md", README.read_bytes())
        self.images = {"cm7": (BASE, self.bytes(5000)), "cm4": (BASE + 0x100000, self.bytes(3000))}
        for name, piece in self.images.items():
            for folder in ("", "build/demo/"):
                self.file(f"{folder}{name}.hex", intel_hex(piece))
        self.file("app.hex", intel_hex(self.images["cm7"]))
        self.file("app.bin", self.images["cm7"][1])
        self.file("assets.bin", self.bytes(4000))

    def shell(self, script, **env):
        """Runs it in the folder of the test; what it printed."""
        script = "set -e\ntrap 'kill $(jobs -p) 2>/dev/null && wait || true' EXIT\n" + script
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, text=True, timeout=bench.PATIENCE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              env={**self.env, **env})
        self.assertEqual(done.returncode, 0, f"seed {self.seed}\n{script}\n{done.stdout}")
        return done.stdout

    def board(self, **options):
        return Board(self.folder, **{"chip": "w25q128jv", **options})

    def assertHolds(self, *pieces):
        flash = (self.folder / "flash.bin").read_bytes()
        for at, data in pieces:
            self.assertEqual(flash[at - BASE:at - BASE + len(data)], data)

    def test_every_block_is_tried(self):
        """Those that change the machine are looked at, and run by script/test's package tests."""
        tried = {"Install": 2, "First flash": 2, "The story: two hex files, one STM32H747I-DISCO": 1,
                 "Many boards": 1, "A board in another room": 1, "With only a terminal program": 1}
        self.assertEqual({t: len(blocks("sh", t)) for t in tried}, tried)
        self.assertEqual(len(blocks("sh")), sum(tried.values()))
        self.assertEqual((len(blocks("python")), len(blocks("c"))), (1, 1))
        self.assertEqual(len(re.findall("^```", README.read_text(), re.M)), 2 * (sum(tried.values()) + 2))

    def test_install(self):
        presets = {p["name"] for p in json.loads((TOP / "CMakePresets.json").read_text())["buildPresets"]}
        for line in "".join(blocks("sh", "Install")).splitlines():
            words = line.partition("#")[0].split()
            words = words[1:] if words[0] == "sudo" else words
            if words[0].startswith("./script/"):
                self.assertTrue(os.access(TOP / words[0], os.X_OK), line)
            elif words[:2] == ["apt", "install"]:
                self.assertEqual(words[2:], ["./build/package/*.deb"])
                self.assertIn("ls build/package/*.deb", (TOP / "script/package").read_text())
            elif words[:2] == ["cmake", "--install"]:
                self.assertEqual(words[2], "build/release")
            else:
                self.assertIn(words[:-1], (["cmake", "--preset"], ["cmake", "--build", "--preset"]), line)
                self.assertIn(words[-1], presets)

    def test_first_flash_without_a_board(self):
        self.shell(blocks("sh", "First flash")[0].replace("/tmp/board", "./board") + "kill %1; wait %1")
        self.assertHolds(*self.images.values(), (BASE + 0x800000, README.read_bytes()))

    def test_first_flash_with_a_board(self):
        with self.board() as board:
            self.shell(blocks("sh", "First flash")[1].replace(DEVICE, str(board.port)), VCPFLASH_PORT=str(board.port))
        self.assertHolds(self.images["cm7"], (BASE + 0x400000, (self.folder / "assets.bin").read_bytes()))
        self.assertEqual((self.folder / "back.bin").read_bytes(), self.images["cm7"][1][:4096])

    def test_the_story(self):
        """On the emulated board, with the firmware and the two examples that were built."""
        script = blocks("sh", "The story: two hex files, one STM32H747I-DISCO")[0]
        self.assertTrue((TOP / "build/firmware/h747-disco.hex").exists())
        said = self.shell("vcpflash-sim --board stm32h747i-disco --flash flash.bin --pty ./port &\n"
                          "vcpflash --wait 60 -q info\n" + script + "kill %1; wait %1", VCPFLASH_PORT="./port")
        self.assertIn("the application was started", said)
        for name, at in (("cm7", BASE), ("cm4", BASE + 0x100000)):
            self.assertHolds((at, (TOP / f"build/firmware/{name}.bin").read_bytes()))

    def test_many_boards(self):
        other = self.folder / "other"
        other.mkdir()
        with self.board() as one, Board(other, "--seed", 2, chip="w25q128jv") as two:
            said = self.shell(blocks("sh", "Many boards")[0].replace(DEVICE, str(one.port))
                              .replace("/dev/ttyACM1", str(two.port)))
        self.assertIn("2 of 2 boards right", said)
        self.assertEqual(said.count(",app.hex,ok,0,"), 2, said)
        self.assertHolds(self.images["cm7"])

    def test_another_room(self):
        with self.board(link="uart:115200") as board, Ser2net(self.folder, board.port) as server:
            bench.wait_for(lambda: "refused" not in vcpflash("info", port=server.port()).error)
            self.shell(blocks("sh", "A board in another room")[0].replace("labpc:3333", f"{HOST}:{server.number}"))
        self.assertHolds(self.images["cm7"])

    def test_a_terminal_program(self):
        self.assertIsNotNone(shutil.which("sb"), "this test needs sb (Debian: lrzsz)")
        with self.board() as board:
            self.shell(blocks("sh", "With only a terminal program")[0].replace(DEVICE, str(board.port)))
        self.assertHolds(self.images["cm7"])

    def test_python(self):
        with self.board() as board:
            name = self.file("program.py", blocks("python")[0].replace(DEVICE, str(board.port)))
            said = self.shell(f"{sys.executable} {name}", PYTHONPATH=str(TOP / "python"), VCPFLASH_LIBRARY=LIBRARY)
        self.assertRegex(said, r"(?m)^vcpflash-sim [\d.]+$")
        self.assertHolds(*self.images.values())

    def test_c(self):
        with self.board() as board:
            name = self.file("program.c", blocks("c")[0].replace(DEVICE, str(board.port)))
            self.shell(f"cc -std=c11 -Wall -Wextra -Werror {name} -I {TOP}/include {LIBRARY} -o program && ./program",
                       LD_LIBRARY_PATH=str(pathlib.Path(LIBRARY).parent))
        self.assertHolds(*self.images.values())

    def test_it_names_what_exists(self):
        text, usage = README.read_text(), vcpflash("--help").out
        commands = set(re.findall(r"^  (\w+) ", usage, re.M))
        self.assertEqual(set(re.findall(r"^\| `(\w+)", section("Commands"), re.M)), commands)
        simulator = subprocess.run([bench.BIN / "vcpflash-sim", "--help"], capture_output=True, text=True,
                                   timeout=bench.PATIENCE).stdout
        options = set(re.findall(r"--[a-z][a-z-]+", usage + simulator))
        self.assertEqual(set(re.findall(r"--[a-z][a-z-]+", text)) - options, FOREIGN)
        codes = set(re.findall(r"^\| (\d+) \|", text, re.M))
        self.assertEqual(codes, {"0", "1", "2", "3", "4", "5", "6", "130"})

    def test_the_messages_are_the_programs_own(self):
        program = (bench.BIN / "vcpflash").read_bytes()
        rows = re.findall(r"^\| (`.*?) \|", section("What you see, why, and what to do"), re.M)
        self.assertGreater(len(rows), 20)
        for message in re.findall(r"`([^`]+)`", " ".join(rows)):
            self.assertIn(message.encode(), program)


if __name__ == "__main__":
    bench.main()
