#!/usr/bin/env python3
"""What the rooms that run on a board cost: docs/FIGURES.md.

    figures.py ROOT            prints the page
    figures.py ROOT --write    puts it into docs/FIGURES.md
    figures.py ROOT --check    fails where something grew beyond what is published

Code from the linker's map of a board that uses all doors (board.c), stack from
the compiler's call graph (calls.py), instructions by emulation (counts.py).
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

import calls
import counts

ROOMS = ("target", "wire", "nor")
CPUS = {"cortex-m0": "M0", "cortex-m4": "M4", "cortex-m7": "M7"}
FLAGS = ("-std=c11 -mthumb -Os -ffreestanding -ffunction-sections -fdata-sections "
         "-fcallgraph-info=su").split()
# What a board may leave out, with the switch of board.c that names it.
FEATURES = {
    "DEFLATED": "BOARD_UNPACK",
    "RUN": "BOARD_RUN",
    "baud rate": "BOARD_RATE",
    "flipped bits": "BOARD_MEND",
    "text": "BOARD_TEXT",
    "journal": "BOARD_JOURNAL",
    "key": "BOARD_KEY",
    "condition of the chip": "BOARD_CONDITION",
    "check of the configuration": "BOARD_CHECK",
    "SFDP": "BOARD_SFDP",
    "table of parts": "BOARD_PARTS",
}
ALL = tuple(FEATURES.values())
USUAL = tuple(f for f in ALL if f not in ("BOARD_UNPACK", "BOARD_KEY"))
LEAST = ("BOARD_PARTS",)
# Who may be on the line beside our own protocol: the switch of board.c, the file that is its way
# in, and the RAM it takes beside `vf_guest`, which all of them share.
GUESTS = {
    "the console": ("BOARD_CONSOLE", "guest/console.c", ("sizeof(vf_console)",)),
    "YMODEM": ("BOARD_YMODEM", "guest/ymodem.c", ("sizeof(vf_ymodem)", "4096")),
    "serprog": ("BOARD_SERPROG", "guest/serprog_guest.c", ("sizeof(vf_serprog_guest)", "256 + 64")),
}
PAGE = "docs/FIGURES.md"
FIXES = "run ./script/figures and commit " + PAGE


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}:\n{done.stderr}")
    return done.stdout


class Build:
    """All rooms compiled for one processor, and boards linked with them."""

    def __init__(self, root, folder, cpu, extra=()):
        self.root, self.folder, self.cpu, self.extra = root, folder, cpu, list(extra)
        folder.mkdir(parents=True)
        self.objects = [self.compile(source, f"{room}-{source.stem}") for room in calls.ROOMS
                        for source in sorted((root / room).glob("*.c"))]

    def compile(self, source, name, *flags):
        out = self.folder / f"{name}.o"
        run("arm-none-eabi-gcc", f"-mcpu={self.cpu}", *FLAGS, *self.extra, *flags, "-I",
            self.root / "include", "-c", source, "-o", out)
        return out

    def link(self, name, board, *flags):
        elf = self.folder / f"{name}.elf"
        run("arm-none-eabi-gcc", f"-mcpu={self.cpu}", *FLAGS, *self.extra, "-nostartfiles",
            "-Wl,--gc-sections", f"-Wl,-Map={elf}.map", "-Wl,-Ttext=0x08000000",
            "-Wl,-Tdata=0x20000000", *flags, board, *self.objects, "-o", elf)
        return elf

    def board(self, features):
        name = board_name(features)
        board = self.compile(self.root / "tests/figures/board.c", name, *(f"-D{f}=1" for f in features))
        return self.link(name, board, "-Wl,-e,main,-u,received")


def board_name(features):
    return "board" + "".join(f[5:].lower() for f in features)


def kept(elf):
    """Bytes of code and constants by room, from the linker's map."""
    text = pathlib.Path(f"{elf}.map").read_text()
    text = text[text.index("Linker script and memory map"):]
    total = dict.fromkeys((*calls.ROOMS, "library"), 0)
    for name, size, path in re.findall(
            r"^ \.((?:text|rodata|data|bss)\S*)\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S+)$", text, re.M):
        room = pathlib.Path(path).name.split("-")[0]
        if room in calls.ROOMS and name.startswith(("data", "bss")) and int(size, 16):
            sys.exit(f"{path}: {name} is not empty")
        if room in calls.ROOMS:
            total[room] += int(size, 16)
        elif "board" not in room and name.startswith(("text", "rodata")):
            total["library"] += int(size, 16)
    return total


def whole(elf):
    """Bytes of code and constants that the linker kept of anything."""
    sizes = re.findall(r"^\.(?:text|rodata)\S*\s+(\d+)", run("arm-none-eabi-size", "-A", elf), re.M)
    return sum(map(int, sizes))


def stacks(root, folder):
    """Deepest stack of each way in."""
    graph = calls.call_graph(root, folder)
    key = ("target/guard.c", "wire/guard.c")
    visit = ("guest/", "target/visit.c", "target/foreign.c")

    def most(prefix, *without):
        return max(calls.deepest(graph, f, without) for f in graph if f.startswith(prefix))
    doors = {"vf_target_rx (interrupt)": "vf_target_rx", "vf_nor, all of it": "vf_nor_", "any": "vf_"}
    doors = {f"vf_target_{name}": f"vf_target_{name}" for name in ("init", "tick", "tx")} | doors
    rows = {name: most(prefix, *key, *visit) for name, prefix in doors.items()}
    rows["vf_target_tick, with a key"] = most("vf_target_tick", *visit)
    for name, (_, file, _) in GUESTS.items():
        others = (other for _, other, _ in GUESTS.values() if other != file)
        rows[f"vf_target_tick, with {name}"] = most("vf_target_tick", *key, *others)
    return rows


def sizes_of(build, types, *flags):
    """sizeof of each, as the processor's compiler lays it out."""
    source = build.folder / "sizes.c"
    lines = [f"#include <vcpflash/{name}.h>" for name in ("nor", "serprog", "target", "ymodem")]
    lines += [f"char t_{i}[{size}];" for i, size in enumerate(types)]
    source.write_text("\n".join(lines) + "\n")
    obj = build.compile(source, "sizes", *flags)
    found = re.findall(r"^\S+ (\S+) \S t_(\d+)$", run("arm-none-eabi-nm", "-S", obj), re.M)
    sizes = {int(i): int(size, 16) for size, i in found}
    return [sizes[i] for i in range(len(types))]


# --- the tables: rows of a label and a figure for each column ----------------------

def code_table(builds, links, features):
    rows = {room: [] for room in (*ROOMS, "all three", "and of the C library", "all, by LTO")}
    for cpu in CPUS:
        sizes = kept(builds[cpu].board(features))
        for room in ROOMS:
            rows[room].append(sizes[room])
        rows["all three"].append(sum(sizes[room] for room in ROOMS))
        rows["and of the C library"].append(sizes["library"])
        rows["all, by LTO"].append(links[cpu][features])
    return rows


def feature_table(builds):
    def total(cpu, features):
        sizes = kept(builds[cpu].board(features))
        return sum(sizes[room] for room in ROOMS)
    rows = {"none of them": [total(cpu, ()) for cpu in CPUS]}
    for name, switch in FEATURES.items():
        without = tuple(f for f in ALL if f != switch)
        rows[name] = [total(cpu, ALL) - total(cpu, without) for cpu in CPUS]
    rows["all of them"] = [total(cpu, ALL) for cpu in CPUS]
    return rows


def hex_functions(root):
    """What of YMODEM takes a .hex apart: a file, and a part of another one."""
    text = (root / "guest/load.c").read_text()
    part = text.split("/* --- .hex ")[1].split("/* --- ")[0]
    return set(re.findall(r"^static [^;(]*?(\w+)\(", part, re.M))


def guest_table(builds):
    rows = {name: [] for name in (*GUESTS, "of YMODEM, what takes .hex apart", "all three")}
    for cpu in CPUS:
        build = builds[cpu]

        def total(*guests):
            sizes = kept(build.board(USUAL + guests))
            return sum(sizes[room] for room in calls.ROOMS)
        without = total()
        for name, (switch, _, _) in GUESTS.items():
            rows[name].append(total(switch) - without)
        rows["all three"].append(total(*(switch for switch, _, _ in GUESTS.values())) - without)
        found = re.findall(r"^ \.text\.(\w+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+) \S*/guest-(hex|load)\.o$",
                           pathlib.Path(f"{build.folder / board_name(USUAL + ('BOARD_YMODEM',))}.elf.map")
                           .read_text().split("Linker script and memory map")[1], re.M)
        names = hex_functions(build.root)
        rows["of YMODEM, what takes .hex apart"].append(
            sum(int(size, 16) for name, size, file in found if file == "hex" or name in names))
    return rows


def guest_ram_table(build):
    rows = {name: sum(sizes_of(build, types)) for name, (_, _, types) in GUESTS.items()}
    shared = sizes_of(build, ["sizeof(vf_guest)"])[0]
    rows = {"`vf_guest`, which all share": shared} | rows
    return {name: [size] for name, size in (rows | {"all": sum(rows.values())}).items()}


def stack_table(builds):
    columns = [stacks(builds[cpu].root, builds[cpu].folder) for cpu in CPUS]
    return {name: [column[name] for column in columns] for name in columns[0]}


def ram_table(build, stack):
    smallest = ("-DVF_TARGET_QUEUE=4", "-DVF_TARGET_MEMORIES=1")
    common = ["sizeof(vf_target)", "sizeof(vf_nor)"]
    least = sizes_of(build, common + ["VF_TARGET_RING_MIN", "VF_TARGET_WINDOW_MIN",
                                      "VF_WIRE_CONTROL_MAX + 4", "VF_TARGET_TX_MIN", "512"], *smallest)
    usual = sizes_of(build, common + ["2048", "1024", "528", "VF_WIRE_FRAME_SIZE(528)", "1024"])
    names = ("`vf_target`", "`vf_nor`", "ring", "window", "frame", "transmit", "work")
    rows = {name: list(pair) for name, pair in zip(names, zip(least, usual))}
    rows["stack"] = [stack, stack]
    rows["all"] = [sum(least) + stack, sum(usual) + stack]
    return rows


# name -> (ring, window, payload, bytes a packet, bytes between two ticks, content)
LINES = {
    "USB, packets of 64, random bytes": (4096, 8192, 1024, 64, 64, "random"),
    "USB, packets of 64, firmware": (4096, 8192, 1024, 64, 64, "firmware"),
    "USB, packets of 64, a tick every 1024, random bytes": (4096, 8192, 1024, 64, 1024, "random"),
    "USB, packets of 64, a tick every 1024, firmware": (4096, 8192, 1024, 64, 1024, "firmware"),
    "USB, packets of 512, firmware": (4096, 8192, 1024, 512, 512, "firmware"),
    "UART, 16 bytes an interrupt, firmware": (1024, 8192, 256, 16, 256, "firmware"),
}


def count_table(builds):
    rows = {}
    for name, (ring, window, payload, packet, pace, content) in LINES.items():
        row, pages = [], []
        for cpu in CPUS:
            build = builds[cpu]
            board = build.compile(build.root / "tests/figures/received.c", "received",
                                  f"-DBOARD_RING={ring}", f"-DBOARD_WINDOW={window}",
                                  f"-DBOARD_FRAME={payload + 16}", "-DBOARD_TX=277")
            names = ("setup", "receive", "tick", "send", "serve", "packet", "sent", "chip")
            doors = ",-u,".join(names)
            elf = build.link("received", board, f"-Wl,-e,setup,-u,{doors}")
            received, programmed, _ = counts.measure(cpu, elf, window, payload, packet, pace, content)
            row.append(round(sum(received.values()) / window, 1))
            pages.append(round(sum(programmed.values()) / window * counts.PAGE))
        rows[name] = row
    rows["a page of 256 bytes copied, read back, compared, reported"] = pages
    return rows


def table(title, columns, rows):
    lines = [f"| {title} | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]
    lines += [f"| {name} | " + " | ".join(map(str, row)) + " |" for name, row in rows.items()]
    return "\n".join(lines)


def page(root, folder):
    def build(cpu):
        return Build(root, folder / cpu, cpu)

    def link_whole(cpu):
        build = Build(root, folder / f"{cpu}-lto", cpu, ["-flto"])
        return {features: whole(build.board(features)) for features in (USUAL, LEAST)}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        builds = dict(zip(CPUS, pool.map(build, CPUS)))
        links = dict(zip(CPUS, pool.map(link_whole, CPUS)))
    stack = stack_table(builds)
    heads = [f"Cortex-{m}" for m in CPUS.values()]
    worst = builds["cortex-m4"]
    need = stack["any"][1] + stack["vf_target_rx (interrupt)"][1] + 32
    text = (root / "tests/figures/page.md").read_text()
    tables = {
        "COMPILER": run("arm-none-eabi-gcc", "--version").splitlines()[0],
        "CODE": table("bytes", heads, code_table(builds, links, USUAL)),
        "LEAST": table("bytes", heads, code_table(builds, links, LEAST)),
        "FEATURES": table("bytes", heads, feature_table(builds)),
        "GUESTS": table("bytes", heads, guest_table(builds)),
        "GUEST RAM": table("bytes", ["RAM"], guest_ram_table(worst)),
        "STACK": table("bytes", heads, stack),
        "RAM": table("bytes", ["smallest", "usual"], ram_table(worst, need)),
        "COUNTS": table("instructions", heads, count_table(builds)),
    }
    for name, content in tables.items():
        text = text.replace(f"<{name}>", content)
    return text


def figures(text):
    """{(heading, row, column): figure} of all tables of a page."""
    found, heading = {}, ""
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line.strip("# ")
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        for i, cell in enumerate(cells[1:]):
            if re.fullmatch(r"[\d.]+", cell):
                found[heading, cells[0], i] = float(cell)
    return found


def check(published, made):
    old, new = figures(published), figures(made)
    if compiler(published) != compiler(made):
        print(f"published with another compiler ({compiler(published)}): nothing to compare")
        return 77
    bad = [f"{' / '.join(key[:2])}, column {key[2] + 1}: {new[key]:g}, published {old[key]:g}"
           for key in new if key in old and new[key] > old[key]]
    if old.keys() != new.keys():
        bad.append("the published page has other rows")
    if bad:
        print("\n".join(bad), f"if that is wanted: {FIXES}", sep="\n")
    return 1 if bad else 0


def compiler(text):
    return next((line for line in text.splitlines() if "arm-none-eabi-gcc (" in line), "")


def main(root, mode):
    with tempfile.TemporaryDirectory() as folder:
        made = page(root, pathlib.Path(folder))
    if mode == "--write":
        (root / PAGE).write_text(made)
    elif mode == "--check":
        return check((root / PAGE).read_text(), made)
    else:
        print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2] if len(sys.argv) > 2 else ""))
