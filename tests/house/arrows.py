#!/usr/bin/env python3
"""Which room may include which: the arrows of docs/DESIGN.md, enforced.

Every #include of a room's sources and of the public headers is looked up; what
is neither allowed below nor a file of the room itself fails. Freestanding rooms
may use five standard headers and no others.
"""
import pathlib
import re
import sys

TYPES = {"status", "flash", "bus"}            # contracts without code
HOSTED_TYPES = TYPES | {"alloc", "error"}
HEADERS = {                                   # room -> its public headers
    "wire": {"wire"}, "target": {"target"}, "nor": {"nor"}, "usb": {"usb"}, "image": {"image"},
    "guest": {"guest", "serprog", "ymodem"},
    "host": {"session", "plan", "job", "doctor"}, "io": {"io"},
    "log": {"log"}, "client": {"client", "vcpflash"},
    "sim": {"sim", "sim_chip"}, "emu": {"emu"}, "cli": set(), "boards": set(),
}
ARROWS = {
    "wire": set(), "nor": set(), "usb": set(), "image": set(), "io": set(), "log": set(),
    "target": {"wire"}, "guest": {"target", "nor", "wire"}, "host": {"wire", "image"},
    "sim": {"target", "nor", "wire", "guest"},
    "emu": {"sim"},
    "client": {"host", "io", "wire", "image"}, "boards": {"target", "nor", "usb", "wire", "guest"},
    "cli": {"client", "log", "host", "image", "sim", "emu", "io", "target", "nor", "wire"},
}
FREESTANDING = {"wire", "target", "nor", "usb", "guest"}
FREESTANDING_STD = {"stdint.h", "stddef.h", "stdbool.h", "string.h", "stdatomic.h"}
SYSTEM = {"io", "cli"}                        # may use POSIX headers, and any library
LIBRARIES = {"client": {"libdeflate.h"}, "emu": {"unicorn/unicorn.h"},
             "log": {"sqlite3.h"}}
ISO_C = FREESTANDING_STD | {"stdio.h", "stdlib.h", "stdarg.h", "inttypes.h", "limits.h", "errno.h",
                            "ctype.h", "math.h", "assert.h"}
SHARED = ("common", "stm32h7-dual")        # by several boards
BOARD = "board.h"                             # of the board that such a source is built for
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def allowed(room, name):
    types = TYPES if room in FREESTANDING else HOSTED_TYPES
    rooms = ARROWS[room] | {room}
    return name in types or any(name in HEADERS[r] for r in rooms)


def faults(room, path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        kind, name = found.groups()
        if name.startswith("vcpflash/"):
            good = allowed(room, name[len("vcpflash/"):-2])
        elif kind == '"':
            folders = [path.parent] + ([path.parent.parent / shared for shared in SHARED] if room == "boards" else [])
            good = "/" not in name and (any((folder / name).exists() for folder in folders)
                                        or (room == "boards" and name == BOARD))
        elif room in FREESTANDING:
            good = name in FREESTANDING_STD
        else:
            good = room in SYSTEM or name in ISO_C or name in LIBRARIES.get(room, ())
        if not good:
            yield f"{path}:{number}: '{room}' may not include {name}"


def main(root):
    found, files = [], 0
    for room in ARROWS:
        for path in sorted((root / room).rglob("*.[ch]")):
            files += 1
            found += faults(room, path)
    for room, names in HEADERS.items():
        for name in names:
            files += 1
            found += faults(room, root / "include/vcpflash" / (name + ".h"))
    for line in found:
        print(line)
    print(f"{files} files, {len(found)} forbidden includes")
    return 1 if found or files < 20 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
