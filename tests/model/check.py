#!/usr/bin/env python3
"""Spin over session.pml and prove.pml: no assertion fails, no end state but the right ones, no cycle
without progress, for each mix of faults; and with a safeguard taken away spin finds
what it is for. `check.py [--long] DIR` works in DIR."""
import pathlib
import subprocess
import sys

MODEL = pathlib.Path(__file__).resolve().with_name("session.pml")
PROVE = MODEL.with_name("prove.pml")

# losses and repeats, restarts of the board, kills of the host, asking too early, programs
# that go wrong
MIXES = [(1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 0, 1, 1)]
LONG = [(1, 0, 0, 0, 1), (2, 0, 0, 0, 1), (1, 1, 0, 0, 0), (1, 0, 1, 0, 0), (0, 1, 1, 0, 1),
        (1, 0, 0, 1, 0)]

BROKEN = {
    "BREAK_TAG": (0, 0, 1, 0, 1),     # an answer of a session that is gone counts
    "BREAK_OFFSET": (1, 0, 0, 0, 0),  # stream bytes are taken wherever they belong
    "BREAK_ORPHAN": (0, 0, 1, 0, 0),  # what the chip is at is forgotten with its session
    "BREAK_MARK": (0, 0, 0, 0, 0),    # the set is not marked incomplete, nor asked for
    "BREAK_READ": (0, 0, 0, 0, 1),    # the digest is not looked at
}

# of prove.pml
FORGED = {
    "BREAK_PROOF": "a host without the key is listened to",
    "BREAK_BOARD": "the board's proof is not looked at",
    "BREAK_TERMS": "a trailer counts in another session",
    "BREAK_NUMBER": "a trailer counts at another place",
    "BREAK_NONCE": "a nonce comes again after a restart",
}


def run(folder, mix, define=None, cycles=False):
    names = ("FAULTS", "RESTARTS", "KILLS", "HURRY", "BAD")
    defines = [f"-D{name}={n}" for name, n in zip(names, mix)]
    if define:
        defines.append(f"-D{define}")
        if define == "BREAK_MARK":
            defines.append("-DBREAK_UNMARKED")
    return search(folder, MODEL, defines, cycles)


def search(folder, model, defines, cycles=False):
    subprocess.run(["spin", *defines, "-a", str(model)], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)
    flags = ["-DNP"] if cycles else ["-DSAFETY"]
    subprocess.run(["cc", "-O1", "-w", "-DCOLLAPSE", *flags, "-o", "pan", "pan.c"], cwd=folder,
                   check=True)
    out = subprocess.run(["./pan", "-m1000000", *(["-l"] if cycles else [])], cwd=folder,
                         check=True, capture_output=True, text=True).stdout
    found = next((line for line in out.splitlines() if line.startswith("pan:1:")), None)
    states = next(line.split()[0] for line in out.splitlines() if "states, stored" in line)
    if "Search not completed" in out and found is None or "max search depth" in out:
        sys.exit(f"check.py: spin did not look at everything:\n{out}")
    return found, states


def main(arguments):
    long = arguments[:1] == ["--long"]
    if len(arguments) != 1 + long:
        sys.exit("usage: check.py [--long] DIR")
    folder = pathlib.Path(arguments[-1])
    folder.mkdir(parents=True, exist_ok=True)
    good = True
    for mix in MIXES + (LONG if long else []):
        found, states = run(folder, mix)
        print(f"{mix}: {states} states: {found or 'all claims hold'}")
        good = good and found is None
    found, states = run(folder, MIXES[1], cycles=True)
    print(f"{MIXES[1]}: {states} states: {found or 'no cycle without progress'}")
    good = good and found is None
    for define, mix in BROKEN.items():
        found, states = run(folder, mix, define)
        print(f"{define} {mix}: {found or 'NOT NOTICED'}")
        good = good and found is not None
    found, states = search(folder, PROVE, [])
    print(f"prove: {states} states: {found or 'all claims hold'}")
    good = good and found is None
    for define in FORGED:
        found, states = search(folder, PROVE, [f"-D{define}"])
        print(f"{define}: {found or 'NOT NOTICED'}")
        good = good and found is not None
    sys.exit(not good)


if __name__ == "__main__":
    main(sys.argv[1:])
