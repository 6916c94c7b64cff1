#!/usr/bin/env python3
"""docs/CUBEMX.md against the glue: the excerpts for usbd_cdc_if.c and main.c compile,
the lines that its last section explains are lines the glue says, and the settings it
names are settings.
"""
import pathlib
import re
import subprocess
import sys

PRELUDE = """
#include "fake_v2.h"
#include "vcpflash_cube.h"
enum { USBD_OK };
typedef struct { int a; } USBD_HandleTypeDef;
USBD_HandleTypeDef hUsbDeviceFS; uint8_t UserRxBufferFS[64]; uint32_t address; int hltdc, hdma2d;
void USBD_CDC_SetRxBuffer(USBD_HandleTypeDef *, uint8_t *); void USBD_CDC_ReceivePacket(USBD_HandleTypeDef *);
void USBD_Stop(USBD_HandleTypeDef *); void USBD_DeInit(USBD_HandleTypeDef *);
uint8_t CDC_Transmit_FS(uint8_t *, uint16_t); void osDelay(int); void NVIC_SystemReset(void);
void MX_LTDC_Init(void); void HAL_LTDC_DeInit(int *); void HAL_DMA2D_Abort(int *);
void tell_m4_to_stop(void); int m4_has_stopped(void); int button_held(void); extern const vf_cube_config loader;
"""


def compiles(root, name, text):
    text = re.sub(r"\n\t\.\.\.\n.*", "\n", text, flags=re.S)      # what goes into the configuration
    text = re.sub(r'#include "usbd_cdc_if.h"\n', "", text)
    if "USER CODE BEGIN 2" in text:
        head, body = text.split("/* USER CODE BEGIN 2", 1)
        text = head + "int main(void)\n{\n/* " + body + "}\n"
        prelude = PRELUDE.replace("extern const vf_cube_config loader;", "")
    else:
        prelude = PRELUDE
    done = subprocess.run(
        ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-Wno-unused-parameter", "-fsyntax-only",
         "-DVF_CUBE_BSP=VF_CUBE_QSPI_V2", "-I", root / "include", "-I", root / "boards/stm32cube",
         "-I", root / "tests/stm32cube", "-xc", "-"], input=prelude + text, capture_output=True, text=True)
    return [] if done.returncode == 0 else [f"excerpt {name}: {done.stderr}"]


def main(root):
    doc = (root / "docs/CUBEMX.md").read_text()
    source = "".join((root / "boards/stm32cube" / f"vcpflash_cube.{e}").read_text() for e in "ch")
    said = re.sub(r'"\s*"', "", source)  # string literals joined
    blocks = re.findall(r"```c\n(.*?)```", doc, re.S)
    bad = [f"{len(blocks)} excerpts, nine were expected"] if len(blocks) != 9 else []
    for number, block in enumerate(blocks):
        if block.startswith("\t"):  # lines for the middle of a function
            block = "void around(void);\nvoid around(void)\n{\n" + block + "}\n"
        bad += compiles(root, number, block)
    lines = re.findall(r"^\| (.*?) \|", doc[doc.index("## 9."):], re.M)
    quotes = [q for line in lines for q in re.findall(r"`([^`]+)`", line)]
    bad += [f"nobody says '{q}'" for q in quotes if q not in said]
    names = set(re.findall(r"\bVF_CUBE_[A-Z0-9_]+", doc))
    bad += [f"there is no {n}" for n in names if not re.search(rf"\b{n}\b", source)]
    if len(quotes) < 12 or len(names) < 12:
        bad.append("less was found than there is")
    print("\n".join(bad) if bad else f"{len(blocks)} excerpts, {len(quotes)} lines, {len(names)} settings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
