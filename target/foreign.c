/* foreign.c - what a guest asks that changes a chip by itself, below the flash door
 * (docs/GUESTS.md, serprog): the engine keeps the journal for it all the same. In a file of
 * its own, and called by nobody in this room, like visit.c.
 */
#include <string.h>

#include "journal.h"

enum { DIGEST_AT = 8, LENT = 0x01, WHOLE = 0xFF };

static bool marked(const uint8_t *entry, uint8_t mark)
{
	for (unsigned i = 0; i < VF_DIGEST_SIZE; i++) {
		if (entry[DIGEST_AT + i] != mark)
			return false;
	}
	return true;
}

bool vf_target_guest_unmarked(const vf_target *t, uint8_t out[VF_TARGET_RANGES_SIZE], uint32_t *len)
{
	const vf_target_journal *j = t->config.journal;
	*len = 0;
	if (!vf_t_keeps_journal(t) || j->broken)
		return false;
	const uint8_t *set = j->set[j->which];
	bool complete = set[0] == VF_SET_COMPLETE, whole = set[0] != VF_SET_INCOMPLETE;
	*len = VF_WIRE_SET_ENTRY * (uint32_t)set[1];
	memcpy(out, set + VF_WIRE_SET_HEADER, *len);
	for (uint8_t *e = out; e != out + *len; e += VF_WIRE_SET_ENTRY) {
		if (!complete && marked(e, LENT))
			continue;
		whole = whole || marked(e, WHOLE);
		memset(e + DIGEST_AT, 0, VF_DIGEST_SIZE); /* open */
	}
	return whole;
}

/* As an erase, whatever it is: what was cut is torn until it was erased. */
int vf_target_guest_change(vf_target *t, unsigned memory, const vf_range *range)
{
	const vf_target_operation o = {.type = VF_MESSAGE_ERASE,
				       .memory = (uint8_t)memory,
				       .offset = range->offset,
				       .length = range->len};
	if (!t->session.guest)
		return VF_E_REFUSED;
	if (!vf_t_keeps_journal(t))
		return VF_OK;
	uint8_t code = t->with.journal->permit(t, memory, &o, range->len);
	if (code == VF_T_WAIT)
		return 1;
	return code == VF_FAIL_NONE ? VF_OK : VF_E_REFUSED;
}
