#!/usr/bin/env python3
"""Real firmware, converted by the image room and by objcopy and srec_cat.

Takes every .ihx, .hex, .elf and .bin that four Debian packages install. Each is
converted by the library, and each result is compared with what the independent
tools make of the same file. A file that the library refuses must be one that
this script, looking by itself, knows a reason for; the reason must be stated.

Usage: real_files.py IMAGE_CONVERT
"""

import os
import shutil
import struct
import subprocess
import sys
import tempfile

PACKAGES = ["altos", "firmware-microbit-micropython", "hackrf-firmware", "u-boot-qemu"]
TOOLS = {
    "dpkg": "dpkg",
    "srec_cat": "srecord",
    "objcopy": "binutils",
    "arm-none-eabi-objcopy": "binutils-arm-none-eabi",
}
ENDINGS = (".ihx", ".hex", ".elf", ".bin")
PLACE = 0x90000000  # where raw binaries are put
EM_ARM = 40


class Disagree(Exception):
    """The library and a tool do not say the same."""


def run(*command):
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise Disagree("%s: %s" % (" ".join(command), done.stderr.decode().strip()))
    return done.stdout


def read(path):
    with open(path, "rb") as file:
        return file.read()


def same(what, ours, theirs):
    if ours == theirs:
        return
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), None)
    if at is None:
        at = min(len(ours), len(theirs))
    raise Disagree("%s: %d bytes here, %d there, first difference at 0x%X"
                   % (what, len(ours), len(theirs), at))


def canonical(path, kind, *more):
    """srec_cat's own sorted form of a file: data only, so gaps show."""
    return run("srec_cat", "-disable-sequence-warnings", path, kind, *more,
               "-o", "-", "-motorola", "-address-length=4", "-data-only", "-obs=16")


def stretches(pieces):
    """(address, bytes) pieces in order -> joined where they touch."""
    joined = []
    for addr, data in pieces:
        if joined and joined[-1][0] + len(joined[-1][1]) == addr:
            joined[-1][1].extend(data)
        else:
            joined.append((addr, bytearray(data)))
    return joined


def uf2_stretches(path):
    """What a UF2 file holds, by the published block layout."""
    data = read(path)
    pieces = []
    if len(data) % 512 != 0:
        raise Disagree("UF2 of %d bytes" % len(data))
    for i in range(0, len(data), 512):
        head = struct.unpack_from("<8I", data, i)
        if head[0] != 0x0A324655 or head[1] != 0x9E5D5157 or \
                data[i + 508:i + 512] != struct.pack("<I", 0x0AB16F30) or \
                head[5] != i // 512 or head[6] != len(data) // 512:
            raise Disagree("UF2 block %d is malformed" % (i // 512))
        pieces.append((head[3], data[i + 32:i + 32 + head[4]]))
    return stretches(pieces)


def srec_stretches(text):
    raw = (bytes.fromhex(line[2:].decode()) for line in text.split() if line[:2] == b"S3")
    return stretches((int.from_bytes(r[1:5], "big"), r[5:-1]) for r in raw)


class Checker:
    def __init__(self, convert, folder):
        self.convert = convert
        self.folder = folder

    def temp(self, name):
        return os.path.join(self.folder, name)

    def ours(self, source, kind, *fill):
        out = self.temp("ours." + kind)
        run(self.convert, source, kind, out, *fill)
        return out

    def check_forms(self, source, expected):
        """Our .hex, .srec and .uf2 all hold exactly the expected bytes."""
        hex_out = self.ours(source, "hex")
        srec = self.ours(source, "srec")
        uf2 = self.ours(source, "uf2")
        same("hex", canonical(hex_out, "-intel"), expected)
        same("srec", canonical(srec, "-motorola"), expected)
        if uf2_stretches(uf2) != srec_stretches(expected):
            raise Disagree("uf2 holds other bytes")
        for again in (hex_out, uf2):  # and they are read back as the same
            back = self.temp("back.srec")
            run(self.convert, again, "srec", back)
            if srec_stretches(read(back)) != srec_stretches(expected):
                raise Disagree("other bytes after reading back " + again)

    def hex_file(self, path):
        theirs = self.temp("theirs.bin")
        run("objcopy", "-I", "ihex", "-O", "binary", "--gap-fill=0xFF", path, theirs)
        same("bin", read(self.ours(path, "bin", "0xFF")), read(theirs))
        self.check_forms(path, canonical(path, "-intel"))

    def bin_file(self, path):
        source = "%s@0x%X" % (path, PLACE)
        theirs = self.temp("theirs.srec")
        run("objcopy", "-I", "binary", "-O", "srec", "--srec-forceS3",
            "--change-addresses=0x%X" % PLACE, path, theirs)
        same("bin", read(self.ours(source, "bin")), read(path))
        expected = canonical(theirs, "-motorola")
        same("srec_cat", canonical(path, "-binary", "-offset", "0x%X" % PLACE), expected)
        self.check_forms(source, expected)

    def elf_file(self, path):
        machine, = struct.unpack_from("<H", read(path), 18)
        tool = ["arm-none-eabi-objcopy"] if machine == EM_ARM else ["objcopy", "-I", "elf32-little"]
        theirs = self.temp("theirs.bin")
        run(*tool, "-O", "binary", "--gap-fill=0", path, theirs)
        ours = read(self.ours(path, "bin", "0"))
        same("bin", ours, read(theirs))
        # Sections (theirs) lie inside segments (ours). Between two sections a
        # segment has the linker's padding, which no section names.
        run(*tool, "-O", "srec", "--srec-forceS3", path, self.temp("theirs.srec"))
        sections = srec_stretches(canonical(self.temp("theirs.srec"), "-motorola"))
        segments = srec_stretches(canonical(self.ours(path, "srec"), "-motorola"))
        padding = self.padding(segments, sections)
        self.check_forms(path, canonical(self.ours(path, "hex"), "-intel"))
        return "%d bytes of padding" % padding if padding else ""

    @staticmethod
    def padding(segments, sections):
        """Takes the sections out of the segments; what is left must be zero."""
        for addr, data in sections:
            home = next((s for s in segments if s[0] <= addr < s[0] + len(s[1])), None)
            at = addr - home[0] if home else 0
            if home is None or home[1][at:at + len(data)] != data:
                raise Disagree("the section bytes at 0x%08X are missing or differ" % addr)
            home[1][at:at + len(data)] = bytes(len(data))
        if any(any(data) for _, data in segments):
            raise Disagree("bytes that are in no section and are no padding")
        return sum(len(data) for _, data in segments) - sum(len(data) for _, data in sections)

    def refusal(self, path):
        """What the library has to say about a file that it must refuse."""
        if not path.endswith(".elf"):
            return None
        ident = read(path)[:6]
        if ident[4] == 2:
            return "64-bit ELF"
        return "big-endian ELF" if ident[5] == 2 else None

    def refused(self, path, reason):
        done = subprocess.run([self.convert, path, "hex", self.temp("refused.hex")],
                              capture_output=True, check=False)
        said = done.stderr.decode()
        if done.returncode != 5 or reason not in said or said.count("\n") != 1:
            raise Disagree("should be refused as %s, exit code 5: %d, %s"
                           % (reason, done.returncode, said))
        if os.path.exists(self.temp("refused.hex")):
            raise Disagree("refused, and yet something was written")
        return "refused: " + said.strip().split(": ", 1)[1]

    def check(self, path):
        reason = self.refusal(path)
        if reason is not None:
            return self.refused(path, reason)
        if path.endswith(".elf"):
            return self.elf_file(path)
        if path.endswith(".bin"):
            return self.bin_file(path)
        return self.hex_file(path)


def what_is_missing():
    lines = ["%s is not installed (package %s)" % (tool, package)
             for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if shutil.which("dpkg") is None:
        return lines
    for package in PACKAGES:
        if subprocess.run(["dpkg", "-L", package], capture_output=True, check=False).returncode:
            lines.append("package %s is not installed" % package)
    return lines


def real_files():
    for package in PACKAGES:
        listed = run("dpkg", "-L", package).decode().split("\n")
        found = [p for p in listed if p.endswith(ENDINGS) and os.path.isfile(p)]
        if not found:
            raise Disagree("package %s has no firmware file" % package)
        yield from sorted(found)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    missing = what_is_missing()
    if missing:
        sys.exit("\n".join(missing) + "\n./script/test installs what the tests need")
    failed = passed = refused = 0
    with tempfile.TemporaryDirectory() as folder:
        checker = Checker(sys.argv[1], folder)
        for path in real_files():
            try:
                note = checker.check(path) or ""
                refused += note.startswith("refused")
                passed += not note.startswith("refused")
                print("ok   %s %s" % (path, note))
            except Disagree as reason:
                failed += 1
                print("FAIL %s %s" % (path, reason))
    print("%d converted identically, %d refused for a stated reason, %d failed"
          % (passed, refused, failed))
    sys.exit(1 if failed else 0)


main()
