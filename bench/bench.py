#!/usr/bin/env python3
"""The benchmark: how far from the reference time T*, and how far from others.

    bench.py [--quick | --goals] [--size SIZE] [--update] [--no-real-time | --no-virtual]
             [--peers]

Results go to build/bench as JSON and Markdown; --update also puts the tables
into docs/PERFORMANCE.md and draws docs/performance.svg.
"""
import argparse
import json
import os
import pathlib
import sys
import time

import chart
import counts
import peers
import real_time
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
    p.add_argument("--peers", action="store_true",
                   help="only flashrom and sb beside vcpflash, about a minute and a half")
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
        cases += [c for c in virtual.goal_cases() if c not in cases]
    started = time.monotonic()
    # 64 MB do not fit every chip.
    cases = [c for c in cases if c.size != "64M" or c.chip != "w25q128jv"]
    rows = bench.run_all(cases, say)
    print(f"{len(rows)} runs in {time.monotonic() - started:.0f} s")
    return rows


def virtual_report(folder, rows):
    goals = virtual.goals(rows)
    (folder / "virtual.json").write_text(json.dumps(rows, indent=1) + "\n")
    (folder / "virtual.md").write_text(report.virtual_markdown(rows))
    (folder / "virtual.txt").write_text(report.text(rows, goals))
    print(report.goals_text(goals))
    spoken_of = {virtual.key(c) for c in virtual.goal_cases()}
    return {"goals": report.goals_table(goals),
            "detail": report.virtual_detail([r for r in rows if r["key"] in spoken_of]),
            "matrix": report.matrix(rows) + report.random_summary(rows)}


def say_real(row):
    print(f"{row['state']:10s} {row['tool']:24s} {row['seconds']:7.2f} s  {row['ratio']:7.2f} of T*  "
          f"{row['wrong_bytes']} bytes wrong, exit {row['exit']}", flush=True)


def say_peer(row):
    print(f"{row['link']:12s} ", end="")
    say_real(row)


def real_time_report(folder, bench):
    rows = real_time.RealTime(bench).run_all("1M", say_real)
    (folder / "real_time.json").write_text(json.dumps(rows, indent=1) + "\n")
    (folder / "real_time.md").write_text(report.real_time_table(rows))
    (folder / "performance.svg").write_text(chart.draw(rows))
    return {"real-time": report.real_time_table(rows)}


def peers_report(folder, bench):
    said = ", ".join(peers.versions())
    rows = peers.Peers(bench).run_all("64K", say_peer)
    table = f"{said}.\n\n{report.peers_table(rows)}"
    (folder / "peers.json").write_text(json.dumps(rows, indent=1) + "\n")
    (folder / "peers.md").write_text(table)
    return {"peers": table}


def update(folder, parts):
    path = TOP / "docs/PERFORMANCE.md"
    document = path.read_text()
    for name, text in parts.items():
        document = report.put(document, name, text)
    path.write_text(document)
    if "real-time" in parts:
        (TOP / "docs/performance.svg").write_text((folder / "performance.svg").read_text())


def main():
    args = arguments()
    binaries = pathlib.Path(os.environ.get("VCPFLASH_BIN", TOP / "build/release")).resolve()
    folder = TOP / "build/bench"
    bench = virtual.Bench(binaries, folder)
    parts = {}
    if args.peers:
        parts.update(peers_report(folder, bench))
    if not args.peers and not args.no_virtual:
        parts.update(virtual_report(folder, virtual_part(bench, args)))
    if not args.peers and not args.no_real_time:
        parts.update(real_time_report(folder, bench))
    sizes = counts.sizes()
    if sizes:
        parts["counts"] = report.counts_table(sizes)
    if args.update:
        update(folder, parts)
    print(f"results: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
