/* stm32h7_flash.h - register offsets and bits of the flash interface that its
 * two source files share. Values: stm32h747xx.h.
 */
#ifndef VCPFLASH_EMU_STM32H7_FLASH_H
#define VCPFLASH_EMU_STM32H7_FLASH_H

#include "stm32h7.h"

enum vf_h7_flash_offset {
	ACR = 0x00,
	KEYR = 0x04,
	OPTKEYR = 0x08,
	CR = 0x0C,
	SR = 0x10,
	CCR = 0x14,
	OPTCR = 0x18,
	OPTSR_CUR = 0x1C,
	OPTSR_PRG = 0x20,
	OPTCCR = 0x24,
	WPSN_CUR = 0x38,
	WPSN_PRG = 0x3C,
	BOOT7_CUR = 0x40,
	BOOT7_PRG = 0x44,
	BOOT4_CUR = 0x48,
	BOOT4_PRG = 0x4C,
	SECOND = 0x100, /* the second bank's registers from the first's */
};

#define CR_LOCK     0x00000001u
#define CR_PG       0x00000002u
#define CR_SER      0x00000004u
#define CR_BER      0x00000008u
#define CR_FW       0x00000040u
#define CR_START    0x00000080u
#define CR_WRITABLE 0x1FEF073Fu /* FW and START fall by themselves; no CRC */
#define SR_BSY      0x00000001u
#define SR_WBNE     0x00000002u
#define SR_QW       0x00000004u
#define SR_EOP      0x00010000u
#define SR_WRPERR   0x00020000u
#define SR_PGSERR   0x00040000u
#define SR_INCERR   0x00200000u
#define SR_FLAGS    0x1FEF0000u
#define OPTCR_LOCK  0x00000001u
#define OPTCR_START 0x00000002u
#define OPTCR_MER   0x00000010u

/* stm32h7_option.c. `read` refines a stored value; `write` returns whether the
 * register was one of its own. */
uint32_t vf_h7_option_read(const vf_h7_flash *flash, uint32_t offset, uint32_t value);
bool vf_h7_option_write(vf_h7_flash *flash, uint32_t offset, uint32_t value);
void vf_h7_option_settle(vf_h7_flash *flash, uint64_t now_ns);
void vf_h7_option_reset(vf_h7_flash *flash);

#endif
