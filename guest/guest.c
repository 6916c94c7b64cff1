/* guest.c - who of the guests is spoken to: each byte goes to the active one, or, while
 * there is none, to all until one of them knows its opening.
 */
#include <string.h>

#include <vcpflash/guest.h>

static size_t hook_take(void *self, const uint8_t *bytes, size_t len)
{
	vf_guest *g = self;
	g->now = vf_target_now(g->target);
	if (g->active == g->count || g->member[g->active].is->take == NULL)
		return 0;
	return g->member[g->active].is->take(g->member[g->active].self, bytes, len);
}

static bool hook_holds(const void *self)
{
	const vf_guest *g = self;
	if (g->active == g->count || g->member[g->active].is->holds == NULL)
		return false;
	return g->member[g->active].is->holds(g->member[g->active].self);
}

void vf_guest_hear(vf_guest *g, const uint8_t *bytes, size_t len)
{
	for (size_t k = 0; k < len; k++) {
		for (uint8_t i = 0; i < g->count; i++) {
			if (g->member[i].is->idle != NULL)
				g->member[i].is->idle(g->member[i].self, bytes[k]);
		}
	}
}

static void hook_see(void *self, uint8_t byte)
{
	vf_guest *g = self;
	g->now = vf_target_now(g->target);
	if (g->active != g->count) {
		g->member[g->active].is->see(g->member[g->active].self, byte);
		return;
	}
	for (uint8_t i = 0; i < g->count; i++) {
		const vf_guest_protocol *is = g->member[i].is;
		if (is->opens != NULL && is->opens(g->member[i].self, byte)) {
			g->active = i;
			g->met = true;
			return;
		}
	}
	vf_guest_hear(g, &byte, 1);
}

static bool hook_step(void *self, uint32_t now_us)
{
	vf_guest *g = self;
	bool moved = g->moved;
	g->now = now_us;
	g->moved = false;
	for (uint8_t i = 0; i < g->count; i++) {
		if (g->member[i].is->step(g->member[i].self, now_us))
			moved = true;
	}
	return moved;
}

static bool hook_deadline(const void *self, uint32_t *at_us)
{
	const vf_guest *g = self;
	bool due = false;
	for (uint8_t i = 0; i < g->count; i++) {
		uint32_t at;
		if (!g->member[i].is->deadline(g->member[i].self, &at))
			continue;
		if (!due || (int32_t)(at - *at_us) < 0)
			*at_us = at;
		due = true;
	}
	return due;
}

/* --- sending ---------------------------------------------------------------------- */

static const uint8_t *text_piece(vf_guest *g, size_t *len)
{
	uint32_t at = g->text_tail & (VF_GUEST_TEXT - 1);
	uint32_t n = g->text_head - g->text_tail;
	if (n > VF_GUEST_TEXT - at)
		n = VF_GUEST_TEXT - at;
	g->text_out = n;
	*len = n;
	return n != 0 ? g->text + at : NULL;
}

static const uint8_t *hook_tx(void *self, size_t *len)
{
	vf_guest *g = self;
	const uint8_t *bytes = g->held ? NULL : text_piece(g, len);
	g->sender = g->count;
	for (uint8_t i = 0; bytes == NULL && i < g->count; i++) {
		if (g->member[i].is->tx == NULL)
			continue;
		bytes = g->member[i].is->tx(g->member[i].self, len);
		g->sender = i;
	}
	return bytes;
}

static void hook_tx_done(void *self, size_t sent)
{
	vf_guest *g = self;
	g->moved = g->moved || sent != 0;
	if (g->sender != g->count) {
		g->member[g->sender].is->tx_done(g->member[g->sender].self, sent);
		return;
	}
	g->text_tail += (uint32_t)(sent < g->text_out ? sent : g->text_out);
	g->text_out = 0;
}

/* What the port is sending stays where it is. */
static void hook_end(void *self)
{
	vf_guest *g = self;
	g->active = g->count;
	g->text_head = g->text_tail + g->text_out;
	memset(&g->request, 0, sizeof g->request);
	for (uint8_t i = 0; i < g->count; i++)
		g->member[i].is->end(g->member[i].self);
}

/* --- set up ------------------------------------------------------------------------- */

void vf_guest_init(vf_guest *g, vf_target *t)
{
	memset(g, 0, sizeof *g);
	g->target = t;
	g->hook = (vf_target_guest){.self = g,
				    .engine = &vf_target_visit_feature,
				    .take = hook_take,
				    .holds = hook_holds,
				    .see = hook_see,
				    .step = hook_step,
				    .deadline = hook_deadline,
				    .tx = hook_tx,
				    .tx_done = hook_tx_done,
				    .end = hook_end};
}

const vf_target_guest *vf_guest_hook(const vf_guest *g)
{
	return &g->hook;
}

void vf_guest_add(vf_guest *g, const vf_guest_protocol *is, void *self)
{
	if (g->count == VF_GUESTS_MAX)
		return;
	g->member[g->count].is = is;
	g->member[g->count].self = self;
	g->active = g->sender = ++g->count;
}

void vf_guest_activate(vf_guest *g, const void *self)
{
	for (uint8_t i = 0; i < g->count; i++) {
		if (g->member[i].self == self)
			g->active = i;
	}
}

bool vf_guest_met(const vf_guest *g)
{
	return g->met;
}

bool vf_guest_busy(const vf_guest *g)
{
	return g->active != g->count || g->request.outcome == VF_GUEST_WAITING;
}

void vf_guest_deactivate(vf_guest *g)
{
	g->active = g->count;
}

bool vf_guest_is_active(const vf_guest *g, const void *self)
{
	return g->active != g->count && g->member[g->active].self == self;
}
