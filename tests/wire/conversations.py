"""The golden conversations: a host and a board, frame by frame.

Made, as golden.py, from docs/PROTOCOL.md alone. What the board says comes from a
small model of one (model.py); every step is over before the next begins.

Frames are records as in golden.py, with these fields in front:

    from      host, or board; other is another host on the same board, person is
              someone who types
    means     what it is, in words
    compare   how far the protocol determines it, for whoever plays this side:
      exact       the body is these bytes; only its number is the sender's affair
      fields      its fields are these, but those of `free`
      last state  as fields, for the last STATE of the step; how many come before
                  it is the board's affair
      some state  as fields, for one STATE of the step at least; `maximum` is not
                  below `least`
      stream      DATA: the bytes of the stream are these; where they are cut into
                  frames is the host's affair
      pieces      ANSWER: the same, for the board
      line        one readable line between CR LF; its words are the board's affair
      sample      the board need not say it, but a host must be able to hear it
      -           nothing to compare: no party of the conversation sends it
    arrives   what comes out of the pipe at the other end, if not `raw`; `-` is
              nothing: it was lost

Besides frames there are

    conversation  first of all: its name, which ends can play it (board, host or
                  both), the host's session number and the most payload it uses
                  (0: as much as the board takes); where the board has a key that
                  key, which the host has too, and its seed. The host's nonce is
                  its session number, twice
    step          what follows belongs together: first all that goes to the board,
                  then all that the board says to it
    operation     the host puts it into the queue; what becomes of it and its answer
    event         open, close: by the host's owner. hold: the chips begin what they
                  are told, but do not finish. release: they do. restart: the board
                  begins anew; what its memories hold stays
    silence       the host hears nothing for so many milliseconds
    end           what the host knows of its session at the end: open, closed,
                  stopped (and by which failure), restarted, taken over, refused
    line          text that the host has shown, in order
    holds         bytes of a memory at the end; all others are FF

Choices of this host are also its first number, the payload that it takes, and that
it asks for both descriptions at once; of this board, its first number.
"""
from golden import (MASK, answer, body_record, data, echo, frame, header, hello, le, memory,
                    pattern, record, proved, prove,
                    refuse, state, welcome)
from model import (ANSWER, CREDIT, DIGEST, ERASE, ID, INNER, MEMORIES, NAME, NOR, PAYLOAD, PROGRAM,
                   QUEUE, READ, RING, RUN, SHA256, WINDOW, Board, Message)

SESSION = 0x1122334455667788
OTHER = 0x0F0E0D0C0B0A0908


def board_welcome(number, session, hello_payload=4096, nonce=None, fresh=True):
    return welcome("WELCOME", number, session, NAME, ID, memories=len(MEMORIES), ring=RING,
                   credit=CREDIT, window=WINDOW, payload=PAYLOAD,
                   answer=min(ANSWER, hello_payload), queue=QUEUE,
                   capabilities=1 | (4 if nonce else 0) | (8 if fresh else 0), nonce=nonce)


def board_memory(number, tag, index):
    return memory("MEMORY", number, tag, index, **MEMORIES[index])


# --- what is said ------------------------------------------------------------------------

class Conversation:
    def __init__(self, ends="both", session=SESSION, payload=0, key=None):
        self.ends, self.session, self.payload = ends, session, payload
        self.board, self.records, self.messages = Board(key, pattern(0x5e, 16)), [], []
        self.key, self.forge = key, None
        self.number, self.sent, self.lines, self.status = 0, 0, [], "open"

    @property
    def tag(self):
        return self.session & MASK

    def add(self, who, means, compare, text, arrives=None, free="", least=None):
        front = f"from {who}\nmeans {means}\ncompare {compare}\n"
        if least is not None:
            front += f"least {least}\n"
        if free:
            front += f"free {free}\n"
        if arrives is not None:
            front += f"arrives {arrives.hex().upper() or '-'}\n"
        self.records.append(front + text)

    def step(self, name):
        self.records.append(record(("step", name)))

    def event(self, what):
        self.records.append(record(("event", what)))
        if what == "hold":
            self.board.hold = True
        elif what == "release":
            self.board.hold = False
            self.board.work()
        elif what == "restart":
            cells = self.board.cells
            self.board = Board()
            self.board.cells = cells

    def count(self):
        """The host's next number; an intact frame of the session makes it `seen`."""
        self.number = self.number + 1 & 0xffff
        return self.number

    def heard(self):
        self.board.seen = self.number

    def reply(self):
        self.board.number += 1
        return self.board.number

    # The host

    def hello(self, session=None, number=None, low=1, high=1, payload=4096, who="host"):
        session = self.session if session is None else session
        number = self.count() if number is None else number
        self.add(who, f"HELLO of session {session:016X}, versions {low} to {high}",
                 "exact" if who == "host" else "-",
                 hello("HELLO", number, session, low, high, payload, who == "host"))
        if low <= 1 <= high:
            self.board.open(session)
            self.board.seen = number
            self.add("board", "WELCOME", "fields",
                     board_welcome(self.reply(), session, payload, self.key and self.board.nonce,
                                   self.board.fresh),
                     free="credit queue")
            if who == "host":
                for index in range(len(MEMORIES)):
                    self.add("board", f"MEMORY {index}", "exact",
                             board_memory(self.reply(), self.tag, index))

    def open(self, payload=4096):
        self.step("open")
        self.event("open")
        self.hello(payload=payload)

    @property
    def nonce(self):
        return le(self.session, 8) * 2

    def prove(self, proof=None, means="PROVE", compare="exact", who="host"):
        proof = proof or self.board.derive("vcpflash/1 host", self.nonce)
        self.add(who, means, compare, prove("PROVE", self.count(), self.tag, self.nonce, proof))
        self.heard()

    def proved(self, result, means, wait=0, free=""):
        proof = bytes(32) if result else self.board.derive("vcpflash/1 board", self.nonce)
        self.add("board", means, "fields",
                 proved("PROVED", self.reply(), self.tag, result, wait, proof), free=free)

    def plain(self, kind, name, means, tag=None, who="host", number=None):
        """QUERY, ABORT: a header and no more."""
        own = tag is None
        number = self.count() if number is None else number
        self.add(who, means, "exact" if who == "host" else "-",
                 body_record(name, kind, number, self.tag if own else tag, [], b""))
        if own:
            self.heard()

    def query(self, means="QUERY"):
        self.plain(0x03, "QUERY", means)

    def abort(self):
        self.plain(0x04, "ABORT", "ABORT")
        tag = self.tag
        self.board.end()
        self.ended(tag, "ENDED: the session is closed")
        self.status = "closed"

    def ended(self, tag, means):
        opened = self.board.session & MASK
        self.add("board", means, "exact",
                 body_record("ENDED", 0x88, self.reply(), tag, [("open", opened)],
                             le(opened, 4)))

    def refused(self, tag, code, kind, means, low=1, high=1):
        self.add("board", means, "exact",
                 refuse("REFUSE", self.reply(), tag, code, kind, low, high))

    def submit(self, *messages):
        for message in messages:
            self.records.append(lambda m=message, n=len(self.messages): m.record(n))
            if self.key:
                message.seal(self.board.derive("vcpflash/1 keys", self.nonce),
                             len(self.messages), self.forge)
            self.messages.append(message)

    def stream(self):
        return b"".join(m.stream() for m in self.messages)

    def data(self, start, end, means="DATA", lost=False, damaged=False, foreign=False):
        payload = self.stream()[start:end]
        text = data("DATA", self.count(), start, payload, self.tag)
        arrives = b"" if lost else None
        if damaged:
            arrives = bytearray(frame(header(0x06, self.number, self.tag) + le(start, 4)
                                      + payload))
            arrives[len(arrives) // 2] ^= 0x80 if arrives[len(arrives) // 2] != 0x80 else 0x40
            self.board.damaged += 1
        self.add("host", f"{means}, stream bytes {start} to {end}", "stream", text, arrives)
        self.sent = max(self.sent, end)
        if arrives is None and not foreign:
            self.heard()
            self.board.take(start, payload, self.messages)

    def send(self):
        """All that was submitted and not yet sent, in the longest frames."""
        most = self.payload or PAYLOAD
        while self.sent < len(self.stream()):
            self.data(self.sent, min(self.sent + most, len(self.stream())))

    # The board

    def state(self, means, compare="last state", free="", busy=None, arrives=None, least=None,
              **other):
        b = self.board
        deaf = least is not None
        flags = (b.failure is not None) | deaf << 1 | (busy is not None) << 2
        kind, where = busy or (0, 0)
        fields = {"flags": flags, "seen": b.seen, "received": b.received(),
                  "limit": b.parsed + WINDOW, "done": b.done, "damaged": b.damaged,
                  "message": kind, "memory": where, "islands": b.islands(),
                  "failure": b.failure} | other
        if busy is None:
            free += " memory"
        free += " typical maximum"
        if b.failure:
            free += " limit"
            if b.failure[1] != 7:
                free += " failure_expected failure_found"
        self.add("board", means, compare, state("STATE", self.reply(), self.tag, **fields),
                 arrives, free.strip(), least)

    def settle(self, means):
        """The answers, then the STATE when all is done that can be."""
        for operation, whole in self.board.answers:
            for at in range(0, len(whole), ANSWER):
                piece = whole[at:at + ANSWER]
                self.add("board", f"ANSWER to operation {operation}, from byte {at}", "pieces",
                         answer("ANSWER", self.reply(), operation, at, piece, self.tag))
        self.board.answers = []
        self.state(means)

    def says(self, line, compare="sample"):
        """Text of the board between frames."""
        self.add("board", "text", compare,
                 record(("raw", b"\r\n" + line.encode("ascii") + b"\r\n"), ("line", line)))
        self.lines.append(line)

    def types(self, typed, means):
        self.add("person", means, "-", record(("raw", typed)))

    def text(self, name):
        end = [("end", self.status)]
        if self.status == "stopped":
            names = ["operation", "code", "memory", "expected", "found", "address", "count"]
            end += [(f"failure_{n}", v) for n, v in zip(names, self.board.failure)]
        out = [record(("conversation", name), ("ends", self.ends), ("session", self.session),
                      ("payload", self.payload),
                      *([("key", self.key), ("seed", self.board.seed)] if self.key else []))]
        out += [text() if callable(text) else text for text in self.records]
        out.append(record(*end))
        out += [record(("line", line)) for line in self.lines]
        for index, cells in enumerate(self.board.cells):
            out += holds(index, cells)
        return "".join(out)


def holds(index, cells):
    """What is not FF, in runs; a short gap does not end one."""
    at = 0
    while at < len(cells):
        if cells[at] == 0xff:
            at += 1
            continue
        end = at + 1
        while cells[end:end + 16].strip(b"\xff"):
            end += 1
        yield record(("holds", index), ("offset", at), ("bytes", cells[at:end]))
        at = end


# --- conversations that both ends can hold ------------------------------------------------

def opening(c):
    c.open()
    c.step("close")
    c.event("close")
    c.abort()


def query(c):
    """The STATE after the last frame of a burst is lost; QUERY settles it."""
    c.open()
    c.step("one operation, its STATE is lost")
    c.submit(Message(ERASE, INNER, 2048, 2048))
    c.send()
    c.state("STATE: the operation is done; it does not arrive", arrives=b"")
    c.step("silence")
    c.query("QUERY after a silence")
    c.state("STATE: the operation is done")


def stream(c):
    c.open()
    c.step("erase and program")
    c.submit(Message(ERASE, NOR, 0x1000, 4096), Message(ERASE, NOR, 0x8000, 32768 // 8),
             Message(PROGRAM, NOR, 0x10F0, payload=pattern(1, 700)),
             Message(PROGRAM, NOR, 0x8000, payload=b"\0\xf8\0\0\xff"),
             Message(PROGRAM, INNER, 0x820, payload=pattern(2, 64)))
    c.send()
    c.settle("STATE: all is done")
    c.step("program again, clearing more bits")
    fewer = bytes(x & 0x5a for x in pattern(1, 700)[0x10:0x210])
    c.submit(Message(PROGRAM, NOR, 0x1100, payload=fewer),
             Message(PROGRAM, INNER, 0x0, payload=b"\x11" * 32))
    c.send()
    c.settle("STATE: all is done")
    c.step("read")
    c.submit(Message(READ, NOR, 0x10E1, 740), Message(READ, INNER, 0x83F, 2),
             Message(DIGEST, NOR, 0, 5 * 4096, 1), Message(DIGEST, NOR, 0x0, 5 * 4096, 2),
             Message(DIGEST, NOR, 0, 0x10000, 16), Message(DIGEST, INNER, 0, 0x4000, MASK),
             Message(SHA256, NOR, 0x10EF, 701), Message(SHA256, INNER, 0x4000, 0))
    c.send()
    c.settle("STATE: all is done")
    c.step("erase, then look")
    c.submit(Message(ERASE, INNER, 0x800, 2048), Message(READ, INNER, 0x7E0, 0x90),
             Message(DIGEST, NOR, 0x1000, 4096, 1))
    c.send()
    c.settle("STATE: all is done")
    c.step("close")
    c.event("close")
    c.abort()


def gap(c):
    """The second of three DATA frames is lost."""
    c.open()
    c.step("three frames, the second is lost")
    c.submit(Message(PROGRAM, NOR, 0x2000, payload=pattern(3, 180)))
    c.data(0, 64)
    c.data(64, 128, "DATA that is lost", lost=True)
    c.data(128, 192)
    c.state("STATE: an island", free="limit")
    c.step("the second again")
    c.data(64, 128, "DATA, repeated")
    c.settle("STATE: all is done")


def damage(c):
    """A frame arrives with one bit changed, and nothing after it."""
    c.open()
    c.step("damaged on the way")
    c.submit(Message(PROGRAM, NOR, 0x3000, payload=pattern(4, 40)),
             Message(SHA256, NOR, 0x3000, 40))
    c.data(0, 64, "DATA that arrives damaged", damaged=True)
    c.state("STATE: something was damaged")
    c.step("what has become of it?")
    c.query()
    c.state("STATE: nothing has arrived")
    c.step("once more")
    c.data(0, 64, "DATA, repeated")
    c.settle("STATE: all is done")


def stops(*messages):
    def conversation(c):
        c.open()
        c.step("an operation fails")
        c.submit(*messages)
        c.send()
        c.settle("STATE: stopped")
        c.status = "stopped"
    return conversation


def abort(c):
    """What the chip is at it finishes; the rest of the queue is discarded."""
    c.open()
    c.step("something to lose")
    c.submit(Message(PROGRAM, NOR, 0x5000, payload=b"\x12\x34\x56"),
             Message(PROGRAM, NOR, 0x6000, payload=b"\x78"))
    c.send()
    c.settle("STATE: all is done")
    c.step("an erase that takes its time")
    c.event("hold")
    c.submit(Message(ERASE, NOR, 0x5000, 4096), Message(ERASE, NOR, 0x6000, 4096),
             Message(READ, NOR, 0x5000, 3))
    c.send()
    c.state("STATE: busy", busy=(ERASE, NOR), free="limit")
    c.step("abort")
    c.event("close")
    c.abort()
    c.step("the chip finishes")
    c.event("release")


def deaf(c):
    """An erase that stops the board's processor is announced before it begins."""
    c.open()
    c.step("an erase, announced")
    c.event("hold")
    c.submit(Message(ERASE, INNER, 0x1800, 2048))
    c.send()
    most = MEMORIES[INNER]["erase"][0][2] // 1000
    c.state("STATE: deaf", "some state", "limit", (ERASE, INNER), least=most, typical=500,
            maximum=2 * most)
    c.step("the silence ends")
    c.records.append(record(("silence", 2 * most)))
    c.event("release")
    c.settle("STATE: all is done")


def taken_over(c):
    """Another host opens a session of its own; this one learns of it."""
    c.open()
    c.step("another host")
    c.hello(OTHER, 1, who="other")
    c.step("this host goes on")
    c.submit(Message(ERASE, NOR, 0, 4096))
    c.data(0, 12, "DATA of a session that is no more", foreign=True)
    c.ended(c.tag, "ENDED: another session is open")
    c.status = "taken over"


def restarted(c):
    c.open()
    c.step("the board restarts")
    c.event("restart")
    c.step("the host goes on")
    c.submit(Message(ERASE, NOR, 0, 4096))
    c.data(0, 12, "DATA of a session that is no more", foreign=True)
    c.ended(c.tag, "ENDED: no session is open")
    c.status = "restarted"


def text(c):
    """The board prints and somebody types, and neither disturbs the frames."""
    c.open()
    c.step("the board prints")
    c.says("boot 1.2: clocks are up")
    c.submit(Message(PROGRAM, INNER, 0x40, payload=bytes(32)))
    c.send()
    c.add("board", "a kind of a later version", "sample",
          body_record("LATER", 0x8f, c.reply(), c.tag, [], b"of a later version"))
    c.settle("STATE: all is done")
    c.step("Return in a terminal")
    c.types(b"\r", "Return")
    c.says("golden board: type vcpflash on the host", "line")
    c.step("a line, ended by CR LF")
    c.types(b"help me\x08\x08\r\n", "a line")
    c.says("golden board: type vcpflash on the host", "line")
    c.step("no line of text")
    c.types(b"\x01\x02\x80\xff\r", "bytes that are no text")
    c.types(b"unfinished", "no line end")
    c.step("the session goes on")
    c.submit(Message(READ, INNER, 0x41, 3))
    c.send()
    c.settle("STATE: all is done, nothing was damaged")


# --- only for one of them -------------------------------------------------------------------

def wrap(c):
    """A host whose frames are numbered from 65533."""
    c.number = 0xfffc
    c.open()
    for length in (1, 2, 3):
        c.step("an operation")
        c.submit(Message(PROGRAM, NOR, 0x100 * length, payload=bytes(length)))
        c.send()
        c.settle("STATE: all is done")


def newer_host(c):
    """A host that speaks only versions to come, while a session is open."""
    c.open()
    c.step("HELLO of a newer host")
    c.hello(OTHER, 1, 2, 255, who="other")
    c.refused(OTHER & MASK, 1, 0x01, "REFUSE: version")
    c.step("all is as it was")
    c.query()
    c.state("STATE: nothing has changed")


def newer_board(c):
    """A board that speaks only versions 2 and 3."""
    c.step("open")
    c.event("open")
    c.add("host", "HELLO", "exact", hello("HELLO", c.count(), c.session, flags=1))
    c.refused(c.tag, 1, 0x01, "REFUSE: version", 2, 3)
    c.status = "refused"


def control(c):
    """What no host of version 1 asks for, and how the board refuses it."""
    c.step("before any session")
    c.plain(0x03, "QUERY", "QUERY of no session", 0x12345678, "other", 9)
    c.ended(0x12345678, "ENDED: no session is open")
    c.open()
    c.step("HELLO again")
    c.hello()
    c.step("a kind that the board does not know")
    c.add("host", "unknown kind", "-",
          body_record("UNKNOWN", 0x7f, c.count(), c.tag, [], b"to come"))
    c.heard()
    c.refused(c.tag, 2, 0x7f, "REFUSE: unknown kind")
    c.step("a kind of a board")
    c.add("host", "a kind of a board", "-",
          body_record("UNKNOWN", 0x80, c.count(), c.tag, [], b"to come"))
    c.step("a memory by itself")
    c.add("host", "DESCRIBE memory 1", "-",
          body_record("DESCRIBE", 0x02, c.count(), c.tag, [("index", 1)], le(1, 1)))
    c.heard()
    c.add("board", "MEMORY 1", "exact", board_memory(c.reply(), c.tag, 1))
    c.step("a memory that it does not have")
    c.add("host", "DESCRIBE memory 2", "-",
          body_record("DESCRIBE", 0x02, c.count(), c.tag, [("index", 2)], le(2, 1)))
    c.heard()
    c.refused(c.tag, 3, 0x02, "REFUSE: no such memory")
    c.step("fields of a later version")
    c.add("host", "QUERY with more at its end", "-",
          body_record("QUERY", 0x03, c.count(), c.tag, [], b"\1\2\3"))
    c.heard()
    c.state("STATE")
    c.step("a foreign tag")
    c.plain(0x03, "QUERY", "QUERY of another session", 0x12345678, "other", 9)
    c.ended(0x12345678, "ENDED: another session is open")
    c.step("abort")
    c.abort()
    c.step("after it")
    c.query("QUERY of the session that was")
    c.ended(c.tag, "ENDED: no session is open")


def echoes(c):
    """A host that takes 64 bytes of payload at most."""
    c.open(payload=64)
    for size in (0, 1, 63, 64, 200):
        c.step(f"{size} bytes")
        sent = pattern(size, size)
        c.add("host", "ECHO", "-", echo("ECHO", sent, 0x05, c.count(), c.tag))
        c.heard()
        c.add("board", "the same, as far as the host takes it", "exact",
              echo("ECHOED", sent[:64], 0x85, c.reply(), c.tag))
    c.step("answers are cut as well")
    c.submit(Message(READ, NOR, 0xFF00, 0x100))
    c.send()
    c.settle("STATE: all is done")


def islands(c):
    """DATA in any order, twice, too far away."""
    c.open()
    c.submit(Message(PROGRAM, NOR, 0x4000, payload=pattern(5, 100)))
    for start, end, means in ((100, 112, "the end"), (30, 40, "a second island"),
                              (60, 70, "a third"), (44, 50, "a fourth"),
                              (80, 90, "a fifth is dropped"), (36, 46, "joins two"),
                              (80, 90, "now there is room"), (62, 68, "is there already"),
                              (0, 30, "the beginning, up to an island"),
                              (10, 60, "all up to the next"), (70, 80, "joins the last but one"),
                              (20, 110, "over all of them")):
        c.step(means)
        c.data(start, end)
        waits = c.board.done == 0
        c.state("STATE", free="limit" if waits else "")
    c.step("one byte beyond the limit")
    at = c.board.parsed + WINDOW
    c.add("host", "DATA beyond the limit", "-",
          data("DATA", c.count(), at, b"\x55", c.tag))
    c.heard()
    c.state("STATE: it was dropped")
    c.step("the last byte before it")
    c.add("host", "DATA just before the limit", "-",
          data("DATA", c.count(), at - 1, b"\x55", c.tag))
    c.heard()
    c.board.stream[at - 1] = 0x55
    c.state("STATE: an island")


def alone(c, message, why):
    """A message in a session of its own."""
    c.session += 1
    c.messages, c.number, c.sent = [], 0, 0
    c.step("a new session")
    c.hello()
    c.step(why)
    c.submit(message)
    c.send()
    c.settle("STATE: stopped")


def refusals(c):
    """Messages that have one thing wrong, and then two: which of them is told?"""
    for message, why in (
            (Message(0x00, NOR, 0, 0), "no type"),
            (Message(0x07, NOR, 0, 0), "a reserved type"),
            (Message(0xFF, NOR, 0, 0), "an unknown type"),
            (Message(0x08, NOR, 0, 3, 8, b"\x01\x03\0\xfc\xffabc"), "packed, and `block` is 0"),
            (Message(ERASE, NOR, 0, 4096, flags=0x01), "a flag"),
            (Message(READ, NOR, 0, 1, flags=0x80), "a trailer"),
            (Message(DIGEST, NOR, 0, 4096, 0), "groups of nothing"),
            (Message(ERASE, NOR, 0, 8192), "no such erase size"),
            (Message(ERASE, NOR, 4096, 32768), "an erase that is not aligned"),
            (Message(ERASE, NOR, 0x10000, 4096), "an erase past the end"),
            (Message(PROGRAM, NOR, 0xFFFF, payload=b"ab"), "half past the end"),
            (Message(PROGRAM, NOR, -2, payload=b"ab"), "before the beginning"),
            (Message(PROGRAM, INNER, 16, payload=bytes(32)), "not at a multiple of the unit"),
            (Message(PROGRAM, INNER, 32, payload=bytes(40)), "not whole units"),
            (Message(READ, NOR, 0, 0x10001), "more than the memory"),
            (Message(READ, NOR, 0xFFFF, MASK), "a length that would wrap"),
            (Message(DIGEST, NOR, 2048, 4096, 1), "sectors that are not aligned"),
            (Message(DIGEST, NOR, 0, 4097, 1), "not whole sectors"),
            (Message(SHA256, INNER, 0x4000, 1), "a byte past the end"),
            (Message(ERASE, NOR, 0xC000, 4096), "erasing what is protected"),
            (Message(ERASE, NOR, 0x8000, 32768), "erasing it among others"),
            (Message(ERASE, NOR, 0, 0x10000), "erasing it with all"),
            (Message(PROGRAM, NOR, 0xBFFF, payload=b"ab"), "programming its first byte"),
            (Message(PROGRAM, NOR, 0xCFFF, payload=b"a"), "programming its last byte"),
            (Message(RUN, NOR, 0, 0), "no vector table"),
            (Message(RUN, INNER, 0, 0), "code cannot run there"),
            (Message(READ, 9, 0, 1), "no such memory"),
            (Message(RUN, NOR, 2, 0), "code that is not aligned")):
        alone(c, message, why)
    for message, why in (
            (Message(0x0c, NOR, 0, 0, flags=0x01), "a type before a flag"),
            (Message(DIGEST, NOR, 1, 4096, 0), "a field before a range"),
            (Message(ERASE, NOR, 0x20000, 4096, flags=0x40), "a flag before a range"),
            (Message(RUN, INNER, 0x4004, 0), "a range before rights"),
            (Message(ERASE, NOR, 0xC800, 4096), "a range before what is protected")):
        alone(c, message, "two things wrong: " + why)


def keyed(c):
    """A board with a key, and a host that has it too."""
    c.open()
    c.step("the key")
    c.prove()
    c.proved(0, "PROVED: yes")
    c.step("erase and program")
    c.submit(Message(ERASE, NOR, 0x1000, 4096),
             Message(PROGRAM, NOR, 0x10F0, payload=pattern(1, 700)),
             Message(PROGRAM, INNER, 0x820, payload=pattern(2, 64)))
    c.send()
    c.settle("STATE: all is done")
    c.step("look")
    c.submit(Message(READ, NOR, 0x10E1, 740), Message(DIGEST, NOR, 0, 5 * 4096, 2),
             Message(SHA256, NOR, 0x10EF, 701))
    c.send()
    c.settle("STATE: all is done")
    c.step("close")
    c.event("close")
    c.abort()


def stranger(c):
    """What a board with a key makes of a host that does not have it, or not yet."""
    c.open()
    c.step("control is answered")
    c.query()
    c.state("STATE: nothing has arrived")
    c.step("DATA before the proof")
    erase = Message(ERASE, NOR, 0, 4096)
    c.add("host", "DATA", "-", data("DATA", c.count(), 0, erase.stream(), c.tag))
    c.heard()
    c.refused(c.tag, 4, 0x06, "REFUSE: unproven")
    c.step("a wrong proof")
    wrong = bytearray(c.board.derive("vcpflash/1 host", c.nonce))
    wrong[31] ^= 1
    c.prove(bytes(wrong), "PROVE, one bit is wrong")
    c.proved(1, "PROVED: no", 1000)
    c.step("the right one, too soon")
    c.prove(means="PROVE")
    c.proved(2, "PROVED: later", free="wait")
    c.step("nothing has come of it")
    c.query()
    c.state("STATE: nothing has arrived")
    c.step("time passes")
    c.step("and passes")
    c.step("and passes")
    c.step("the right one")
    c.prove(means="PROVE")
    c.proved(0, "PROVED: yes")
    c.step("again: the answer got lost")
    c.prove(means="PROVE")
    c.proved(0, "PROVED: yes")
    c.step("somebody else")
    c.prove(bytes(wrong), "PROVE, one bit is wrong")
    c.proved(1, "PROVED: no")
    c.step("that changed nothing")
    c.submit(Message(PROGRAM, NOR, 0x2000, payload=pattern(3, 9)))
    c.send()
    c.settle("STATE: all is done")


def forged(c):
    """Messages whose trailer is not theirs."""
    def bit(m):
        m.trailer = m.trailer[:15] + bytes([m.trailer[15] ^ 0x80])

    def payload(m):
        m.payload = m.payload[:-1] + bytes([m.payload[-1] ^ 1])

    def address(m):
        m.address ^= 0x100

    def without(m):
        m.flags, m.trailer = m.flags & 0x7f, b""

    def elsewhere(m):
        m.trailer = b""
        m.seal(c.board.derive("vcpflash/1 keys", c.nonce), 1)
        m.forged = True

    for forge, why in ((bit, "a bit of the trailer"), (payload, "a bit of the data"),
                       (address, "another address"), (without, "no trailer"),
                       (elsewhere, "made for another place in the stream")):
        c.session += 1
        c.messages, c.number, c.sent, c.forge = [], 0, 0, forge
        c.step("a new session")
        c.hello()
        c.step("the key")
        c.prove()
        c.proved(0, "PROVED: yes")
        c.step(why)
        c.submit(Message(PROGRAM, NOR, 0x3000, payload=pattern(4, 90)))
        c.send()
        c.settle("STATE: stopped")


def the_board():
    yield record(("conversation", "board"), ("ends", "none"), ("session", SESSION),
                 ("payload", 0))
    yield board_welcome(1, SESSION)
    for index in range(len(MEMORIES)):
        yield board_memory(2 + index, SESSION & MASK, index)


MORE = [Message(ERASE, NOR, 0, 4096), Message(READ, NOR, 0, 16)]  # never begun

CONVERSATIONS = {
    "open": (opening, "both", 0),
    "query": (query, "both", 0),
    "stream": (stream, "both", 0),
    "gap": (gap, "both", 64),
    "damage": (damage, "both", 64),
    "mismatch": (stops(Message(PROGRAM, NOR, 0x7080, payload=b"\xf0" * 0x180),
                       Message(PROGRAM, NOR, 0x7000,
                               payload=b"\x5a" * 0x80 + b"\xf0" * 0x90 + b"\x3c" * 5
                               + b"\xf0" * 40 + b"\x3c"), *MORE), "both", 0),
    "unknown": (stops(Message(PROGRAM, INNER, 0, payload=pattern(8, 32)),
                      Message(0x0b, NOR, 0x1234, 0x5678), Message(ERASE, INNER, 0, 2048), *MORE),
                "both", 0),
    "protected": (stops(Message(PROGRAM, NOR, 0xBF00, payload=pattern(6, 256)),
                        Message(PROGRAM, NOR, 0xBF80, payload=pattern(7, 256)), *MORE),
                  "both", 0),
    "abort": (abort, "both", 0),
    "deaf": (deaf, "both", 0),
    "taken_over": (taken_over, "both", 0),
    "restarted": (restarted, "both", 0),
    "text": (text, "both", 0),
    "newer_board": (newer_board, "host", 0),
    "wrap": (wrap, "board", 0),
    "newer_host": (newer_host, "board", 0),
    "control": (control, "board", 0),
    "echoes": (echoes, "board", 0),
    "islands": (islands, "board", 0),
    "refusals": (refusals, "board", 0),
    "keyed": (keyed, "both", 0),
    "stranger": (stranger, "board", 0),
    "forged": (forged, "board", 0),
}
KEYS = {name: pattern(0x4b, 32) for name in ("keyed", "stranger", "forged")}


def held(name):
    script, ends, payload = CONVERSATIONS[name]

    def records():
        c = Conversation(ends, payload=payload, key=KEYS.get(name))
        script(c)
        yield c.text(name)
    return records


FILES = {"conversation_board.txt": ("The board of the conversations; conversations.py says how "
                                    "they look.", the_board)}
for _name in CONVERSATIONS:
    FILES[f"conversation_{_name}.txt"] = (f"Conversation: {_name}; conversations.py says how it "
                                          "looks.", held(_name))
