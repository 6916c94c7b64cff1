/* journal.h - what the files of the journal tell each other, and how the engine
 * calls them: through a table that only a port which wants a journal refers to, so
 * that all others do not link it.
 *
 *     torn.c     lists of torn ranges
 *     record.c   records, and what carrying them out does (JOURNAL, Records)
 *     log.c      units: reading them, writing records, changing units
 *     journal.c  what the engine asks for
 */
#ifndef VCPFLASH_TARGET_JOURNAL_H
#define VCPFLASH_TARGET_JOURNAL_H

#include "engine.h"

enum { /* types of records */
       VF_J_OPEN = 1,
       VF_J_WORK = 2,
       VF_J_TORN = 3,
       VF_J_RANGE = 4,
       VF_J_SET = 5,
       VF_J_CHANGED = 6,
};

enum { /* detail of WORK, vf_target_work.how */
       VF_J_NOTHING = 0,
       VF_J_ERASES = 1,
       VF_J_PROGRAMS = 2,
};

enum { /* vf_target_journal.phase */
       VF_J_IDLE,
       VF_J_READING,
       VF_J_WIPING,
       VF_J_WRITING,
       VF_J_CHECKING,
};

enum { VF_J_BAD_SLOTS = 4 };

static inline uint8_t *vf_j_set(vf_target_journal *j)
{
	return j->set[j->which];
}

static inline uint8_t vf_j_set_state(const vf_target_journal *j)
{
	return j->broken ? (uint8_t)VF_SET_UNREADABLE : j->set[j->which][0];
}

static inline uint32_t vf_j_slots(const vf_target *t)
{
	return t->config.journal_unit / VF_JOURNAL_RECORD;
}

/* torn.c */
void vf_j_torn_add(vf_torn *torn, const vf_range *range);
void vf_j_torn_cut(vf_torn *torn, const vf_range *range);
bool vf_j_torn_meets(const vf_torn *torn, const vf_range *range);

/* record.c */
void vf_j_make(uint8_t *record, uint8_t type, uint8_t memory, uint8_t detail);
void vf_j_make_range(uint8_t *record, uint8_t type, unsigned memory, uint8_t detail,
		     const vf_range *range);
void vf_j_seal(uint8_t *record, uint32_t generation, uint32_t sequence);
bool vf_j_valid(const uint8_t *record);
bool vf_j_blank(const uint8_t *slot);
void vf_j_forget(vf_target_journal *j); /* the empty state */
void vf_j_carry_out(vf_target_journal *j, const uint8_t *record);
void vf_j_finish_work(vf_target_journal *j); /* in all memories */
void vf_j_settle_work(vf_target_journal *j); /* what failed is torn */
bool vf_j_state(const vf_target_journal *j, uint32_t index, uint8_t *record);
vf_torn vf_j_torn(const vf_target_journal *j, unsigned memory); /* all of it */

/* log.c */
void vf_j_log_step(vf_target *t);
void vf_j_log_ended(vf_target *t);

#endif
