/* ports: which serial ports there are, and behind which a board answers. Only
 * ports that are known to be boards or probes are spoken to. */
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli.h"

typedef struct seen {
	const cli_options *options;
	cJSON *list;
	int count;
} seen;

/* Who is behind a port, as far as that may be asked. */
typedef struct answer {
	char board[VF_WIRE_BOARD_NAME_MAX + 1]; /* empty: nobody answers */
	char id[2 * VF_WIRE_ID_MAX + 1];
	vf_error trouble;
} answer;

static void ask(const cli_options *o, const vf_port_info *port, answer *a)
{
	vf_board board;
	if (!vf_client_answers(&o->client, port->name, &board, &a->trouble))
		return;
	memcpy(a->board, board.welcome.name, sizeof a->board);
	for (unsigned i = 0; i < board.welcome.id_len; i++)
		(void)snprintf(a->id + 2 * (size_t)i, 3, "%02x", board.welcome.id[i]);
}

static void add_text(cJSON *item, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		cJSON_AddStringToObject(item, name, text);
}

static cJSON *port_json(const vf_port_info *port, const char *ids, const answer *a)
{
	cJSON *item = cJSON_CreateObject();
	cJSON_AddStringToObject(item, "port", port->name);
	add_text(item, "usb", ids);
	if (port->interface >= 0)
		cJSON_AddNumberToObject(item, "interface", port->interface);
	add_text(item, "serial", port->serial);
	add_text(item, "description", port->description);
	cJSON_AddBoolToObject(item, "known", port->known);
	add_text(item, "board", a->board);
	add_text(item, "id", a->id);
	add_text(item, "trouble", a->trouble.text);
	return item;
}

static int show(void *ctx, const vf_port_info *port)
{
	seen *s = ctx;
	answer a = {.board = ""};
	char ids[12] = "";
	if (port->known)
		ask(s->options, port, &a);
	if (port->vid >= 0)
		(void)snprintf(ids, sizeof ids, "%04x:%04x", (unsigned)port->vid & 0xFFFF,
			       (unsigned)port->pid & 0xFFFF);
	cli_print(s->options, "%-20s %-9s %-24s %s%s%s%s%s", port->name, ids[0] ? ids : "-",
		  port->serial != NULL ? port->serial : "-",
		  port->description != NULL ? port->description : "",
		  a.board[0]                ? "  <- board: "
		  : a.trouble.code != VF_OK ? "  <- "
					    : "",
		  a.board[0] ? a.board : a.trouble.text, a.id[0] ? ", id " : "", a.id);
	cJSON_AddItemToArray(s->list, port_json(port, ids, &a));
	s->count++;
	return vf_interrupted() ? VF_E_INTERRUPTED : 0;
}

int cli_ports(const cli_options *o)
{
	vf_error err = {0};
	cJSON *json = cJSON_CreateObject();
	seen s = {o, cJSON_AddArrayToObject(json, "ports"), 0};
	vf_interrupt_catch();
	int status = vf_ports_list(show, &s, &err);
	if (status == VF_E_INTERRUPTED)
		(void)vf_fail(&err, status, "interrupted");
	if (status == VF_OK && s.count == 0)
		cli_say(o, "no serial ports; is the cable in, and does it carry data?");
	return cli_finish(o, &err, json);
}
