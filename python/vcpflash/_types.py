"""What goes in and what comes out: files, progress, reports, boards, ports, errors."""
from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Optional, Union


@dataclass(frozen=True)
class Data:
    """Bytes to program that are in no file. `data` may be a raw binary, which needs an `address`, or hold Intel HEX,
    S-records, ELF or UF2, which have their own."""
    data: Union[bytes, bytearray, memoryview]
    address: Optional[int] = None
    name: str = "data"


@dataclass(frozen=True)
class Progress:
    """How far a phase has come. `phase` is connect, compare, keep, erase, program, read, verify, run or close."""
    phase: str
    done: int
    total: int    # 0: not known
    busy_ms: int  # the chip is busy for about so long

    @property
    def fraction(self) -> float:
        return self.done / self.total if self.total else 0.0


@dataclass(frozen=True)
class Report:
    """What a call did. Bytes, and seconds."""
    port: str
    board: str     # what it calls itself
    board_id: str  # its unique id in hexadecimal digits; "" if it has none
    attempts: int  # 1, more if something was planned anew
    image_bytes: int
    same_bytes: int  # in sectors that were right already
    erased_bytes: int
    programmed_bytes: int
    kept_bytes: int      # of these, preserved
    saved_bytes: int     # kept off the line by compression
    verified_bytes: int  # digested after writing, or compared
    sent_bytes: int
    received_bytes: int
    seconds: float
    estimate: float  # of the plan, seconds
    baud: int        # 0: there is no such thing
    nothing_to_do: bool


@dataclass(frozen=True)
class Memory:
    """A memory of a board. Bytes, seconds."""
    name: str
    id: str
    base: int
    size: int
    sector: int  # smallest erase unit
    page: int
    sector_time: float  # to erase one, typically; 0: not known
    page_time: float    # to program one, typically; 0: not known
    external: bool      # serial NOR; otherwise the microcontroller's own
    dies: int
    readable: bool
    writable: bool
    runnable: bool


@dataclass(frozen=True)
class Board:
    """What a board says of itself."""
    port: str
    name: str
    id: str
    memories: tuple[Memory, ...]


@dataclass(frozen=True)
class Port:
    """A serial port of this computer."""
    name: str
    description: str
    serial: str           # USB serial number
    vid: Optional[int]    # USB ids
    pid: Optional[int]
    interface: Optional[int]  # of the USB device's interfaces
    known: bool  # USB ids of boards and probes that are known, or a board answered here before
    # If it was asked:
    board: str     # what the board there calls itself; "" if none answered
    board_id: str
    trouble: str   # why none answered; "" if one did

    def __fspath__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Findings:
    """Which part is at fault. Bytes."""
    culprit: str  # none, link, board, chip or host
    verdict: str  # one sentence, also if nothing is at fault
    stage: str    # which test ended it: link, read, scratch, address, restore or whole
    port: str
    rate: int     # of the link, bytes a second
    frames: int   # sent and received,
    damaged_there: int  # of which so many arrived damaged at the board,
    damaged_here: int   # and here,
    lost_there: int     # and bytes that the board had no room for
    scratch: Optional[int]  # address of the sector that was tested, None if none was,
    scratch_bytes: int      # and its size
    tested_bytes: int       # erased, written and read back


class VcpflashError(Exception):
    """What went wrong, in one line that says what, where, and what to do."""
    exit_code = 4  # of the command in the same case

    def __init__(self, text: str, hint: str = "", report: Optional[Report] = None) -> None:
        super().__init__(text)
        self.hint = hint      # the next step
        self.report = report  # how far it got


class UsageError(VcpflashError, ValueError):
    """The call makes no sense."""
    exit_code = 2


class LinkError(VcpflashError):
    """No port, no board, no answer, line lost."""
    exit_code = 3


class _Difference(VcpflashError):
    """Where bytes were seen to differ: `address` of the first, what was `expected` and `found` there, how many
    (`count`), and the likely `cause`. `address` is None where none was seen."""

    def __init__(self, text: str, hint: str = "", report: Optional[Report] = None, *, address: Optional[int] = None,
                 expected: int = 0, found: int = 0, count: int = 0, cause: str = "", failure: str = "") -> None:
        super().__init__(text, hint, report)
        self.address = address
        self.expected = expected
        self.found = found
        self.count = count
        self.cause = cause
        self.failure = failure  # what the board reported, one word; "" if nothing


class MismatchError(_Difference):
    """The chip holds something else."""
    exit_code = 1


class BoardError(_Difference):
    """The board or its flash reported a failure; `address` is where."""
    exit_code = 4


class FileError(VcpflashError):
    """A file: which, where in it, what is wrong."""
    exit_code = 5


class RefusedError(VcpflashError):
    """Outside the memories, protected, not allowed."""
    exit_code = 6


class InterruptedCall(VcpflashError):
    """The call was asked to stop; the board is ready for the next one."""
    exit_code = 130


class NoMemoryError(VcpflashError, MemoryError):
    """This computer has no memory left."""
    exit_code = 4


def path_bytes(path: os.PathLike[str] | str) -> bytes:
    """As the operating system wants it; C strings end at a zero."""
    name = os.fsencode(path)
    if b"\0" in name:
        raise UsageError("a name holds a zero byte")
    return name
