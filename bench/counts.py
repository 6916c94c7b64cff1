"""What the board's library costs in code, for a Cortex-M7."""
import pathlib
import shutil
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
ROOMS = ("wire", "target", "nor")
FLAGS = ("-c", "-Os", "-std=c11", "-mcpu=cortex-m7", "-mthumb", "-ffreestanding")


def sizes():
    """{room: (code and constants, writable)} in bytes; empty without the compiler."""
    if not shutil.which("arm-none-eabi-gcc"):
        return {}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for room in ROOMS:
            objects = []
            for source in sorted((TOP / room).glob("*.c")):
                objects.append(f"{folder}/{room}_{source.stem}.o")
                subprocess.run(["arm-none-eabi-gcc", *FLAGS, f"-I{TOP}/include", f"-I{TOP}/{room}",
                                source, "-o", objects[-1]], check=True)
            lines = subprocess.run(["arm-none-eabi-size", *objects], check=True,
                                   capture_output=True, text=True).stdout.splitlines()[1:]
            rows = [[int(n) for n in line.split()[:3]] for line in lines]
            found[room] = (sum(r[0] for r in rows), sum(r[1] + r[2] for r in rows))
    return found
