/* target.c - the board's engine as its port sees it: set up, moved on by a tick,
 * asked when the next one is due.
 */
#include <string.h>

#include "engine.h"

_Static_assert((VF_TARGET_QUEUE & (VF_TARGET_QUEUE - 1)) == 0 && VF_TARGET_QUEUE >= 2,
	       "VF_TARGET_QUEUE is a power of two, so that slots survive the number's wrap");
_Static_assert(VF_TARGET_MEMORIES >= 1 && VF_TARGET_MEMORIES <= VF_WIRE_MEMORIES_MAX,
	       "VF_TARGET_MEMORIES is 1 to 8");

/* Whether or not the rest is checked: a board that is told a key and does not use it would
 * be open to all. */
static bool guard_good(const vf_target_config *c, const vf_target_features *f)
{
	return c->guard == NULL ? c->key == NULL : f->guard != NULL && f->guard->good(c);
}

int vf_target_init_with(vf_target *t, const vf_target_config *config,
			const vf_target_features *features)
{
	if (features->check != NULL && !features->check(config, features))
		return VF_E_USAGE;
	if (!guard_good(config, features))
		return VF_E_USAGE;
	memset(t, 0, sizeof *t);
	t->config = *config;
	t->with = *features;
	t->speed.now = t->speed.next = config->home_rate;
	vf_decoder_init(&t->decoder, config->frame, config->frame_len);
	for (unsigned m = 0; m < config->memories; m++)
		t->unit[m].op.memory = (uint8_t)m;
	if (t->config.journal != NULL)
		memset(t->config.journal, 0, sizeof *t->config.journal);
	if (config->guard != NULL)
		memset(config->guard, 0, sizeof *config->guard);
	t->deaf_memory = (uint8_t)(config->memories - 1); /* so that the first is next */
	return VF_OK;
}

static bool unpack(vf_target *t)
{
	return vf_t_unpacks(t) && t->with.unpack->step(t);
}

static bool keep_journal(vf_target *t)
{
	return vf_t_keeps_journal(t) && t->with.journal->step(t);
}

/* Operations that end make room for messages, which begin operations; each
 * round ends at least one, and the window holds finitely many. One round more
 * where a page was unpacked. */
static void work(vf_target *t)
{
	bool unpacked = false;
	do {
		vf_t_queue_parse(t);
		for (unsigned m = 0; m < t->config.memories; m++)
			vf_t_exec_step(t, m);
	} while (vf_t_queue_retire(t) || keep_journal(t) || (!unpacked && (unpacked = unpack(t))));
	vf_t_exec_announce(t);
	vf_t_queue_settle(t);
	if (!t->queue.stopped)
		vf_t_queue_consume(t);
}

void vf_target_tick(vf_target *t, uint32_t now_us)
{
	t->now = now_us;
	vf_t_link_drain(t);
	if (t->with.text != NULL && !vf_t_hears_guests(t))
		t->with.text->answer(t);
	if (t->config.rate_max != 0)
		t->with.rate->watch(t);
	if (vf_t_has_key(t))
		t->with.guard->watch(t);
	work(t);
	t->restless = vf_t_hears_guests(t) && t->config.guest->step(t->config.guest->self, now_us);
	if (t->restless)
		work(t);
	t->stats.lost_bytes = vf_t_ring_lost(t);
}

static bool held(const vf_target *t)
{
	return vf_t_hears_guests(t) && t->config.guest->holds(t->config.guest->self);
}

/* Something to do without waiting for anything? */
static bool work_waits(const vf_target *t)
{
	if ((vf_t_ring_used(t) != 0 && !held(t)) || (vf_t_unpacks(t) && t->with.unpack->waits(t)))
		return true;
	for (unsigned m = 0; m < t->config.memories; m++) {
		const vf_target_unit *u = &t->unit[m];
		bool answered =
			vf_t_answers(u->type) && u->stage == VF_T_NONE && u->answer_len == 0;
		bool to_hash = u->fresh_len != 0 && u->answer_len == 0 && u->stage != VF_T_READY;
		if ((u->stage == VF_T_ENDED && u->fresh_len == 0) || answered || to_hash)
			return true;
	}
	return false;
}

/* Lowers `*left` to what is left of a span; of one that is over, nothing. */
static bool sooner(const vf_target *t, uint32_t since, uint32_t span, uint32_t *left)
{
	uint32_t past = t->now - since;
	*left = vf_t_min(*left, past < span ? span - past : 0);
	return true;
}

bool vf_target_deadline(const vf_target *t, uint32_t *at_us)
{
	uint32_t left = UINT32_MAX, span;
	bool due = false;
	if (vf_t_rate_limit(t, &span))
		due = sooner(t, t->speed.since, span, &left);
	if (vf_t_has_key(t) && t->config.guard->wait_us != 0)
		due = sooner(t, t->config.guard->since, t->config.guard->wait_us, &left);
	if (t->session.open && vf_t_busy(t))
		due = sooner(t, t->out.told_at, VF_T_HEARTBEAT_US, &left);
	if (t->with.text != NULL && !vf_t_hears_guests(t) && t->with.text->waits(t))
		due = sooner(t, t->last_at, VF_T_LINE_US, &left);
	if (vf_t_hears_guests(t) && t->config.guest->engine->due(t, &left))
		due = true;
	if (work_waits(t) || t->restless)
		due = sooner(t, t->now, 0, &left);
	if (due)
		*at_us = t->now + left;
	return due;
}

bool vf_target_run(vf_target *t, uint32_t *address)
{
	if (t->run != VF_T_TOLD || t->speed.due)
		return false;
	t->run = VF_T_QUIET;
	*address = t->run_address;
	if (t->session.guest) /* who is not asked again should the port not leave */
		vf_t_session_clear(t);
	return true;
}

const vf_target_stats *vf_target_stats_get(const vf_target *t)
{
	return &t->stats;
}
