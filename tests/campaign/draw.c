/* draw.c - a scenario from a seed, and what it is in words. */
#include "campaign.h"

#include <stdio.h>
#include <string.h>

#include "part.h"

enum {
	INTERNAL_SECTOR = 128 * KB,
	INTERNAL_SECTORS = 16,
	MOST_IMAGE = 48 * KB,
	SLOW = 60000, /* bytes a second */
	MODEST = 300000,
};

static const char *const names[TROUBLE_KINDS] = {
	"nothing",
	"corrupted bytes",
	"lost and doubled bytes",
	"stalls",
	"bad rate",
	"restarts",
	"a restart",
	"a cut in a transaction",
	"a cut",
	"a killed host",
	"Ctrl-C",
	"Ctrl-C twice",
	"a pull",
	"no room on the disk",
	"failures of the chip",
	"a bad bit",
	"a stuck address line",
	"a locked chip",
};

const char *trouble_name(uint8_t kind)
{
	return kind < TROUBLE_KINDS ? names[kind] : "?";
}

/* --- the board ---------------------------------------------------------------------- */

static void erase_sizes(const vf_sim_part *p, uint32_t *least, uint32_t *most)
{
	*least = UINT32_MAX;
	*most = 0;
	for (unsigned i = 0; i < VF_SIM_ERASES && p->erase[i].size != 0; i++) {
		*least = p->erase[i].size < *least ? p->erase[i].size : *least;
		*most = p->erase[i].size > *most ? p->erase[i].size : *most;
	}
}

/* One that no driver can know has no board. */
static const vf_sim_part *draw_part(rng *r)
{
	size_t count = 0;
	while (vf_sim_part_at(count) != NULL)
		count++;
	for (;;) {
		const vf_sim_part *p = vf_sim_part_at(rng_below(r, (uint32_t)count));
		/* The largest ones cost memory to look through: not as often. */
		if (p->sfdp == NULL && strcmp(p->name, "generic-none") == 0)
			continue;
		if (p->size <= 32u << 20 || rng_one_in(r, 4))
			return p;
	}
}

static void draw_link(scenario *s, rng *r, uint32_t sector)
{
	static const char *const links[] = {"usb-fs",      "usb-fs",       "usb-hs",
					    "usb-hs",      "uart:3000000", "uart:12000000",
					    "uart:921600", "uart:460800",  "uart:115200"};
	const uint32_t count = sizeof links / sizeof links[0];
	const uint32_t n = rng_below(r, sector > 64 * KB ? 6 : count);
	vf_error err;
	(void)snprintf(s->link, sizeof s->link, "%s", links[n]);
	(void)vf_sim_link_parse(&s->board.link, s->link, &err);
	if (rng_one_in(r, 3))
		s->board.link.latency_us += rng_log(r, 100, 16 * MS);
	if (s->board.link.baud != 0 && s->board.link.baud < 3000000 && rng_one_in(r, 3))
		s->board.max_baud = s->board.link.baud << (1 + rng_below(r, 4));
}

static void draw_board(scenario *s, rng *r)
{
	static const uint32_t sizes[] = {2 * KB, 4 * KB, 16 * KB, 64 * KB};
	vf_sim_board_config *b = &s->board;
	uint32_t least, most;
	b->base = 0x90000000;
	b->chip.part = draw_part(r);
	b->chip.dies = rng_one_in(r, 4) ? 2 : 1;
	erase_sizes(b->chip.part, &least, &most);
	draw_link(s, r, least * b->chip.dies);
	b->chip.bus_bytes_per_s = rng_one_in(r, 4) ? 10000000 : 50000000;
	b->chip.time_percent = rng_one_in(r, 3) ? VF_SIM_TIME_RANDOM : 100;
	b->chip.seed = rng_next(r);
	b->seed = rng_next(r);
	b->ring = sizes[rng_below(r, 4)];
	b->window = sizes[rng_below(r, 4)] * (rng_one_in(r, 2) ? 4 : 1);
	b->payload = rng_one_in(r, 4) ? (uint16_t)rng_log(r, 64, 1024) : 0;
	b->no_deflate = rng_one_in(r, 3);
	b->blocking = rng_one_in(r, 5);
	s->internal = rng_one_in(r, 4);
	switch (rng_below(r, 5)) {
	case 0:
	case 1:
		b->journal = VF_SIM_JOURNAL_NONE;
		break;
	case 2:
		b->journal = s->internal ? VF_SIM_JOURNAL_INTERNAL : VF_SIM_JOURNAL_EXTERNAL;
		break;
	default:
		b->journal = VF_SIM_JOURNAL_EXTERNAL;
	}
}

/* --- image --------------------------------------------------------------------------- */

/* Where things are; the journal is behind. */
static void draw_window(scenario *s, rng *r)
{
	const vf_sim_part *p = s->board.chip.part;
	const uint32_t dies = s->board.chip.dies;
	const uint32_t size = p->size * dies;
	uint32_t least, most;
	erase_sizes(p, &least, &most);
	least *= dies;
	most *= dies;
	const uint32_t usable = size - 2 * (least > 4 * KB ? least : 4 * KB * dies);
	uint32_t len = 3 * most > 192 * KB ? 3 * most : 192 * KB;
	len = len < usable ? len : usable;
	uint32_t at = rng_below(r, (usable - len) / most + 1) * most;
	if (rng_one_in(r, 3))
		at = 0;
	else if (size > 16u << 20 && rng_one_in(r, 2))
		at = (16u << 20) - most;
	else if (p->stacked != 0 && rng_one_in(r, 2))
		at = p->stacked * dies - most;
	else if (rng_one_in(r, 3))
		at = (usable - len) / most * most;
	s->window_at[0] = at <= usable - len ? at : usable - len;
	s->window_len[0] = len;
	s->window_at[1] = INTERNAL_SECTOR * (1 + rng_below(r, INTERNAL_SECTORS - 5));
	s->window_len[1] = 2 * INTERNAL_SECTOR;
}

static void draw_segments(scenario *s, rng *r)
{
	const uint64_t rate = s->board.link.out_rate;
	uint32_t left = rate < SLOW ? MOST_IMAGE / 6 : rate < MODEST ? MOST_IMAGE / 2 : MOST_IMAGE;
	const unsigned wanted =
		s->kind == VF_JOB_ERASE ? 1 : 1 + rng_below(r, rng_one_in(r, 3) ? SEGMENTS : 2);
	const unsigned inside = s->internal && s->kind == VF_JOB_PROGRAM ? rng_below(r, 2) : 0;
	uint32_t at[PLACES] = {0, 0};
	left = rng_log(r, 64, left);
	for (unsigned i = 0; i < wanted; i++) {
		const uint8_t in = i > 0 && i <= inside ? 1 : 0;
		const uint32_t room = s->window_len[in];
		uint32_t from = at[in] + (rng_one_in(r, 4) ? 0 : rng_log(r, 1, 40 * KB));
		uint32_t len = 1 + rng_below(r, left);
		if (s->align != 0 && i == 0)
			from = (from + s->align - 1) / s->align * s->align;
		if (rng_one_in(r, 3))
			from &= ~(uint32_t)0xFFF;
		if (from < at[in] || from + 512 >= room)
			continue;
		len = len < room - from ? len : room - from;
		if (s->align != 0 && i == 0 && len < 64)
			len = 64;
		s->segment[s->segments++] = (segment){in, from, len};
		at[in] = from + len;
	}
	if (s->segments == 0)
		s->segment[s->segments++] = (segment){0, 0, 100};
}

static void draw_command(scenario *s, rng *r)
{
	s->kind = rng_one_in(r, 10) ? VF_JOB_ERASE : VF_JOB_PROGRAM;
	s->keeper = !rng_one_in(r, 12);
	s->others = !rng_one_in(r, 3);
	s->full = rng_one_in(r, 8);
	s->discard = rng_one_in(r, 10);
	s->verify_full = rng_one_in(r, 6);
	s->run_after = s->kind == VF_JOB_PROGRAM && rng_one_in(r, 5);
	s->compress = rng_one_in(r, 3) ? VF_COMPRESS_OFF : VF_COMPRESS_AUTO;
	if (!s->board.no_deflate && rng_one_in(r, 3))
		s->compress = VF_COMPRESS_ON;
	s->align = s->kind == VF_JOB_PROGRAM && (s->run_after || rng_one_in(r, 2)) ? 4 * KB : 0;
	s->state = (uint8_t)rng_below(r, STATE_SAME + 1);
	if (s->state == STATE_SET && (s->board.journal == VF_SIM_JOURNAL_NONE || s->align == 0))
		s->state = STATE_OLDER;
	if (s->state == STATE_SAME && !rng_one_in(r, 3))
		s->state = STATE_PARTLY;
}

/* --- troubles ------------------------------------------------------------------------ */

static void draw_trigger(trouble *t, rng *r)
{
	t->on = (uint8_t)rng_below(r, TRIGGERS);
	switch (t->on) {
	case ON_TIME:
		t->count = rng_log(r, 1 * MS, 8 * SECOND);
		break;
	case ON_ERASE:
		t->count = 1 + rng_below(r, 6);
		break;
	case ON_PROGRAM:
		t->count = rng_log(r, 1, 160);
		break;
	default:
		t->count = rng_log(r, 1, 8000);
	}
	t->behind = t->kind == TROUBLE_CUT ? 1 + rng_below(r, rng_one_in(r, 2) ? 8 : 200)
					   : rng_log(r, 1, 200 * MS);
}

static void draw_trouble(trouble *t, rng *r, const scenario *s)
{
	static const uint8_t kinds[] = {
		TROUBLE_CORRUPT, TROUBLE_LOSE,    TROUBLE_STALL,     TROUBLE_RESETS,
		TROUBLE_RESET,   TROUBLE_CUT,     TROUBLE_CUT,       TROUBLE_CUT,
		TROUBLE_CUT,     TROUBLE_POWER,   TROUBLE_POWER,     TROUBLE_KILL,
		TROUBLE_KILL,    TROUBLE_CTRL_C,  TROUBLE_CTRL_C,    TROUBLE_CTRL_C_TWICE,
		TROUBLE_UNPLUG,  TROUBLE_NO_DISK, TROUBLE_CHIP_FAIL, TROUBLE_BAD_RATE};
	static const double rates[] = {1e-6, 1e-5, 1e-4, 1e-4, 1e-3, 1.0 / 300};
	t->kind = kinds[rng_below(r, sizeof kinds)];
	if (t->kind == TROUBLE_BAD_RATE && s->board.max_baud == 0)
		t->kind = TROUBLE_CORRUPT;
	draw_trigger(t, r);
	t->how = (uint8_t)rng_below(r, 3);
	t->off_us = rng_log(r, 1 * MS, 3 * SECOND);
	t->rate = rates[rng_below(r, t->kind == TROUBLE_CORRUPT ? 6 : 4)];
	if (t->kind == TROUBLE_RESETS)
		t->rate = rng_one_in(r, 2) ? 1e-5 : 1e-4;
}

static void draw_runs(scenario *s, rng *r)
{
	s->runs = 1 + rng_below(r, RUNS);
	for (unsigned i = 0; i < s->runs; i++) {
		run_plan *p = &s->run[i];
		draw_trouble(&p->trouble[0], r, s);
		if (rng_one_in(r, 3))
			draw_trouble(&p->trouble[1], r, s);
		p->pause_us = rng_log(r, 1 * MS, 8 * SECOND);
		p->cycle = rng_one_in(r, 4);
		p->try_run = s->align != 0 && rng_one_in(r, 2);
	}
	if (rng_one_in(r, 12)) {
		static const uint8_t kinds[] = {TROUBLE_BAD_BIT, TROUBLE_LINE, TROUBLE_LOCKED};
		s->lasting.kind = kinds[rng_below(r, 3)];
		s->lasting_at = (uint32_t)rng_next(r);
		s->lasting.how = (uint8_t)rng_below(r, 2);
	}
}

static void draw_key(scenario *s, rng *r)
{
	s->keyed = rng_one_in(r, 6);
	rng_fill(r, s->key, sizeof s->key);
	for (unsigned i = 0; i < s->runs; i++)
		s->run[i].stranger = s->keyed && rng_one_in(r, 2);
}

void scenario_draw(scenario *s, uint64_t seed)
{
	rng r = {.state = seed};
	r.state = rng_next(&r); /* neighbours shall have nothing in common */
	*s = (scenario){.seed = seed};
	draw_board(s, &r);
	draw_command(s, &r);
	draw_window(s, &r);
	draw_segments(s, &r);
	draw_runs(s, &r);
	draw_key(s, &r);
}

/* --- in words ------------------------------------------------------------------------ */

void trouble_tell(const trouble *t, char *out, size_t room)
{
	static const char *const on[] = {"us", "erases", "programs", "transactions"};
	static const char *const how[] = {"torn", "before", "after"};
	switch (t->kind) {
	case TROUBLE_CORRUPT:
	case TROUBLE_LOSE:
	case TROUBLE_STALL:
	case TROUBLE_RESETS:
		(void)snprintf(out, room, "%s (%g a byte)", trouble_name(t->kind), t->rate);
		break;
	case TROUBLE_NONE:
	case TROUBLE_BAD_RATE:
	case TROUBLE_NO_DISK:
	case TROUBLE_BAD_BIT:
	case TROUBLE_LINE:
	case TROUBLE_LOCKED:
		(void)snprintf(out, room, "%s", trouble_name(t->kind));
		break;
	case TROUBLE_CUT:
		(void)snprintf(out, room, "%s (%s, %u after %u %s)", trouble_name(t->kind),
			       how[t->how], (unsigned)t->behind, (unsigned)t->count, on[t->on]);
		break;
	default:
		(void)snprintf(out, room, "%s (%u us after %u %s)", trouble_name(t->kind),
			       (unsigned)t->behind, (unsigned)t->count, on[t->on]);
	}
}

void scenario_tell(const scenario *s, char *out, size_t room)
{
	static const char *const states[] = {
		"blank", "dirty", "partly right", "older image", "older image in a set", "right"};
	static const char *const journals[] = {"no journal", "journal", "journal inside"};
	uint32_t bytes = 0;
	for (unsigned i = 0; i < s->segments; i++)
		bytes += s->segment[i].len;
	(void)snprintf(
		out, room,
		"%s x%u, %s +%u us%s, ring %u window %u payload %u%s%s%s, %s%s; %s %u bytes in %u "
		"at +0x%x of 0x%x%s%s%s%s%s; flash %s%s%s%s",
		vf_sim_part_name(s->board.chip.part), (unsigned)s->board.chip.dies, s->link,
		(unsigned)s->board.link.latency_us, s->board.max_baud != 0 ? " up" : "",
		(unsigned)s->board.ring, (unsigned)s->board.window, (unsigned)s->board.payload,
		s->board.blocking ? ", blocking" : "", s->board.no_deflate ? ", no deflate" : "",
		s->keyed ? ", key" : "", journals[s->board.journal], s->keeper ? "" : ", no keeper",
		s->kind == VF_JOB_ERASE ? "erase" : "program", (unsigned)bytes, s->segments,
		(unsigned)s->segment[0].at, (unsigned)s->window_at[0], s->full ? " --full" : "",
		s->discard ? " --discard" : "", s->verify_full ? " --verify full" : "",
		s->run_after ? " --run" : "",
		s->compress == VF_COMPRESS_ON    ? " --compress on"
		: s->compress == VF_COMPRESS_OFF ? " --compress off"
						 : "",
		states[s->state], s->others ? ", others around" : "",
		s->lasting.kind != TROUBLE_NONE ? ", " : "",
		s->lasting.kind != TROUBLE_NONE ? trouble_name(s->lasting.kind) : "");
}
