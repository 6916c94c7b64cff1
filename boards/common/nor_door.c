/* The flash door of a chip behind a bare controller: the driver's transactions are
 * carried out one after the other, and while the chip is busy the link gets its turn.
 */
#include <string.h>

#include "loader.h"

static int take(vf_nor_door *d, const vf_nor_hooks *hooks)
{
	memset(d, 0, sizeof *d);
	d->hooks = *hooks;
	return hooks->micros == NULL || hooks->bus == NULL ? VF_E_USAGE : VF_OK;
}

int vf_nor_door_init(vf_nor_door *d, const vf_nor_config *config, const vf_nor_hooks *hooks)
{
	int status = take(d, hooks);

	if (status == VF_OK)
		status = vf_nor_init(&d->nor, config);
	if (status == VF_OK)
		vf_nor_probe(&d->nor);
	return status;
}

int vf_nor_door_init_with(vf_nor_door *d, const vf_nor_config *config, const vf_nor_hooks *hooks,
			  const vf_nor_sources *sources)
{
	int status = take(d, hooks);

	if (status == VF_OK)
		status = vf_nor_init_with(&d->nor, config, sources);
	if (status == VF_OK)
		vf_nor_probe(&d->nor);
	return status;
}

static void unmap(vf_nor_door *d)
{
	if (d->mapped && d->hooks.unmap != NULL)
		d->hooks.unmap(d->hooks.self);
	d->mapped = false;
}

/* One transaction a call where the driver wants more: a long run of them would keep
 * the link waiting. */
static bool step(vf_nor_door *d)
{
	const vf_nor_hooks *h = &d->hooks;
	const vf_bus_op *op;
	uint32_t wait_us;

	enum vf_nor_step step = vf_nor_step(&d->nor, h->micros(h->self), &op, &wait_us);
	d->waiting = step == VF_NOR_WAIT;
	if (d->waiting)
		d->wake_us = h->micros(h->self) + wait_us;
	if (step == VF_NOR_BUS) {
		unmap(d);
		int status = h->bus(h->self, op);
		vf_nor_bus_done(&d->nor, status, h->micros(h->self));
	}
	return step == VF_NOR_DONE;
}

int vf_nor_door_bus(void *door, const vf_bus_op *op)
{
	vf_nor_door *d = door;

	unmap(d);
	if (op->dir != VF_BUS_READ)
		d->renew = vf_nor_renew;
	return d->hooks.bus(d->hooks.self, op);
}

/* Begins to look at what a guest left; false where none was there. */
static bool begin_renewal(vf_nor_door *d)
{
	if (d->renew == NULL)
		return false;
	d->renew(&d->nor);
	return true;
}

bool vf_nor_door_probe(vf_nor_door *d, int *status)
{
	if (!step(d))
		return false;
	*status = vf_nor_status(&d->nor);
	vf_nor_condition(&d->nor, &d->condition);
	if (*status == VF_OK && d->hooks.map != NULL)
		d->nor.memory.flags |= VF_MEMORY_RUN;
	return true;
}

bool vf_nor_door_stand_in(vf_nor_door *d, int status)
{
	if (status == VF_OK || status == VF_E_USAGE)
		return false;
	vf_nor_stand_in(&d->nor, &d->condition);
	return true;
}

void vf_nor_door_keep(vf_nor_door *d, vf_target_config *config, uint8_t memory,
		      vf_target_journal *journal)
{
	vf_memory *m = &d->nor.memory;
	uint32_t unit = m->erase[0].size;

	config->journal = journal;
	config->journal_memory = memory;
	config->journal_offset = m->size - 2 * unit;
	config->journal_unit = unit;
	m->protect[m->protects++] = (vf_range){config->journal_offset, 2 * unit};
}

uint32_t vf_nor_door_rest_us(const vf_nor_door *d)
{
	int32_t rest = (int32_t)(d->wake_us - d->hooks.micros(d->hooks.self));

	return d->waiting && rest > 0 ? (uint32_t)rest : 0;
}

bool vf_nor_door_map(vf_nor_door *d)
{
	if (begin_renewal(d)) {
		while (!step(d))
			;
		d->renew = NULL;
	}
	d->mapped =
		d->mapped || (d->hooks.map != NULL && d->hooks.map(d->hooks.self, &d->nor) != NULL);
	return d->mapped;
}

static int begin_known(vf_nor_door *d, const vf_flash_op *op)
{
	const vf_nor_hooks *h = &d->hooks;
	const uint8_t *at = NULL;

	d->ended = false;
	d->copying = false;
	if (op->kind == VF_FLASH_READ_MAPPED && h->map != NULL)
		at = h->map(h->self, &d->nor);
	if (at == NULL)
		return vf_nor_begin(&d->nor, op);
	d->mapped = true;
	if (op->offset > d->nor.memory.size || op->len > d->nor.memory.size - op->offset)
		return VF_E_RANGE;
	d->copying = h->copy != NULL && h->copy(h->self, op->buf, at + op->offset, op->len);
	if (!d->copying)
		memcpy(op->buf, at + op->offset, op->len);
	d->ended = !d->copying;
	return VF_OK;
}

static int begin(void *self, const vf_flash_op *op)
{
	vf_nor_door *d = self;

	if (!begin_renewal(d))
		return begin_known(d, op);
	d->op = *op;
	d->ended = d->copying = false;
	d->renewing = true;
	return VF_OK;
}

/* True where that was the end of it: the chip is not in order. */
static bool renewed(vf_nor_door *d, int *status)
{
	d->renewing = false;
	*status = vf_nor_status(&d->nor);
	if (*status == VF_OK) {
		d->renew = NULL;
		*status = begin_known(d, &d->op);
	}
	return *status != VF_OK;
}

static bool poll(void *self, int *status)
{
	vf_nor_door *d = self;

	if (d->copying)
		return d->hooks.copied(d->hooks.self, status);
	if (d->ended) {
		*status = VF_OK;
		return true;
	}
	if (!step(d))
		return false;
	if (d->renewing)
		return renewed(d, status);
	*status = vf_nor_status(&d->nor);
	return true;
}

vf_door vf_nor_door_of(vf_nor_door *d)
{
	return (vf_door){.self = d, .begin = begin, .poll = poll};
}
