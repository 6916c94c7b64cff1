"""Instructions a received byte and a programmed page, counted by emulation.

A host in a few lines sends one long PROGRAM. While the memory does nothing the
window fills: what that takes is the way of a byte from the interrupt to the
window. Then the memory works: what that takes is pages. The flash itself is no
part of the counts.
"""
import collections
import random
import struct
import zlib

import emulate

TAG = 0x12345678
PAGE = 256


def cobs(data):
    out = bytearray()
    pieces = data.split(b"\0")
    for i, piece in enumerate(pieces):
        full = False
        while len(piece) >= 254:
            out += b"\xFF" + piece[:254]
            piece, full = piece[254:], True
        if piece or not full or i + 1 < len(pieces):
            out += bytes([len(piece) + 1]) + piece
    return bytes(out)


def content(kind, size):
    draw = random.Random(kind)
    if kind == "random":
        return draw.randbytes(size)
    # As in firmware for Cortex-M every ninth byte is 0, in short runs.
    out = bytearray()
    while len(out) < size:
        out += bytes(draw.randint(1, 255) for _ in range(draw.randint(1, 31)))
        out += bytes(draw.randint(1, 3))
    return bytes(out[:size])


class Board:
    """The program of received.c, and the host's end of the line to it."""

    def __init__(self, cpu, elf, packet, pace):
        self.cpu = emulate.Processor(cpu, elf)
        self.packet, self.pace, self.since = packet, pace, 0
        self.number = 0
        self.heard = []
        if not self.cpu.call("setup"):
            raise RuntimeError("the board of the counts refuses its configuration")
        self.say(1, struct.pack("<BBHQI", 1, 1, 4096, TAG, 0))
        self.tick()
        self.drain()
        if [f[1] for f in self.heard] != [0x81]:
            raise RuntimeError("the board of the counts does not welcome")

    def say(self, kind, fields):
        body = struct.pack("<BBHI", 0xF8, kind, self.number & 0xFFFF, TAG) + fields
        self.number += 1
        raw = b"\0" + cobs(body + struct.pack("<I", zlib.crc32(body))) + b"\0"
        at = self.cpu.symbol["packet"]
        for i in range(0, len(raw), self.packet):
            part = raw[i:i + self.packet]
            self.cpu.write(at, part)
            if self.cpu.call("receive", at, len(part)) != len(part):
                raise RuntimeError("the ring was full")
            self.since += len(part)
            if self.since >= self.pace:
                self.tick()

    def tick(self):
        self.since = 0
        self.cpu.call("tick", 0)

    def drain(self):
        """Takes what the board has to say."""
        at = self.cpu.symbol["sent"]
        while n := self.cpu.call("send", at):
            self.heard.append(self.uncobs(self.cpu.read(at, n)))

    @staticmethod
    def uncobs(raw):
        coded, out = raw.strip(b"\0"), bytearray()
        while coded:
            out += coded[1:coded[0]] + (b"\0" if coded[0] < 255 else b"")
            coded = coded[coded[0]:]
        return bytes(out)

    def spent(self):
        """Instructions since the last time, a function each."""
        total = self.cpu.by_function()
        self.cpu.count.clear()
        return total


def measure(cpu, elf, window, payload, packet, pace, kind):
    """Instructions that `window` bytes take, by function: to be received, in packets
    and with a tick every `pace` bytes; to be programmed. And the stack they took."""
    board = Board(cpu, elf, packet, pace)
    stream = struct.pack("<BBBBII", 2, 0, 0, 0, 0x90000000, window) + content(kind, window)
    board.spent()
    for at in range(0, window, payload):
        board.say(6, struct.pack("<I", at) + stream[at:min(at + payload, window)])
        board.cpu.call("send", board.cpu.symbol["sent"])
    board.tick()
    received = board.spent()
    programmed = collections.Counter()
    for part in (b"", stream[window:]):
        if part:
            board.say(6, struct.pack("<I", window) + part)
            board.tick()
            board.spent()
        while board.cpu.call("serve"):
            board.spent()
            board.tick()
            board.drain()
            programmed += board.spent()
    if board.cpu.read(board.cpu.symbol["chip"], window) != stream[12:]:
        raise RuntimeError("what was programmed is not what was sent")
    return received, programmed, board.cpu.deepest
