/* record.c - the journal's records, and the state that carrying them out one after
 * the other comes to. What is written is carried out the same way as what is read,
 * so that the board knows before a power cut what it will know after it.
 */
#include <string.h>

#include "journal.h"

enum { MARKER = 0x4A, PAYLOAD = 12, CRC = 28 };

static uint32_t crc_of(const uint8_t *record)
{
	return vf_crc32_final(vf_crc32_update(VF_CRC32_INIT, record, CRC));
}

void vf_j_make(uint8_t *record, uint8_t type, uint8_t memory, uint8_t detail)
{
	memset(record, 0, VF_JOURNAL_RECORD);
	record[0] = MARKER;
	record[1] = type;
	record[2] = memory;
	record[3] = detail;
}

void vf_j_make_range(uint8_t *record, uint8_t type, unsigned memory, uint8_t detail,
		     const vf_range *range)
{
	vf_j_make(record, type, (uint8_t)memory, detail);
	vf_put32(record + PAYLOAD, range->offset);
	vf_put32(record + PAYLOAD + 4, range->len);
}

void vf_j_seal(uint8_t *record, uint32_t generation, uint32_t sequence)
{
	vf_put32(record + 4, generation);
	vf_put32(record + 8, sequence);
	vf_put32(record + CRC, crc_of(record));
}

bool vf_j_valid(const uint8_t *record)
{
	return record[0] == MARKER && vf_get32(record + CRC) == crc_of(record) &&
	       vf_get32(record + 4) != 0;
}

bool vf_j_blank(const uint8_t *slot)
{
	uint8_t all = 0xFF;
	for (unsigned i = 0; i < VF_JOURNAL_RECORD; i++)
		all &= slot[i];
	return all == 0xFF;
}

/* --- the state --------------------------------------------------------------------- */

void vf_j_forget(vf_target_journal *j)
{
	memset(j->work, 0, sizeof j->work);
	memset(j->set, 0, sizeof j->set);
	j->changed = 0;
	j->which = j->staged = 0;
	j->generation = j->sequence = j->slot = 0;
	j->opened = j->gap = j->holds = false;
}

static void finish(vf_target_work *w)
{
	if (w->how == VF_J_ERASES)
		vf_j_torn_cut(&w->torn, &w->range);
	w->range.len = 0;
	w->failed = false;
}

void vf_j_finish_work(vf_target_journal *j)
{
	for (unsigned m = 0; m < VF_TARGET_MEMORIES; m++) {
		if (!j->work[m].failed)
			finish(&j->work[m]);
	}
}

void vf_j_settle_work(vf_target_journal *j)
{
	for (unsigned m = 0; m < VF_TARGET_MEMORIES; m++) {
		vf_target_work *w = &j->work[m];
		if (!w->failed)
			continue;
		vf_j_torn_add(&w->torn, &w->range);
		w->range.len = 0;
		w->failed = false;
	}
}

vf_torn vf_j_torn(const vf_target_journal *j, unsigned memory)
{
	const vf_target_work *w = &j->work[memory];
	vf_torn torn = w->torn;
	if (w->failed)
		vf_j_torn_add(&torn, &w->range);
	return torn;
}

static void carry_work(vf_target_journal *j, const uint8_t *record)
{
	vf_target_work *w = &j->work[record[2]];
	vf_range range = {vf_get32(record + PAYLOAD), vf_get32(record + PAYLOAD + 4)};
	finish(w);
	if (record[1] == VF_J_TORN) {
		vf_j_torn_add(&w->torn, &range);
	} else if (record[3] != VF_J_NOTHING) {
		w->range = range;
		w->how = record[3];
	}
}

static void carry_range(vf_target_journal *j, const uint8_t *record)
{
	uint8_t k = record[3];
	if (k >= VF_TARGET_SET || k > j->staged)
		return;
	memcpy(j->set[j->which ^ 1] + VF_WIRE_SET_HEADER + VF_WIRE_SET_ENTRY * (size_t)k,
	       record + PAYLOAD, VF_WIRE_SET_ENTRY);
	j->staged = (uint8_t)(k + 1);
}

static void carry_set(vf_target_journal *j, const uint8_t *record)
{
	uint32_t count = vf_get32(record + PAYLOAD + 8);
	uint8_t state = record[3];
	bool whole = count == 0 || count == j->staged; /* others were left behind by a cut */
	j->which ^= 1;
	uint8_t *set = vf_j_set(j);
	if (!whole)
		count = 0;
	memset(set, 0, VF_WIRE_SET_HEADER);
	memset(set + VF_WIRE_SET_HEADER + (size_t)VF_WIRE_SET_ENTRY * count, 0,
	       (size_t)VF_WIRE_SET_ENTRY * (VF_TARGET_SET - count));
	set[0] = whole && state <= VF_SET_COMPLETE ? state : (uint8_t)VF_SET_INCOMPLETE;
	set[1] = (uint8_t)count;
	memcpy(set + 8, record + PAYLOAD, 8);
	j->staged = 0;
	for (unsigned m = 0; m < VF_TARGET_MEMORIES; m++)
		finish(&j->work[m]);
}

void vf_j_carry_out(vf_target_journal *j, const uint8_t *record)
{
	switch (record[1]) {
	case VF_J_OPEN:
		j->opened = !j->gap && vf_get32(record + PAYLOAD) + 1 == j->sequence;
		break;
	case VF_J_WORK:
	case VF_J_TORN:
		if (record[2] < VF_TARGET_MEMORIES)
			carry_work(j, record);
		break;
	case VF_J_RANGE:
		carry_range(j, record);
		break;
	case VF_J_SET:
		carry_set(j, record);
		break;
	case VF_J_CHANGED:
		j->changed = vf_get32(record + PAYLOAD) | (uint64_t)vf_get32(record + PAYLOAD + 4)
								  << 32;
		break;
	default: /* of a later version */
		break;
	}
}

/* --- the state as records ---------------------------------------------------------- */

static void make_of_set(const vf_target_journal *j, uint32_t index, uint8_t *record)
{
	const uint8_t *set = j->set[j->which];
	if (index < set[1]) {
		vf_j_make(record, VF_J_RANGE, 0, (uint8_t)index);
		memcpy(record + PAYLOAD,
		       set + VF_WIRE_SET_HEADER + (size_t)VF_WIRE_SET_ENTRY * index,
		       VF_WIRE_SET_ENTRY);
		return;
	}
	vf_j_make(record, VF_J_SET, 0, set[0]);
	memcpy(record + PAYLOAD, set + 8, 8);
	record[PAYLOAD + 8] = set[1];
}

/* Of a memory: each torn range, then what is under way. False past the last. */
static bool make_of_work(const vf_target_work *w, unsigned memory, uint32_t index, uint8_t *record)
{
	if (index < w->torn.count)
		vf_j_make_range(record, VF_J_TORN, memory, 0, &w->torn.range[index]);
	else if (index == w->torn.count && w->range.len != 0)
		vf_j_make_range(record, VF_J_WORK, memory, w->how, &w->range);
	else
		return false;
	return true;
}

/* Record `index` of those that the state comes to, the set first because it says that
 * nothing is under way; false past the last. What failed must be settled. */
bool vf_j_state(const vf_target_journal *j, uint32_t index, uint8_t *record)
{
	uint32_t of_set = j->set[j->which][1] + 1u;
	if (index < of_set) {
		make_of_set(j, index, record);
		return true;
	}
	index -= of_set;
	for (unsigned m = 0; m < VF_TARGET_MEMORIES; m++) {
		const vf_target_work *w = &j->work[m];
		if (make_of_work(w, m, index, record))
			return true;
		index -= w->torn.count + (w->range.len != 0 ? 1u : 0u);
	}
	if (index != 0)
		return false;
	vf_j_make(record, VF_J_CHANGED, 0, 0);
	vf_put32(record + PAYLOAD, (uint32_t)j->changed);
	vf_put32(record + PAYLOAD + 4, (uint32_t)(j->changed >> 32));
	return true;
}
