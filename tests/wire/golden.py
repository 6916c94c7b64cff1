#!/usr/bin/env python3
"""Writes the golden frames, messages, digests and sums of docs/PROTOCOL.md.

Made from that text alone: it shares no code with the product and uses nothing
but Python's standard library. `golden.py DIR` writes the files of DIR;
`golden.py --check DIR` compares them with what it would write, and fails where
they differ.

A file holds records, with an empty line after each; a record is lines of a
name, a space and a value. Numbers are decimal, bytes are in hex, `-` is no
bytes at all. A line that begins with `#` is a comment. conversations.py
says what the files of conversations hold besides.
"""
import difflib
import hashlib
import hmac
import pathlib
import struct
import sys
import zlib

MASK = 0xFFFFFFFF


# --- frames, section 2 ---------------------------------------------------------

def cobs(data):
    """Blocks of up to 254 non-zero bytes behind a byte that says where they end."""
    out = bytearray()
    pieces = bytes(data).split(b"\0")  # a zero stood between every two of them
    for i, piece in enumerate(pieces):
        while len(piece) >= 254:
            out += b"\xff" + piece[:254]
            piece = piece[254:]
            if not piece and i == len(pieces) - 1:
                return bytes(out)
        out += bytes([len(piece) + 1]) + piece
    return bytes(out)


def uncobs(coded):
    """The other direction, written on its own, to check the first."""
    out = bytearray()
    at = 0
    while at < len(coded):
        code = coded[at]
        block = coded[at + 1:at + code]
        assert code > 0 and len(block) == code - 1 and 0 not in block
        out += block
        at += code
        if code < 255 and at < len(coded):
            out.append(0)
    return bytes(out)


def frame(body):
    checked = body + le(zlib.crc32(body), 4)
    coded = cobs(checked)
    assert 0 not in coded and uncobs(coded) == checked
    return b"\0" + coded + b"\0"


def le(number, size):
    return number.to_bytes(size, "little")


def header(kind, number, tag):
    return b"\xf8" + le(kind, 1) + le(number, 2) + le(tag, 4)


# --- digests, section 5.2 --------------------------------------------------------

def half_sip_hash(key, data):
    """HalfSipHash-2-4, 64 bits out; `key` are eight bytes."""
    def rotl(x, n):
        return (x << n | x >> (32 - n)) & MASK

    def rounds(v, n):
        v0, v1, v2, v3 = v
        for _ in range(n):
            v0 = (v0 + v1) & MASK
            v1 = rotl(v1, 5) ^ v0
            v0 = rotl(v0, 16)
            v2 = (v2 + v3) & MASK
            v3 = rotl(v3, 8) ^ v2
            v0 = (v0 + v3) & MASK
            v3 = rotl(v3, 7) ^ v0
            v2 = (v2 + v1) & MASK
            v1 = rotl(v1, 13) ^ v2
            v2 = rotl(v2, 16)
        return [v0, v1, v2, v3]

    k0 = int.from_bytes(key[:4], "little")
    k1 = int.from_bytes(key[4:], "little")
    v = [k0, k1 ^ 0xee, k0 ^ 0x6c796765, k1 ^ 0x74656462]
    padded = data + bytes(3 - len(data) % 4) + le(len(data) & 0xff, 1)
    for at in range(0, len(padded), 4):
        word = int.from_bytes(padded[at:at + 4], "little")
        v[3] ^= word
        v = rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xee
    v = rounds(v, 4)
    out = le(v[1] ^ v[3], 4)
    v[1] ^= 0xdd
    v = rounds(v, 4)
    return out + le(v[1] ^ v[3], 4)


def digests(session, data, sector, group):
    key = le(session, 8)
    singles = [half_sip_hash(key, data[at:at + sector]) for at in range(0, len(data), sector)]
    answer = b""
    for at in range(0, len(singles), group):
        of = singles[at:at + group]
        answer += of[0] if len(of) == 1 else half_sip_hash(key, b"".join(of))
    return answer


def pattern(seed, length):
    """Bytes that both sides can make: see the head of the files that use them."""
    return bytes((i * 167 + (i >> 8) * 13 + seed) & 0xff for i in range(length))


# --- records -----------------------------------------------------------------------

def record(*fields):
    lines = []
    for name, value in fields:
        if isinstance(value, (bytes, bytearray)):
            value = value.hex().upper() or "-"
        lines.append(f"{name} {value}\n")
    return "".join(lines) + "\n"


def body_record(name, kind, number, tag, fields, body):
    body = header(kind, number, tag) + body
    return record(("name", name), ("kind", kind), ("number", number), ("tag", tag), *fields,
                  ("body", body), ("raw", frame(body)))


# --- control frames, section 3 ---------------------------------------------------------

def hello(name, number, session, low=1, high=1, payload=4096, flags=0):
    fields = [("version_min", low), ("version_max", high), ("payload", payload),
              ("session", session), ("flags", flags)]
    body = le(low, 1) + le(high, 1) + le(payload, 2) + le(session, 8) + le(flags, 4)
    return body_record(name, 0x01, number, session & MASK, fields, body)


def welcome(name, number, session, board, chip_id, version=1, version_max=1, memories=1,
            trailer=0, capabilities=1, ring=16384, credit=12288, window=16384, payload=1024,
            answer=1024, queue=16, block=0, rate=0, journal=None, nonce=None):
    trailer = 16 if nonce else trailer
    fields = [("version", version), ("version_max", version_max), ("memories", memories),
              ("trailer", trailer), ("session", session), ("capabilities", capabilities),
              ("ring", ring), ("credit", credit), ("window", window), ("payload", payload),
              ("answer", answer), ("queue", queue), ("id_len", len(chip_id)), ("id", chip_id),
              ("block", block), ("rate", rate), ("board", board)]
    body = (le(version, 1) + le(version_max, 1) + le(memories, 1) + le(trailer, 1)
            + le(session, 8) + le(capabilities, 4) + le(ring, 4) + le(credit, 4) + le(window, 4)
            + le(payload, 2) + le(answer, 2) + le(queue, 2) + le(len(chip_id), 1)
            + le(len(board), 1) + chip_id.ljust(16, b"\0") + le(block, 4) + le(rate, 4)
            + board.encode("ascii"))
    if journal:
        fields += list(zip(("set", "entries", "changed"), journal))
        body += le(journal[0], 1) + le(journal[1], 1) + le(0, 2) + le(journal[2], 8)
    if nonce:
        fields.append(("nonce", nonce))
        body += nonce
    return body_record(name, 0x81, number, session & MASK, fields, body)


def memory(name, number, tag, index, part, kind, flags, dies, chip_id, base, size, page, unit,
           page_typ, page_max, read_rate, erase, protect=(), torn=None,
           condition=None):
    fields = [("index", index), ("memory_kind", kind), ("flags", flags), ("dies", dies),
              ("id_len", len(chip_id)), ("erase_types", len(erase)), ("protects", len(protect)),
              ("base", base), ("size", size), ("page", page), ("unit", unit),
              ("page_typ", page_typ), ("page_max", page_max), ("read_rate", read_rate),
              ("id", chip_id)]
    body = (le(index, 1) + le(kind, 1) + le(flags, 1) + le(dies, 1) + le(len(chip_id), 1)
            + le(len(erase), 1) + le(len(protect), 1) + le(len(part), 1) + le(base, 4)
            + le(size, 4) + le(page, 4) + le(unit, 4) + le(page_typ, 4) + le(page_max, 4)
            + le(read_rate, 4) + chip_id.ljust(8, b"\0"))
    for i, (length, typical, maximum) in enumerate(erase):
        fields += [(f"erase{i}_size", length), (f"erase{i}_typ", typical),
                   (f"erase{i}_max", maximum)]
        body += le(length, 4) + le(typical, 4) + le(maximum, 4)
    for i, (offset, length) in enumerate(protect):
        fields += [(f"protect{i}_offset", offset), (f"protect{i}_len", length)]
        body += le(offset, 4) + le(length, 4)
    fields.append(("part", part))
    body += part.encode("ascii")
    if torn is not None:
        fields.append(("torns", len(torn)))
        body += le(len(torn), 1)
        for i, (offset, length) in enumerate(torn):
            fields += [(f"torn{i}_offset", offset), (f"torn{i}_len", length)]
            body += le(offset, 4) + le(length, 4)
    if condition is not None:
        numbers, conflict = condition[:-1], condition[-1]
        names = ("source", "found", "quad", "lanes", "protect", "inverted", "registers",
                 "status00", "status01", "status10", "status11", "probe")
        fields += list(zip((f"condition_{n}" for n in names), numbers, strict=True))
        fields.append(("conflict", conflict or "-"))
        told = bytes(numbers) + le(len(conflict), 1) + conflict.encode("ascii")
        body += le(len(told), 1) + told
    return body_record(name, 0x82, number, tag, fields, body)


def state(name, number, tag, flags=0, seen=0, received=0, limit=512, done=0, damaged=0, lost=0,
          message=0, memory=0, typical=0, maximum=0, islands=(), failure=None, mended=0):
    fields = [("flags", flags), ("islands", len(islands)), ("seen", seen),
              ("received", received), ("limit", limit), ("done", done), ("damaged", damaged),
              ("lost", lost), ("message", message), ("memory", memory), ("mended", mended),
              ("typical", typical),
              ("maximum", maximum)]
    body = (le(flags, 1) + le(len(islands), 1) + le(seen, 2) + le(received, 4) + le(limit, 4)
            + le(done, 4) + le(damaged, 2) + le(lost, 2) + le(message, 1) + le(memory, 1)
            + le(mended, 2) + le(typical, 4) + le(maximum, 4))
    for i, (start, end) in enumerate(islands):
        fields += [(f"island{i}_start", start), (f"island{i}_end", end)]
        body += le(start, 4) + le(end, 4)
    if failure:
        names = ["operation", "code", "memory", "expected", "found", "address", "count"]
        sizes = [4, 1, 1, 1, 1, 4, 4]
        fields += [(f"failure_{n}", value) for n, value in zip(names, failure)]
        body += b"".join(le(value, size) for value, size in zip(failure, sizes))
    return body_record(name, 0x83, number, tag, fields, body)


def refuse(name, number, tag, code, kind, low=1, high=1):
    fields = [("code", code), ("refused", kind), ("version_min", low), ("version_max", high)]
    body = le(code, 1) + le(kind, 1) + le(low, 1) + le(high, 1)
    return body_record(name, 0x87, number, tag, fields, body)


def prove(name, number, tag, nonce, proof):
    return body_record(name, 0x08, number, tag, [("nonce", nonce), ("proof", proof)],
                       nonce + proof)


def proved(name, number, tag, result, wait, proof):
    return body_record(name, 0x8A, number, tag,
                       [("result", result), ("wait", wait), ("proof", proof)],
                       le(result, 1) + le(0, 3) + le(wait, 4) + proof)


def guard(key, label, session, board, host):
    """What is made of a key, section 3.8."""
    label = label.ljust(16).encode("ascii")
    return hmac.digest(key, label + le(session, 8) + board + host, "sha256")


def nonce(key, seed, count):
    return hmac.digest(key, b"vcpflash/1 nonce" + seed + le(count, 8), "sha256")[:16]


def trailer(key, number, message):
    return hmac.digest(key, le(number, 8) + message, "sha256")[:16]


def control():
    ms = 1000
    nor = [(4096, 48 * ms, 400 * ms), (32768, 112 * ms, 1000 * ms), (65536, 160 * ms, 1000 * ms)]
    yield hello("hello", 0, 0x1122334455667788)
    yield hello("hello-least", 65535, 1, 0, 0, 64)
    yield hello("hello-most", 256, 0xFFFFFFFFFFFFFFFF, 1, 255, 4096, 0xFFFFFFFF)
    yield hello("hello-high-half-zero", 1, 0x80000000)
    yield welcome("welcome", 0, 0x1122334455667788, "STM32H747I-DISCO",
                  bytes.fromhex("3132330051353438002F0041"), rate=3000000)
    yield welcome("welcome-least", 65535, 1, "x", b"", capabilities=0, ring=1024, credit=83,
                  window=512, payload=64, answer=64, queue=0)
    yield welcome("welcome-most", 256, 0xFFFFFFFFFFFFFFFF, "board with a name of 32 letters.",
                  bytes(range(0xF0, 0x100)), 1, 255, 8, 0, MASK & ~6, 1 << 31, MASK, 1 << 31, 4096,
                  4096, 65535, 1 << 16, MASK)
    yield welcome("welcome-journal", 3, 0x1122334455667788, "STM32H747I-DISCO", b"id",
                  capabilities=0b11, journal=(1, 32, 0x8877665544332211))
    yield welcome("welcome-journal-new", 4, 0x1122334455667788, "x", b"", capabilities=2,
                  journal=(0, 1, 0))
    yield welcome("welcome-journal-most", 5, MASK, "board with a name of 32 letters.", b"",
                  capabilities=MASK, journal=(3, 32, 0xFFFFFFFFFFFFFFFF),
                  nonce=bytes(range(0xE0, 0xF0)))
    yield welcome("welcome-key", 6, 0x1122334455667788, "STM32H747I-DISCO", b"id",
                  capabilities=0b101, nonce=pattern(0x21, 16))
    yield prove("prove", 7, 0x55667788, pattern(0x22, 16), pattern(0x23, 32))
    yield proved("proved", 8, 0x55667788, 0, 0, pattern(0x24, 32))
    yield proved("proved-no", 9, 0x55667788, 1, 1000, bytes(32))
    yield proved("proved-later", 10, 0x55667788, 2, 64000, bytes(32))
    yield body_record("describe", 0x02, 1, 0x55667788, [("index", 0)], le(0, 1))
    yield body_record("describe-last", 0x02, 2, MASK, [("index", 7)], le(7, 1))
    yield memory("memory", 1, 0x55667788, 0, "MT25QL512AB", 1, 0b1111, 1,
                 bytes.fromhex("20BA20"), 0x90000000, 64 << 20, 256, 1, 120, 1800, 40000000,
                 nor + [(64 << 20, 128000 * ms, 460000 * ms)])
    yield memory("memory-two-dies", 2, 0x55667788, 1, "MT25TL01G", 1, 0b0111, 2,
                 bytes.fromhex("20BA201044"), 0x90000000, 128 << 20, 512, 2, 120, 1800, 80000000,
                 [(2 * size, typ, top) for size, typ, top in nor])
    yield memory("memory-internal", 3, 0x55667788, 2, "STM32H747 bank 2", 2, 0b10111, 1, b"",
                 0x08100000, 7 * 131072, 32, 32, 0, 0, 0, [(131072, 0, 4000 * ms)],
                 [(0, 131072)])
    yield memory("memory-least", 4, 1, 0, "?", 1, 0, 1, b"", 0, 1, 1, 1, 0, 0, 0, [(1, 0, 1)])
    yield memory("memory-one-odd-erase", 5, 1, 3, "whole only", 1, 3, 1, b"\0", 0, 3 * 4096,
                 256, 4096 // 16, 5, 5, 1, [(3 * 4096, 9, 9)])
    yield memory("memory-most", 65535, MASK, 7, "a part of 23 characters", 2, 255, 2,
                 bytes(range(0xF8, 0x100)), 0x80000000, 0x80000000, 1 << 31, 1 << 12, MASK, MASK,
                 MASK, [(1 << 12, MASK, MASK), (1 << 15, 1, MASK), (1 << 16, 1, 1),
                        (1 << 30, 0, 1), (1 << 31, 7, 8)],
                 [(0, 1 << 31), (0x7FFFFFFF, 1), (1 << 31, 0), (4096, 4096)])
    yield memory("memory-whole", 6, 0x55667788, 0, "MT25QL512AB", 1, 0b1111, 1,
                 bytes.fromhex("20BA20"), 0x90000000, 64 << 20, 256, 1, 120, 1800, 40000000, nor,
                 [((64 << 20) - 8192, 8192)], [])
    yield memory("memory-torn", 7, 0x55667788, 0, "MT25QL512AB", 1, 0b1111, 1,
                 bytes.fromhex("20BA20"), 0x90000000, 64 << 20, 256, 1, 120, 1800, 40000000, nor,
                 [((64 << 20) - 8192, 8192)], [(0, 65536), (0x20000, 1), (0x30000, 0x2000),
                                               ((64 << 20) - 1, 1)])
    yield memory("memory-condition", 8, 0x55667788, 0, "MT25TL01G", 1, 0b0111, 2,
                 bytes.fromhex("20BA21104400"), 0x90000000, 128 << 20, 512, 2, 120, 1800, 80000000,
                 [(2 * size, typ, top) for size, typ, top in nor], (), [],
                 (3, 0x83, 1, 0x44, 0x5C, 0, 1, 0x04, 0, 0x18, 0, 0, ""))
    yield memory("memory-condition-most", 9, 0x55667788, 0, "W25Q128JV", 1, 0b0111, 1,
                 bytes.fromhex("EF4018"), 0x90000000, 16 << 20, 256, 1, 400, 3000, 0, nor, (), [],
                 (3, 0x9F, 3, 0x12, 0xFF, 1, 2, 0xFC, 0x42, 0xFF, 0xFF, 0, "opcode of 4K erase 20"[:20]))
    yield memory("memory-no-chip", 10, 0x55667788, 0, "no flash chip answers", 1, 0, 1,
                 b"\xff" * 6, 0x90000000, 4096, 256, 1, 0, 0, 0, [(4096, 0, 1)], (), [],
                 (0,) * 11 + (1, ""))
    yield memory("memory-conflict", 11, 0x55667788, 1, "contradictory chip", 1, 0, 2,
                 bytes.fromhex("20BA21104400"), 0x90000000, 4096, 256, 1, 0, 0, 0, [(4096, 0, 1)],
                 (), [(0, 1)], (3,) + (0,) * 10 + (3, "page size"))
    yield body_record("rate", 0x07, 19, 0x55667788, [("baud", 3000000)], le(3000000, 4))
    yield body_record("rate-most", 0x07, 65535, MASK, [("baud", MASK)], le(MASK, 4))
    yield body_record("rated", 0x89, 20, 0x55667788, [("baud", 2000000)], le(2000000, 4))
    yield body_record("rated-least", 0x89, 0, 1, [("baud", 1)], le(1, 4))
    yield body_record("query", 0x03, 7, 0x55667788, [], b"")
    yield body_record("query-most", 0x03, 65535, MASK, [], b"")
    yield body_record("abort", 0x04, 8, 0x55667788, [], b"")
    yield state("state", 9, 0x55667788)
    yield state("state-busy", 10, 0x55667788, 0b100, 513, 40000, 52288, 17, 2, 40, 1, 0, 12, 988)
    yield state("state-deaf", 11, 0x55667788, 0b110, 514, 40000, 52288, 18, 0, 0, 2, 1, 160, 4000)
    yield state("state-islands", 12, 0x55667788, 0, 600, 1000, 9000, 3,
                islands=[(1500, 2000), (2001, 2002), (2500, 4000), (8999, 9000)])
    yield state("state-wraps", 13, 0x55667788, 0, 0, 0xFFFFFF00, 0x100, MASK,
                islands=[(0xFFFFFF80, 0x10), (0x20, 0x100)])
    yield state("state-mismatch", 14, 0x55667788, 0b001, 700, 5000, 5512, 21,
                failure=(21, 7, 0, 0x5A, 0x5B, 0x90001234, 3))
    yield state("state-most", 65535, MASK, 255, 65535, MASK, 0x7FFFFFFE, MASK, 65535, 65535, 255,
                7, MASK, MASK, [(0, 1), (2, 3), (4, 5), (0x7FFFFFFD, 0x7FFFFFFE)],
                (MASK, 255, 255, 255, 255, MASK, MASK), mended=65535)
    yield refuse("refuse-version", 15, 0x55667788, 1, 0x01)
    yield refuse("refuse-kind", 16, 0x55667788, 2, 0x7F)
    yield refuse("refuse-memory", 17, 0x55667788, 3, 0x02, 1, 255)
    yield body_record("ended", 0x88, 18, 0x55667788, [("open", 0)], le(0, 4))
    yield body_record("ended-other", 0x88, 65535, MASK, [("open", 0xFFFFFFFE)],
                      le(0xFFFFFFFE, 4))


# --- frames with payload, sections 3.6, 4.1, 5.1 -------------------------------------------

def echo(name, payload, kind=0x05, number=0x0101, tag=0x01010101):
    return body_record(name, kind, number, tag, [("payload", payload)], payload)


def data(name, number, offset, payload, tag=0x55667788):
    return body_record(name, 0x06, number, tag,
                       [("offset", offset), ("payload", payload)], le(offset, 4) + payload)


def answer(name, number, operation, offset, payload, tag=0x55667788):
    fields = [("operation", operation), ("offset", offset), ("payload", payload)]
    return body_record(name, 0x86, number, tag, fields,
                       le(operation, 4) + le(offset, 4) + payload)


def echo_where(payload, wanted):
    """The first variation of `payload` in its last bytes that makes a CRC as wanted."""
    for count in range(1 << 20):
        varied = payload[:-3] + bytes(1 + count // 200 ** i % 200 for i in range(3))
        body = header(0x05, 0x0101, 0x01010101) + varied
        if wanted(le(zlib.crc32(body), 4)):
            return varied
    raise ValueError("no such payload")


def blocks():
    """What is on the edge of COBS' blocks. The header has no zero byte in it."""
    def no_zero(crc):
        return 0 not in crc

    head = 8
    for length in (253, 254, 255, 256, 508, 509, 762):
        yield echo(f"all-nonzero-{length}",
                   echo_where(b"\x5a" * (length - head - 4), no_zero))
    for length in (252, 253, 254, 255, 507, 508, 509):
        yield echo(f"zero-after-{length}", b"\xa5" * (length - head) + b"\0" + b"\x11\x22\x33")
    for length in (253, 254, 255):
        # The last byte of the CRC is the zero, after a run of this length.
        payload = echo_where(b"\x3c" * (length - head - 3),
                             lambda crc: crc[3] == 0 and 0 not in crc[:3])
        yield echo(f"last-zero-after-{length}", payload)
    yield echo("zeros", bytes(300))
    yield echo("one-zero", b"\0")
    yield echo("every-other", b"\0\xf8" * 200)
    yield echo("markers", b"\xf8" * 64)
    yield echo("crc-all-but-zero", echo_where(b"\x77" * 8, lambda crc: crc[1] == crc[2] == 0))


def payloads():
    yield echo("echo-nothing", b"", 0x05, 3, 0x55667788)
    yield echo("echoed-nothing", b"", 0x85, 3, 0x55667788)
    yield echo("echoed", b"hello", 0x85, 4, 0x55667788)
    yield data("data-one", 0, 0, b"\0")
    yield data("data-64", 1, 0xFFFFFFFF, pattern(1, 64))
    yield data("data-most", 65535, 0x80000000, pattern(2, 4096))
    yield data("data-erased", 2, 16, b"\xff" * 1024)
    yield answer("answer-one", 0, 0, 0, b"\xff")
    yield answer("answer-digest", 1, 5, 8, pattern(3, 8))
    yield answer("answer-most", 65535, MASK, MASK, pattern(4, 4096))
    yield from blocks()


# --- messages, section 5 ----------------------------------------------------------------------

def messages():
    def message(name, kind, memory, address, length, group=None, flags=0,
                packed=None, ranges=()):
        fields = [("name", name), ("type", kind), ("flags", flags), ("memory", memory),
                  ("address", address), ("length", length)]
        raw = (le(kind, 1) + le(flags, 1) + le(memory, 1) + le(0, 1) + le(address, 4)
               + le(length, 4))
        if group is not None:
            fields.append(("group", group))
            raw += le(group, 4)
        if packed is not None:
            fields.append(("packed", packed))
            raw += le(packed, 4)
        for i, (first, size, digest) in enumerate(ranges):
            fields += [(f"range{i}_address", first), (f"range{i}_length", size),
                       (f"range{i}_digest", digest)]
            raw += le(first, 4) + le(size, 4) + digest
        return record(*fields, ("bytes", raw))

    yield message("erase", 1, 0, 0x90010000, 65536)
    yield message("program", 2, 0, 0x90010000, 65536)
    yield message("read", 3, 1, 0x08000000, 1)
    yield message("digest", 4, 0, 0x90000000, 1 << 26, 16)
    yield message("digest-most", 4, 7, MASK, MASK, MASK, 0x80)
    yield message("sha256", 5, 2, 0x90000001, 0)
    yield message("run", 6, 0, 0x90000000, 0)
    yield message("deflated", 8, 0, 0x90000000, 16384, packed=9001)
    yield message("deflated-branches", 8, 0, 0x90000002, 16384, packed=9001, flags=1)
    yield message("set-none", 9, 0, 0, 0)
    yield message("set-incomplete", 9, 0, 1, 16, ranges=[(0x90000000, 4096, bytes(8))])
    yield message("set-complete", 9, 0, 2, 32,
                  ranges=[(0x08020000, 0x20000, bytes(range(8))),
                          (0x90000000, 0x800000, bytes(range(0xF8, 0x100)))])
    yield message("recall", 0x0A, 0, 0, 0)
    yield message("reserved", 0x0B, 255, 1, 2, None, 0xFF)


# --- sums -----------------------------------------------------------------------------------------

def source(seed, length):
    return [("seed", seed), ("length", length)], pattern(seed, length)


def sums():
    for length in (0, 1, 2, 3, 4, 5, 7, 8, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 255,
                   256, 1000, 4096, 65537):
        fields, bytes_ = source(length & 0xff, length)
        yield record(*fields, ("crc32", zlib.crc32(bytes_)),
                     ("sha256", hashlib.sha256(bytes_).digest()))


def sector_digests():
    for session in (1, 0x0706050403020100, 0x1122334455667788, 0xFFFFFFFFFFFFFFFF):
        for seed, length, sector, group in ((1, 4096, 4096, 1), (2, 16384, 4096, 1),
                                            (3, 16384, 4096, 4), (4, 20480, 4096, 2),
                                            (5, 20480, 4096, 4), (6, 512, 256, 1000)):
            fields, bytes_ = source(seed, length)
            yield record(("session", session), *fields, ("sector", sector), ("group", group),
                         ("answer", digests(session, bytes_, sector, group)))
        for length in (0, 1, 2, 3, 4, 5, 8, 255, 256, 257):
            fields, bytes_ = source(7, length)
            yield record(("session", session), *fields, ("sector", max(length, 1)), ("group", 1),
                         ("answer", half_sip_hash(le(session, 8), bytes_)))


def places(offset, data):
    """Section 5.4: the distances in BL instructions made places."""
    out = bytearray(data)
    p = 0
    while p + 4 <= len(out):
        first, second = struct.unpack_from("<HH", out, p)
        if first >> 11 == 0b11110 and second >> 11 == 0b11111:
            number = ((first & 0x7FF) << 11 | second & 0x7FF) + (offset + p) // 2 & 0x3FFFFF
            struct.pack_into("<HH", out, p, 0xF000 | number >> 11, 0xF800 | number & 0x7FF)
            p += 2
        p += 2
    return bytes(out)


def branches():
    # two calls of one function, as an assembler writes them: bl 0x1000 at 0x200 and at 0x7f8
    calls = bytes.fromhex("00f0fefe") + bytes(0x5f4) + bytes.fromhex("00f002fc")
    yield record(("offset", 0x200), ("distances", calls), ("places", places(0x200, calls)))
    for seed, length, offset in ((1, 0, 0), (2, 3, 0), (3, 4, 2), (4, 5, 0x3FFFFFE), (5, 6, 8),
                                 (6, 600, 0x12344), (7, 601, 0xFFFFFE)):
        rough = pattern(seed, length)
        code = bytes(b & 7 | 0xF0 if i % 4 == 1 and b & 8 else b | 0xF8 if i % 4 == 3 else b
                     for i, b in enumerate(rough))
        yield record(("offset", offset), ("distances", code), ("places", places(offset, code)))


def codes():
    """HMAC-SHA-256 as Python has it, keys shorter and longer than a block."""
    for seed, key, length in ((1, 32, 0), (2, 32, 12), (3, 32, 4136), (4, 0, 1), (5, 1, 63),
                              (6, 63, 64), (7, 64, 65), (8, 65, 55), (9, 200, 56)):
        data = pattern(seed, length)
        key = pattern(seed + 99, key)
        yield record(("hmac", hmac.digest(key, data, "sha256")), ("key", key), ("data", data))


def derived():
    key, seed, host = pattern(1, 32), pattern(2, 16), pattern(3, 16)
    for session, count in ((0x1122334455667788, 0), (1, 1), (MASK << 32 | 1, (1 << 64) - 1)):
        board = nonce(key, seed, count)
        session_key = guard(key, "vcpflash/1 keys", session, board, host)
        for number, text in ((0, bytes(12)), (count, pattern(4, 300))):
            yield record(("key", key), ("seed", seed), ("count", count), ("session", session),
                         ("host", host), ("nonce", board),
                         ("proof", guard(key, "vcpflash/1 host", session, board, host)),
                         ("board_proof", guard(key, "vcpflash/1 board", session, board, host)),
                         ("session_key", session_key), ("number", number), ("message", text),
                         ("trailer", trailer(session_key, number, text)))


PATTERN = "Byte i of the data is i * 167 + i / 256 * 13 + seed, modulo 256."

FILES = {
    "control.txt": ("Frames without payload, sections 3 and 4.2.", control),
    "payload.txt": ("Frames with payload, and the edges of COBS' blocks.", payloads),
    "messages.txt": ("Headers of messages, section 5.", messages),
    "sums.txt": ("CRC-32 and SHA-256. " + PATTERN, sums),
    "codes.txt": ("HMAC-SHA-256.", codes),
    "guard.txt": ("What is made of a key, sections 3.8 and 5.6.", derived),
    "branches.txt": ("Thumb branches, section 5.4.", branches),
    "digests.txt": ("Digests, section 5.2. " + PATTERN, sector_digests),
}


def check_ourselves():
    """Published values, so that this generator is not merely alike with the product."""
    count = bytes(range(64))
    assert zlib.crc32(b"123456789") == 0xCBF43926
    for length, expected in ((0, "218d1f59b9b83cc8"), (1, "be552412f8387315"),
                             (4, "d5e78a175be52ea1"), (7, "ff202728b07bc684"),
                             (8, "edfee820bce4858c"), (63, "2ea63c71bf326087")):
        assert half_sip_hash(count[:8], count[:length]).hex() == expected
    assert cobs(b"\0") == b"\x01\x01" and cobs(b"\x11") == b"\x02\x11"
    assert cobs(b"\x01" * 254) == b"\xff" + b"\x01" * 254
    assert cobs(b"\x01" * 254 + b"\0") == b"\xff" + b"\x01" * 254 + b"\x01\x01"
    assert cobs(b"\x01" * 255) == b"\xff" + b"\x01" * 254 + b"\x02\x01"


def main(arguments):
    check = arguments[:1] == ["--check"]
    if len(arguments) != 1 + check:
        sys.exit("usage: golden.py [--check] DIR")
    folder = pathlib.Path(arguments[-1])
    if not folder.is_dir():
        sys.exit(f"golden.py: {folder}: no such directory; name the one with the golden files")
    check_ourselves()
    sys.dont_write_bytecode = True
    from conversations import FILES as conversations  # it builds on what is above
    files = FILES | conversations
    differ = False
    for name, (about, records) in files.items():
        text = f"# {about}\n# Made by golden.py from docs/PROTOCOL.md: do not edit.\n\n"
        text += "".join(records())
        path = folder / name
        if not check:
            path.write_text(text, encoding="ascii")
            continue
        old = path.read_text(encoding="ascii") if path.exists() else ""
        for line in difflib.unified_diff(old.splitlines(), text.splitlines(), str(path),
                                         "made anew", "", "", 1, ""):
            differ = True
            print(line[:160])
    extra = sorted(p.name for p in folder.iterdir() if p.name not in files)
    if extra:
        sys.exit(f"golden.py: {folder}: files that it does not make: {', '.join(extra)}")
    if differ:
        sys.exit(f"golden.py: {folder} differs from what it should hold; run golden.py {folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
