/* stm32h7_rcc.c - RCC: oscillators and PLLs that take their time, the system
 * clock switch, clock enables and resets of each peripheral, who boots.
 *
 * Offsets, field positions: stm32h747xx.h (RCC_TypeDef, RCC_Core_TypeDef,
 * RCC_*_Pos). What is waited for and in which order: stm32h7xx_hal_rcc.c,
 * HAL_RCC_OscConfig and HAL_RCC_ClockConfig. Reset values of CR, PLLxDIVR, AHB
 * enables and RSR, and the start-up times, are unsourced (reference manual and
 * data sheet have them; neither was read).
 */
#include "stm32h7.h"

#include <string.h>

enum {
	CR = 0x00,
	CFGR = 0x10,
	D1CFGR = 0x18,
	D2CFGR = 0x1C,
	D3CFGR = 0x20,
	PLLCKSELR = 0x28,
	PLLCFGR = 0x2C,
	PLL1DIVR = 0x30,
	PLL1FRACR = 0x34,
	CICR = 0x68,
	CIFR = 0x64,
	BDCR = 0x70,
	CSR = 0x74,
	AHB3RSTR = 0x7C,
	APB4RSTR = 0x9C,
	GCR = 0xA0,
	RSR = 0xD0,
	LPENR = 0x28, /* from AHB1ENR to AHB1LPENR, and so with all of them */
	APB4LPENR = 0x11C,
	OWN_1 = 0x130, /* the block of the Cortex-M7, as RSR to APB4LPENR … */
	OWN_2 = 0x190, /* … and of the Cortex-M4 */
};

enum { GCR_BOOT_C1 = 1 << 2, GCR_BOOT_C2 = 1 << 3, RSR_RMVF = 1 << 16 };
enum { BDCR_LSEON = 1, BDCR_BDRST = 1 << 16, CSR_LSION = 1 };

/* Bits that each core's enable registers have; sleep-mode ones are the same. */
#define OWN(base)                                                                                  \
	{(base) + 0x00, "RSR", 0, RSR_RMVF}, {(base) + 0x04, "AHB3ENR", 0, 0x00015131},            \
		{(base) + 0x08, "AHB1ENR", 0, 0x1E03C023},                                         \
		{(base) + 0x0C, "AHB2ENR", 0, 0xE0000241},                                         \
		{(base) + 0x10, "AHB4ENR", 0, 0x132807FF},                                         \
		{(base) + 0x14, "APB3ENR", 0, 0x00000058},                                         \
		{(base) + 0x18, "APB1LENR", 0, 0xE8FFCBFF},                                        \
		{(base) + 0x1C, "APB1HENR", 0, 0x00000136},                                        \
		{(base) + 0x20, "APB2ENR", 0, 0x31D73033},                                         \
		{(base) + 0x24, "APB4ENR", 0, 0x0021DEAA},                                         \
		{(base) + 0x2C, "AHB3LPENR", UINT32_MAX, UINT32_MAX},                              \
		{(base) + 0x30, "AHB1LPENR", UINT32_MAX, UINT32_MAX},                              \
		{(base) + 0x34, "AHB2LPENR", UINT32_MAX, UINT32_MAX},                              \
		{(base) + 0x38, "AHB4LPENR", UINT32_MAX, UINT32_MAX},                              \
		{(base) + 0x3C, "APB3LPENR", UINT32_MAX, UINT32_MAX},                              \
		{(base) + 0x40, "APB1LLPENR", UINT32_MAX, UINT32_MAX},                             \
		{(base) + 0x44, "APB1HLPENR", UINT32_MAX, UINT32_MAX},                             \
		{(base) + 0x48, "APB2LPENR", UINT32_MAX, UINT32_MAX},                              \
	{                                                                                          \
		(base) + 0x4C, "APB4LPENR", UINT32_MAX, UINT32_MAX                                 \
	}

static const vf_h7_register map[] = {
	{CR, "CR", 0x00000021, 0x150D129B},
	{0x04, "HSICFGR", 0x40000000, 0x7F000000},
	{0x08, "CRRCR", 0, 0},
	{0x0C, "CSICFGR", 0x20000000, 0x3F000000},
	{CFGR, "CFGR", 0, 0xFFFCFFC7},
	{D1CFGR, "D1CFGR", 0, 0x00000F7F},
	{D2CFGR, "D2CFGR", 0, 0x00000770},
	{D3CFGR, "D3CFGR", 0, 0x00000070},
	{PLLCKSELR, "PLLCKSELR", 0x02020200, 0x03F3F3F3},
	{PLLCFGR, "PLLCFGR", 0x01FF0000, 0x01FF0FFF},
	{PLL1DIVR, "PLL1DIVR", 0x01010280, 0x7F7FFFFF},
	{PLL1FRACR, "PLL1FRACR", 0, 0x0000FFF8},
	{0x38, "PLL2DIVR", 0x01010280, 0x7F7FFFFF},
	{0x3C, "PLL2FRACR", 0, 0x0000FFF8},
	{0x40, "PLL3DIVR", 0x01010280, 0x7F7FFFFF},
	{0x44, "PLL3FRACR", 0, 0x0000FFF8},
	{0x4C, "D1CCIPR", 0, 0x30010133},
	{0x50, "D2CCIP1R", 0, 0xB13771C7},
	{0x54, "D2CCIP2R", 0, 0x70F0333F},
	{0x58, "D3CCIPR", 0, 0x77E3FF07},
	{0x60, "CIER", 0, 0},
	{CIFR, "CIFR", 0, 0},
	{CICR, "CICR", 0, 0},
	{BDCR, "BDCR", 0, 0x0001833D},
	{CSR, "CSR", 0, CSR_LSION},
	{AHB3RSTR, "AHB3RSTR", 0, 0x00015031},
	{0x80, "AHB1RSTR", 0, UINT32_MAX},
	{0x84, "AHB2RSTR", 0, UINT32_MAX},
	{0x88, "AHB4RSTR", 0, UINT32_MAX},
	{0x8C, "APB3RSTR", 0, UINT32_MAX},
	{0x90, "APB1LRSTR", 0, UINT32_MAX},
	{0x94, "APB1HRSTR", 0, UINT32_MAX},
	{0x98, "APB2RSTR", 0, UINT32_MAX},
	{APB4RSTR, "APB4RSTR", 0, UINT32_MAX},
	{GCR, "GCR", 0, 0x0000000F},
	{0xA8, "D3AMR", 0, UINT32_MAX},
	OWN(OWN_1),
	OWN(OWN_2),
};

/* Where each oscillator is switched on in CR; ready is two bits up for HSI, one
 * for the others. Times to be stable, in nanoseconds: unsourced. */
static const struct {
	uint8_t on, ready;
	uint32_t ns;
} oscillator[VF_H7_OSCILLATORS] = {
	[VF_H7_HSI] = {0, 2, 2000},      [VF_H7_CSI] = {7, 8, 2000},
	[VF_H7_HSI48] = {12, 13, 4000},  [VF_H7_HSE] = {16, 17, 2000000},
	[VF_H7_PLL1] = {24, 25, 100000}, [VF_H7_PLL2] = {26, 27, 100000},
	[VF_H7_PLL3] = {28, 29, 100000},
};

static bool broken(const vf_stm32h7 *soc, enum vf_h7_oscillator which)
{
	if (which >= VF_H7_PLL1)
		return soc->config.pll_broken;
	return which == VF_H7_HSE && soc->config.crystal_broken;
}

bool vf_h7_rcc_ready(const vf_stm32h7 *soc, enum vf_h7_oscillator which)
{
	return !broken(soc, which) && (soc->rcc.value[CR / 4] >> oscillator[which].on & 1) != 0 &&
	       vf_h7_now(soc) >= soc->rcc.ready_ns[which];
}

bool vf_h7_rcc_enabled(const vf_stm32h7 *soc, unsigned gate, unsigned bit)
{
	const uint32_t either =
		soc->rcc.value[(OWN_1 + gate) / 4] | soc->rcc.value[(OWN_2 + gate) / 4];

	return (either >> bit & 1) != 0;
}

bool vf_h7_rcc_dozes(const vf_stm32h7 *soc, unsigned gate, unsigned bit, unsigned with)
{
	static const uint32_t own[] = {OWN_1, OWN_2};

	for (unsigned core = 0; core < 2; core++) {
		const uint32_t *enables = &soc->rcc.value[(own[core] + gate) / 4];

		if ((enables[0] >> bit & 1) != 0 && (enables[LPENR / 4] >> with & 1) != 0 &&
		    vf_h7_asleep(soc, core))
			return true;
	}
	return false;
}

/* A core reads its own enables at the common address. */
static uint32_t resolve(const vf_stm32h7 *soc, uint32_t offset)
{
	if (offset < RSR || offset > APB4LPENR + 3)
		return offset;
	return offset - RSR + (vf_h7_core(soc) == VF_EMU_M4 ? OWN_2 : OWN_1);
}

static uint32_t control(const vf_stm32h7 *soc)
{
	uint32_t value = soc->rcc.value[CR / 4] | 3u << 14; /* D1CKRDY, D2CKRDY */

	for (unsigned i = 0; i < VF_H7_OSCILLATORS; i++)
		if (vf_h7_rcc_ready(soc, (enum vf_h7_oscillator)i))
			value |= 1u << oscillator[i].ready;
	return value;
}

/* SWS follows SW once the new source runs. */
static uint32_t configuration(const vf_stm32h7 *soc)
{
	static const uint8_t source[4] = {VF_H7_HSI, VF_H7_CSI, VF_H7_HSE, VF_H7_PLL1};
	const uint32_t value = soc->rcc.value[CFGR / 4] & ~0x38u;
	const uint32_t sw = value & 7;

	if (sw < 4 && !vf_h7_rcc_ready(soc, (enum vf_h7_oscillator)source[sw]))
		return value;
	return value | sw << 3;
}

static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	vf_h7_rcc *rcc = state;
	const vf_stm32h7 *soc = rcc->unit.soc;
	const uint32_t at = resolve(soc, offset);
	const uint32_t value = vf_h7_load(&rcc->unit, at, size);

	switch (at) {
	case CR:
		return control(soc);
	case CFGR:
		return configuration(soc);
	case BDCR: /* LSE and LSI are ready at once: nothing here is clocked by them */
		return value | (value & BDCR_LSEON) << 1;
	case CSR:
		return value | (value & CSR_LSION) << 1;
	case OWN_1:
	case OWN_2:
		return rcc->cause;
	default:
		return value;
	}
}

static bool used_by_system(const vf_stm32h7 *soc, unsigned which)
{
	static const uint8_t source[4] = {VF_H7_HSI, VF_H7_CSI, VF_H7_HSE, VF_H7_PLL1};
	const uint32_t sws = configuration(soc) >> 3 & 3;
	const uint32_t pll_source = soc->rcc.value[PLLCKSELR / 4] & 3;
	static const uint8_t of_pll[3] = {VF_H7_HSI, VF_H7_CSI, VF_H7_HSE};

	if (source[sws] == which)
		return true;
	return source[sws] == VF_H7_PLL1 && pll_source < 3 && of_pll[pll_source] == which;
}

/* Input and VCO ranges of a PLL that is being switched on: stm32h7xx_ll_utils.c
 * (UTILS_PLLVCO_*) and the RCC_PLLxVCIRANGE comments of stm32h7xx_hal_rcc.h. */
static void pll_check(vf_h7_rcc *rcc, unsigned n)
{
	static const uint32_t low[4] = {1000000, 2000000, 4000000, 8000000};
	static const uint32_t source_hz[4] = {64000000, 4000000, 25000000, 0};
	const uint32_t select = rcc->value[PLLCKSELR / 4];
	const uint32_t config = rcc->value[PLLCFGR / 4] >> (4 * n);
	const uint32_t m = select >> (4 + 8 * n) & 63;
	const uint32_t times = (rcc->value[(PLL1DIVR + 8 * n) / 4] & 511) + 1;
	const bool wide = (config & 2) == 0;
	uint32_t source = source_hz[select & 3], input;
	uint64_t vco;

	if ((select & 3) == 0)
		source >>= rcc->value[CR / 4] >> 3 & 3;
	if (source == 0 || m == 0) {
		vf_h7_stop(&rcc->unit, "PLL%u switched on without a source or with DIVM 0", n + 1);
		return;
	}
	input = source / m;
	vco = (uint64_t)input * times;
	if (input < low[config >> 2 & 3] || input > 2 * low[config >> 2 & 3])
		vf_h7_stop(&rcc->unit, "PLL%u gets %u Hz, outside the range that RGE says", n + 1,
			   (unsigned)input);
	else if (vco < (wide ? 192000000u : 150000000u) || vco > (wide ? 960000000u : 420000000u))
		vf_h7_stop(&rcc->unit, "PLL%u's VCO would run at %u kHz, outside its range", n + 1,
			   (unsigned)(vco / 1000));
}

static void write_control(vf_h7_rcc *rcc, uint32_t value)
{
	vf_stm32h7 *soc = rcc->unit.soc;
	const uint32_t old = rcc->value[CR / 4];
	const uint64_t now = vf_h7_now(soc);

	for (unsigned i = 0; i < VF_H7_OSCILLATORS; i++) {
		const uint32_t on = 1u << oscillator[i].on;

		if ((value & on) == 0 && (old & on) != 0 && used_by_system(soc, i)) {
			vf_h7_stop(&rcc->unit, "the source of the system clock switched off");
			value |= on;
		}
		if ((value & on) == 0 || (old & on) != 0)
			continue;
		rcc->ready_ns[i] = now + oscillator[i].ns;
		if (i >= VF_H7_PLL1)
			pll_check(rcc, i - VF_H7_PLL1);
	}
	(void)vf_h7_store(&rcc->unit, CR, 4, value);
}

/* Divider, range and source of a PLL keep still while it runs; the fraction and
 * its enable may change (HAL_RCC_OscConfig does so under way). */
static bool pll_is_free(vf_h7_rcc *rcc, uint32_t offset, uint32_t value)
{
	static const uint32_t select[3] = {0x3F3, 0x3F003, 0x3F00003};
	const uint32_t changed = rcc->value[offset / 4] ^ value;

	for (unsigned n = 0; n < 3; n++) {
		const bool on = (rcc->value[CR / 4] >> (24 + 2 * n) & 1) != 0;
		uint32_t fixed = 0;

		if (offset == PLLCKSELR)
			fixed = select[n];
		else if (offset == PLLCFGR)
			fixed = 0xEu << (4 * n);
		else if (offset == PLL1DIVR + 8 * n)
			fixed = 0x7F7FFFFF;
		if (on && (changed & fixed) != 0) {
			vf_h7_stop(&rcc->unit, "PLL%u configured while it runs", n + 1);
			return false;
		}
	}
	return true;
}

/* A reset bit that goes up puts the peripheral into reset. */
static void reset_peripherals(vf_stm32h7 *soc, uint32_t offset, uint32_t rising)
{
	const unsigned gate = offset - AHB3RSTR + VF_H7_AHB3;

	for (unsigned i = 0; i < soc->devices.count; i++) {
		const vf_emu_device *device = &soc->device[i];
		const vf_h7_unit *unit = device->state;

		if (unit->gate == gate && (rising >> unit->gate_bit & 1) != 0 &&
		    device->reset != NULL && unit != &soc->rtc.unit && unit != &soc->flash.unit)
			device->reset(device->state, VF_EMU_RESET_DEVICE);
	}
}

/* BOOT_Cx lets a core go that its option bit holds; it cannot take it back. */
static void boot(vf_h7_rcc *rcc)
{
	vf_stm32h7 *soc = rcc->unit.soc;
	const vf_emu_bus *bus = soc->config.bus;
	const uint32_t value = rcc->value[GCR / 4];

	for (unsigned core = 0; core < VF_EMU_CORES; core++) {
		const uint32_t *ur = &soc->syscfg.value[0x300 / 4];
		const uint32_t address =
			core == VF_EMU_M7 ? ur[2] & 0xFFFF0000 : ur[3] & 0xFFFF0000;

		if (!rcc->held[core] ||
		    (value & (core == VF_EMU_M7 ? GCR_BOOT_C1 : GCR_BOOT_C2)) == 0)
			continue;
		rcc->held[core] = false;
		bus->boot(bus->context, core, address);
	}
}

static void clocks_changed(vf_h7_rcc *rcc)
{
	vf_stm32h7 *soc = rcc->unit.soc;
	const vf_emu_bus *bus = soc->config.bus;

	vf_h7_clock_check(soc);
	for (unsigned core = 0; core < VF_EMU_CORES; core++) {
		const uint32_t hz = vf_h7_core_hz(soc, core);

		if (hz != rcc->hz[core] && hz != 0)
			bus->clock(bus->context, core, hz);
		rcc->hz[core] = hz;
	}
}

static void write_backup(vf_h7_rcc *rcc, uint32_t value)
{
	if (!vf_h7_backup_writable(rcc->unit.soc)) {
		vf_h7_stop(&rcc->unit, "BDCR written with the backup domain protected (PWR DBP)");
		return;
	}
	if ((value & BDCR_BDRST) != 0) {
		memset(rcc->unit.soc->rtc.value, 0, sizeof rcc->unit.soc->rtc.value);
		value = BDCR_BDRST;
	}
	(void)vf_h7_store(&rcc->unit, BDCR, 4, value);
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_rcc *rcc = state;
	const uint32_t at = resolve(rcc->unit.soc, offset);
	const uint32_t old = at < sizeof rcc->value ? rcc->value[at / 4] : 0;

	if (at == CR && size == 4) {
		write_control(rcc, value);
		return;
	}
	if (at == BDCR && size == 4) {
		write_backup(rcc, value);
		return;
	}
	if (!pll_is_free(rcc, at, value) || !vf_h7_store(&rcc->unit, at, size, value))
		return;
	if (at >= AHB3RSTR && at <= APB4RSTR)
		reset_peripherals(rcc->unit.soc, at, value & ~old);
	if (at == GCR) {
		rcc->value[GCR / 4] |= old & (GCR_BOOT_C1 | GCR_BOOT_C2);
		boot(rcc);
	}
	if ((at == OWN_1 || at == OWN_2) && (value & RSR_RMVF) != 0)
		rcc->cause = 0;
	clocks_changed(rcc);
}

/* The switch takes place when its source has become stable, at a time of its
 * own: the cores must be told then. */
static uint64_t next(const void *state)
{
	const vf_h7_rcc *rcc = state;
	const uint64_t now = vf_h7_now(rcc->unit.soc);
	uint64_t first = VF_EMU_NEVER;

	for (unsigned i = 0; i < VF_H7_OSCILLATORS; i++) {
		const bool on = (rcc->value[CR / 4] >> oscillator[i].on & 1) != 0;

		if (on && rcc->ready_ns[i] > now && rcc->ready_ns[i] < first)
			first = rcc->ready_ns[i];
	}
	return first;
}

static void advance(void *state, uint64_t now_ns)
{
	(void)now_ns;
	clocks_changed(state);
}

/* RSR: why both cores start. Flags pile up until RMVF. */
static uint32_t cause_bits(enum vf_emu_reset cause)
{
	enum { CORES = 3 << 17, DOMAINS = 3 << 19, BOR = 1 << 21, PIN = 1 << 22, POR = 1 << 23 };

	switch (cause) {
	case VF_EMU_RESET_POWER:
		return CORES | DOMAINS | BOR | PIN | POR;
	case VF_EMU_RESET_PIN:
		return CORES | PIN;
	case VF_EMU_RESET_M7:
		return CORES | PIN | 1u << 24; /* SFT1RSTF */
	case VF_EMU_RESET_M4:
		return CORES | PIN | 1u << 25; /* SFT2RSTF */
	default:
		return CORES | PIN | 1u << 26; /* IWDG1RSTF */
	}
}

/* The last device to be reset: from here the cores start. */
static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_rcc *rcc = state;
	vf_stm32h7 *soc = rcc->unit.soc;
	const vf_emu_bus *bus = soc->config.bus;
	const uint32_t backup = rcc->value[BDCR / 4];
	const bool m4 = (vf_h7_flash_options(soc)->status >> 22 & 1) != 0;
	const bool m7 = (vf_h7_flash_options(soc)->status >> 23 & 1) != 0;

	vf_h7_defaults(&rcc->unit);
	if (cause != VF_EMU_RESET_POWER)
		rcc->value[BDCR / 4] = backup;
	rcc->cause = (cause == VF_EMU_RESET_POWER ? 0 : rcc->cause) | cause_bits(cause);
	memset(rcc->ready_ns, 0, sizeof rcc->ready_ns);
	memset(rcc->hz, 0, sizeof rcc->hz);
	clocks_changed(rcc);
	for (unsigned core = 0; core < VF_EMU_CORES; core++) {
		const uint32_t *ur = &soc->syscfg.value[0x300 / 4];
		/* With neither bit set the Cortex-M7 starts all the same. */
		const bool boots = core == VF_EMU_M7 ? m7 || !m4 : m4;

		rcc->held[core] = !boots;
		if (boots)
			bus->boot(bus->context, core,
				  (core == VF_EMU_M7 ? ur[2] : ur[3]) & 0xFFFF0000);
	}
}

unsigned vf_h7_rcc_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	vf_h7_rcc *rcc = &soc->rcc;

	rcc->unit = (vf_h7_unit){.soc = soc,
				 .name = "RCC",
				 .map = map,
				 .registers = sizeof map / sizeof *map,
				 .value = rcc->value};
	*device = (vf_emu_device){.name = "RCC",
				  .base = 0x58024400,
				  .size = 0x400,
				  .state = rcc,
				  .read = read_register,
				  .write = write_register,
				  .next_ns = next,
				  .advance = advance,
				  .reset = reset};
	return 1;
}
