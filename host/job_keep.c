/* job_keep.c - bytes that no file names, beyond the life of this program. Before
 * the first erase of sectors that hold some, these sectors go to the keeper, as they
 * shall be in the end; when all was checked they are dropped. What an earlier run
 * left with the keeper is put back by this one, if nobody wrote there since: where
 * the board keeps a journal, if the last session that changed its flash is the one
 * that saved them; where it keeps none, if what is there can have been left by it. */
#include "job_internal.h"

bool vf_job_keeps(const vf_job *j)
{
	return j->config.keeper.save != NULL && j->board.welcome.id_len > 0;
}

static void give_up(vf_job *j, vf_keep_record *r)
{
	r->moot = true;
	j->keep_stale = true;
}

/* --- taking a record for what its sector shall hold ------------------------------ */

/* `anew`: what is there may be half erased. */
static int accept(vf_job *j, vf_job_sector *s, bool anew)
{
	const vf_keep_record *r = &j->keep.records[s->record - 1];
	if (vf_keep_set(&s->keep, r->wanted, r->size, &j->alloc) != VF_OK)
		return VF_E_NOMEM;
	s->flags |= VF_JOB_PARTIAL | VF_JOB_KEPT | VF_JOB_WRITTEN;
	if (anew)
		s->flags |= VF_JOB_FAILED;
	s->begun = true;
	return VF_OK;
}

static bool has_digest(const vf_job *j, const uint8_t *bytes, const vf_job_area *a,
		       const vf_job_sector *s)
{
	vf_digest d;
	uint8_t digest[VF_DIGEST_SIZE];
	if (bytes == NULL)
		return vf_job_equal(s->digest, a->blank);
	vf_digest_init(&d, vf_session_number(j->session));
	vf_digest_update(&d, bytes, vf_job_sector_size(a));
	vf_digest_final(&d, digest);
	return vf_job_equal(s->digest, digest);
}

bool vf_job_keep_pending(const vf_job_sector *s)
{
	return s->record != 0 && (s->flags & VF_JOB_KEPT) == 0;
}

int vf_job_keep_look(vf_job *j, const vf_job_area *a, vf_job_sector *s)
{
	vf_keep_record *r = &j->keep.records[s->record - 1];
	if (has_digest(j, r->wanted, a, s)) {
		r->seen_known = true;
		if (vf_keep_set(&r->seen, r->wanted, r->size, &j->alloc) != VF_OK)
			return VF_E_NOMEM;
		return accept(j, s, false);
	}
	if (r->seen_known && has_digest(j, r->seen, a, s))
		return accept(j, s, false);
	if (!has_digest(j, NULL, a, s))
		return VF_OK; /* its bytes will tell */
	r->seen_known = true;
	(void)vf_keep_set(&r->seen, NULL, r->size, &j->alloc);
	return accept(j, s, true);
}

/* Has it every bit that `bytes` (NULL: 0xFF) has? */
static bool covers(const uint8_t *is, const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		const uint8_t want = bytes != NULL ? bytes[i] : 0xFF;
		if ((is[i] & want) != want)
			return false;
	}
	return true;
}

/* Are so many bits of `bytes` (NULL: 0xFF) `set` that agreeing with them is nobody's coincidence?
 */
static bool tells(const uint8_t *bytes, uint32_t len, bool set)
{
	enum { ENOUGH = 32 };
	unsigned count = 0;
	for (uint32_t i = 0; i < len && count < ENOUGH; i++)
		for (unsigned bit = 0; bit < 8; bit++)
			count += ((bytes != NULL ? bytes[i] : 0xFFu) >> bit & 1) == set;
	return count >= ENOUGH;
}

static bool same(const uint8_t *is, const uint8_t *bytes, uint32_t len)
{
	return bytes != NULL ? memcmp(is, bytes, len) == 0 : covers(is, NULL, len);
}

/* Some bytes on their way from `seen` to erased, or from there to `wanted`; some chips program all
 * of a sector to zero before they erase it. Which bits must still, or cannot yet, be set says so,
 * where there are enough of them; where there are not, anybody may have written this. */
static bool left_by_us(const uint8_t *is, const uint8_t *seen, const uint8_t *wanted, uint32_t len)
{
	if (same(is, NULL, len) || same(is, seen, len) || same(is, wanted, len))
		return true;
	return (covers(is, wanted, len) && tells(wanted, len, true)) ||
	       (covers(is, seen, len) && tells(seen, len, true)) ||
	       (seen != NULL && covers(seen, is, len) && tells(seen, len, false));
}

static const uint8_t *at(const uint8_t *bytes, uint32_t offset)
{
	return bytes != NULL ? bytes + offset : NULL;
}

/* Judged in small pieces, so that no place vouches for another. */
static bool nobody_else_wrote(const vf_job_sector *s, const vf_keep_record *r)
{
	enum { PIECE = 32 };
	for (uint32_t i = 0; i < r->size; i += PIECE) {
		const uint32_t len = r->size - i < PIECE ? r->size - i : PIECE;
		if (!left_by_us(s->keep + i, at(r->seen_known ? r->seen : r->wanted, i),
				at(r->wanted, i), len))
			return false;
	}
	return true;
}

int vf_job_keep_read(vf_job *j, const vf_job_area *a, vf_job_sector *s, bool stable)
{
	vf_keep_record *r = &j->keep.records[s->record - 1];
	if (!stable)
		return accept(j, s, true);
	if (nobody_else_wrote(s, r)) {
		r->seen_known = true;
		if (vf_keep_set(&r->seen, s->keep, r->size, &j->alloc) != VF_OK)
			return VF_E_NOMEM;
		return accept(j, s, true);
	}
	vf_job_note(j,
		    "0x%08llx-0x%08llx holds something newer than what an interrupted run was to "
		    "put back there: it stays",
		    (unsigned long long)vf_job_sector_address(a, s),
		    (unsigned long long)vf_job_sector_address(a, s) + r->size - 1);
	give_up(j, r);
	s->record = 0;
	return VF_OK;
}

/* --- what an earlier run left ------------------------------------------------------- */

static vf_job_area *area_of(vf_job *j, uint8_t memory)
{
	for (size_t i = 0; i < j->areas; i++)
		if (j->area[i].index == memory)
			return &j->area[i];
	vf_job_area *a = &j->area[j->areas++];
	*a = (vf_job_area){.memory = &j->board.memory[memory], .index = memory};
	return a;
}

static bool fits(const vf_job *j, const vf_keep_record *r)
{
	if (r->memory >= j->board.welcome.memories)
		return false;
	const vf_memory *m = &j->board.memory[r->memory];
	return r->size == m->erase[0].size && r->address >= m->base &&
	       r->address - m->base < m->size && (r->address - m->base) % r->size == 0;
}

/* A record finds its sector, unless files name all of it now, or it was said that
 * what they do not name is of no account. */
static int attach(vf_job *j, size_t number, bool trusted)
{
	vf_keep_record *r = &j->keep.records[number];
	if (!fits(j, r)) {
		give_up(j, r);
		return VF_OK;
	}
	vf_job_area *a = area_of(j, r->memory);
	const uint32_t index = (r->address - a->memory->base) / r->size;
	size_t at = vf_job_sector_find(a, index);
	/* Without sectors `at` is the count. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	if ((at == a->count || a->sectors[at].index != index) &&
	    vf_job_map_add(j, a, index, 1) != VF_OK)
		return VF_E_NOMEM;
	vf_job_sector *s = &a->sectors[at];
	if (s->record != 0 || s->covered == r->size || (s->flags & VF_JOB_KEPT) != 0) {
		r->moot = true;
		return VF_OK;
	}
	s->record = (uint32_t)number + 1;
	return trusted ? accept(j, s, false) : VF_OK;
}

/* Somebody else was there: what is lost. */
static void say_others(vf_job *j)
{
	const vf_keep *k = &j->keep;
	vf_job_note(j, "the flash was changed by somebody else since a run was interrupted: the "
		       "bytes kept from it are older than what is there, and are not put back:");
	for (size_t i = 0; i < k->count; i++)
		vf_job_note(j, "  0x%08x-0x%08x", k->records[i].address,
			    k->records[i].address + (k->records[i].size - 1));
}

static int take_up(vf_job *j)
{
	const vf_welcome *w = &j->board.welcome;
	vf_keep *k = &j->keep;
	const bool journal = vf_job_has_journal(j) && k->session != 0;
	const uint64_t last = vf_job_last_session(j);
	int status = VF_OK;
	if (k->id_len != w->id_len || memcmp(k->id, w->id, k->id_len) != 0 ||
	    (journal && last != k->session && last != k->before)) {
		say_others(j);
		j->keep_stale = true;
		vf_keep_free(k, &j->alloc);
		return VF_OK;
	}
	for (size_t i = 0; i < k->count && status == VF_OK; i++)
		status = attach(j, i, journal);
	return status;
}

int vf_job_keep_load(vf_job *j)
{
	const vf_job_keeper *keeper = &j->config.keeper;
	const uint8_t *bytes = NULL;
	size_t len = 0;
	if (!vf_job_keeps(j) || !vf_job_changes(j))
		return VF_OK;
	const int status = keeper->load(keeper->ctx, &j->board, &bytes, &len, &j->result.error);
	if (status != VF_OK || len == 0)
		return status;
	j->keep_stored = true;
	switch (vf_keep_unpack(&j->keep, &j->alloc, bytes, len)) {
	case VF_OK:
		break;
	case VF_E_FILE:
		vf_job_note(j, "the bytes kept from an interrupted run are damaged, and are not "
			       "put back");
		j->keep_stale = true;
		return VF_OK;
	default:
		return vf_fail(&j->result.error, VF_E_NOMEM, "out of memory");
	}
	j->keep_loaded = (uint32_t)j->keep.count;
	if (take_up(j) != VF_OK)
		return vf_fail(&j->result.error, VF_E_NOMEM, "out of memory");
	return VF_OK;
}

/* --- before the first erase ------------------------------------------------------------ */

static int record_sector(vf_job *j, const vf_job_area *a, vf_job_sector *s)
{
	const uint32_t size = vf_job_sector_size(a);
	const bool scratch = j->config.scratch != VF_SCRATCH_NONE;
	if (s->record != 0 || (s->covered == size && !scratch) ||
	    (j->config.discard && s->covered > 0))
		return VF_OK;
	vf_keep_record *r = vf_keep_add(&j->keep, &j->alloc);
	if (r == NULL || !vf_job_scratch(j, size))
		return VF_E_NOMEM;
	r->memory = a->index;
	r->address = (uint32_t)vf_job_sector_address(a, s);
	r->size = size;
	r->seen_known = scratch || (s->flags & VF_JOB_WRITTEN) == 0;
	vf_job_content(a, j->image, s->index * size, j->scratch, size);
	if (scratch)
		memcpy(j->scratch, j->config.scratch_old, size);
	s->record = (uint32_t)j->keep.count;
	if (vf_keep_set(&r->wanted, j->scratch, size, &j->alloc) != VF_OK)
		return VF_E_NOMEM;
	if (!r->seen_known)
		return VF_OK;
	return vf_keep_set(&r->seen, scratch ? j->config.scratch_data : s->keep, size, &j->alloc);
}

static int record_area(vf_job *j, vf_job_area *a)
{
	const uint32_t size = vf_job_sector_size(a);
	int status = VF_OK;
	for (size_t i = 0; i < a->plan.count; i++) {
		const vf_plan_step *step = &a->plan.steps[i];
		const uint64_t end = ((uint64_t)step->offset + step->len) / size;
		if (step->kind != VF_PLAN_ERASE)
			continue;
		for (size_t k = vf_job_sector_find(a, step->offset / size);
		     status == VF_OK && k < a->count && a->sectors[k].index < end; k++)
			status = record_sector(j, a, &a->sectors[k]);
	}
	return status;
}

static bool anything_live(const vf_keep *k)
{
	for (size_t i = 0; i < k->count; i++)
		if (!k->records[i].moot)
			return true;
	return false;
}

/* Of no use to any run, perhaps to the person. */
static void set_aside(vf_job *j)
{
	const vf_job_keeper *keeper = &j->config.keeper;
	keeper->drop(keeper->ctx, &j->board, true);
	const char *path = keeper->where != NULL ? keeper->where(keeper->ctx) : NULL;
	if (path != NULL)
		vf_job_note(j,
			    "what was kept and not put back is set aside in %.260s; "
			    "docs/RELIABILITY.md says how to read it",
			    path);
	else if (keeper->where != NULL)
		vf_job_note(j, "what was kept and not put back could not be set aside");
}

/* Hands it to the keeper, unless he has it. */
static int save(vf_job *j)
{
	const vf_job_keeper *keeper = &j->config.keeper;
	uint8_t hash[VF_SHA256_SIZE];
	vf_sha256 h;
	size_t len;
	uint8_t *bytes = vf_keep_pack(&j->keep, &j->alloc, &len);
	if (bytes == NULL)
		return vf_fail(&j->result.error, VF_E_NOMEM, "out of memory");
	int status = VF_OK;
	vf_sha256_init(&h);
	vf_sha256_update(&h, bytes, len);
	vf_sha256_final(&h, hash);
	if (!j->keep_saved || memcmp(hash, j->keep_hash, sizeof hash) != 0) {
		if (j->keep_stored && j->keep_stale)
			set_aside(j);
		j->keep_stale = false;
		status = keeper->save(keeper->ctx, &j->board, bytes, len, &j->result.error);
		j->keep_saved = j->keep_stored = status == VF_OK;
		memcpy(j->keep_hash, hash, sizeof hash);
	}
	vf_free(&j->alloc, bytes);
	return status;
}

static void say_putting_back(vf_job *j)
{
	size_t sectors = 0;
	for (size_t i = 0; i < j->areas; i++)
		for (size_t k = 0; k < j->area[i].count; k++) {
			const vf_job_sector *s = &j->area[i].sectors[k];
			sectors += s->record != 0 && s->state != VF_SECTOR_SAME;
		}
	if (sectors > 0)
		vf_job_note(j,
			    "an interrupted run left %zu %s without bytes that no file names: "
			    "putting them back",
			    sectors, sectors == 1 ? "sector" : "sectors");
}

/* Is there a sector with bytes that no file names among what is to be erased? */
static bool erases_kept(const vf_job *j)
{
	for (size_t i = 0; i < j->areas; i++) {
		const vf_job_area *a = &j->area[i];
		const uint32_t size = vf_job_sector_size(a);
		for (size_t n = 0; n < a->plan.count; n++) {
			const vf_plan_step *p = &a->plan.steps[n];
			const uint64_t end = ((uint64_t)p->offset + p->len) / size;
			for (size_t k = vf_job_sector_find(a, p->offset / size);
			     p->kind == VF_PLAN_ERASE && k < a->count && a->sectors[k].index < end;
			     k++)
				if (a->sectors[k].keep != NULL)
					return true;
		}
	}
	return false;
}

/* Where there is a keeper but no telling whose bytes they would be. */
static void say_unkept(vf_job *j)
{
	if (j->config.keeper.save == NULL || j->keep_unkept || !erases_kept(j))
		return;
	j->keep_unkept = true;
	vf_job_note(j,
		    "the board has no unique id, so bytes that no file names cannot be kept in a "
		    "file meanwhile: do not pull the cable until this is done");
}

int vf_job_keep_secure(vf_job *j)
{
	const vf_welcome *w = &j->board.welcome;
	if (!vf_job_keeps(j)) {
		say_unkept(j);
		return VF_OK;
	}
	if (j->keep.count > 0 && !j->keep_saved)
		say_putting_back(j);
	for (size_t i = 0; i < j->areas; i++)
		if (record_area(j, &j->area[i]) != VF_OK)
			return vf_fail(&j->result.error, VF_E_NOMEM, "out of memory");
	if (!anything_live(&j->keep))
		return VF_OK;
	j->keep.id_len = w->id_len;
	memcpy(j->keep.id, w->id, sizeof j->keep.id);
	j->keep.session = vf_job_has_journal(j) ? vf_session_number(j->session) : 0;
	j->keep.before = vf_job_has_journal(j) ? vf_job_last_session(j) : 0;
	return save(j);
}

void vf_job_keep_done(vf_job *j)
{
	const vf_job_keeper *keeper = &j->config.keeper;
	if (j->keep_stored && j->keep_stale)
		set_aside(j);
	else if (j->keep_stored)
		keeper->drop(keeper->ctx, &j->board, false);
	j->keep_stored = j->keep_saved = false;
}
