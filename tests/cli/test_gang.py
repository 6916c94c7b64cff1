#!/usr/bin/env python3
"""Many boards at once, the production line, and the log of both."""
import csv
import fcntl
import io
import json
import os
import pty
import re
import resource
import signal
import sqlite3
import struct
import subprocess
import termios
import threading

import bench
from bench import Board, vcpflash, wait_for

BASE = 0x90000000
SIZE = 40000


class Gang(bench.Case):
    def setUp(self):
        super().setUp()
        self.image = self.file("image.bin", self.bytes(SIZE))
        self.what = f"{self.image}@{BASE:#x}"
        self.log = self.folder / "log.sqlite"
        self.env = dict(bench.clean_environment(), XDG_STATE_HOME=str(self.folder / "state"))

    def board(self, seed, *options, **more):
        folder = self.folder / f"board{seed}"
        folder.mkdir(exist_ok=True)
        more = {"chip": "w25q128jv", "flash": False, **more}
        board = Board(folder, "--seed", seed, *options, **more)
        self.addCleanup(lambda: board.stop(signal.SIGKILL) if hasattr(board, "process") else None)
        return board

    def boards(self, count, **more):
        return [self.board(seed, **more).__enter__() for seed in range(1, count + 1)]

    def gang(self, ports, *args, json_too=True, **options):
        ports = ",".join(str(p) for p in ports)
        return vcpflash(*(["--json"] if json_too else []), "gang", self.what, "--ports", ports, "--log", self.log,
                        *args, env=self.env, **options)

    def start(self, ports, *args):
        """The command as a process, and its events as they come."""
        process = subprocess.Popen(
            bench.command("--json", "gang", self.what, "--ports", ",".join(str(p) for p in ports),
                          "--log", self.log, *args),
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env)
        events = []

        def read():
            for line in process.stdout:
                events.append(json.loads(line))
        thread = threading.Thread(target=read)
        thread.start()
        self.addCleanup(process.kill)
        return process, events, thread

    def end(self, process, thread):
        process.wait(bench.PATIENCE)
        thread.join(bench.PATIENCE)
        return process.returncode, process.stderr.read()

    def rows(self, *args):
        run = vcpflash("--json", "log", "--log", self.log, *args, env=self.env)
        self.assertEqual(run.code, 0, run.err)
        return [r for r in map(json.loads, run.out.splitlines()) if r["event"] == "unit"]

    @staticmethod
    def units(run):
        return {e["port"]: e for e in map(json.loads, run.out.splitlines()) if e["event"] == "unit"}


class Many(Gang):
    def test_bad_boards_cost_the_others_nothing(self):
        """One hangs, one vanishes in the middle, one has a cell that will not program, and one port takes
        nothing and says nothing."""
        boards = [self.board(1, link="uart:921600", time_mode="real").__enter__(),
                  self.board(2, link="uart:921600", time_mode="real").__enter__(),
                  self.board(3, "--fault", "badbit=0x1000").__enter__(), *(self.board(s).__enter__() for s in range(4, 9))]
        os.kill(boards[0].process.pid, signal.SIGSTOP)
        deaf = pty.openpty()
        ports = [*(b.port for b in boards), os.ttyname(deaf[1])]
        process, events, thread = self.start(ports, "--wait", "0")

        def programming():
            return any(e["event"] == "progress" and e["port"] == boards[1].port and e["phase"] == "program" and
                       e["done"] > 0 for e in list(events))
        self.assertTrue(wait_for(programming))
        boards[1].stop(signal.SIGKILL)
        code, err = self.end(process, thread)
        ended = {e["port"]: e["exit"] for e in events if e["event"] == "unit"}
        for fd in deaf:
            os.close(fd)
        self.assertEqual([ended[p] for p in ports], [3, 3, 4, 0, 0, 0, 0, 0, 3])
        self.assertEqual(code, 4, err)
        self.assertIn("4 of 9 boards failed", err)
        result = events[-1]
        self.assertEqual((result["boards"], result["right"], result["failed"]), (9, 5, 4))
        # whoever is right had ended before those that hang were given up
        order = [e["port"] for e in events if e["event"] == "unit"]
        self.assertEqual(set(order[-2:]), {ports[0], ports[-1]})
        os.kill(boards[0].process.pid, signal.SIGCONT)
        for board in boards[3:]:
            self.assertEqual(board.run("verify", self.what).code, 0)
        rows = self.rows()
        self.assertEqual(len(rows), 9)
        self.assertEqual({r["port"]: r["exit"] for r in rows}, ended)
        self.assertEqual(len({r["board"] for r in rows if r["board"]}), 7)
        self.assertEqual({len(r["digest"]) for r in rows}, {64})

    def test_what_a_person_and_a_script_read(self):
        boards = self.boards(3)
        ports = [b.port for b in boards]
        run = self.gang(ports[:2], "--ports", ports[2], json_too=False)
        self.assertEqual(run.code, 0, run.err)
        self.assertEqual([l.split()[0] for l in run.out.splitlines()[1:4]], [str(p) for p in ports])
        self.assertRegex(run.out.splitlines()[-1], r"^3 of 3 boards right, in ")
        self.assertEqual(len(re.findall(r": done: ", run.err)), 3)
        self.assertNotIn("\x1b", run.out + run.err)
        again = self.gang(ports)
        self.assertEqual(again.result["right"], 3)
        for unit in self.units(again).values():
            self.assertEqual((unit["ok"], unit["programmed_bytes"], unit["image_bytes"]), (True, 0, SIZE))
        inspected = vcpflash("--json", "inspect", self.what).result["digest"]
        self.assertEqual({r["digest"] for r in self.rows()}, {inspected})
        self.assertEqual(again.result["digest"], inspected)

    def test_a_long_cause_is_said_once_in_full(self):
        advice = "check its write-protect pin"
        with self.board(1, "--fault", "chip=protected") as bad, self.board(2) as good:
            for ports in ([bad.port], [bad.port, good.port]):
                run = self.gang(ports, json_too=False)
                self.assertEqual(run.code, 4, run.err)
                failed, last = [line for line in run.err.splitlines() if "(locked)" in line]
                self.assertIn("FAILED (exit 4): ", failed)
                self.assertTrue(failed.endswith(advice), failed)
                row = next(line for line in run.out.splitlines() if "FAILED (4)" in line)
                cause = row.split("  ")[-1]
                self.assertIn(f": {cause}: ", failed)
                self.assertTrue(last.endswith(f"{bad.port}: {cause}"), last)
            # who sees nothing else sees it in the last line, and so does a script
            self.assertTrue(self.gang([bad.port], "-q", json_too=False).err.rstrip().endswith(advice))
            self.assertTrue(self.gang([bad.port]).result["error"].endswith(advice))
        self.assertTrue(all(r["cause"].endswith(advice) for r in self.rows("--failed")))

    def test_one_port_is_named_once(self):
        with self.board(1) as board, self.board(2, tcp=True) as far:
            link = self.folder / "another name"
            link.symlink_to(board.port)
            number = far.port.rsplit(":", 1)[1]
            for ports, words in (((board.port, board.port), ("named twice",)), ((board.port, link), ("one port", str(link))),
                                 ((far.port, f"tcp://localhost:{number}"), ("one port",))):
                self.assertEnds(self.gang(ports), 2, *words)
        self.assertFalse(self.log.exists())
        for ports in (("a", ""), ("auto",)):
            self.assertEnds(self.gang(ports), 2)
        for args in ((), ("--all", "--ports", "x"), ("--ports", "x", "-p", "y"), ("--ports", "x", "--dry-run"),
                     ("--ports", "x", "--log", "y", "--no-log")):
            self.assertEnds(vcpflash("gang", self.what, *args), 2)

    def test_two_ports_of_one_board_are_told(self):
        """Two boards that give one id stand for one that is reached twice."""
        first, second = self.board(5).__enter__(), Board(self.folder, "--seed", 5, chip="w25q128jv", flash=False)
        with second:
            run = self.gang([first.port, second.port])
            self.assertEnds(run, 6, "the same board", "nothing was done here")
            self.assertEqual(sorted(u["exit"] for u in self.units(run).values()), [0, 6])

    def test_ports_that_are_not_there(self):
        with self.board(1) as board:
            run = self.gang([board.port, self.folder / "nowhere", "tcp://127.0.0.1:1"])
            self.assertEnds(run, 3, "2 of 3 boards failed")
            self.assertEqual(len(self.rows()), 3)
        self.assertEnds(vcpflash("gang", self.what, "--ports", "tcp://no.such.host.invalid:1", "--no-log"), 3)

    def test_interrupted(self):
        boards = self.boards(3, link="uart:460800", time_mode="real")
        process, events, thread = self.start([b.port for b in boards])
        self.assertTrue(wait_for(lambda: any(e.get("phase") == "program" for e in list(events))))
        process.send_signal(signal.SIGINT)
        code, err = self.end(process, thread)
        self.assertEqual(code, 130, err)
        self.assertEqual({r["result"] for r in self.rows()}, {"interrupted"})
        for board in boards:
            self.assertEqual(board.run("info").code, 0)

    def test_a_terminal_that_is_too_small(self):
        boards = self.boards(6)
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 60, 0, 0))
        process = subprocess.Popen(
            bench.command("gang", self.what, "--ports", ",".join(str(b.port) for b in boards), "--no-log"),
            stdin=slave, stdout=subprocess.DEVNULL, stderr=slave, env=dict(self.env, TERM="xterm"))
        os.close(slave)
        seen = b""
        while True:
            try:
                seen += os.read(master, 4096)
            except OSError:
                break
        os.close(master)
        self.assertEqual(process.wait(bench.PATIENCE), 0)
        text = seen.decode()
        self.assertIn("and 4 more; 0 right, 0 failed so far", text)
        self.assertLessEqual(max(map(int, re.findall(r"\x1b\[(\d+)A", text))), 3)
        for line in re.sub(r"\x1b\[\d*[A-Za-z]", "", text).replace("\r", "\n").split("\n"):
            if ": done: " not in line:
                self.assertLess(len(line), 60)


class Log(Gang):
    def test_reading_it(self):
        name = self.file('odd "name", and more.bin', self.bytes(100))
        with self.board(1) as board:
            run = vcpflash("gang", f"{name}@{BASE:#x}", "--ports", f"{board.port},{self.folder}/nowhere", "--log",
                           self.log, env=self.env)
            self.assertEqual(run.code, 3)
        run = vcpflash("log", "--csv", "--log", self.log)
        table = list(csv.DictReader(io.StringIO(run.out, newline="")))
        self.assertEqual(len(table), 2)
        with sqlite3.connect(self.log) as db: # all columns of the view, and no others
            columns = [c[0] for c in db.execute("SELECT * FROM log").description]
        db.close()
        self.assertEqual(set(table[0]), set(columns))
        self.assertEqual(set(self.rows()[0]) - {"event"}, set(columns))
        self.assertEqual(len({r["run_time"] for r in table}), 1)
        self.assertEqual({r["files"] for r in table}, {f"{name}@{BASE:#x}"})
        self.assertEqual({r["exit"] for r in table}, {"0", "3"})
        right = [r for r in self.rows() if r["exit"] == 0][0]
        self.assertEqual([r["exit"] for r in self.rows("--failed")], [3])
        self.assertEqual([r["id"] for r in self.rows("--board", right["board"][:6])], [right["id"]])
        self.assertEqual(len(self.rows("--since", "1h")), 2)
        self.assertEqual(len(self.rows("--since", right["time"])), 2)
        self.assertEqual(len(self.rows("--since", "2999-01-01")), 0)
        self.assertEqual(len(vcpflash("log", "--log", self.log).out.splitlines()), 2)
        for since in ("yesterday", "2026-13", "h", "5y", ""):
            self.assertEnds(vcpflash("log", "--log", self.log, "--since", since), 2 if since != "2026-13" else 0)
        self.assertEnds(vcpflash("log", "--csv", "--json", "--log", self.log), 2)
        self.assertEnds(vcpflash("log", env=self.env), 5, "no gang has run yet")
        nowhere = self.folder / "nowhere" # looking makes nothing
        self.assertEnds(vcpflash("log", env=dict(self.env, XDG_STATE_HOME=str(nowhere))), 5, "no gang has run yet")
        self.assertFalse(nowhere.exists())
        self.assertEnds(vcpflash("log", env=dict(self.env, XDG_STATE_HOME="/proc/none")), 5, "no gang has run yet")
        with sqlite3.connect(self.log) as db:
            self.assertEqual(db.execute("PRAGMA user_version").fetchone(), (1,))
            self.assertEqual(db.execute("SELECT result FROM log ORDER BY exit").fetchall(), [("ok",), ("failed",)])

    def refused(self, *words):
        """Said before the board was touched."""
        with self.board(9) as board:
            self.assertEnds(self.gang([board.port]), 5, *words)
            read = board.run("read", hex(BASE), "16", "-", text=False)
            self.assertEqual(read.out, b"\xff" * 16)

    def test_files_that_are_no_log(self):
        self.log.write_bytes(b"something else, long enough to be looked at" * 100)
        self.refused("not a log of vcpflash", str(self.log))
        self.log.unlink()
        with sqlite3.connect(self.log) as db:
            db.execute("CREATE TABLE mine(x)")
        db.close()
        self.refused("none of vcpflash's")
        self.log.unlink()
        with self.board(1) as board:
            self.assertEqual(self.gang([board.port]).code, 0)
        with sqlite3.connect(self.log) as db:
            db.execute("PRAGMA user_version=2")
        db.close()
        self.refused("newer vcpflash")
        with sqlite3.connect(self.log) as db:
            db.execute("PRAGMA user_version=1")
        db.close()
        whole = bytearray(self.log.read_bytes())
        whole[4096:] = b"\xa5" * (len(whole) - 4096)
        self.log.write_bytes(whole)
        self.refused("damaged")
        self.log = self.folder / "no" / "such" / "directory"
        self.refused("cannot be opened there")
        self.log = self.folder / "pipe"
        os.mkfifo(self.log)
        for self.log in (self.log, "/dev/null", "/dev/full"):
            self.refused("keeps no log", "--no-log")
            self.assertEnds(vcpflash("log", "--log", self.log), 5, "keeps no log")

    @staticmethod
    def limit(size):
        def apply():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        return apply

    def test_a_full_disk(self):
        with self.board(1) as board:
            run = self.gang([board.port], preexec_fn=self.limit(8192))
            self.assertEnds(run, 5, str(self.log))
            self.assertEqual(self.units(run), {})
            # room for the beginning only: the board is finished, and the failure told
            with self.board(2) as other:
                self.assertEqual(self.gang([other.port]).code, 0)
            size = max(f.stat().st_size for f in self.folder.glob("log.sqlite*"))
            for room in range(0, 20000, 4096):
                run = self.gang([board.port], preexec_fn=self.limit(size + room))
                if run.code == 0:
                    break
                self.assertEnds(run, 5)
                if self.units(run):
                    self.assertIn("all boards are right, but", run.error)
                    self.assertTrue(all(u["ok"] for u in self.units(run).values()))
            self.assertEqual(run.code, 0)
            self.assertEqual(board.run("verify", self.what).code, 0)

    def test_several_gangs_write_one_log(self):
        boards = self.boards(6)
        started = [self.start([b.port for b in boards[i:i + 2]]) for i in (0, 2, 4)]
        for process, _, thread in started:
            code, err = self.end(process, thread)
            self.assertEqual(code, 0, err)
        self.assertEqual(len(self.rows()), 6)

    def test_a_log_that_somebody_holds(self):
        """The boards are done meanwhile; the rows come when it is free."""
        with self.board(1) as board:
            self.assertEqual(self.gang([board.port]).code, 0)
            db = sqlite3.connect(self.log, isolation_level=None)
            process, events, thread = self.start([board.port], "--full")
            self.assertTrue(wait_for(lambda: any(e["event"] == "progress" for e in list(events))))
            db.execute("BEGIN IMMEDIATE")
            self.assertTrue(wait_for(lambda: any(e["event"] == "unit" for e in list(events))))
            db.execute("ROLLBACK")
            code, err = self.end(process, thread)
            self.assertEqual(code, 0, err)
            self.assertEqual(len(self.rows()), 2)


class Line(Gang):
    """The production line: boards come and go at two ports."""

    def of(self, events, kind, port=None):
        return [e for e in list(events) if e["event"] == kind and port in (None, e.get("port"))]

    def plug(self, port, seed):
        board = self.board(seed)
        board.options[board.options.index("--pty") + 1] = str(port)
        board.__enter__()
        return board

    def test_one_after_the_other(self):
        left, right = str(self.folder / "left"), str(self.folder / "right")
        process, events, thread = self.start([left, right], "--loop")
        here, there = self.plug(left, 11), self.plug(right, 12)
        self.assertTrue(wait_for(lambda: len(self.of(events, "unit")) == 2))
        here.stop()
        self.assertTrue(wait_for(lambda: self.of(events, "unplugged", left)))
        next_one = self.plug(left, 13)
        self.assertTrue(wait_for(lambda: len(self.of(events, "unit", left)) == 2))
        # long enough for the boards that stay to be asked again
        next_one.stop()
        self.assertTrue(wait_for(lambda: len(self.of(events, "unplugged", left)) == 2))
        same = self.plug(left, 11)  # was unplugged: it is a unit again
        self.assertTrue(wait_for(lambda: len(self.of(events, "unit", left)) == 3))
        process.send_signal(signal.SIGINT)
        code, err = self.end(process, thread)
        self.assertEqual(code, 0, err)
        self.assertEqual(len(self.of(events, "unit", right)), 1)
        self.assertEqual((events[-1]["event"], events[-1]["right"]), ("result", 4))
        self.assertEqual(len(self.rows()), 4)
        for board in (there, same):
            self.assertEqual(board.run("verify", self.what).code, 0)

    def test_a_port_that_stays_is_asked_for_the_next_board(self):
        """A jig: the port was there before, and boards are exchanged behind it."""
        with self.board(21, tcp=True) as first:
            port = first.port
            process, events, thread = self.start([port], "--loop")
            self.assertTrue(wait_for(lambda: len(self.of(events, "unit")) == 1))
        second = self.board(22, tcp=True)
        second.options[second.options.index("--tcp") + 1] = port.removeprefix("tcp://")
        second.__enter__()
        self.assertTrue(wait_for(lambda: len(self.of(events, "unit")) == 2))
        process.send_signal(signal.SIGTERM)
        code, err = self.end(process, thread)
        self.assertEqual(code, 0, err)
        self.assertEqual(len({e["board"] for e in self.of(events, "unit")}), 2)

    def test_a_board_that_cannot_be_done(self):
        port = str(self.folder / "post")
        process, events, thread = self.start([port], "--loop")
        bad = self.board(31, "--fault", "badbit=0x1000")
        bad.options[bad.options.index("--pty") + 1] = port
        bad.__enter__()
        self.assertTrue(wait_for(lambda: len(self.of(events, "unit")) == 1))
        bad.stop()
        self.assertTrue(wait_for(lambda: self.of(events, "unplugged")))
        self.plug(port, 32)
        self.assertTrue(wait_for(lambda: len(self.of(events, "unit")) == 2))
        process.send_signal(signal.SIGINT)
        code, err = self.end(process, thread)
        self.assertEqual(code, 4, err)
        self.assertEqual([r["exit"] for r in self.rows()], [4, 0])


if __name__ == "__main__":
    bench.main()
