/* chip_work.c - operations that take their time: they begin when chip-select is
 * released, take effect when they end, and can be aborted on the way.
 */
#include "chip.h"

static uint64_t duration(vf_sim_chip *chip, uint32_t typ_us, uint32_t max_us)
{
	const uint64_t least = (uint64_t)typ_us * 6 / 10;

	if (chip->config.time_percent != VF_SIM_TIME_RANDOM)
		return (uint64_t)typ_us * chip->config.time_percent / 100;
	return least + vf_sim_random(chip) % (max_us - least + 1);
}

/* The caller has put place, size and data into `die`. */
void vf_sim_begin(vf_sim_chip *chip, vf_sim_die *die, enum vf_sim_work work, uint32_t typ_us,
		  uint32_t max_us)
{
	const uint64_t us = duration(chip, typ_us, max_us);

	die->work = (uint8_t)work;
	die->ends = chip->ends_now + us;
	die->fails = work != VF_SIM_WRITING_REG && (chip->failing >> die->index & 1) != 0;
	if (work != VF_SIM_WRITING_REG) {
		die->reg[VF_SIM_SECURITY] = 0; /* shows the last operation only */
		chip->begun = (uint8_t)work;
		chip->begun_bytes += die->size;
		chip->begun_us = us > chip->begun_us ? us : chip->begun_us;
		if (chip->part->stacked != 0)
			die->flags_due = 3;
	}
	vf_sim_settle(chip, die, chip->ends_now);
}

static void finish(vf_sim_chip *chip, vf_sim_die *die)
{
	const bool erase = die->work == VF_SIM_ERASING;

	if (die->work == VF_SIM_WRITING_REG) {
		for (uint32_t i = 0; i < die->size; i++)
			vf_sim_register_write(chip, die, (uint8_t)(die->at + i), die->data[i]);
	} else if (die->fails && erase) {
		vf_sim_array_tear_erase(chip, die);
	} else if (die->fails) {
		vf_sim_array_tear_program(chip, die);
	} else if (erase) {
		vf_sim_array_erase(chip, die);
	} else {
		vf_sim_array_program(chip, die);
	}
	die->wel = false;
	die->work = VF_SIM_IDLE;
	if (die->fails)
		vf_sim_error(chip, die, erase, false);
	die->fails = false;
}

void vf_sim_settle(vf_sim_chip *chip, vf_sim_die *die, uint64_t now)
{
	if (die->work != VF_SIM_IDLE && now >= die->ends)
		finish(chip, die);
}

/* A register write that is aborted leaves the old value. */
void vf_sim_abort(vf_sim_chip *chip, vf_sim_die *die, uint64_t now)
{
	vf_sim_settle(chip, die, now);
	if (die->work == VF_SIM_PROGRAMMING)
		vf_sim_array_tear_program(chip, die);
	else if (die->work == VF_SIM_ERASING)
		vf_sim_array_tear_erase(chip, die);
	die->work = VF_SIM_IDLE;
	die->fails = false;
}
