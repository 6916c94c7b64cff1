"""Results as tables, and tables into docs/PERFORMANCE.md."""
import re

import workload

def seconds(s):
    return f"{s:.3f}" if s < 100 else f"{s:.1f}"


def milliseconds(s):
    return f"{s * 1000:.0f}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in rows]) + "\n"


def detail_cells(r):
    return [seconds(r["seconds"]), seconds(r["t_star"]), f"**{r['ratio']:.3f}**",
            milliseconds(r["rest"]["look"]), milliseconds(r["rest"]["write"]),
            milliseconds(r["rest"]["check"]), milliseconds(r["idle"]["chip"]),
            milliseconds(r["idle"]["link"])]


def virtual_detail(rows):
    """Every run, with where the rest went."""
    head = ["chip", "link", "size", "content", "state", "s", "T* s", "ratio", "look + ms",
            "write + ms", "check + ms", "chip idle ms", "link idle ms"]
    return table(head, [[r["case"]["chip"], r["case"]["link"], r["case"]["size"],
                         r["case"]["content"], workload.STATE_TEXT[r["case"]["state"]]] +
                        detail_cells(r) for r in rows])


def goals_table(goals):
    return table(["", "goal", "now", ""],
                 [[name, limit_text(name, limit), f"{value:.3f}", "reached" if ok else "not yet"]
                  for name, limit, value, ok in goals])


def limit_text(name, limit):
    return ("≥ " if "bytes a second" in name else "≤ ") + f"{limit:.2f}"


def goals_text(goals):
    return "\n".join(f"{name:60s} {limit_text(name, limit)}  {value:7.3f}  "
                     f"{'ok' if ok else 'NOT YET'}" for name, limit, value, ok in goals)


def text(rows, goals):
    """For a terminal."""
    lines = [f"{'':42s}{'s':>9s}{'T*':>9s}{'ratio':>7s}   look+ write+ check+   idle: chip   link (ms)"]
    for r in rows:
        cells = [c.strip("*") for c in detail_cells(r)]
        lines.append(f"{r['key']:42s}{cells[0]:>9s}{cells[1]:>9s}{cells[2]:>7s}   {cells[3]:>5s} "
                     f"{cells[4]:>6s} {cells[5]:>6s}{cells[6]:>13s}{cells[7]:>7s}")
    return "\n".join(lines) + "\n\n" + goals_text(goals) + "\n"


def virtual_markdown(rows):
    return "# Under virtual time\n\n" + virtual_detail(rows)


# --- for the document ---------------------------------------------------------------


def matrix(rows):
    """Ratios: a line a chip, link and size, a column a state. Real firmware."""
    cells = {}
    for r in rows:
        c = r["case"]
        if c["content"] == "firmware":
            cells.setdefault((c["chip"], c["link"], c["size"]), {})[c["state"]] = r["ratio"]
    head = ["chip", "link", "size"] + [workload.STATE_TEXT[s] for s in workload.STATES]
    return table(head, [[*k] + [f"{v[s]:.2f}" if s in v else "" for s in workload.STATES]
                        for k, v in cells.items()])


def random_summary(rows):
    found = sorted(r["ratio"] for r in rows if r["case"]["content"] == "random")
    if not found:
        return ""
    return (f"\nRandom bytes, {len(found)} runs: least {found[0]:.2f}, median "
            f"{found[len(found) // 2]:.2f}, most {found[-1]:.2f}.\n")


def real_time_table(rows):
    head = ["1 MB of firmware, usb-fs", "", "s", "of T*", "against vcpflash", "bytes wrong", "exit"]
    own = {r["state"]: r["seconds"] for r in rows if r["tool"] == "vcpflash"}
    return table(head, [[workload.STATE_TEXT[r["state"]], r["tool"], f"{r['seconds']:.2f}",
                         f"{r['ratio']:.2f}", f"{r['seconds'] / own[r['state']]:.1f}",
                         str(r["wrong_bytes"]), str(r["exit"])] for r in rows])


def peers_table(rows):
    """Ratios only: the seconds are this machine's too."""
    own = {(r["link"], r["state"]): r["seconds"] for r in rows if r["tool"] == "vcpflash"}
    head = ["64 KB of firmware", "", "", "against vcpflash", "bytes wrong", "exit"]
    return table(head, [[r["link"], workload.STATE_TEXT[r["state"]], r["tool"],
                         f"{r['seconds'] / own[r['link'], r['state']]:.1f}",
                         str(r["wrong_bytes"]), str(r["exit"])] for r in rows])


def counts_table(sizes):
    return table(["room", "code and constants, bytes", "writable"],
                 [[room, str(code), str(data)] for room, (code, data) in sizes.items()])


def put(document, name, text):
    """Replaces what stands between the markers of `name`."""
    pattern = rf"(<!-- bench:{name} -->\n).*?(<!-- /bench:{name} -->)"
    changed, count = re.subn(pattern, lambda m: m[1] + text + m[2], document, flags=re.S)
    if count != 1:
        raise SystemExit(f"the document has no place for {name}")
    return changed
