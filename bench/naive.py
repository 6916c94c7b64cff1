#!/usr/bin/env python3
"""The script that people start from: it sends the file in chunks with a fixed
sleep between them, asks nothing, waits for no answer, erases nothing. Then it
says that all went well, which it cannot know.

    naive.py PORT FILE

It is here to be measured against, and for nothing else.
"""
import os
import select
import sys
import time
import tty

CHUNK = 4096
SLEEP = 0.010


def main():
    port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(port)
    with open(sys.argv[2], "rb") as file:
        while chunk := file.read(CHUNK):
            while chunk:
                select.select([], [port], [], 0.05)
                try:
                    chunk = chunk[os.write(port, chunk):]
                except BlockingIOError:
                    pass
            time.sleep(SLEEP)
    os.close(port)
    print("done")


if __name__ == "__main__":
    main()
