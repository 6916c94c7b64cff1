"""The Python module against simulated boards, as a script uses it; its structures against the
header's; its types by mypy."""
import array
import ctypes
import gc
import hashlib
import inspect
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import unittest

from command_line import VCPFLASH
from installed import TOP, bench, tool

# What is kept goes where the tests' commands keep it too.
os.environ["XDG_STATE_HOME"] = bench.clean_environment()["XDG_STATE_HOME"]
sys.path.insert(0, str(TOP / "python"))

import vcpflash  # noqa: E402
from vcpflash import _abi  # noqa: E402
from vcpflash._call import Call  # noqa: E402

BASE = 0x90000000
# Little is under way when it is stopped.
SLOW = "--ring", "2048", "--window", "2048", "--payload", "256"


class Abi(bench.Case):
    def test_it_takes_what_the_command_takes(self):
        """But nobody is asked anything, so there is nothing to say yes to; and what is said in the command's options
        of one meaning has its own name, or a function of its own."""
        names = {"verify": "verify_full", "chip": None, "yes": None}
        for command in VCPFLASH.commands:
            function = getattr(vcpflash, command, None)
            if function is None or command == "ports":
                continue
            takes = set(inspect.signature(function).parameters)
            wanted = {names.get(o, o.replace("-", "_")) for o in VCPFLASH.only if command in VCPFLASH.only[o]}
            self.assertEqual(wanted - takes - {None}, set(), f"vcpflash.{command} in Python")
            self.assertLessEqual({"baud", "max_baud", "key_file"}, takes)
        self.assertLessEqual({"program", "verify", "read", "erase", "digest", "run", "info", "doctor", "ports"},
                             set(dir(vcpflash)))

    def test_structures(self):
        """Sizes and offsets are those that a C compiler gives the header's."""
        kinds = {"options": _abi.Options, "file": _abi.File, "report": _abi.Report, "memory": _abi.Memory,
                 "port": _abi.Port, "findings": _abi.Findings}
        lines, expected = [], []
        for name, kind in kinds.items():
            lines.append(f'printf("{name} %zu\\n", sizeof(vcpflash_{name}));')
            expected.append(f"{name} {ctypes.sizeof(kind)}")
            for member, *_ in kind._fields_:
                field = getattr(kind, member)
                lines.append(f'printf("{name}.{member} %zu %zu\\n", offsetof(vcpflash_{name}, {member}), '
                             f'sizeof(((vcpflash_{name} *)0)->{member}));')
                expected.append(f"{name}.{member} {field.offset} {field.size}")
        source = self.file("abi.c", "#include <stdio.h>\n#include <vcpflash/vcpflash.h>\nint main(void) {"
                           + "\n".join(lines) + "return 0; }\n")
        tool("cc", "-I", TOP / "include", source, "-o", self.folder / "abi")
        self.assertEqual(tool(self.folder / "abi").splitlines(), expected)

    def test_no_member_is_missing(self):
        """The last member of each structure ends where the structure does, padding aside."""
        for kind in (_abi.Options, _abi.File, _abi.Report, _abi.Memory, _abi.Port, _abi.Findings):
            last = getattr(kind, kind._fields_[-1][0])
            self.assertLess(ctypes.sizeof(kind) - last.offset - last.size, 8, kind)

    def test_every_function_is_there(self):
        named = {line.strip().rstrip(";") for line in (TOP / "client/libvcpflash.map").read_text().splitlines()
                 if line.startswith("\tvcpflash_")}
        self.assertEqual({"vcpflash_" + name for name in _abi._FUNCTIONS}, named)

    def test_older_report(self):
        """A caller that knows less gets less, and nothing beyond it is touched."""
        report = _abi.Report(size=_abi.Report.hint.offset, attempts=77)
        code = _abi.call["erase"](b"/nowhere", 0, 1, None, ctypes.byref(report))
        self.assertEqual((code, report.code, report.attempts), (-3, -3, 77))
        self.assertIn(b"/nowhere", report.text)

    def test_older_options(self):
        """What lies behind the members that a caller knows is not looked at; what a newer one adds is not either."""
        for size, asked in (_abi.Options.stop.offset, []), (ctypes.sizeof(_abi.Options), [1]), (4096, [1]):
            told = []
            room = ctypes.create_string_buffer(b"\xff" * 4096)
            options = _abi.Options.from_buffer(room)
            ctypes.memset(room, 0, ctypes.sizeof(_abi.Options))
            options.size = size
            stop = _abi.STOP(lambda _: told.append(1) or 1)
            options.stop = stop
            options.wait_ms = _abi.FOREVER if asked else 0
            report = _abi.Report(size=ctypes.sizeof(_abi.Report))
            code = _abi.call["erase"](b"/nowhere", 0, 1, ctypes.byref(options), ctypes.byref(report))
            self.assertEqual((code, told[:1]), (-7 if asked else -3, asked), size)

    def test_words(self):
        """No option of the command is left in what a caller reads."""
        source = (TOP / "client/library_words.c").read_text()
        known = set(re.findall(r'\{"(-[\w-]+)", ', source)) | {"-v", "-hex"}  # of other programs
        for room in "client", "host", "image", "io", "wire":
            for path in sorted((TOP / room).glob("*.c")):
                if path.name == "library_words.c":
                    continue
                text = re.sub(r'"\s*"', "", path.read_text())
                for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', text):
                    for option in re.findall(r"(?<=[ (])--?[a-z][a-z-]*(?=[ ,;:.)]|$)", literal):
                        self.assertIn(option, known, f"{path.name}: add it to library_words.c")

    def test_options_without_size(self):
        report = _abi.Report(size=ctypes.sizeof(_abi.Report))
        code = _abi.call["erase"](b"/nowhere", 0, 1, ctypes.byref(_abi.Options()), ctypes.byref(report))
        self.assertEqual(code, -2)
        self.assertIn(b"vcpflash_defaults", report.text)

    def test_types(self):
        script = self.file("user.py", """
import vcpflash
def show(p: vcpflash.Progress) -> None:
    print(f"{p.phase} {p.fraction:.0%}")
report: vcpflash.Report = vcpflash.program("auto", ["a.hex", vcpflash.Data(b"x", 0x1000)], progress=show)
names: list[str] = [m.name for m in vcpflash.info().memories]
""")
        env = {**os.environ, "MYPYPATH": str(TOP / "python")}
        cache = self.folder / "cache"
        for version in "3.9", "3.11":
            tool("mypy", "--strict", "--python-version", version, "--cache-dir", cache, TOP / "python/vcpflash",
                 script, env=env)
        script.write_text('import vcpflash\nvcpflash.program(1, "a.hex")\nvcpflash.read("auto", "0", 1)\n')
        said = tool("mypy", "--strict", "--cache-dir", cache, script, env=env, code=1)
        self.assertIn("Found 2 errors", said)


class Module(bench.Case):
    def board(self, *options, **more):
        return bench.Board(self.folder, *options, **more)

    def test_program(self):
        data = self.bytes(20000)
        image = self.file("image.hex", bench.intel_hex((BASE, data)))
        extra = self.file("extra.bin", self.bytes(100))
        told = []
        with self.board("--name", "a board") as b:
            report = vcpflash.program(b.port, [image, f"{extra}@{BASE + 0x8000:#x}",
                                               vcpflash.Data(b"serial 42", BASE + 0xF000)], progress=told.append)
            self.assertEqual((report.board, report.port, report.image_bytes, report.nothing_to_do),
                             ("a board", b.port, 20109, False))
            self.assertGreater(report.seconds, 0)
            self.assertEqual(vcpflash.read(b.port, BASE, 20000), data)
            self.assertEqual(vcpflash.read(b.port, 0xF000, 9), b"serial 42")
            self.assertEqual(vcpflash.digest(b.port, BASE, 20000), hashlib.sha256(data).digest())
            self.assertTrue(vcpflash.program(b.port, image).nothing_to_do)
            self.assertEqual(vcpflash.verify(b.port, image, verify_full=True).image_bytes, 20000)
            vcpflash.erase(b.port, BASE + 100, 50)
            self.assertEqual(vcpflash.read(b.port, BASE, 200), data[:100] + b"\xff" * 50 + data[150:200])
            vcpflash.erase_chip(pathlib.Path(b.port))
            self.assertEqual(vcpflash.read(b.port, 0, 65536), b"\xff" * 65536)
        self.assertIn("program", {p.phase for p in told})
        self.assertTrue(all(0 <= p.fraction <= 1 for p in told))
        self.assertEqual({p.total for p in told if p.phase == "program"} - {0} != set(), True)

    def test_callbacks_come_to_the_caller(self):
        threads = []
        with self.board() as b:
            vcpflash.program(b.port, vcpflash.Data(self.odd_table(), BASE),
                             progress=lambda _: threads.append(threading.current_thread()),
                             log=lambda *said: threads.append(said[0]))
        self.assertEqual(set(threads), {threading.main_thread(), "warning"})

    def test_dry_run_says_how_long(self):
        with self.board(time_mode="real", chip="mt25ql512ab", flash=False) as b:
            report = vcpflash.program(b.port, vcpflash.Data(self.bytes(50000), BASE), dry_run=True)
            self.assertGreater(report.estimate, 0)
            self.assertEqual(vcpflash.read(b.port, 0, 16), b"\xff" * 16)

    def test_info(self):
        with self.board("--name", "the board", "--dual", "--internal", self.folder / "internal",
                        chip="mt25ql512ab", flash=False) as b:
            board = vcpflash.info(b.port)
        self.assertEqual((board.name, board.port, len(board.memories)), ("the board", b.port, 2))
        self.assertRegex(board.id, "^([0-9a-f]{2})*$")
        outer, inner = board.memories
        self.assertEqual((outer.base, outer.size, outer.dies, outer.external), (BASE, 1 << 27, 2, True))
        self.assertEqual((inner.base, inner.external, inner.sector), (0x08000000, False, 128 << 10))
        self.assertTrue(outer.readable and outer.writable and outer.runnable and outer.sector_time > 0)

    def test_key(self):
        key = self.file("key", bytes(range(32)))
        with self.board("--key-file", key) as b:
            with self.assertRaises(vcpflash.RefusedError):
                vcpflash.program(b.port, vcpflash.Data(b"x", BASE))
            vcpflash.program(b.port, vcpflash.Data(b"x", BASE), key_file=key)
            self.assertEqual(vcpflash.read(b.port, 0, 1, key=bytes(range(32))), b"x")
            with self.assertRaisesRegex(vcpflash.UsageError, "32 bytes"):
                vcpflash.info(b.port, key=b"short")

    def test_wait(self):
        """For a board that is plugged in later."""
        board = self.board()
        later = threading.Timer(0.3, board.__enter__)
        later.start()
        self.addCleanup(lambda: (later.join(), board.stop()))
        self.assertEqual(vcpflash.info(self.folder / "port", wait=bench.PATIENCE).port, str(self.folder / "port"))
        with self.assertRaises(vcpflash.UsageError):
            vcpflash.info(self.folder / "port", wait=-1)

    def test_log(self):
        key = self.file("key", bytes(range(32)))
        key.chmod(0o644)
        said = []
        with self.board("--key-file", key) as b:
            vcpflash.info(b.port, key_file=key, log=lambda level, line: said.append((level, line)))
        self.assertEqual([level for level, _ in said], ["warning"])

    @staticmethod
    def odd_table():
        """A vector table whose reset vector lies in no file: linked for another address."""
        return (0x20010000).to_bytes(4, "little") + (0x08000101).to_bytes(4, "little") + bytes(64)

    def test_strict(self):
        table = self.odd_table()
        with self.board() as b:
            with self.assertRaises(vcpflash.RefusedError):
                vcpflash.program(b.port, vcpflash.Data(table, BASE), strict=True)
            self.assertEqual(vcpflash.read(b.port, BASE, 8), b"\xff" * 8)
            vcpflash.program(b.port, vcpflash.Data(table, BASE))

    def test_ports(self):
        found = vcpflash.ports()
        self.assertEqual(sorted(p.name for p in found),
                         sorted(line.split()[0] for line in bench.vcpflash("ports").out.splitlines()))
        self.assertTrue(all(os.fspath(p) == p.name for p in found))

    def test_ports_that_are_asked(self):
        found = {p.name: p for p in vcpflash.ports(ask=True)}
        self.assertEqual(set(found), {p.name for p in vcpflash.ports()})
        self.assertTrue(all(bool(p.board or p.trouble) == p.known for p in found.values()))

    def test_doctor(self):
        said = []
        with self.board(chip="mt25ql512ab", flash=False) as b:
            vcpflash.program(b.port, vcpflash.Data(b"stays", BASE))
            findings = vcpflash.doctor(b.port, log=lambda level, line: said.append((level, line)))
            self.assertEqual((findings.culprit, findings.port), ("none", b.port))
            self.assertTrue(findings.verdict)
            self.assertGreater(findings.tested_bytes, 0)
            self.assertIsNotNone(findings.scratch)
            self.assertEqual(vcpflash.read(b.port, BASE, 5), b"stays")
        self.assertEqual({level for level, _ in said}, {"note"})
        for bad in range(BASE + 0x105, BASE + 0x10D):  # whatever was written there by chance
            with self.board("--fault", f"badbit={bad:#x}") as b:
                findings = vcpflash.doctor(b.port, whole_chip=True)
                self.assertEqual((findings.culprit, findings.stage), ("chip", "whole"))
                self.assertIn(f"{bad:#x}", findings.verdict)
        findings = vcpflash.doctor(self.folder / "nowhere")
        self.assertEqual((findings.culprit, findings.stage, findings.scratch), ("link", "link", None))
        self.assertIn("nowhere", findings.verdict)
        with self.assertRaises(vcpflash.FileError):
            vcpflash.doctor("/nowhere", key_file="/there/is/no/key")

    def test_objects_go_away(self):
        """What a call made is free after it, whatever became of it."""
        with self.board() as b:
            seen = []

            def once():
                try:
                    vcpflash.program(b.port, vcpflash.Data(self.bytes(2000), BASE), progress=raising)
                except RuntimeError:
                    pass
                gc.collect()
                return sum(isinstance(o, (_abi.Options, _abi.Report, Call, threading.Thread)) for o in gc.get_objects())

            def raising(p):
                seen.append(p)
                raise RuntimeError

            first = once()
            self.assertEqual({once() for _ in range(3)}, {first})
            self.assertEqual(len(seen), 4)

    # --- what goes wrong ------------------------------------------------------------

    def raises(self, kind, exit_code, *words):
        case = self

        class Expect:
            def __enter__(self):
                return self

            def __exit__(self, found, error, _):
                case.assertIs(found, kind, error)
                case.assertEqual(error.exit_code, exit_code)
                for word in words:
                    case.assertIn(str(word), str(error))
                case.assertNotIn("\n", str(error))
                case.assertTrue(error.hint)
                self.error = error
                return True
        return Expect()

    def test_errors(self):
        image = self.file("image.hex", bench.intel_hex((BASE, self.bytes(100))))
        bad = self.file("bad.hex", ":00000001FE\n")
        nowhere = self.folder / "nowhere"
        with self.raises(vcpflash.LinkError, 3, nowhere):
            vcpflash.program(nowhere, image)
        with self.board() as b:
            with self.raises(vcpflash.FileError, 5, "bad.hex", "1"):
                vcpflash.program(b.port, bad)
            with self.raises(vcpflash.FileError, 5, "nowhere"):
                vcpflash.program(b.port, nowhere)
            with self.raises(vcpflash.UsageError, 2):
                vcpflash.program(b.port, [])
            with self.raises(vcpflash.RefusedError, 6):
                vcpflash.program(b.port, vcpflash.Data(b"x" * 100, 0x1000))
                vcpflash.program(b.port, vcpflash.Data(b"x" * 100, BASE + (1 << 20)))
            with self.raises(vcpflash.UsageError, 2, "length"):
                vcpflash.read(b.port, 0, 0)
            with self.raises(vcpflash.MismatchError, 1) as seen:
                vcpflash.verify(b.port, image)
            self.assertEqual((seen.error.address, seen.error.found), (BASE, 0xFF))
            self.assertGreater(seen.error.count, 50)
            self.assertIn("program", seen.error.hint + seen.error.cause)
            self.assertEqual(seen.error.report.port, b.port)
        with self.assertRaises(vcpflash.UsageError):
            vcpflash.read(nowhere, -1, 1)
        with self.assertRaises(ValueError):
            vcpflash.program(nowhere, "a\0b")

    def test_wrong_types(self):
        """Are told before anything is done, and never reach the library."""
        nowhere = str(self.folder / "nowhere")
        data = vcpflash.Data(b"x", BASE)
        for wrong in (lambda: vcpflash.program(nowhere, 7),
                      lambda: vcpflash.program(nowhere, [7]),
                      lambda: vcpflash.program(nowhere, None),
                      lambda: vcpflash.program(7, data),
                      lambda: vcpflash.program(nowhere, vcpflash.Data(7, BASE)),
                      lambda: vcpflash.program(nowhere, vcpflash.Data("text", BASE)),
                      lambda: vcpflash.program(nowhere, vcpflash.Data(b"x", "0x1000")),
                      lambda: vcpflash.program(nowhere, data, progress=7),
                      lambda: vcpflash.program(nowhere, data, log="log"),
                      lambda: vcpflash.program(nowhere, data, baud="115200"),
                      lambda: vcpflash.program(nowhere, data, wait="5"),
                      lambda: vcpflash.program(nowhere, data, key="k" * 32),
                      lambda: vcpflash.program(nowhere, data, key=32),
                      lambda: vcpflash.program(nowhere, data, key_file=7),
                      lambda: vcpflash.read(nowhere, "0", 1),
                      lambda: vcpflash.read(nowhere, 0, 1.5),
                      lambda: vcpflash.erase(nowhere, 0, None),
                      lambda: vcpflash.digest(nowhere, 0.0, 1),
                      lambda: vcpflash.run(nowhere, "start")):
            with self.assertRaises(TypeError, msg=inspect.getsource(wrong)):
                wrong()
        for content in b"bytes", bytearray(b"bytes"):
            with self.assertRaisesRegex(TypeError, r"Data\(bytes, address\)"):
                vcpflash.program(nowhere, content)
        for wrong in (lambda: vcpflash.program(nowhere, data, compress="maybe"),
                      lambda: vcpflash.program(nowhere, vcpflash.Data(b"x", 1 << 32)),
                      lambda: vcpflash.info(nowhere, wait=float("nan"))):
            with self.assertRaises(vcpflash.UsageError):
                wrong()

    def test_kinds_of_data(self):
        content = self.bytes(256)
        with self.board() as b:
            for kind in bytes, bytearray, memoryview, lambda x: array.array("I", x):
                vcpflash.program(b.port, [vcpflash.Data(kind(content), BASE)])
                self.assertEqual(vcpflash.read(b.port, BASE, 256), content)
                vcpflash.erase(b.port, BASE, 256)
            vcpflash.program(b.port, (d for d in [vcpflash.Data(bench.intel_hex((BASE, content)).encode())]))
            vcpflash.verify(b.port, vcpflash.Data(content, BASE))
            with self.assertRaises(vcpflash.FileError):
                vcpflash.program(b.port, vcpflash.Data(b"", BASE, name="nothing"))
            with self.assertRaisesRegex(vcpflash.FileError, "serial"):
                vcpflash.program(b.port, vcpflash.Data(b"\x01", name="serial"))

    def test_bad_cell(self):
        with self.board("--fault", f"badbit={BASE + 0x105:#x}") as b:
            with self.raises(vcpflash.BoardError, 4) as seen:
                vcpflash.program(b.port, vcpflash.Data(bytes(1000), BASE))
        self.assertEqual(seen.error.address, BASE + 0x105)
        self.assertTrue(seen.error.failure or seen.error.cause)

    def test_callback_that_raises(self):
        """Is raised when the board is ready again; nothing more is told."""
        told = []

        def progress(p):
            told.append(p)
            if p.phase == "program":
                raise RuntimeError("the script's own")

        data = vcpflash.Data(self.bytes(400000), BASE)
        with self.board(*SLOW, time_mode="real", chip="mt25ql512ab", flash=False, link="uart:115200") as b:
            with self.assertRaisesRegex(RuntimeError, "the script's own") as seen:
                vcpflash.program(b.port, data, progress=progress, compress="off")
            self.assertIsInstance(seen.exception.__cause__, vcpflash.InterruptedCall)
            self.assertEqual(len([p for p in told if p.phase == "program"]), 1)
            self.assertEqual(len(vcpflash.info(b.port).memories), 1)

    def test_ctrl_c(self):
        """SIGINT while the library works: in good order, and KeyboardInterrupt then."""
        script = """
import sys, vcpflash
try:
    vcpflash.program(sys.argv[1], vcpflash.Data(bytes(range(256)) * 2000, 0x90000000), compress="off",
                     progress=lambda p: p.phase == "program" and print("now", flush=True))
except KeyboardInterrupt as e:
    print("stopped", type(e.__cause__).__name__)
"""
        with self.board(*SLOW, time_mode="real", chip="mt25ql512ab", flash=False, link="uart:115200") as b:
            process = subprocess.Popen([sys.executable, "-c", script, b.port], text=True, stdout=subprocess.PIPE,
                                       env={**os.environ, "PYTHONPATH": str(TOP / "python")})
            self.assertEqual(process.stdout.readline(), "now\n")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=bench.PATIENCE)
            self.assertEqual((out.splitlines()[-1], process.returncode), ("stopped InterruptedCall", 0))
            self.assertEqual(len(vcpflash.info(b.port).memories), 1)

    def test_ctrl_c_in_each_phase(self):
        """Is raised when the board is ready again, and the next call does what is left."""
        old, new = self.bytes(20000), self.bytes(20000)
        for phase in "compare", "keep", "program", "verify":
            def progress(p):
                if p.phase == phase:
                    signal.raise_signal(signal.SIGINT)
            with self.subTest(phase), self.board() as b:
                vcpflash.program(b.port, vcpflash.Data(old, BASE))
                with self.assertRaises(KeyboardInterrupt) as seen:
                    vcpflash.program(b.port, vcpflash.Data(new[100:], BASE + 100), progress=progress, verify_full=True)
                self.assertIsInstance(seen.exception.__cause__, (vcpflash.InterruptedCall, type(None)))
                vcpflash.program(b.port, vcpflash.Data(new[100:], BASE + 100))
                self.assertEqual(vcpflash.read(b.port, BASE, 20000), old[:100] + new[100:])

    def test_ctrl_c_while_it_waits(self):
        script = """
import math, signal, sys, vcpflash
def log(level, line):
    print(line, flush=True)
try:
    vcpflash.info(sys.argv[1], wait=math.inf, log=log)
except KeyboardInterrupt as e:
    print("stopped", type(e.__cause__).__name__)
"""
        process = subprocess.Popen([sys.executable, "-c", script, self.folder / "nowhere"], text=True,
                                   stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(TOP / "python")})
        self.assertIn("waiting: ", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=bench.PATIENCE)
        self.assertEqual((out, process.returncode), ("stopped InterruptedCall\n", 0))

    def test_many_boards(self):
        """Threads program several boards at once; one that fails is alone with it."""
        count, reports, errors = 6, {}, {}
        images = {i: self.bytes(30000) if i != 3 else bytes(30000) for i in range(count)}
        boards = []
        for i in range(count):
            folder = self.folder / str(i)
            folder.mkdir()
            boards.append(bench.Board(folder, *(["--fault", f"badbit={BASE + 50:#x}"] if i == 3 else [])))
            self.addCleanup(boards[-1].__enter__().stop)
        at_once = threading.Barrier(count)

        def work(i):
            at_once.wait(bench.PATIENCE)
            try:
                reports[i] = vcpflash.program(boards[i].port, vcpflash.Data(images[i], BASE), progress=lambda _: None)
            except vcpflash.VcpflashError as e:
                errors[i] = e

        threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(bench.PATIENCE)
        self.assertEqual(sorted(reports), [0, 1, 2, 4, 5])
        self.assertEqual([type(e) for e in errors.values()], [vcpflash.BoardError])
        for i in reports:
            boards[i].stop()
            self.assertEqual(boards[i].contents()[:30000], images[i])

    def test_lock_is_released(self):
        """Another thread runs while the library waits: it sees the greeting, and hangs up."""
        master, slave = os.openpty()
        name = os.ttyname(slave)
        beside = threading.Thread(target=lambda: (os.read(master, 1), os.close(slave), os.close(master)))
        with self.assertRaisesRegex(vcpflash.LinkError, "is gone"):
            beside.start()
            vcpflash.info(name)
        beside.join(bench.PATIENCE)


if __name__ == "__main__":
    bench.main()
