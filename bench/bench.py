#!/usr/bin/env python3
"""The benchmark: how far from the reference time T*, and how far from others.

    bench.py [--quick | --goals | --all] [--update] [--no-real-time] [--size 64M]

Results go to build/bench as JSON and Markdown; --update also puts the tables
into docs/PERFORMANCE.md and draws docs/performance.svg.
"""
import argparse
import json
import os
import pathlib
import sys
import time

import report
import virtual

TOP = pathlib.Path(__file__).resolve().parent.parent


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = p.add_mutually_exclusive_group()
    what.add_argument("--quick", action="store_true", help="a cross-section, about a minute")
    what.add_argument("--goals", action="store_true", help="only what a goal speaks of")
    p.add_argument("--update", action="store_true", help="put the result into docs/")
    p.add_argument("--no-real-time", action="store_true", help="virtual time only")
    p.add_argument("--no-virtual", action="store_true", help="real time only")
    p.add_argument("--size", action="append", choices=("64K", "1M", "8M", "64M"),
                   help="only this size (may be given again)")
    return p.parse_args()


def say(row):
    print(f"{row['key']:55s} {row['seconds']:9.3f} s  T* {row['t_star']:9.3f} s  {row['ratio']:.3f}",
          flush=True)


def virtual_part(bench, args):
    if args.quick:
        cases = virtual.quick_cases()
    elif args.goals:
        cases = virtual.goal_cases()
    else:
        cases = virtual.all_cases(args.size or virtual.SIZES)
    started = time.monotonic()
    # 64 MB do not fit every chip.
    cases = [c for c in cases if c.size != "64M" or c.chip != "w25q128jv"]
    rows = bench.run_all(cases, say)
    print(f"{len(rows)} runs in {time.monotonic() - started:.0f} s")
    return rows


def main():
    args = arguments()
    binaries = pathlib.Path(os.environ.get("VCPFLASH_BIN", TOP / "build/release")).resolve()
    folder = TOP / "build/bench"
    bench = virtual.Bench(binaries, folder)
    rows = [] if args.no_virtual else virtual_part(bench, args)
    if rows:
        (folder / "virtual.json").write_text(json.dumps(rows, indent=1) + "\n")
        (folder / "virtual.md").write_text(report.virtual_markdown(rows))
        told = report.text(rows, virtual.goals(rows))
        (folder / "virtual.txt").write_text(told)
        print(report.goals_text(virtual.goals(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
