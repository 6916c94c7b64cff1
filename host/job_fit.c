/* job_fit.c - does what is asked fit the board? Everything is checked here,
 * before anything is changed: addresses, sizes, rights, protected ranges. */
#include <vcpflash/doctor.h>

#include "job_internal.h"

enum { LIST_MAX = 200, NAME_MAX_SHOWN = 100 };

/* The end of a long name is what tells files apart. */
static const char *short_name(const char *name)
{
	const size_t len = strlen(name);
	return len > NAME_MAX_SHOWN ? name + (len - NAME_MAX_SHOWN) : name;
}

static const char *source_name(const vf_image *image, const vf_segment *s)
{
	return s->source < image->source_count ? short_name(image->sources[s->source].name)
					       : "the image";
}

static uint64_t memory_end(const vf_memory *m)
{
	return (uint64_t)m->base + m->size;
}

static uint32_t last_address(const vf_memory *m)
{
	return (uint32_t)(memory_end(m) - 1);
}

const vf_memory *vf_job_memory_at(const vf_job *j, uint64_t address, uint8_t *index)
{
	for (uint8_t i = 0; i < j->board.welcome.memories; i++) {
		const vf_memory *m = &j->board.memory[i];
		if (address >= m->base && address < memory_end(m)) {
			*index = i;
			return m;
		}
	}
	return NULL;
}

static const vf_memory *external_memory(const vf_job *j)
{
	for (unsigned i = 0; i < j->board.welcome.memories; i++)
		if (j->board.memory[i].kind == VF_MEMORY_NOR)
			return &j->board.memory[i];
	return NULL;
}

/* "MT25QL512AB 0x90000000-0x97ffffff, internal 0x08000000-0x081fffff" */
static void list_memories(const vf_job *j, char out[LIST_MAX])
{
	size_t at = 0;
	out[0] = '\0';
	for (unsigned i = 0; i < j->board.welcome.memories && at < LIST_MAX; i++) {
		const vf_memory *m = &j->board.memory[i];
		const int n = snprintf(out + at, LIST_MAX - at, "%s%s 0x%08x-0x%08x",
				       i == 0 ? "" : ", ", m->name, m->base, last_address(m));
		at += n > 0 ? (size_t)n : 0;
	}
}

/* Where the board could not make its chip out there is nothing to be read or written. */
static int chip_there(vf_job *j, const vf_memory *m)
{
	const vf_condition *c = &j->board.condition[m - j->board.memory];
	if (!c->known || c->probe == VF_PROBE_GOOD)
		return VF_OK;
	return vf_fail(&j->result.error, VF_E_FLASH,
		       "the board's flash at 0x%08x, whose id reads %02x %02x %02x: %s", m->base,
		       m->id[0], m->id[1], m->id[2], vf_condition_probe(c));
}

static void nowhere(vf_job *j, const char *who, uint64_t start, uint64_t end)
{
	char list[LIST_MAX];
	for (unsigned i = 0; i < j->board.welcome.memories; i++)
		if (chip_there(j, &j->board.memory[i]) != VF_OK)
			return;
	list_memories(j, list);
	(void)vf_fail(&j->result.error, VF_E_REFUSED,
		      "%s%s0x%08llx-0x%08llx is in no memory of this board (it has %s)", who,
		      who[0] == '\0' ? "" : ": ", (unsigned long long)start,
		      (unsigned long long)(end - 1), list);
}

static int too_large(vf_job *j, const char *who, const vf_memory *m, uint64_t start, uint64_t end)
{
	if (chip_there(j, m) != VF_OK)
		return j->result.error.code;
	return vf_fail(
		&j->result.error, VF_E_REFUSED,
		"%s%s0x%08llx-0x%08llx goes past the end of %s, which is 0x%08x: %llu bytes too "
		"many",
		who, who[0] == '\0' ? "" : ": ", (unsigned long long)start,
		(unsigned long long)(end - 1), m->name, last_address(m),
		(unsigned long long)(end - memory_end(m)));
}

/* --- rights and protection ------------------------------------------------- */

static int may_read(vf_job *j, const vf_memory *m)
{
	if (chip_there(j, m) != VF_OK)
		return j->result.error.code;
	if ((m->flags & VF_MEMORY_READ) != 0)
		return VF_OK;
	return vf_fail(&j->result.error, VF_E_REFUSED, "the board does not let %s be read",
		       m->name);
}

static int may_write(vf_job *j, const vf_memory *m)
{
	if (chip_there(j, m) != VF_OK)
		return j->result.error.code;
	if ((m->flags & VF_MEMORY_WRITE) == 0)
		return vf_fail(&j->result.error, VF_E_REFUSED,
			       "the board does not let %s (0x%08x-0x%08x) be changed", m->name,
			       m->base, last_address(m));
	if ((m->flags & VF_MEMORY_READ) == 0)
		return vf_fail(&j->result.error, VF_E_REFUSED,
			       "the board does not let %s be read, so nothing written there could "
			       "be checked",
			       m->name);
	return VF_OK;
}

/* The erase units that [start, end) touches must be free of protected ranges:
 * erasing any of them would change what the board keeps. */
static int unprotected(vf_job *j, const char *who, const vf_memory *m, uint64_t start, uint64_t end)
{
	const uint64_t sector = m->erase[0].size;
	const uint64_t from = (start - m->base) / sector * sector;
	const uint64_t to = (end - m->base + sector - 1) / sector * sector;
	for (unsigned i = 0; i < m->protects; i++) {
		const uint64_t p = m->protect[i].offset;
		const uint64_t p_end = p + m->protect[i].len;
		if (m->protect[i].len == 0 || from >= p_end || to <= p)
			continue;
		return vf_fail(&j->result.error, VF_E_REFUSED,
			       "%s%s0x%08llx-0x%08llx touches 0x%08llx-0x%08llx of %s, which this "
			       "board protects; nothing was changed",
			       who, who[0] == '\0' ? "" : ": ", (unsigned long long)start,
			       (unsigned long long)(end - 1), (unsigned long long)(m->base + p),
			       (unsigned long long)(m->base + p_end - 1), m->name);
	}
	return VF_OK;
}

/* --- the image ------------------------------------------------------------- */

/* A segment may run from one memory into the next that begins where it ends. */
static int fit_segment(vf_job *j, const vf_segment *s, bool write)
{
	const char *who = source_name(j->image, s);
	const uint64_t end = (uint64_t)s->addr + s->len;
	const vf_memory *before = NULL;
	for (uint64_t at = s->addr; at < end;) {
		uint8_t index;
		const vf_memory *m = vf_job_memory_at(j, at, &index);
		if (m == NULL && before != NULL)
			return too_large(j, who, before, s->addr, end);
		if (m == NULL) {
			nowhere(j, who, s->addr, end);
			return j->result.error.code;
		}
		const uint64_t stop = end < memory_end(m) ? end : memory_end(m);
		int status = write ? may_write(j, m) : may_read(j, m);
		if (status == VF_OK && write)
			status = unprotected(j, who, m, at, stop);
		if (status != VF_OK)
			return status;
		before = m;
		at = stop;
	}
	return VF_OK;
}

static int fit_image(vf_job *j, bool write)
{
	for (size_t i = 0; i < j->image->segment_count; i++) {
		int status = fit_segment(j, &j->image->segments[i], write);
		if (status != VF_OK)
			return status;
	}
	j->result.image_bytes = vf_image_bytes(j->image);
	return VF_OK;
}

/* --- addresses from the command line --------------------------------------- */

/* Finds the memory of [address, +length) by the rule of offset_ok. */
static const vf_memory *resolve(vf_job *j, uint64_t address, uint64_t length, uint8_t *index)
{
	const vf_memory *m = vf_job_memory_at(j, address, index);
	const vf_memory *external = external_memory(j);
	if (m == NULL && j->config.offset_ok && external != NULL && address < external->size) {
		m = external;
		address += m->base;
		*index = (uint8_t)(m - j->board.memory);
	}
	if (m == NULL) {
		nowhere(j, "", address, address + (length > 0 ? length : 1));
		return NULL;
	}
	if (address + length > memory_end(m)) {
		(void)too_large(j, "", m, address, address + length);
		return NULL;
	}
	j->address = (uint32_t)address;
	return m;
}

static int fit_reading(vf_job *j)
{
	uint8_t index;
	const vf_memory *m = resolve(j, j->config.address, j->config.length, &index);
	return m == NULL ? j->result.error.code : may_read(j, m);
}

static int blank_range(vf_job *j, uint64_t start, uint64_t end)
{
	if (start >= end)
		return VF_OK;
	return vf_image_add_blank(&j->blank, "what is to be erased", (uint32_t)start,
				  (uint32_t)(end - start), &j->result.error);
}

static int fit_erase(vf_job *j)
{
	uint8_t index;
	const vf_memory *m = resolve(j, j->config.address, j->config.length, &index);
	if (m == NULL)
		return j->result.error.code;
	const uint64_t end = (uint64_t)j->address + j->config.length;
	int status = may_write(j, m);
	if (status == VF_OK)
		status = unprotected(j, "", m, j->address, end);
	if (status == VF_OK)
		status = blank_range(j, j->address, end);
	j->image = &j->blank;
	j->result.image_bytes = j->config.length;
	return status;
}

/* The first protected range that ends after `at`, in whole sectors. */
static bool next_protected(const vf_memory *m, uint64_t at, uint64_t *start, uint64_t *end)
{
	const uint64_t sector = m->erase[0].size;
	bool found = false;
	for (unsigned i = 0; i < m->protects; i++) {
		const uint64_t p_end = (uint64_t)m->protect[i].offset + m->protect[i].len;
		const uint64_t from = m->protect[i].offset / sector * sector;
		const uint64_t to = (p_end + sector - 1) / sector * sector;
		if (m->protect[i].len == 0 || to <= at || (found && from >= *start))
			continue;
		*start = from;
		*end = to;
		found = true;
	}
	return found;
}

/* All of a memory but what the board protects. */
static int fit_chip(vf_job *j)
{
	uint8_t index = 0;
	const vf_memory *m = NULL;
	if (j->config.address == 0 && !j->config.has_address)
		m = external_memory(j);
	if (m == NULL)
		m = resolve(j, j->config.address, 1, &index);
	if (m == NULL)
		return j->result.error.code;
	int status = may_write(j, m);
	uint64_t at = 0;
	while (status == VF_OK && at < m->size) {
		uint64_t from = m->size;
		uint64_t to = from;
		if (next_protected(m, at, &from, &to))
			vf_job_note(j, "0x%08llx-0x%08llx is protected by the board and stays",
				    m->base + (unsigned long long)from,
				    m->base + (unsigned long long)to - 1);
		status = blank_range(j, m->base + at, m->base + from);
		at = to;
	}
	j->image = &j->blank;
	j->result.image_bytes = vf_image_bytes(&j->blank);
	return status;
}

/* --- starting an application ----------------------------------------------- */

static int may_run(vf_job *j, const vf_memory *m)
{
	if (j->config.kind == VF_JOB_RUN && j->board.welcome.set == VF_SET_INCOMPLETE)
		return vf_fail(
			&j->result.error, VF_E_REFUSED,
			"what is in the flash is not complete, a run was interrupted: program "
			"it again (info lists what is missing)");
	if ((j->board.welcome.capabilities & VF_CAP_RUN) == 0)
		return vf_fail(&j->result.error, VF_E_REFUSED,
			       "this board's loader does not start applications: press its reset "
			       "button instead");
	if ((m->flags & VF_MEMORY_RUN) == 0)
		return vf_fail(&j->result.error, VF_E_REFUSED,
			       "no code can run from %s (0x%08x-0x%08x)", m->name, m->base,
			       last_address(m));
	return VF_OK;
}

static int fit_run(vf_job *j)
{
	uint8_t index;
	const vf_memory *m = NULL;
	if (j->config.has_address) {
		m = resolve(j, j->config.address, 8, &index);
		return m == NULL ? j->result.error.code : may_run(j, m);
	}
	for (unsigned i = 0; i < j->board.welcome.memories && m == NULL; i++) {
		const vf_memory *each = &j->board.memory[i];
		if (each->kind == VF_MEMORY_NOR && (each->flags & VF_MEMORY_RUN) != 0)
			m = each;
	}
	if (m == NULL)
		return vf_fail(&j->result.error, VF_E_REFUSED,
			       "this board has no external memory that code can run from: name the "
			       "application's address");
	j->address = m->base;
	return may_run(j, m);
}

/* RUN after PROGRAM: the first vector table that code can be started from; one
 * whose reset vector lies outside the image only if there is no better. */
static int fit_run_after(vf_job *j)
{
	enum { TABLES = 16 };
	vf_vector_table table[TABLES];
	size_t count = vf_image_vectors(j->image, table, TABLES);
	const vf_vector_table *best = NULL;
	const vf_memory *home = NULL;
	uint8_t index;
	if (count > TABLES)
		count = TABLES;
	for (size_t i = 0; i < count; i++) {
		const vf_memory *m = vf_job_memory_at(j, table[i].addr, &index);
		if (m == NULL || (m->flags & VF_MEMORY_RUN) == 0)
			continue;
		if (best == NULL ||
		    (best->verdict != VF_VECTOR_GOOD && table[i].verdict == VF_VECTOR_GOOD)) {
			best = &table[i];
			home = m;
		}
	}
	if (best == NULL)
		return vf_fail(&j->result.error, VF_E_REFUSED,
			       "there is no application to start afterwards: no file has a vector "
			       "table where this board can run code; nothing was changed");
	j->address = best->addr;
	return may_run(j, home);
}

static int fit_compress(vf_job *j)
{
	if (j->config.compress != VF_COMPRESS_ON || vf_job_can_pack(j))
		return VF_OK;
	return vf_fail(&j->result.error, VF_E_REFUSED,
		       "this board's loader does not unpack compressed data: leave compression "
		       "at auto, or update the loader");
}

int vf_job_fit(vf_job *j)
{
	int status;
	if ((vf_job_changes(j) || j->config.kind == VF_JOB_RUN) &&
	    j->board.welcome.set == VF_SET_UNREADABLE)
		return vf_fail(&j->result.error, VF_E_FLASH,
			       "the board cannot read its journal, so it changes and starts "
			       "nothing. Each run makes it try again; doctor tells whether its "
			       "flash is at fault");
	switch (j->config.kind) {
	case VF_JOB_PROGRAM:
		status = fit_image(j, true);
		if (status == VF_OK)
			status = fit_compress(j);
		if (status == VF_OK && j->config.run_after)
			status = fit_run_after(j);
		return status;
	case VF_JOB_VERIFY:
		return fit_image(j, false);
	case VF_JOB_READ:
	case VF_JOB_DIGEST:
		return fit_reading(j);
	case VF_JOB_ERASE:
		return fit_erase(j);
	case VF_JOB_ERASE_CHIP:
		return fit_chip(j);
	case VF_JOB_RUN:
		return fit_run(j);
	default:
		return VF_OK;
	}
}
