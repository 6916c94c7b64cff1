/* The main loop of a board: link, flash, baud rate, start, a bit of each in a round. */
#include "loader.h"

#include <string.h>

static int take(vf_loader *l, const vf_loader_config *config)
{
	const vf_port *p = &config->port;
	const vf_target_config *t = &config->target;

	memset(l, 0, sizeof *l);
	if (p->micros == NULL || p->send == NULL || p->sending == NULL)
		return VF_E_USAGE;
	if ((t->rate_max != 0 && p->set_rate == NULL) || (t->can_run && p->start == NULL))
		return VF_E_USAGE;
	for (unsigned i = 0; i < t->memories && i < VF_TARGET_MEMORIES; i++) {
		if (config->door[i].begin == NULL || config->door[i].poll == NULL)
			return VF_E_USAGE;
		l->door[i] = config->door[i];
	}
	l->programmer = config->programmer;
	l->port = *p;
	return VF_OK;
}

int vf_loader_init(vf_loader *l, const vf_loader_config *config)
{
	int status = take(l, config);

	return status == VF_OK ? vf_target_init(&l->target, &config->target) : status;
}

int vf_loader_init_with(vf_loader *l, const vf_loader_config *config,
			const vf_target_features *features)
{
	int status = take(l, config);

	return status == VF_OK ? vf_target_init_with(&l->target, &config->target, features)
			       : status;
}

static bool drained(vf_loader *l)
{
	const vf_port *p = &l->port;

	return l->sending == 0 && (p->drained == NULL || p->drained(p->self));
}

/* What waits for the transmitter to run empty: nothing more is given to it until then. */
static bool leave_or_change(vf_loader *l)
{
	const vf_port *p = &l->port;

	if (l->rate == 0 && !vf_target_rate(&l->target, &l->rate) && !l->leaving)
		l->leaving = vf_target_run(&l->target, &l->address);
	if (l->rate == 0 && !l->leaving)
		return false;
	if (!drained(l))
		return true;
	if (l->rate != 0) {
		p->set_rate(p->self, l->rate);
		l->rate = 0;
		return false;
	}
	l->leaving = false;
	p->start(p->self, l->address);
	return false;
}

static void send(vf_loader *l)
{
	const vf_port *p = &l->port;

	if (l->sending != 0 && !p->sending(p->self)) {
		vf_target_tx_done(&l->target, l->sending);
		l->sending = 0;
	}
	if (leave_or_change(l) || l->sending != 0)
		return;
	size_t len;
	const uint8_t *data = vf_target_tx(&l->target, &len);
	if (data != NULL) {
		l->sending = len;
		p->send(p->self, data, len);
	}
}

static void serve(vf_loader *l, unsigned memory)
{
	const vf_door *d = &l->door[memory];
	int status;

	if (!l->busy[memory]) {
		const vf_flash_op *op = vf_target_flash_next(&l->target, memory);

		if (op == NULL)
			return;
		status = d->begin(d->self, op);
		l->busy[memory] = status == VF_OK;
		if (status != VF_OK)
			vf_target_flash_done(&l->target, memory, status);
	}
	if (l->busy[memory] && d->poll(d->self, &status)) {
		l->busy[memory] = false;
		vf_target_flash_done(&l->target, memory, status);
	}
}

static void serve_programmer(vf_loader *l)
{
	const vf_programmer *p = &l->programmer;

	if (p->next == NULL || l->busy[p->memory])
		return;
	const vf_bus_op *op = p->next(p->self);
	if (op != NULL)
		p->done(p->self, p->bus(p->door, op));
}

void vf_loader_poll(vf_loader *l)
{
	const vf_port *p = &l->port;

	if (p->poll != NULL)
		p->poll(p->self);
	vf_target_tick(&l->target, p->micros(p->self));
	send(l);
	for (unsigned i = 0; i < l->target.config.memories; i++)
		serve(l, i);
	serve_programmer(l);
}
