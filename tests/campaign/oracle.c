/* oracle.c - what must be where. It knows of the planner and the session nothing: only
 * what was in the flash, what the command says, and what is promised
 * (docs/RELIABILITY.md). It looks at the cells themselves. */
#include "campaign.h"

#include <stdlib.h>
#include <string.h>

#include <vcpflash/wire.h>

#include "board.h"
#include "chip.h"

enum { INTERNAL_SIZE = 2048 * KB, CHUNK = 512 };

/* --- contents -------------------------------------------------------------------------- */

/* Half of it was there a moment ago, as in programs. */
static void fill_image(rng *r, uint8_t *out, uint32_t len)
{
	rng_fill(r, out, len);
	for (uint32_t i = 64; i + 64 <= len; i += 64)
		if (rng_one_in(r, 2))
			memcpy(out + i, out + rng_below(r, i / 64) * 64, 64);
}

static void put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void fill_around(const world *w, rng *r, place *p)
{
	memset(p->before, 0xFF, p->len);
	const bool all = rng_one_in(r, 3);
	for (uint32_t at = 0; w->s->others && at < p->len; at += 4 * KB)
		if (all || rng_one_in(r, 2))
			rng_fill(r, p->before + at, p->len - at < 4 * KB ? p->len - at : 4 * KB);
}

/* What the flash holds where the image is to go. */
static void fill_before(const world *w, rng *r, place *p, uint32_t at, uint32_t len)
{
	uint8_t *before = p->before + at;
	const uint8_t *want = p->want + at;
	uint32_t part = len;
	switch (w->s->state) {
	case STATE_BLANK:
		memset(before, 0xFF, len);
		return;
	case STATE_DIRTY:
		rng_fill(r, before, len);
		return;
	case STATE_PARTLY:
		part = rng_below(r, len);
		memset(before, 0xFF, len);
		break;
	default:
		break;
	}
	memcpy(before, want, part);
	if (w->s->state != STATE_OLDER && w->s->state != STATE_SET)
		return;
	for (uint32_t i = 0; i < len; i += CHUNK)
		if (rng_one_in(r, 3))
			rng_fill(r, before + i, len - i < CHUNK ? len - i : CHUNK);
	if (w->s->align != 0 && len >= 16)
		memcpy(before, want, 16); /* it had a vector table as well */
}

static bool add_segment(world *w, rng *r, const segment *g, bool first)
{
	place *p = &w->place[g->place];
	const vf_image_add_options opt = {
		.format = VF_FORMAT_BIN, .has_address = true, .address = p->base + p->from + g->at};
	vf_error err;
	uint8_t *bytes = p->want + g->at;
	if (w->s->kind == VF_JOB_ERASE)
		memset(bytes, 0xFF, g->len);
	else
		fill_image(r, bytes, g->len);
	if (first && w->s->align != 0) {
		put32(bytes, 0x20010000);
		for (unsigned i = 4; i < 16; i += 4)
			put32(bytes + i, opt.address + 0x21);
	}
	memset(p->mark + g->at, NAMED, g->len);
	fill_before(w, r, p, g->at, g->len);
	if (vf_image_add(&w->image, "image", bytes, g->len, &opt, &err) == VF_OK)
		return true;
	world_fail(w, "no image: %s", err.text);
	return false;
}

/* --- opening and closing ------------------------------------------------------------------ */

static bool open_place(world *w, unsigned index, uint32_t base, uint32_t size)
{
	place *p = &w->place[index];
	p->base = base;
	p->size = size;
	p->from = w->s->window_at[index];
	p->len = w->s->window_len[index];
	p->array = pool_array(w->pool, index, size);
	p->before = malloc(p->len);
	p->want = malloc(p->len);
	p->mark = calloc(1, p->len);
	if (p->array == NULL || p->before == NULL || p->want == NULL || p->mark == NULL) {
		world_fail(w, "out of memory");
		return false;
	}
	return true;
}

bool oracle_open(world *w)
{
	const scenario *s = w->s;
	const vf_sim_chip_config *c = &s->board.chip;
	rng r = {.state = ~s->seed};
	r.state = rng_next(&r);
	if (!open_place(w, 0, s->board.base, vf_sim_part_size(c->part) * c->dies))
		return false;
	if (s->internal && !open_place(w, 1, VF_SIM_INTERNAL_BASE, INTERNAL_SIZE))
		return false;
	for (unsigned i = 0; i < w->places; i++)
		fill_around(w, &r, &w->place[i]);
	for (unsigned i = 0; i < s->segments; i++)
		if (!add_segment(w, &r, &s->segment[i], i == 0))
			return false;
	for (unsigned i = 0; i < w->places; i++) {
		place *p = &w->place[i];
		for (uint32_t k = 0; k < p->len; k++)
			if ((p->mark[k] & NAMED) == 0)
				p->want[k] = p->before[k];
		memcpy(p->array + p->from, p->before, p->len);
	}
	return true;
}

void oracle_close(world *w)
{
	for (unsigned i = 0; i < w->places; i++) {
		free(w->place[i].before);
		free(w->place[i].want);
		free(w->place[i].mark);
	}
}

/* Marks whole units of `size` that hold something that the image names. */
static void mark_units(place *p, uint32_t size, uint8_t mark)
{
	for (uint32_t at = p->from / size * size; at < p->from + p->len; at += size) {
		const uint32_t from = at < p->from ? 0 : at - p->from;
		const uint32_t to = at + size - p->from < p->len ? at + size - p->from : p->len;
		uint32_t i = from;
		while (i < to && (p->mark[i] & NAMED) == 0)
			i++;
		for (; i < to && mark != 0; i++) {
			for (uint32_t k = from; k < to; k++)
				p->mark[k] |= mark;
			break;
		}
	}
}

void oracle_reach(world *w)
{
	const vf_target_config *c = &vf_sim_board_target(w->board)->config;
	for (unsigned i = 0; i < w->places; i++) {
		const vf_memory *m = c->memory[i].info;
		place *p = &w->place[i];
		mark_units(p, m->erase[m->erase_types - 1].size, REACH);
		if (w->s->discard)
			mark_units(p, m->erase[0].size, LOOSE);
		if (c->journal != NULL && c->journal_memory == i) {
			p->journal_from = c->journal_offset;
			p->journal_end = c->journal_offset + 2 * c->journal_unit;
		}
	}
}

/* --- looking -----------------------------------------------------------------------------------
 */

/* Nobody promised these bytes any more. */
static void loosen(world *w)
{
	for (unsigned i = 0; i < w->places; i++)
		for (uint32_t k = 0; k < w->place[i].len; k++)
			if ((w->place[i].mark[k] & (NAMED | REACH)) == REACH)
				w->place[i].mark[k] |= LOOSE;
}

/* What is read there: through a broken line, something else. */
static uint8_t cell(const world *w, const place *p, uint32_t i)
{
	if (w->s->lasting.kind != TROUBLE_LINE || p != &w->place[0])
		return p->array[p->from + i];
	const vf_sim_chip *chip = vf_sim_board_chip(w->board);
	const uint32_t dies = w->s->board.chip.dies, at = p->from + i;
	return p->array[vf_sim_line(chip, at / dies) * dies + at % dies];
}

/* The first byte that has `mark` in its mark, nothing of `but`, and is not as
 * it was before, or as it is wanted; `len` if there is none. */
static uint32_t find_wrong(const world *w, const place *p, uint8_t mark, uint8_t but, bool before)
{
	uint32_t i = 0;
	const uint8_t *want = before ? p->before : p->want;
	const bool straight = w->s->lasting.kind != TROUBLE_LINE;
	while (i < p->len) {
		/* Most of it is as it should be: the campaigns spend their time here. */
		if (straight && i % CHUNK == 0 && p->len - i >= CHUNK &&
		    memcmp(p->array + p->from + i, want + i, CHUNK) == 0) {
			i += CHUNK;
			continue;
		}
		if ((p->mark[i] & mark) == mark && (p->mark[i] & but) == 0 &&
		    cell(w, p, i) != want[i])
			break;
		i++;
	}
	return i;
}

static bool compare(world *w, const char *what, uint8_t mark, uint8_t but, bool before)
{
	for (unsigned n = 0; n < w->places; n++) {
		const place *p = &w->place[n];
		const uint32_t i = find_wrong(w, p, mark, but, before);
		if (i == p->len)
			continue;
		world_fail(w, "%s: 0x%08x holds 0x%02x, not 0x%02x", what,
			   (unsigned)(p->base + p->from + i), cell(w, p, i),
			   before ? p->before[i] : p->want[i]);
		return false;
	}
	return true;
}

void oracle_done(world *w)
{
	const place *p = &w->place[0];
	const bool journal = w->config.journal != VF_SIM_JOURNAL_NONE;
	if (!compare(w, "says it is done", NAMED, 0, false))
		return;
	if (w->s->lasting.kind == TROUBLE_LINE)
		return;
	/* What was in a file that it had to set aside is there. */
	if (w->set_aside > 0 && !journal && (w->powers > 0 || w->chip_failed)) {
		w->count->refused_set_aside++;
		loosen(w);
	}
	if (!w->s->keeper && w->failed_runs > 0)
		loosen(w);
	if (!compare(w, "says it is done, and something else is not as it was", 0, NAMED | LOOSE,
		     true))
		return;
	/* Some parts do not say that an erase failed; what nobody kept, or was given up, stays torn
	 * where no file names anything. */
	if (journal && !w->lasting && !w->chip_failed && !w->job.discard &&
	    (w->s->keeper || w->failed_runs == 0) &&
	    vf_sim_chip_weak(vf_sim_board_chip(w->board), p->from, p->len))
		world_fail(w, "says it is done, and cells whose erase was cut were left so");
	/* What had to be kept and is not anywhere may be missing for ever. */
	else if (journal && w->s->kind == VF_JOB_PROGRAM && !w->lasting &&
		 (w->s->keeper || w->failed_runs == 0) && w->board->state == VF_SIM_SERVING &&
		 vf_target_startable(&w->board->target) != VF_STARTABLE_YES)
		world_fail(w, "says it is done, and the journal lets nothing start");
	else if (w->kept != NULL)
		world_fail(w, "says it is done, and keeps %zu bytes for later", w->kept_len);
}

void oracle_spared(world *w)
{
	if (w->s->lasting.kind != TROUBLE_LINE)
		(void)compare(w, "what is out of reach has changed", 0, REACH, true);
}

void oracle_kept(world *w)
{
	(void)compare(w, "stopped, and something else is not as it was", 0, NAMED | LOOSE, true);
}

static bool holds(const world *w, bool before)
{
	for (unsigned n = 0; n < w->places; n++)
		if (find_wrong(w, &w->place[n], NAMED, 0, before) != w->place[n].len)
			return false;
	return true;
}

bool oracle_whole(const world *w)
{
	return holds(w, false) || (w->s->state == STATE_SET && holds(w, true));
}

bool oracle_untouched(const world *w)
{
	return holds(w, true);
}

uint64_t oracle_cells(const world *w)
{
	uint64_t sum = 0;
	for (unsigned n = 0; n < w->places; n++)
		sum = sum << 32 |
		      vf_crc32_update(VF_CRC32_INIT, w->place[n].array + w->place[n].from,
				      w->place[n].len);
	return sum;
}

void oracle_watch(world *w)
{
	const vf_sim_board *b = w->board;
	if (b->state != VF_SIM_SERVING || w->config.journal == VF_SIM_JOURNAL_NONE)
		return;
	const uint64_t changes = world_changes(w) + b->target.stats.programmed +
				 b->target.stats.erases + b->target.stats.records;
	const bool busy =
		vf_sim_chip_busy_until(b->chip) != 0 || (b->internal != NULL && b->internal->busy);
	if (changes == w->looked_at || vf_target_startable(&b->target) != VF_STARTABLE_YES)
		return;
	if (!busy)
		w->looked_at = changes;
	w->count->watched++;
	if (!w->lasting && !oracle_whole(w))
		world_fail(w, "the journal says it may be started, and it is not whole");
}

/* --- at the end ------------------------------------------------------------------------------ */

static bool blank(const uint8_t *p, size_t len)
{
	return p[0] == 0xFF && memcmp(p, p + 1, len - 1) == 0;
}

void oracle_outside(world *w)
{
	for (unsigned n = 0; n < w->places; n++) {
		place *p = &w->place[n];
		memset(p->array + p->from, 0xFF, p->len);
		memset(p->array + p->journal_from, 0xFF, p->journal_end - p->journal_from);
		if (blank(p->array, p->size))
			continue;
		w->pool->blank[n] = 0;
		if (w->s->lasting.kind != TROUBLE_LINE)
			world_fail(w, "something far away has changed");
	}
}
