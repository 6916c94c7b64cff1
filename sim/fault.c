/* fault.c - what goes wrong on purpose: reading a specification, and drawing
 * lots from a seed so that a run can be repeated.
 */
#include "board.h"

#include <stdlib.h>
#include <string.h>

/* SplitMix64: any seed will do, and streams of different seeds look unrelated. */
uint64_t vf_sim_rng_next(vf_sim_rng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9E3779B97F4A7C15);
	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

bool vf_sim_rng_hit(vf_sim_rng *rng, double probability)
{
	const double unit = 1.0 / 9007199254740992.0; /* 2^-53 */
	return probability > 0 && (double)(vf_sim_rng_next(rng) >> 11) * unit < probability;
}

static bool read_probability(double *out, const char *text, const char **end)
{
	char *stop;
	double p = strtod(text, &stop);
	*end = stop;
	if (stop == text || !(p >= 0 && p <= 1))
		return false;
	*out = p;
	return true;
}

static bool read_number(uint64_t *out, uint64_t max, const char *text, const char **end)
{
	char *stop;
	if (*text < '0' || *text > '9')
		return false;
	unsigned long long n = strtoull(text, &stop, 0);
	*end = stop;
	if (n > max)
		return false;
	*out = n;
	return true;
}

static bool read_stall(vf_sim_fault *f, const char *text, const char **end)
{
	uint64_t ms;
	if (!read_probability(&f->stall, text, end) || **end != ':' ||
	    !read_number(&ms, 3600000, *end + 1, end))
		return false;
	f->stall_ms = (uint32_t)ms;
	return true;
}

static bool read_bad_bit(vf_sim_fault *f, const char *text, const char **end)
{
	uint64_t address;
	if (f->bad_bits == sizeof f->bad_bit / sizeof f->bad_bit[0] ||
	    !read_number(&address, UINT32_MAX, text, end))
		return false;
	f->bad_bit[f->bad_bits++] = (uint32_t)address;
	return true;
}

static bool read_bad_rate(vf_sim_fault *f, const char *text, const char **end)
{
	uint64_t baud;
	if (!read_number(&baud, UINT32_MAX, text, end) || baud == 0)
		return false;
	f->bad_rate = (uint32_t)baud;
	return true;
}

/* N, or N:before, N:torn, N:after. */
static bool read_cut(vf_sim_fault *f, const char *text, const char **end)
{
	static const char *const how[] = {":torn", ":before", ":after"};
	if (!read_number(&f->cut, UINT64_MAX, text, end) || f->cut == 0)
		return false;
	for (uint8_t i = 0; i < 3; i++) {
		if (strncmp(*end, how[i], strlen(how[i])) == 0) {
			f->cut_how = i;
			*end += strlen(how[i]);
			return true;
		}
	}
	return true;
}

/* How the chip is met. */
static bool read_chip(vf_sim_fault *f, const char *text, const char **end)
{
	static const char *const word[] = {"protected",  "qpi",    "addr4",  "asleep",
					   "continuous", "absent", "shorted"};
	const size_t len = strcspn(text, ",");
	*end = text + len;
	for (unsigned i = 0; i < sizeof word / sizeof word[0]; i++) {
		if (len != strlen(word[i]) || memcmp(text, word[i], len) != 0)
			continue;
		if (i == 0)
			f->protect = true;
		else if (i > 4)
			f->silent = (uint8_t)(i - 4);
		else
			f->left_in = (uint8_t)(VF_SIM_MODE_SPI + i);
		return true;
	}
	return false;
}

/* What the board's port does. */
static bool read_link(vf_sim_fault *f, const char *text, const char **end)
{
	*end = text + strcspn(text, ",");
	f->overrun = strncmp(text, "overrun", 7) == 0 && *end == text + 7;
	return f->overrun;
}

/* One NAME=VALUE; what follows it is left at *end. NULL, or what it should be. */
static const char *read_item(vf_sim_fault *f, const char *item, const char **end)
{
	static const struct {
		const char *name;
		const char *form;
	} forms[] = {
		{"corrupt=", "corrupt=P with a probability P from 0 to 1"},
		{"drop=", "drop=P with a probability P from 0 to 1"},
		{"dup=", "dup=P with a probability P from 0 to 1"},
		{"reset=", "reset=P with a probability P from 0 to 1"},
		{"stall=", "stall=P:MS with a probability P from 0 to 1 and milliseconds"},
		{"cut=",
		 "cut=N with the number of a bus transaction, from 1; or N:before, N:after"},
		{"badbit=", "badbit=ADDR with an address, at most 8 of them"},
		{"badrate=", "badrate=BAUD with a rate above which the line is bad"},
		{"chip=", "chip=protected, qpi, addr4, asleep, continuous, absent or shorted"},
		{"link=", "link=overrun: the board loses what its ring has no room for"},
		{"unplug=", "unplug=N with the number of a USB packet, from 1"},
	};
	const unsigned count = sizeof forms / sizeof forms[0];
	unsigned i = 0;
	while (i < count && strncmp(item, forms[i].name, strlen(forms[i].name)) != 0)
		i++;
	if (i == count)
		return "corrupt=P, drop=P, dup=P, stall=P:MS, reset=P, cut=N, badbit=ADDR, "
		       "badrate=BAUD, link=overrun, unplug=N or chip=HOW";
	const char *value = item + strlen(forms[i].name);
	double *const chance[] = {&f->corrupt, &f->drop, &f->dup, &f->reset};
	bool good;
	if (i < 4)
		good = read_probability(chance[i], value, end);
	else if (i == 4)
		good = read_stall(f, value, end);
	else if (i == 5)
		good = read_cut(f, value, end);
	else if (i == 6)
		good = read_bad_bit(f, value, end);
	else if (i == 7)
		good = read_bad_rate(f, value, end);
	else if (i == 9)
		good = read_link(f, value, end);
	else if (i == 10)
		good = read_number(&f->unplug, UINT64_MAX, value, end) && f->unplug != 0;
	else
		good = read_chip(f, value, end);
	return good && (**end == ',' || **end == '\0') ? NULL : forms[i].form;
}

int vf_sim_fault_parse(vf_sim_fault *fault, const char *spec, vf_error *err)
{
	vf_sim_fault f = {.cut = 0};
	const char *at = spec, *end = spec;
	for (;;) {
		const char *form = read_item(&f, at, &end);
		if (form != NULL)
			return vf_fail(err, VF_E_USAGE, "fault \"%.*s\": expected %s",
				       (int)(strcspn(at, ",") < 60 ? strcspn(at, ",") : 60), at,
				       form);
		if (*end == '\0')
			break;
		at = end + 1;
	}
	*fault = f;
	return VF_OK;
}
