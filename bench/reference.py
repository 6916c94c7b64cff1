"""The reference time T*: what link and chip alone would need.

    T* = look + keep + max(link, chip)

look   the image's range at the rate of the board's digests, once
keep   reading what must survive inside sectors that get erased
link   the bytes that must travel, deflated (level 9, independent blocks of
       16 KB, a block that does not get smaller as it is), at the link's rate
chip   erases, and page programs with their bytes out to the chip and back

all for the same choice of erases, the one for which T* is least. The search
is exact: it weighs every set of erase operations of the chip, with pages that
are right already, pages of 0xFF that an erase finishes, and pages in which
only bits have to be cleared where the part allows that.

Nothing here is shared with the product: own chip table, own optimiser. Times
are microseconds, sizes bytes, offsets count from the chip's first byte.
"""
import collections
import hashlib
import itertools
import zlib

KB, MB = 1024, 1024 * 1024
DIGEST_RATE = 50.0  # bytes a microsecond
READ_RATE = 50.0    # a die: 100 MHz, four lines
GROUP = 16 * KB     # what is deflated together, on an address grid

# erases: (size, microseconds) ascending, the whole chip last.
# rewrite: bytes that may be programmed again without an erase to clear further
# bits as long as all before is blank or the same: 1 any byte, 16 an ECC unit
# (only if it is blank), None the maker does not say, so only blank pages.
Chip = collections.namedtuple("Chip", "part dies size page page_us erases rewrite")


def _chip(part, dies, megabytes, page, page_us, erases, chip_s, rewrite):
    sizes = tuple((size * KB * dies, ms * 1000) for size, ms in erases)
    size = megabytes * MB * dies
    return Chip(part, dies, size, page * dies, page_us, sizes + ((size, chip_s * 1000000),), rewrite)


_MICRON = ((4, 48), (32, 112), (64, 160))
CHIPS = {
    "mt25ql512ab": _chip("mt25ql512ab", 1, 64, 256, 120, _MICRON, 128, 1),
    "mt25ql512ab-dual": _chip("mt25ql512ab", 2, 64, 256, 120, _MICRON, 128, 1),
    "mx25l51245g": _chip("mx25l51245g", 1, 64, 256, 256, ((4, 30), (32, 160), (64, 288)), 256, None),
    "w25q128jv": _chip("w25q128jv", 1, 16, 256, 704, ((4, 64), (32, 128), (64, 160)), 40, 1),
    "s25fl512s": _chip("s25fl512s", 1, 64, 512, 340, ((256, 520),), 134, 16),
}

# bytes a microsecond, host -> board; None: no limit. Latency in microseconds, one way.
Link = collections.namedtuple("Link", "rate latency")
LINKS = {"usb-fs": Link(1.0, 1000), "usb-hs": Link(4.5, 125), "ideal": Link(None, 0)}


def link(name):
    if name.startswith("uart:"):
        return Link(int(name[5:]) // 10 / 1e6, 0)
    return LINKS[name]


Result = collections.namedtuple(
    "Result", "t_star look keep link chip erase_us program_us erases pages travel packed kept")

# What a choice costs. us of erases, pages programmed, bytes that travel, the
# same packed, bytes kept, erase operations.
Cost = collections.namedtuple("Cost", "erase_us pages travel packed kept erases")
ZERO = Cost(0, 0, 0, 0, 0, 0)

SAME, CLEAR, DIRTY = range(3)


def add(*costs):
    return Cost(*map(sum, zip(*costs))) if costs else ZERO


class Packer:
    """Sizes of deflated blocks, remembered."""

    def __init__(self):
        self.known = {}

    def size(self, data):
        key = hashlib.blake2b(data, digest_size=16).digest()
        if key not in self.known:
            z = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
            self.known[key] = min(len(data), len(z.compress(data) + z.flush()))
        return self.known[key]


class Reference:
    """One image on one chip in one state; ask it for the time over any link."""

    def __init__(self, chip, image, flash, offset=0, packer=None, group=GROUP):
        self.chip, self.group, self.packer = chip, group, packer or Packer()
        self.start, self.end = offset, offset + len(image)
        self.levels = [e for e in chip.erases if e[0] < chip.size]
        self.whole = [e for e in chip.erases if e[0] == chip.size]
        self.leaf = self.levels[0][0]
        # Beyond `span` the chip is blank, and to stay so.
        top = max(self.levels[-1][0], group)
        self.span = min(chip.size, -(-max(self.end, len(flash)) // top) * top)
        self.before = flash.ljust(self.span, b"\xff")
        self.after = self.before[:offset] + image + self.before[self.end:]
        self._classify()

    # --- pages and leaves ------------------------------------------------------

    def _page_class(self, at):
        page = self.chip.page
        old, new = self.before[at:at + page], self.after[at:at + page]
        if old == new:
            return SAME
        if old.count(0xFF) == page:
            return CLEAR
        unit = self.chip.rewrite
        if unit is None:
            return DIRTY
        if unit == 1:
            o, n = int.from_bytes(old, "little"), int.from_bytes(new, "little")
            return CLEAR if o & n == n else DIRTY
        for i in range(0, page, unit):
            o = old[i:i + unit]
            if o != new[i:i + unit] and o.count(0xFF) != len(o):
                return DIRTY
        return CLEAR

    def _classify(self):
        """What each leaf costs when it is left, and when it was erased."""
        page, leaf = self.chip.page, self.leaf
        blank = b"\xff" * page
        self.left, self.fresh, self.outside = [], [], []  # page lists; None: must be erased
        for base in range(0, self.span, leaf):
            pages = range(base, base + leaf, page)
            kinds = [self._page_class(p) for p in pages]
            self.left.append(None if DIRTY in kinds else
                             [p for p, k in zip(pages, kinds) if k == CLEAR])
            self.fresh.append([p for p in pages if self.after[p:p + page] != blank])
            inside = max(0, min(base + leaf, self.end) - max(base, self.start))
            self.outside.append(leaf - inside)

    def _bytes(self, pages):
        """Of these pages, what the board cannot have but from the host."""
        page = self.chip.page
        return b"".join(self.after[max(p, self.start):min(p + page, self.end)]
                        for p in pages if p + page > self.start and p < self.end)

    def _content(self, pages, erase_us=0, kept=0, erases=0):
        """The cost of programming pages of one group, after some erases."""
        data = self._bytes(pages)
        return Cost(erase_us, len(pages), len(data), self.packer.size(data) if data else 0, kept,
                    erases)

    # --- choices within a group, where the link's bytes depend on all of it -----------

    def _masks(self, level, first, count):
        """{leaves erased (bits from `first`): (us, erases) the least} for a run of leaves."""
        size = self.levels[level][0] // self.leaf
        if size > count:
            return self._masks(level - 1, first, count)
        result = {0: (0, 0)}
        for at in range(0, count, size):
            all_of = (1 << size) - 1
            part = {0: (0, 0)} if level == 0 else dict(self._masks(level - 1, first + at, size))
            best = (self.levels[level][1], 1)
            part[all_of] = min(part.get(all_of, best), best)
            result = {a | b << at: (x[0] + y[0], x[1] + y[1])
                      for (a, x), (b, y) in itertools.product(result.items(), part.items())}
        return result

    def _group_choices(self, first, count):
        """Costs worth considering for a group of `count` leaves."""
        need = sum(1 << i for i in range(count) if self.left[first + i] is None)
        choices = []
        for mask, (us, erases) in self._masks(len(self.levels) - 1, first, count).items():
            if mask & need != need:
                continue
            pages, kept = [], 0
            for i in range(count):
                erased = mask >> i & 1
                pages += (self.fresh if erased else self.left)[first + i]
                kept += self.outside[first + i] if erased else 0
            choices.append((mask, us, erases, pages, kept))
        # More erased, more sent, and yet no faster: not worth packing.
        def chip_us(c):
            return c[1] + len(c[3]) * self.page_us
        good = [c for c in choices
                if not any(d[0] != c[0] and d[0] & c[0] == d[0] and chip_us(d) <= chip_us(c)
                           for d in choices)]
        return [self._content(pages, us, kept, erases) for _, us, erases, pages, kept in good]

    # --- the tree ------------------------------------------------------------------------

    @property
    def page_us(self):
        c = self.chip
        return c.page_us + 2 * c.page / c.dies / READ_RATE

    def _erased(self, first, count):
        """All of these leaves were erased by something larger."""
        groups = []
        per = max(1, self.group // self.leaf)
        for at in range(first, first + count, per):
            leaves = range(at, min(at + per, first + count))
            groups.append(self._large_leaf(at)[1] if self.leaf > self.group else self._content(
                [p for i in leaves for p in self.fresh[i]], 0, sum(self.outside[i] for i in leaves)))
        return add(*groups)

    def _by_group(self, pages):
        for _, some in itertools.groupby(pages, lambda p: p // self.group):
            yield list(some)

    def _large_leaf(self, i):
        """(left alone or None, erased) of a leaf that spans groups."""
        left = self.left[i]
        left = None if left is None else add(*(self._content(g) for g in self._by_group(left)))
        fresh = add(*(self._content(g) for g in self._by_group(self.fresh[i])),
                    Cost(0, 0, 0, 0, self.outside[i], 0))
        return left, fresh

    def _criteria(self, cost, rate):
        """(link, chip), each with what is kept: T* is look + the larger."""
        keep = cost.kept / READ_RATE / self.chip.dies
        wire = 0 if rate is None else cost.packed / rate
        return wire + keep, cost.erase_us + cost.pages * self.page_us + keep

    def _front(self, costs, rate):
        """Of (criteria, cost) pairs those that nothing beats in both."""
        best, kept = None, []
        for (a, b), cost in sorted(costs, key=lambda c: (c[0], c[1].erases)):
            if best is None or b < best:
                best = b
                kept.append(((a, b), cost))
        return kept

    def _nodes(self, level, first, count, rate):
        """The front of a run of leaves that is one unit of levels[level], or smaller."""
        def priced(costs):
            return [(self._criteria(c, rate), c) for c in costs]
        if count * self.leaf <= self.group:
            return self._front(priced(self._choices_of_group(first, count)), rate)
        if count == 1:
            left, fresh = self._large_leaf_known(first)
            erased = fresh._replace(erase_us=self.levels[0][1], erases=1)
            return self._front(priced([c for c in (left, erased) if c is not None]), rate)
        size, us = self.levels[level]
        below = level - 1 if size // self.leaf == count else level
        part = self.levels[below][0] // self.leaf if below >= 0 else 1
        part = max(part, self.group // self.leaf, 1)
        if part >= count:
            part = max(1, self.group // self.leaf)
        front = [((0.0, 0.0), ZERO)]
        for at in range(first, first + count, part):
            some = self._nodes(below, at, min(part, first + count - at), rate)
            front = self._merge(front, some, rate)
        if size // self.leaf == count:
            pages = sum(len(self.fresh[i]) for i in range(first, first + count))
            if us + pages * self.page_us < min(c.erase_us + c.pages * self.page_us
                                               for _, c in front):
                whole = self._erased_known(first, count)._replace(erase_us=us, erases=1)
                front = self._front(front + priced([whole]), rate)
        return front

    def _merge(self, one, two, rate):
        if len(one) == 1 and one[0][1] is ZERO:
            return two
        sums = [((p[0] + q[0], p[1] + q[1]), add(x, y)) for (p, x), (q, y) in
                itertools.product(one, two)]
        return sums if len(sums) == 1 else self._front(sums, rate)

    def _remember(self, name, key, make):
        memory = self.__dict__.setdefault("_memory", {})
        if (name, key) not in memory:
            memory[name, key] = make(*key)
        return memory[name, key]

    def _choices_of_group(self, first, count):
        return self._remember("group", (first, count), self._group_choices)

    def _large_leaf_known(self, first):
        return self._remember("leaf", (first,), self._large_leaf)

    def _erased_known(self, first, count):
        return self._remember("erased", (first, count), self._erased)

    # --- all of it ------------------------------------------------------------------------

    def _chip_erase(self):
        """Everything erased at once: all that the chip holds has to be read and rewritten."""
        erased = self._erased_known(0, self.span // self.leaf)
        return erased._replace(erase_us=self.whole[0][1], erases=1,
                               kept=erased.kept + self.chip.size - self.span)

    def _least(self, fronts, rate):
        """The choice with the least max(link, chip) over all top units."""
        points = [((0.0, 0.0), ZERO)]
        wide = [f for f in fronts if len(f) > 1]
        fixed = add(*(f[0][1] for f in fronts if len(f) == 1))
        points = [(self._criteria(fixed, rate), fixed)]
        rest_a, rest_b = [0.0], [0.0]
        for f in reversed(wide):
            rest_a.insert(0, rest_a[0] + min(p[0] for p, _ in f))
            rest_b.insert(0, rest_b[0] + min(p[1] for p, _ in f))
        bound = self._bound(points[0][0], wide)
        for i, f in enumerate(wide):
            points = [(p, c) for p, c in self._merge(points, f, rate)
                      if max(p[0] + rest_a[i + 1], p[1] + rest_b[i + 1]) <= bound * (1 + 1e-12)]
        return min(points, key=lambda pc: (max(pc[0]), sum(pc[0])))

    @staticmethod
    def _bound(start, wide):
        """A choice that can be had, found by weighing link against chip evenly everywhere."""
        best = float("inf")
        for weight in (i / 64 for i in range(65)):
            a, b = start
            for f in wide:
                p = min((p for p, _ in f), key=lambda p: (weight * p[0] + (1 - weight) * p[1], p))
                a, b = a + p[0], b + p[1]
            best = min(best, max(a, b))
        return best

    def time(self, link_rate):
        """T* over a link of so many bytes a microsecond (None: no limit)."""
        level = len(self.levels) - 1
        top = max(self.levels[-1][0], self.group) // self.leaf
        leaves = self.span // self.leaf
        fronts = [self._nodes(level, at, min(top, leaves - at), link_rate)
                  for at in range(0, leaves, top)]
        (a, b), cost = self._least(fronts, link_rate)
        if self.whole:
            us = self.whole[0][1]
            if us < max(a, b):
                chip = self._chip_erase()
                p = self._criteria(chip, link_rate)
                if max(p) < max(a, b):
                    (a, b), cost = p, chip
        look = (self.end - self.start) / DIGEST_RATE
        keep = cost.kept / READ_RATE / self.chip.dies
        program = cost.pages * self.page_us
        return Result(look + max(a, b), look, keep, a - keep, b - keep, cost.erase_us, program,
                      cost.erases, cost.pages, cost.travel, cost.packed, cost.kept)
