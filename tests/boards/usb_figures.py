#!/usr/bin/env python3
"""What the boards' own virtual COM ports cost, and what they carry: the table "Figures" of
docs/USB.md, from the loaders' maps and from their run on the emulator.

    usb_figures.py PAGE FIRMWARE TEST            fails where a figure got worse by more than 2 %
    usb_figures.py PAGE FIRMWARE TEST --write    writes the page anew

TEST is test_boards_h7_usb. 77: published with another compiler than this machine has.
"""
import pathlib
import re
import subprocess
import sys

LOADERS = ("h745-loader", "h747-loader")
PARTS = {"usb/": "usb-", "boards/common/otg.c": "boards-common-otg.c",
         "boards/common/lines.c": "boards-common-lines.c"}
SPEED = "bytes a second into the ring"
LEEWAY = 1.02  # the rest of a loader, which others work on, has a share in some


def part_size(text, prefix):
    """Bytes of code and constants in the image."""
    found = re.findall(rf"^ \.(?:text|rodata)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+) \S+\({prefix}\S*\)$",
                       text, re.M)
    return sum(int(size, 16) for size in found)


def code(firmware):
    rows = {name: [] for name in PARTS} | {"ITCM taken, of 65536": []}
    for loader in LOADERS:
        text = (firmware / f"{loader}.map").read_text()
        text = text[text.index("Linker script and memory map"):]
        for name, prefix in PARTS.items():
            rows[name].append(part_size(text, prefix))
        itcm = re.search(r"^\.itcm\s+0x[0-9a-f]+\s+0x([0-9a-f]+)", text, re.M)
        rows["ITCM taken, of 65536"].append(int(itcm.group(1), 16))
    return rows


def carried(firmware, test):
    done = subprocess.run([test, firmware, "figures"], capture_output=True, text=True)
    found = re.findall(r"^(?:full|high) speed: (\d+) bytes a second into the ring; (\d+) instructions a "
                       r"packet in handlers", done.stdout, re.M)
    if done.returncode != 0 or len(found) != len(LOADERS):
        sys.exit(f"{test}: no figures\n{done.stdout}{done.stderr}")
    names = (SPEED, "instructions a packet, in the interrupt")
    return dict(zip(names, zip(*found)))


def table(rows):
    lines = ["| | STM32H745I-DISCO, full speed | STM32H747I-DISCO, high speed |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {' | '.join(map(str, row))} |" for name, row in rows.items()]
    return "\n".join(lines) + "\n"


def worse(published, rows):
    for name, row in rows.items():
        line = re.search(rf"^\| {re.escape(name)} \| (\d+) \| (\d+) \|$", published, re.M)
        if not line:
            yield f"{name}: not published"
            continue
        for new, old in zip(map(int, row), map(int, line.groups())):
            if (old > new * LEEWAY) if name == SPEED else (new > old * LEEWAY):
                yield f"{name}: {new}, published {old}"


def main(page, firmware, test, mode=""):
    page = pathlib.Path(page)
    text = page.read_text()
    compiler = subprocess.run(["arm-none-eabi-gcc", "--version"], capture_output=True, text=True,
                              check=True).stdout.splitlines()[0]
    begin = text.index("## Figures\n")
    begin = text.index("| |", begin)
    end = text.index("\n\n", begin) + 1
    if mode != "--write" and f"    {compiler}\n" not in text:
        print("published with another compiler: nothing to compare")
        return 77
    rows = code(pathlib.Path(firmware)) | carried(firmware, test)
    if mode == "--write":
        text = text[:begin] + table(rows) + text[end:]
        page.write_text(re.sub(r"^    arm-none-eabi-gcc \(.*$", f"    {compiler}", text, flags=re.M))
        return 0
    bad = list(worse(text, rows))
    if bad:
        print(*bad, "if that is wanted: run tests/boards/usb_figures.py … --write and commit docs/USB.md",
              sep="\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
