/* writer.c - sectors on their way into a memory: what is there is read, changed, erased and
 * programmed again, so that bytes which no file names stay as they were. Before the first
 * change the set is marked incomplete, and at the end it is made whole again if nothing else
 * of it is missing (PROTOCOL 5.5).
 */
#include <string.h>

#include <vcpflash/ymodem.h>

enum { /* vf_writer.phase: what the engine was asked for */
       IDLE,
       RECALLING,
       MARKING,
       READING,
       ERASING,
       PROGRAMMING,
       DIGESTING,
       SEALING,
};

enum { OPEN_MARK = 0x00, LENT_MARK = 0x01, WHOLE_MARK = 0xFF };

static bool keeps_journal(const vf_writer *w)
{
	return vf_target_config_get(w->guest->target)->journal != NULL;
}

static void ask(vf_writer *w, uint8_t phase, const vf_message *m, const uint8_t *data,
		uint8_t *answer, uint32_t room)
{
	w->phase = phase;
	vf_guest_ask(w->guest, m, data, answer, room);
}

/* --- the set ------------------------------------------------------------------------------ */

static void recall(vf_writer *w, uint8_t phase)
{
	vf_message m = {.type = VF_MESSAGE_RECALL};
	ask(w, phase, &m, NULL, w->bytes, VF_WIRE_SET_HEADER + VF_WIRE_SET_ENTRY * VF_TARGET_SET);
}

static void send_set(vf_writer *w, uint8_t phase, uint8_t state)
{
	vf_message m = {.type = VF_MESSAGE_SET,
			.address = state,
			.length = w->set.count * (uint32_t)VF_WIRE_SET_ENTRY};
	for (unsigned i = 0; i < w->set.count; i++)
		vf_pack_set_entry(w->bytes + (size_t)VF_WIRE_SET_ENTRY * i, &w->set.entry[i]);
	ask(w, phase, &m, w->bytes, NULL, 0);
}

static bool marked(const vf_set_entry *e, uint8_t mark)
{
	for (unsigned i = 0; i < VF_DIGEST_SIZE; i++) {
		if (e->digest[i] != mark)
			return false;
	}
	return true;
}

/* False where there is no room: the set stays incomplete for the want of it. */
static bool add(vf_set *set, uint32_t address, uint32_t length, const uint8_t *digest)
{
	if (length == 0)
		return true;
	if (set->count == VF_TARGET_SET)
		return false;
	vf_set_entry *e = &set->entry[set->count++];
	e->address = address;
	e->length = length;
	memcpy(e->digest, digest, VF_DIGEST_SIZE);
	return true;
}

/* Takes a range out of all the others. */
static bool cut(vf_set *set, uint32_t from, uint32_t len)
{
	bool room = true;
	for (unsigned i = set->count; i-- > 0;) {
		vf_set_entry e = set->entry[i];
		uint32_t last = from + (len - 1), e_last = e.address + (e.length - 1);
		if (e.address > last || e_last < from)
			continue;
		set->entry[i] = set->entry[--set->count];
		if (e.address < from)
			room = add(set, e.address, from - e.address, e.digest) && room;
		if (e_last > last)
			room = add(set, last + 1, e_last - last, e.digest) && room;
	}
	return room;
}

/* Whole sectors around a range. */
static vf_range around(const vf_writer *w, uint32_t address, uint32_t len)
{
	unsigned m = vf_guest_memory_at(w->guest, address, len);
	const vf_memory *info = vf_guest_memory(w->guest, m);
	uint32_t sector = info->erase[0].size;
	uint32_t from = (address - info->base) / sector * sector;
	uint32_t end = address - info->base + len;
	end = end / sector * sector + (end % sector != 0 ? sector : 0);
	return (vf_range){info->base + from, end - from};
}

static bool add_marked(vf_writer *w, uint32_t address, uint32_t len, uint8_t mark)
{
	uint8_t digest[VF_DIGEST_SIZE];
	vf_range r = around(w, address, len);
	memset(digest, mark, sizeof digest);
	return cut(&w->set, r.offset, r.len) && add(&w->set, r.offset, r.len, digest);
}

static void mark(vf_writer *w)
{
	(void)vf_unpack_set(&w->set, w->bytes,
			    VF_WIRE_SET_HEADER + VF_WIRE_SET_ENTRY * VF_TARGET_SET);
	w->trusts = w->set.state != VF_SET_INCOMPLETE && w->set.state != VF_SET_UNREADABLE;
	if (w->set.state == VF_SET_COMPLETE) {
		for (unsigned i = 0; i < w->set.count; i++)
			memset(w->set.entry[i].digest, WHOLE_MARK, VF_DIGEST_SIZE);
	}
	if (!add_marked(w, w->mine.offset, w->mine.len, OPEN_MARK)) { /* say less, never more */
		w->set.count = 0;
		(void)add_marked(w, w->mine.offset, w->mine.len, OPEN_MARK);
	}
	send_set(w, MARKING, VF_SET_INCOMPLETE);
}

/* The digest of the next range; when there is none any more, SET. */
static void digest_next(vf_writer *w)
{
	if (w->entry == w->set.count) {
		send_set(w, SEALING, VF_SET_COMPLETE);
		return;
	}
	const vf_set_entry *e = &w->set.entry[w->entry];
	unsigned memory = vf_guest_memory_at(w->guest, e->address, e->length);
	vf_message m = {.type = VF_MESSAGE_DIGEST,
			.memory = (uint8_t)memory,
			.address = e->address,
			.length = e->length,
			.group = UINT32_MAX};
	ask(w, DIGESTING, &m, NULL, w->digest, sizeof w->digest);
}

void vf_writer_seal(vf_writer *w, const vf_stretch *stretch, unsigned count, bool whole)
{
	bool room = true;
	if (!keeps_journal(w) || !w->marked)
		return;
	w->marked = false;
	for (unsigned i = 0; i < count; i++)
		room = add_marked(w, stretch[i].address, stretch[i].len, WHOLE_MARK) && room;
	if (!room || !whole) /* then what was open stays so */
		return;
	for (unsigned i = 0; i < w->set.count; i++) {
		if (!marked(&w->set.entry[i], WHOLE_MARK)) {
			send_set(w, SEALING, VF_SET_INCOMPLETE);
			return;
		}
	}
	w->entry = 0;
	digest_next(w);
}

/* --- sectors -------------------------------------------------------------------------------- */

void vf_writer_begin(vf_writer *w, unsigned memory, uint32_t address, uint32_t len)
{
	w->loaded = w->differs = false;
	w->phase = IDLE;
	w->written = 0;
	w->memory = (uint8_t)memory;
	w->mine = (vf_range){address, len};
	w->trusts = true;
	w->marked = true;
	if (keeps_journal(w))
		recall(w, RECALLING);
}

static void read_sector(vf_writer *w, unsigned memory, uint32_t address)
{
	const vf_memory *info = vf_guest_memory(w->guest, memory);
	w->memory = (uint8_t)memory;
	w->size = info->erase[0].size;
	w->base = address - (address - info->base) % w->size;
	w->differs = !w->trusts;
	vf_message m = {.type = VF_MESSAGE_READ,
			.memory = w->memory,
			.address = w->base,
			.length = w->size};
	ask(w, READING, &m, NULL, w->sector, w->size);
}

void vf_writer_flush(vf_writer *w)
{
	if (!w->loaded)
		return;
	w->loaded = false;
	if (!w->differs)
		return;
	vf_message m = {.type = VF_MESSAGE_ERASE,
			.memory = w->memory,
			.address = w->base,
			.length = w->size};
	ask(w, ERASING, &m, NULL, NULL, 0);
}

/* Of the sector from the first to the last page that is not erased. */
static void program(vf_writer *w)
{
	uint32_t page = vf_guest_memory(w->guest, w->memory)->page;
	uint32_t from = 0, end = w->size;
	if (page > w->size)
		page = w->size;
	while (from < end && w->sector[from] == 0xFF)
		from++;
	while (end > from && w->sector[end - 1] == 0xFF)
		end--;
	if (from == end) {
		w->phase = IDLE;
		return;
	}
	from -= from % page;
	end += (page - end % page) % page;
	vf_message m = {.type = VF_MESSAGE_PROGRAM,
			.memory = w->memory,
			.address = w->base + from,
			.length = end - from};
	w->written += end - from;
	ask(w, PROGRAMMING, &m, w->sector + from, NULL, 0);
}

static void went_well(vf_writer *w)
{
	uint8_t phase = w->phase;
	w->phase = IDLE;
	if (phase == RECALLING)
		mark(w);
	else if (phase == READING)
		w->loaded = true;
	else if (phase == ERASING)
		program(w);
	else if (phase == DIGESTING) {
		memcpy(w->set.entry[w->entry++].digest, w->digest, VF_DIGEST_SIZE);
		digest_next(w);
	}
}

enum vf_guest_outcome vf_writer_step(vf_writer *w)
{
	if (w->phase == IDLE)
		return VF_GUEST_DONE;
	enum vf_guest_outcome o = vf_guest_poll(w->guest);
	if (o == VF_GUEST_DONE) {
		went_well(w);
		w->guest->moved = true;
	} else if (o == VF_GUEST_FAILED) {
		w->phase = IDLE;
		return o;
	}
	return w->phase == IDLE ? VF_GUEST_DONE : VF_GUEST_WAITING;
}

uint32_t vf_writer_put(vf_writer *w, unsigned memory, uint32_t address, const uint8_t *bytes,
		       uint32_t len)
{
	if (w->phase != IDLE)
		return 0;
	if (w->loaded && (address < w->base || address - w->base >= w->size)) {
		vf_writer_flush(w);
		w->guest->moved = true;
		return 0;
	}
	if (!w->loaded) {
		read_sector(w, memory, address);
		w->guest->moved = true;
		return 0;
	}
	uint32_t at = address - w->base;
	if (len > w->size - at)
		len = w->size - at;
	if (memcmp(w->sector + at, bytes, len) != 0) {
		w->differs = true;
		memcpy(w->sector + at, bytes, len);
	}
	w->guest->moved = true;
	return len;
}
