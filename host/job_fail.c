/* job_fail.c - the board stopped: is it worth another attempt, and if not, what
 * is the sentence for the person? */
#include "job_internal.h"

const char *vf_job_direction(uint8_t expected, uint8_t found)
{
	if (found == 0xFF)
		return "it is still erased there: programming has no effect (write protection, or "
		       "the line mode of the driver)";
	if ((expected & ~found) != 0 && (found & ~expected) == 0)
		return "a bit is 0 that should be 1: it was not erased, is protected, or something "
		       "else writes to the chip";
	if ((expected & ~found) == 0)
		return "a bit is 1 that should be 0: a worn cell, or programming stopped short";
	return "bits differ both ways: noise on the bus, or something else writes to the chip";
}

static const char *advice(uint8_t code)
{
	switch (code) {
	case VF_FAIL_ERASE:
		return "the chip says the erase failed: a protected or worn-out sector, or a weak "
		       "supply";
	case VF_FAIL_PROGRAM:
		return "the chip says programming failed: a protected or worn-out page, or a weak "
		       "supply";
	case VF_FAIL_LOCKED:
		return "the chip is write-protected there: clear the block-protect bits of its "
		       "status "
		       "register, and check its write-protect pin";
	case VF_FAIL_TIMEOUT:
		return "the chip took longer than its data sheet allows: check its supply and that "
		       "it is the part the board takes it for";
	case VF_FAIL_BUS:
		return "the flash controller could not carry out a transaction: check the pin and "
		       "clock setup of the board's loader";
	case VF_FAIL_ABSENT:
		return "the chip does not answer: check its supply, its wiring and the pin setup "
		       "of "
		       "the board's loader";
	case VF_FAIL_NO_APPLICATION:
		return "there is no vector table: program an application first, or name its "
		       "address";
	case VF_FAIL_PROTECTED:
		return "the board protects that range";
	case VF_FAIL_RIGHTS:
		return "the board does not allow that for this memory";
	case VF_FAIL_PACKING:
		return "the board could not unpack what was sent: update its loader";
	case VF_FAIL_INCOMPLETE:
		return "what the flash holds is not complete: program it again, or erase what is "
		       "torn (info lists it)";
	case VF_FAIL_JOURNAL:
		return "the board could not read or write its journal: the chip that holds it, or "
		       "the sectors it lives in, are at fault";
	case VF_FAIL_UNMARKED:
		return "the board wants the set marked incomplete first, and it was not: report a "
		       "fault";
	case VF_FAIL_UNPROVEN:
		return "what arrived is not what was sent: something on the line changes, adds "
		       "or repeats messages";
	case VF_FAIL_UNKNOWN:
	case VF_FAIL_MALFORMED:
	case VF_FAIL_RANGE:
		return "the board's loader refuses the request: update it, or report a fault";
	default:
		return "the board's own flash driver failed";
	}
}

/* Would the same again end otherwise? */
static bool may_pass(uint8_t code)
{
	switch (code) {
	case VF_FAIL_ERASE:
	case VF_FAIL_PROGRAM:
	case VF_FAIL_MISMATCH:
	case VF_FAIL_TIMEOUT:
	case VF_FAIL_BUS:
	case VF_FAIL_ABSENT:
	case VF_FAIL_OTHER:
	case VF_FAIL_PACKING:
		return true;
	default:
		return false;
	}
}

static const char *verb(uint8_t message)
{
	switch (message) {
	case VF_MESSAGE_ERASE:
		return "erasing";
	case VF_MESSAGE_PROGRAM:
	case VF_MESSAGE_DEFLATED:
		return "programming";
	case VF_MESSAGE_RUN:
		return "starting the application in";
	default:
		return "reading";
	}
}

static void say(vf_job *j, const vf_failure *f, uint8_t message)
{
	const char *name = f->memory < j->board.welcome.memories ? j->board.memory[f->memory].name
								 : "a memory";
	const bool refused = f->code == VF_FAIL_PROTECTED || f->code == VF_FAIL_RIGHTS ||
			     f->code == VF_FAIL_UNPROVEN;
	const int code = refused ? VF_E_REFUSED : VF_E_FLASH;
	j->result.has_failure = true;
	j->result.failure = *f;
	if (message == VF_MESSAGE_SET || message == VF_MESSAGE_RECALL || f->code == VF_FAIL_JOURNAL)
		(void)vf_fail(&j->result.error, code, "the board's journal failed (%s): %s",
			      vf_failure_name(f->code), advice(f->code));
	else if (f->code == VF_FAIL_MISMATCH)
		(void)vf_fail(&j->result.error, code,
			      "%s %s: 0x%08x holds 0x%02x where 0x%02x was written (%u bytes "
			      "differ): %s",
			      verb(message), name, f->address, f->found, f->expected, f->count,
			      vf_job_direction(f->expected, f->found));
	else
		(void)vf_fail(&j->result.error, code, "%s %s at 0x%08x failed (%s): %s",
			      verb(message), name, f->address, vf_failure_name(f->code),
			      advice(f->code));
}

/* The operation that failed: the first one at that place that is not done. */
static const vf_slot *failed_slot(const vf_job *j, const vf_failure *f)
{
	for (const vf_slot *s = j->head; s != NULL; s = s->next) {
		const vf_message *m = &s->op.message;
		if (s->op.status != VF_OPERATION_DONE && m->memory == f->memory &&
		    f->address >= m->address && f->address - m->address <= m->length)
			return s;
	}
	return NULL;
}

/* Marks the erase unit of a failure; false if one of its sectors has the mark
 * already. What failed to be changed must be erased anew. */
static bool scar(vf_job *j, const vf_failure *f, const vf_slot *s)
{
	const uint8_t type = s != NULL ? s->op.message.type : 0;
	const bool changes = type == VF_MESSAGE_ERASE || vf_job_programs(type);
	uint64_t start = f->address;
	uint64_t end = start + 1;
	bool fresh = true;
	bool mapped = false;
	if (type == VF_MESSAGE_ERASE) {
		start = s->op.message.address;
		end = start + s->op.message.length;
	}
	for (size_t i = 0; i < j->areas; i++) {
		vf_job_area *a = &j->area[i];
		const uint64_t base = a->memory->base;
		if (a->index != f->memory || start < base)
			continue;
		size_t k = vf_job_sector_find(a, (start - base) / vf_job_sector_size(a));
		for (; k < a->count && vf_job_sector_address(a, &a->sectors[k]) < end; k++) {
			fresh = fresh && (a->sectors[k].flags & VF_JOB_SCARRED) == 0;
			mapped = true;
		}
	}
	vf_job_flag(j, f->memory, start, end,
		    changes ? VF_JOB_SCARRED | VF_JOB_FAILED : VF_JOB_SCARRED);
	if (!mapped) {
		fresh = !j->scarred;
		j->scarred = true;
	}
	return fresh;
}

bool vf_job_stopped(vf_job *j)
{
	const vf_failure f = *vf_session_failure(j->session);
	const vf_slot *s = failed_slot(j, &f);
	const uint8_t message = s != NULL ? s->op.message.type : 0;
	j->never_pack = j->never_pack || f.code == VF_FAIL_PACKING;
	if (may_pass(f.code) && j->result.attempts < VF_JOB_ATTEMPTS && scar(j, &f, s)) {
		vf_job_note(j, "%s failed at 0x%08x (%s): trying once more%s", verb(message),
			    f.address, vf_failure_name(f.code),
			    f.code == VF_FAIL_PACKING ? ", without compression" : "");
		return true;
	}
	say(j, &f, message);
	if (f.code == VF_FAIL_MISMATCH && vf_job_read_up(j, &f))
		return true;
	return !vf_job_leave(j);
}
