/* job_look.c - what does the chip hold? Digests first, for all sectors that the
 * job touches: of groups of them where the line is slow, so that only those which
 * differ are asked for one by one; then the bytes of sectors that it covers only in part, because
 * what no file names has to survive. */
#include "job_internal.h"

enum {
	FEW = 64,          /* sectors asked for before the link is measured */
	SINGLES = 128,     /* sectors of one question: their answers come while it hashes on */
	GROUP_MAX = 256,   /* sectors */
	ANSWER_BYTES = 10, /* of a digest, its share of the frame with it */
	HASHED_US = 40,    /* bytes that a board hashes in a microsecond, about */
	LITTLE = 4,        /* times less */
};

static bool writes(const vf_job *j)
{
	return j->config.kind != VF_JOB_VERIFY;
}

/* What lies beside the image in this sector has to survive, and is not known. */
bool vf_job_unknown_rest(const vf_job *j, const vf_job_sector *s)
{
	return writes(j) && (s->flags & (VF_JOB_PARTIAL | VF_JOB_KEPT)) == VF_JOB_PARTIAL;
}

/* With `full` nothing is compared, but what is to be kept must be seen. */
static bool to_look_at(const vf_job *j, const vf_job_sector *s)
{
	return !j->full_pending || vf_job_unknown_rest(j, s) || s->state == VF_JOB_UNSEEN;
}

/* The state of a sector whose digest is known, and should be `expected`. */
static void judge(const vf_job *j, vf_job_sector *s, const uint8_t *expected)
{
	const bool blank = (s->flags & VF_JOB_BLANK) != 0;
	if (vf_job_equal(expected, s->digest))
		s->state = VF_SECTOR_SAME;
	else
		s->state = blank ? VF_SECTOR_BLANK : VF_SECTOR_DIRTY;
	if (!writes(j))
		return;
	const bool unsure = blank && (s->flags & VF_JOB_SUSPECT) != 0;
	const bool forced = j->config.full && (s->flags & VF_JOB_WRITTEN) == 0 && s->covered > 0;
	if (unsure || forced || (s->flags & VF_JOB_FAILED) != 0)
		s->state = VF_SECTOR_DIRTY;
	s->begun = s->begun && s->state != VF_SECTOR_SAME;
}

/* The state of a sector whose whole content is decided. */
static bool classify(vf_job *j, vf_job_area *a, vf_job_sector *s)
{
	uint8_t expected[VF_DIGEST_SIZE];
	if (vf_job_expect(j, a, s, expected) != VF_OK)
		return !vf_job_no_memory(j);
	judge(j, s, expected);
	return true;
}

static bool look_take(vf_job *j, vf_job_area *a, vf_job_sector *s, const uint8_t *digest)
{
	memcpy(s->digest, digest, VF_DIGEST_SIZE);
	if (vf_job_equal(digest, a->blank))
		s->flags |= VF_JOB_BLANK;
	if (vf_job_untouched(j, a, s))
		return true;
	if (vf_job_keep_pending(s) && vf_job_keep_look(j, a, s) != VF_OK)
		return !vf_job_no_memory(j);
	if (vf_job_unknown_rest(j, s)) {
		/* A neighbour is as it should be; else vf_job_probe or vf_job_keep look closer. */
		s->state = s->covered == 0 && s->record == 0 ? VF_SECTOR_SAME : VF_SECTOR_DIRTY;
		if ((s->flags & VF_JOB_BLANK) == 0)
			return true;
		s->flags |= VF_JOB_KEPT;
	}
	return classify(j, a, s);
}

/* --- groups ---------------------------------------------------------------- */

/* Sectors whose whole content is decided can be told right, or blank, many at a
 * time. */
static bool groups_with(const vf_job *j, const vf_job_sector *s)
{
	return to_look_at(j, s) && !vf_job_unknown_rest(j, s) &&
	       (writes(j) || (s->flags & VF_JOB_PARTIAL) == 0);
}

/* How many sectors a group should have, so that its answer takes the line much
 * less time than the board its digest. */
static uint32_t group_size(const vf_job *j, const vf_job_area *a)
{
	const uint64_t rate = j->link_rate != 0 ? j->link_rate : j->link_first;
	const uint64_t answer = (uint64_t)ANSWER_BYTES * 1000000 / (rate != 0 ? rate : 1);
	const uint64_t hash = vf_job_sector_size(a) / HASHED_US;
	uint32_t group = 1;
	if (answer <= hash)
		return 1; /* the line has the time while the board hashes */
	while (group < GROUP_MAX && answer * LITTLE > hash * group)
		group *= 2;
	return group;
}

static void group_digest(const vf_job *j, const vf_job_sector *s, size_t count, const uint8_t *each,
			 uint8_t digest[VF_DIGEST_SIZE])
{
	vf_digest d;
	vf_digest_init(&d, vf_session_number(j->session));
	for (size_t i = 0; i < count; i++)
		vf_digest_update(&d, each != NULL ? each : s[i].digest, VF_DIGEST_SIZE);
	vf_digest_final(&d, digest);
}

static bool ask(vf_job *j, vf_job_area *a, size_t first, size_t count, uint32_t group)
{
	vf_slot *s = vf_job_digest_slot(j, a, first, count, group);
	return s != NULL && vf_slot_submit(j, s);
}

static bool take_group(vf_job *j, vf_job_area *a, size_t first, size_t count, const uint8_t *digest)
{
	vf_job_sector *s = &a->sectors[first];
	uint8_t whole[VF_DIGEST_SIZE];
	for (size_t i = 0; i < count; i++)
		if (vf_job_expect(j, a, &s[i], s[i].digest) != VF_OK)
			return !vf_job_no_memory(j);
	group_digest(j, s, count, NULL, whole);
	const bool same = vf_job_equal(whole, digest);
	group_digest(j, s, count, a->blank, whole);
	if (!same && !vf_job_equal(whole, digest)) {
		j->progress.total += (uint64_t)count * vf_job_sector_size(a);
		return ask(j, a, first, count, 1);
	}
	for (size_t i = 0; i < count; i++) {
		uint8_t expected[VF_DIGEST_SIZE];
		memcpy(expected, s[i].digest, sizeof expected);
		if (!same)
			memcpy(s[i].digest, a->blank, VF_DIGEST_SIZE);
		if (vf_job_equal(s[i].digest, a->blank))
			s[i].flags |= VF_JOB_BLANK;
		judge(j, &s[i], expected);
	}
	return true;
}

/* --- asking ---------------------------------------------------------------- */

static bool take(vf_job *j, const vf_slot *slot)
{
	vf_job_area *a = slot->area;
	const uint8_t *digest = slot->op.answer;
	const size_t group = slot->op.message.group;
	for (size_t at = 0; at < slot->count; at += group, digest += VF_DIGEST_SIZE) {
		const size_t left = slot->count - at;
		const size_t first = slot->first + at;
		const bool single = group == 1 || left == 1;
		if (single ? !look_take(j, a, &a->sectors[first], digest)
			   : !take_group(j, a, first, left < group ? left : group, digest))
			return false;
	}
	j->progress.done += slot->op.message.length;
	return true;
}

/* Asks for the next neighbours, of one kind; false if there are none. Until the
 * link is measured a few have to do. */
static bool ask_next(vf_job *j)
{
	vf_job_cursor *c = &j->cursor;
	const bool few = vf_job_link_measuring(j);
	if (few && j->in_flight > 0)
		return false;
	for (; c->area < j->areas; c->area++, c->at = 0) {
		vf_job_area *a = &j->area[c->area];
		while (c->at < a->count && !to_look_at(j, &a->sectors[c->at]))
			c->at++;
		if (c->at == a->count)
			continue;
		const size_t first = c->at;
		const vf_job_sector *s = &a->sectors[first];
		const bool grouped = groups_with(j, s);
		const uint32_t group = grouped ? group_size(j, a) : 1;
		const size_t most = few ? FEW : group > 1 ? VF_JOB_DIGESTS_MAX : SINGLES;
		while (c->at < a->count && c->at - first < most &&
		       to_look_at(j, &a->sectors[c->at]) &&
		       groups_with(j, &a->sectors[c->at]) == grouped &&
		       a->sectors[c->at].index == s->index + (c->at - first))
			c->at++;
		return ask(j, a, first, c->at - first, group);
	}
	return false;
}

/* Is there anything that the rate of the link matters for? */
static bool work_ahead(const vf_job *j)
{
	for (size_t i = 0; i < j->areas; i++)
		for (size_t k = 0; k < j->area[i].count; k++)
			if (j->area[i].sectors[k].state != VF_SECTOR_SAME)
				return true;
	return false;
}

/* Entry: erased sectors are recognised by their digest, which is another one in
 * every session. */
bool vf_job_begin_look(vf_job *j)
{
	for (size_t i = 0; i < j->areas; i++)
		if (vf_job_expect(j, &j->area[i], NULL, j->area[i].blank) != VF_OK)
			return vf_job_no_memory(j);
	j->look_began = j->now;
	vf_job_link_begin(j);
	return vf_job_go(j, vf_job_look, VF_PHASE_COMPARE, vf_job_count_bytes(j, to_look_at));
}

bool vf_job_look(vf_job *j)
{
	vf_slot *s;
	while ((s = vf_slot_take(j)) != NULL) {
		const bool going = take(j, s);
		vf_slot_give(j, s);
		if (!going)
			return true;
	}
	while (j->in_flight < VF_JOB_LOOKING && ask_next(j)) {
	}
	if (j->closing)
		return true;
	if (j->in_flight > 0)
		return false;
	if (j->look_began != 0) {
		j->look_us = j->now - j->look_began;
		j->look_bytes = j->progress.total;
		j->look_began = 0;
	}
	if (vf_job_link_measuring(j) && work_ahead(j)) {
		j->wait_until = j->link_until;
		return false;
	}
	return vf_job_begin_probe(j);
}

/* --- looking around ---------------------------------------------------------- */

static bool to_see(const vf_job *j, const vf_job_sector *s)
{
	(void)j;
	return s->state == VF_JOB_UNSEEN;
}

static bool look_around(vf_job *j)
{
	if (!vf_job_sweep(j, to_see, look_take))
		return false;
	return j->closing || vf_job_go(j, vf_job_plan_all, VF_PHASE_PROGRAM, 0);
}

bool vf_job_begin_look_around(vf_job *j)
{
	return vf_job_go(j, look_around, VF_PHASE_COMPARE, vf_job_count_bytes(j, to_see));
}

/* --- keeping --------------------------------------------------------------- */

/* A sector that holds its part of the image already is left alone, unless a plan
 * erases it. */
static bool to_keep(const vf_job *j, const vf_job_sector *s)
{
	return vf_job_unknown_rest(j, s) &&
	       (s->state != VF_SECTOR_SAME || (s->flags & VF_JOB_WANTED) != 0);
}

bool vf_job_begin_keep(vf_job *j)
{
	return vf_job_go(j, vf_job_keep, VF_PHASE_KEEP, vf_job_count_bytes(j, to_keep));
}

/* Asks for the next piece of one sector; slot.count 1 marks its last one. */
static bool keep_ask(vf_job *j, vf_job_area *a, size_t at, uint32_t from)
{
	vf_job_sector *s = &a->sectors[at];
	const uint32_t size = vf_job_sector_size(a);
	const uint32_t len = size - from < VF_JOB_PIECE ? size - from : VF_JOB_PIECE;
	if (s->keep == NULL)
		s->keep = vf_resize(&j->alloc, NULL, size);
	if (s->keep == NULL)
		return !vf_job_no_memory(j);
	vf_slot *slot = vf_slot_new(j, VF_MESSAGE_READ, a->index,
				    vf_job_sector_address(a, s) + from, len, 0);
	if (slot == NULL)
		return false;
	slot->op.answer = s->keep + from;
	slot->area = a;
	slot->first = at;
	slot->count = from + len == size;
	return vf_slot_submit(j, slot);
}

static bool kept(vf_job *j, vf_job_area *a, vf_job_sector *s, bool stable)
{
	if (vf_job_keep_pending(s) && vf_job_keep_read(j, a, s, stable) != VF_OK)
		return !vf_job_no_memory(j);
	s->flags |= VF_JOB_KEPT;
	return classify(j, a, s);
}

/* All of a sector was read: is it what the board digested? */
static bool keep_check(vf_job *j, vf_job_area *a, vf_job_sector *s)
{
	vf_digest d;
	uint8_t digest[VF_DIGEST_SIZE];
	vf_digest_init(&d, vf_session_number(j->session));
	vf_digest_update(&d, s->keep, vf_job_sector_size(a));
	vf_digest_final(&d, digest);
	if (vf_job_equal(digest, s->digest)) {
		return kept(j, a, s, true);
	}
	if (j->keep_again++ < 2) {
		for (uint32_t at = 0; at < vf_job_sector_size(a); at += VF_JOB_PIECE)
			if (!keep_ask(j, a, (size_t)(s - a->sectors), at))
				return false;
		return true;
	}
	if (vf_job_keep_pending(s))
		return kept(j, a, s, false);
	(void)vf_fail(
		&j->result.error, VF_E_FLASH,
		"%s reads differently each time at 0x%08llx-0x%08llx, so what has to be "
		"preserved there is not known; nothing was changed there. Check clock and "
		"wiring of the flash, or give these bytes up with --discard",
		a->memory->name, (unsigned long long)vf_job_sector_address(a, s),
		(unsigned long long)(vf_job_sector_address(a, s) + vf_job_sector_size(a) - 1));
	return !vf_job_leave(j);
}

/* The next piece to keep; false at the end. */
static bool keep_next(vf_job *j)
{
	vf_job_cursor *c = &j->cursor;
	for (; c->area < j->areas; c->area++, c->at = 0) {
		vf_job_area *a = &j->area[c->area];
		while (c->at < a->count && !to_keep(j, &a->sectors[c->at]))
			c->at++;
		if (c->at == a->count)
			continue;
		const size_t at = c->at;
		const uint32_t from = (uint32_t)c->byte;
		c->byte += VF_JOB_PIECE;
		if (c->byte >= vf_job_sector_size(a)) {
			c->byte = 0;
			c->at++;
		}
		return keep_ask(j, a, at, from);
	}
	return false;
}

bool vf_job_keep(vf_job *j)
{
	vf_slot *slot;
	while ((slot = vf_slot_take(j)) != NULL) {
		vf_job_area *a = slot->area;
		vf_job_sector *s = &a->sectors[slot->first];
		const bool last = slot->count == 1;
		j->progress.done += slot->op.message.length;
		vf_slot_give(j, slot);
		if (last && !keep_check(j, a, s))
			return true;
	}
	while (j->in_flight < VF_JOB_LOOKING && keep_next(j)) {
	}
	if (j->closing)
		return true;
	if (j->in_flight > 0)
		return false;
	return vf_job_go(j, vf_job_plan_all, VF_PHASE_PROGRAM, 0);
}

/* --- where a job begins, whenever its session was opened --------------------- */

bool vf_job_begin(vf_job *j)
{
	if (j->diagnosing)
		return vf_job_diagnose_begin(j);
	if (j->rescuing)
		vf_job_rescue_opened(j);
	switch (j->config.kind) {
	case VF_JOB_INFO:
		j->echo_round = 0;
		return vf_job_go(j, vf_job_info, VF_PHASE_OPEN, 0);
	case VF_JOB_LINK:
		j->echo_round = 0;
		j->burst_sent = false;
		memset(j->result.echo, 0, sizeof j->result.echo);
		return vf_job_go(j, vf_job_link_test, VF_PHASE_OPEN, 0);
	case VF_JOB_READ:
		vf_job_go(j, vf_job_read, VF_PHASE_READ, j->config.length);
		j->progress.done = j->cursor.byte = j->read_at;
		return true;
	case VF_JOB_DIGEST:
		return vf_job_go(j, vf_job_digest, VF_PHASE_VERIFY, j->config.length);
	case VF_JOB_RUN:
		return vf_job_go(j, vf_job_run, VF_PHASE_RUN, 0);
	default:
		break;
	}
	return vf_job_set_begin(j);
}
