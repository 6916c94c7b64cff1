/* compare.c - what SFDP and the table of parts disagree about.
 */
#include "nor_internal.h"

static const struct nor_erase_fact *same_size(const struct nor_facts *f, uint8_t size_log2)
{
	for (uint8_t i = 0; i < f->erases; i++)
		if (f->erase[i].size_log2 == size_log2)
			return &f->erase[i];
	return NULL;
}

/* What the two disagree about, of all that would damage data or fail silently;
 * NULL if nothing. A size that only one of them lists is no disagreement. */
const char *vf_n_disagreement(const struct nor_facts *sfdp, const struct nor_facts *table)
{
	bool common = sfdp->erases == 0;

	if (sfdp->size_log2 != table->size_log2)
		return "size";
	if (sfdp->page_log2 != 0 && sfdp->page_log2 != table->page_log2)
		return "page size";
	for (uint8_t i = 0; i < sfdp->erases; i++) {
		const struct nor_erase_fact *s = &sfdp->erase[i];
		const struct nor_erase_fact *t = same_size(table, s->size_log2);

		if (t == NULL)
			continue;
		common = true;
		/* D7h and 20h are two names of one command on the parts that have both. */
		if (s->opcode != t->opcode && !(s->opcode == 0xD7 && t->opcode == 0x20))
			return "erase opcode";
		if (s->opcode4 != 0 && t->opcode4 != 0 && s->opcode4 != t->opcode4)
			return "4-byte erase opcode";
	}
	return common ? NULL : "erase sizes";
}
