/* wait.c - patience: for a port that is not there yet, and for one that went away
 * in the middle of a job. Both are looked for a few times a second: that costs next
 * to nothing, and finds whatever a notification could (a device, a link to one, a
 * listener on another machine). */
#include <string.h>

#include <vcpflash/client.h>

#include "client_internal.h"

enum {
	LOOK_US = 100000,       /* between two looks at a device */
	HELD_US = 20000,        /* that another program may be closing */
	CALL_US = 500000,       /* and between two calls on another machine */
	STRANGERS_US = 1000000, /* by then a port that has a serial number would be back */
	NAME_MOST = 160,        /* most of a port's name in a sentence */
};

bool vf_client_remote(const char *port)
{
	return strstr(port, "://") != NULL;
}

/* --- before anything was begun ------------------------------------------------ */

void vf_patience_begin(vf_patience *p, const vf_client_options *opt, uint32_t ms)
{
	*p = (vf_patience){.opt = opt, .until_us = UINT64_MAX};
	if (ms != VF_CLIENT_FOREVER)
		p->until_us = vf_io_now_us() + ms * UINT64_C(1000);
}

static void say(const vf_client_options *opt, const char *line)
{
	if (opt->note != NULL)
		opt->note(opt->ctx, line);
}

/* True if the person asked to stop meanwhile. */
static bool pause_until(const vf_client_options *opt, uint64_t next, uint64_t until)
{
	if (next > until)
		next = until;
	for (uint64_t now = vf_io_now_us(); now < next; now = vf_io_now_us()) {
		if (vf_client_asked(opt) > 0)
			return true;
		vf_io_sleep(next < now + LOOK_US ? next : now + LOOK_US);
	}
	return vf_client_asked(opt) > 0;
}

bool vf_patience_more(vf_patience *p, bool remote, vf_error *why)
{
	char line[sizeof why->text + 16];
	const uint64_t now = vf_io_now_us();
	if (why->code != VF_E_LINK || now >= p->until_us)
		return false;
	if (strcmp(p->said, why->text) != 0) {
		(void)snprintf(p->said, sizeof p->said, "%s", why->text);
		(void)snprintf(line, sizeof line, "waiting: %s", why->text);
		say(p->opt, line);
	}
	if (!pause_until(p->opt, now + (remote ? CALL_US : LOOK_US), p->until_us))
		return true;
	(void)vf_fail(why, VF_E_INTERRUPTED, "interrupted while waiting: %.300s", p->said);
	return false;
}

bool vf_client_held(const vf_client_options *opt, uint32_t ms, uint64_t *until_us)
{
	const uint64_t now = vf_io_now_us();
	if (*until_us == 0)
		*until_us = now + ms * UINT64_C(1000);
	return now < *until_us && vf_pipe_may_open_soon(opt->port) &&
	       !pause_until(opt, now + HELD_US, *until_us);
}

/* --- in the middle of a job ----------------------------------------------------- */

typedef struct search {
	const vf_port_id *id;
	char name[VF_CLIENT_NAME_MAX]; /* of the port that it is */
	bool found;
} search;

static int match(void *ctx, const vf_port_info *port)
{
	search *s = ctx;
	if (!vf_port_is(port, s->id) || strlen(port->name) >= sizeof s->name)
		return 0;
	(void)snprintf(s->name, sizeof s->name, "%s", port->name);
	s->found = true;
	return 1;
}

/* Does something else have its name now? */
static bool is_another(const vf_return *r)
{
	vf_port_id now;
	vf_port_identify(r->port, &now);
	if (now.pseudo != 0 && now.pseudo == r->id.pseudo)
		return true;
	return now.vid >= 0 && r->id.serial[0] != '\0' &&
	       (strcmp(now.serial, r->id.serial) != 0 || now.vid != r->id.vid ||
		now.pid != r->id.pid || now.interface != r->id.interface);
}

static vf_pipe *open_same(vf_return *r, vf_error *err)
{
	if (is_another(r)) {
		(void)vf_fail(err, VF_E_LINK, "%.*s: another device has that name now", NAME_MOST,
			      r->port);
		return NULL;
	}
	return vf_pipe_begin(r->port, r->baud, err);
}

static vf_pipe *open_serial_number(vf_return *r)
{
	search s = {.id = &r->id};
	if (r->id.serial[0] == '\0')
		return NULL;
	(void)vf_ports_list(match, &s, NULL);
	return s.found ? vf_pipe_begin(s.name, r->baud, NULL) : NULL;
}

/* --- by the board that answers ----------------------------------------------------- */

static bool was_seen(const vf_return *r, const char *name)
{
	for (size_t i = 0; i < r->seen_count; i++)
		if (strcmp(r->seen[i], name) == 0)
			return true;
	return false;
}

static int see(void *ctx, const vf_port_info *port)
{
	vf_return *r = ctx;
	if (r->seen_count < VF_RETURN_PORTS && strlen(port->name) < sizeof r->seen[0])
		(void)snprintf(r->seen[r->seen_count++], sizeof r->seen[0], "%s", port->name);
	return 0;
}

/* Picks a port that was not there before, and that may be spoken to; `skip` of them
 * have had their turn. */
static int pick_new(void *ctx, const vf_port_info *port)
{
	vf_return *r = ctx;
	const bool alike = r->id.vid >= 0 && port->vid == r->id.vid && port->pid == r->id.pid;
	if ((!port->known && !alike) || was_seen(r, port->name) ||
	    strlen(port->name) >= sizeof r->seen[0] || r->seen_count == VF_RETURN_PORTS)
		return 0;
	if (r->skip > 0) {
		r->skip--;
		return 0;
	}
	return 1 + see(r, port);
}

/* The next of those in turn. */
static vf_pipe *open_stranger(vf_return *r)
{
	if (r->board == NULL || r->board->welcome.id_len == 0)
		return NULL;
	r->skip = r->turn++;
	if (vf_ports_list(pick_new, r, NULL) != 1) {
		r->turn = 0; /* all have had it */
		return NULL;
	}
	vf_pipe *pipe = vf_pipe_begin(r->seen[r->seen_count - 1], r->baud, NULL);
	if (pipe == NULL)
		r->seen_count--;
	return pipe;
}

bool vf_return_asked(vf_return *r, const vf_board *board)
{
	if (board == NULL) {
		r->seen_count--; /* it may yet answer: a board takes a while to start */
		return false;
	}
	return board->welcome.id_len == r->board->welcome.id_len &&
	       memcmp(board->welcome.id, r->board->welcome.id, board->welcome.id_len) == 0;
}

/* --- all of that ---------------------------------------------------------------- */

void vf_return_begin(vf_return *r, const vf_client_options *opt, uint32_t baud)
{
	memset(r, 0, sizeof *r);
	r->opt = opt;
	r->baud = baud;
	r->id.vid = -1;
	(void)snprintf(r->port, sizeof r->port, "%s", opt->port);
	if (!vf_client_remote(opt->port))
		vf_port_identify(opt->port, &r->id);
}

uint32_t vf_return_ms(const vf_client_options *opt)
{
	if (opt->return_ms == VF_CLIENT_NEVER)
		return 0;
	return opt->return_ms != 0 ? opt->return_ms : VF_CLIENT_RETURN_MS;
}

void vf_return_gone(vf_return *r, const vf_board *board)
{
	char line[NAME_MOST + 120];
	const uint32_t ms = vf_return_ms(r->opt);
	r->board = board;
	r->gone_us = vf_io_now_us();
	r->until_us = ms == VF_CLIENT_FOREVER ? UINT64_MAX : r->gone_us + ms * UINT64_C(1000);
	r->seen_count = 0;
	r->turn = 0;
	if (!vf_client_remote(r->port))
		(void)vf_ports_list(see, r, NULL);
	if (ms == VF_CLIENT_FOREVER)
		(void)snprintf(line, sizeof line, "%.*s is gone: waiting for it to come back",
			       NAME_MOST, r->port);
	else
		(void)snprintf(line, sizeof line,
			       "%.*s is gone: waiting up to %u s for it to come back", NAME_MOST,
			       r->port, ms / 1000);
	say(r->opt, line);
}

vf_pipe *vf_return_look(vf_return *r, bool *ask, vf_error *err)
{
	*ask = false;
	vf_pipe *pipe = open_same(r, err);
	if (pipe != NULL || vf_client_remote(r->port))
		return pipe;
	pipe = open_serial_number(r);
	if (pipe == NULL && vf_io_now_us() >= r->gone_us + STRANGERS_US) {
		pipe = open_stranger(r);
		*ask = pipe != NULL;
	}
	return pipe;
}

void vf_return_found(vf_return *r, const char *name)
{
	char line[2 * NAME_MOST + 20];
	vf_port_identify(name, &r->id);
	if (strcmp(r->port, name) == 0)
		return;
	(void)snprintf(line, sizeof line, "%.*s is now %.*s", NAME_MOST, r->port, NAME_MOST, name);
	say(r->opt, line);
	(void)snprintf(r->port, sizeof r->port, "%s", name);
}

uint64_t vf_return_next(const vf_return *r)
{
	const uint64_t next = vf_io_now_us() + (vf_client_remote(r->port) ? CALL_US : LOOK_US);
	return next < r->until_us ? next : r->until_us;
}
