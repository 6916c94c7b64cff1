/* frail.c - see frail.h. Words of 32 bytes take data once after an erase, of the journal's
 * memory everywhere, as an STM32H7's do: the journal must do with that.
 */
#include "frail.h"

static bool in_journal(const rig *r, unsigned memory, uint32_t offset)
{
	const vf_target_config *c = &r->config;
	return c->journal != NULL && memory == c->journal_memory &&
	       offset - c->journal_offset < 2 * c->journal_unit;
}

static uint8_t random_byte(frail *f)
{
	return (uint8_t)(rig_random(&f->seed) >> 7);
}

static void read_cells(rig *r, unsigned m, const vf_flash_op *op)
{
	frail *f = r->serve_ctx;
	for (uint32_t i = 0; i < op->len; i++) {
		uint8_t weak = f->weak[m][op->offset + i];
		uint8_t cell = r->flash[m].cells[op->offset + i];
		op->buf[i] = weak == 0 ? cell : (uint8_t)(cell ^ (weak & random_byte(f)));
	}
}

static void check_program(const rig *r, unsigned m, const vf_flash_op *op)
{
	const uint8_t *cells = r->flash[m].cells + op->offset;
	assert_int_equal((uintptr_t)op->data % 32, 0);
	assert_int_equal(op->offset / r->info[m].page,
			 (op->offset + op->len - 1) / r->info[m].page);
	if (!in_journal(r, m, op->offset))
		return;
	assert_int_equal(op->offset % VF_JOURNAL_RECORD, 0);
	for (uint32_t i = 0; i < op->len; i++)
		assert_int_equal(cells[i], 0xFF);
}

static void program_cells(rig *r, unsigned m, const vf_flash_op *op)
{
	frail *f = r->serve_ctx;
	for (uint32_t i = 0; i < op->len; i++) {
		uint32_t at = op->offset + i;
		if ((f->worn || (f->stuck != 0 && at == f->stuck)) && in_journal(r, m, at))
			continue;
		r->flash[m].cells[at] &= op->data[i];
		f->weak[m][at] &= op->data[i]; /* what is cleared once more is firm */
	}
}

/* Each bit on its way: there already, not begun, or reading as it likes. Now and then
 * everything still reads as it was, or as it should be but for a bit or two. */
static void tear(rig *r, unsigned m, const vf_flash_op *op)
{
	frail *f = r->serve_ctx;
	unsigned when = rig_random(&f->seed) % 4; /* early, in the middle twice, late */
	for (uint32_t i = 0; i < op->len; i++) {
		uint32_t at = op->offset + i;
		uint8_t *cell = &r->flash[m].cells[at];
		uint8_t to = op->kind == VF_FLASH_ERASE ? 0xFF : *cell & op->data[i];
		uint8_t moves = *cell ^ to;
		uint8_t few = random_byte(f) & random_byte(f) & random_byte(f);
		if (when == 0 || when == 3) {
			few &= when == 0 ? 0xFF
					 : random_byte(f) & random_byte(f) & random_byte(f) &
						   random_byte(f);
			f->weak[m][at] |= moves & few;
			*cell = when == 3 ? to : *cell;
			continue;
		}
		*cell ^= moves & random_byte(f);
		f->weak[m][at] |= moves & random_byte(f);
		if (op->kind == VF_FLASH_ERASE) /* erased cells are not spared either */
			f->weak[m][at] |= few;
	}
}

static int carry_out(rig *r, unsigned m, const vf_flash_op *op)
{
	frail *f = r->serve_ctx;
	switch (op->kind) {
	case VF_FLASH_ERASE:
		memset(r->flash[m].cells + op->offset, 0xFF, op->len);
		memset(f->weak[m] + op->offset, 0, op->len);
		if (in_journal(r, m, op->offset))
			f->erases++;
		break;
	case VF_FLASH_PROGRAM:
		program_cells(r, m, op);
		break;
	default:
		read_cells(r, m, op);
		break;
	}
	return VF_OK;
}

static int serve(rig *r, unsigned m, const vf_flash_op *op)
{
	frail *f = r->serve_ctx;
	bool changes = op->kind == VF_FLASH_ERASE || op->kind == VF_FLASH_PROGRAM;
	assert_true(op->len > 0 && op->offset < r->info[m].size &&
		    op->len <= r->info[m].size - op->offset);
	if (op->kind == VF_FLASH_PROGRAM)
		check_program(r, m, op);
	f->changed += changes && !in_journal(r, m, op->offset);
	if (++f->count != f->cut_at)
		return carry_out(r, m, op);
	f->hit = *op;
	if (f->how == FRAIL_TORN && changes)
		tear(r, m, op);
	else if (f->how == FRAIL_AFTER)
		(void)carry_out(r, m, op);
	r->dead = true;
	return VF_OK;
}

frail *frail_new(rig *r, uint8_t memory, uint32_t offset, uint32_t unit, uint64_t seed)
{
	frail *f = calloc(1, sizeof *f);
	vf_memory *info = &r->info[memory];
	assert_non_null(f);
	f->seed = seed;
	for (unsigned m = 0; m < 2; m++) {
		f->weak[m] = calloc(1, r->info[m].size);
		assert_non_null(f->weak[m]);
	}
	info->protect[info->protects++] = (vf_range){offset, 2 * unit};
	r->config.journal = malloc(sizeof *r->config.journal);
	memset(r->config.journal, 0xA5, sizeof *r->config.journal);
	r->config.journal_memory = memory;
	r->config.journal_offset = offset;
	r->config.journal_unit = unit;
	r->serve = serve;
	r->serve_ctx = f;
	assert_int_equal(rig_init(r), VF_OK);
	return f;
}

void frail_free(rig *r)
{
	frail *f = r->serve_ctx;
	free(f->weak[0]);
	free(f->weak[1]);
	free(f);
	free(r->config.journal);
}

void frail_cut_at(rig *r, uint32_t count, enum frail_cut how)
{
	frail *f = r->serve_ctx;
	f->count = 0;
	f->cut_at = count;
	f->how = how;
}

bool frail_is_weak(const rig *r, unsigned m, uint32_t offset, uint32_t len)
{
	const frail *f = r->serve_ctx;
	for (uint32_t i = 0; i < len; i++) {
		if (f->weak[m][offset + i] != 0)
			return true;
	}
	return false;
}

void frail_check_torn(rig *r, unsigned m, const vf_torn *torn)
{
	uint32_t at = 0;
	for (unsigned i = 0; i <= torn->count; i++) {
		uint32_t end = i < torn->count ? torn->range[i].offset : r->info[m].size;
		for (; at < end; at++) {
			if (frail_is_weak(r, m, at, 1) && !in_journal(r, m, at))
				fail_msg("memory %u: 0x%x is weak, and not torn", m, at);
		}
		if (i < torn->count)
			at = torn->range[i].offset + torn->range[i].len;
	}
}
