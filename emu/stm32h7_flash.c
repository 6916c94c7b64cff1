/* stm32h7_flash.c - the internal flash's two banks: unlocking, programming words
 * of 256 bits, erasing sectors of 128 KB, each in its time, and what goes wrong.
 * Option bytes are stm32h7_option.c's.
 *
 * Offsets, fields: stm32h747xx.h (FLASH_TypeDef, FLASH_CR_*, FLASH_SR_*). Keys:
 * FLASH_KEY1/2 of stm32h7xx_hal_flash.h. Sequences: stm32h7xx_hal_flash.c
 * (HAL_FLASH_Unlock, HAL_FLASH_Program) and stm32h7xx_hal_flash_ex.c
 * (FLASH_Erase_Sector, FLASH_MassErase). Times are unsourced (orders of magnitude
 * of the data sheet). A word takes effect when its time is over.
 *
 * While a bank is busy nothing may be read or fetched from it: the real bank
 * lets the bus wait, for seconds where it erases, and no program wants that.
 */
#include "stm32h7_flash.h"

#include <string.h>

static const vf_h7_register map[] = {
	{ACR, "ACR", 0x00000037, 0x0000003F},
	{KEYR, "KEYR1", 0, 0},
	{OPTKEYR, "OPTKEYR", 0, 0},
	{CR, "CR1", CR_LOCK, CR_WRITABLE},
	{SR, "SR1", 0, 0},
	{CCR, "CCR1", 0, 0},
	{OPTCR, "OPTCR", OPTCR_LOCK, 0x40000010},
	{OPTSR_CUR, "OPTSR_CUR", 0, 0},
	{OPTSR_PRG, "OPTSR_PRG", 0, 0xE3FEFFFC},
	{OPTCCR, "OPTCCR", 0, 0},
	{0x28, "PRAR_CUR1", 0x000000FF, 0},
	{0x2C, "PRAR_PRG1", 0x000000FF, 0},
	{0x30, "SCAR_CUR1", 0x000000FF, 0},
	{0x34, "SCAR_PRG1", 0x000000FF, 0},
	{WPSN_CUR, "WPSN_CUR1", 0xFF, 0},
	{WPSN_PRG, "WPSN_PRG1", 0xFF, 0xFF},
	{BOOT7_CUR, "BOOT7_CUR", 0, 0},
	{BOOT7_PRG, "BOOT7_PRG", 0, UINT32_MAX},
	{BOOT4_CUR, "BOOT4_CUR", 0, 0},
	{BOOT4_PRG, "BOOT4_PRG", 0, UINT32_MAX},
	{0x60, "ECC_FA1", 0, 0},
	{SECOND + KEYR, "KEYR2", 0, 0},
	{SECOND + CR, "CR2", CR_LOCK, CR_WRITABLE},
	{SECOND + SR, "SR2", 0, 0},
	{SECOND + CCR, "CCR2", 0, 0},
	{0x128, "PRAR_CUR2", 0x000000FF, 0},
	{0x12C, "PRAR_PRG2", 0x000000FF, 0},
	{0x130, "SCAR_CUR2", 0x000000FF, 0},
	{0x134, "SCAR_PRG2", 0x000000FF, 0},
	{SECOND + WPSN_CUR, "WPSN_CUR2", 0xFF, 0},
	{SECOND + WPSN_PRG, "WPSN_PRG2", 0xFF, 0xFF},
	{0x160, "ECC_FA2", 0, 0},
};

/* By PSIZE: a word's programming, a sector's erase. */
static const uint32_t program_ns[4] = {290000, 180000, 130000, 100000};
static const uint32_t erase_ms[4] = {2000, 1800, 1100, 1000};

static uint32_t *reg(vf_h7_flash *flash, unsigned bank, unsigned offset)
{
	return &flash->value[(offset + SECOND * bank) / 4];
}

static void interrupt(vf_h7_flash *flash)
{
	bool level = false;

	for (unsigned b = 0; b < 2; b++)
		level = level || (*reg(flash, b, SR) & *reg(flash, b, CR) & SR_FLAGS) != 0;
	vf_h7_irq(flash->unit.soc, 4, level);
}

/* What the real bank only flags ends the run all the same: no program means it. */
static void fault(vf_h7_flash *flash, unsigned bank, uint32_t flag, const char *what, uint32_t at)
{
	*reg(flash, bank, SR) |= flag;
	interrupt(flash);
	vf_h7_stop(&flash->unit, "%s at %08Xh in bank %u", what, (unsigned)(VF_H7_FLASH_BASE + at),
		   bank + 1);
}

static void open_bank(vf_h7_flash *flash, unsigned bank, bool open)
{
	static const char *const busy[2] = {
		"bank 1 of the internal flash is busy programming or erasing",
		"bank 2 of the internal flash is busy programming or erasing"};
	const vf_emu_bus *bus = flash->unit.soc->config.bus;

	bus->open(bus->context, VF_H7_FLASH_BASE + bank * VF_H7_FLASH_BANK, VF_H7_FLASH_BANK,
		  open ? VF_EMU_READ | VF_EMU_FETCH : VF_EMU_NONE, busy[bank]);
}

bool vf_h7_flash_busy(const vf_stm32h7 *soc, unsigned bank)
{
	return soc->flash.bank[bank].ends != 0;
}

static void apply(vf_h7_flash *flash, vf_h7_bank *bank)
{
	vf_stm32h7 *soc = flash->unit.soc;
	const vf_emu_bus *bus = soc->config.bus;
	uint8_t *cells = soc->config.flash + bank->at;

	if (bank->erasing) {
		memset(cells, 0xFF, bank->size);
		memset(flash->used + bank->at / VF_H7_FLASH_WORD / 8, 0,
		       bank->size / VF_H7_FLASH_WORD / 8);
		flash->erases += bank->size / VF_H7_FLASH_SECTOR;
	} else {
		for (unsigned i = 0; i < VF_H7_FLASH_WORD; i++)
			cells[i] &= bank->buffer[i];
		flash->programs++;
	}
	bus->changed(bus->context, VF_H7_FLASH_BASE + bank->at, bank->size);
}

static void settle(vf_h7_flash *flash, unsigned b, uint64_t now)
{
	vf_h7_bank *bank = &flash->bank[b];

	if (bank->ends == 0 || now < bank->ends)
		return;
	apply(flash, bank);
	bank->ends = 0;
	if (!bank->erasing)
		memset(bank->buffer, 0xFF, sizeof bank->buffer);
	*reg(flash, b, SR) |= SR_EOP;
	open_bank(flash, b, true);
	interrupt(flash);
}

static void begin(vf_h7_flash *flash, unsigned b, bool erasing, uint32_t at, uint32_t size)
{
	vf_h7_bank *bank = &flash->bank[b];
	const unsigned parallel = vf_h7_field(*reg(flash, b, CR), 4, 2);
	const uint64_t sectors = size / VF_H7_FLASH_SECTOR;
	const uint64_t takes =
		erasing ? sectors * erase_ms[parallel] * 1000000u : program_ns[parallel];

	bank->erasing = erasing;
	bank->at = at;
	bank->size = size;
	bank->ends = vf_h7_now(flash->unit.soc) + takes;
	open_bank(flash, b, false);
}

static bool protected_sector(vf_h7_flash *flash, unsigned b, uint32_t at)
{
	const unsigned sector = at % VF_H7_FLASH_BANK / VF_H7_FLASH_SECTOR;

	return (vf_h7_flash_options(flash->unit.soc)->protect[b] >> sector & 1) == 0;
}

static void program(vf_h7_flash *flash, unsigned b)
{
	vf_h7_bank *bank = &flash->bank[b];
	const uint32_t n = bank->word / VF_H7_FLASH_WORD;

	bank->have = 0;
	if (protected_sector(flash, b, bank->word)) {
		fault(flash, b, SR_WRPERR, "program of a protected sector", bank->word);
		return;
	}
	if ((flash->used[n / 8] >> n % 8 & 1) != 0)
		fault(flash, b, SR_PGSERR,
		      "a second program of a 256-bit word, which spoils its ECC,", bank->word);
	flash->used[n / 8] |= (uint8_t)(1u << n % 8);
	begin(flash, b, false, bank->word, VF_H7_FLASH_WORD);
}

/* The write buffer holds one word; while it is being programmed the bus waits. */
static void wait_idle(vf_h7_flash *flash, unsigned b)
{
	const vf_emu_bus *bus = flash->unit.soc->config.bus;
	const uint64_t ends = flash->bank[b].ends;

	if (ends == 0)
		return;
	if (bus->stall != NULL)
		bus->stall(bus->context, ends);
	settle(flash, b, ends);
}

static bool store(void *state, uint32_t address, unsigned size, uint32_t value)
{
	vf_h7_flash *flash = state;
	const uint32_t at = address - VF_H7_FLASH_BASE;
	const unsigned b = at / VF_H7_FLASH_BANK;
	vf_h7_bank *bank = &flash->bank[b];
	const uint32_t word = at / VF_H7_FLASH_WORD * VF_H7_FLASH_WORD;

	if ((*reg(flash, b, CR) & (CR_LOCK | CR_PG)) != CR_PG) {
		*reg(flash, b, SR) |= SR_PGSERR;
		return false;
	}
	settle(flash, b, vf_h7_now(flash->unit.soc));
	wait_idle(flash, b);
	if (bank->have == 0) {
		bank->word = word;
		memset(bank->buffer, 0xFF, sizeof bank->buffer);
	} else if (bank->word != word) {
		fault(flash, b, SR_INCERR, "a store outside the 256-bit word begun", at);
		return true;
	}
	for (unsigned i = 0; i < size; i++)
		bank->buffer[at - word + i] = (uint8_t)(value >> 8 * i);
	bank->have = (uint8_t)(bank->have + size);
	if (bank->have >= VF_H7_FLASH_WORD)
		program(flash, b);
	return true;
}

static void start_erase(vf_h7_flash *flash, unsigned b)
{
	const uint32_t control = *reg(flash, b, CR), base = b * VF_H7_FLASH_BANK;
	const uint32_t at = base + vf_h7_field(control, 8, 3) * VF_H7_FLASH_SECTOR;

	if (flash->bank[b].ends != 0 || flash->bank[b].have != 0 || (control & CR_PG) != 0) {
		fault(flash, b, SR_PGSERR, "an erase started while another operation is on", at);
	} else if ((control & CR_BER) != 0) {
		for (uint32_t s = 0; s < VF_H7_FLASH_BANK; s += VF_H7_FLASH_SECTOR)
			if (protected_sector(flash, b, base + s)) {
				fault(flash, b, SR_WRPERR, "erase of a protected bank", base + s);
				return;
			}
		begin(flash, b, true, base, VF_H7_FLASH_BANK);
	} else if ((control & CR_SER) == 0) {
		vf_h7_stop(&flash->unit, "START without SER or BER in bank %u", b + 1);
	} else if (protected_sector(flash, b, at)) {
		fault(flash, b, SR_WRPERR, "erase of a protected sector", at);
	} else {
		begin(flash, b, true, at, VF_H7_FLASH_SECTOR);
	}
}

static void write_control(vf_h7_flash *flash, unsigned b, uint32_t value)
{
	vf_h7_bank *bank = &flash->bank[b];
	const uint32_t old = *reg(flash, b, CR);

	if ((old & CR_LOCK) != 0) {
		if ((value & CR_LOCK) == 0)
			vf_h7_stop(&flash->unit, "CR%u written while locked", b + 1);
		return;
	}
	if (bank->ends != 0 && ((old ^ value) & ~(CR_LOCK | SR_FLAGS) & CR_WRITABLE) != 0) {
		vf_h7_stop(&flash->unit, "CR%u changed while the bank is busy", b + 1);
		return;
	}
	*reg(flash, b, CR) = value & CR_WRITABLE;
	if ((value & CR_FW) != 0 && bank->have != 0)
		program(flash, b);
	if ((value & CR_START) != 0)
		start_erase(flash, b);
	if ((value & CR_LOCK) != 0)
		bank->key = 0;
	interrupt(flash);
}

static void write_key(vf_h7_flash *flash, unsigned b, uint32_t value)
{
	static const uint32_t keys[2] = {0x45670123, 0xCDEF89AB};
	vf_h7_bank *bank = &flash->bank[b];

	if (bank->refused || bank->key > 1 || value != keys[bank->key]) {
		bank->refused = true; /* until the next reset */
		vf_h7_stop(&flash->unit, "%08Xh in KEYR%u, which locks the bank until a reset",
			   (unsigned)value, b + 1);
		return;
	}
	if (++bank->key == 2)
		*reg(flash, b, CR) &= ~CR_LOCK;
}

static uint32_t status(vf_h7_flash *flash, unsigned b)
{
	const vf_h7_bank *bank = &flash->bank[b];

	return *reg(flash, b, SR) | (bank->ends != 0 ? SR_BSY | SR_QW : 0) |
	       (bank->have != 0 ? SR_WBNE : 0);
}

static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	vf_h7_flash *flash = state;
	const unsigned b = offset >= SECOND;
	const uint32_t value = vf_h7_load(&flash->unit, offset, size);

	if (offset - SECOND * b == SR)
		return status(flash, b);
	if (offset >= OPTCR && offset <= BOOT4_PRG)
		return vf_h7_option_read(flash, offset, value);
	return value;
}

/* Both banks at once, by the option control register. */
static void mass_erase(vf_h7_flash *flash)
{
	for (unsigned b = 0; b < 2; b++)
		write_control(flash, b,
			      (*reg(flash, b, CR) & ~(uint32_t)CR_SER) | CR_BER | CR_START);
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_flash *flash = state;
	const unsigned b = offset >= SECOND;
	const uint32_t in_bank = offset - SECOND * b;

	if (size != 4 || vf_h7_find(&flash->unit, offset, true) == NULL) {
		(void)vf_h7_store(&flash->unit, offset, size, value);
		return;
	}
	if (in_bank == CR) {
		write_control(flash, b, value);
	} else if (in_bank == KEYR) {
		write_key(flash, b, value);
	} else if (in_bank == CCR) {
		*reg(flash, b, SR) &= ~(value & SR_FLAGS);
		interrupt(flash);
	} else if (vf_h7_option_write(flash, offset, value)) {
		if (offset == OPTCR && (value & OPTCR_MER) != 0)
			mass_erase(flash);
	} else if (vf_h7_store(&flash->unit, offset, size, value) && offset == ACR) {
		vf_h7_clock_check(flash->unit.soc);
	}
}

static uint64_t next(const void *state)
{
	const vf_h7_flash *flash = state;
	uint64_t first = VF_EMU_NEVER;

	for (unsigned b = 0; b < 2; b++)
		if (flash->bank[b].ends != 0 && flash->bank[b].ends < first)
			first = flash->bank[b].ends;
	if (flash->option_ends != 0 && flash->option_ends < first)
		first = flash->option_ends;
	return first;
}

static void advance(void *state, uint64_t now_ns)
{
	vf_h7_flash *flash = state;

	for (unsigned b = 0; b < 2; b++)
		settle(flash, b, now_ns);
	vf_h7_option_settle(flash, now_ns);
}

/* What a word or sector looks like whose time was cut short: some bits have
 * changed and some have not. */
static void tear(vf_h7_flash *flash, const vf_h7_bank *bank)
{
	vf_stm32h7 *soc = flash->unit.soc;
	uint8_t *cells = soc->config.flash + bank->at;
	uint64_t random = soc->config.seed ^ bank->ends;

	for (uint32_t i = 0; i < bank->size; i++) {
		const uint8_t wanted =
			bank->erasing ? 0xFF : bank->buffer[i % VF_H7_FLASH_WORD] & cells[i];
		uint8_t done;

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		done = (uint8_t)(random >> 56);
		cells[i] = (uint8_t)((cells[i] & ~done) | (wanted & done));
	}
	if (bank->erasing)
		memset(flash->used + bank->at / VF_H7_FLASH_WORD / 8, 0xFF,
		       bank->size / VF_H7_FLASH_WORD / 8);
}

void vf_stm32h7_power_cut(vf_stm32h7 *soc)
{
	vf_h7_flash *flash = &soc->flash;

	for (unsigned b = 0; b < 2; b++) {
		if (flash->bank[b].ends != 0)
			tear(flash, &flash->bank[b]);
		flash->bank[b].ends = 0;
	}
	flash->option_ends = 0;
}

/* A reset ends what runs, torn as by a power cut. */
static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_flash *flash = state;

	(void)cause;
	vf_stm32h7_power_cut(flash->unit.soc);
	memset(flash->bank, 0, sizeof flash->bank);
	vf_h7_defaults(&flash->unit);
	vf_h7_option_reset(flash);
	for (unsigned b = 0; b < 2; b++)
		open_bank(flash, b, true);
	interrupt(flash);
}

/* What is not blank counts as programmed. */
static void find_used(vf_h7_flash *flash)
{
	static const uint8_t blank[VF_H7_FLASH_WORD] = {
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
	const uint8_t *cells = flash->unit.soc->config.flash;

	memset(flash->used, 0, sizeof flash->used);
	for (uint32_t n = 0; n < VF_H7_FLASH_WORDS; n++)
		if (memcmp(cells + (size_t)n * VF_H7_FLASH_WORD, blank, sizeof blank) != 0)
			flash->used[n / 8] |= (uint8_t)(1u << n % 8);
}

unsigned vf_h7_flash_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	vf_h7_flash *flash = &soc->flash;

	flash->unit = (vf_h7_unit){.soc = soc,
				   .name = "FLASH",
				   .map = map,
				   .registers = sizeof map / sizeof *map,
				   .value = flash->value};
	vf_h7_options_default(&flash->own);
	find_used(flash);
	soc->flash_window = (vf_emu_window){.base = VF_H7_FLASH_BASE,
					    .size = 2 * VF_H7_FLASH_BANK,
					    .bytes = soc->config.flash,
					    .by = VF_EMU_BY_ALL & ~(unsigned)VF_EMU_BY_BDMA,
					    .store = store};
	*device = (vf_emu_device){.name = "FLASH",
				  .base = 0x52002000,
				  .size = 0x400,
				  .state = flash,
				  .window = &soc->flash_window,
				  .windows = 1,
				  .read = read_register,
				  .write = write_register,
				  .next_ns = next,
				  .advance = advance,
				  .reset = reset};
	return 1;
}
