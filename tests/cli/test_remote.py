#!/usr/bin/env python3
"""Boards on other machines: a real ser2net in front of a simulated board, as
docs/PORTS.md describes it, and servers that are something else."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import bench
from bench import Board, vcpflash

BASE = 0x90000000
DOCS = pathlib.Path(__file__).parents[2] / "docs" / "PORTS.md"
SER2NET = shutil.which("ser2net", path="/usr/sbin:/usr/bin:/sbin:/bin")
PATIENT = ("--wait", 60)  # ser2net says nowhere when it listens


# An address of this program alone: what is free here stays free, whatever runs beside it.
HOST = f"127.1.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"


def free_port():
    with socket.socket() as s:
        s.bind((HOST, 0))
        return s.getsockname()[1]


class Ser2net:
    """ser2net with the configuration of docs/PORTS.md, on a port of this machine."""

    def __init__(self, folder, device, accepter="telnet(rfc2217),tcp"):
        self.number = free_port()
        text = re.search(r"```yaml\n(.*?)```", DOCS.read_text(), re.S).group(1)
        text = text.replace("telnet(rfc2217),tcp,3333", f"{accepter},{HOST},{self.number}")
        text = text.replace("/dev/ttyACM0", str(device))
        self.config = pathlib.Path(folder) / f"ser2net-{self.number}.yaml"
        self.config.write_text(text)
        self.start()

    def start(self):
        self.process = subprocess.Popen([SER2NET, "-n", "-d", "-c", str(self.config)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait(timeout=bench.PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()

    def port(self, scheme="rfc2217"):
        return f"{scheme}://{HOST}:{self.number}"


class Remote(bench.Case):
    def setUp(self):
        super().setUp()
        self.assertIsNotNone(SER2NET, "this test needs ser2net")

    def board(self, **more):
        return Board(self.folder, "--max-baud", 1000000, "--seed", self.random.randrange(1 << 31),
                     **{"link": "uart:115200", "time_mode": "real", **more})

    def listening(self, server):
        """What `info` says, as soon as somebody listens."""
        run = None

        def answers():
            nonlocal run
            run = vcpflash("info", port=server.port())
            return "refused" not in run.error
        bench.wait_for(answers)
        return run

    def image(self, size):
        """Random, with many of the byte that telnet has a meaning for."""
        return self.file("a.bin", b"".join(self.bytes(3) + b"\xff" * (i % 5) for i in range(size // 5)))

    def test_the_rate_goes_up_and_everything_arrives(self):
        name = self.image(30000)
        with self.board() as board, Ser2net(self.folder, board.port) as server:
            run = vcpflash("--json", *PATIENT, "program", f"{name}@{BASE:#x}", port=server.port())
            self.assertEnds(run, 0)
            self.assertEqual(run.result["baud"], 1000000)
            run = vcpflash(*PATIENT, "verify", "--verify", "full", f"{name}@{BASE:#x}", port=server.port())
            self.assertEnds(run, 0)
            back = self.folder / "back.bin"
            self.assertEnds(vcpflash(*PATIENT, "read", "0", name.stat().st_size, back, port=server.port()), 0)
            self.assertEqual(back.read_bytes(), name.read_bytes())
            board.stop()
            self.assertEqual(board.contents()[:name.stat().st_size], name.read_bytes())

    def test_ser2net_is_killed_and_started_again(self):
        name = self.image(50000)
        with self.board() as board, Ser2net(self.folder, board.port) as server:
            run = subprocess.Popen(bench.command("--json", *PATIENT, "program", f"{name}@{BASE:#x}",
                                                 port=server.port()),
                                   text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=bench.clean_environment())
            for line in run.stdout:
                if '"phase":"program"' in line:
                    break
            server.stop()
            time.sleep(0.2)  # long enough for a call that is refused
            server.start()
            _, err = run.communicate(timeout=bench.PATIENCE)
            self.assertEqual(run.returncode, 0, err)
            self.assertIn("is gone: waiting", err)
            board.stop()
            self.assertEqual(board.contents()[:name.stat().st_size], name.read_bytes())

    def test_a_gang(self):
        """Two boards behind servers, one behind a server that has lost its device, one at this machine."""
        name = self.image(20000)
        folders = [self.folder / str(i) for i in range(3)]
        for folder in folders:
            folder.mkdir()
        boards = [Board(folder, "--max-baud", 1000000, "--seed", i, link="uart:115200", time_mode="real")
                  for i, folder in enumerate(folders)]
        with boards[0] as one, boards[1] as two, boards[2] as here, Ser2net(self.folder, one.port) as first, \
                Ser2net(self.folder, two.port) as second, Ser2net(self.folder, self.folder / "nothing") as third:
            for server in (first, second, third):
                self.listening(server)
            ports = [first.port(), second.port(), third.port(), str(here.port)]
            run = vcpflash("--json", "gang", f"{name}@{BASE:#x}", "--no-log", "--ports", ",".join(ports))
            self.assertEnds(run, 3, "1 of 4 boards failed", third.port(), "closed the connection")
            units = [e for e in map(json.loads, run.out.splitlines()) if e["event"] == "unit"]
            self.assertEqual({u["port"]: u["exit"] for u in units}, dict(zip(ports, (0, 0, 3, 0))))
            self.assertEqual({u["baud"] for u in units if u["ok"] and u["port"].startswith("rfc")}, {1000000})
        for board in boards:
            self.assertEqual(board.contents()[:name.stat().st_size], name.read_bytes())

    def test_a_raw_port(self):
        name = self.image(5000)
        with self.board() as board, Ser2net(self.folder, board.port, "tcp") as server:
            self.assertEnds(vcpflash(*PATIENT, "program", f"{name}@{BASE:#x}", port=server.port("tcp")), 0)
            self.assertEnds(vcpflash("info", port=server.port()), 3, server.port(), "no telnet",
                            server.port("tcp"))

    def test_telnet_where_it_is_not_expected(self):
        with self.board() as board, Ser2net(self.folder, board.port) as server:
            self.assertEnds(vcpflash(*PATIENT, "info", port=server.port()), 0)  # it listens
            self.assertEnds(vcpflash("info", port=server.port("tcp")), 3, "telnet server", "rfc2217://")

    def test_telnet_without_rfc_2217(self):
        with self.board() as board, Ser2net(self.folder, board.port, "telnet,tcp") as server:
            self.assertEnds(self.listening(server), 3, "without RFC 2217", "telnet(rfc2217)")

    def test_a_device_that_is_not_there(self):
        with Ser2net(self.folder, self.folder / "nothing") as server:
            self.assertEnds(self.listening(server), 3, server.port(), "closed the connection")


class NoServer(bench.Case):
    def test_nobody_listens(self):
        for scheme in ("tcp", "rfc2217"):
            port = f"{scheme}://{HOST}:{free_port()}"
            self.assertEnds(vcpflash("info", port=port), 3, port, "refused")
            self.assertEnds(vcpflash("info", port=f"{scheme}://no-such-host.invalid:1"), 3, "unknown host")
            for wrong in ("localhost", "localhost:70000", "localhost:http", ":1", "::1:4"):
                self.assertEnds(vcpflash("info", port=f"{scheme}://{wrong}"), 2, "HOST:PORT")

    def test_a_listener_that_never_accepts(self):
        """Its queue is full, so calls are not answered: a machine that is off looks the same."""
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen(0)
            port = server.getsockname()[1]
            callers = [socket.socket() for _ in range(4)]
            try:
                for caller in callers:
                    caller.setblocking(False)
                    caller.connect_ex(("127.0.0.1", port))
                self.assertEnds(vcpflash("info", port=f"tcp://127.0.0.1:{port}"), 3, "no answer within 5 s")
            finally:
                for caller in callers:
                    caller.close()

    def test_a_server_that_hangs_up(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            def serve():
                try:
                    while True:
                        peer, _ = server.accept()
                        peer.sendall(b"No\x1b[31m entry\r\nhere\r\n")
                        peer.shutdown(socket.SHUT_WR)
                        peer.recv(100)
                        peer.close()
                except OSError:
                    pass
            threading.Thread(target=serve, daemon=True).start()
            run = vcpflash("info", port=f"rfc2217://127.0.0.1:{server.getsockname()[1]}")
            self.assertEnds(run, 3, "closed the connection and said: No[31m entry here")

    def test_ipv6(self):
        try:
            server = socket.create_server(("::1", 0), family=socket.AF_INET6)
        except OSError:
            self.skipTest("no IPv6 here")
        port = server.getsockname()[1]
        server.close()
        with Board(self.folder, tcp=True) as board:
            self.assertEnds(vcpflash("info", port=board.port), 0)
        for scheme in ("tcp", "rfc2217"):
            run = vcpflash("info", port=f"{scheme}://[::1]:{port}")
            self.assertEnds(run, 3)
            self.assertEqual(run.error, f"vcpflash: {scheme}://[::1]:{port}: connection refused: nobody listens "
                                        "there; is its server running, and the port's number right?")


if __name__ == "__main__":
    bench.main()
