/* load.c - a file into memory: what kind it is, where it goes, whether it may, and in the
 * end what a person is told. Everything that can be known is checked before anything is
 * erased; of a .hex that is a record at a time.
 */
#include <string.h>

#include <vcpflash/ymodem.h>

#include "hex.h"

enum { UNKNOWN, BIN, HEX }; /* vf_load.kind */

enum { /* vf_load.verdict */
       GOOD,
       EMPTY,
       NO_LENGTH,
       NO_PLACE,
       PROTECTED,
       NO_RIGHT,
       BIG_SECTOR,
       BAD_NAME,
       IS_ELF,
       NO_HEX,
       BAD_RECORD,
       TWICE,
       NO_END,
       NO_DATA,
       TYPED_HEX,
       SAME_PLACE,
       DIFFERS,
       ENGINE,
       BROKEN_OFF,
};

enum { ROOM = 600 }; /* two of the longest lines, and the prompt */

static vf_guest *guest(const vf_load *l)
{
	return l->writer.guest;
}

static bool fail(vf_load *l, uint8_t verdict, uint32_t where)
{
	if (l->verdict == GOOD) {
		l->verdict = verdict;
		l->where = where;
	}
	return false;
}

bool vf_load_failed(const vf_load *l)
{
	return l->verdict != GOOD;
}

void vf_load_break(vf_load *l)
{
	(void)fail(l, BROKEN_OFF, 0);
}

/* --- where it may go ------------------------------------------------------------------------- */

static bool overlap(const vf_range *r, uint32_t offset, uint32_t len)
{
	if (offset < r->offset)
		return r->len != 0 && r->offset - offset < len;
	return offset - r->offset < r->len;
}

/* All sectors that the range touches are erased. */
static bool allowed(vf_load *l, uint32_t address, uint32_t len, unsigned *memory)
{
	unsigned m = vf_guest_memory_at(guest(l), address, len);
	if (m == vf_target_config_get(guest(l)->target)->memories)
		return fail(l, NO_PLACE, address);
	const vf_memory *info = vf_guest_memory(guest(l), m);
	const uint8_t rights = VF_MEMORY_READ | VF_MEMORY_WRITE;
	uint32_t sector = info->erase[0].size;
	if ((info->flags & rights) != rights)
		return fail(l, NO_RIGHT, address);
	if (sector > l->writer.sector_len)
		return fail(l, BIG_SECTOR, sector);
	uint32_t from = (address - info->base) / sector * sector;
	uint32_t last = (address - info->base + (len - 1)) / sector * sector;
	for (unsigned i = 0; i < info->protects; i++) {
		if (overlap(&info->protect[i], from, last - from + sector))
			return fail(l, PROTECTED, info->base + info->protect[i].offset);
	}
	*memory = m;
	return true;
}

/* Where a .bin goes if nobody says: the first NOR. */
static uint32_t usual_base(const vf_load *l)
{
	const vf_target_config *c = vf_target_config_get(guest(l)->target);
	for (unsigned m = 0; m < c->memories; m++) {
		if (c->memory[m].info->kind == VF_MEMORY_NOR)
			return c->memory[m].info->base;
	}
	return c->memory[0].info->base;
}

/* --- what it is ------------------------------------------------------------------------------ */

static bool ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name), k = strlen(ending);
	if (n < k)
		return false;
	for (size_t i = 0; i < k; i++) {
		if ((name[n - k + i] | 0x20) != (ending[i] | 0x20))
			return false;
	}
	return true;
}

static bool named_hex(const vf_load *l)
{
	return ends_with(l->name, ".hex") || ends_with(l->name, ".ihex") ||
	       ends_with(l->name, ".ihx");
}

/* An address between the last @ and the ending, if there is one. */
static bool named_address(vf_load *l)
{
	char text[16];
	const char *at = NULL;
	size_t n = 0;
	for (const char *s = l->name; *s != '\0'; s++)
		at = *s == '@' ? s + 1 : at;
	if (at == NULL || named_hex(l))
		return true;
	while (at[n] != '\0' && at[n] != '.' && n < sizeof text - 1) {
		text[n] = at[n];
		n++;
	}
	text[n] = '\0';
	if (!vf_guest_number(text, &l->address))
		return fail(l, BAD_NAME, 0);
	l->meant = vf_guest_meant(guest(l), text);
	l->named = true;
	return true;
}

void vf_load_forget(vf_load *l)
{
	l->typed = l->placed = false;
	l->verdict = GOOD;
	l->received = l->length = l->untold = 0;
}

bool vf_load_begin(vf_load *l, const char *name, uint32_t length, bool has_length)
{
	l->verdict = GOOD;
	l->named = l->writer.marked = l->writer.loaded = false;
	l->writer.mine = (vf_range){0, 0};
	l->received = 0;
	l->kind = UNKNOWN;
	l->length = length;
	l->where = l->meant = l->upper = l->line = l->pending = 0;
	l->digits = 0;
	l->in_record = l->over = l->uncounted = false;
	l->stretches = l->checked = 0;
	memset(l->name, 0, sizeof l->name);
	for (size_t i = 0; i < sizeof l->name - 1 && name[i] != '\0'; i++)
		l->name[i] = name[i];
	if (!l->typed && !named_address(l))
		return false;
	if (!has_length)
		return fail(l, NO_LENGTH, 0);
	return length != 0 || fail(l, EMPTY, 0);
}

/* The first bytes tell, and the name where they leave it open. */
static bool judge(vf_load *l, const uint8_t *bytes, uint32_t len)
{
	unsigned m;
	if (len >= 4 && memcmp(bytes, "\177ELF", 4) == 0 && !ends_with(l->name, ".bin"))
		return fail(l, IS_ELF, 0);
	l->kind = named_hex(l) || (bytes[0] == ':' && !ends_with(l->name, ".bin")) ? HEX : BIN;
	if (l->kind == HEX)
		return (bytes[0] == ':' || fail(l, NO_HEX, 0)) &&
		       ((!l->typed && !l->named) || fail(l, TYPED_HEX, 0));
	if (!l->named && l->placed)
		return fail(l, SAME_PLACE, 0);
	if (!l->named && !l->typed)
		l->address = usual_base(l);
	l->placed = l->placed || !l->named;
	if (!allowed(l, l->address, l->length, &m))
		return false;
	vf_writer_begin(&l->writer, m, l->address, l->length);
	return true;
}

/* --- into the writer ------------------------------------------------------------------------- */

static void end_stretch(vf_load *l)
{
	if (l->stretches != 0 && !l->uncounted)
		vf_sha256_final(&l->sha, l->stretch[l->stretches - 1].sha);
}

static void begin_stretch(vf_load *l, uint32_t address)
{
	end_stretch(l);
	if (l->stretches == VF_YMODEM_STRETCHES) {
		l->uncounted = true;
		return;
	}
	l->stretch[l->stretches].address = address;
	l->stretch[l->stretches++].len = 0;
	vf_sha256_init(&l->sha);
}

/* Bytes that were taken go into the digest of their stretch. */
static void count(vf_load *l, uint32_t address, const uint8_t *bytes, uint32_t len)
{
	if (l->uncounted)
		return;
	const vf_stretch *s = l->stretches != 0 ? &l->stretch[l->stretches - 1] : NULL;
	if (s == NULL || address != s->address + s->len)
		begin_stretch(l, address);
	if (l->uncounted)
		return;
	l->stretch[l->stretches - 1].len += len;
	vf_sha256_update(&l->sha, bytes, len);
}

static bool written_before(const vf_load *l, uint32_t address, uint32_t len)
{
	for (unsigned i = 0; i < l->stretches; i++) {
		vf_range r = {l->stretch[i].address, l->stretch[i].len};
		if (r.len != 0 && overlap(&r, address, len))
			return true;
	}
	return false;
}

static uint32_t write(vf_load *l, unsigned memory, uint32_t address, const uint8_t *bytes,
		      uint32_t len)
{
	uint32_t n = vf_writer_put(&l->writer, memory, address, bytes, len);
	if (n != 0)
		count(l, address, bytes, n);
	return n;
}

/* --- .hex ------------------------------------------------------------------------------------ */

/* A record of data that is whole: true when none of it waits any more. */
static bool write_record(vf_load *l)
{
	uint32_t len = l->record[0];
	while (l->pending != 0) {
		uint32_t at = len - l->pending;
		uint32_t address = l->upper + ((uint32_t)l->record[1] << 8 | l->record[2]) + at;
		unsigned m;
		if (at == 0 && (written_before(l, address, len)))
			return fail(l, TWICE, address);
		if (!allowed(l, address, l->pending, &m))
			return false;
		if (!l->writer.marked)
			vf_writer_begin(&l->writer, m, address, 1);
		uint32_t n = write(l, m, address, l->record + 4 + at, l->pending);
		if (n == 0)
			return false;
		l->pending -= n;
	}
	return true;
}

static bool take_record(vf_load *l)
{
	const uint8_t *r = l->record;
	l->line++;
	if (!vf_hex_sound(r))
		return fail(l, BAD_RECORD, l->line);
	switch (r[3]) {
	case VF_HEX_DATA:
		l->pending = r[0];
		return true;
	case VF_HEX_END:
		l->over = true;
		return true;
	case VF_HEX_SEGMENT:
		l->upper = ((uint32_t)r[4] << 8 | r[5]) << 4;
		return true;
	case VF_HEX_LINEAR:
		l->upper = ((uint32_t)r[4] << 8 | r[5]) << 16;
		return true;
	default: /* where to start: nothing to write */
		return true;
	}
}

static bool take_character(vf_load *l, char c)
{
	if (!l->in_record) {
		if (c == ':' && !l->over) {
			l->in_record = true;
			l->digits = 0;
			return true;
		}
		return c == '\r' || c == '\n' || c == ' ' || c == 0x1A || c == '\0' || l->over ||
		       fail(l, BAD_RECORD, l->line + 1);
	}
	int v = vf_hex_digit(c);
	if (v < 0)
		return fail(l, BAD_RECORD, l->line + 1);
	uint8_t *byte = &l->record[l->digits / 2];
	*byte = (uint8_t)(l->digits % 2 == 0 ? v << 4 : *byte | v);
	l->digits++;
	if (l->digits < 2 || l->digits != 2 * (5u + l->record[0]))
		return true;
	l->in_record = false;
	return take_record(l);
}

static uint32_t put_hex(vf_load *l, const uint8_t *bytes, uint32_t len)
{
	uint32_t n = 0;
	while (n < len && !vf_load_failed(l)) {
		if (l->pending != 0 && !write_record(l))
			break;
		if (!take_character(l, (char)bytes[n]))
			break;
		n++;
	}
	return n;
}

/* With its last byte, so that the sender hears of it where he listens. */
static void check_end(vf_load *l)
{
	if (l->kind != HEX || l->received != l->length)
		return;
	if (!l->over)
		(void)fail(l, NO_END, 0);
	else if (l->stretches == 0)
		(void)fail(l, NO_DATA, 0);
}

/* --- the file -------------------------------------------------------------------------------- */

uint32_t vf_load_put(vf_load *l, const uint8_t *bytes, uint32_t len)
{
	if (len > l->length - l->received) /* what fills the last block up */
		len = l->length - l->received;
	if (vf_load_failed(l) || len == 0)
		return len;
	if (l->kind == UNKNOWN && !judge(l, bytes, len))
		return len;
	enum vf_guest_outcome o = vf_writer_step(&l->writer);
	if (o == VF_GUEST_FAILED) {
		l->failure = *vf_guest_failure(guest(l));
		(void)fail(l, ENGINE, l->failure.address);
		return len;
	}
	if (o == VF_GUEST_WAITING)
		return 0;
	uint32_t n = 0;
	if (l->kind == HEX)
		n = put_hex(l, bytes, len);
	else
		n = write(l, vf_guest_memory_at(guest(l), l->address, l->length),
			  l->address + l->received, bytes, len);
	l->received += n;
	check_end(l);
	return vf_load_failed(l) ? len : n;
}

/* Digests what was written, a stretch at a time. True when all were. */
static bool digested(vf_load *l)
{
	vf_stretch *s = &l->stretch[l->checked];
	if (l->checked == l->stretches)
		return true;
	if (guest(l)->request.outcome == VF_GUEST_NOTHING) {
		vf_message m = {.type = VF_MESSAGE_SHA256,
				.memory = (uint8_t)vf_guest_memory_at(guest(l), s->address, s->len),
				.address = s->address,
				.length = s->len};
		vf_guest_ask(guest(l), &m, NULL, l->answer, sizeof l->answer);
	}
	enum vf_guest_outcome o = vf_guest_poll(guest(l));
	if (o == VF_GUEST_FAILED) {
		l->failure = *vf_guest_failure(guest(l));
		(void)fail(l, ENGINE, l->failure.address);
	} else if (o == VF_GUEST_DONE) {
		if (memcmp(l->answer, s->sha, sizeof s->sha) != 0)
			(void)fail(l, DIFFERS, s->address);
		l->checked++;
		guest(l)->moved = true;
	}
	return false;
}

enum vf_load_progress vf_load_finish(vf_load *l)
{
	if (vf_load_failed(l))
		return VF_LOAD_OVER;
	enum vf_guest_outcome o = vf_writer_step(&l->writer);
	if (o == VF_GUEST_FAILED) {
		l->failure = *vf_guest_failure(guest(l));
		(void)fail(l, ENGINE, l->failure.address);
		return VF_LOAD_OVER;
	}
	if (o == VF_GUEST_WAITING)
		return VF_LOAD_WAIT;
	if (l->writer.loaded) {
		vf_writer_flush(&l->writer);
		end_stretch(l);
		guest(l)->moved = true;
		return VF_LOAD_WAIT;
	}
	if (!digested(l))
		return VF_LOAD_WAIT;
	if (l->writer.marked) {
		vf_writer_seal(&l->writer, l->stretch, l->stretches, !l->uncounted);
		l->writer.marked = false;
		guest(l)->moved = true;
		return VF_LOAD_WAIT;
	}
	return VF_LOAD_READY;
}

/* --- the verdict ----------------------------------------------------------------------------- */

static void say_good(vf_load *l)
{
	vf_guest *g = guest(l);
	uint32_t bytes = 0;
	for (unsigned i = 0; i < l->stretches; i++)
		bytes += l->stretch[i].len;
	vf_guest_say(g, "verified, ");
	if (l->uncounted)
		vf_guest_say(
			g, "page by page; it has more stretches than can be digested, so it "
			   "does not count as complete: run will refuse on a board with a journal");
	else if (l->stretches == 1) {
		vf_guest_say_number(g, bytes);
		vf_guest_say(g, " bytes at ");
		vf_guest_say_address(g, l->stretch[0].address);
		vf_guest_say(g, ", SHA-256 ");
		vf_guest_say_bytes(g, l->stretch[0].sha, VF_SHA256_SIZE);
	} else {
		vf_guest_say_number(g, bytes);
		vf_guest_say(g, " bytes in ");
		vf_guest_say_number(g, l->stretches);
		vf_guest_say(g, " stretches from ");
		vf_guest_say_address(g, l->stretches != 0 ? l->stretch[0].address : 0);
	}
	if (l->writer.written == 0)
		vf_guest_say(g, "; it was there already, nothing was written");
	vf_guest_say(g, "\r\n");
	if (vf_target_set(g->target) == VF_SET_INCOMPLETE)
		vf_guest_say(g, "  other ranges are still incomplete from an earlier transfer, so "
				"run will refuse\r\n");
}

static const char *said_of(uint8_t verdict)
{
	switch (verdict) {
	case EMPTY:
		return "the file is empty; nothing was changed";
	case NO_LENGTH:
		return "the sender gives no length: use YMODEM, not XMODEM; nothing was changed";
	case BAD_NAME:
		return "what follows @ in its name is no address, as in app@0x90000000.bin; "
		       "nothing was changed";
	case IS_ELF:
		return "this is an ELF file: send what objcopy -O ihex makes of it; nothing was "
		       "changed";
	case NO_HEX:
		return "its name says Intel HEX, its contents do not; nothing was changed";
	case TYPED_HEX:
		return "a .hex brings its own addresses: type load without one; nothing was "
		       "changed";
	case SAME_PLACE:
		return "a second file needs its address in its name, as in app@0x90000000.bin; "
		       "nothing was changed";
	case NO_END:
		return "it has no end record, so it is cut off: send a whole one";
	case NO_DATA:
		return "it holds no data; nothing was changed";
	case BROKEN_OFF:
		return "the transfer broke off: send the file again, and it is completed";
	default:
		return NULL;
	}
}

static void say_place(vf_load *l)
{
	vf_guest *g = guest(l);
	switch (l->verdict) {
	case NO_PLACE:
		vf_guest_say(g, "does not fit into a memory at ");
		break;
	case PROTECTED:
		vf_guest_say(g, "would erase what the board protects at ");
		break;
	case NO_RIGHT:
		vf_guest_say(g, "that memory cannot be written: ");
		break;
	case DIFFERS:
		vf_guest_say(g, "reads differently from what was sent, in what begins at ");
		break;
	default:
		vf_guest_say(g, "has two records for ");
		break;
	}
	vf_guest_say_address(g, l->where);
	if (l->verdict == NO_PLACE)
		vf_guest_say_memories(g, l->meant);
}

void vf_load_untold(vf_load *l)
{
	vf_guest *g = guest(l);
	if (l->untold == 0)
		return;
	vf_guest_say(g, "and ");
	vf_guest_say_number(g, l->untold);
	vf_guest_say(g, " files more, each verified\r\n");
}

/* Text waits until the transfer is over; what went wrong, which ends it, has its room kept. */
void vf_load_verdict(vf_load *l)
{
	vf_guest *g = guest(l);
	const char *said = said_of(l->verdict);
	if (l->verdict == GOOD && VF_GUEST_TEXT - (g->text_head - g->text_tail) < ROOM) {
		l->untold++;
		return;
	}
	vf_guest_say(g, l->name);
	vf_guest_say(g, ": ");
	if (l->verdict == GOOD) {
		say_good(l);
		return;
	}
	if (said != NULL)
		vf_guest_say(g, said);
	else if (l->verdict == ENGINE)
		vf_guest_say_failure(g, &l->failure);
	else if (l->verdict == BAD_RECORD) {
		vf_guest_say(g, "damaged record in line ");
		vf_guest_say_number(g, l->where);
	} else if (l->verdict == BIG_SECTOR) {
		vf_guest_say(g, "sectors of ");
		vf_guest_say_size(g, l->where);
		vf_guest_say(g, " are more than this board can keep: use vcpflash program");
	} else {
		say_place(l);
	}
	vf_guest_say(g, l->writer.marked ? "; what it covers is incomplete\r\n" : "\r\n");
}
