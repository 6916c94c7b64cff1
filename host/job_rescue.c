/* job_rescue.c - the person interrupts while bytes that no file names are only in
 * this program's hands: read before an erase, not yet seen to be back. The queue
 * is dropped, and the job goes on with the sectors of which that is true alone,
 * until they hold what they should. A second interruption ends that too. */
#include "job_internal.h"

enum { RANGES_MAX = 180 /* of text */ };

/* Could something that no file names be missing there? What was blank stays so,
 * unless an erase was cut short: the board may have restarted, for all we know. */
static bool at_stake(const vf_job *j, const vf_job_sector *s)
{
	const unsigned whole = VF_JOB_PARTIAL | VF_JOB_KEPT;
	if (!s->begun || (s->flags & whole) != whole)
		return false;
	if (s->keep != NULL)
		return true;
	return !j->config.discard && (s->flags & (VF_JOB_FAILED | VF_JOB_SUSPECT)) != 0;
}

static size_t count_at_stake(const vf_job *j)
{
	size_t count = 0;
	for (size_t i = 0; i < j->areas; i++)
		for (size_t k = 0; k < j->area[i].count; k++)
			count += at_stake(j, &j->area[i].sectors[k]);
	return count;
}

/* "0x90000000-0x90003fff": of each memory from the first to the last sector. */
static void ranges(const vf_job *j, char out[RANGES_MAX])
{
	size_t at = 0;
	out[0] = '\0';
	for (size_t i = 0; i < j->areas; i++) {
		const vf_job_area *a = &j->area[i];
		const vf_job_sector *first = NULL, *last = NULL;
		for (size_t k = 0; k < a->count; k++) {
			if (!at_stake(j, &a->sectors[k]))
				continue;
			first = first != NULL ? first : &a->sectors[k];
			last = &a->sectors[k];
		}
		if (first == NULL || at >= RANGES_MAX)
			continue;
		const uint64_t end = vf_job_sector_address(a, last) + vf_job_sector_size(a) - 1;
		const int n = snprintf(out + at, RANGES_MAX - at, "%s0x%08llx-0x%08llx",
				       at > 0 ? ", " : "",
				       (unsigned long long)vf_job_sector_address(a, first),
				       (unsigned long long)end);
		at += n > 0 ? (size_t)n : 0;
	}
}

/* --- restricting the job ------------------------------------------------------ */

static void restrict_area(vf_job *j, vf_job_area *a)
{
	size_t left = 0;
	for (size_t k = 0; k < a->count; k++) {
		vf_job_sector *s = &a->sectors[k];
		if (!at_stake(j, s)) {
			vf_free(&j->alloc, s->keep);
			continue;
		}
		a->sectors[left++] = *s;
	}
	a->count = left;
}

static void restrict_map(vf_job *j)
{
	size_t left = 0;
	for (size_t i = 0; i < j->areas; i++) {
		vf_job_area *a = &j->area[i];
		restrict_area(j, a);
		if (a->count > 0) {
			j->area[left++] = *a;
			continue;
		}
		vf_free(&j->alloc, a->sectors);
		vf_plan_free(&a->plan, &j->alloc);
	}
	j->areas = left;
}

/* --- what to say ---------------------------------------------------------------- */

/* So long the board hears nothing, in seconds; 0: it listens. */
static unsigned deaf_for(const vf_job *j)
{
	const vf_state *state = vf_session_state(j->session);
	if (vf_session_status(j->session) != VF_SESSION_OPEN || (state->flags & VF_STATE_DEAF) == 0)
		return 0;
	return state->maximum_ms / 1000 + 1;
}

/* Does it answer? One that has not yet, or that just restarted, may not listen at all. */
static bool answers(const vf_job *j)
{
	const enum vf_session_status status = vf_session_status(j->session);
	return status == VF_SESSION_OPEN || status == VF_SESSION_STOPPED;
}

static void say_stopped(vf_job *j, const char *what)
{
	const unsigned deaf = deaf_for(j);
	if (deaf != 0)
		(void)vf_fail(&j->result.error, VF_E_INTERRUPTED,
			      "%s; the board's flash driver is busy and hears nothing for up to "
			      "%u s",
			      what, deaf);
	else
		(void)vf_fail(&j->result.error, VF_E_INTERRUPTED, "%s%s", what,
			      answers(j) ? ", the board is ready for the next command" : "");
}

static const char *how_far(const vf_job *j)
{
	if (!vf_job_changes(j))
		return "";
	return j->touched ? "; what was begun is not complete" : " before anything was changed";
}

/* What becomes of the bytes that were not put back. */
static const char *fate(const vf_job *j)
{
	return j->keep_saved ? "lacks bytes that no file names, which are kept here: run this again"
			     : "may have lost bytes that no file names";
}

static void say_lost(vf_job *j)
{
	char where[RANGES_MAX], what[RANGES_MAX + 120];
	ranges(j, where);
	(void)snprintf(what, sizeof what, "interrupted twice; %s %s", where, fate(j));
	say_stopped(j, what);
}

static void say_begun(vf_job *j, size_t sectors)
{
	char wait[80] = "";
	const unsigned deaf = deaf_for(j);
	if (deaf != 0)
		(void)snprintf(wait, sizeof wait, ", once the board hears again, in up to %u s",
			       deaf);
	vf_job_note(j,
		    "interrupted: putting back what the files do not name in %zu %s that %s "
		    "begun%s; once more ends at once",
		    sectors, sectors == 1 ? "sector" : "sectors", sectors == 1 ? "was" : "were",
		    wait);
}

static bool leave_rescued(vf_job *j)
{
	say_stopped(j, "interrupted; what the files do not name in the sectors that were begun "
		       "was put back; the rest is not complete");
	return vf_job_leave(j);
}

/* Does the keeper have bytes of which the look has not told yet whether they are wanted? */
static bool anything_pending(const vf_job *j)
{
	for (size_t i = 0; i < j->areas; i++)
		for (size_t k = 0; k < j->area[i].count; k++)
			if (vf_job_keep_pending(&j->area[i].sectors[k]))
				return true;
	return false;
}

/* What is back need not be kept; what was not looked at is the next run's. */
static void drop_kept(vf_job *j)
{
	if (!j->keep_waits)
		vf_job_keep_done(j);
}

/* --- doors ------------------------------------------------------------------------ */

void vf_job_stop(vf_job *j)
{
	const size_t sectors = count_at_stake(j);
	if (j->diagnosing) {
		(void)vf_job_leave(j);
		return;
	}
	if (j->run_sent) {
		(void)vf_fail(&j->result.error, VF_E_INTERRUPTED, "interrupted%s",
			      vf_job_unconfirmed(j));
		(void)vf_job_leave(j);
		return;
	}
	if (j->rescuing && sectors > 0) {
		say_lost(j);
		(void)vf_job_leave(j);
		return;
	}
	if (j->rescuing) { /* the next run finds that nothing is missing, and says so */
		(void)leave_rescued(j);
		return;
	}
	if (sectors == 0) {
		char what[80];
		(void)snprintf(what, sizeof what, "interrupted%s", how_far(j));
		say_stopped(j, what);
		(void)vf_job_leave(j);
		return;
	}
	say_begun(j, sectors);
	j->rescuing = true;
	j->keep_waits = anything_pending(j);
	vf_job_open_again(j);
	restrict_map(j);
}

/* A board that did not restart ends what its chip had begun. */
void vf_job_rescue_opened(vf_job *j)
{
	const vf_welcome *w = &vf_session_board(j->session)->welcome;
	j->restarted = j->restarted || (w->capabilities & VF_CAP_FRESH) != 0;
	for (size_t i = 0; i < j->areas && !j->restarted; i++)
		for (size_t k = 0; k < j->area[i].count; k++)
			j->area[i].sectors[k].flags &= (uint8_t)~VF_JOB_SUSPECT;
}

bool vf_job_untouched(vf_job *j, const vf_job_area *a, vf_job_sector *s)
{
	const unsigned marks = VF_JOB_WRITTEN | VF_JOB_SUSPECT | VF_JOB_FAILED;
	vf_digest d;
	uint8_t digest[VF_DIGEST_SIZE];
	if (!j->rescuing || !at_stake(j, s) || s->keep == NULL)
		return false;
	vf_digest_init(&d, vf_session_number(j->session));
	vf_digest_update(&d, s->keep, vf_job_sector_size(a));
	vf_digest_final(&d, digest);
	if (!vf_job_equal(digest, s->digest))
		return false;
	s->begun = false;
	s->state = VF_SECTOR_SAME;
	s->flags &= (uint8_t)~marks;
	return true;
}

/* The set says so, and what was kept is of no use any more. */
static bool returned(vf_job *j)
{
	vf_slot *s = vf_slot_take(j);
	if (s == NULL)
		return false;
	vf_slot_give(j, s);
	drop_kept(j);
	return leave_rescued(j);
}

bool vf_job_rescued(vf_job *j)
{
	/* The mark may have got through although nobody heard so. */
	if (vf_job_has_journal(j) &&
	    (j->set.asked || vf_session_board(j->session)->welcome.set == VF_SET_INCOMPLETE)) {
		vf_job_go(j, returned, VF_PHASE_VERIFY, 0);
		(void)vf_job_set_returned(j);
		return true;
	}
	drop_kept(j);
	return leave_rescued(j);
}

void vf_job_rescue_failed(vf_job *j)
{
	char where[RANGES_MAX];
	const vf_error why = j->result.error;
	ranges(j, where);
	if (where[0] != '\0')
		(void)vf_fail(&j->result.error, why.code,
			      "interrupted; %s %s. Because then: %.170s", where, fate(j), why.text);
}
