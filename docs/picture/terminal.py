"""A command on a pseudo-terminal, recorded: what the screen shows, and when.

The screen knows as much of a terminal as the programs use, and refuses the rest."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time

TOKEN = re.compile(r"\x1b\[(\d*)([A-Za-z])|\x1b|[^\x1b]")
COLOURS = {"": "", "0": "", "31": "red", "32": "green"}


class Screen:
    """Rows of (character, colour); as many as are needed. `joined` has the rows that go on
    the one above, because it was too long."""

    def __init__(self, columns):
        self.columns, self.rows, self.joined = columns, [[]], set()
        self.row = self.column = 0
        self.colour = ""

    def _to(self, row, joined=False):
        self.row, self.column = row, 0
        while len(self.rows) <= row:
            self.rows.append([])
            if joined:
                self.joined.add(row)

    def _put(self, character):
        if self.column >= self.columns:
            self._to(self.row + 1, joined=True)
        line = self.rows[self.row]
        line.extend([(" ", "")] * (self.column + 1 - len(line)))
        line[self.column] = character, self.colour
        self.column += 1

    def _control(self, number, letter):
        if letter == "m":
            self.colour = COLOURS[number]
        elif letter == "K" and not number:
            del self.rows[self.row][self.column:]
        elif letter == "J" and not number:
            del self.rows[self.row][self.column:]
            del self.rows[self.row + 1:]
        elif letter == "A":
            self.row = max(0, self.row - int(number or 1))
        else:
            raise ValueError(f"an unknown escape sequence: {number}{letter}")

    def write(self, text):
        for token in TOKEN.finditer(text):
            if token[2]:
                self._control(token[1], token[2])
            elif token[0] == "\r":
                self.column = 0
            elif token[0] == "\n":
                column = self.column
                self._to(self.row + 1)
                self.column = column
            elif token[0] >= " ":
                self._put(token[0])
            else:
                raise ValueError(f"an unknown control character: {token[0]!r}")

    def shown(self):
        return [tuple(row) for row in self.rows]

    def lines(self):
        """The lines as they were printed, however many rows each takes."""
        lines = []
        for number, row in enumerate(self.rows):
            text = "".join(character for character, _ in row)
            if number in self.joined:
                lines[-1] += text
            else:
                lines.append(text)
        return [line.rstrip() for line in lines]


def run(command, columns, env, patience):
    """(seconds since the start, text) as it comes, then the exit code. Whoever hangs is ended."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    begun = time.monotonic()
    process = subprocess.Popen(["timeout", str(patience), *command], stdin=subprocess.DEVNULL, stdout=slave,
                               stderr=slave, env=env)
    os.close(slave)
    pieces = []
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # nobody has the other end any more
            break
        pieces.append((time.monotonic() - begun, piece.decode()))
    os.close(master)
    return pieces, process.wait()
