"""A model of a board: what sections 4 and 5 of docs/PROTOCOL.md make of frames.

It keeps the bytes of its memories and of the stream, and knows no time: what can
be done is done at once, unless the chips are told to hold.
"""
import hashlib

from golden import digests, guard, le, nonce, record, trailer

RING, CREDIT, WINDOW, PAYLOAD, ANSWER, QUEUE = 4096, 3584, 2048, 256, 256, 16
NAME, ID = "GOLDEN-BOARD", bytes.fromhex("00112233445566778899AABB")
NOR, INNER = 0, 1
ERASE, PROGRAM, READ, DIGEST, SHA256, RUN = range(1, 7)

MEMORIES = [
    {"part": "golden NOR", "kind": 1, "flags": 0b1111, "dies": 1,
     "chip_id": bytes.fromhex("20BA18"), "base": 0x90000000, "size": 0x10000, "page": 256,
     "unit": 1, "page_typ": 120, "page_max": 1800, "read_rate": 40000000,
     "erase": [(4096, 48000, 400000), (32768, 112000, 1000000), (65536, 500000, 2000000)],
     "protect": [(0xC000, 0x1000)]},
    {"part": "golden internal", "kind": 2, "flags": 0b10011, "dies": 1, "chip_id": b"",
     "base": 0x08000000, "size": 0x4000, "page": 32, "unit": 32, "page_typ": 100,
     "page_max": 2000, "read_rate": 0, "erase": [(2048, 500000, 4000000)], "protect": []},
]
BASE = [m["base"] for m in MEMORIES]


class Message:
    """An operation as it stands in the stream, and what has become of it."""

    def __init__(self, kind, where, offset, length=None, group=None, payload=b"", flags=0):
        self.kind, self.memory, self.flags, self.group = kind, where, flags, group
        self.address = (BASE[where] if where < len(BASE) else 0) + offset
        self.length = len(payload) if length is None else length
        self.payload = payload
        self.result, self.answer = "dropped", b""
        self.forged, self.trailer = False, b""

    def stream(self):
        raw = (le(self.kind, 1) + le(self.flags, 1) + le(self.memory, 1) + le(0, 1)
               + le(self.address, 4) + le(self.length, 4))
        if self.group is not None:
            raw += le(self.group, 4)
        return raw + self.payload + self.trailer

    def seal(self, key, number, forge=None):
        """The trailer; `forge` changes what is sent afterwards."""
        self.flags |= 0x80
        self.trailer = trailer(key, number, self.stream())
        self.forged = forge is not None
        if forge:
            forge(self)

    def record(self, number):
        fields = [("operation", number), ("type", self.kind), ("flags", self.flags & (0x7f if self.trailer else 0xff)),
                  ("memory", self.memory), ("address", self.address), ("length", self.length)]
        if self.group is not None:
            fields.append(("group", self.group))
        return record(*fields, ("data", self.payload), ("result", self.result),
                      ("answer", self.answer))


class Board:
    def __init__(self, key=None, seed=bytes(16)):
        self.key, self.seed, self.sessions = key, seed, 0
        self.cells = [bytearray(b"\xff" * m["size"]) for m in MEMORIES]
        self.session, self.number, self.hold = 0, 0, False
        self.fresh = self.met = False
        self.forget()

    def forget(self):
        self.stream, self.parsed, self.queue = {}, 0, []
        self.done, self.damaged, self.seen, self.failure = 0, 0, 0, None
        self.answers = []

    def open(self, session):
        if session != self.session:
            self.forget()
            self.fresh, self.met = not self.met, True
            self.session, self.number = session, 0
            if self.key:
                self.nonce = nonce(self.key, self.seed, self.sessions)
                self.sessions += 1

    def end(self):
        """ABORT: what the chips are at is finished, one operation of each memory."""
        for index in range(len(MEMORIES)):
            for message in [m for m in self.queue if m.memory == index][:1]:
                self.execute(message)
        self.forget()
        self.session = 0

    def derive(self, label, host):
        return guard(self.key, label, self.session, self.nonce, host)

    def received(self, stream=None):
        stream = self.stream if stream is None else stream
        at = 0
        while at in stream:
            at += 1
        return at

    def islands(self, stream=None):
        stream = self.stream if stream is None else stream
        received = self.received(stream)
        runs = []
        for at in sorted(x for x in stream if x > received):
            if runs and runs[-1][1] == at:
                runs[-1][1] = at + 1
            else:
                runs.append([at, at + 1])
        return runs

    def take(self, offset, payload, messages):
        """DATA; `messages` are those of the stream, in order."""
        joined = dict(enumerate(payload, offset)) | self.stream
        if offset + len(payload) > self.parsed + WINDOW or len(self.islands(joined)) > 4:
            return
        self.stream = joined
        while self.failure is None and self.done + len(self.queue) < len(messages):
            message = messages[self.done + len(self.queue)]
            end = self.parsed + len(message.stream())
            if end > self.received():
                break
            assert bytes(self.stream[i] for i in range(self.parsed, end)) == message.stream()
            self.parsed = end
            self.queue.append(message)
            self.work()

    def work(self):
        while self.queue and not self.hold and self.failure is None:
            message = self.queue.pop(0)
            self.execute(message)
            if self.failure is None:
                message.result = "done"
                self.done += 1

    def refusal(self, m):
        if m.kind < ERASE or m.kind > RUN:
            return 1
        if m.forged:
            return 19
        if m.flags & (0x7f if self.key else 0xff) or (m.kind == DIGEST and m.group == 0):
            return 2
        if m.memory >= len(MEMORIES):
            return 3
        info = MEMORIES[m.memory]
        offset = m.address - info["base"]
        if offset < 0 or offset + m.length > info["size"]:
            return 3
        sizes = [size for size, _, _ in info["erase"]]
        step = {ERASE: m.length, PROGRAM: info["unit"], DIGEST: sizes[0],
                RUN: 4}.get(m.kind, 1)
        if m.kind == ERASE and m.length not in sizes:
            return 3
        if step and (offset % step or m.length % step):
            return 3
        if info["flags"] >> {ERASE: 1, PROGRAM: 1, RUN: 2}.get(m.kind, 0) & 1 == 0:
            return 13
        if m.kind in (ERASE, PROGRAM):
            for start, length in info["protect"]:
                if offset < start + length and start < offset + m.length:
                    return 4
        return 0

    def fail(self, m, code, expected=0, found=0, address=None, count=0):
        address = m.address if address is None else address
        self.failure = (self.done, code, m.memory, expected, found, address, count)

    def execute(self, m):
        code = self.refusal(m)
        if code:
            self.fail(m, code)
            return
        info, cells = MEMORIES[m.memory], self.cells[m.memory]
        offset = m.address - info["base"]
        held = bytes(cells[offset:offset + m.length])
        if m.kind == ERASE:
            cells[offset:offset + m.length] = b"\xff" * m.length
        elif m.kind == PROGRAM:
            self.program(m, cells, offset, info["page"])
        elif m.kind == READ:
            m.answer = held
        elif m.kind == DIGEST:
            m.answer = digests(self.session, held, info["erase"][0][0], m.group)
        elif m.kind == SHA256:
            m.answer = hashlib.sha256(held).digest()
        elif m.kind == RUN:
            assert cells[offset:offset + 8] == b"\xff" * 8  # no vector table
            self.fail(m, 12)
        if m.answer:
            self.answers.append((self.done, m.answer))

    def program(self, m, cells, offset, page):
        at = 0
        while at < m.length:
            n = min(page - (offset + at) % page, m.length - at)
            wrong = []
            for i in range(at, at + n):
                cells[offset + i] &= m.payload[i]  # programming only clears bits
                if cells[offset + i] != m.payload[i]:
                    wrong.append(i)
            if wrong:
                first = wrong[0]
                self.fail(m, 7, m.payload[first], cells[offset + first], m.address + first,
                          len(wrong))
                return
            at += n
