"""A Cortex-M that runs one function at a time and counts its instructions.

libunicorn by way of ctypes. Memory is flat: the program's sections, RAM, a
stack that is filled with a pattern so that its use can be told.
"""
import bisect
import collections
import ctypes
import struct
import subprocess

ARCH_ARM, MODE_THUMB, MODE_MCLASS = 1, 1 << 4, 1 << 5
CPU = {"cortex-m0": 7, "cortex-m4": 9, "cortex-m7": 10}  # unicorn/arm.h, enum uc_cpu_arm
REG_LR, REG_PC, REG_SP, REG_R0 = 10, 11, 12, 66
HOOK_CODE = 1 << 2
CTL_SET_CPU = 7 | 1 << 26 | 1 << 30
STACK, STACK_SIZE, HOME = 0x30000000, 0x10000, 0x10000000
PATTERN = b"\xA5"
HOOK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_void_p)


class Processor:
    def __init__(self, cpu, elf):
        self.lib = ctypes.CDLL("libunicorn.so.2")
        self.uc = ctypes.c_void_p()
        self.count = collections.Counter()
        self._do("open", ARCH_ARM, MODE_THUMB | MODE_MCLASS, ctypes.byref(self.uc))
        self._do("ctl", self.uc, CTL_SET_CPU, CPU[cpu])
        self._load(elf)
        self._map(STACK, STACK_SIZE)
        self._map(HOME, 0x1000)
        self.write(HOME, b"\x00\xBF" * 8)
        self.deepest = 0
        self.hook = HOOK(self._seen)
        handle = ctypes.c_size_t()
        self._do("hook_add", self.uc, ctypes.byref(handle), HOOK_CODE, self.hook, None,
                 ctypes.c_uint64(1), ctypes.c_uint64(0))

    def _seen(self, _uc, address, _size, _user):
        self.count[address] += 1

    def _do(self, name, *arguments):
        error = getattr(self.lib, "uc_" + name)(*arguments)
        if error:
            raise RuntimeError(f"uc_{name}: error {error}")

    def _map(self, at, size):
        self._do("mem_map", self.uc, ctypes.c_uint64(at), ctypes.c_size_t(size), 7)

    def _load(self, elf):
        data = elf.read_bytes()
        offset, = struct.unpack_from("<I", data, 28)
        size, count = struct.unpack_from("<HH", data, 42)
        for i in range(count):
            kind, at, virtual, _, filled, room = struct.unpack_from("<6I", data, offset + i * size)
            if kind != 1 or room == 0:
                continue
            first, past = virtual & ~0xFFF, (virtual + room + 0xFFF) & ~0xFFF
            self._map(first, past - first)
            self.write(virtual, data[at:at + filled])
        self.symbol, functions = {}, []
        for line in subprocess.run(["arm-none-eabi-nm", str(elf)], check=True, capture_output=True,
                                   text=True).stdout.splitlines():
            at, kind, name = line.split()
            self.symbol[name] = int(at, 16)
            if kind in "tTW" and not name.startswith("$"):
                functions.append((int(at, 16) & ~1, name))
        self.functions = sorted(functions)

    def write(self, at, data):
        self._do("mem_write", self.uc, ctypes.c_uint64(at), bytes(data), ctypes.c_size_t(len(data)))

    def read(self, at, size):
        data = ctypes.create_string_buffer(size)
        self._do("mem_read", self.uc, ctypes.c_uint64(at), data, ctypes.c_size_t(size))
        return data.raw

    def _set(self, register, value):
        self._do("reg_write", self.uc, register, ctypes.byref(ctypes.c_uint32(value)))

    def call(self, name, *arguments):
        """What the function returns; `count` and `deepest` grow by what it took."""
        self.write(STACK, PATTERN * STACK_SIZE)
        for i, value in enumerate(arguments):
            self._set(REG_R0 + i, value)
        self._set(REG_SP, STACK + STACK_SIZE)
        self._set(REG_LR, HOME | 1)
        self._do("emu_start", self.uc, ctypes.c_uint64(self.symbol[name] | 1), ctypes.c_uint64(HOME),
                 ctypes.c_uint64(0), ctypes.c_size_t(0))
        stack = self.read(STACK, STACK_SIZE)
        self.deepest = max(self.deepest, len(stack.lstrip(PATTERN)))
        result = ctypes.c_uint32()
        self._do("reg_read", self.uc, REG_R0, ctypes.byref(result))
        return result.value

    def by_function(self):
        starts = [at for at, _ in self.functions]
        total = collections.Counter()
        for address, n in self.count.items():
            total[self.functions[bisect.bisect(starts, address) - 1][1]] += n
        return total
