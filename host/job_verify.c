/* job_verify.c - where exactly does the chip differ from the image, and what
 * does the kind of difference suggest? Reads only sectors whose digest differs
 * or that the image covers in part. Also SHA-256 of what the image covers. */
#include "job_internal.h"

static bool to_read(const vf_job *j, const vf_job_sector *s)
{
	(void)j;
	return s->state != VF_SECTOR_SAME;
}

bool vf_job_verify_begin(vf_job *j)
{
	j->result.mismatch = (vf_mismatch){0};
	vf_compare_begin(&j->compare, 0);
	j->wrong = (vf_job_cursor){.area = SIZE_MAX, .at = SIZE_MAX};
	j->check_failed = false;
	return vf_job_go(j, vf_job_verify, VF_PHASE_VERIFY, vf_job_count_bytes(j, to_read));
}

/* --- comparing ------------------------------------------------------------- */

static void compare(vf_job *j, const vf_slot *s, uint64_t address, const uint8_t *expected,
		    const uint8_t *found, uint32_t len)
{
	const size_t area = (size_t)(s->area - j->area);
	j->compare.page = s->area->memory->page;
	if (!vf_compare_bytes(&j->compare, address, expected, found, len) ||
	    (j->wrong.area == area && j->wrong.at == s->first))
		return;
	j->wrong = (vf_job_cursor){.area = area, .at = s->first};
	j->compare.m.sectors++;
}

/* Only what the image covers counts. */
static void compare_piece(vf_job *j, const vf_slot *s)
{
	const uint64_t start = s->op.message.address;
	const uint64_t end = start + s->op.message.length;
	const vf_image *image = j->image;
	for (size_t i = vf_image_find(image, (uint32_t)start); i < image->segment_count; i++) {
		const vf_segment *g = &image->segments[i];
		const uint64_t g_end = (uint64_t)g->addr + g->len;
		const uint64_t from = g->addr > start ? g->addr : start;
		const uint64_t to = g_end < end ? g_end : end;
		if (from >= to)
			break;
		compare(j, s, from, g->data != NULL ? g->data + (from - g->addr) : NULL,
			s->op.answer + (from - start), (uint32_t)(to - from));
	}
}

/* --- reading --------------------------------------------------------------- */

/* Asks for the covered bytes of a sector from `at` on, at most a piece, and
 * moves the cursor on. Stretches without any covered byte are not asked for. */
static bool ask(vf_job *j, vf_job_area *a)
{
	vf_job_cursor *c = &j->cursor;
	const uint32_t size = vf_job_sector_size(a);
	const uint64_t sector = vf_job_sector_address(a, &a->sectors[c->at]);
	const size_t segment = vf_image_find(j->image, (uint32_t)(sector + c->byte));
	const size_t index = c->at;
	uint64_t from = sector + size;
	if (segment < j->image->segment_count) {
		const uint64_t first = j->image->segments[segment].addr;
		from = first > sector + c->byte ? first : sector + c->byte;
	}
	const uint64_t left = from < sector + size ? sector + size - from : 0;
	const uint64_t len = left < VF_JOB_PIECE ? left : VF_JOB_PIECE;
	j->progress.done += from - (sector + c->byte) < size ? from - (sector + c->byte) : 0;
	c->byte = from + len - sector;
	if (c->byte >= size) {
		c->at++;
		c->byte = 0;
	}
	if (left == 0)
		return true;
	vf_slot *s = vf_slot_new(j, VF_MESSAGE_READ, a->index, from, len, (size_t)len);
	if (s == NULL)
		return false;
	s->area = a;
	s->first = index;
	return vf_slot_submit(j, s);
}

static bool ask_next(vf_job *j)
{
	vf_job_cursor *c = &j->cursor;
	for (; c->area < j->areas; c->area++, c->at = 0) {
		vf_job_area *a = &j->area[c->area];
		while (c->at < a->count && !to_read(j, &a->sectors[c->at]))
			c->at++;
		if (c->at < a->count)
			return ask(j, a);
	}
	return false;
}

/* --- the verdict ----------------------------------------------------------- */

static bool differs(vf_job *j)
{
	vf_mismatch *m = &j->result.mismatch;
	vf_compare_end(&j->compare, j->image);
	*m = j->compare.m;
	(void)vf_fail(&j->result.error, VF_E_DIFFERS,
		      "0x%08x holds 0x%02x, not 0x%02x; %llu bytes in %llu %s differ: %s; %s",
		      m->address, m->found, m->expected, (unsigned long long)m->count,
		      (unsigned long long)m->sectors, m->sectors == 1 ? "sector" : "sectors",
		      vf_mismatch_cause(m), vf_mismatch_next(m));
	return vf_job_leave(j);
}

bool vf_job_restless(vf_job *j, const vf_job_area *a, const vf_job_sector *s)
{
	(void)vf_fail(&j->result.error, VF_E_FLASH,
		      "%s reads differently each time at 0x%08llx: check clock, supply and wiring "
		      "of the flash",
		      a->memory->name, (unsigned long long)vf_job_sector_address(a, s));
	return !vf_job_leave(j);
}

/* A sector that the image covers wholly, has another digest, and reads right. */
static bool contradiction(vf_job *j)
{
	for (size_t i = 0; i < j->areas; i++)
		for (size_t k = 0; k < j->area[i].count; k++) {
			const vf_job_area *a = &j->area[i];
			const vf_job_sector *s = &a->sectors[k];
			if (s->state == VF_SECTOR_SAME || (s->flags & VF_JOB_PARTIAL) != 0)
				continue;
			return !vf_job_restless(j, a, s);
		}
	return false;
}

bool vf_job_verify(vf_job *j)
{
	vf_slot *s;
	while ((s = vf_slot_take(j)) != NULL) {
		compare_piece(j, s);
		j->progress.done += s->op.message.length;
		vf_slot_give(j, s);
	}
	while (j->in_flight < VF_JOB_LOOKING && ask_next(j)) {
	}
	if (j->closing)
		return true;
	if (j->in_flight > 0)
		return false;
	if (j->compare.m.count > 0)
		return differs(j);
	if (contradiction(j))
		return true;
	return vf_job_after_check(j);
}

/* --- SHA-256 --------------------------------------------------------------- */

void vf_job_image_hash(const vf_job *j, uint32_t address, uint32_t length,
		       uint8_t hash[VF_SHA256_SIZE])
{
	uint8_t piece[1024];
	vf_sha256 h;
	vf_sha256_init(&h);
	for (uint32_t at = 0; at < length;) {
		const uint32_t left = length - at;
		const uint32_t len = left < sizeof piece ? left : (uint32_t)sizeof piece;
		(void)vf_image_read(j->image, address + at, piece, len, 0xFF);
		vf_sha256_update(&h, piece, len);
		at += len;
	}
	vf_sha256_final(&h, hash);
}

static bool hash_take(vf_job *j, const vf_slot *s)
{
	uint8_t hash[VF_SHA256_SIZE];
	const uint64_t end = (uint64_t)s->op.message.address + s->op.message.length;
	vf_job_image_hash(j, s->op.message.address, s->op.message.length, hash);
	if (memcmp(hash, s->op.answer, sizeof hash) == 0)
		return true;
	(void)vf_fail(&j->result.error, j->config.kind == VF_JOB_VERIFY ? VF_E_DIFFERS : VF_E_FLASH,
		      "SHA-256 of 0x%08x-0x%08llx differs from the image's, although the digests "
		      "agreed: the chip does not read the same each time",
		      s->op.message.address, (unsigned long long)(end - 1));
	return false;
}

bool vf_job_hash(vf_job *j)
{
	uint8_t memory;
	uint64_t start, end;
	vf_slot *s;
	while ((s = vf_slot_take(j)) != NULL) {
		const bool right = hash_take(j, s);
		j->progress.done += s->op.message.length;
		vf_slot_give(j, s);
		if (!right)
			return vf_job_leave(j);
	}
	while (j->in_flight < VF_JOB_LOOKING &&
	       vf_job_next_run(j, &j->cursor, VF_JOB_HASH_PIECE, &memory, &start, &end)) {
		s = vf_slot_new(j, VF_MESSAGE_SHA256, memory, start, end - start, VF_SHA256_SIZE);
		if (s == NULL || !vf_slot_submit(j, s))
			return j->closing;
	}
	return j->in_flight > 0 ? false : vf_job_seal(j);
}

/* --- the flash holds the image ---------------------------------------------- */

static void count_kept(vf_job *j)
{
	j->result.kept_bytes = 0;
	for (size_t i = 0; i < j->areas; i++)
		for (size_t k = 0; k < j->area[i].count; k++) {
			const vf_job_sector *s = &j->area[i].sectors[k];
			if (s->keep != NULL && (s->flags & VF_JOB_WRITTEN) != 0)
				j->result.kept_bytes +=
					vf_job_sector_size(&j->area[i]) - s->covered;
		}
}

bool vf_job_after_check(vf_job *j)
{
	const bool image_job = j->config.kind == VF_JOB_PROGRAM || j->config.kind == VF_JOB_VERIFY;
	if (j->rescuing)
		return vf_job_rescued(j);
	count_kept(j);
	j->result.verified_bytes = j->result.image_bytes;
	if (image_job && j->config.verify_full)
		return vf_job_go(j, vf_job_hash, VF_PHASE_VERIFY, j->result.image_bytes);
	return vf_job_seal(j);
}

bool vf_job_sealed(vf_job *j)
{
	if (j->config.scratch != VF_SCRATCH_WRITE)
		vf_job_keep_done(j);
	if (j->config.kind == VF_JOB_PROGRAM && j->config.run_after)
		return vf_job_go(j, vf_job_run, VF_PHASE_RUN, 0);
	return vf_job_leave(j);
}
