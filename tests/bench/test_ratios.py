#!/usr/bin/env python3
"""Holds the speed: what the product takes under virtual time, beside T*, must
not grow. Exact to the microsecond on every machine, so the margin is for
intended small changes only.

    test_ratios.py BINARIES FOLDER            compare with bench/expected.json
    test_ratios.py BINARIES FOLDER --update   write it anew
"""
import json
import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bench"))
import virtual  # noqa: E402
import workload  # noqa: E402

EXPECTED = TOP / "bench" / "expected.json"
MARGIN = 0.005


def cases():
    dual = [virtual.Case(virtual.DUAL, "usb-fs", size, "firmware", state)
            for size in ("64K", "1M") for state in workload.STATES]
    others = [virtual.Case(chip, "usb-fs", "64K", "firmware", "dirty")
              for chip in virtual.CHIPS if chip != virtual.DUAL]
    return dual + others + [
        virtual.Case(virtual.DUAL, "usb-fs", "1M", "random", "blank"),
        virtual.Case(virtual.DUAL, "usb-hs", "1M", "firmware", "blank"),
        virtual.Case(virtual.DUAL, "uart:115200", "1M", "firmware", "blank"),
        virtual.Case(virtual.DUAL, "uart:921600", "64K", "firmware", "run"),
    ]


def write(rows):
    lines = ",\n".join(f'  "{r["key"]}": {r["ratio"]:.5f}' for r in rows)
    EXPECTED.write_text("{\n" + lines + "\n}\n")


def main():
    bench = virtual.Bench(sys.argv[1], sys.argv[2])
    rows = bench.run_all(cases())
    if "--update" in sys.argv:
        write(rows)
        print(f"{EXPECTED} written: {len(rows)} ratios")
        return 0
    expected = json.loads(EXPECTED.read_text())
    slower = faster = 0
    for r in rows:
        want = expected.pop(r["key"], None)
        note = ""
        if want is None or r["ratio"] > want * (1 + MARGIN):
            slower += 1
            note = "  SLOWER" if want else "  NOT EXPECTED"
        elif r["ratio"] < want * (1 - MARGIN):
            faster += 1
            note = "  faster"
        print(f"{r['key']:50s} {r['ratio']:.4f}, expected {want or 0:.4f}{note}")
    if expected:
        print("expected, and not measured: " + ", ".join(expected))
    if slower or faster or expected:
        print(f"{slower} slower, {faster} faster. If that is meant to be:\n"
              f"    tests/bench/test_ratios.py {sys.argv[1]} {sys.argv[2]} --update")
    return 1 if slower or expected else 0


if __name__ == "__main__":
    sys.exit(main())
