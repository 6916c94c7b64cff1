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

/* Asks a known port who is there; the board's name, or "" for no answer. */
static void ask(const cli_options *o, const vf_port_info *port,
		char name[VF_WIRE_BOARD_NAME_MAX + 1])
{
	vf_job_config job = {.kind = VF_JOB_INFO};
	vf_client_options client = o->client; /* the baud rates */
	vf_job_result result;
	vf_board board;
	client.port = port->name;
	vf_client_defaults(&job);
	job.session.open_timeout_us = 1000000;
	name[0] = '\0';
	if (vf_client_do(&client, &job, &result, &board, NULL) == VF_OK)
		memcpy(name, board.welcome.name, VF_WIRE_BOARD_NAME_MAX + 1);
}

static int show(void *ctx, const vf_port_info *port)
{
	seen *s = ctx;
	char board[VF_WIRE_BOARD_NAME_MAX + 1] = "";
	char ids[12] = "-";
	if (port->known)
		ask(s->options, port, board);
	if (port->vid >= 0)
		(void)snprintf(ids, sizeof ids, "%04x:%04x", (unsigned)port->vid & 0xFFFF,
			       (unsigned)port->pid & 0xFFFF);
	cli_print(s->options, "%-20s %-9s %-24s %s%s%s", port->name, ids,
		  port->serial != NULL ? port->serial : "-",
		  port->description != NULL ? port->description : "",
		  board[0] ? "  <- board: " : "", board);
	cJSON *item = cJSON_CreateObject();
	cJSON_AddStringToObject(item, "port", port->name);
	if (port->vid >= 0)
		cJSON_AddStringToObject(item, "usb", ids);
	if (port->serial != NULL)
		cJSON_AddStringToObject(item, "serial", port->serial);
	cJSON_AddBoolToObject(item, "known", port->known);
	if (board[0] != '\0')
		cJSON_AddStringToObject(item, "board", board);
	cJSON_AddItemToArray(s->list, item);
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
