#!/usr/bin/env python3
"""The sender of a *model* of a flasher that acknowledges blocks; no particular
program. It deflates blocks of 16 KB, sends one, waits for its acknowledgement,
sends the next, and asks for a checksum at the end. The board erases everything
first, whatever it holds, and programs every byte. naive_blocks.c is its board.

    stop_and_wait.py PORT FILE
"""
import os
import select
import struct
import sys
import tty
import zlib

BLOCK = 16 * 1024
PATIENCE = 10  # seconds


def exactly(port, n):
    got = b""
    while len(got) < n:
        if select.select([port], [], [], PATIENCE)[0] == []:
            raise SystemExit("no answer")
        more = os.read(port, n - len(got))
        if not more:
            raise SystemExit("the board is gone")
        got += more
    return got


def message(port, kind, offset, length, packed=b""):
    data = kind + struct.pack("<III", offset, length, len(packed)) + packed
    while data:
        select.select([], [port], [], 0.05)
        try:
            data = data[os.write(port, data):]
        except BlockingIOError:
            pass
    reply = exactly(port, 5)
    if reply[:1] != b"K":
        raise SystemExit("no acknowledgement")
    return struct.unpack("<I", reply[1:])[0]


def deflate(data):
    z = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    return z.compress(data) + z.flush()


def main():
    port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(port)
    with open(sys.argv[2], "rb") as file:
        image = file.read()
    for at in range(0, len(image), BLOCK):
        block = image[at:at + BLOCK]
        message(port, b"B", at, len(block), deflate(block))
    if message(port, b"V", 0, len(image)) != zlib.crc32(image):
        raise SystemExit("the flash holds something else")
    print("done")


if __name__ == "__main__":
    main()
