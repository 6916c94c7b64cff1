#!/usr/bin/env python3
"""The glue compiled for a Cortex-M7 and a Cortex-M4, for each of ST's flash drivers,
over the fakes' prototypes: no warning, and nothing from outside but ST's names,
the engine's and a few of the C library that need no system below them. Prints the
sizes of its code and of its memory.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

WARN = ("-std=c11 -Os -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes "
        "-Wmissing-prototypes -Werror").split()
DRIVERS = {
    "v2": ("VF_CUBE_QSPI_V2", "fake_v2.h", []),
    "v2, old names": ("VF_CUBE_QSPI_V2", "fake_v2.h", ["-DFAKE_OLD_NAMES"]),
    "v2, QPI without DTR": ("VF_CUBE_QSPI_V2", "fake_v2.h",
                            ["-DVF_CUBE_RATE=BSP_QSPI_STR_TRANSFER"]),
    "v2, journal": ("VF_CUBE_QSPI_V2", "fake_v2.h", ["-DVF_CUBE_JOURNAL=1"]),
    "v1": ("VF_CUBE_QSPI_V1", "fake_v1.h", []),
    "v1, small": ("VF_CUBE_QSPI_V1", "fake_v1.h", [
        "-DVF_CUBE_RING=2048", "-DVF_CUBE_WINDOW=2048", "-DVF_CUBE_FRAME=600", "-DVF_CUBE_TX=512",
        "-DVF_CUBE_WORK=1024", "-DVF_CUBE_BLOCK=0"]),
    "ospi": ("VF_CUBE_OSPI_NOR", "fake_ospi.h", []),
}
CORES = {"cortex-m7": [], "cortex-m4": ["-DFAKE_CORTEX_M4"]}
OUTSIDE = re.compile(r"(BSP_|HAL_|MT25TL01G_|SCB_|QSPI_|hqspi|fake_|vf_|__aeabi_|__get_PRIMASK|"
                     r"__set_PRIMASK|__disable_irq|__gnu_thumb|(mem(cpy|set|cmp|move)|str(len|ncpy))$)")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def build(root, folder, core, driver):
    bsp, header, more = DRIVERS[driver]
    out = folder / "cube.o"
    run("arm-none-eabi-gcc", "-mthumb", f"-mcpu={core}", *WARN, *CORES[core], *more,
        f"-DVF_CUBE_BSP={bsp}", f'-DVF_CUBE_BSP_HEADER="{header}"',
        "-I", str(root / "include"), "-I", str(root / "tests/stm32cube"),
        "-c", str(root / "boards/stm32cube/vcpflash_cube.c"), "-o", str(out))
    return out


def main(root):
    bad = []
    print(f"{'':32}{'code':>8}{'memory':>8}")
    with tempfile.TemporaryDirectory() as name:
        for core in CORES:
            for driver in DRIVERS:
                try:
                    out = build(root, pathlib.Path(name), core, driver)
                except subprocess.CalledProcessError as fault:
                    bad.append(f"{core}, {driver}: {fault.stderr}")
                    continue
                text, data, bss = run("arm-none-eabi-size", str(out)).splitlines()[1].split()[:3]
                print(f"{core + ', ' + driver:32}{text:>8}{int(data) + int(bss):>8}")
                needs = [line.split()[-1] for line in run("arm-none-eabi-nm", "-u", str(out)).splitlines()]
                bad += [f"{core}, {driver}: needs {n}" for n in needs if not OUTSIDE.match(n)]
    print("\n".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
