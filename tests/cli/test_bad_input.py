#!/usr/bin/env python3
"""What bad input gets: one line, the documented exit code, nothing half-written."""
import os
import pty
import socket
import struct
import subprocess
import sys
import threading
import zlib

import bench
from bench import Board, intel_hex, vcpflash

BASE = 0x90000000


def elf(segments, kind=2, machine=40, bits=1, data=1):
    """A small ELF file: (paddr, bytes, filesz or None) segments."""
    head = b"\x7fELF" + bytes([bits, data, 1]) + bytes(9)
    at = 52 + 32 * len(segments)
    table, body = b"", b""
    for paddr, content, size in segments:
        size = len(content) if size is None else size
        table += struct.pack("<8I", 1, at + len(body), paddr, paddr, size, size, 5, 4)
        body += content
    return head + struct.pack("<HHIIIIIHHHHHH", kind, machine, 1, BASE + 1, 52, 0, 0, 52, 32,
                              len(segments), 40, 0, 0) + table + body


def uf2(blocks, total=None):
    out = b""
    for number, (address, data) in blocks:
        out += struct.pack("<8I", 0x0A324655, 0x9E5D5157, 0, address, len(data), number,
                           total or len(blocks), 0) + data.ljust(476, b"\0") + struct.pack("<I", 0x0AB16F30)
    return out


def frame(body):
    """One frame by PROTOCOL.md section 2, for blocks shorter than 254 bytes."""
    coded = b"".join(bytes([len(part) + 1]) + part
                     for part in (body + zlib.crc32(body).to_bytes(4, "little")).split(b"\0"))
    return b"\0" + coded + b"\0"


def tag_of(raw):
    """The tag of the first frame in raw bytes."""
    chunk = next((c for c in raw.split(b"\0") if len(c) > 8), b"")
    body, at = b"", 0
    while at < len(chunk):
        body += chunk[at + 1:at + chunk[at]] + b"\0"
        at += chunk[at]
    return body[4:8]


class Files(bench.Case):
    """No board is needed to refuse these: `inspect`, `merge` and `program` agree."""

    def refuse(self, name, content, *words):
        path = self.file(name, content)
        out = self.folder / "out.bin"
        for args in (("inspect", path), ("merge", path, "-o", out)):
            self.assertEnds(vcpflash(*args), 5, name, *words)
        self.assertFalse(out.exists())

    def test_intel_hex(self):
        good = intel_hex((BASE, b"0123456789abcdef"))
        lines = good.splitlines(True)
        self.refuse("sum.hex", good.replace("10000000", "10000100", 1), "line 2", "checksum")
        self.refuse("odd.hex", lines[0] + lines[1][:-2] + "\n" + lines[2], "line 2")
        self.refuse("end.hex", "".join(lines[:-1]), "end")
        self.refuse("after.hex", good + lines[1], "line 4")
        top = bench.hex_line(0, 4, [0xFF, 0xFF]) + bench.hex_line(0xFFF8, 0, bytes(16))
        self.refuse("past.hex", top + ":00000001FF\n", "line 2", "4 GB")
        self.refuse("empty.hex", "", "empty")
        self.refuse("text.hex", "Dear customer,\nthe file is on its way.\n")
        self.refuse("page.hex", "<!DOCTYPE html>\n<html><body>404</body></html>\n", "page")

    def test_elf(self):
        self.refuse("object.elf", elf([(BASE, b"code", None)], kind=1))
        self.refuse("none.elf", elf([]))
        self.refuse("wide.elf", elf([(BASE, b"code", None)], bits=2))
        self.refuse("wrap.elf", elf([(0xFFFFFFF0, b"c" * 64, None)]))
        self.refuse("cut.elf", elf([(BASE, b"code", 0xFFFFFF00)]))

    def test_uf2(self):
        blocks = [(i, (BASE + 256 * i, bytes([i]) * 256)) for i in range(4)]
        self.refuse("gap.uf2", uf2(blocks[:2] + blocks[3:], total=4), "2")
        self.refuse("cut.uf2", uf2(blocks)[:-100])

    def test_srec(self):
        self.refuse("sum.srec", "S30D90000000303132333435363700\nS70590000000" + "6A\n", "line 1", "checksum")

    def test_two_files_that_disagree(self):
        a = self.file("a.hex", intel_hex((BASE, b"one and the same")))
        b = self.file("b.hex", intel_hex((BASE + 8, b"other")))
        self.assertEnds(vcpflash("inspect", a, b), 5, "a.hex", "b.hex", "0x90000008")
        self.assertEnds(vcpflash("inspect", a, a), 0)

    def test_names(self):
        self.assertEnds(vcpflash("inspect", self.folder / "nothing.hex"), 5, "nothing.hex")
        self.assertEnds(vcpflash("inspect", self.folder), 5, "directory")
        raw = self.file("raw.bin", b"\1\2\3")
        self.assertEnds(vcpflash("inspect", raw), 2, "@")
        a = self.file("a.hex", intel_hex((BASE, b"x")))
        self.assertEnds(vcpflash("inspect", f"{a}@0x90000000"), 2)

    def test_outputs_are_whole_or_absent(self):
        a = self.file("a.hex", intel_hex((BASE, b"x"), (BASE + 100, b"y")))
        old = self.file("out.bin", b"what was there")
        self.assertEnds(vcpflash("merge", a, "-o", old), 2, "fill")  # gaps need a fill byte
        self.assertEqual(old.read_bytes(), b"what was there")
        self.assertEnds(vcpflash("merge", a, "-o", self.folder / "no" / "out.hex"), 5)
        self.assertEnds(vcpflash("merge", a, "-o", self.folder / "out.xyz"), 2)
        self.assertEnds(vcpflash("merge", a, "--fill", "0xFF", "-o", old), 0)
        self.assertEqual(old.read_bytes(), b"x" + b"\xff" * 99 + b"y")
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["a.hex", "out.bin"])

    def test_usage(self):
        for args in ((), ("frobnicate",), ("info", "more"), ("program",), ("erase", "1"), ("merge", "x"),
                     ("--full", "info"), ("-b", "fast", "info"), ("digest", "here", "1"),
                     ("program", "--compress", "best", "x"), ("--nonsense", "info"), ("read", "0", "0", "x")):
            run = vcpflash(*args)
            self.assertEqual(run.code, 2, f"{args}: {run.err}")
            self.assertTrue(run.err.strip())


class Boards(bench.Case):
    def test_outside_every_memory(self):
        with Board(self.folder) as board:
            for pieces, word in ((((0x00000000, b"itcm"),), "0x00000000"),
                                 (((BASE, b"good"), (BASE + 0x10000, b"past the chip")), "0x90010000"),
                                 (((BASE + 0xFFF0, bytes(32)),), "0x9000fff0")):
                name = self.file("a.hex", intel_hex(*pieces))
                self.assertEnds(board.run("program", name), 6, "a.hex", word)
            self.assertEnds(board.run("read", "0x90000000", "65K", self.folder / "out"), 6)
            self.assertEnds(board.run("erase", "0x80000000", "4K"), 6)
            self.assertFalse((self.folder / "out").exists())
            board.stop()
        self.assertEqual(board.contents(), b"\xff" * 65536)

    def test_ports(self):
        self.assertEnds(vcpflash("info", port=self.folder / "nothing"), 3, "nothing")
        self.assertEnds(vcpflash("info", port=self.file("plain", b"text")), 3)
        self.assertEnds(vcpflash("info", port="tcp://127.0.0.1:1"), 3, "127.0.0.1")
        self.assertEnds(vcpflash("info", port="rfc2217://127.0.0.1:1"), 3, "rfc2217://127.0.0.1:1", "refused")
        self.assertEnds(vcpflash("info", port=self.folder), 3, "not a serial port")

    def test_a_busy_port(self):
        name = self.file("a.bin", self.bytes(60000))
        with Board(self.folder, link="uart:115200", time_mode="real") as board:
            first = subprocess.Popen([str(bench.BIN / "vcpflash"), "-p", board.port, "--json", "--wait", "0", "program",
                                      f"{name}@{BASE:#x}"], text=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, env=bench.clean_environment())
            first.stdout.readline()
            self.assertEnds(board.run("info"), 3, f"busy; vcpflash (process {first.pid}) has it open")
            first.terminate()
            first.communicate(timeout=bench.PATIENCE)

    def silent_port(self, answer):
        """A pseudo-terminal on which `answer(bytes) -> bytes` sits."""
        master, slave = pty.openpty()
        self.addCleanup(os.close, slave)

        def serve():
            try:
                while True:
                    reply = answer(os.read(master, 4096))
                    if reply:
                        os.write(master, reply)
            except OSError:
                pass
        threading.Thread(target=serve, daemon=True).start()
        return os.ttyname(slave)

    def test_no_answer(self):
        port = self.silent_port(lambda b: b"")
        self.assertEnds(vcpflash("info", port=port), 3, port, "nothing answered")

    def test_garbage(self):
        noise = self.random
        self.assertEnds(vcpflash("info", port=self.silent_port(lambda b: noise.randbytes(200))), 3)

    def test_a_version_that_does_not_match(self):
        def refuse(request):
            body = bytes([0xF8, 0x87, 0, 0]) + tag_of(request) + bytes([1, 1, 2, 3])
            return frame(body) if tag_of(request) else b""
        self.assertEnds(vcpflash("info", port=self.silent_port(refuse)), 3, "protocol", "2", "3")

    def test_its_own_echo(self):
        self.assertEnds(vcpflash("info", port=self.silent_port(lambda b: b)), 3, "loopback")

    def test_a_board_that_vanishes(self):
        name = self.file("a.bin", self.bytes(60000))
        for how in ("kill", "terminate"):
            with self.subTest(how), Board(self.folder, link="uart:115200", time_mode="real",
                                          flash=False) as board:
                run = subprocess.Popen([str(bench.BIN / "vcpflash"), "-p", board.port, "--json", "--wait", "0", "program",
                                        f"{name}@{BASE:#x}"], text=True, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, env=bench.clean_environment())
                for line in run.stdout:
                    if '"program"' in line:
                        break
                getattr(board.process, how)()
                _, err = run.communicate(timeout=bench.PATIENCE)
                self.assertEqual(run.returncode, 3, err)
                self.assertEqual(err.count("vcpflash: "), 1, err)

    def test_a_tcp_peer_that_is_no_board(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            def serve():
                try:
                    peer, _ = server.accept()
                    peer.recv(1000)
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    peer.close()
                except OSError:
                    pass
            threading.Thread(target=serve, daemon=True).start()
            self.assertEnds(vcpflash("info", port=f"tcp://127.0.0.1:{server.getsockname()[1]}"), 3)


if __name__ == "__main__":
    bench.main()
