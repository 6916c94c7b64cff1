/* library_board.c - libvcpflash: what a board says of itself, and which ports there are. */
#include <string.h>

#include "library.h"

/* One memory as it is seen from outside, and what its pointers point to. */
typedef struct memory {
	vcpflash_memory seen;
	char name[VF_MEMORY_NAME_MAX];
	char id[2 * VF_MEMORY_ID_MAX + 1];
} memory;

struct vcpflash_board {
	char name[VF_WIRE_BOARD_NAME_MAX + 1];
	char id[2 * VF_WIRE_ID_MAX + 1];
	char port[VF_CLIENT_NAME_MAX];
	size_t memories;
	memory memory[VF_WIRE_MEMORIES_MAX];
};

_Static_assert((int)VCPFLASH_NOR == (int)VF_MEMORY_NOR &&
		       (int)VCPFLASH_INTERNAL == (int)VF_MEMORY_INTERNAL &&
		       (int)VCPFLASH_READ == (int)VF_MEMORY_READ &&
		       (int)VCPFLASH_WRITE == (int)VF_MEMORY_WRITE &&
		       (int)VCPFLASH_RUN == (int)VF_MEMORY_RUN,
	       "flash.h and vcpflash.h");

static void describe(memory *out, const vf_memory *m)
{
	memcpy(out->name, m->name, sizeof out->name);
	vf_library_hex(out->id, m->id, m->id_len);
	out->seen = (vcpflash_memory){
		.name = out->name,
		.id = out->id,
		.base = m->base,
		.bytes = m->size,
		.sector = m->erase[0].size,
		.page = m->page,
		.sector_us = m->erase[0].typ_us,
		.page_us = m->page_typ_us,
		.kind = m->kind,
		.rights = m->flags & (VCPFLASH_READ | VCPFLASH_WRITE | VCPFLASH_RUN),
		.dies = m->dies,
	};
}

static vcpflash_board *board_new(const vf_library_call *c)
{
	vcpflash_board *b = vf_resize(&vf_io_alloc, NULL, sizeof *b);
	if (b == NULL)
		return NULL;
	memcpy(b->name, c->board.welcome.name, sizeof b->name);
	vf_library_hex(b->id, c->board.welcome.id, c->board.welcome.id_len);
	(void)snprintf(b->port, sizeof b->port, "%s", c->client.port);
	b->memories = c->board.welcome.memories;
	for (size_t i = 0; i < b->memories; i++)
		describe(&b->memory[i], &c->board.memory[i]);
	return b;
}

int vcpflash_info(const char *port, vcpflash_board **board, const vcpflash_options *options,
		  vcpflash_report *report)
{
	vf_library_call c;
	int status = vf_library_begin(&c, VF_JOB_INFO, port, options);
	if (board != NULL)
		*board = NULL;
	else if (status == VF_OK)
		status = vf_library_missing(&c, "board");
	if (status == VF_OK && board != NULL && vf_library_do(&c) == VF_OK) {
		*board = board_new(&c);
		if (*board == NULL)
			(void)vf_fail(&c.error, VF_E_NOMEM, "out of memory");
	}
	return vf_library_end(&c, report);
}

void vcpflash_board_free(vcpflash_board *board)
{
	vf_free(&vf_io_alloc, board);
}

const char *vcpflash_board_name(const vcpflash_board *board)
{
	return board->name;
}

const char *vcpflash_board_id(const vcpflash_board *board)
{
	return board->id;
}

const char *vcpflash_board_port(const vcpflash_board *board)
{
	return board->port;
}

size_t vcpflash_board_memories(const vcpflash_board *board)
{
	return board->memories;
}

const vcpflash_memory *vcpflash_board_memory(const vcpflash_board *board, size_t index)
{
	return index < board->memories ? &board->memory[index].seen : NULL;
}

/* --- ports ---------------------------------------------------------------------- */

typedef struct listing {
	vf_library_call *call;
	bool ask;
	void (*each)(void *ctx, const vcpflash_port *port);
	void *ctx;
} listing;

/* Who is behind a port, as far as it was asked. */
typedef struct asked {
	char board[VF_WIRE_BOARD_NAME_MAX + 1];
	char id[2 * VF_WIRE_ID_MAX + 1];
	char trouble[VCPFLASH_TEXT_MAX];
} asked;

static void ask(vf_library_call *c, asked *a, vcpflash_port *port)
{
	vf_board board;
	vf_error why = {0};
	if (!vf_client_answers(&c->client, port->name, &board, &why)) {
		vf_library_say(a->trouble, sizeof a->trouble, why.text);
		return;
	}
	memcpy(a->board, board.welcome.name, sizeof a->board);
	vf_library_hex(a->id, board.welcome.id, board.welcome.id_len);
}

static int on_port(void *ctx, const vf_port_info *info)
{
	const listing *l = ctx;
	asked a = {.board = ""};
	vcpflash_port port = {
		.name = info->name,
		.description = info->description != NULL ? info->description : "",
		.serial = info->serial != NULL ? info->serial : "",
		.vid = info->vid,
		.pid = info->pid,
		.interface = info->interface,
		.known = info->known,
		.board = a.board,
		.board_id = a.id,
		.trouble = a.trouble,
	};
	if (l->ask && port.known)
		ask(l->call, &a, &port);
	if (vf_client_asked(&l->call->client) > 0)
		return VF_E_INTERRUPTED;
	l->each(l->ctx, &port);
	return 0;
}

int vcpflash_ports(bool ask_known, void (*each)(void *ctx, const vcpflash_port *port), void *ctx,
		   const vcpflash_options *options, vcpflash_report *report)
{
	vf_library_call c;
	listing l = {&c, ask_known, each, ctx};
	int status = vf_library_begin(&c, VF_JOB_INFO, NULL, options);
	if (status == VF_OK && each == NULL)
		status = vf_library_missing(&c, "each");
	if (status == VF_OK && vf_ports_list(on_port, &l, &c.error) == VF_E_INTERRUPTED)
		(void)vf_fail(&c.error, VF_E_INTERRUPTED, "interrupted");
	return vf_library_end(&c, report);
}
