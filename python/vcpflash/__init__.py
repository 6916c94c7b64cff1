"""Images into a board's external QSPI NOR flash through a virtual COM port.

    import vcpflash
    report = vcpflash.program("auto", ["cm7.hex", "cm4.hex"], progress=print)

A call returns when it is done, and raises a VcpflashError that says in one line what is
wrong, where, and what to do. The interpreter's lock is not held meanwhile, so threads
may program several boards at once. Callbacks run in the thread that made the call; what
they raise, and Ctrl-C, stops the work in good order and is raised then.
"""
from __future__ import annotations

import ctypes
import math
import operator
import os
from typing import Any, Iterable, Optional, Union

from . import _abi
from ._call import Call, LogCallback, ProgressCallback, text
from ._types import (Board, BoardError, Data, FileError, Findings, InterruptedCall, LinkError, Memory, MismatchError,
                     NoMemoryError, Port, Progress, RefusedError, Report, UsageError, VcpflashError, path_bytes)

__all__ = [
    "Board", "BoardError", "Data", "FileError", "Findings", "InterruptedCall", "LinkError", "Memory", "MismatchError",
    "NoMemoryError", "Port", "Progress", "RefusedError", "Report", "UsageError", "VcpflashError", "digest", "doctor",
    "erase", "erase_chip", "info", "ports", "program", "read", "run", "verify",
]

for _name in __all__:
    if isinstance(globals().get(_name), type):
        globals()[_name].__module__ = __name__  # as it is to be imported, and shown

__version__ = text(_abi.call["version"]())

PortLike = Union[str, "os.PathLike[str]", None]
FileLike = Union[str, "os.PathLike[str]", Data]

_COMPRESS = {"auto": 0, "on": 1, "off": 2}


def _port(port: PortLike) -> Optional[bytes]:
    return None if port is None else path_bytes(port)


def _number(value: int, bits: int, what: str) -> int:
    value = operator.index(value)
    if not 0 <= value < 1 << bits:
        raise UsageError(f"{what} {value:#x} is not from 0 to {(1 << bits) - 1:#x}")
    return value


def _file(file: FileLike) -> _abi.File:
    if not isinstance(file, Data):
        return _abi.File(name=path_bytes(file))
    address = "" if file.address is None else f"@{_number(file.address, 32, 'the address'):#x}"
    data = bytes(memoryview(file.data))  # not bytes(7), which are seven zeros
    return _abi.File(name=path_bytes(file.name + address), bytes=data, len=len(data))


def _files(files: Union[FileLike, Iterable[FileLike]]) -> Any:
    if isinstance(files, (bytes, bytearray, memoryview)):
        raise TypeError("bytes are to be given as Data(bytes, address)")
    if isinstance(files, (str, os.PathLike, Data)):
        files = [files]
    all_files = [_file(f) for f in files]
    return (_abi.File * len(all_files))(*all_files)


def _milliseconds(seconds: float) -> int:
    if seconds == math.inf:
        return _abi.FOREVER
    if not 0 <= seconds < _abi.NEVER // 1000:
        raise UsageError(f"{seconds} is no time to wait: seconds, or math.inf")
    return int(seconds * 1000)


def _call(progress: Optional[ProgressCallback], log: Optional[LogCallback], baud: Optional[int],
          max_baud: Optional[int], key: Optional[bytes], key_file: Union[str, os.PathLike[str], None], wait: Optional[float]) -> Call:
    call = Call(progress, log)
    o = call.options
    o.baud = _number(baud or 0, 32, "the baud rate")
    o.max_baud = 0 if max_baud is None else _number(max_baud, 32, "the baud rate") or 1
    if wait is not None:
        o.wait_ms = _milliseconds(wait)
        o.return_ms = o.wait_ms or _abi.NEVER
    if key is not None and len(key) != _abi.KEY_SIZE:
        raise UsageError(f"a key has {_abi.KEY_SIZE} bytes, not {len(key)}")
    o.key = key
    o.key_file = None if key_file is None else path_bytes(key_file)
    return call


def program(port: PortLike, files: Union[FileLike, Iterable[FileLike]], *,
            progress: Optional[ProgressCallback] = None, log: Optional[LogCallback] = None,
            full: bool = False, dry_run: bool = False, discard: bool = False, verify_full: bool = False,
            run: bool = False, strict: bool = False, compress: str = "auto", baud: Optional[int] = None,
            max_baud: Optional[int] = None, key: Optional[bytes] = None,
            key_file: Union[str, os.PathLike[str], None] = None, wait: Optional[float] = None) -> Report:
    """Makes the flash hold these files, and nothing else changes; when it returns all of it was read back.

    `port` is a device, "tcp://HOST:PORT", "rfc2217://HOST:PORT", or None or "auto": the one port where a board answers. `files` is one or
    several of: a path, "FILE@ADDRESS" for a raw binary, or Data. `progress` gets a Progress, `log` a level (note,
    warning, board) and a line. The rest is as with the command: `full` does not compare first, `dry_run` only
    plans, `discard` does not preserve what no file names, `verify_full` adds SHA-256 of everything, `run` starts
    the application; `strict` refuses files that look wrong. `max_baud` 0: the rate stays. `wait` is how many seconds
    a board is waited for, which also holds for one that goes away in the middle (10 if not given; 0: not at all)."""
    call = _call(progress, log, baud, max_baud, key, key_file, wait)
    o = call.options
    o.full, o.dry_run, o.discard, o.verify_full, o.run_after, o.strict = (
        full, dry_run, discard, verify_full, run, strict)
    if compress not in _COMPRESS:
        raise UsageError(f"compress is auto, on or off, not {compress!r}")
    o.compress = _COMPRESS[compress]
    array = _files(files)
    return call.do(_abi.call["program"], _port(port), array, len(array))


def verify(port: PortLike, files: Union[FileLike, Iterable[FileLike]], *,
           progress: Optional[ProgressCallback] = None, log: Optional[LogCallback] = None, verify_full: bool = False,
           baud: Optional[int] = None, max_baud: Optional[int] = None, key: Optional[bytes] = None,
           key_file: Union[str, os.PathLike[str], None] = None, wait: Optional[float] = None) -> Report:
    """Compares only. MismatchError says where the flash holds something else."""
    call = _call(progress, log, baud, max_baud, key, key_file, wait)
    call.options.verify_full = verify_full
    array = _files(files)
    return call.do(_abi.call["verify"], _port(port), array, len(array))


def read(port: PortLike, address: int, length: int, *, progress: Optional[ProgressCallback] = None,
         log: Optional[LogCallback] = None, baud: Optional[int] = None, max_baud: Optional[int] = None,
         key: Optional[bytes] = None, key_file: Union[str, os.PathLike[str], None] = None, wait: Optional[float] = None) -> bytes:
    """What the flash holds there. An address below the external memory's size is an offset into it."""
    call = _call(progress, log, baud, max_baud, key, key_file, wait)
    _number(address, 32, "the address")
    out = ctypes.create_string_buffer(_number(length, 32, "the length"))
    call.do(_abi.call["read"], _port(port), address, out, length)
    return out.raw[:length]


def erase(port: PortLike, address: int, length: int, *, progress: Optional[ProgressCallback] = None,
          log: Optional[LogCallback] = None, full: bool = False, discard: bool = False, baud: Optional[int] = None,
          max_baud: Optional[int] = None, key: Optional[bytes] = None,
          key_file: Union[str, os.PathLike[str], None] = None, wait: Optional[float] = None) -> Report:
    """The range becomes 0xFF; what lies beside it survives."""
    call = _call(progress, log, baud, max_baud, key, key_file, wait)
    call.options.full, call.options.discard = full, discard
    return call.do(_abi.call["erase"], _port(port), _number(address, 32, "the address"),
                   _number(length, 33, "the length"))


def erase_chip(port: PortLike, *, progress: Optional[ProgressCallback] = None, log: Optional[LogCallback] = None,
               full: bool = False, baud: Optional[int] = None, max_baud: Optional[int] = None,
               key: Optional[bytes] = None, key_file: Union[str, os.PathLike[str], None] = None, wait: Optional[float] = None) -> Report:
    """All of the first external memory becomes 0xFF, but what the board protects."""
    call = _call(progress, log, baud, max_baud, key, key_file, wait)
    call.options.full = full
    return call.do(_abi.call["erase_chip"], _port(port))


def digest(port: PortLike, address: int, length: int, *, progress: Optional[ProgressCallback] = None,
           log: Optional[LogCallback] = None, baud: Optional[int] = None, max_baud: Optional[int] = None,
           key: Optional[bytes] = None, key_file: Union[str, os.PathLike[str], None] = None, wait: Optional[float] = None) -> bytes:
    """SHA-256 of the range, computed on the board: 32 bytes."""
    call = _call(progress, log, baud, max_baud, key, key_file, wait)
    out = ctypes.create_string_buffer(_abi.SHA256_SIZE)
    call.do(_abi.call["digest"], _port(port), _number(address, 32, "the address"),
            _number(length, 33, "the length"), out)
    return out.raw


def run(port: PortLike, address: Optional[int] = None, *, log: Optional[LogCallback] = None,
        baud: Optional[int] = None, max_baud: Optional[int] = None, key: Optional[bytes] = None,
        key_file: Union[str, os.PathLike[str], None] = None, wait: Optional[float] = None) -> Report:
    """Leaves the loader and starts the application whose vector table is at `address`, or where the first external
    memory begins."""
    call = _call(None, log, baud, max_baud, key, key_file, wait)
    where = _abi.START if address is None else _number(address, 32, "the address")
    return call.do(_abi.call["run"], _port(port), where)


def _memory(m: _abi.Memory) -> Memory:
    return Memory(name=text(m.name), id=text(m.id), base=m.base, size=m.bytes, sector=m.sector, page=m.page,
                  sector_time=m.sector_us / 1e6, page_time=m.page_us / 1e6, external=m.kind == 1, dies=m.dies,
                  readable=bool(m.rights & 1), writable=bool(m.rights & 2), runnable=bool(m.rights & 4))


def info(port: PortLike = None, *, log: Optional[LogCallback] = None, baud: Optional[int] = None,
         max_baud: Optional[int] = None, key: Optional[bytes] = None,
         key_file: Union[str, os.PathLike[str], None] = None, wait: Optional[float] = None) -> Board:
    """Asks the board what it is."""
    call = _call(None, log, baud, max_baud, key, key_file, wait)
    board = ctypes.c_void_p()
    try:
        call.do(_abi.call["info"], _port(port), ctypes.byref(board))
        memories = (_abi.call["board_memory"](board, i).contents for i in range(_abi.call["board_memories"](board)))
        return Board(port=os.fsdecode(_abi.call["board_port"](board)), name=text(_abi.call["board_name"](board)),
                     id=text(_abi.call["board_id"](board)), memories=tuple(_memory(m) for m in memories))
    finally:
        _abi.call["board_free"](board)


def ports(ask: bool = False) -> list[Port]:
    """The serial ports of this computer. With `ask` each that is known is asked who is there, which takes up to a
    second; otherwise none is opened."""
    found: list[Port] = []

    def each(_: Any, port: Any) -> None:
        p = port.contents
        vid, pid, interface = (n if n >= 0 else None for n in (p.vid, p.pid, p.interface))
        found.append(Port(name=os.fsdecode(p.name), description=text(p.description), serial=text(p.serial), vid=vid,
                          pid=pid, interface=interface, known=p.known, board=text(p.board),
                          board_id=text(p.board_id), trouble=text(p.trouble)))

    Call(None, None).do(_abi.call["ports"], ask, _abi.EACH(each), None)
    return found


_CULPRITS = ("none", "link", "board", "chip", "host")


def doctor(port: PortLike = None, *, whole_chip: bool = False, log: Optional[LogCallback] = None,
           baud: Optional[int] = None, max_baud: Optional[int] = None, key: Optional[bytes] = None,
           key_file: Union[str, os.PathLike[str], None] = None, wait: Optional[float] = None) -> Findings:
    """Which part is at fault: tests the link alone, then the chip, in a sector that holds afterwards what it held;
    with `whole_chip` then all of the first external memory, which is erased afterwards. What it finds is returned,
    not raised; `log` gets it a line at a time."""
    call = _call(None, log, baud, max_baud, key, key_file, wait)
    f = _abi.Findings(size=ctypes.sizeof(_abi.Findings))

    def examine(name: Optional[bytes], options: Any, report: Any) -> None:
        _abi.call["doctor"](name, whole_chip, options, ctypes.byref(f), report)

    try:
        where = call.do(examine, _port(port)).port
    except VcpflashError as error:
        if not f.verdict or isinstance(error, InterruptedCall):
            raise
        where = error.report.port if error.report else ""
    return Findings(culprit=_CULPRITS[f.culprit], verdict=text(f.verdict), stage=text(f.stage), port=where,
                    rate=f.rate, frames=f.frames, damaged_there=f.damaged_there, damaged_here=f.damaged_here,
                    lost_there=f.lost_there, scratch=f.scratch if f.scratch_bytes else None,
                    scratch_bytes=f.scratch_bytes, tested_bytes=f.tested_bytes)
