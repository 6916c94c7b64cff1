"""One call of the library, from Python.

The library works in a thread of its own, without the interpreter's lock, and the thread
that made the call waits for it. All that the caller wrote runs in the caller's thread:
callbacks, what they raise, and KeyboardInterrupt, which a wait lets through. Whatever is
raised stops the work in good order first, and is raised when the board is ready again.
"""
from __future__ import annotations

import ctypes
import os
import queue
import threading
from typing import Any, Callable, Optional

from . import _abi
from ._types import (BoardError, FileError, InterruptedCall, LinkError, MismatchError, NoMemoryError, Progress,
                     RefusedError, Report, UsageError, VcpflashError)

LEVELS = ("note", "warning", "board")

ProgressCallback = Callable[[Progress], object]
LogCallback = Callable[[str, str], object]


def text(raw: Optional[bytes]) -> str:
    return (raw or b"").decode("utf-8", "replace")


def _report(r: _abi.Report) -> Report:
    return Report(
        port=os.fsdecode(r.port), board=text(r.board), board_id=text(r.board_id), attempts=r.attempts,
        image_bytes=r.image_bytes, same_bytes=r.same_bytes, erased_bytes=r.erased_bytes,
        programmed_bytes=r.programmed_bytes, kept_bytes=r.kept_bytes, saved_bytes=r.saved_bytes,
        verified_bytes=r.verified_bytes, sent_bytes=r.sent_bytes, received_bytes=r.received_bytes,
        seconds=r.elapsed_us / 1e6, estimate=r.estimate_us / 1e6, baud=r.baud, nothing_to_do=r.nothing_to_do)


def _error(r: _abi.Report) -> Optional[VcpflashError]:
    plain: dict[int, type[VcpflashError]] = {
        -2: UsageError, -3: LinkError, -5: FileError, -6: RefusedError, -7: InterruptedCall, -8: NoMemoryError}
    if r.code == 0:
        return None
    if r.code in plain:
        return plain[r.code](text(r.text), text(r.hint), _report(r))
    cause, failure = text(r.cause), text(r.failure)
    address = r.address if cause else r.failure_address if failure else None
    kind = MismatchError if r.code == -1 else BoardError
    return kind(text(r.text), text(r.hint), _report(r), address=address, expected=r.expected, found=r.found,
                count=r.count, cause=cause, failure=failure)


class Call:
    """Options, and the call that they are for."""

    def __init__(self, progress: Optional[ProgressCallback], log: Optional[LogCallback]) -> None:
        for what, callback in ("progress", progress), ("log", log):
            if callback is not None and not callable(callback):
                raise TypeError(f"{what} is to be called, and {callback!r} cannot be")
        self.options = _abi.Options(size=ctypes.sizeof(_abi.Options))
        self._progress, self._log = progress, log
        self._events: queue.SimpleQueue[Optional[Callable[[], object]]] = queue.SimpleQueue()
        self._stop = 0
        self._done = False
        self._failure: Optional[BaseException] = None
        self._trouble: Optional[BaseException] = None
        if progress is not None:
            self.options.progress = _abi.PROGRESS(self._on_progress)
        if log is not None:
            self.options.log = _abi.LOG(self._on_log)
        self.options.stop = _abi.STOP(lambda _: self._stop)

    # In the library's thread: only put aside what there is to say.

    def _on_progress(self, _: Any, phase: bytes, done: int, total: int, busy_ms: int) -> None:
        told = Progress(text(phase), done, total, busy_ms)
        self._events.put(lambda: self._progress and self._progress(told))

    def _on_log(self, _: Any, level: int, line: bytes) -> None:
        told = LEVELS[level], text(line)
        self._events.put(lambda: self._log and self._log(*told))

    def _work(self, function: Any, arguments: tuple[Any, ...], report: _abi.Report) -> None:
        try:
            function(*arguments, ctypes.byref(self.options), ctypes.byref(report))
        except BaseException as trouble:  # of the arguments' types
            self._trouble = trouble
        finally:
            self._events.put(None)

    # In the caller's thread.

    def _deliver(self) -> None:
        while True:
            event = self._events.get()
            if event is None:
                self._done = True
                return
            if self._failure is None:
                event()

    def _wait(self) -> None:
        """Until the library is done, whatever is raised meanwhile. The second time it is told to hurry."""
        while not self._done:
            try:
                self._deliver()
            except BaseException as failure:
                self._failure = self._failure or failure
                self._stop += 1

    def do(self, function: Any, *arguments: Any) -> Report:
        report = _abi.Report(size=ctypes.sizeof(_abi.Report))
        thread = threading.Thread(target=self._work, args=(function, arguments, report), name="vcpflash")
        try:
            thread.start()
            self._wait()
        except BaseException:  # Ctrl-C while the thread starts, or at the very moment when one is dealt with
            self._stop = 2
            raise
        finally:
            if thread.ident is not None:
                thread.join()
        if self._trouble is not None:
            raise self._trouble
        error = _error(report)
        if self._failure is not None:
            raise self._failure from error
        if error is not None:
            raise error
        return _report(report)
