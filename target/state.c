/* state.c - what the board says about itself: the STATE frame's contents, and
 * when one is due.
 */
#include "engine.h"

static uint32_t doubled(uint32_t us)
{
	return us > UINT32_MAX / VF_T_MARGIN ? UINT32_MAX : us * VF_T_MARGIN;
}

static const vf_erase_type *erase_type(const vf_memory *info, uint32_t size)
{
	const vf_erase_type *e = info->erase;
	while (e->size != size && e < &info->erase[info->erase_types - 1])
		e++;
	return e;
}

/* How long the flash operation of a unit may take before its driver gives up;
 * 0 for reads, which have no such limit. */
uint32_t vf_t_longest_us(const vf_target *t, unsigned memory)
{
	const vf_memory *info = vf_t_info(t, memory);
	const vf_flash_op *op = &t->unit[memory].op;
	if (op->kind == VF_FLASH_ERASE)
		return doubled(erase_type(info, op->len)->max_us);
	return op->kind == VF_FLASH_PROGRAM ? doubled(info->page_max_us) : 0;
}

/* The chip is at work, or an answer waits to be sent. What waits for the
 * stream is no work: a board whose host went away falls silent. */
bool vf_t_working(const vf_target *t, unsigned memory)
{
	const vf_target_unit *u = &t->unit[memory];
	return u->stage != VF_T_NONE || u->answer_len != 0;
}

bool vf_t_busy(const vf_target *t)
{
	for (unsigned m = 0; m < t->config.memories; m++) {
		if (vf_t_working(t, m))
			return true;
	}
	return false;
}

/* The memory to speak of: the one the host waits for first. */
static unsigned foremost(const vf_target *t)
{
	unsigned best = t->config.memories;
	for (unsigned m = 0; m < t->config.memories; m++) {
		if (!vf_t_working(t, m))
			continue;
		if (best == t->config.memories ||
		    vf_offset_diff(t->unit[m].number, t->unit[best].number) < 0)
			best = m;
	}
	return best;
}

static uint32_t to_ms(uint32_t us)
{
	return us / 1000 + (us % 1000 != 0);
}

static uint32_t rest(uint32_t whole, uint32_t past)
{
	return whole > past ? whole - past : 0;
}

/* `count` times `us` in milliseconds; 1024 for 1000 is near enough for what is
 * only typical, and saves a 64-bit division. */
static uint32_t times_ms(uint32_t us, uint32_t count)
{
	uint64_t ms = ((uint64_t)us * count) >> 10;
	return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

/* Reads have no limit of their own. What is granted is generous enough for the
 * slowest processor to digest, 64 bytes a millisecond and a second on top. */
static void reading_times(const vf_memory *info, uint32_t left, uint32_t past_ms, vf_state *s)
{
	uint32_t rate = info->read_rate / 1000;
	s->typical_ms = rate != 0 ? left / rate : 0;
	s->maximum_ms = rest(left / 64 + 1000, past_ms);
}

static void fill_times(const vf_target *t, unsigned m, vf_state *s)
{
	const vf_memory *info = vf_t_info(t, m);
	const vf_target_unit *u = &t->unit[m];
	const vf_target_operation *o = &t->slot[u->number % VF_TARGET_QUEUE];
	uint32_t left = u->orphan ? 0 : o->length - o->at;
	uint32_t past = u->stage == VF_T_BUSY ? t->now - u->since : 0;
	if (u->journal) {
		s->maximum_ms = to_ms(rest(vf_t_longest_us(t, m), past));
		return;
	}
	switch (u->type) {
	case VF_MESSAGE_ERASE:
		s->typical_ms = to_ms(rest(erase_type(info, u->op.len)->typ_us, past));
		s->maximum_ms = to_ms(rest(vf_t_longest_us(t, m), past));
		break;
	case VF_MESSAGE_SET:
	case VF_MESSAGE_RECALL:
		break;
	case VF_MESSAGE_PROGRAM:
	case VF_MESSAGE_DEFLATED:
		s->typical_ms = to_ms(rest(info->page_typ_us, past)) +
				times_ms(info->page_typ_us, left / info->page);
		s->maximum_ms = to_ms(rest(doubled(info->page_max_us), past));
		break;
	default:
		reading_times(info, left, past / 1000, s);
		break;
	}
}

static void fill_work(const vf_target *t, vf_state *s)
{
	unsigned m = foremost(t);
	if (t->deaf != VF_T_QUIET)
		m = t->deaf_memory;
	if (m == t->config.memories)
		return;
	s->flags |= VF_STATE_BUSY;
	s->message = t->unit[m].type;
	s->memory = (uint8_t)m;
	fill_times(t, m, s);
}

void vf_t_state_fill(const vf_target *t, vf_state *s)
{
	const vf_target_queue *q = &t->queue;
	uint32_t lost = vf_t_ring_lost(t) - t->session.lost;
	*s = (vf_state){
		.seen = t->session.seen,
		.received = t->stream.received,
		.limit = vf_t_stream_limit(t),
		.done = q->done,
		.damaged = t->session.damaged,
		.mended = t->session.mended,
		.lost = (uint16_t)vf_t_min(lost, UINT16_MAX),
		.islands = t->stream.islands,
	};
	for (unsigned i = 0; i < s->islands; i++)
		s->island[i] = t->stream.island[i];
	if (t->deaf != VF_T_QUIET)
		s->flags |= VF_STATE_DEAF;
	fill_work(t, s);
	if (q->stopped) {
		s->flags |= VF_STATE_STOPPED;
		s->failure = q->failure;
	}
}

bool vf_t_state_due(const vf_target *t)
{
	const vf_target_out *out = &t->out;
	if (!t->session.open)
		return false;
	return (out->pending & VF_T_STATE) != 0 || out->told_done != t->queue.done ||
	       out->told_stopped != t->queue.stopped ||
	       vf_t_stream_limit(t) - out->told_limit >= t->config.window_len / 8 ||
	       (vf_t_busy(t) && t->now - out->told_at >= VF_T_HEARTBEAT_US);
}
