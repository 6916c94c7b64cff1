#!/usr/bin/env python3
"""What a person with a terminal does: types `load`, then lrzsz's sb sends the file.

    send_ymodem.py PORT ADDRESS FILE

Its status is that of sb, or 1 where the board's verdict is not that the file was verified.
"""
import os
import select
import subprocess
import sys
import tty

PATIENCE = 120


def until(port, ending):
    said = b""
    while ending not in said:
        if not select.select([port], [], [], PATIENCE)[0]:
            raise SystemExit(f"the board is silent after {said[-80:]!r}")
        said += os.read(port, 4096)
    return said


def main():
    name, address, file = sys.argv[1:]
    port = os.open(name, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(port)
    os.write(port, b"\r")
    until(port, b"> ")
    os.write(port, f"load {address}\r".encode())
    until(port, b"control-c ends that\r\n")
    code = subprocess.run(["sb", "-k", "-q", file], stdin=port, stdout=port, check=False).returncode
    said = until(port, b"> ")
    print(said.decode(errors="replace").strip())
    return code if code != 0 or b"SHA-256" in said else 1


if __name__ == "__main__":
    sys.exit(main())
