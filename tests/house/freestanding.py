#!/usr/bin/env python3
"""The rooms that run on a board, compiled as for a board by every compiler here.

Checks for each: no warning, .data and .bss empty, nothing needed from outside
but the four mem functions, the compiler's own helpers and the product itself.
Prints the sizes of the code.
"""
import pathlib
import subprocess
import sys
import tempfile

ROOMS = ["wire", "target", "nor", "usb", "guest"]
WARN = "-std=c11 -Os -ffreestanding -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror".split()
ARM = ["arm-none-eabi-gcc", "-mthumb", "-ffunction-sections"]
COMPILERS = {  # name -> (command, size, nm)
    "gcc": (["gcc"], "size", "nm"),
    "clang": (["clang"], "size", "nm"),
    "cortex-m0": (ARM + ["-mcpu=cortex-m0"], "arm-none-eabi-size", "arm-none-eabi-nm"),
    "cortex-m4": (ARM + ["-mcpu=cortex-m4"], "arm-none-eabi-size", "arm-none-eabi-nm"),
    "cortex-m7": (ARM + ["-mcpu=cortex-m7"], "arm-none-eabi-size", "arm-none-eabi-nm"),
}
OUTSIDE = {"memcpy", "memmove", "memset", "memcmp", "strlen", "memchr", "_GLOBAL_OFFSET_TABLE_"}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def section_sizes(size, obj):
    totals = {"text": 0, "data": 0, "bss": 0}
    for line in run(size, "-A", str(obj)).splitlines():
        part = line.split()
        if len(part) < 2 or not part[1].isdigit():
            continue
        for kind, starts in (("text", (".text", ".rodata")), ("data", (".data", ".tdata")),
                             ("bss", (".bss", ".tbss", "COMMON"))):
            if part[0].startswith(starts) and not part[0].startswith(".data.rel.ro"):
                totals[kind] += int(part[1])
    return totals


def foreign(nm, obj):
    for line in run(nm, "-u", str(obj)).splitlines():
        name = line.split()[-1]
        if not (name in OUTSIDE or name.startswith(("vf_", "__aeabi_", "__gnu_thumb", "__stack_chk"))):
            yield name


def check(root, name, room, build):
    command, size, nm = COMPILERS[name]
    text, bad = 0, []
    for source in sorted((root / room).glob("*.c")):
        obj = build / f"{name}-{room}-{source.stem}.o"
        try:
            run(*command, *WARN, "-I", str(root / "include"), "-c", str(source), "-o", str(obj))
        except subprocess.CalledProcessError as fault:
            bad.append(f"{name}: {source.name}: {fault.stderr}")
            continue
        sizes = section_sizes(size, obj)
        text += sizes["text"]
        if sizes["data"] or sizes["bss"]:
            bad.append(f"{name}: {source.name}: .data {sizes['data']} .bss {sizes['bss']}, must be empty")
        bad += [f"{name}: {source.name}: needs {symbol}" for symbol in foreign(nm, obj)]
    return text, bad


def main(root):
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        print("bytes of code and constants at -Os" + "".join(f"{r:>9}" for r in ROOMS) + "      all")
        for name in COMPILERS:
            sizes = []
            for room in ROOMS:
                text, faults = check(root, name, room, pathlib.Path(folder))
                sizes.append(text)
                bad += faults
            print(f"{name:34}" + "".join(f"{s:9}" for s in sizes) + f"{sum(sizes):9}")
            bad += [f"{name}: {r} has no code" for r, s in zip(ROOMS, sizes) if s == 0]
    print("\n".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
