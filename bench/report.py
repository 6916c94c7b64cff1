"""Results as tables."""
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
