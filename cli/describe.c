/* Boards, memories and plans, in words for people and in JSON for scripts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli.h"

static const char *hex_bytes(char *out, size_t room, const uint8_t *bytes, size_t len)
{
	out[0] = '\0';
	for (size_t i = 0, at = 0; i < len && at + 3 <= room; i++, at += 2)
		(void)snprintf(out + at, room - at, "%02x", bytes[i]);
	return out;
}

static void rights(char out[40], const vf_memory *m)
{
	(void)snprintf(out, 40, "%s%s%s", m->flags & VF_MEMORY_READ ? "read " : "",
	               m->flags & VF_MEMORY_WRITE ? "write " : "",
	               m->flags & VF_MEMORY_RUN ? "run" : "");
}

static void print_erases(const cli_options *o, const vf_memory *m)
{
	char line[200] = "", size[16], typ[24], max[24];
	for (unsigned i = 0; i < m->erase_types; i++) {
		const vf_erase_type *e = &m->erase[i];
		size_t at = strlen(line);
		(void)snprintf(line + at, sizeof line - at, "%s%s %s (max %s)", i ? ", " : "",
		               e->size == m->size ? "all of it" : cli_size(size, e->size),
		               e->typ_us ? cli_time(typ, e->typ_us) : "?", cli_time(max, e->max_us));
	}
	cli_print(o, "          erase    %s", line);
}

static void print_memory(const cli_options *o, const vf_memory *m, unsigned index)
{
	char size[16], page[16], unit[16], typ[24], id[2 * VF_MEMORY_ID_MAX + 1], right[40];
	rights(right, m);
	cli_print(o, "memory %u  %s%s, %s flash, id %s", index, m->name,
	          m->dies == 2 ? " (two in parallel)" : "",
	          m->kind == VF_MEMORY_NOR ? "external NOR" : "internal",
	          hex_bytes(id, sizeof id, m->id, m->id_len));
	cli_print(o, "          at       0x%08" PRIx32 "-0x%08" PRIx32 ", %s, %s", m->base,
	          m->base + (m->size - 1), cli_size(size, m->size), right);
	print_erases(o, m);
	cli_print(o, "          program  %s page in %s, unit %s", cli_size(page, m->page),
	          cli_time(typ, m->page_typ_us), cli_size(unit, m->unit));
	for (unsigned i = 0; i < m->protects; i++)
		cli_print(o, "          protected 0x%08" PRIx32 "-0x%08" PRIx32,
		          m->base + m->protect[i].offset,
		          m->base + m->protect[i].offset + (m->protect[i].len - 1));
}

void cli_print_board(const cli_options *o, const char *port, const vf_board *b,
                     const vf_job_result *r)
{
	const vf_welcome *w = &b->welcome;
	char id[2 * VF_WIRE_ID_MAX + 1], ring[16], window[16], trip[24], big[16], big_trip[24];
	cli_print(o, "board     %s, id %s, protocol %u", w->name,
	          w->id_len ? hex_bytes(id, sizeof id, w->id, w->id_len) : "none", w->version);
	cli_print(o, "link      %s, ring %s, window %s, payload %u", port, cli_size(ring, w->ring),
	          cli_size(window, w->window), w->payload);
	if (r->echo_us != 0)
		cli_print(o, "          round trip %s, with %s of payload %s", cli_time(trip, r->echo_us),
		          cli_size(big, r->echo_big), cli_time(big_trip, r->echo_big_us));
	for (unsigned i = 0; i < w->memories; i++)
		print_memory(o, &b->memory[i], i);
}

static void add_hex(cJSON *json, const char *name, uint32_t v)
{
	char text[11];
	(void)snprintf(text, sizeof text, "0x%08" PRIx32, v);
	cJSON_AddStringToObject(json, name, text);
}

static cJSON *memory_json(const vf_memory *m)
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
	cJSON_AddNumberToObject(json, "round_trip_us", r->echo_us);
	cJSON *list = cJSON_AddArrayToObject(json, "memories");
	for (unsigned i = 0; i < w->memories; i++)
		cJSON_AddItemToArray(list, memory_json(&b->memory[i]));
	return json;
}

/* --- plans ------------------------------------------------------------------- */

void cli_print_plan(const cli_options *o, const vf_job_plan *plan, const vf_board *b)
{
	const vf_memory *m = &b->memory[plan->memory];
	char a[16], c[16], k[16], l[16], t[24];
	cli_print(o, "%s: %" PRIu32 " sectors are right, %" PRIu32 " blank to fill, %" PRIu32
	             " to erase", m->name, plan->sectors_same, plan->sectors_blank,
	          plan->sectors_dirty);
	for (size_t i = 0; i < plan->plan->count; i++) {
		const vf_plan_step *s = &plan->plan->steps[i];
		cli_print(o, "  %-8s 0x%08" PRIx32 "  %s", s->kind == VF_PLAN_ERASE ? "erase" : "program",
		          m->base + s->offset, cli_size(a, s->len));
	}
	cli_print(o, "  erases %s, programs %s (%s of it kept), sends %s, about %s",
	          cli_size(a, plan->plan->erase_bytes), cli_size(c, plan->plan->program_bytes),
	          cli_size(k, plan->keep_bytes), cli_size(l, plan->link_bytes),
	          cli_time(t, plan->estimate_us));
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
		cJSON_AddStringToObject(s, "do",
		                        plan->plan->steps[i].kind == VF_PLAN_ERASE ? "erase" : "program");
		add_hex(s, "address", m->base + plan->plan->steps[i].offset);
		cJSON_AddNumberToObject(s, "length", plan->plan->steps[i].len);
		cJSON_AddItemToArray(list, s);
	}
	return json;
}
