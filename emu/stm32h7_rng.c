/* stm32h7_rng.c - RNG: random words from the run's seed, so that a run can be had
 * again. Offsets, fields: stm32h747xx.h (RNG_TypeDef, RNG_CR_RNGEN, RNG_SR_DRDY);
 * use: stm32h7xx_hal_rng.c. It needs its clock, HSI48 as after reset. A broken one has a seed
 * error whenever it is on.
 */
#include "stm32h7.h"

enum { CR = 0x00, SR = 0x04, DR = 0x08, RNGEN = 4 };
enum { DRDY = 1, CECS = 2, SECS = 4, SEIS = 64 };

static const vf_h7_register map[] = {{CR, "CR", 0, 0x2C}, {SR, "SR", 0, 0}, {DR, "DR", 0, 0}};

static uint32_t read_register(void *state, uint32_t offset, unsigned size)
{
	vf_h7_rng *rng = state;
	const bool clock = vf_h7_rcc_ready(rng->unit.soc, VF_H7_HSI48);
	const bool on = (rng->value[CR / 4] & RNGEN) != 0 && clock;
	const uint32_t value = vf_h7_load(&rng->unit, offset, size);
	uint64_t z;

	if (offset == SR && on && rng->unit.soc->config.rng_broken)
		return SECS | SEIS;
	if (offset == SR)
		return (on ? DRDY : 0) | (clock ? 0 : CECS);
	if (offset != DR)
		return value;
	if (!on || rng->unit.soc->config.rng_broken)
		return 0;
	z = rng->state += UINT64_C(0x9E3779B97F4A7C15);
	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	return (uint32_t)(z >> 32 ^ z);
}

static void write_register(void *state, uint32_t offset, unsigned size, uint32_t value)
{
	vf_h7_rng *rng = state;

	(void)vf_h7_store(&rng->unit, offset, size, value);
}

static void reset(void *state, enum vf_emu_reset cause)
{
	vf_h7_rng *rng = state;

	(void)cause;
	vf_h7_defaults(&rng->unit);
}

unsigned vf_h7_rng_init(vf_stm32h7 *soc, vf_emu_device *device)
{
	vf_h7_rng *rng = &soc->rng;

	rng->unit = (vf_h7_unit){.soc = soc,
				 .name = "RNG",
				 .map = map,
				 .registers = sizeof map / sizeof *map,
				 .value = rng->value,
				 .gate = VF_H7_AHB2,
				 .gate_bit = 6};
	rng->state = soc->config.seed;
	*device = (vf_emu_device){.name = "RNG",
				  .base = 0x48021800,
				  .size = 0x400,
				  .state = rng,
				  .read = read_register,
				  .write = write_register,
				  .reset = reset};
	return 1;
}
