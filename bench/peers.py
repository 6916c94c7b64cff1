"""Real programs beside vcpflash, in real time: flashrom by serprog, and lrzsz's sb by YMODEM,
each at the same simulated board, chip and link, with the same image, in one run. What is on
the chip in the end is compared with what should be, whatever the program said.
"""
import shutil
import subprocess
import sys

import real_time
import reference

CHIP, FLASHROM_CHIP, BASE = "w25q128jv", "W25Q128.V", 0x90000000
LINKS, STATES = ("usb-fs", "uart:921600"), ("blank", "dirty", "same")
FLASHROM, YMODEM = "flashrom, serprog", "lrzsz sb, YMODEM"
TOOLS = ("vcpflash", FLASHROM, YMODEM)
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class Peers(real_time.RealTime):
    chip = CHIP

    def commands(self, tool, link, image):
        binaries = self.bench.binaries
        board = [binaries / "vcpflash-sim", "--chip", CHIP, "--seed", "1", "--flash", self.flash,
                 "--pty", self.port, "--link", link]
        return board, self.program(tool, image)

    def program(self, tool, image):
        if tool == FLASHROM:
            return self.flashrom(image)
        if tool == YMODEM:
            return [sys.executable, real_time.HERE / "send_ymodem.py", self.port, hex(BASE), image]
        return [self.bench.binaries / "vcpflash", "-q", "-p", self.port, "program",
                f"{image}@{BASE:#x}"]

    def flashrom(self, image):
        """Only the image's region is read, written and verified, as vcpflash does."""
        data = image.read_bytes()
        whole, layout = self.bench.folder / "whole.bin", self.bench.folder / "layout"
        whole.write_bytes(data.ljust(reference.CHIPS[CHIP].size, b"\xff"))
        end = (len(data) + 0xFFF) // 0x1000 * 0x1000 - 1
        layout.write_text(f"00000000:{end:08x} image\n")
        return [shutil.which("flashrom", path=PATH), "-p", f"serprog:dev={self.port}:115200",
                "-c", FLASHROM_CHIP, "-l", layout, "-i", "image", "--noverify-all", "-w", whole]

    def run_all(self, size, say, link=None):
        rows = []
        for link in LINKS:
            for state in STATES:
                for tool in TOOLS:
                    rows.append(self.run(tool, size, state, link))
                    say(rows[-1])
        self.flash.unlink(missing_ok=True)
        return rows


def versions():
    """Of the packages that the peers come from; SystemExit where one is missing. Debian's
    flashrom does not know its own."""
    for name in ("flashrom", "sb"):
        if shutil.which(name, path=PATH) is None:
            raise SystemExit(f"{name} is not there (Debian: flashrom, lrzsz)")
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", "flashrom", "lrzsz"],
                          capture_output=True, text=True, check=False)
    return done.stdout.splitlines()
