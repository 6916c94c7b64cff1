/* gang.c - many units moved by one loop: whoever has something to do takes a step, and
 * when nobody has, one wait is for all of them. */
#include <stdlib.h>
#include <string.h>

#include "client_internal.h"

enum {
	BAUD_USUAL = 115200,
	ASK_US = 100000, /* between two questions whether to stop */
};

vf_gang *vf_gang_new(const vf_gang_calls *calls, vf_error *err)
{
	vf_gang *g = vf_resize(&vf_io_alloc, NULL, sizeof *g);
	if (g == NULL) {
		(void)vf_fail(err, VF_E_NOMEM, "out of memory");
		return NULL;
	}
	memset(g, 0, sizeof *g);
	g->call = *calls;
	g->clock.seen_us = vf_io_now_us();
	return g;
}

void vf_gang_free(vf_gang *g)
{
	if (g == NULL)
		return;
	for (vf_unit *u = g->first, *next; u != NULL; u = next) {
		next = u->next;
		vf_unit_free(u);
	}
	vf_packer_free(g->packer);
	vf_packs_free(g->packs);
	vf_free(&vf_io_alloc, g);
}

size_t vf_gang_units(const vf_gang *g)
{
	size_t n = 0;
	for (const vf_unit *u = g->first; u != NULL; u = u->next)
		n += u->state != VF_UNIT_CLOSED;
	return n;
}

static vf_unit *new_unit(vf_gang *g, const vf_client_options *opt, void *user)
{
	const size_t len = strlen(opt->port) + 1;
	vf_unit *u = vf_resize(&vf_io_alloc, NULL, sizeof *u);
	if (u == NULL)
		return NULL;
	memset(u, 0, sizeof *u);
	u->gang = g;
	u->user = user;
	u->opt = *opt;
	u->baud = opt->baud != 0 ? opt->baud : BAUD_USUAL;
	u->name = vf_resize(&vf_io_alloc, NULL, len);
	u->opt.port = u->name;
	if (u->name != NULL) {
		memcpy(u->name, opt->port, len);
		return u;
	}
	vf_unit_free(u);
	return NULL;
}

vf_unit *vf_gang_open(vf_gang *g, const vf_client_options *opt, void *user, vf_error *err)
{
	if (vf_gang_units(g) >= VF_PIPES_MAX) {
		(void)vf_fail(err, VF_E_USAGE, "no more than %d ports at once", VF_PIPES_MAX);
		return NULL;
	}
	vf_unit *u = new_unit(g, opt, user);
	if (u == NULL) {
		(void)vf_fail(err, VF_E_NOMEM, "out of memory");
		return NULL;
	}
	u->pipe = vf_pipe_begin(opt->port, u->baud, err);
	if (u->pipe == NULL) {
		vf_unit_free(u);
		return NULL;
	}
	u->due = true;
	vf_unit **last = &g->first;
	while (*last != NULL)
		last = &(*last)->next;
	*last = u;
	return u;
}

/* The rate at which it begins, and to which it may go up. */
static void offer_rate(vf_job_config *config, const vf_unit *u)
{
	const uint32_t most = vf_pipe_max_baud(u->pipe);
	config->session.rate = most != 0 ? u->baud : 0;
	config->session.rate_max =
		u->opt.max_baud != 0 && u->opt.max_baud < most ? u->opt.max_baud : most;
}

/* Without memory for it nothing is compressed. */
static void offer_packer(vf_job_config *config, vf_gang *g)
{
	if (config->kind != VF_JOB_PROGRAM || config->deflate != NULL)
		return;
	if (g->packer == NULL)
		g->packer = vf_packer_new();
	if (g->packs == NULL)
		g->packs = vf_packs_new();
	if (g->packer == NULL || g->packs == NULL)
		return;
	config->deflate = vf_packer_deflate;
	config->deflate_ctx = g->packer;
	config->packs = vf_packs_door(g->packs);
}

int vf_gang_start(vf_unit *u, const vf_job_config *config, vf_error *err)
{
	vf_job_config own = *config;
	if (u->pipe == NULL)
		return vf_fail(err, VF_E_LINK, "%.200s: it is gone", u->opt.port);
	if (u->job != NULL || u->closing || u->state >= VF_UNIT_CLOSING)
		return vf_fail(err, VF_E_USAGE, "%.200s: it is busy, or closed", u->opt.port);
	offer_rate(&own, u);
	offer_packer(&own, u->gang);
	if (own.keeper.save == NULL)
		own.keeper = vf_keeper_door(&u->keeper);
	u->job = vf_job_new(&own, err);
	if (u->job == NULL)
		return err->code;
	u->announced = false;
	u->interruptions = 0;
	u->due = true;
	if (u->state == VF_UNIT_IDLE)
		u->state = VF_UNIT_WORKING;
	return VF_OK;
}

void vf_gang_close(vf_unit *u)
{
	u->closing = true;
	u->due = true;
	if (u->state == VF_UNIT_IDLE || u->state == VF_UNIT_OPENING)
		u->state = VF_UNIT_CLOSING;
}

static void free_closed(vf_gang *g)
{
	for (vf_unit **at = &g->first; *at != NULL;) {
		vf_unit *u = *at;
		if (u->state != VF_UNIT_CLOSED) {
			at = &u->next;
			continue;
		}
		*at = u->next;
		vf_unit_free(u);
	}
}

/* Is it worth a wake-up that its pipe has something to say? */
static bool listens(const vf_unit *u)
{
	return u->pipe != NULL && u->rate == 0 && u->state <= VF_UNIT_ASKING;
}

/* The person wants to stop, and it has not been told so. */
static bool to_be_told(const vf_unit *u)
{
	return (listens(u) || u->state == VF_UNIT_AWAY) && u->state != VF_UNIT_IDLE &&
	       vf_unit_to_be_told(u);
}

/* Whose pipe has something gets due, whose time has come as well. */
static void wait_for_all(vf_gang *g, uint64_t until_us)
{
	vf_pipe_watch watch[VF_PIPES_MAX];
	vf_unit *whose[VF_PIPES_MAX];
	size_t n = 0;
	bool asks = false;
	for (vf_unit *u = g->first; u != NULL; u = u->next) {
		until_us = u->due ? 0 : u->until_us < until_us ? u->until_us : until_us;
		if (listens(u) && n < VF_PIPES_MAX) {
			watch[n] = (vf_pipe_watch){.pipe = u->pipe, .want_write = u->want_write};
			whose[n++] = u;
			asks = asks || u->opt.interruptions != NULL;
		}
	}
	if (asks && until_us > g->clock.seen_us + ASK_US)
		until_us = g->clock.seen_us + ASK_US;
	vf_pipes_wait(watch, n, until_us);
	vf_clock_waited(&g->clock, until_us);
	const uint64_t us = vf_io_now_us();
	for (size_t i = 0; i < n; i++)
		whose[i]->due = whose[i]->due || watch[i].ready;
	for (vf_unit *u = g->first; u != NULL; u = u->next)
		u->due = u->due || u->until_us <= us || to_be_told(u);
}

void vf_gang_turn(vf_gang *g, uint64_t until_us)
{
	bool all = true;
	for (const vf_unit *u = g->first; u != NULL; u = u->next)
		all = all && u->due;
	if (!all || g->first == NULL)
		wait_for_all(g, until_us);
	for (vf_unit *u = g->first, *next; u != NULL; u = next) {
		next = u->next;
		if (u->due)
			vf_unit_step(u);
	}
	free_closed(g);
}
