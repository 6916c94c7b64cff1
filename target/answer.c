/* answer.c - operations that read: READ, DIGEST, SHA256.
 *
 * They go through the range in steps that fit the work buffer. READ's bytes are
 * sent straight from that buffer, the next step waits for them to be gone.
 * Digests are collected in the second half of the work buffer and sent a frame
 * at a time. What is to be hashed is read into the two quarters of the first half
 * in turn, so that the flash fills one while the processor hashes the other.
 *
 * Drivers of two dies in parallel know even offsets and lengths only. So what is
 * read begins and ends at a multiple of `dies`, and may have a byte before and
 * one after those that were asked for: the *padding*.
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
	u->fresh_len = 0;
	u->hashed = 0;
	if (o->type == VF_MESSAGE_SHA256)
		vf_sha256_init(&u->hash.sha);
	else if (o->type == VF_MESSAGE_DIGEST)
		vf_digest_init(&u->hash.digest.sector, t->session.number);
}

bool vf_t_answer_over(const vf_target_unit *u, const vf_target_operation *o)
{
	if (u->answer_len != 0)
		return false;
	if (o->type == VF_MESSAGE_SHA256 || o->type == VF_MESSAGE_RECALL)
		return u->finished;
	return (o->type == VF_MESSAGE_READ && o->at == o->length) ||
	       (o->type == VF_MESSAGE_DIGEST && u->hashed == o->length);
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

/* Where the next bytes to be hashed go, and how many fit there: the quarter that
 * holds nothing fresh; in a buffer too small for quarters the whole half, once it
 * was hashed. */
static uint32_t next_room(const vf_target *t, unsigned memory, uint8_t **buf)
{
	const vf_target_unit *u = &t->unit[memory];
	uint32_t half = vf_t_half(t, memory);
	uint32_t quarter = (half / 2) & ~(uint32_t)31;
	*buf = t->config.memory[memory].work;
	if (quarter == 0)
		return u->fresh_len == 0 ? half : 0;
	if (u->fresh_len != 0 && u->fresh < *buf + quarter)
		*buf += quarter;
	return quarter;
}

/* Bytes before the first one wanted that are read with it. */
static uint32_t padding(const vf_target *t, unsigned memory, const vf_target_operation *o)
{
	return (o->offset + o->at) & (vf_t_info(t, memory)->dies - 1u);
}

/* How many of the wanted bytes come next; with their padding they fit at `*buf`. */
static uint32_t next_len(const vf_target *t, unsigned memory, const vf_target_operation *o,
			 uint8_t **buf)
{
	uint32_t len = o->length - o->at, room;
	uint32_t sector = vf_t_info(t, memory)->erase[0].size;
	if (o->type == VF_MESSAGE_READ) {
		*buf = t->config.memory[memory].work;
		room = t->config.memory[memory].work_len & ~(vf_t_info(t, memory)->dies - 1u);
	} else {
		room = next_room(t, memory, buf);
	}
	if (o->type == VF_MESSAGE_DIGEST)
		len = vf_t_min(len, sector - (o->at & (sector - 1)));
	return room != 0 ? vf_t_min(len, room - padding(t, memory, o)) : 0;
}

bool vf_t_answer_next(vf_target *t, unsigned memory, vf_target_operation *o)
{
	vf_target_unit *u = &t->unit[memory];
	uint32_t over = vf_t_info(t, memory)->dies - 1u;
	if (u->answer_len != 0)
		return false;
	if (o->type == VF_MESSAGE_SHA256 && u->hashed == o->length) {
		finish_sha(t, memory);
		return false;
	}
	uint32_t len = next_len(t, memory, o, &u->op.buf);
	if (len == 0)
		return false;
	uint32_t before = padding(t, memory, o);
	u->op.kind = VF_FLASH_READ_MAPPED;
	u->op.offset = o->offset + o->at - before;
	u->op.len = (before + len + over) & ~over;
	u->wanted = len;
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
	if (u->grouped == 0)
		vf_digest_init(group, t->session.number);
	vf_digest_update(group, out, VF_DIGEST_SIZE);
	u->grouped++;
	if (u->grouped != o->group && u->hashed != o->length)
		return;
	if (u->grouped > 1)
		vf_digest_final(group, out);
	u->grouped = 0;
	u->filled += VF_DIGEST_SIZE;
}

static void hash_sectors(vf_target *t, unsigned memory, const vf_target_operation *o)
{
	vf_target_unit *u = &t->unit[memory];
	uint32_t sector = vf_t_info(t, memory)->erase[0].size;
	t->stats.digested += u->fresh_len;
	vf_digest_update(&u->hash.digest.sector, u->fresh, u->fresh_len);
	if ((u->hashed & (sector - 1)) == 0)
		end_sector(t, memory, o);
	uint32_t most = vf_t_min(vf_t_half(t, memory), vf_t_payload_out(t));
	if (u->hashed == o->length || u->filled + VF_DIGEST_SIZE > most) {
		offer(u, t->config.memory[memory].work + vf_t_half(t, memory), u->filled);
		u->filled = 0;
	}
}

/* Hashes what was read, once the port has fetched the next read: then both work at
 * the same time. False while something fresh has to wait. */
bool vf_t_answer_hash(vf_target *t, unsigned memory)
{
	vf_target_unit *u = &t->unit[memory];
	const vf_target_operation *o = vf_t_slot(t, u->number);
	if (u->fresh_len == 0)
		return true;
	if (u->answer_len != 0 || u->stage == VF_T_READY)
		return false;
	u->hashed += u->fresh_len;
	if (o->type == VF_MESSAGE_DIGEST) {
		hash_sectors(t, memory, o);
	} else {
		t->stats.hashed += u->fresh_len;
		vf_sha256_update(&u->hash.sha, u->fresh, u->fresh_len);
	}
	u->fresh_len = 0;
	return true;
}

/* A step's bytes have been read. */
void vf_t_answer_take(vf_target *t, unsigned memory, vf_target_operation *o)
{
	vf_target_unit *u = &t->unit[memory];
	if (t->queue.stopping)
		return;
	const uint8_t *bytes = u->op.buf + padding(t, memory, o);
	o->at += u->wanted;
	if (o->type == VF_MESSAGE_READ) {
		offer(u, bytes, u->wanted);
		return;
	}
	u->fresh = bytes;
	u->fresh_len = u->wanted;
}
