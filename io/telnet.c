/* telnet.c - RFC 2217 over libtelnet: what is asked of the server, and what its answers
 * say. libtelnet takes the stream apart and escapes 0xFF; every buffer here is bounded,
 * and a server that floods one is given up. */

#include "telnet.h"

#include <libtelnet.h>
#include <stdlib.h>
#include <string.h>

enum {
	COM_PORT_OPTION = 44,
	IN_MAX = 256 * 1024, /* data that nobody has taken */
	OUT_MAX = 64 * 1024, /* bytes that have not left */
	IN_FIRST = 8 * 1024,
};

/* Client to server; the server answers with ANSWER added. */
enum {
	SET_BAUD = 1,
	SET_DATA_BITS = 2,
	SET_PARITY = 3,
	SET_STOP_BITS = 4,
	SET_CONTROL = 5,
	SET_LINE_MASK = 10,
	SET_MODEM_MASK = 11,
	PURGE = 12,
	ANSWER = 100,
	SUSPEND = 108,
	RESUME = 109,
};

enum { PARITY_NONE = 1, FLOW_NONE = 1, DTR_ON = 8, RTS_ON = 11, PURGE_BOTH = 3 };

struct vf_telnet {
	telnet_t *lib;
	vf_telnet_server said;
	uint8_t *in;
	size_t in_at, in_len, in_room;
	uint8_t out[OUT_MAX];
	size_t out_at, out_len;
	uint8_t command[2]; /* the beginning of one, as it passed by */
};

static void give_up(vf_telnet *t, const char *why)
{
	if (t->said.fault == NULL)
		t->said.fault = why;
}

/* --- buffers -------------------------------------------------------------------- */

static bool make_room(vf_telnet *t, size_t len)
{
	if (t->in_at == t->in_len)
		t->in_at = t->in_len = 0;
	if (t->in_len + len <= t->in_room)
		return true;
	if (len > IN_MAX || t->in_len + len > IN_MAX)
		return false;
	size_t room = t->in_room != 0 ? t->in_room : IN_FIRST;
	while (room < t->in_len + len)
		room *= 2;
	uint8_t *more = realloc(t->in, room);
	if (more == NULL)
		return false;
	t->in = more;
	t->in_room = room;
	return true;
}

static void keep_data(vf_telnet *t, const char *data, size_t len)
{
	if (!make_room(t, len)) {
		give_up(t, "it sends more than anybody asked for");
		return;
	}
	memcpy(t->in + t->in_len, data, len);
	t->in_len += len;
}

static void keep_bytes(vf_telnet *t, const char *bytes, size_t len)
{
	if (t->out_at > 0 && t->out_len + len > OUT_MAX) {
		memmove(t->out, t->out + t->out_at, t->out_len - t->out_at);
		t->out_len -= t->out_at;
		t->out_at = 0;
	}
	if (t->out_len + len > OUT_MAX) {
		give_up(t, "it asks for options without end and takes no answer");
		return;
	}
	memcpy(t->out + t->out_len, bytes, len);
	t->out_len += len;
}

/* --- what the server says ---------------------------------------------------------- */

static void on_com_port(vf_telnet *t, const uint8_t *b, size_t len)
{
	if (len == 0)
		return;
	if (b[0] == SUSPEND || b[0] == RESUME) {
		t->said.suspended = b[0] == SUSPEND;
	} else if (b[0] == ANSWER + SET_BAUD && len >= 5) {
		t->said.baud =
			(uint32_t)b[1] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 8 | b[4];
		t->said.answered_baud = true;
	} else if (b[0] == ANSWER + SET_DATA_BITS && len >= 2) {
		t->said.data_bits = b[1];
	} else if (b[0] == ANSWER + SET_PARITY && len >= 2) {
		t->said.parity = b[1];
	} else if (b[0] == ANSWER + SET_STOP_BITS && len >= 2) {
		t->said.stop_bits = b[1];
	}
}

static void on_option(vf_telnet *t, uint8_t command, uint8_t option)
{
	const bool here = command == TELNET_DO || command == TELNET_DONT;
	const uint8_t answer = command == TELNET_DO || command == TELNET_WILL ? VF_TELNET_AGREED
									      : VF_TELNET_REFUSED;
	t->said.speaks = true;
	if (option == TELNET_TELOPT_BINARY && here)
		t->said.binary_here = answer;
	else if (option == TELNET_TELOPT_BINARY)
		t->said.binary_there = answer;
	else if (option == COM_PORT_OPTION && here)
		t->said.com_port = answer;
}

/* libtelnet does not tell that an option was refused which we had offered: the answers
 * are read as they pass by. */
static void watch_options(vf_telnet *t, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const uint8_t b = bytes[i];
		if (t->command[1] != 0) {
			on_option(t, t->command[1], b);
			t->command[0] = t->command[1] = 0;
		} else if (t->command[0] == 0) {
			t->command[0] = b == TELNET_IAC ? b : 0;
		} else {
			t->command[1] = b >= TELNET_WILL && b <= TELNET_DONT ? b : 0;
			t->command[0] = t->command[1] != 0 ? TELNET_IAC : 0;
		}
	}
}

static void on_event(telnet_t *lib, telnet_event_t *e, void *ctx)
{
	vf_telnet *t = ctx;
	(void)lib;
	switch (e->type) {
	case TELNET_EV_DATA:
		keep_data(t, e->data.buffer, e->data.size);
		break;
	case TELNET_EV_SEND:
		keep_bytes(t, e->data.buffer, e->data.size);
		break;
	case TELNET_EV_SUBNEGOTIATION:
		if (e->sub.telopt == COM_PORT_OPTION)
			on_com_port(t, (const uint8_t *)e->sub.buffer, e->sub.size);
		break;
	case TELNET_EV_COMPRESS:
		give_up(t, "it compresses, which nobody asked for");
		break;
	case TELNET_EV_ERROR:
		give_up(t, "what it sends is no telnet");
		break;
	default:
		break;
	}
}

/* --- the doors ---------------------------------------------------------------------- */

vf_telnet *vf_telnet_new(void)
{
	static const telnet_telopt_t options[] = {
		{TELNET_TELOPT_BINARY, TELNET_WILL, TELNET_DO},
		{TELNET_TELOPT_SGA, TELNET_WILL, TELNET_DO},
		{COM_PORT_OPTION, TELNET_WILL, TELNET_DO},
		{-1, 0, 0},
	};
	vf_telnet *t = calloc(1, sizeof *t);
	if (t == NULL)
		return NULL;
	t->lib = telnet_init(options, on_event, 0, t);
	if (t->lib != NULL)
		return t;
	free(t);
	return NULL;
}

void vf_telnet_free(vf_telnet *t)
{
	if (t == NULL)
		return;
	telnet_free(t->lib);
	free(t->in);
	free(t);
}

const vf_telnet_server *vf_telnet_said(const vf_telnet *t)
{
	return &t->said;
}

void vf_telnet_negotiate(vf_telnet *t)
{
	telnet_negotiate(t->lib, TELNET_WILL, COM_PORT_OPTION);
	telnet_negotiate(t->lib, TELNET_WILL, TELNET_TELOPT_BINARY);
	telnet_negotiate(t->lib, TELNET_DO, TELNET_TELOPT_BINARY);
	telnet_negotiate(t->lib, TELNET_WILL, TELNET_TELOPT_SGA);
	telnet_negotiate(t->lib, TELNET_DO, TELNET_TELOPT_SGA);
}

static void ask(vf_telnet *t, uint8_t what, uint8_t value)
{
	const char message[] = {(char)what, (char)value};
	telnet_subnegotiation(t->lib, COM_PORT_OPTION, message, sizeof message);
}

void vf_telnet_set_baud(vf_telnet *t, uint32_t baud)
{
	const char message[] = {SET_BAUD, (char)(baud >> 24), (char)(baud >> 16), (char)(baud >> 8),
				(char)baud};
	t->said.answered_baud = false;
	telnet_subnegotiation(t->lib, COM_PORT_OPTION, message, sizeof message);
}

void vf_telnet_set_up(vf_telnet *t, uint32_t baud)
{
	ask(t, SET_DATA_BITS, 8);
	ask(t, SET_PARITY, PARITY_NONE);
	ask(t, SET_STOP_BITS, 1);
	ask(t, SET_CONTROL, FLOW_NONE);
	ask(t, SET_LINE_MASK, 0);
	ask(t, SET_MODEM_MASK, 0);
	ask(t, SET_CONTROL, DTR_ON);
	ask(t, SET_CONTROL, RTS_ON);
	ask(t, PURGE, PURGE_BOTH);
	vf_telnet_set_baud(t, baud);
}

void vf_telnet_feed(vf_telnet *t, const uint8_t *bytes, size_t len)
{
	if (t->said.fault != NULL)
		return;
	watch_options(t, bytes, len);
	telnet_recv(t->lib, (const char *)bytes, len);
}

size_t vf_telnet_take(vf_telnet *t, uint8_t *out, size_t room)
{
	size_t n = t->in_len - t->in_at;
	if (n > room)
		n = room;
	if (n > 0)
		memcpy(out, t->in + t->in_at, n);
	t->in_at += n;
	return n;
}

size_t vf_telnet_waiting(const vf_telnet *t)
{
	return t->in_len - t->in_at;
}

/* Half the room stays for answers to the server; every byte may become two. */
size_t vf_telnet_put(vf_telnet *t, const uint8_t *data, size_t len)
{
	const size_t used = t->out_len - t->out_at;
	const size_t room = used < OUT_MAX / 2 ? (OUT_MAX / 2 - used) / 2 : 0;
	if (t->said.suspended || t->said.fault != NULL)
		return 0;
	if (len > room)
		len = room;
	if (len > 0)
		telnet_send(t->lib, (const char *)data, len);
	return len;
}

const uint8_t *vf_telnet_out(const vf_telnet *t, size_t *len)
{
	*len = t->out_len - t->out_at;
	return t->out + t->out_at;
}

void vf_telnet_sent(vf_telnet *t, size_t len)
{
	t->out_at += len;
	if (t->out_at == t->out_len)
		t->out_at = t->out_len = 0;
}
