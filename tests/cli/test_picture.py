#!/usr/bin/env python3
"""The pictures of README.md: they are what the programs print today, and where they are
not it is noticed."""
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import bench

TOP = pathlib.Path(__file__).parents[2]
PICTURES = TOP / "docs/picture"


class Picture(bench.Case):
    def check(self, *names, folder=TOP / "docs"):
        done = subprocess.run([sys.executable, "-B", PICTURES / "picture.py", "--check", "--folder", folder, *names],
                              capture_output=True, text=True, timeout=2 * bench.PATIENCE,
                              env={**os.environ, "VCPFLASH_BIN": str(bench.BIN)})
        return done.returncode, done.stderr

    def test_they_are_up_to_date(self):
        self.assertEqual(self.check(), (0, ""))

    def test_what_is_not_is_noticed(self):
        text = (TOP / "docs/session.svg").read_text()
        for was, now, said in ((r"nothing to do", "nothing done", "it shows"),  # another wording
                               (r"(?<=desc>)\$ vcpflash info", "$ vcpflash list", "does not show it")):
            changed, count = re.subn(was, now, text)
            self.assertGreater(count, 0, was)
            self.file("session.svg", changed)
            code, complaint = self.check("session", folder=self.folder)
            self.assertEqual(code, 1)
            self.assertIn(said, complaint)

    def test_without_motion_it_shows_the_end(self):
        """What a viewer without animations shows, row by row, is the whole transcript."""
        for path in (TOP / "docs/session.svg", TOP / "docs/gang.svg"):
            root = ElementTree.fromstring(path.read_text())
            still = [g for g in root.findall("{*}g") if "gone" not in g.get("class")]
            rows = [t.get("y") + " " + t.get("x") for g in still for t in g]
            self.assertEqual(len(rows), len(set(rows)), "two texts at one place")
            shown = "".join("".join(g.itertext()) for g in still)
            for line in root.find("{*}desc").text.splitlines():
                for word in line.split():
                    self.assertIn(word[:20], shown)

    def test_the_screen(self):
        sys.path.insert(0, str(PICTURES))
        sys.dont_write_bytecode = True
        import terminal
        screen = terminal.Screen(8)
        screen.write("ab\r\x1b[Kc\r\n0123456789\r\nx\r\ny\r\n\x1b[2A\rz\x1b[31mred\x1b[0m\x1b[J")
        self.assertEqual(screen.lines(), ["c", "0123456789", "zred"])
        self.assertEqual([colour for _, colour in screen.shown()[-1]], ["", "red", "red", "red"])
        for strange in ("\x1b[5;5H", "\x1b]0;title", "\x07"):
            self.assertRaises(ValueError, screen.write, strange)


if __name__ == "__main__":
    bench.main()
