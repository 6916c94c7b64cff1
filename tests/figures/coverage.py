"""Makes the table of lines and branches reached out of gcovr's report.

    coverage.py REPORT.json DOCUMENT.md MISSED.txt

Prints a line for every room and every file, puts the table between the markers of the
document, and lists in MISSED.txt what was not reached."""
import json
import sys

ROOMS = ["wire", "target", "nor", "host"]
BEGIN, END = "<!-- coverage: begin -->\n", "<!-- coverage: end -->\n"


class Count:
    def __init__(self):
        self.lines = self.lines_hit = self.branches = self.branches_hit = 0

    def add(self, other):
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def row(self):
        return (share(self.lines_hit, self.lines), f"{self.lines_hit} of {self.lines}",
                share(self.branches_hit, self.branches), f"{self.branches_hit} of {self.branches}")


def share(hit, of):
    """Rounded down: 100 % is said only of all."""
    return "-" if of == 0 else f"{hit * 1000 // of / 10:.1f} %"


def counted(file, missed):
    """A file's figures; what was not reached goes to `missed`."""
    with open(file["file"], encoding="utf-8") as f:
        text = f.read().split("\n")
    count = Count()
    for line in file["lines"]:
        if line.get("gcovr/noncode"):
            continue
        ways = [b["count"] for b in line["branches"]]
        count.lines += 1
        count.lines_hit += line["count"] > 0
        count.branches += len(ways)
        count.branches_hit += sum(way > 0 for way in ways)
        if line["count"] == 0 or 0 in ways:
            number = line["line_number"]
            missed.append(f"{file['file']}:{number}: {ways} {text[number - 1].strip()}")
    return count


def table(files):
    rows = ["| | lines | | branches | |", "| --- | --- | --- | --- | --- |"]
    for room in ROOMS:
        total = Count()
        for name, count in files.items():
            if name.startswith(room + "/"):
                total.add(count)
        rows.append("| **{}** | **{}** | {} | **{}** | {} |".format(room, *total.row()))
        for name, count in sorted(files.items()):
            if name.startswith(room + "/"):
                rows.append("| {} | {} | {} | {} | {} |".format(name, *count.row()))
    return "\n".join(rows) + "\n"


def main():
    report, document, missed_file = sys.argv[1:]
    missed = []
    with open(report, encoding="utf-8") as f:
        files = {x["file"]: counted(x, missed) for x in json.load(f)["files"]}
    for room in ROOMS:
        if not any(name.startswith(room + "/") for name in files):
            sys.exit(f"coverage: the report says nothing of {room}/: were its tests built and run?")
    made = table(files)
    print(made.replace("*", ""), end="")
    with open(document, encoding="utf-8") as f:
        text = f.read()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"coverage: {document} has no pair of markers to put the table between")
    before, rest = text.split(BEGIN)
    with open(document, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + made + END + rest.split(END)[1])
    with open(missed_file, "w", encoding="utf-8") as f:
        f.write("\n".join(missed) + "\n")


if __name__ == "__main__":
    main()
