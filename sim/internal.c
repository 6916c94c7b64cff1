/* internal.c - the internal flash of an STM32H7 as its driver sees it.
 *
 * Two megabytes in sectors of 128 KB, written in words of 32 bytes. Each word
 * carries an ECC that is written with it: a word takes data once after an
 * erase, even if that was all ones. Times are those of the STM32H7 data sheets
 * (DS12110, DS12930: flash memory programming) at 64-bit parallelism.
 */
#include "board.h"

#include <string.h>

enum {
	WORD_US = 100,
	WORD_MAX_US = 200,
	ERASE_US = 1000000,
	ERASE_MAX_US = 2000000,
	PAGE = 256, /* eight words an operation */
	READ_RATE = 100000000,
};

static const vf_memory description = {
	.name = "stm32h7-internal",
	.kind = VF_MEMORY_INTERNAL,
	.flags = VF_MEMORY_READ | VF_MEMORY_WRITE | VF_MEMORY_RUN,
	.dies = 1,
	.base = VF_SIM_INTERNAL_BASE,
	.size = VF_SIM_INTERNAL_SIZE,
	.page = PAGE,
	.unit = VF_SIM_INTERNAL_WORD,
	.page_typ_us = PAGE / VF_SIM_INTERNAL_WORD * WORD_US,
	.page_max_us = PAGE / VF_SIM_INTERNAL_WORD * WORD_MAX_US,
	.read_rate = READ_RATE,
	.erase_types = 1,
	.protects = 1,
	.erase = {{.size = VF_SIM_INTERNAL_SECTOR, .typ_us = ERASE_US, .max_us = ERASE_MAX_US}},
	.protect = {{.offset = 0, .len = VF_SIM_INTERNAL_SECTOR}},
};

static bool is_written(const vf_sim_internal *m, uint32_t word)
{
	return (m->written[word / 8] >> word % 8 & 1) != 0;
}

static void set_written(vf_sim_internal *m, uint32_t word, bool written)
{
	uint8_t bit = (uint8_t)(1u << word % 8);
	if (written)
		m->written[word / 8] |= bit;
	else
		m->written[word / 8] &= (uint8_t)~bit;
}

static bool is_blank(const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (bytes[i] != 0xFF)
			return false;
	return true;
}

void vf_sim_internal_init(vf_sim_internal *m, uint8_t *array, uint32_t time_percent, uint64_t seed)
{
	*m = (vf_sim_internal){.array = array,
			       .time_percent = time_percent,
			       .rng = {.state = seed},
			       .info = description};
	for (uint32_t w = 0; w < VF_SIM_INTERNAL_WORDS; w++)
		set_written(
			m, w,
			!is_blank(array + (size_t)w * VF_SIM_INTERNAL_WORD, VF_SIM_INTERNAL_WORD));
}

static uint64_t duration(vf_sim_internal *m, uint64_t typ_us, uint64_t max_us)
{
	uint64_t least = typ_us * 6 / 10;
	if (m->time_percent != VF_SIM_TIME_RANDOM)
		return typ_us * m->time_percent / 100;
	return least + vf_sim_rng_next(&m->rng) % (max_us - least + 1);
}

/* The driver looks before it writes: a second write would not fail by itself,
 * but leave a word that no read can make sense of. */
static int program_status(const vf_sim_internal *m, const vf_flash_op *op)
{
	uint32_t first = op->offset / VF_SIM_INTERNAL_WORD, count = op->len / VF_SIM_INTERNAL_WORD;
	for (uint32_t w = first; w < first + count; w++)
		if (is_written(m, w))
			return VF_E_PROGRAM;
	return VF_OK;
}

void vf_sim_internal_begin(vf_sim_internal *m, const vf_flash_op *op, uint64_t now)
{
	uint64_t us = 0;
	m->op = *op;
	m->busy = true;
	m->status = VF_OK;
	m->began = now;
	if (op->kind == VF_FLASH_PROGRAM) {
		uint64_t words = op->len / VF_SIM_INTERNAL_WORD;
		m->status = program_status(m, op);
		if (m->status == VF_OK)
			us = duration(m, words * WORD_US, words * WORD_MAX_US);
	} else if (op->kind == VF_FLASH_ERASE) {
		us = duration(m, ERASE_US, ERASE_MAX_US);
	} else if (m->time_percent != 0) {
		us = op->len / (READ_RATE / 1000000);
	}
	m->ends = now + us;
}

static void program_words(vf_sim_internal *m, uint32_t count)
{
	uint32_t first = m->op.offset / VF_SIM_INTERNAL_WORD;
	memcpy(m->array + m->op.offset, m->op.data, (size_t)count * VF_SIM_INTERNAL_WORD);
	for (uint32_t w = first; w < first + count; w++)
		set_written(m, w, true);
}

static void erase_sector(vf_sim_internal *m)
{
	uint32_t first = m->op.offset / VF_SIM_INTERNAL_WORD;
	memset(m->array + m->op.offset, 0xFF, m->op.len);
	for (uint32_t w = first; w < first + m->op.len / VF_SIM_INTERNAL_WORD; w++)
		set_written(m, w, false);
}

int vf_sim_internal_end(vf_sim_internal *m)
{
	m->busy = false;
	if (m->status != VF_OK)
		return m->status;
	if (m->op.kind == VF_FLASH_PROGRAM)
		program_words(m, m->op.len / VF_SIM_INTERNAL_WORD);
	else if (m->op.kind == VF_FLASH_ERASE)
		erase_sector(m);
	else
		memcpy(m->op.buf, m->array + m->op.offset, m->op.len);
	return VF_OK;
}

/* Words that were due are written, the one under way is half so. */
static void tear_program(vf_sim_internal *m, uint64_t now)
{
	uint32_t words = m->op.len / VF_SIM_INTERNAL_WORD;
	uint64_t whole = m->ends - m->began;
	uint32_t done = whole == 0 ? words : (uint32_t)((now - m->began) * words / whole);
	if (done >= words) {
		program_words(m, words);
		return;
	}
	program_words(m, done);
	uint32_t at = m->op.offset + done * VF_SIM_INTERNAL_WORD;
	for (uint32_t i = 0; i < VF_SIM_INTERNAL_WORD; i++)
		m->array[at + i] &= (uint8_t)(m->op.data[done * VF_SIM_INTERNAL_WORD + i] |
					      vf_sim_rng_next(&m->rng));
	set_written(m, at / VF_SIM_INTERNAL_WORD, true);
}

/* Any bit may be erased already; no word can be written before an erase that
 * ended. */
static void tear_erase(vf_sim_internal *m)
{
	uint32_t end = m->op.offset + m->op.len;
	for (uint32_t i = m->op.offset; i < end; i++)
		m->array[i] |= (uint8_t)vf_sim_rng_next(&m->rng);
	for (uint32_t w = m->op.offset / VF_SIM_INTERNAL_WORD; w < end / VF_SIM_INTERNAL_WORD; w++)
		set_written(m, w, true);
}

void vf_sim_internal_tear(vf_sim_internal *m, uint64_t now)
{
	if (!m->busy)
		return;
	m->busy = false;
	if (m->op.kind == VF_FLASH_PROGRAM && m->status == VF_OK)
		tear_program(m, now);
	else if (m->op.kind == VF_FLASH_ERASE)
		tear_erase(m);
}
