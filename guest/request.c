/* request.c - what guests have the engine do: one message at a time, its answer gathered.
 * The visit is opened with the first one, and again after one that failed.
 */
#include <string.h>

#include <vcpflash/guest.h>

void vf_guest_ask(vf_guest *g, const vf_message *m, const uint8_t *data, uint8_t *answer,
		  uint32_t room)
{
	vf_guest_request *r = &g->request;
	memset(r, 0, sizeof *r);
	r->outcome = VF_GUEST_WAITING;
	r->header_len = (uint32_t)vf_pack_message(r->header, m);
	r->data = data;
	r->data_len = vf_message_data(m);
	r->answer = answer;
	r->answer_room = room;
	g->moved = true;
}

/* False while the engine has not all of it. */
static bool place(vf_guest *g, vf_guest_request *r)
{
	vf_target_visit v = vf_target_guest_visit(g->target);
	if (!v.open || v.stopped) {
		if (r->header_put != 0) /* a host was there meanwhile */
			r->header_put = r->data_put = 0;
		if (!vf_target_guest_open(g->target))
			return false;
		v = vf_target_guest_visit(g->target);
	}
	if (r->header_put == 0)
		r->number = v.put + 1;
	r->header_put += (uint32_t)vf_target_guest_put(g->target, r->header + r->header_put,
						       r->header_len - r->header_put);
	if (r->header_put == r->header_len && r->data_put != r->data_len)
		r->data_put += (uint32_t)vf_target_guest_put(g->target, r->data + r->data_put,
							     r->data_len - r->data_put);
	return r->header_put == r->header_len && r->data_put == r->data_len;
}

static void gather(vf_guest *g, vf_guest_request *r)
{
	size_t len;
	const uint8_t *bytes = vf_target_guest_answer(g->target, &len);
	if (bytes == NULL)
		return;
	if (len > r->answer_room - r->answer_len)
		len = r->answer_room - r->answer_len;
	memcpy(r->answer + r->answer_len, bytes, len);
	r->answer_len += (uint32_t)len;
	vf_target_guest_answer_taken(g->target);
	g->moved = true;
}

enum vf_guest_outcome vf_guest_poll(vf_guest *g)
{
	vf_guest_request *r = &g->request;
	vf_target_visit v = vf_target_guest_visit(g->target);
	if (r->outcome != VF_GUEST_WAITING)
		return VF_GUEST_NOTHING;
	if (v.stopped && r->header_put != 0) {
		r->failure = v.failure;
		r->outcome = VF_GUEST_FAILED;
		return VF_GUEST_FAILED;
	}
	if (!r->placed) {
		r->placed = place(g, r);
		g->moved = true;
		return VF_GUEST_WAITING;
	}
	gather(g, r);
	if (v.open && vf_offset_diff(v.done, r->number) < 0)
		return VF_GUEST_WAITING;
	r->outcome = VF_GUEST_NOTHING;
	return VF_GUEST_DONE;
}

const vf_failure *vf_guest_failure(const vf_guest *g)
{
	return &g->request.failure;
}

void vf_guest_release(vf_guest *g)
{
	g->request.outcome = VF_GUEST_NOTHING;
	vf_target_guest_close(g->target);
}

unsigned vf_guest_memory_at(const vf_guest *g, uint32_t address, uint32_t len)
{
	const vf_target_config *c = vf_target_config_get(g->target);
	unsigned m = 0;
	for (; m < c->memories; m++) {
		const vf_memory *info = c->memory[m].info;
		if (address >= info->base && address - info->base < info->size &&
		    len <= info->size - (address - info->base))
			break;
	}
	return m;
}

const vf_memory *vf_guest_memory(const vf_guest *g, unsigned memory)
{
	return vf_target_config_get(g->target)->memory[memory].info;
}
