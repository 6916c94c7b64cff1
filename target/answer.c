/* answer.c - operations that read: READ, DIGEST, SHA256.
 *
 * They go through the range in steps that fit the work buffer. READ's bytes are
 * sent straight from that buffer, the next step waits for them to be gone.
 * Digests are collected in the second half of the work buffer while the flash
 * is read into the first, and sent a frame at a time.
 */
#include <string.h>

#include "engine.h"

void vf_t_answer_begin(vf_target *t, unsigned memory, const vf_target_operation *o)
{
	vf_target_unit *u = &t->unit[memory];
	u->answer_len = 0;
	u->answer_at = 0;
	u->filled = 0;
	u->grouped = 0;
	u->finished = false;
	u->sector_left = vf_t_info(t, memory)->erase[0].size;
	if (o->type == VF_MESSAGE_SHA256)
		vf_sha256_init(&u->hash.sha);
	else if (o->type == VF_MESSAGE_DIGEST)
		vf_digest_init(&u->hash.digest.sector, t->session.number);
}

bool vf_t_answer_over(const vf_target_unit *u, const vf_target_operation *o)
{
	if (o->type == VF_MESSAGE_SHA256)
		return u->finished && u->answer_len == 0;
	return (o->type == VF_MESSAGE_READ || o->type == VF_MESSAGE_DIGEST) && o->at == o->length &&
	       u->answer_len == 0;
}

static void offer(vf_target_unit *u, const uint8_t *bytes, uint32_t len)
{
	u->answer = bytes;
	u->answer_len = len;
	u->answer_sent = 0;
}

static void finish_sha(vf_target *t, unsigned memory)
{
	vf_target_unit *u = &t->unit[memory];
	uint8_t *out = t->config.memory[memory].work + vf_t_half(t, memory);
	vf_sha256_final(&u->hash.sha, out);
	u->finished = true;
	offer(u, out, VF_SHA256_SIZE);
}

bool vf_t_answer_next(vf_target *t, unsigned memory, vf_target_operation *o)
{
	vf_target_unit *u = &t->unit[memory];
	if (u->answer_len != 0)
		return false;
	uint32_t len = o->length - o->at;
	if (len == 0) { /* only SHA256 comes here with nothing left to read */
		finish_sha(t, memory);
		return false;
	}
	uint32_t room = t->config.memory[memory].work_len;
	if (o->type != VF_MESSAGE_READ)
		room = vf_t_half(t, memory);
	len = vf_t_min(len, room);
	if (o->type == VF_MESSAGE_DIGEST)
		len = vf_t_min(len, u->sector_left);
	u->op.kind = VF_FLASH_READ_MAPPED;
	u->op.buf = t->config.memory[memory].work;
	u->op.offset = o->offset + o->at;
	u->op.len = len;
	u->stage = VF_T_READY;
	return true;
}

/* A sector's digest becomes part of its group's, or is it where the group has
 * no other. */
static void end_sector(vf_target *t, unsigned memory, const vf_target_operation *o)
{
	vf_target_unit *u = &t->unit[memory];
	vf_digest *group = &u->hash.digest.group;
	uint8_t *out = t->config.memory[memory].work + vf_t_half(t, memory) + u->filled;
	vf_digest_final(&u->hash.digest.sector, out);
	vf_digest_init(&u->hash.digest.sector, t->session.number);
	u->sector_left = vf_t_info(t, memory)->erase[0].size;
	if (u->grouped == 0)
		vf_digest_init(group, t->session.number);
	vf_digest_update(group, out, VF_DIGEST_SIZE);
	u->grouped++;
	if (u->grouped != o->group && o->at != o->length)
		return;
	if (u->grouped > 1)
		vf_digest_final(group, out);
	u->grouped = 0;
	u->filled += VF_DIGEST_SIZE;
}

static void take_digest(vf_target *t, unsigned memory, const vf_target_operation *o)
{
	vf_target_unit *u = &t->unit[memory];
	t->stats.digested += u->op.len;
	vf_digest_update(&u->hash.digest.sector, u->op.buf, u->op.len);
	u->sector_left -= u->op.len;
	if (u->sector_left == 0)
		end_sector(t, memory, o);
	uint32_t most = vf_t_min(vf_t_half(t, memory), vf_t_payload_out(t));
	if (o->at == o->length || u->filled + VF_DIGEST_SIZE > most) {
		offer(u, t->config.memory[memory].work + vf_t_half(t, memory), u->filled);
		u->filled = 0;
	}
}

/* A step's bytes have been read. */
void vf_t_answer_take(vf_target *t, unsigned memory, vf_target_operation *o)
{
	vf_target_unit *u = &t->unit[memory];
	if (t->queue.stopping)
		return;
	o->at += u->op.len;
	if (o->type == VF_MESSAGE_READ) {
		offer(u, u->op.buf, u->op.len);
	} else if (o->type == VF_MESSAGE_DIGEST) {
		take_digest(t, memory, o);
	} else {
		t->stats.hashed += u->op.len;
		vf_sha256_update(&u->hash.sha, u->op.buf, u->op.len);
	}
}
