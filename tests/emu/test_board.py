"""vcpflash-sim --board: the firmware of the STM32H747I-DISCO, executed, behind a
pseudo-terminal, and vcpflash at its other end.

The environment names the programs (VCPFLASH_BIN) and the firmware
(VCPFLASH_FIRMWARE).
"""
import hashlib
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

TESTS = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "cli"), str(TESTS / "guest")]
import bench  # noqa: E402
from bench import intel_hex  # noqa: E402
from test_lrzsz import Terminal  # noqa: E402

# All these boards have one id: what one test's command keeps for it is no other's.
os.environ["XDG_STATE_HOME"] = bench.clean_environment()["XDG_STATE_HOME"]
BIN = pathlib.Path(os.environ["VCPFLASH_BIN"])
FIRMWARE = pathlib.Path(os.environ["VCPFLASH_FIRMWARE"])
PATIENCE = 300  # seconds; emulation on a busy machine is slow, not wrong
SECTOR = 128 << 10
UNIQUE_ID = "290047000651393101000000"  # of the emulated part with --seed 1, as its bytes stand
LINES = [b"Cortex-M7: running from external flash", b"Cortex-M4: running from external flash"]


class Board:
    """A running vcpflash-sim --board."""

    def __init__(self, folder, *options):
        self.port = folder / "ttyACM0"
        self.said = open(folder / "sim.txt", "wb")
        self.process = subprocess.Popen(
            [BIN / "vcpflash-sim", "--board", "stm32h747i-disco", "--pty", self.port, "--seed", "1",
             "--flash", folder / "flash.bin", "--internal", folder / "internal.bin", *options],
            stdout=subprocess.PIPE, stderr=self.said)
        line = self.process.stdout.readline()
        assert line.startswith(b"ready"), (folder / "sim.txt").read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.said.close()

    def end(self):
        """SIGTERM saves the files; the status of vcpflash-sim."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def button(self):
        self.process.send_signal(signal.SIGUSR1)

    def vcpflash(self, *arguments):
        return subprocess.run([BIN / "vcpflash", "-p", self.port, *arguments], timeout=PATIENCE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def interrupted(self, arguments, how):
        """`how` does something once the board was seen to write; vcpflash's status."""
        with open(self.port.parent / "host.txt", "wb") as said:
            host = subprocess.Popen([BIN / "vcpflash", "-p", self.port, "--json", *arguments],
                                    stdout=subprocess.PIPE, stderr=said)
            for line in host.stdout:
                event = json.loads(line)
                assert event["event"] != "result", event
                if event.get("phase") == "program" and event["done"] > 20000:
                    break
            how(host)
            host.stdout.read()
            host.stdout.close()
            return host.wait(PATIENCE)

    def open(self):
        fd = os.open(self.port, os.O_RDWR | os.O_NOCTTY)
        mode = termios.tcgetattr(fd)
        mode[0] = mode[1] = mode[3] = 0
        mode[4] = mode[5] = termios.B115200
        termios.tcsetattr(fd, termios.TCSANOW, mode)
        return fd


def listen(fd, wanted):
    """Until every one of these was heard."""
    heard, end = b"", time.monotonic() + PATIENCE
    while not all(line in heard for line in wanted):
        if time.monotonic() > end:
            raise AssertionError(f"heard only {heard!r}")
        if select.select([fd], [], [], 1)[0]:
            heard += os.read(fd, 4096)
    return heard


class Story(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.addCleanup(self.temporary.cleanup)

    def good(self, result):
        said = (self.folder / "sim.txt").read_text()
        self.assertEqual(result.returncode, 0, result.stdout + said)
        self.assertNotIn("once more", result.stdout)
        return result.stdout

    def test_both_cores(self):
        """Two hex files, one command, a reset, and a line from each core."""
        with Board(self.folder) as board:
            self.good(board.vcpflash("program", FIRMWARE / "cm7.hex", FIRMWARE / "cm4.hex"))
            fd = board.open()
            board.button()
            listen(fd, LINES)
            board.button()
            listen(fd, LINES)
            os.close(fd)
            self.assertEqual(board.end(), 0)
        flash = (self.folder / "flash.bin").read_bytes()
        for name, at in (("cm7", 0), ("cm4", 1 << 20)):
            image = (FIRMWARE / f"{name}.bin").read_bytes()
            self.assertEqual(flash[at:at + len(image)], image)
        with Board(self.folder) as board:  # power on again
            fd = board.open()
            listen(fd, LINES)
            os.close(fd)
            self.assertEqual(board.end(), 0)
        self.assertEqual((self.folder / "flash.bin").read_bytes(), flash)

    def test_a_terminal(self):
        """A person types, and lrzsz's sb sends: to both chips, and to internal flash."""
        low, high, inner = (os.urandom(n) for n in (5000, 300, 700))
        sent = self.folder / "both.hex"
        sent.write_text(intel_hex((0x90001100, low), (0x94000000, high), (0x08040010, inner)))
        with Board(self.folder) as board:
            with Terminal(board.port) as terminal:
                terminal.until("there is no application")
                terminal.until("\r\n")
                terminal.type("\r")
                self.assertIn("vcpflash program FILE", terminal.until("> "))
                self.assertIn("sectors of 128 KB", terminal.ask("info"))
                self.assertIn("verified, 6000 bytes in 3 stretches", terminal.sb(sent))
                self.assertIn("image: complete", terminal.ask("info"))
                self.assertIn(hashlib.sha256(low).hexdigest(), terminal.ask("digest 0x90001100 5000"))
            self.assertEqual(board.end(), 0)
        flash = (self.folder / "flash.bin").read_bytes()
        self.assertEqual(flash[0x1100:0x1100 + len(low)], low)
        self.assertEqual(flash[0x4000000:0x4000000 + len(high)], high)
        internal = (self.folder / "internal.bin").read_bytes()
        self.assertEqual(internal[0x40010:0x40010 + len(inner)], inner)

    def test_power_cut(self):
        """Power dies in the middle; the set is not started, and programming again completes it."""
        with Board(self.folder, "--fault", "cut=900") as board:
            first = board.vcpflash("program", FIRMWARE / "cm7.hex", FIRMWARE / "cm4.hex")
            said = (self.folder / "sim.txt").read_text()
            self.assertIn("power is cut", said)
            if first.returncode != 0:
                self.good(board.vcpflash("program", FIRMWARE / "cm7.hex", FIRMWARE / "cm4.hex"))
            self.good(board.vcpflash("verify", FIRMWARE / "cm7.hex", FIRMWARE / "cm4.hex"))
            self.assertEqual(board.end(), 0)

    def test_killed(self):
        """The host is killed, then the board is turned off; each time nothing starts, and the
        same command completes it."""
        assets = self.folder / "assets.bin"
        files = ["program", FIRMWARE / "cm7.hex", FIRMWARE / "cm4.hex", f"{assets}@0x90800000"]
        assets.write_bytes(os.urandom(100000))
        with Board(self.folder) as board:
            while board.interrupted(files, lambda host: host.kill()) == 0:
                assets.write_bytes(os.urandom(100000))  # it was done before it could be killed
            refused = board.vcpflash("run")
            self.assertEqual(refused.returncode, 6, refused.stdout)
            self.good(board.vcpflash(*files))
            assets.write_bytes(os.urandom(100000))
            self.assertEqual(board.interrupted(files, lambda _: self.assertEqual(board.end(), 0)), 3)
        with Board(self.folder) as board:
            refused = board.vcpflash("run")
            self.assertEqual(refused.returncode, 6, refused.stdout)
            self.good(board.vcpflash(*files, "--run"))
            fd = board.open()
            board.button()
            listen(fd, LINES)
            os.close(fd)
            self.assertEqual(board.end(), 0)
        flash = (self.folder / "flash.bin").read_bytes()
        self.assertEqual(flash[8 << 20:][:100000], assets.read_bytes())

    def test_internal_flash(self):
        """The second memory: programmed by the firmware, kept in its file."""
        image = self.folder / "image.bin"
        image.write_bytes(os.urandom(5000))
        with Board(self.folder) as board:
            self.good(board.vcpflash("program", f"{image}@0x08120000"))
            self.assertNotEqual(board.vcpflash("program", f"{image}@0x08000000").returncode, 0)
            self.assertEqual(board.end(), 0)
        internal = (self.folder / "internal.bin").read_bytes()
        self.assertEqual(internal[9 * SECTOR:9 * SECTOR + 5000], image.read_bytes())
        loader = (FIRMWARE / "h747-loader.bin").read_bytes()
        self.assertEqual(internal[:len(loader)], loader)

    def test_stop(self):
        """A program that does what no board can ends the run, and the line says where."""
        program = self.folder / "bad.bin"
        code = bytes.fromhex("00000220" "09000008" "0448" "0068" "fee7" "0000" "0000" "0000")
        program.write_bytes(code.ljust(28, b"\0") + (0x50000000).to_bytes(4, "little"))
        hexfile = self.folder / "bad.hex"
        made = subprocess.run([BIN / "vcpflash", "merge", f"{program}@0x08000000", "-o", hexfile],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(made.returncode, 0, made.stdout)
        with Board(self.folder, "--firmware", hexfile) as board:
            self.assertEqual(board.process.wait(PATIENCE), 70)
        said = (self.folder / "sim.txt").read_text()
        self.assertIn("Cortex-M7 at 0x0800000a: ", said)
        self.assertIn("0x50000000", said)


class Socket(unittest.TestCase):
    """The boards at their own USB sockets, a terminal at their ST-LINKs."""

    def heard(self, board, folder, lines):
        """Until the terminal has shown these lines, behind what it has shown before."""
        end = time.monotonic() + PATIENCE
        while not all(f"ST-LINK: {line.decode()}" in self.log(folder) for line in lines):
            self.assertIsNone(board.process.poll(), self.log(folder))
            self.assertLess(time.monotonic(), end, self.log(folder))
            time.sleep(0.05)

    def log(self, folder):
        return (folder / "sim.txt").read_text()

    def story(self, model, prefix, speed, packets):
        """Two hex files over the firmware's own USB device, the cable pulled for a second in the
        middle: the command waits for the port and completes what it began. Verified; a reset;
        and a line from each core at the ST-LINK."""
        files = [FIRMWARE / f"{prefix}cm7.hex", FIRMWARE / f"{prefix}cm4.hex"]
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            with Board(folder, "--board", model, "--port", "usb", "--time", "none",
                       "--fault", f"unplug={packets}") as board:
                result = board.vcpflash("program", *files, "--wait", str(PATIENCE))
                self.assertEqual(result.returncode, 0, result.stdout)
                self.assertIn("the port is back", result.stdout)
                there = f"{speed} speed, serial number {UNIQUE_ID}"
                self.assertEqual(self.log(folder).count(there), 2)
                result = board.vcpflash("verify", *files)
                self.assertEqual(result.returncode, 0, result.stdout)
                self.assertNotIn(LINES[0].decode(), self.log(folder))
                board.button()
                self.heard(board, folder, LINES)
                self.assertEqual(board.end(), 0)
            flash = (folder / "flash.bin").read_bytes()
            for core, at in (("cm7", 0), ("cm4", 1 << 20)):
                image = (FIRMWARE / f"{prefix}{core}.bin").read_bytes()
                self.assertEqual(flash[at:at + len(image)], image)

    def test_unplugged(self):
        self.story("stm32h745i-disco", "h745-", "full", 2000)

    def test_unplugged_at_high_speed(self):
        self.story("stm32h747i-disco", "", "high", 300)


    def test_two_programs(self):
        """While one program writes, a second one is told who has the port, and a terminal types
        into it and takes away some of what the board says: the first one gets it done, and
        nothing else is written."""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            mine, other = folder / "mine.bin", folder / "other.bin"
            mine.write_bytes(os.urandom(200000))
            other.write_bytes(os.urandom(5000))

            def meanwhile(host):
                host.send_signal(signal.SIGSTOP)  # lest it be done before the others come
                for command in (["program", f"{other}@0x90400000"], ["info"]):
                    second = board.vcpflash(*command)
                    self.assertEqual(second.returncode, 3, second.stdout)
                    self.assertIn(f"busy; vcpflash (process {host.pid}) has it open: close that first",
                                  second.stdout)
                fd = board.open()
                for turn in range(20):
                    os.write(fd, b"help\r")
                    if turn == 5:
                        host.send_signal(signal.SIGCONT)
                    if select.select([fd], [], [], 0.05)[0]:
                        os.read(fd, 4096)
                os.close(fd)

            with Board(folder, "--board", "stm32h745i-disco", "--time", "none") as board:
                status = board.interrupted(["program", f"{mine}@0x90000000"], meanwhile)
                self.assertEqual(status, 0, (folder / "host.txt").read_text())
                result = board.vcpflash("verify", f"{mine}@0x90000000")
                self.assertEqual(result.returncode, 0, result.stdout)
                self.assertEqual(board.end(), 0)
            flash = (folder / "flash.bin").read_bytes()
            self.assertEqual(flash[:200000], mine.read_bytes())
            self.assertEqual(flash[4 << 20:][:5000], b"\xff" * 5000)


class Usage(unittest.TestCase):
    def refused(self, text, *options, code=2):
        result = subprocess.run([BIN / "vcpflash-sim", *options], timeout=PATIENCE,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(result.returncode, code, result.stdout)
        self.assertIn(text, result.stdout)

    def test_options(self):
        board = ["--board", "stm32h747i-disco"]
        self.refused("expected stm32h745i-disco or stm32h747i-disco", "--board", "other")
        self.refused("--chip is for the simulated board", *board, "--chip", "mt25ql512ab")
        self.refused("cut=N, reset=P and unplug=N only", *board, "--fault", "drop=0.1")
        self.refused("need --board", "--firmware", "x.hex")
        self.refused("name the HEX, ELF, SREC or UF2 file", *board, "--firmware",
                     FIRMWARE / "cm7.bin", code=5)
        self.refused("no such file", *board, "--firmware-m4", "no.hex", code=5)
        self.refused("has to lie in the internal flash", *board, "--firmware",
                     FIRMWARE / "cm7.hex", code=5)


if __name__ == "__main__":
    unittest.main()
