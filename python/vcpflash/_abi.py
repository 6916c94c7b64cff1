"""vcpflash.h for ctypes: its structures, its functions, and where the library is.

The structures are compared with the header's, member by member, by tests/package.
"""
from __future__ import annotations

import ctypes
import glob
import os
import pathlib
from ctypes import (CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_int, c_size_t, c_uint8, c_uint32,
                    c_uint64, c_void_p)
from typing import Any, Iterator

SONAME = "libvcpflash.so.0"

PROGRESS = CFUNCTYPE(None, c_void_p, c_char_p, c_uint64, c_uint64, c_uint32)
LOG = CFUNCTYPE(None, c_void_p, c_int, c_char_p)
STOP = CFUNCTYPE(c_int, c_void_p)

START = 2**64 - 1
FOREVER = 2**32 - 1
NEVER = 2**32 - 2
KEY_SIZE = 32
SHA256_SIZE = 32


class Options(Structure):
    _fields_ = [
        ("size", c_size_t), ("ctx", c_void_p), ("progress", PROGRESS), ("log", LOG), ("stop", STOP),
        ("wait_ms", c_uint32), ("return_ms", c_uint32), ("baud", c_uint32), ("max_baud", c_uint32), ("key", c_char_p), ("key_file", c_char_p),
        ("full", c_bool), ("dry_run", c_bool), ("discard", c_bool), ("verify_full", c_bool),
        ("run_after", c_bool), ("strict", c_bool), ("compress", c_uint8),
    ]


class File(Structure):
    _fields_ = [("name", c_char_p), ("bytes", c_char_p), ("len", c_size_t)]


class Report(Structure):
    _fields_ = [
        ("size", c_size_t), ("code", c_int), ("text", c_char * 400), ("hint", c_char_p), ("port", c_char * 256),
        ("board", c_char * 40), ("board_id", c_char * 40), ("cause", c_char_p), ("address", c_uint32),
        ("expected", c_uint8), ("found", c_uint8), ("count", c_uint64), ("failure", c_char_p),
        ("failure_address", c_uint32), ("attempts", c_uint32), ("image_bytes", c_uint64), ("same_bytes", c_uint64),
        ("erased_bytes", c_uint64), ("programmed_bytes", c_uint64), ("kept_bytes", c_uint64),
        ("saved_bytes", c_uint64), ("verified_bytes", c_uint64), ("sent_bytes", c_uint64),
        ("received_bytes", c_uint64), ("elapsed_us", c_uint64), ("estimate_us", c_uint64), ("baud", c_uint32),
        ("nothing_to_do", c_bool),
    ]


class Memory(Structure):
    _fields_ = [
        ("name", c_char_p), ("id", c_char_p), ("base", c_uint32), ("bytes", c_uint32), ("sector", c_uint32),
        ("page", c_uint32), ("sector_us", c_uint32), ("page_us", c_uint32), ("kind", c_uint8), ("rights", c_uint8),
        ("dies", c_uint8),
    ]


class Port(Structure):
    _fields_ = [
        ("name", c_char_p), ("description", c_char_p), ("serial", c_char_p), ("vid", c_int), ("pid", c_int),
        ("interface", c_int), ("known", c_bool), ("board", c_char_p), ("board_id", c_char_p), ("trouble", c_char_p),
    ]


class Findings(Structure):
    _fields_ = [
        ("size", c_size_t), ("culprit", c_int), ("verdict", c_char * 400), ("stage", c_char_p), ("rate", c_uint64),
        ("frames", c_uint32), ("damaged_there", c_uint32), ("damaged_here", c_uint32), ("lost_there", c_uint32),
        ("scratch", c_uint32), ("scratch_bytes", c_uint32), ("tested_bytes", c_uint64),
    ]


EACH = CFUNCTYPE(None, c_void_p, POINTER(Port))

_TAIL = [POINTER(Options), POINTER(Report)]
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "program": (c_int, [c_char_p, POINTER(File), c_size_t, *_TAIL]),
    "verify": (c_int, [c_char_p, POINTER(File), c_size_t, *_TAIL]),
    "read": (c_int, [c_char_p, c_uint32, c_void_p, c_size_t, *_TAIL]),
    "erase": (c_int, [c_char_p, c_uint32, c_uint64, *_TAIL]),
    "erase_chip": (c_int, [c_char_p, *_TAIL]),
    "digest": (c_int, [c_char_p, c_uint32, c_uint64, c_void_p, *_TAIL]),
    "run": (c_int, [c_char_p, c_uint64, *_TAIL]),
    "info": (c_int, [c_char_p, POINTER(c_void_p), *_TAIL]),
    "board_free": (None, [c_void_p]),
    "board_name": (c_char_p, [c_void_p]),
    "board_id": (c_char_p, [c_void_p]),
    "board_port": (c_char_p, [c_void_p]),
    "board_memories": (c_size_t, [c_void_p]),
    "board_memory": (POINTER(Memory), [c_void_p, c_size_t]),
    "ports": (c_int, [c_bool, EACH, c_void_p, *_TAIL]),
    "doctor": (c_int, [c_char_p, c_bool, POINTER(Options), POINTER(Findings), POINTER(Report)]),
    "version": (c_char_p, []),
}


def _places() -> Iterator[str]:
    """Where the library may be: as the environment says; under the prefix that holds this
    module too; where the loader looks."""
    named = os.environ.get("VCPFLASH_LIBRARY")
    if named:
        yield named
        return
    for folder in pathlib.Path(__file__).resolve().parents:
        if folder.name == "lib":
            yield from sorted(glob.glob(f"{glob.escape(str(folder))}/{SONAME}"))
            yield from sorted(glob.glob(f"{glob.escape(str(folder))}/*/{SONAME}"))
    yield SONAME


def _open() -> ctypes.CDLL:
    reasons = []
    for place in _places():
        try:
            return ctypes.CDLL(place)
        except OSError as why:
            reasons.append(str(why))
    raise ImportError(f"{SONAME} cannot be loaded ({'; '.join(reasons)}): install libvcpflash, or name the file in "
                      "VCPFLASH_LIBRARY")


def _load() -> dict[str, Any]:
    library = _open()
    functions = {}
    for name, (result, arguments) in _FUNCTIONS.items():
        try:
            function = getattr(library, "vcpflash_" + name)
        except AttributeError:
            raise ImportError(f"{library._name} has no vcpflash_{name}: it is older than this module") from None
        function.restype, function.argtypes = result, arguments
        functions[name] = function
    return functions


call = _load()
