/* rate.c - the port's baud rate: up when the host asks, and home again when it
 * falls silent (PROTOCOL 3.7).
 *
 * A change is announced by the frame on its way (RATED, or the ENDED after which
 * the rate is home again). When the port has taken the last byte of it nothing
 * more is given out until the port has fetched the new rate: it alone knows when
 * the transmitter is empty.
 */
#include "engine.h"

static bool good(const vf_target_config *c)
{
	if (c->home_rate == 0 || c->home_rate > c->rate_max)
		return false;
	for (unsigned i = 0; i < c->rate_count; i++) {
		uint32_t least = i == 0 ? c->home_rate : c->rates[i - 1] + 1;
		if (c->rates[i] < least || c->rates[i] > c->rate_max)
			return false;
	}
	return true;
}

/* The highest that is not above what is wanted; the present one if there is none. */
static uint32_t grant(const vf_target *t, uint32_t wanted)
{
	const vf_target_config *c = &t->config;
	uint32_t best = c->home_rate;
	if (wanted < c->home_rate)
		return t->speed.now;
	if (c->rate_count == 0)
		return vf_t_min(wanted, c->rate_max);
	for (unsigned i = 0; i < c->rate_count && c->rates[i] <= wanted; i++)
		best = c->rates[i];
	return best;
}

static void ask(vf_target *t, uint32_t wanted)
{
	t->speed.asked = grant(t, wanted);
	t->out.pending |= VF_T_RATED;
}

void vf_t_rate_clear(vf_target *t)
{
	t->out.pending &= (uint8_t)~VF_T_RATED;
	t->out.reports &= (uint8_t)~VF_T_REPORTS_RATE;
}

/* ECHO proves nothing but the way here: only the host knows whether they came back. */
void vf_t_rate_heard(vf_target *t, uint8_t kind)
{
	if (kind != VF_KIND_ECHO)
		t->speed.trusted = true;
	if (t->speed.trusted)
		t->speed.since = t->now;
}

void vf_t_rate_sent(vf_target *t)
{
	if (t->speed.next != t->speed.now)
		t->speed.due = true;
}

void vf_t_rate_home(vf_target *t)
{
	t->speed.next = t->config.home_rate;
	vf_t_rate_sent(t);
}

bool vf_t_rate_limit(const vf_target *t, uint32_t *span)
{
	*span = t->speed.trusted ? VF_T_ALONE_US : VF_T_TRIAL_US;
	return vf_t_rate_raised(t) && !t->speed.due;
}

static void watch(vf_target *t)
{
	uint32_t span;
	if (t->speed.deaf) {
		t->speed.since = t->now;
		t->speed.deaf = t->deaf != VF_T_QUIET;
	}
	if (vf_t_rate_limit(t, &span) && t->now - t->speed.since >= span)
		vf_t_rate_home(t);
}

const struct vf_target_rate_feature vf_target_rate_feature = {good, ask, watch};

void vf_target_offer_rates(vf_target *t, bool offer)
{
	t->speed.withheld = !offer;
}

bool vf_target_rate(vf_target *t, uint32_t *baud)
{
	if (!t->speed.due)
		return false;
	t->speed.due = false;
	t->speed.trusted = false;
	t->speed.now = t->speed.next;
	t->speed.since = t->now;
	*baud = t->speed.now;
	return true;
}
