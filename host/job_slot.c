/* job_slot.c - the operations that a job has in flight: made, submitted, taken
 * back in order, and used again. */
#include "job_internal.h"

static bool reserve(vf_job *j, vf_slot *s, size_t room)
{
	if (room <= s->room)
		return true;
	void *buf = vf_resize(&j->alloc, s->buf, room);
	if (buf == NULL)
		return false;
	s->buf = buf;
	s->room = room;
	return true;
}

static vf_slot *obtain(vf_job *j)
{
	vf_slot *s = j->spare;
	if (s != NULL) {
		j->spare = s->next;
		return s;
	}
	s = vf_resize(&j->alloc, NULL, sizeof *s);
	if (s != NULL)
		memset(s, 0, sizeof *s);
	return s;
}

vf_slot *vf_slot_new(vf_job *j, uint8_t type, uint8_t memory, uint64_t address, uint64_t length,
		     size_t answer)
{
	vf_slot *s = obtain(j);
	if (s == NULL || !reserve(j, s, answer)) {
		if (s != NULL)
			vf_slot_give(j, s);
		(void)vf_job_no_memory(j);
		return NULL;
	}
	s->op = (vf_operation){0};
	s->op.message.type = type;
	s->op.message.memory = memory;
	s->op.message.address = (uint32_t)address;
	s->op.message.length = (uint32_t)length;
	s->op.answer = s->buf;
	s->job = j;
	s->area = NULL;
	s->first = 0;
	s->count = 0;
	s->us = 0;
	return s;
}

static bool changes(uint8_t type)
{
	return type == VF_MESSAGE_ERASE || vf_job_programs(type) || type == VF_MESSAGE_SET;
}

bool vf_slot_submit(vf_job *j, vf_slot *s)
{
	if (vf_session_submit(j->session, &s->op) != VF_OK) {
		vf_slot_give(j, s);
		if (vf_session_status(j->session) == VF_SESSION_OPEN)
			(void)vf_job_no_memory(j);
		return false;
	}
	j->touched = j->touched || changes(s->op.message.type);
	s->next = NULL;
	if (j->tail != NULL)
		j->tail->next = s;
	else
		j->head = s;
	j->tail = s;
	j->in_flight++;
	return true;
}

vf_slot *vf_slot_take(vf_job *j)
{
	vf_slot *s = j->head;
	if (s == NULL || s->op.status != VF_OPERATION_DONE)
		return NULL;
	j->head = s->next;
	if (j->head == NULL)
		j->tail = NULL;
	j->in_flight--;
	return s;
}

void vf_slot_give(vf_job *j, vf_slot *s)
{
	s->next = j->spare;
	j->spare = s;
}

void vf_slots_drop(vf_job *j)
{
	while (j->head != NULL) {
		vf_slot *s = j->head;
		j->head = s->next;
		vf_slot_give(j, s);
	}
	j->tail = NULL;
	j->in_flight = 0;
	for (size_t i = 0; i < j->areas; i++)
		j->area[i].pending_us = 0;
}

static void free_list(vf_job *j, vf_slot *s)
{
	while (s != NULL) {
		vf_slot *next = s->next;
		vf_free(&j->alloc, s->buf);
		vf_free(&j->alloc, s);
		s = next;
	}
}

void vf_slots_free(vf_job *j)
{
	free_list(j, j->head);
	free_list(j, j->spare);
	j->head = j->tail = j->spare = NULL;
}
