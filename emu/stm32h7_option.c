/* stm32h7_option.c - option bytes: who boots and from where, sector protection;
 * the unlock sequence and the time a change takes.
 *
 * Offsets, fields: stm32h747xx.h (FLASH_OPTSR_*, FLASH_BOOT4_*, FLASH_BOOT7_*).
 * Keys: FLASH_OPT_KEY1/2 of stm32h7xx_hal_flash.h. Sequence: HAL_FLASH_OB_Unlock,
 * HAL_FLASH_OB_Launch, stm32h7xx_hal_flash_ex.c (FLASH_OB_CM4BootAddConfig). The
 * values as delivered and the time are unsourced. Read protection, secure areas
 * and bank swapping are not modelled.
 */
#include "stm32h7_flash.h"

enum { CHANGE_MS = 20, SWAP = 31 };

void vf_h7_options_default(vf_h7_options *options)
{
	*options = (vf_h7_options){.status = 0x13C6AAF0,
				   .boot7 = 0x1FF00800,
				   .boot4 = 0x10000810,
				   .protect = {0xFF, 0xFF}};
}

static vf_h7_options *options_of(vf_h7_flash *flash)
{
	vf_h7_options *kept = flash->unit.soc->config.options;

	return kept != NULL ? kept : &flash->own;
}

const vf_h7_options *vf_h7_flash_options(const vf_stm32h7 *soc)
{
	return soc->config.options != NULL ? soc->config.options : &soc->flash.own;
}

uint32_t vf_h7_option_read(const vf_h7_flash *flash, uint32_t offset, uint32_t value)
{
	const vf_h7_options *options = vf_h7_flash_options(flash->unit.soc);

	switch (offset) {
	case OPTSR_CUR:
		return (options->status & ~1u) | (flash->option_ends != 0 ? 1 : 0);
	case BOOT7_CUR:
		return options->boot7;
	case BOOT4_CUR:
		return options->boot4;
	case WPSN_CUR:
		return options->protect[0];
	default:
		return value;
	}
}

static void write_key(vf_h7_flash *flash, uint32_t value)
{
	static const uint32_t keys[2] = {0x08192A3B, 0x4C5D6E7F};

	if (flash->option_refused || flash->option_key > 1 || value != keys[flash->option_key]) {
		flash->option_refused = true;
		vf_h7_stop(&flash->unit, "%08Xh in OPTKEYR, which locks options until a reset",
			   (unsigned)value);
		return;
	}
	if (++flash->option_key == 2)
		flash->value[OPTCR / 4] &= ~OPTCR_LOCK;
}

static void write_control(vf_h7_flash *flash, uint32_t value)
{
	uint32_t *control = &flash->value[OPTCR / 4];

	if ((*control & OPTCR_LOCK) != 0) {
		if ((value & OPTCR_LOCK) == 0)
			vf_h7_stop(&flash->unit, "OPTCR written while locked");
		return;
	}
	*control = value & (OPTCR_LOCK | 0x40000000u);
	if ((value & OPTCR_LOCK) != 0)
		flash->option_key = 0;
	if ((value & OPTCR_START) == 0)
		return;
	if ((flash->value[OPTSR_PRG / 4] >> SWAP) != 0) {
		vf_h7_stop(&flash->unit, "bank swapping, which is not modelled");
		return;
	}
	flash->option_ends = vf_h7_now(flash->unit.soc) + CHANGE_MS * UINT64_C(1000000);
}

bool vf_h7_option_write(vf_h7_flash *flash, uint32_t offset, uint32_t value)
{
	const bool to_program = offset == OPTSR_PRG || offset == BOOT7_PRG || offset == BOOT4_PRG ||
				offset == WPSN_PRG || offset == SECOND + WPSN_PRG;

	if (offset == OPTKEYR) {
		write_key(flash, value);
	} else if (offset == OPTCR) {
		write_control(flash, value);
	} else if (to_program && (flash->value[OPTCR / 4] & OPTCR_LOCK) != 0) {
		vf_h7_stop(&flash->unit, "option register at %03Xh written while locked",
			   (unsigned)offset);
		return true;
	} else {
		return false;
	}
	return true;
}

void vf_h7_option_settle(vf_h7_flash *flash, uint64_t now_ns)
{
	vf_h7_options *options = options_of(flash);

	if (flash->option_ends == 0 || now_ns < flash->option_ends)
		return;
	flash->option_ends = 0;
	options->status = flash->value[OPTSR_PRG / 4];
	options->boot7 = flash->value[BOOT7_PRG / 4];
	options->boot4 = flash->value[BOOT4_PRG / 4];
	options->protect[0] = flash->value[WPSN_PRG / 4];
	options->protect[1] = flash->value[(SECOND + WPSN_PRG) / 4];
	flash->value[(SECOND + WPSN_CUR) / 4] = options->protect[1];
}

void vf_h7_option_reset(vf_h7_flash *flash)
{
	const vf_h7_options *options = options_of(flash);

	flash->option_key = 0;
	flash->option_refused = false;
	flash->value[OPTSR_PRG / 4] = options->status;
	flash->value[BOOT7_PRG / 4] = options->boot7;
	flash->value[BOOT4_PRG / 4] = options->boot4;
	flash->value[WPSN_PRG / 4] = options->protect[0];
	flash->value[(SECOND + WPSN_PRG) / 4] = options->protect[1];
	flash->value[(SECOND + WPSN_CUR) / 4] = options->protect[1];
}
