"""Recorded screens as a picture that moves: an SVG without script, which stands still, at
its end, where nobody wants motion."""
import re
from xml.sax.saxutils import escape

WIDE, HIGH, MARGIN, BAR = 7.8, 17, 14, 26
STYLE = """
text { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d0d7de; }
.green { fill: #56d364; } .red { fill: #ff7b72; } .prompt { fill: #79c0ff; } .dim { fill: #8b949e; }
"""


def spans(row):
    """(column, text, colour) of a row's words of one colour. Where there are several spaces
    it is parted: what draws an SVG may make one of them."""
    text = "".join(character for character, _ in row)
    for words in re.finditer(r"\S+( \S+)*", text):
        at = words.start()
        for column in range(words.start() + 1, words.end() + 1):
            if column == words.end() or row[column][1] != row[at][1] and text[column] != " ":
                yield at, text[at:column].rstrip(), row[at][1]
                at = column


def lives(frames, end):
    """{(row number, row): [(from, until)]}: when each state of each row is to be seen."""
    seen = {}
    for number, (begin, rows) in enumerate(frames):
        until = frames[number + 1][0] if number + 1 < len(frames) else end
        for at, row in enumerate(rows):
            if not row:
                continue
            times = seen.setdefault((at, row), [])
            if times and times[-1][1] == begin:
                times[-1] = times[-1][0], until
            else:
                times.append((begin, until))
    return seen


def keyframes(name, times, end):
    steps = [] if times[0][0] == 0 else ["0%{visibility:hidden}"]
    for begin, until in times:
        steps.append(f"{100 * begin / end:.2f}%{{visibility:visible}}")
        if until < end:
            steps.append(f"{100 * until / end:.2f}%{{visibility:hidden}}")
    return f"@keyframes {name}{{{''.join(steps)}}}"


def draw_row(at, row):
    y = BAR + MARGIN + (at + 1) * HIGH - 4
    for column, text, colour in spans(row):
        css = f' class="{colour}"' if colour else ""
        yield (f'<text x="{MARGIN + column * WIDE:.1f}" y="{y}" textLength="{len(text) * WIDE:.1f}"{css}>'
               f"{escape(text)}</text>")


def draw(title, transcript, frames, end, columns):
    """`frames`: (seconds, rows), the first at 0. `transcript` is what a screen reader says."""
    height = BAR + 2 * MARGIN + HIGH * max(len(rows) for _, rows in frames)
    width = int(2 * MARGIN + columns * WIDE)
    rules, groups, names = [STYLE], [], {}
    for (at, row), times in sorted(lives(frames, end).items(), key=lambda item: (item[1], item[0])):
        name = names.setdefault(tuple(times), f"k{len(names)}")
        last = "" if times[-1][1] >= end else " gone"
        groups.append(f'<g class="{name}{last}">{"".join(draw_row(at, row))}</g>')
    rules.append(".gone { visibility: hidden; }\n@media (prefers-reduced-motion: no-preference) {")
    for times, name in names.items():
        rules.append(f".{name}{{animation:{name} {end:.1f}s step-end infinite}}{keyframes(name, times, end)}")
    rules.append("}\n")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
        f"<title>{escape(title)}</title>", f"<desc>{escape(transcript)}</desc>",
        "<style>" + "\n".join(rules) + "</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
        f'<text x="{width / 2}" y="20" text-anchor="middle" class="dim">{escape(title)}</text>',
        *groups, "</svg>", ""])
