/* Internal flash: two banks of sectors of 128 KB, written in words of 32 bytes, each
 * once after an erase, since its ECC is written with it.
 *
 * Nothing here waits: an erase takes seconds, and the link is served meanwhile, out of
 * ITCM. The sequences are those of RM0399, "FLASH read, program and erase operations",
 * and of stm32h7xx_hal_flash.c and stm32h7xx_hal_flash_ex.c; times are those of the data
 * sheet DS12930 at 64-bit parallelism, which is what the part has after reset.
 */
#include "internal.h"

#include <string.h>

#include "cortexm.h"
#include "layout.h"
#include "stm32h747.h"

enum { WORD = 32, PAGE = 256, WORD_US = 100, WORD_MAX_US = 200 };

/* Whatever of the status register can be cleared. */
#define ALL_FLAGS  0x1FEF0000u
#define BUSY_FLAGS (FLASH_SR_BSY | FLASH_SR_WBNE | FLASH_SR_QW)
#define ERROR_FLAGS                                                                                \
	(FLASH_SR_WRPERR | FLASH_SR_PGSERR | FLASH_SR_STRBERR | FLASH_SR_INCERR | FLASH_SR_OPERR)

static void protect(internal *n, uint32_t address, uint32_t len)
{
	vf_memory *m = &n->memory;

	m->protect[m->protects++] = (vf_range){address - m->base, len};
}

/* The loader in its first sector is protected, or out of sight. */
void internal_init(internal *n, bool stub, uint32_t hidden)
{
	const uint32_t base = H747_FLASH_ADDRESS + hidden;

	*n = (internal){
		.memory =
			{
				.name = "stm32h747-internal",
				.kind = VF_MEMORY_INTERNAL,
				.flags = VF_MEMORY_READ | VF_MEMORY_WRITE | VF_MEMORY_RUN,
				.dies = 1,
				.base = base,
				.size = H747_FLASH_SIZE - hidden,
				.page = PAGE,
				.unit = WORD,
				.page_typ_us = PAGE / WORD * WORD_US,
				.page_max_us = PAGE / WORD * WORD_MAX_US,
				.read_rate = 100000000,
				.erase_types = 1,
				.erase = {{H747_SECTOR_SIZE, 1000000, 2000000}},
			},
		.hidden = hidden,
	};
	if (hidden == 0)
		protect(n, H747_LOADER_ADDRESS, H747_SECTOR_SIZE);
	/* The journal's end and the stub's start touch. */
	protect(n, H747_JOURNAL_ADDRESS, (stub ? 3 : 2) * H747_SECTOR_SIZE);
}

/* --- reading --------------------------------------------------------------------- */

/* A word whose programming was cut by a power failure can have more errors than its ECC
 * mends, and reading it is a bus fault. So faults are ignored meanwhile (FAULTMASK with
 * BFHFNMIGN), which keeps interrupts out too: for 32 bytes at a time. What comes out
 * must not look like what should be there, or nobody would erase it: it is inverted. */
static void read_word(uint32_t address, uint8_t to[WORD])
{
	const volatile uint32_t *from = vf_reg(address);
	uint32_t bank = address >= H747_FLASH_ADDRESS + H747_BANK_SIZE, invert = 0;
	uint32_t words[WORD / 4];

	__asm__ volatile("cpsid f" ::: "memory");
	for (unsigned i = 0; i < WORD / 4; i++)
		words[i] = from[i];
	vf_barrier();
	if ((FLASH_SR(bank) & FLASH_SR_DBECCERR) != 0) {
		FLASH_CCR(bank) = FLASH_SR_DBECCERR;
		invert = 0xFFFFFFFF;
	}
	__asm__ volatile("cpsie f" ::: "memory");
	for (unsigned i = 0; i < WORD / 4; i++)
		words[i] ^= invert;
	memcpy(to, words, WORD);
}

void internal_read(uint32_t offset, uint8_t *to, uint32_t len)
{
	uint8_t word[WORD];

	SCB_CCR |= SCB_CCR_BFHFNMIGN;
	FLASH_CCR(0) = FLASH_SR_DBECCERR; /* somebody else's */
	FLASH_CCR(1) = FLASH_SR_DBECCERR;
	while (len != 0) {
		uint32_t at = offset % WORD, n = WORD - at < len ? WORD - at : len;
		read_word(H747_FLASH_ADDRESS + offset - at, word);
		memcpy(to, word + at, n);
		offset += n;
		to += n;
		len -= n;
	}
	SCB_CCR &= ~(uint32_t)SCB_CCR_BFHFNMIGN;
}

/* --- erasing and programming ------------------------------------------------------- */

static void unlock(uint32_t bank)
{
	if ((FLASH_CR(bank) & FLASH_CR_LOCK) != 0) {
		FLASH_KEYR(bank) = FLASH_KEY1;
		FLASH_KEYR(bank) = FLASH_KEY2;
	}
	FLASH_CCR(bank) = ALL_FLAGS;
}

static void begin_erase(const internal *n)
{
	uint32_t sector = n->op.offset % H747_BANK_SIZE / H747_SECTOR_SIZE;

	FLASH_CR(n->bank) = FLASH_CR_PSIZE64 | FLASH_CR_SER | sector << FLASH_CR_SNB_POS;
	FLASH_CR(n->bank) |= FLASH_CR_START;
}

/* Eight words in a row, in order, and nothing else on that bus between them. */
static void begin_word(const internal *n)
{
	volatile uint32_t *to = vf_reg(H747_FLASH_ADDRESS + n->op.offset + n->done);
	uint32_t words[WORD / 4];

	memcpy(words, n->op.data + n->done, WORD);
	FLASH_CR(n->bank) = FLASH_CR_PSIZE64 | FLASH_CR_PG;
	vf_barrier();
	for (unsigned i = 0; i < WORD / 4; i++)
		to[i] = words[i];
	vf_barrier();
}

static bool inside(const internal *n, const vf_flash_op *op)
{
	return op->offset <= n->memory.size && op->len <= n->memory.size - op->offset;
}

static int begin(void *self, const vf_flash_op *op)
{
	internal *n = self;
	uint32_t unit = op->kind == VF_FLASH_ERASE ? H747_SECTOR_SIZE : WORD;

	if (!inside(n, op))
		return VF_E_RANGE;
	n->op = *op;
	n->op.offset += n->hidden;
	n->done = 0;
	n->began = false;
	if (op->kind != VF_FLASH_ERASE && op->kind != VF_FLASH_PROGRAM)
		return VF_OK;
	if (op->offset % unit != 0 || op->len % unit != 0 || op->len == 0)
		return VF_E_RANGE;
	n->bank = n->op.offset >= H747_BANK_SIZE;
	unlock(n->bank);
	return VF_OK;
}

static int outcome(uint32_t sr, uint8_t kind)
{
	if ((sr & FLASH_SR_WRPERR) != 0)
		return VF_E_LOCKED;
	if ((sr & ERROR_FLAGS) != 0)
		return kind == VF_FLASH_ERASE ? VF_E_ERASE : VF_E_PROGRAM;
	return VF_OK;
}

/* One sector or one word at a time; true when all of it is over. */
static bool step(internal *n, int *status)
{
	uint32_t sr = FLASH_SR(n->bank);

	if ((sr & BUSY_FLAGS) != 0)
		return false;
	*status = outcome(sr, n->op.kind);
	if (n->began)
		n->done += n->op.kind == VF_FLASH_ERASE ? n->op.len : WORD;
	if (*status != VF_OK || n->done == n->op.len) {
		FLASH_CCR(n->bank) = ALL_FLAGS;
		FLASH_CR(n->bank) = FLASH_CR_PSIZE64;
		FLASH_CR(n->bank) |= FLASH_CR_LOCK;
		return true;
	}
	n->began = true;
	if (n->op.kind == VF_FLASH_ERASE)
		begin_erase(n);
	else
		begin_word(n);
	return false;
}

static bool poll(void *self, int *status)
{
	internal *n = self;

	if (n->op.kind == VF_FLASH_ERASE || n->op.kind == VF_FLASH_PROGRAM)
		return step(n, status);
	internal_read(n->op.offset, n->op.buf, n->op.len);
	*status = VF_OK;
	return true;
}

bool internal_erasing(const internal *n)
{
	return n->op.kind == VF_FLASH_ERASE && n->began && (FLASH_SR(n->bank) & BUSY_FLAGS) != 0;
}

vf_door internal_door(internal *n)
{
	return (vf_door){.self = n, .begin = begin, .poll = poll};
}
