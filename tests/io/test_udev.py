#!/usr/bin/env python3
"""The udev rule: the ports that the program knows and no others, and a file that udev itself
reads without complaint. Arguments: the table (io/known_usb.h) and the rule."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

TABLE, RULE = map(pathlib.Path, sys.argv[1:3])
ROOT = [] if os.geteuid() == 0 else ["--map-root-user"]
UDEVADM = shutil.which("udevadm", path="/usr/bin:/bin:/sbin:/usr/sbin")
# Reads all rules there are, ours and one that is wrong, with no change to this machine.
READ = """mount -t tmpfs none /run && mkdir -p /run/udev/rules.d && cp "$1" /run/udev/rules.d/ &&
echo 'SUBSYSTEM=="tty", NONSENSE=="1"' >/run/udev/rules.d/71-wrong.rules && udevadm test "$2" 2>&1"""


class Rule(unittest.TestCase):
    def ids(self, text, pattern):
        return sorted(re.findall(pattern, text, re.M))

    def maker_of_the_board(self):
        source = TABLE.parents[1] / "boards" / "stm32h7-dual" / "usb.c"
        return re.search(r'\.maker = "([^"]+)"', source.read_text())[1]

    def test_it_agrees_with_the_table(self):
        table = self.ids(TABLE.read_text(), r"^VF_KNOWN_USB\(0x(\w{4}), 0x(\w{4}),")
        self.assertGreaterEqual(len(table), 12)
        makers = self.ids(TABLE.read_text(), r'^VF_KNOWN_MAKER\("([^"]+)"')
        self.assertEqual(makers, [self.maker_of_the_board()])
        known = len(table) + len(makers)
        rule = RULE.read_text()
        for subsystem, attribute in (("usb", "ATTR"), ("tty", "ATTRS")):
            lines = "\n".join(l for l in rule.splitlines() if l.startswith(f'SUBSYSTEM=="{subsystem}"'))
            self.assertEqual(self.ids(lines, rf'{attribute}{{idVendor}}=="(\w+)", {attribute}{{idProduct}}=="(\w+)"'),
                             table)
            self.assertEqual(self.ids(lines, rf'{attribute}{{manufacturer}}=="([^"]+)"'), makers)
            self.assertEqual(lines.count('ENV{ID_MM_DEVICE_IGNORE}="1"'), known)
        self.assertEqual(rule.count('TAG+="uaccess"'), known)
        self.assertEqual(rule.count('GROUP="dialout", MODE="0660"'), known)
        self.assertLess(RULE.name, "73-seat-late.rules")  # where uaccess is looked at

    def test_udev_reads_it(self):
        if UDEVADM is None:
            self.skipTest("no udevadm here")
        device = next(pathlib.Path("/sys/class/tty").glob("*"), None)
        done = subprocess.run(["unshare", "--mount", *ROOT, "sh", "-c",
                               READ, "sh", RULE, device], text=True, capture_output=True, timeout=60)
        if RULE.name not in done.stdout:
            self.skipTest(f"udev cannot be asked here: {done.stdout}{done.stderr}")
        self.assertIn("71-wrong.rules:1", done.stdout)  # it does complain
        self.assertNotIn(f"{RULE.name}:", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
