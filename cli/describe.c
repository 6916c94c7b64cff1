/* Boards, memories and plans, in words for people and in JSON for scripts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <vcpflash/doctor.h>

#include "cli.h"

static const char *hex_bytes(char *out, size_t room, const uint8_t *bytes, size_t len)
{
	out[0] = '\0';
	for (size_t i = 0, at = 0; i < len && at + 3 <= room; i++, at += 2)
		(void)snprintf(out + at, room - at, "%02x", bytes[i]);
	return out;
}

/* "read, write, run" */
static void rights(char out[40], const vf_memory *m)
{
	static const char *const name[] = {"read", "write", "run"};
	static const uint8_t flag[] = {VF_MEMORY_READ, VF_MEMORY_WRITE, VF_MEMORY_RUN};
	out[0] = '\0';
	for (unsigned i = 0; i < sizeof flag; i++) {
		size_t at = strlen(out);
		if ((m->flags & flag[i]) != 0)
			(void)snprintf(out + at, 40 - at, "%s%s", at == 0 ? "" : ", ", name[i]);
	}
}

static void print_erases(const cli_options *o, const vf_memory *m)
{
	char line[200] = "", size[16], typ[24], max[24];
	for (unsigned i = 0; i < m->erase_types; i++) {
		const vf_erase_type *e = &m->erase[i];
		size_t at = strlen(line);
		(void)snprintf(line + at, sizeof line - at, "%s%s %s (max %s)", i ? ", " : "",
			       e->size == m->size ? "all of it" : cli_size(size, e->size),
			       e->typ_us ? cli_time(typ, e->typ_us) : "?",
			       cli_time(max, e->max_us));
	}
	cli_print(o, "          erase    %s", line);
}

static void print_program(const cli_options *o, const vf_memory *m)
{
	char page[16], unit[16], typ[24], max[24];
	cli_print(o, "          program  %s page in %s (max %s), unit %s%s",
		  cli_size(page, m->page), m->page_typ_us ? cli_time(typ, m->page_typ_us) : "?",
		  cli_time(max, m->page_max_us), cli_size(unit, m->unit),
		  m->flags & VF_MEMORY_REPROGRAM ? "" : ", once between erases");
}

static bool made_out(const vf_condition *c)
{
	return c->known == 0 || c->probe == VF_PROBE_GOOD;
}

static void print_memory(const cli_options *o, const vf_memory *m, const vf_condition *c,
			 unsigned index)
{
	char size[16], id[2 * VF_MEMORY_ID_MAX + 1], right[40];
	rights(right, m);
	cli_print(o, "memory %u  %s%s, %s flash%s%s", index, m->name,
		  m->dies == 2 ? " (two in parallel)" : "",
		  m->kind == VF_MEMORY_NOR ? "external NOR" : "internal", m->id_len ? ", id " : "",
		  hex_bytes(id, sizeof id, m->id, m->id_len));
	if (!made_out(c))
		return; /* the figures are a stand-in's */
	cli_print(o, "          at       0x%08" PRIx32 "-0x%08" PRIx32 ", %s, %s", m->base,
		  m->base + (m->size - 1), cli_size(size, m->size), right);
	print_erases(o, m);
	print_program(o, m);
	for (unsigned i = 0; i < m->protects; i++)
		cli_print(o, "          protected 0x%08" PRIx32 "-0x%08" PRIx32,
			  m->base + m->protect[i].offset,
			  m->base + m->protect[i].offset + (m->protect[i].len - 1));
}

static void print_condition(const cli_options *o, const vf_memory *m, const vf_condition *c)
{
	char mode[160];
	if (!made_out(c)) {
		cli_print(o, "          trouble  %s", vf_condition_probe(c));
		return;
	}
	if (c->known == 0 || o->verbose == 0)
		return;
	vf_condition_found(c, mode, sizeof mode);
	cli_print(o, "          found    %s", mode);
	cli_print(o, "          facts    %s%s%s", vf_condition_facts(c),
		  c->conflict[0] != '\0' ? ": " : "", c->conflict);
	cli_print(o, "          lanes    read %u, program %u; quad enable %s", c->lanes & 15u,
		  c->lanes >> 4, vf_condition_quad(c));
	for (unsigned i = 0; i < m->dies && i < 2 && c->registers > 0; i++)
		cli_print(o, "          status   %02x, block-protect bits %02x of %02x%s",
			  c->status[i][0], c->status[i][0] & c->protect_mask, c->protect_mask,
			  c->complemented != 0 ? ", inverted (CMP)" : "");
}

static const char *set_name(const vf_welcome *w)
{
	static const char *const name[] = {"none", "incomplete", "complete", "unreadable"};
	return w->set < sizeof name / sizeof name[0] ? name[w->set] : "unknown";
}

/* What the journal says may start. */
static void print_set(const cli_options *o, const vf_welcome *w, const vf_job_result *r)
{
	if ((w->capabilities & VF_CAP_JOURNAL) == 0)
		return;
	if (w->set == VF_SET_NONE || w->set == VF_SET_UNREADABLE)
		cli_print(o, "journal   %s",
			  w->set == VF_SET_NONE ? "nothing was programmed yet" : "unreadable");
	if (w->set == VF_SET_INCOMPLETE && (!r->has_set || r->set.count == 0))
		cli_print(o, "journal   incomplete: what was changed is not known to be all of an "
			     "application: program it");
	for (unsigned i = 0; r->has_set && i < r->set.count; i++) {
		const vf_set_entry *e = &r->set.entry[i];
		const char *state = vf_job_set_entry_state(&r->set, e);
		cli_print(o, "%s0x%08" PRIx32 "-0x%08" PRIx32 " %s",
			  i == 0 ? "journal   " : "          ", e->address,
			  e->address + (e->length - 1),
			  state[0] == 'w' ? "complete"
			  : state[0] == 'o'
				  ? "incomplete: a run was interrupted, program it again"
				  : "incomplete: bytes that no file names are to be put back");
	}
}

void cli_print_board(const cli_options *o, const char *port, const vf_board *b,
		     const vf_job_result *r)
{
	const vf_welcome *w = &b->welcome;
	char id[2 * VF_WIRE_ID_MAX + 1], ring[16], window[16], payload[16];
	char trip[24], big[16], big_trip[24];
	cli_print(o, "board     %s, id %s, protocol %u", w->name,
		  w->id_len ? hex_bytes(id, sizeof id, w->id, w->id_len) : "none", w->version);
	cli_print(o, "link      %s, ring %s, window %s, payload %s", port, cli_size(ring, w->ring),
		  cli_size(window, w->window), cli_size(payload, w->payload));
	if ((w->capabilities & VF_CAP_KEY) != 0)
		cli_print(o, "key       %s",
			  b->proven ? "asked for, and accepted"
				    : "asked for: without --key-file the board says no more "
				      "than this");
	if (r->echo_us != 0 && r->echo_big_us != 0)
		cli_print(o, "          round trip %s, with %s of payload %s",
			  cli_time(trip, r->echo_us), cli_size(big, r->echo_big),
			  cli_time(big_trip, r->echo_big_us));
	else if (r->echo_us != 0)
		cli_print(o, "          round trip %s; %s of payload did not come back in time",
			  cli_time(trip, r->echo_us), cli_size(big, r->echo_big));
	for (unsigned i = 0; i < w->memories; i++) {
		print_memory(o, &b->memory[i], &b->condition[i], i);
		print_condition(o, &b->memory[i], &b->condition[i]);
	}
	print_set(o, w, r);
}

static void add_hex(cJSON *json, const char *name, uint32_t v)
{
	char text[11];
	(void)snprintf(text, sizeof text, "0x%08" PRIx32, v);
	cJSON_AddStringToObject(json, name, text);
}

static cJSON *journal_json(const vf_welcome *w, const vf_job_result *r)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "set", set_name(w));
	cJSON *list = cJSON_AddArrayToObject(json, "ranges");
	for (unsigned i = 0; r->has_set && i < r->set.count; i++) {
		const vf_set_entry *e = &r->set.entry[i];
		cJSON *item = cJSON_CreateObject();
		add_hex(item, "address", e->address);
		cJSON_AddNumberToObject(item, "length", e->length);
		cJSON_AddStringToObject(item, "state", vf_job_set_entry_state(&r->set, e));
		cJSON_AddItemToArray(list, item);
	}
	return json;
}

static cJSON *condition_json(const vf_memory *m, const vf_condition *c)
{
	static const char *const mode[] = {"qpi", "addr4", "asleep", "continuous", "busy"};
	static const char *const quad[] = {"none", "on", "refused", "unknown"};
	static const char *const probe[] = {"good",   "absent",   "unknown", "conflict",
					    "differ", "unsteady", "busy"};
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "probe", probe[c->probe <= VF_PROBE_BUSY ? c->probe : 5]);
	cJSON_AddBoolToObject(json, "sfdp", (c->source & VF_CONDITION_SFDP) != 0);
	cJSON_AddBoolToObject(json, "table", (c->source & VF_CONDITION_TABLE) != 0);
	cJSON_AddStringToObject(json, "conflict", c->conflict);
	cJSON *list = cJSON_AddArrayToObject(json, "found");
	for (unsigned i = 0; i < sizeof mode / sizeof mode[0]; i++)
		if ((c->found & 1u << i) != 0)
			cJSON_AddItemToArray(list, cJSON_CreateString(mode[i]));
	cJSON_AddStringToObject(json, "quad", quad[c->quad & 3]);
	cJSON_AddNumberToObject(json, "read_lanes", c->lanes & 15);
	cJSON_AddNumberToObject(json, "program_lanes", c->lanes >> 4);
	list = cJSON_AddArrayToObject(json, "status");
	for (unsigned i = 0; i < m->dies && i < 2; i++)
		for (unsigned k = 0; k < c->registers && k < 2; k++)
			cJSON_AddItemToArray(list, cJSON_CreateNumber(c->status[i][k]));
	cJSON_AddNumberToObject(json, "protect_mask", c->protect_mask);
	cJSON_AddNumberToObject(json, "protect_bits", vf_condition_protected(c, m->dies));
	cJSON_AddBoolToObject(json, "protect_inverted", c->complemented != 0);
	return json;
}

static cJSON *memory_json(const vf_memory *m, const vf_condition *c)
{
	char id[2 * VF_MEMORY_ID_MAX + 1];
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "name", m->name);
	cJSON_AddStringToObject(json, "kind", m->kind == VF_MEMORY_NOR ? "nor" : "internal");
	cJSON_AddStringToObject(json, "id", hex_bytes(id, sizeof id, m->id, m->id_len));
	cJSON_AddNumberToObject(json, "dies", m->dies);
	add_hex(json, "base", m->base);
	cJSON_AddNumberToObject(json, "size", m->size);
	cJSON_AddNumberToObject(json, "page", m->page);
	cJSON_AddNumberToObject(json, "unit", m->unit);
	cJSON_AddNumberToObject(json, "page_typ_us", m->page_typ_us);
	cJSON_AddNumberToObject(json, "page_max_us", m->page_max_us);
	cJSON_AddNumberToObject(json, "read_rate", m->read_rate);
	cJSON_AddBoolToObject(json, "read", (m->flags & VF_MEMORY_READ) != 0);
	cJSON_AddBoolToObject(json, "write", (m->flags & VF_MEMORY_WRITE) != 0);
	cJSON_AddBoolToObject(json, "run", (m->flags & VF_MEMORY_RUN) != 0);
	cJSON_AddBoolToObject(json, "reprogram", (m->flags & VF_MEMORY_REPROGRAM) != 0);
	cJSON *list = cJSON_AddArrayToObject(json, "erase");
	for (unsigned i = 0; i < m->erase_types; i++) {
		cJSON *e = cJSON_CreateObject();
		cJSON_AddNumberToObject(e, "size", m->erase[i].size);
		cJSON_AddNumberToObject(e, "typ_us", m->erase[i].typ_us);
		cJSON_AddNumberToObject(e, "max_us", m->erase[i].max_us);
		cJSON_AddItemToArray(list, e);
	}
	list = cJSON_AddArrayToObject(json, "protected");
	for (unsigned i = 0; i < m->protects; i++) {
		cJSON *p = cJSON_CreateObject();
		add_hex(p, "address", m->base + m->protect[i].offset);
		cJSON_AddNumberToObject(p, "length", m->protect[i].len);
		cJSON_AddItemToArray(list, p);
	}
	if (c->known != 0)
		cJSON_AddItemToObject(json, "condition", condition_json(m, c));
	return json;
}

cJSON *cli_board_json(const char *port, const vf_board *b, const vf_job_result *r)
{
	const vf_welcome *w = &b->welcome;
	char id[2 * VF_WIRE_ID_MAX + 1];
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "board", w->name);
	cJSON_AddStringToObject(json, "id", hex_bytes(id, sizeof id, w->id, w->id_len));
	cJSON_AddStringToObject(json, "port", port);
	cJSON_AddNumberToObject(json, "protocol", w->version);
	cJSON_AddNumberToObject(json, "ring", w->ring);
	cJSON_AddNumberToObject(json, "window", w->window);
	cJSON_AddNumberToObject(json, "payload", w->payload);
	cJSON_AddBoolToObject(json, "asks_for_key", (w->capabilities & VF_CAP_KEY) != 0);
	cJSON_AddBoolToObject(json, "key_accepted",
			      (w->capabilities & VF_CAP_KEY) != 0 && b->proven);
	cJSON_AddNumberToObject(json, "round_trip_us", r->echo_us);
	cJSON *list = cJSON_AddArrayToObject(json, "memories");
	for (unsigned i = 0; i < w->memories; i++)
		cJSON_AddItemToArray(list, memory_json(&b->memory[i], &b->condition[i]));
	if ((w->capabilities & VF_CAP_JOURNAL) != 0)
		cJSON_AddItemToObject(json, "journal", journal_json(w, r));
	return json;
}

/* --- plans ------------------------------------------------------------------- */

/* Steps of one kind that lie side by side, for people: erases of one size, or
 * programs whatever their sizes. The order of execution is in the JSON. */
typedef struct plan_run {
	uint32_t offset, size; /* of the first step */
	uint64_t len;
	uint32_t count;
} plan_run;

/* The next run of `kind` at or after step *i; false if there is none. */
static bool next_run(const vf_plan *plan, uint8_t kind, size_t *i, plan_run *run)
{
	run->count = 0;
	for (; *i < plan->count; (*i)++) {
		const vf_plan_step *s = &plan->steps[*i];
		if (s->kind != kind)
			continue;
		if (run->count == 0)
			*run = (plan_run){s->offset, s->len, 0, 0};
		else if (s->offset != run->offset + run->len ||
			 (kind == VF_PLAN_ERASE && s->len != run->size))
			break;
		run->len += s->len;
		run->count++;
	}
	return run->count != 0;
}

static void print_runs(const cli_options *o, cli_line line, const vf_plan *plan, uint8_t kind,
		       uint32_t base)
{
	enum { SHOWN = 16 };
	const char *name = kind == VF_PLAN_ERASE ? "erase" : "program";
	char size[16], times[24];
	size_t shown = 0, i = 0;
	plan_run run;
	for (; next_run(plan, kind, &i, &run); shown++) {
		if (shown >= SHOWN && !o->verbose)
			continue;
		times[0] = '\0';
		if (kind == VF_PLAN_ERASE && run.count > 1)
			(void)snprintf(times, sizeof times, "%" PRIu32 " x ", run.count);
		line(o, "  %-8s 0x%08" PRIx32 "-0x%08" PRIx32 "  %s%s", name, base + run.offset,
		     (uint32_t)(base + run.offset + (run.len - 1)), times,
		     cli_size(size, times[0] != '\0' ? run.size : run.len));
	}
	if (shown > SHOWN && !o->verbose)
		line(o, "  %-8s in %zu more place%s (-v lists all)", name, shown - SHOWN,
		     shown - SHOWN == 1 ? "" : "s");
}

static void print_sums(const cli_options *o, cli_line line, const vf_job_plan *plan)
{
	char erased[16], written[16], kept[16], sent[16], time[24], beside[40] = "";
	if (plan->keep_bytes != 0)
		(void)snprintf(beside, sizeof beside, " (%s of it kept from before)",
			       cli_size(kept, plan->keep_bytes));
	line(o, "  erases %s, writes %s%s, sends %s, takes about %s",
	     cli_size(erased, plan->plan->erase_bytes),
	     cli_size(written, plan->plan->program_bytes), beside, cli_size(sent, plan->link_bytes),
	     cli_time(time, plan->estimate_us));
}

void cli_print_plan(const cli_options *o, cli_line line, const vf_job_plan *plan, const vf_board *b)
{
	const vf_memory *m = &b->memory[plan->memory];
	line(o, "%s: sectors right already %" PRIu32 ", blank %" PRIu32 ", to be erased %" PRIu32,
	     m->name, plan->sectors_same, plan->sectors_blank, plan->sectors_dirty);
	print_runs(o, line, plan->plan, VF_PLAN_ERASE, m->base);
	print_runs(o, line, plan->plan, VF_PLAN_PROGRAM, m->base);
	if (plan->plan->count != 0)
		print_sums(o, line, plan);
	else
		line(o, "  nothing to do");
}

cJSON *cli_plan_json(const vf_job_plan *plan, const vf_board *b)
{
	const vf_memory *m = &b->memory[plan->memory];
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "memory", m->name);
	cJSON_AddNumberToObject(json, "sectors_same", plan->sectors_same);
	cJSON_AddNumberToObject(json, "sectors_blank", plan->sectors_blank);
	cJSON_AddNumberToObject(json, "sectors_dirty", plan->sectors_dirty);
	cJSON_AddNumberToObject(json, "erase_bytes", (double)plan->plan->erase_bytes);
	cJSON_AddNumberToObject(json, "program_bytes", (double)plan->plan->program_bytes);
	cJSON_AddNumberToObject(json, "keep_bytes", (double)plan->keep_bytes);
	cJSON_AddNumberToObject(json, "link_bytes", (double)plan->link_bytes);
	cJSON_AddNumberToObject(json, "estimate_us", (double)plan->estimate_us);
	cJSON *list = cJSON_AddArrayToObject(json, "steps");
	for (size_t i = 0; i < plan->plan->count; i++) {
		cJSON *s = cJSON_CreateObject();
		cJSON_AddStringToObject(
			s, "do", plan->plan->steps[i].kind == VF_PLAN_ERASE ? "erase" : "program");
		add_hex(s, "address", m->base + plan->plan->steps[i].offset);
		cJSON_AddNumberToObject(s, "length", plan->plan->steps[i].len);
		cJSON_AddItemToArray(list, s);
	}
	return json;
}
