/* Which ports a gang works at: a list, or all where a known board is attached; each
 * only once, whatever it is called. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gang.h"

gang_post *gang_add_post(gang *g, const char *port)
{
	gang_post *p = calloc(1, sizeof *p);
	if (p == NULL)
		return NULL;
	p->g = g;
	(void)snprintf(p->port, sizeof p->port, "%s", port);
	cli_progress_begin(&p->progress, g->run.o);
	gang_post **last = &g->posts;
	while (*last != NULL)
		last = &(*last)->next;
	*last = p;
	return p;
}

static bool same(const gang_post *a, const gang_post *b)
{
	return strcmp(a->port, b->port) == 0 || vf_port_same(&a->place, &b->place);
}

const gang_post *gang_same_port(const gang_post *p)
{
	for (const gang_post *q = p->g->posts; q != NULL; q = q->next)
		if (q != p && q->unit != NULL && same(p, q))
			return q;
	return NULL;
}

/* In a production line a board that was unplugged may come back anywhere. */
const gang_post *gang_same_board(const gang_post *p, const char *board)
{
	const bool loop = p->g->run.o->loop;
	for (const gang_post *q = p->g->posts; q != NULL && board[0] != '\0'; q = q->next) {
		const char *its = loop && q->state != GANG_WORKING ? q->done : q->board;
		if (q != p && (q->unit != NULL || !loop) && strcmp(its, board) == 0)
			return q;
	}
	return NULL;
}

static int check(gang *g, gang_post *p)
{
	if (vf_port_locate(p->port, &p->place, &g->run.error) != VF_OK)
		return g->run.error.code;
	for (const gang_post *q = g->posts; q != p; q = q->next) {
		if (strcmp(p->port, q->port) == 0)
			return vf_fail(&g->run.error, VF_E_USAGE, "%.300s is named twice", p->port);
		if (same(p, q))
			return vf_fail(&g->run.error, VF_E_USAGE,
				       "%.150s and %.150s are one port: name it once", q->port,
				       p->port);
	}
	return VF_OK;
}

static int add(gang *g, const char *port, size_t len)
{
	char name[GANG_PORT_MAX];
	if (len == 0)
		return vf_fail(&g->run.error, VF_E_USAGE,
			       "--ports wants names with commas between them, not '%.200s'", port);
	if (len >= sizeof name)
		return vf_fail(&g->run.error, VF_E_USAGE, "the name of a port is too long");
	memcpy(name, port, len);
	name[len] = '\0';
	if (strcmp(name, "auto") == 0)
		return vf_fail(&g->run.error, VF_E_USAGE,
			       "a gang has no port 'auto': --all takes every board there is");
	gang_post *p = gang_add_post(g, name);
	if (p == NULL)
		return vf_fail(&g->run.error, VF_E_NOMEM, "out of memory");
	return check(g, p);
}

static int add_known(void *ctx, const vf_port_info *port)
{
	gang *g = ctx;
	return port->known ? add(g, port->name, strlen(port->name)) : 0;
}

static int collect_all(gang *g)
{
	const int status = vf_ports_list(add_known, g, &g->run.error);
	if (status != VF_OK || g->posts != NULL || g->run.o->loop)
		return status;
	return vf_fail(
		&g->run.error, VF_E_LINK,
		"no port here is known to be a board: plug the boards in, or name their ports "
		"with --ports; `vcpflash ports` lists those there are");
}

int gang_collect(gang *g)
{
	const cli_options *o = g->run.o;
	size_t count = 0;
	int status = o->all ? collect_all(g) : VF_OK;
	for (unsigned i = 0; i < o->port_lists && status == VF_OK; i++) {
		const char *at = o->ports[i];
		for (;; at++) {
			const size_t len = strcspn(at, ",");
			status = add(g, at, len);
			at += len;
			if (status != VF_OK || *at == '\0')
				break;
		}
	}
	for (const gang_post *p = g->posts; p != NULL; p = p->next)
		count++;
	if (status == VF_OK && count > VF_PIPES_MAX)
		status = vf_fail(&g->run.error, VF_E_USAGE,
				 "%zu ports are too many: a gang has %d at most; run several",
				 count, VF_PIPES_MAX);
	return status;
}
