"""The virtual-time part: every workload x chip x link on a simulated board, the
time it takes beside T*, and where the rest of it went. Deterministic.
"""
import collections
import json
import pathlib
import subprocess

import reference
import workload

SIZES = ("64K", "1M", "8M")
CHIPS = tuple(reference.CHIPS)
LINKS = ("usb-fs", "usb-hs", "uart:921600", "uart:115200", "ideal")
DUAL = "mt25ql512ab-dual"

Case = collections.namedtuple("Case", "chip link size content state")


def key(case):
    return " ".join(case)


def all_cases(sizes=SIZES):
    return [Case(chip, link, size, content, state)
            for chip in CHIPS for link in LINKS for size in sizes
            for content in workload.CONTENTS for state in workload.STATES
            if state != "rebuilt" or content == "firmware"]


def goal_cases():
    """What a goal speaks of."""
    cases = [Case(DUAL, "usb-fs", size, "firmware", state)
             for size in ("8M", "1M") for state in workload.STATES]
    cases += [Case(DUAL, f"uart:{baud}", "1M", "firmware", state)
              for baud in (921600, 115200) for state in ("blank", "dirty")]
    cases += [Case(DUAL, f"uart:{baud}", "8M", "firmware", "blank") for baud in (921600, 115200)]
    cases += [Case(chip, "usb-fs", "8M", "firmware", state)
              for chip in ("mx25l51245g", "w25q128jv", "s25fl512s") for state in ("blank", "dirty")]
    return cases


def quick_cases():
    """Some of everything, in half a minute."""
    cases = [Case(DUAL, "usb-fs", size, "firmware", state)
             for size in ("64K", "1M") for state in workload.STATES]
    cases += [Case(DUAL, "usb-fs", "1M", "random", state) for state in ("blank", "dirty")]
    cases += [Case(chip, "usb-fs", "1M", "firmware", state)
              for chip in CHIPS if chip != DUAL for state in ("blank", "dirty", "scattered")]
    cases += [Case(DUAL, link, "1M", "firmware", state)
              for link in LINKS[1:] for state in ("blank", "run")]
    return cases


class Bench:
    """Runs cases; remembers workloads, files and packed sizes."""

    def __init__(self, binaries, folder):
        self.binaries, self.folder = pathlib.Path(binaries), pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.corpus = workload.Corpus(self.binaries / "bench-flatten", self.folder / "corpus")
        self.packer = reference.Packer()
        self.load, self.references = None, {}

    def workload(self, size, content, state):
        """The workload and its two files; the last one is kept."""
        if self.load is None or self.load[0][:3] != (size, content, state):
            load = workload.make(self.corpus, size, content, state)
            image, flash = self.folder / "image.bin", self.folder / "flash.bin"
            image.write_bytes(load.image)
            flash.write_bytes(load.flash)
            self.load, self.references = (load, image, flash), {}
        return self.load

    def reference(self, case):
        load, _, _ = self.workload(case.size, case.content, case.state)
        if case.chip not in self.references:
            self.references[case.chip] = reference.Reference(
                reference.CHIPS[case.chip], load.image, load.flash, packer=self.packer)
        return self.references[case.chip].time(reference.link(case.link).rate)

    def run(self, case, *options):
        """One line of the result, as a dictionary."""
        load, image, flash = self.workload(case.size, case.content, case.state)
        chip = reference.CHIPS[case.chip]
        command = [self.binaries / "bench-virtual", "--chip", chip.part, "--link", case.link,
                   "--image", image, *options]
        command += ["--dual"] if chip.dies == 2 else []
        command += ["--flash", flash] if load.flash else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{key(case)}: {done.stderr.strip()}\n{done.stdout}")
        measured = json.loads(done.stdout)
        return describe(case, self.reference(case), measured)

    def run_all(self, cases, say=lambda row: None):
        """In an order that makes each workload once; the result in the order asked for."""
        order = sorted(set(cases), key=lambda c: (SIZES + ("64M",)).index(c.size) * 100 +
                       workload.CONTENTS.index(c.content) * 10 + workload.STATES.index(c.state))
        rows = {}
        for case in order:
            rows[case] = self.run(case)
            say(rows[case])
        return [rows[case] for case in cases]


def describe(case, ref, m):
    """What was measured, beside the reference, and where the difference went."""
    chip = reference.CHIPS[case.chip]
    w = m["writing"]
    busy = w["chip_and_link"] + w["chip_only"]
    bus = m["programs"] * 2 * chip.page / chip.dies / reference.READ_RATE
    before = m["before"]
    return {
        "case": case._asdict(),
        "key": key(case),
        "seconds": m["elapsed_us"] / 1e6,
        "t_star": ref.t_star / 1e6,
        "ratio": m["elapsed_us"] / ref.t_star,
        "bound": "look" if max(ref.link, ref.chip) == 0 else
                 "link" if ref.link > ref.chip else "chip",
        "rest": {  # seconds beyond T*, by where they went; they add up to seconds - t_star
            "look": (before["us"] - ref.look - ref.keep) / 1e6,
            "write": (w["us"] - max(ref.link, ref.chip)) / 1e6,
            "check": m["after"]["us"] / 1e6,
        },
        "of_look": {  # what the time before the first change was
            "digest": before["digest"] / 1e6,
            "other": (before["us"] - before["digest"]) / 1e6,
        },
        "idle": {  # while writing
            "chip": max(0.0, (w["us"] - busy - bus) / 1e6),
            "link": (w["us"] - w["chip_and_link"] - w["link_only"]) / 1e6,
        },
        "reference": {k: v for k, v in ref._asdict().items()},
        "measured": m,
    }


# --- goals -----------------------------------------------------------------------


def goals(rows):
    """(what, limit, measured, reached) of the goals that these rows speak of."""
    by = {r["key"]: r for r in rows}

    def at(chip, link, size, state):
        return by.get(key(Case(chip, link, size, "firmware", state)))

    def worth(name, limit, row, value=lambda r: r["ratio"], least=False):
        if row is not None:
            v = value(row)
            table.append((name, limit, v, v >= limit if least else v <= limit))

    table = []
    for size, limit in (("8M", 1.03), ("1M", 1.08)):
        for state in ("blank", "dirty", "scattered"):
            worth(f"{size}B usb-fs {workload.STATE_TEXT[state]}", limit,
                  at(DUAL, "usb-fs", size, state))
    worth("8MB usb-fs 1 % in one run", 1.2, at(DUAL, "usb-fs", "8M", "run"))

    def of_look(row):
        turnaround = 2 * reference.LINKS["usb-fs"].latency
        return row["measured"]["elapsed_us"] / (row["reference"]["look"] + 2 * turnaround)
    worth("8MB usb-fs same, of look + 2 turnarounds", 1.3, at(DUAL, "usb-fs", "8M", "same"), of_look)
    for baud in (921600, 115200):
        for state in ("blank", "dirty"):
            worth(f"1MB uart:{baud} {state}", 1.03, at(DUAL, f"uart:{baud}", "1M", state))
    for chip in ("mx25l51245g", "w25q128jv", "s25fl512s"):
        for state in ("blank", "dirty"):
            worth(f"8MB usb-fs {chip} {state}", 1.03, at(chip, "usb-fs", "8M", state))

    def effective(row):
        rate = reference.link(row["case"]["link"]).rate
        return row["measured"]["image_bytes"] / row["measured"]["elapsed_us"] / rate
    for baud in (921600, 115200):
        for size in ("8M", "1M"):
            row = at(DUAL, f"uart:{baud}", size, "blank")
            worth(f"{size}B uart:{baud} blank, image bytes a second of the line's", 1.40, row,
                  effective, least=True)
    return table
