#!/usr/bin/env python3
"""Ports that the system lists: simulated boards behind pseudo-terminals that a private /sys
and /dev show as USB serial ports. Needs a mount namespace; without the right to one it is
skipped. And waiting for a port that is not there yet, which needs nothing."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import bench
from bench import Board, vcpflash

BASE = 0x90000000
KB = 1024
INSIDE = "--inside"
NODES = ("null", "zero", "full", "random", "urandom", "tty")


def hide_the_machine():
    """/sys/class/tty is empty from here on, and /dev has no serial port; only this process and
    its children see that."""
    pts = os.open("/dev/pts", os.O_DIRECTORY)
    run = lambda *args: subprocess.run(args, check=True, pass_fds=[pts])
    keep = pathlib.Path("/sys/class/tty")
    run("mount", "-t", "tmpfs", "none", str(keep))
    run("mount", "-t", "tmpfs", "none", "/mnt")
    for name in ("pts", *NODES):
        at = pathlib.Path("/mnt", name)
        at.mkdir() if name == "pts" else at.touch()
        run("mount", "--rbind", f"/dev/{name}", str(at))
    run("mount", "--rbind", "/mnt", "/dev")
    pathlib.Path("/dev/ptmx").symlink_to("pts/ptmx")
    os.close(pts)


class Usb:
    """A USB serial port as the system would show it: NAME, in front of a terminal."""

    def __init__(self, name, terminal, serial="A1", vid="0483", pid="374e", interface=2):
        self.name = f"/dev/{name}"
        self.node = pathlib.Path(self.name)
        root = pathlib.Path("/sys/class/tty/.usb") / name
        device, port = root / "usb1" / "1-1", root / "usb1" / "1-1" / "1-1:1.2"
        port.mkdir(parents=True)
        facts = {"busnum": 1, "devnum": 2, "idVendor": vid, "idProduct": pid, "product": "STLINK-V3", "serial": serial}
        for fact, value in facts.items():
            (device / fact).write_text(f"{value}\n")
        (port / "bInterfaceNumber").write_text(f"{interface:02x}\n")
        (port / name).mkdir()
        (port / name / "device").symlink_to(port)
        self.entry = pathlib.Path("/sys/class/tty") / name
        self.node.symlink_to(os.path.realpath(terminal))
        self.entry.symlink_to(port / name)
        self.root = root

    def pull(self):
        self.entry.unlink()
        self.node.unlink()
        subprocess.run(["rm", "-r", self.root], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.entry.is_symlink():
            self.pull()


class Ports(bench.Case):
    def board(self, sub, seed=5, **more):
        folder = self.folder / sub
        folder.mkdir(exist_ok=True)
        return Board(folder, "--seed", seed, **{"link": "uart:2000000", "time_mode": "real", **more})

    def test_they_are_listed(self):
        with self.board("a") as board, Usb("ttyACM0", board.port), \
                Usb("ttyUSB3", "/dev/null", serial="B2", vid="1a86", pid="7523"):
            ports = {p["port"]: p for p in vcpflash("--json", "ports").result["ports"]}
            self.assertEqual(list(ports), ["/dev/ttyACM0", "/dev/ttyUSB3"])
            a, b = ports.values()
            self.assertEqual((a["usb"], a["serial"], a["interface"], a["known"], a["board"]),
                             ("0483:374e", "A1", 2, True, "vcpflash-sim"))
            self.assertEqual(a["id"], board.run("--json", "info").result["info"]["id"])
            self.assertEqual((b["known"], b.get("board"), b.get("trouble")), (False, None, None))
            self.assertEnds(vcpflash("ports"), 0)

    def test_auto(self):
        name = self.file("a.bin", self.bytes(3000))
        self.assertEnds(vcpflash("info"), 3, "no serial port")
        with Usb("ttyUSB0", "/dev/null", vid="1a86", pid="7523"):
            self.assertEnds(vcpflash("info"), 3, "not known to be a board")
            with self.board("a") as one, Usb("ttyACM0", one.port):
                self.assertEnds(vcpflash("program", f"{name}@{BASE:#x}"), 0)
                with self.board("b", seed=6) as two, Usb("ttyACM1", two.port, serial="A2"):
                    self.assertEnds(vcpflash("info"), 3, "several boards answer (/dev/ttyACM0, /dev/ttyACM1)")

    def gang(self, *args):
        return vcpflash("--json", "gang", f"{self.folder}/a.bin@{BASE:#x}", "--log", self.folder / "log", *args)

    def test_gang_of_all(self):
        """Every known port, also where nobody answers; none that nobody knows."""
        self.file("a.bin", self.bytes(3000))
        self.assertEnds(self.gang("--all"), 3, "no port here is known to be a board")
        with self.board("a") as one, Usb("ttyACM0", one.port), self.board("b", seed=6) as two, \
                Usb("ttyACM10", two.port, serial="A2"), Usb("ttyUSB0", "/dev/null", vid="1a86", pid="7523"):
            run = self.gang("--all")
            self.assertEnds(run, 0)
            self.assertEqual((run.result["boards"], run.result["right"]), (2, 2))
            dead = os.openpty()
            with Usb("ttyACM2", os.ttyname(dead[1]), serial="A3"):
                run = self.gang("--all")
                self.assertEnds(run, 3, "1 of 3 boards failed", "/dev/ttyACM2")
                units = [json.loads(line) for line in run.out.splitlines()]
                self.assertEqual({u["port"]: u["exit"] for u in units if u["event"] == "unit"},
                                 {"/dev/ttyACM0": 0, "/dev/ttyACM2": 3, "/dev/ttyACM10": 0})
            for fd in dead:
                os.close(fd)

    def test_line_of_all(self):
        """Whatever is plugged in, wherever; what was there when the line began as well."""
        self.file("a.bin", self.bytes(3000))
        with self.board("a") as one, Usb("ttyACM0", one.port):
            line = subprocess.Popen(bench.command("--json", "gang", f"{self.folder}/a.bin@{BASE:#x}", "--all", "--loop",
                                                  "--log", self.folder / "log"), text=True, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, env=bench.clean_environment())
            self.addCleanup(line.kill)

            def unit():
                """The next board that has ended; whatever else is said meanwhile."""
                return next(e for e in map(json.loads, line.stdout) if e["event"] in ("unit", "result"))
            self.assertEqual((unit()["port"]), "/dev/ttyACM0")
            with self.board("b", seed=6) as two:
                for name in ("ttyACM1", "ttyACM5"):
                    with Usb(name, two.port, serial="A2"):
                        found = unit()
                        self.assertEqual((found["port"], found["exit"]), (f"/dev/{name}", 0))
                        two.stop()  # and unplugged
                    two.__enter__()
            line.send_signal(signal.SIGINT)
            self.assertEqual(unit()["right"], 3)
            _, err = line.communicate(timeout=bench.PATIENCE)
            self.assertEqual(line.returncode, 0, err)

    def test_auto_waits(self):
        with self.board("a") as board:
            usb = []
            plug = threading.Timer(0.7, lambda: usb.append(Usb("ttyACM0", board.port)))
            plug.start()
            run = vcpflash("--wait", 60, "info")
            plug.join()
            usb[0].pull()
            self.assertEnds(run, 0)
            self.assertIn("waiting: there is no serial port here", run.err)

    def comes_back(self, again, *, seed=5, code=0, **usb):
        """Programs, pulls the port in the middle, and shows a port of that name; what it said."""
        image = self.bytes(20 * KB)
        name = self.file("a.bin", image)
        with self.board("a") as board:
            port = Usb("ttyACM0", board.port)
            process = subprocess.Popen(bench.command("--json", "--wait", 20 if code == 0 else 3, "program",
                                                     f"{name}@{BASE:#x}", port=port.name),
                                       text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       env={**bench.clean_environment(), "XDG_STATE_HOME": str(self.folder)})
            for line in process.stdout:
                if '"phase":"program"' in line:
                    break
            port.pull()
            board.stop()
        with self.board("a", seed=seed) as board, Usb(again, board.port, **usb):
            _, err = process.communicate(timeout=bench.PATIENCE)
            self.assertEqual(process.returncode, code, err)
            board.stop()
            if code == 0:
                self.assertEqual(board.contents()[:len(image)], image)
        return err

    def test_under_another_name(self):
        self.assertIn("/dev/ttyACM0 is now /dev/ttyACM7", self.comes_back("ttyACM7"))

    def test_by_the_board_that_answers(self):
        self.assertIn("/dev/ttyACM0 is now /dev/ttyACM7", self.comes_back("ttyACM7", serial="other"))

    def test_another_board_there_is_left_alone(self):
        err = self.comes_back("ttyACM7", serial="other", seed=6, code=3)
        self.assertIn("did not come back within 3 s", err)

    def test_another_device_of_that_name_is_left_alone(self):
        err = self.comes_back("ttyACM0", serial="other", seed=6, code=3)
        self.assertIn("did not come back within 3 s", err)


class Waiting(bench.Case):
    def test_a_named_port(self):
        with self.subTest("in time"):
            boards = []
            plug = threading.Timer(0.5, lambda: boards.append(Board(self.folder).__enter__()))
            plug.start()
            run = vcpflash("info", "--wait", port=self.folder / "port")
            plug.join()
            boards[0].stop()
            self.assertEnds(run, 0)
            self.assertEqual(run.err.count("waiting: "), 1, run.err)
        with self.subTest("too late"):
            self.assertEnds(vcpflash("--wait=1", "info", port=self.folder / "port"), 3, "no such port")

    def test_a_port_that_is_busy(self):
        with Board(self.folder, link="uart:115200", time_mode="real") as board:
            name = self.file("a.bin", self.bytes(8 * KB))
            first = subprocess.Popen(bench.command("--json", "program", f"{name}@{BASE:#x}", port=board.port),
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=bench.clean_environment())
            first.stdout.readline()  # it has the port
            self.assertEnds(board.run("verify", "--wait", 60, f"{name}@{BASE:#x}"), 0)
            first.communicate(timeout=bench.PATIENCE)

    def test_ctrl_c(self):
        process = subprocess.Popen(bench.command("--wait", "info", port=self.folder / "port"), text=True,
                                   stderr=subprocess.PIPE, env=bench.clean_environment())
        self.assertIn("waiting: ", process.stderr.readline())
        process.terminate()
        _, err = process.communicate(timeout=bench.PATIENCE)
        self.assertEqual((process.returncode, err.count("vcpflash: ")), (130, 1), err)

    def test_usage(self):
        for args in (("--wait=soon", "info"), ("--wait", "99999999", "info"), ("--wait", "ports")):
            self.assertEnds(vcpflash(*args), 2, "--wait")


if __name__ == "__main__":
    if INSIDE in sys.argv:
        sys.argv.remove(INSIDE)
        hide_the_machine()
    else:
        root = [] if os.geteuid() == 0 else ["--map-root-user"]
        me = ["unshare", "--mount", *root, sys.executable]
        can = subprocess.run(["unshare", "--mount", *root, "mount", "-t", "tmpfs", "none", "/mnt"],
                             capture_output=True).returncode == 0
        if can:
            os.execvp(me[0], [*me, __file__, INSIDE, *sys.argv[1:]])
        print("no mount namespace here: listed ports are not tested", file=sys.stderr)
        Ports = None
    bench.main()
