/* stm32h7_rtc.c - RTC: its backup registers, which outlive every reset but the
 * power's, behind the backup domain's lock. The calendar does not run.
 *
 * Offsets: stm32h747xx.h (RTC_TypeDef, RTC_ISR_*). Write protection keys:
 * stm32h7xx_hal_rtc.h (__HAL_RTC_WRITEPROTECTION_DISABLE). Reset values unsourced.
 */
#include "stm32h7.h"

#include <string.h>

enum { ISR = 0x0C, WPR = 0x24, BACKUP = 0x50, END = 0xD0, INIT = 1 << 7, INITF = 1 << 6 };

static bool valid(const vf_h7_rtc *rtc, uint32_t offset, unsigned size, bool write)
{
	if (!vf_h7_clocked(&rtc->unit, write))
		return false;
	if (size == 4 && offset < END && (offset & 3) == 0)
		return true;
	vf_h7_stop(&rtc->unit, "%s of %u bytes at offset %03Xh", write ? "write" : "read", size,
		   (unsigned)offset);
	return false;
}

static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	const vf_h7_rtc *rtc = state;

	if (!valid(rtc, offset, size, false))
		return 0;
	if (offset == ISR) /* shadow registers in step, alarms writable */
		return rtc->value[ISR / 4] | 0x27 | ((rtc->value[ISR / 4] & INIT) != 0 ? INITF : 0);
	return rtc->value[offset / 4];
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_rtc *rtc = state;

	if (!valid(rtc, offset, size, true))
		return;
	if (!vf_h7_backup_writable(rtc->unit.soc)) {
		vf_h7_stop(&rtc->unit, "written with the backup domain protected (PWR DBP)");
		return;
	}
	if (offset == WPR)
		rtc->key = value == 0xCA ? 1 : rtc->key == 1 && value == 0x53 ? 2 : 0;
	else if (offset >= BACKUP || rtc->key == 2)
		rtc->value[offset / 4] = value;
}

static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_rtc *rtc = state;

	rtc->key = 0;
	if (cause == VF_EMU_RESET_POWER)
		memset(rtc->value, 0, sizeof rtc->value);
}

unsigned vf_h7_rtc_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	soc->rtc.unit = (vf_h7_unit){.soc = soc, .name = "RTC", .gate = VF_H7_APB4, .gate_bit = 16};
	*device = (vf_emu_device){.name = "RTC",
				  .base = 0x58004000,
				  .size = 0x400,
				  .state = &soc->rtc,
				  .read = read_register,
				  .write = write_register,
				  .reset = reset};
	return 1;
}
