#!/usr/bin/env python3
"""README.md, tried: the session without a board is typed as it stands there, and
the commands, options and exit codes it names are those that exist."""
import pathlib
import re
import subprocess

import bench
from bench import intel_hex, vcpflash

README = pathlib.Path(__file__).parents[2] / "README.md"
BASE = 0x90000000


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README.read_text(), re.M | re.S)[1]


class Readme(bench.Case):
    def session(self):
        """The lines behind "    $ " as a script that waits for the board."""
        lines = re.findall(r"^    \$ (.*)$", section("Try it without a board"), re.M)
        self.assertGreaterEqual(len(lines), 6)
        script = ["set -e", "trap 'kill $! && wait $!' EXIT"]
        for line in lines:
            script.append(line.replace("/tmp/board", "./board"))
            if line.endswith("&"):
                script.append("until [ -e board ]; do kill -0 $! && sleep 0.05; done")
        return "\n".join(script)

    def test_the_session_without_a_board(self):
        (self.folder / "build").mkdir()
        (self.folder / "build" / "release").symlink_to(bench.BIN)
        (self.folder / "build" / "demo").mkdir()
        (self.folder / "README.md").write_bytes(README.read_bytes())
        images = {"cm7": (BASE, self.bytes(5000)), "cm4": (BASE + 0x100000, self.bytes(3000))}
        for name, piece in images.items():
            self.file(f"build/demo/{name}.hex", intel_hex(piece))
        done = subprocess.run(["bash", "-c", self.session()], cwd=self.folder, capture_output=True,
                              text=True, timeout=bench.PATIENCE, env=bench.clean_environment())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("ready ./board", done.stdout)
        flash = (self.folder / "flash.bin").read_bytes()
        for at, data in [*images.values(), (BASE + 0x800000, README.read_bytes())]:
            self.assertEqual(flash[at - BASE:at - BASE + len(data)], data)
        self.assertEqual((self.folder / "back.bin").read_bytes(), README.read_bytes()[:100])

    def test_it_names_what_exists(self):
        text, usage = README.read_text(), vcpflash("--help").out
        commands = set(re.findall(r"^  (\w+) ", usage, re.M))
        self.assertEqual(set(re.findall(r"^\| `(\w+)", section("Commands"), re.M)), commands)
        options = set(re.findall(r"--[a-z][a-z-]+", usage))
        known = subprocess.run([bench.BIN / "vcpflash-sim", "--help"], capture_output=True, text=True,
                               timeout=bench.PATIENCE).stdout
        known += (README.parent / "script/package").read_text()
        for option in set(re.findall(r"(?<!cmake )--[a-z][a-z-]+", text)) - {"--preset", "--build"}:
            self.assertIn(option, options | set(re.findall(r"--[a-z][a-z-]+", known)))
        codes = set(re.findall(r"^\| (\d+) \|", text, re.M))
        self.assertEqual(codes, {"0", "1", "2", "3", "4", "5", "6", "130"})

    def test_its_links_lead_somewhere(self):
        for target in re.findall(r"\]\(([^)#]+)", README.read_text()):
            self.assertTrue((README.parent / target).exists(), target)


if __name__ == "__main__":
    bench.main()
