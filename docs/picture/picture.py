#!/usr/bin/env python3
"""The pictures of README.md: the real commands against simulated boards, on a terminal.

    picture.py              records them anew, into docs/*.svg
    picture.py --check      are they what the programs print today? Numbers aside.
"""
import argparse
import contextlib
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import svg
import terminal

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("VCPFLASH_BIN", TOP / "build/release")).resolve()
COLUMNS, PATIENCE = 100, 300
TYPING, BEFORE, AFTER, END, TICK = 0.03, 0.5, 1.4, 6.0, 0.1  # seconds
DISCO = ["--chip", "mt25ql512ab", "--dual", "--name", "STM32H747I-DISCO"]
TRAY = [DISCO, DISCO, [*DISCO, "--fault", "chip=protected"], DISCO]

# name: (title, boards, lines typed before, lines that are shown)
PICTURES = {
    "session": ("From two hex files to a verified chip", [DISCO],
                ["vcpflash program older.bin@0x90000000"],
                ["vcpflash info",
                 "vcpflash program cm7.hex cm4.hex assets.bin@0x90800000",
                 "vcpflash program cm7.hex cm4.hex assets.bin@0x90800000",
                 "vcpflash verify older.bin@0x90000000"]),
    "gang": ("A tray of boards; one of them is write-protected", TRAY, [],
             ["vcpflash gang cm7.hex cm4.hex assets.bin@0x90800000 --ports ttyACM0,ttyACM1,ttyACM2,ttyACM3"]),
}


@contextlib.contextmanager
def boards(folder, kinds):
    """Simulated boards behind ttyACM0 and so on."""
    running = []
    try:
        for number, options in enumerate(kinds):
            running.append(subprocess.Popen(
                [BIN / "vcpflash-sim", *options, "--link", "usb-fs", "--seed", str(number + 1), "--pty",
                 f"ttyACM{number}"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
        for board in running:
            if not board.stdout.readline().startswith("ready"):
                sys.exit("picture: a simulated board did not start")
        yield
    finally:
        for board in running:
            board.terminate()
            board.wait()
            board.stdout.close()


def material(folder):
    """Two images as in the demonstration, something large, and what was on the chip before."""
    subprocess.run([TOP / "examples/demo/build.sh", folder], check=True)
    numbers = random.Random(1)
    (folder / "assets.bin").write_bytes(numbers.randbytes(3 << 20))
    (folder / "older.bin").write_bytes(b"an older firmware, still there\n" * 20000)


class Recording:
    def __init__(self):
        self.screen, self.now, self.frames = terminal.Screen(COLUMNS), 0.0, []

    def show(self):
        at = round(round(self.now / TICK) * TICK, 3)
        while self.frames and self.frames[-1][0] >= at:
            self.frames.pop()
        self.frames.append((at, self.screen.shown()))

    def type(self, line):
        self.screen.colour = "prompt"
        self.screen.write("$ ")
        self.screen.colour = ""
        self.show()
        self.now += BEFORE
        for character in line:
            self.screen.write(character)
            self.now += TYPING
            self.show()
        self.screen.write("\r\n")

    def play(self, pieces):
        begun = self.now
        for at, text in pieces:
            self.now = max(self.now, begun + at)
            self.screen.write(text)
            self.show()
        self.now += AFTER


def environment(folder):
    env = {k: v for k, v in os.environ.items() if not k.startswith("VCPFLASH_")}
    return {**env, "PATH": f"{BIN}:{env['PATH']}", "VCPFLASH_PORT": "ttyACM0", "TERM": "xterm",
            "XDG_STATE_HOME": str(folder / "state"), "LC_ALL": "C.UTF-8"}


def record(name):
    title, kinds, before, lines = PICTURES[name]
    recording = Recording()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        material(folder)
        with contextlib.chdir(folder), boards(folder, kinds):
            for line in before:
                subprocess.run(line.split(), check=True, env=environment(folder), capture_output=True)
            for line in lines:
                recording.type(line)
                recording.play(terminal.run(line.split(), COLUMNS, environment(folder), PATIENCE)[0])
    recording.type("")
    return title, recording


def picture(name):
    title, recording = record(name)
    transcript = "\n".join(recording.screen.lines())
    return svg.draw(title, transcript, recording.frames, recording.frames[-1][0] + END, COLUMNS)


def comparable(transcript):
    """Its lines without numbers and what hangs on them; in which order boards end is chance."""
    lines = []
    for line in transcript.strip().splitlines():
        line = re.sub(r", \S+ \S+ saved on the line by compression", "", line)
        line = re.sub(r"\b[\d.]+ (us|ms|s|min)\b( \d+ s)?", "TIME", line)
        line = re.sub(r"\b(0x)?[0-9a-f]*\d[0-9a-f.]*\b", "N", line)
        lines.append(re.sub(r" +", " ", line).strip())
    return sorted(lines)


def drawn(root):
    """All that the picture shows in the end, from the top to the bottom."""
    last = [group for group in root.findall("{*}g") if "gone" not in group.get("class").split()]
    texts = [text for group in last for text in group]
    texts.sort(key=lambda text: (float(text.get("y")), float(text.get("x"))))
    return "".join("".join(text.itertext()) for text in texts).replace(" ", "")


def differs(was, now):
    """None, or which lines are only in the picture, and only in what is printed today."""
    was, now = comparable(was), comparable(now)
    gone = [line for line in was if line not in now]
    new = [line for line in now if line not in was]
    return "\n".join(["it shows", *gone, "the programs say", *new]) if gone or new else None


def check(name, text):
    """None, or what about this picture is no longer so. What differs is looked at twice: on a busy
    machine a stranger may hold a port for a moment."""
    root = ElementTree.fromstring(text)
    was = root.find("{*}desc").text
    shown = drawn(root)
    for line in was.split("\n"):
        if line.replace(" ", "") not in shown:
            return f"it says {line!r}, and does not show it"
    return (differs(was, "\n".join(record(name)[1].screen.lines())) and
            differs(was, "\n".join(record(name)[1].screen.lines())))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path, default=TOP / "docs")
    parser.add_argument("names", nargs="*", default=list(PICTURES))
    args = parser.parse_args()
    for name in args.names:
        path = args.folder / f"{name}.svg"
        if not args.check:
            path.write_text(picture(name))
            print(path)
            continue
        trouble = check(name, path.read_text())
        if trouble:
            sys.exit(f"{path}: {trouble}\n(./script/picture records it anew)")


if __name__ == "__main__":
    main()
