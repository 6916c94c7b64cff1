/* find.c - `auto`: the one port where a board answers. Speaks only to ports that
 * are known to be boards or probes, or that were used before: whatever else hangs
 * on a tty did not ask to be spoken to. */
#include <string.h>

#include <vcpflash/client.h>

#include "client_internal.h"

enum {
	ANSWER_US = 1000000, /* a board that is there answers within this */
	PORTS_MAX = 64,
};

typedef struct finding {
	const vf_client_options *opt;
	char name[PORTS_MAX][VF_CLIENT_NAME_MAX]; /* known ports */
	size_t names;
	size_t unknown; /* ports that nobody knows, and were left alone */
	size_t answered;
	size_t first;   /* the one that answered first */
	vf_error why;   /* of the last one that did not answer */
	char list[240]; /* those that answered, or that did not */
} finding;

static int collect(void *ctx, const vf_port_info *port)
{
	finding *f = ctx;
	if (!port->known || f->names == PORTS_MAX || strlen(port->name) >= VF_CLIENT_NAME_MAX) {
		f->unknown++;
		return 0;
	}
	(void)snprintf(f->name[f->names++], VF_CLIENT_NAME_MAX, "%s", port->name);
	return 0;
}

static void add(finding *f, const char *name)
{
	const size_t at = strlen(f->list);
	(void)snprintf(f->list + at, sizeof f->list - at, "%s%s", at == 0 ? "" : ", ", name);
}

static bool answers(const vf_client_options *opt, uint32_t held_ms, const char *port,
		    vf_board *board, vf_error *why)
{
	vf_client_options once = *opt;
	vf_job_config config = {.kind = VF_JOB_INFO};
	vf_job_result result;
	vf_client_defaults(&config);
	config.session.open_timeout_us = ANSWER_US;
	config.session.lost_timeout_us = ANSWER_US;
	once.port = port;
	once.max_baud = 1;
	once.wait_ms = 0;
	once.return_ms = VF_CLIENT_NEVER;
	const int status = vf_client_on(&once, held_ms, &config, &result, board, NULL);
	*why = result.error;
	return status == VF_OK;
}

bool vf_client_answers(const vf_client_options *opt, const char *port, vf_board *board,
		       vf_error *why)
{
	return answers(opt, 0, port, board, why);
}

static int ask_all(finding *f, vf_error *err)
{
	const uint32_t held_ms = f->names == 1 ? VF_CLIENT_HELD_MS : 0;
	for (size_t i = 0; i < f->names; i++) {
		if (!answers(f->opt, held_ms, f->name[i], NULL, &f->why)) {
			if (f->why.code != VF_E_INTERRUPTED)
				continue;
			*err = f->why;
			return err->code;
		}
		if (f->answered++ == 0)
			f->first = i;
		add(f, f->name[i]);
	}
	return VF_OK;
}

/* Of one port it can be said what is wrong with it. */
static int only_one(const finding *f, vf_error *err)
{
	(void)vf_fail(err, VF_E_LINK, "%s", f->why.text);
	vf_client_name_port(err, f->name[0]);
	return err->code;
}

static int verdict(finding *f, char *name, size_t room, vf_error *err)
{
	if (f->answered == 1) {
		(void)snprintf(name, room, "%s", f->name[f->first]);
		return VF_OK;
	}
	if (f->answered > 1)
		return vf_fail(err, VF_E_LINK, "several boards answer (%s): choose one with -p",
			       f->list);
	if (f->names == 1)
		return only_one(f, err);
	for (size_t i = 0; i < f->names; i++)
		add(f, f->name[i]);
	if (f->names > 0)
		return vf_fail(err, VF_E_LINK,
			       "no board answers on %s: check that it has power and runs its "
			       "loader, or name its port with -p",
			       f->list);
	if (f->unknown == 1)
		return vf_fail(err, VF_E_LINK,
			       "the one serial port here is not known to be a board: name it with "
			       "-p once, then it is found by itself");
	if (f->unknown > 0)
		return vf_fail(err, VF_E_LINK,
			       "none of the %zu serial ports here is known to be a board: name it "
			       "with -p once, then it is found by itself",
			       f->unknown);
	return vf_fail(err, VF_E_LINK,
		       "there is no serial port here: plug the board in (and check the cable), or "
		       "name its port with -p");
}

static int find_once(finding *f, char *name, size_t room, vf_error *err)
{
	const vf_client_options *opt = f->opt;
	memset(f, 0, sizeof *f);
	f->opt = opt;
	int status = vf_ports_list(collect, f, err);
	if (status >= 0)
		status = ask_all(f, err);
	return status == VF_OK ? verdict(f, name, room, err) : status;
}

int vf_client_find(const vf_client_options *opt, char *name, size_t room, vf_error *err)
{
	finding *f = vf_resize(&vf_io_alloc, NULL, sizeof *f);
	vf_patience patience;
	vf_error why = {0};
	if (f == NULL)
		return vf_fail(err, VF_E_NOMEM, "out of memory");
	f->opt = opt;
	vf_patience_begin(&patience, opt, opt->wait_ms);
	while (find_once(f, name, room, &why) != VF_OK && f->answered == 0 &&
	       vf_patience_more(&patience, false, &why))
		why = (vf_error){0};
	vf_free(&vf_io_alloc, f);
	if (why.code != VF_OK && err != NULL)
		*err = why;
	return why.code;
}
