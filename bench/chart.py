"""The picture: seconds for 1 MB, a bar a program, T* as a mark across them."""

WIDTH, LEFT, RIGHT = 860, 150, 120
BAR, GAP, GROUP_GAP, TOP, BOTTOM = 16, 4, 22, 86, 40
COLOURS = {"vcpflash": "#2f81f7", "block by block (model)": "#8b949e", "naive script": "#c69026"}
NAMES = {"blank": "blank chip", "dirty": "dirty chip", "run": "1 % changed, one run",
         "scattered": "1 % changed, scattered", "same": "nothing changed"}
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #768390; }
.title { font-size: 17px; font-weight: 600; }
.strong { font-weight: 600; }
.value { font-size: 12px; }
.wrong { fill: #e5534b; font-weight: 600; }
.axis { stroke: #768390; stroke-opacity: .25; }
.mark { stroke: #e0528d; stroke-width: 2.5; }
.marktext { fill: #e0528d; }
@media (prefers-color-scheme: light) { text { fill: #424a53; } .wrong { fill: #cf222e; } }
@media (prefers-color-scheme: dark) { text { fill: #adbac7; } .wrong { fill: #ff7b72; } }
"""


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def text(x, y, what, css="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{escape(what)}</text>'


def legend(tools):
    x, parts = LEFT, []
    for tool in tools:
        parts.append(f'<rect x="{x}" y="50" width="12" height="12" rx="2" fill="{COLOURS[tool]}"/>')
        parts.append(text(x + 18, 61, tool))
        x += 40 + 7.4 * len(tool)
    parts.append(f'<line x1="{x + 5}" x2="{x + 5}" y1="48" y2="64" class="mark"/>')
    parts.append(text(x + 14, 61, "T*, link and chip alone", "marktext"))
    return parts


def label(row):
    value = f"{row['seconds']:.2f} s"
    if not row["wrong_bytes"]:
        return value, ""
    share = 100 * row["wrong_bytes"] / row["image_bytes"]
    return value, f"{share:.0f} % of the bytes wrong" if share >= 1 else \
        f"{row['wrong_bytes']} bytes wrong"


def bar(row, y, scale):
    width = max(1.5, row["seconds"] * scale)
    value, wrong = label(row)
    parts = [f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2" '
             f'fill="{COLOURS[row["tool"]]}"/>']
    css = "value strong" if row["tool"] == "vcpflash" else "value"
    parts.append(text(LEFT + width + 7, y + BAR - 4, value, css))
    if wrong and width > 330:
        parts.append(f'<text x="{LEFT + width - 8:.1f}" y="{y + BAR - 4}" text-anchor="end" '
                     f'style="fill:#3b0d0a;font-weight:600;font-size:12px">{wrong}</text>')
    elif wrong:
        parts.append(text(LEFT + width + 60, y + BAR - 4, wrong, "value wrong"))
    return parts


def axis(most, scale, bottom):
    parts = []
    for s in range(int(most) + 1):
        x = LEFT + s * scale
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{bottom}" class="axis"/>')
        parts.append(text(x, bottom + 18, f"{s} s", "value", "middle"))
    return parts


def draw(rows):
    """The picture as SVG, from the rows of one real-time run."""
    tools = list(dict.fromkeys(r["tool"] for r in rows))
    states = list(dict.fromkeys(r["state"] for r in rows))
    most = max(r["seconds"] for r in rows)
    scale = (WIDTH - LEFT - RIGHT) / most
    group = len(tools) * (BAR + GAP) + GROUP_GAP
    bottom = TOP + len(states) * group - GROUP_GAP + 4
    parts = [text(16, 28, "1 MB of firmware onto an STM32H747I-DISCO's flash (simulated), USB full speed",
                  "title")]
    parts += legend(tools) + axis(most, scale, bottom)
    for i, state in enumerate(states):
        y = TOP + i * group
        some = [r for r in rows if r["state"] == state]
        parts.append(text(LEFT - 10, y + group / 2 - GROUP_GAP / 2 + 3, NAMES[state], "strong", "end")
                     if len(NAMES[state]) < 18 else "")
        if len(NAMES[state]) >= 18:
            one, two = NAMES[state].split(", ")
            middle = y + group / 2 - GROUP_GAP / 2
            parts += [text(LEFT - 10, middle - 5, one, "strong", "end"),
                      text(LEFT - 10, middle + 12, two, "strong", "end")]
        for j, row in enumerate(some):
            parts += bar(row, y + j * (BAR + GAP), scale)
        x = LEFT + some[0]["t_star"] * scale
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 4}" '
                     f'y2="{y + len(some) * (BAR + GAP)}" class="mark"/>')
    height = bottom + BOTTOM
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img" '
            f'aria-label="Seconds for 1 MB by vcpflash and two others, beside the reference time">\n'
            f"<style>{STYLE}</style>\n" + "\n".join(p for p in parts if p) + "\n</svg>\n")
