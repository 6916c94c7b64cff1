/* The production line: at each post one board after the other, for as long as the
 * person likes.
 *
 *   empty -> [asking] -> working -> done -> empty ...
 *
 * A port that appears is a board that was plugged in: it is programmed, and a failure
 * is a failed board. A port that was there before, or a host that accepts, may have
 * nothing behind it: it is asked first. A board that is done stays so until its port
 * goes; where ports stay (a jig with a serial adapter of its own), until a board with
 * another id answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gang.h"

enum {
	LOOK_US = 250000,       /* between two looks at the ports */
	OPEN_AGAIN_US = 500000, /* a port that cannot be opened: others look at new ones too */
	CONNECT_AGAIN_US = 1000000,
	ASK_AGAIN_US = 1000000,
	TELL_US = 5000000, /* for so long a new port may be somebody else's */
};

/* --- what a post comes to -------------------------------------------------------- */

/* After RUN a board may come back with ports of its application's: that is not yet
 * another board. */
static bool application_runs(const gang_post *p)
{
	return p->g->run.o->run && p->last == VF_OK && p->done[0] != '\0';
}

void gang_loop_opened(gang_post *p)
{
	p->told = false;
	if (p->g->stopping)
		p->state = GANG_EMPTY;
	else if (p->plugged)
		gang_begin(p);
	else
		gang_ask(p);
}

/* The port is gone while nothing was done there, or cannot be opened. */
void gang_loop_gone(gang_post *p)
{
	const bool was_open = p->hot || p->state != GANG_ASKING;
	p->unit = NULL;
	p->state = GANG_EMPTY;
	p->g->dirty = true;
	p->again_us = vf_io_now_us() + (p->place.network ? CONNECT_AGAIN_US : LOOK_US);
	p->hot = p->hot || !p->place.network;
	p->plugged = !p->place.network && !application_runs(p);
	if (!was_open || application_runs(p))
		return;
	if (p->done[0] != '\0' || p->nameless)
		gang_say(p->g, p->port, "unplugged", "unplugged: the next, please");
	p->done[0] = '\0';
	p->nameless = false;
}

static void let_go(gang_post *p)
{
	vf_gang_close(p->unit);
	p->unit = NULL;
}

void gang_loop_done(gang_post *p)
{
	memcpy(p->done, p->board, sizeof p->done);
	p->nameless = p->board[0] == '\0' && p->name[0] != '\0';
	p->plugged = false;
	p->again_us = vf_io_now_us() + ASK_AGAIN_US;
	if (p->g->stopping)
		let_go(p);
}

/* Is it one that has to be done? */
static bool is_new(const gang_post *p, const char *board)
{
	return board[0] != '\0' ? strcmp(board, p->done) != 0 : p->done[0] == '\0' && !p->nameless;
}

void gang_loop_asked(gang_post *p, const vf_job_result *r, const char *board)
{
	const bool answered = r->error.code == VF_OK;
	const bool done = p->done[0] != '\0' || p->nameless;
	p->again_us = vf_io_now_us() + ASK_AGAIN_US;
	p->state = done && (answered || p->hot || p->g->run.o->run) ? GANG_DONE : GANG_EMPTY;
	p->g->dirty = true;
	if (p->g->stopping)
		let_go(p);
	else if (answered && is_new(p, board))
		gang_begin(p);
}

/* --- looking ------------------------------------------------------------------------ */

static int see(void *ctx, const vf_port_info *port)
{
	gang *g = ctx;
	gang_post *p = g->posts;
	if (!port->known)
		return 0;
	while (p != NULL && strcmp(p->port, port->name) != 0)
		p = p->next;
	if (p == NULL && (p = gang_add_post(g, port->name)) != NULL) {
		p->since_us = vf_io_now_us(); /* it was not there when the line began */
		p->plugged = p->hot = true;
	}
	return 0;
}

/* Tries to open it. Who may be at a new port for a while: ModemManager, udev. */
static void try_open(gang_post *p, uint64_t us)
{
	vf_error err = {0};
	char address[sizeof p->place.address[0] + sizeof "rfc2217://"];
	const char *port = p->port;
	if (p->place.network && p->place.addresses > 0) {
		const char *const end = strstr(p->port, "://");
		(void)snprintf(address, sizeof address, "%.*s://%s", (int)(end - p->port), p->port,
			       p->place.address[p->address++ % p->place.addresses]);
		port = address;
	}
	p->unit = gang_open(p, port, &err);
	p->again_us = us + OPEN_AGAIN_US;
	if (p->unit != NULL)
		p->state = GANG_ASKING;
	if (p->unit != NULL || p->told || us < p->since_us + TELL_US)
		return;
	p->told = true;
	gang_say(p->g, p->port, "note", "%s; it is tried again and again", err.text);
}

static void look_at_device(gang_post *p, uint64_t us)
{
	vf_port_place now;
	const bool was = p->place.exists;
	if (vf_port_locate(p->port, &now, NULL) != VF_OK)
		return;
	p->place = now;
	if (!now.exists) {
		p->plugged = !application_runs(p); /* when it comes */
		p->hot = true;
		return;
	}
	if (!was)
		p->since_us = us;
	if (us < p->again_us)
		return;
	const gang_post *other = gang_same_port(p);
	if (other == NULL) {
		try_open(p, us);
	} else if (!p->told) {
		p->told = true;
		gang_say(p->g, p->port, "note", "it is %s by another name: left alone",
			 other->port);
	}
}

/* The ports that were there when the line began are not boards that were plugged in. */
static void first_look(gang_post *p, uint64_t us)
{
	p->since_us = us;
	p->hot = p->plugged = !p->place.network && !p->place.exists;
}

static void look_at(gang_post *p, uint64_t us)
{
	if (p->since_us == 0)
		first_look(p, us);
	if (p->state == GANG_ASKING || p->state == GANG_WORKING)
		return;
	if (p->unit == NULL && !p->place.network)
		look_at_device(p, us);
	else if (us >= p->again_us && p->unit == NULL)
		try_open(p, us);
	else if (us >= p->again_us && !p->nameless)
		gang_ask(p);
}

uint64_t gang_look(gang *g)
{
	const uint64_t us = vf_io_now_us();
	if (us < g->look_us)
		return g->look_us;
	g->look_us = us + LOOK_US;
	if (g->run.o->all)
		(void)vf_ports_list(see, g, NULL);
	for (gang_post *p = g->posts; p != NULL; p = p->next)
		look_at(p, us);
	return g->look_us;
}
