/* condition.c - a chip's condition (PROTOCOL 3.3) in words, for people. */
#include <stdio.h>
#include <string.h>

#include <vcpflash/doctor.h>

const char *vf_condition_facts(const vf_condition *c)
{
	if (c->conflict[0] != '\0')
		return "SFDP and the loader's table disagree";
	switch (c->source) {
	case VF_CONDITION_SFDP | VF_CONDITION_TABLE:
		return "SFDP and the loader's table agree";
	case VF_CONDITION_SFDP:
		return "from its SFDP, the loader's table has not got it";
	case VF_CONDITION_TABLE:
		return "from the loader's table, it has no usable SFDP";
	default:
		return "neither from SFDP nor from a table";
	}
}

void vf_condition_found(const vf_condition *c, char *out, size_t room)
{
	static const char *const name[] = {"in QPI (four-lane) mode", "with 4-byte addresses",
					   "asleep, or in a mode only a reset ends",
					   "in a continuous read", "still erasing or programming"};
	(void)snprintf(out, room, "%s",
		       (c->found & VF_FOUND_KNOWN) != 0 ? "in plain SPI mode" : "not looked at");
	size_t at = 0;
	for (unsigned i = 0; i < sizeof name / sizeof name[0] && at < room; i++)
		if ((c->found & 1u << i) != 0)
			at += (size_t)snprintf(out + at, room - at, "%s%s", at == 0 ? "" : ", ",
					       name[i]);
}

const char *vf_condition_quad(const vf_condition *c)
{
	static const char *const name[] = {"not needed", "enabled", "refused by the chip",
					   "not known how to enable"};
	return c->quad < sizeof name / sizeof name[0] ? name[c->quad] : "not known";
}

const char *vf_condition_probe(const vf_condition *c)
{
	static const char *const text[] = {
		"it is known",
		"no chip answers: check its power, chip-select, clock and data pins",
		"its loader does not know this chip, which has no usable SFDP: add a row to "
		"nor/parts.c, and check the data pins if the id looks like none",
		"what the chip says of itself and the loader's table or controller do not go "
		"together: report it, or set trust_table",
		"the two dies answer differently: check the second one's pins, and that both are "
		"the same part",
		"it does not answer twice the same: check bus clock, sampling, wiring, and the "
		"time that chip-select stays high",
		"it stays busy: check its data pins, or power it off and on"};
	return text[c->probe < sizeof text / sizeof text[0] ? c->probe : VF_PROBE_UNSTEADY];
}

uint8_t vf_condition_protected(const vf_condition *c, unsigned dies)
{
	uint8_t bits = 0;
	for (unsigned i = 0; i < dies && i < 2 && c->registers > 0; i++)
		bits |= c->status[i][0] & c->protect_mask;
	return bits;
}
