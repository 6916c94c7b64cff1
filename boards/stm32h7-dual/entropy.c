/* The random number generator (RM0399, "True random number generator"): its clock is HSI48, as
 * after a reset; words come where DRDY is set and neither clock nor seed error is. After a seed
 * error what is in the pipe is worthless, so the generator is switched off and on and
 * everything begins anew. A word of 0 is what DR reads as when an error fell between the look at
 * the flags and the read. The first word is not used but compared with, and so is each with
 * the one before: a source that repeats itself is stuck.
 */
#include "entropy.h"

#include <string.h>

#include "cortexm.h"
#include "stm32h747.h"

enum { PATIENCE_US = 100000 };

static bool late(uint32_t since)
{
	return vf_clock_us() - since > PATIENCE_US;
}

static bool next(uint32_t since, uint32_t *word)
{
	do {
		uint32_t status = RNG_SR;

		if ((status & RNG_SR_ERRORS) != 0)
			return false;
		if ((status & RNG_SR_DRDY) != 0) {
			*word = RNG_DR;
			return *word != 0;
		}
	} while (!late(since));
	return false;
}

static bool draw(uint32_t since, uint8_t seed[VF_NONCE_SIZE])
{
	uint32_t before, word;

	RNG_CR = 0;
	RNG_SR = 0;
	RNG_CR = RNG_CR_RNGEN;
	if (!next(since, &before))
		return false;
	for (unsigned at = 0; at < VF_NONCE_SIZE; at += sizeof word, before = word) {
		if (!next(since, &word) || word == before)
			return false;
		memcpy(seed + at, &word, sizeof word);
	}
	return true;
}

bool entropy_draw(uint8_t seed[VF_NONCE_SIZE])
{
	const uint32_t since = vf_clock_us(), clock = RCC_CR & RCC_CR_HSI48ON;
	bool good = false;

	RCC_CR |= RCC_CR_HSI48ON;
	while ((RCC_CR & RCC_CR_HSI48RDY) == 0 && !late(since))
		;
	RCC_AHB2ENR |= RCC_AHB2_RNG;
	(void)RCC_AHB2ENR; /* the clock runs two cycles after the write arrived */
	do
		good = draw(since, seed);
	while (!good && !late(since));
	RNG_CR = 0;
	(void)RNG_CR;
	RCC_AHB2ENR &= ~(uint32_t)RCC_AHB2_RNG;
	if (clock == 0)
		RCC_CR &= ~(uint32_t)RCC_CR_HSI48ON;
	return good;
}
