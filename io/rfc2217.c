/* rfc2217.c - a serial port of another machine as a pipe: TCP (net.c) under telnet
 * (telnet.c), opened and set in steps of which none waits. */

#include "internal.h"
#include "telnet.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ANSWER_US = 3000000, /* a server has so long for each step of opening, */
	RATE_US = 2000000,   /* and to set a rate */
	LOOK_US = 2000,      /* between two looks while a rate is set */
	LEAVE_US = 1000000,  /* bytes under way to the far UART are waited for no longer */
	FIFO_BITS = 2560,    /* in that UART, and on the network before it */
	RECEIVE = 4096,      /* at once */
	SAYING = 80,         /* most of what a server says in words */
};

enum stage { CONNECTING, NEGOTIATING, SETTING_UP, READY, SETTING_RATE };

struct vf_rfc2217 {
	vf_telnet *telnet;
	uint8_t stage;     /* enum stage */
	uint32_t baud;     /* that was agreed to */
	uint32_t ask;      /* that is being asked for */
	uint64_t until_us; /* the stage's patience ends */
	uint64_t left_us;  /* by then what was written has left the far UART */
	bool hung_up;
};

/* --- bytes -------------------------------------------------------------------------- */

static bool is_nothing_now(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void flush(vf_pipe *p)
{
	size_t len;
	const uint8_t *out = vf_telnet_out(p->remote->telnet, &len);
	while (len > 0) {
		const ssize_t n = send(p->fd, out, len, MSG_NOSIGNAL);
		if (n < 0 && !is_nothing_now(errno))
			p->remote->hung_up = true;
		if (n <= 0)
			return;
		vf_telnet_sent(p->remote->telnet, (size_t)n);
		out = vf_telnet_out(p->remote->telnet, &len);
	}
}

/* What has come from the network, a portion of it. */
static void pump(vf_pipe *p)
{
	uint8_t buf[RECEIVE];
	const ssize_t n = recv(p->fd, buf, sizeof buf, 0);
	if (n > 0)
		vf_telnet_feed(p->remote->telnet, buf, (size_t)n);
	else if (n == 0 || !is_nothing_now(errno))
		p->remote->hung_up = true;
	flush(p);
}

static bool broken(const vf_pipe *p)
{
	return p->remote->hung_up || vf_telnet_said(p->remote->telnet)->fault != NULL;
}

long vf_rfc2217_read(vf_pipe *p, uint8_t *buf, size_t len)
{
	vf_telnet *t = p->remote->telnet;
	if (vf_telnet_waiting(t) == 0)
		pump(p);
	const size_t n = vf_telnet_take(t, buf, len);
	return n == 0 && broken(p) ? VF_E_LINK : (long)n;
}

long vf_rfc2217_write(vf_pipe *p, const uint8_t *buf, size_t len)
{
	struct vf_rfc2217 *r = p->remote;
	const uint64_t now = vf_io_now_us();
	const size_t n = vf_telnet_put(r->telnet, buf, len);
	flush(p);
	if (r->left_us < now)
		r->left_us = now;
	if (r->baud != 0)
		r->left_us += n * UINT64_C(10000000) / r->baud;
	return n == 0 && broken(p) ? VF_E_LINK : (long)n;
}

const char *vf_rfc2217_fault(const vf_pipe *p)
{
	return vf_telnet_said(p->remote->telnet)->fault;
}

void vf_rfc2217_poll(const vf_pipe *p, bool *want_write, bool *readable)
{
	size_t len;
	(void)vf_telnet_out(p->remote->telnet, &len);
	*readable = p->remote->stage >= READY && vf_telnet_waiting(p->remote->telnet) > 0;
	/* A port that holds us back takes nothing, however willing the socket is. */
	*want_write = len > 0 || (*want_write && !vf_telnet_said(p->remote->telnet)->suspended);
}

/* --- opening ------------------------------------------------------------------------- */

vf_pipe *vf_pipe_begin_rfc2217(const char *host_port, uint32_t baud, vf_error *err)
{
	vf_pipe *p = vf_pipe_begin_net("rfc2217", host_port, err);
	if (p == NULL)
		return NULL;
	p->kind = VF_PIPE_RFC2217;
	p->remote = calloc(1, sizeof *p->remote);
	if (p->remote != NULL && (p->remote->telnet = vf_telnet_new()) != NULL) {
		p->remote->ask = baud;
		return p;
	}
	(void)vf_fail(err, VF_E_NOMEM, "out of memory");
	vf_pipe_close(p);
	return NULL;
}

void vf_rfc2217_free(vf_pipe *p)
{
	if (p->remote != NULL)
		vf_telnet_free(p->remote->telnet);
	free(p->remote);
	p->remote = NULL;
}

/* What a server said in words before it hung up is for the person, as far as it can be
 * printed. */
static void take_words(vf_pipe *p, char out[SAYING + 8])
{
	uint8_t text[SAYING];
	size_t at = 0;
	const size_t n = vf_telnet_take(p->remote->telnet, text, sizeof text);
	for (size_t i = 0; i < n; i++)
		if (isgraph(text[i]))
			out[at++] = (char)text[i];
		else if (isspace(text[i]) && at > 0 && out[at - 1] != ' ') /* ends of lines, too */
			out[at++] = ' ';
	if (at > 0 && out[at - 1] == ' ')
		at--;
	out[at] = '\0';
}

static int explain_end(vf_pipe *p, vf_error *err)
{
	const vf_telnet_server *said = vf_telnet_said(p->remote->telnet);
	char words[SAYING + 8];
	take_words(p, words);
	if (said->fault != NULL)
		return vf_fail(err, VF_E_LINK, "%.200s: not an RFC 2217 server: %s", p->name,
			       said->fault);
	if (words[0] != '\0')
		return vf_fail(err, VF_E_LINK, "%.200s closed the connection and said: %s", p->name,
			       words);
	return vf_fail(err, VF_E_LINK,
		       "%.200s closed the connection: its serial port may be in use, or not there",
		       p->name);
}

static int explain_server(const vf_pipe *p, vf_error *err)
{
	const vf_telnet_server *said = vf_telnet_said(p->remote->telnet);
	const char *host_port = p->name + sizeof "rfc2217://" - 1;
	if (!said->speaks)
		return vf_fail(err, VF_E_LINK,
			       "%.160s: what listens there speaks no telnet; if it passes bytes on "
			       "as they are, it is tcp://%.160s",
			       p->name, host_port);
	if (said->com_port != VF_TELNET_AGREED)
		return vf_fail(err, VF_E_LINK,
			       "%.200s: a telnet server without RFC 2217: have it serve the port "
			       "that way (ser2net: accepter telnet(rfc2217))",
			       p->name);
	return vf_fail(err, VF_E_LINK,
		       "%.200s: it does not carry eight bits (telnet BINARY refused)", p->name);
}

/* Are the options settled? Anything but VF_IO_LATER is the end of that. */
static int negotiated(const vf_pipe *p, uint64_t now, vf_error *err)
{
	const vf_telnet_server *said = vf_telnet_said(p->remote->telnet);
	if (said->com_port == VF_TELNET_AGREED && said->binary_here == VF_TELNET_AGREED &&
	    said->binary_there == VF_TELNET_AGREED)
		return VF_OK;
	if (said->com_port == VF_TELNET_REFUSED || said->binary_here == VF_TELNET_REFUSED ||
	    said->binary_there == VF_TELNET_REFUSED || now >= p->remote->until_us)
		return explain_server(p, err);
	return VF_IO_LATER;
}

/* Rates are rounded to what a divider can do; a receiver stands three per cent. */
static bool near(uint32_t have, uint32_t want)
{
	const uint64_t off = have > want ? have - want : want - have;
	return want == 0 || off * 100 <= (uint64_t)want * 3;
}

static int is_set_up(const vf_pipe *p, uint64_t now, vf_error *err)
{
	const struct vf_rfc2217 *r = p->remote;
	const vf_telnet_server *said = vf_telnet_said(r->telnet);
	if (!said->answered_baud && now < r->until_us)
		return VF_IO_LATER;
	if (!said->answered_baud)
		return vf_fail(err, VF_E_LINK,
			       "%.200s: the server does not answer when the serial port is set",
			       p->name);
	if (!near(said->baud, r->ask))
		return vf_fail(err, VF_E_LINK,
			       "%.200s: its serial port cannot do %lu baud (it stays at %lu); try "
			       "115200",
			       p->name, (unsigned long)r->ask, (unsigned long)said->baud);
	if ((said->data_bits != 0 && said->data_bits != 8) || said->parity > 1 ||
	    said->stop_bits > 1)
		return vf_fail(err, VF_E_LINK,
			       "%.200s: its serial port cannot do 8 data bits, no parity, one stop "
			       "bit",
			       p->name);
	return VF_OK;
}

static void enter(struct vf_rfc2217 *r, enum stage stage, uint64_t until_us)
{
	r->stage = (uint8_t)stage;
	r->until_us = until_us;
}

static int advance(vf_pipe *p, uint64_t *again_us, vf_error *err)
{
	struct vf_rfc2217 *r = p->remote;
	int status = VF_OK;
	if (r->stage == CONNECTING) {
		status = p->connecting != NULL ? vf_net_connected(p, again_us, err) : VF_OK;
		if (status != VF_OK)
			return status;
		vf_telnet_negotiate(r->telnet);
		enter(r, NEGOTIATING, vf_io_now_us() + ANSWER_US);
	}
	pump(p);
	const uint64_t now = vf_io_now_us();
	if (r->stage == NEGOTIATING && (status = negotiated(p, now, err)) == VF_OK) {
		vf_telnet_set_up(r->telnet, r->ask);
		enter(r, SETTING_UP, now + ANSWER_US);
		flush(p);
	}
	if (r->stage == SETTING_UP && (status = is_set_up(p, now, err)) == VF_OK) {
		r->baud = vf_telnet_said(r->telnet)->baud;
		enter(r, READY, UINT64_MAX);
	}
	*again_us = r->until_us;
	return status;
}

int vf_rfc2217_opened(vf_pipe *p, uint64_t *again_us, vf_error *err)
{
	const int status = advance(p, again_us, err);
	if (status == VF_IO_LATER && p->remote->stage != CONNECTING && broken(p))
		return explain_end(p, err);
	if (status == VF_OK) { /* what a server says first, and what came before the port was set */
		uint8_t greeting[RECEIVE];
		while (vf_telnet_take(p->remote->telnet, greeting, sizeof greeting) > 0)
			;
	}
	return status;
}

/* --- the rate, later --------------------------------------------------------------------- */

uint32_t vf_rfc2217_baud(const vf_pipe *p)
{
	return p->remote->baud;
}

static int rate_answered(struct vf_rfc2217 *r)
{
	const vf_telnet_server *said = vf_telnet_said(r->telnet);
	const bool good = said->answered_baud && near(said->baud, r->ask);
	enter(r, READY, UINT64_MAX);
	if (good) {
		r->baud = said->baud;
		return VF_OK;
	}
	vf_telnet_set_baud(r->telnet, r->baud); /* as it was */
	return VF_E_LINK;
}

int vf_rfc2217_set_baud_soon(vf_pipe *p, uint32_t baud, uint64_t *again_us)
{
	struct vf_rfc2217 *r = p->remote;
	const uint64_t now = vf_io_now_us();
	pump(p);
	if (broken(p))
		return VF_E_LINK; /* the next read says so too */
	if (r->stage == READY) {
		r->ask = baud;
		if (r->left_us > now + LEAVE_US)
			r->left_us = now + LEAVE_US;
		if (r->left_us < now)
			r->left_us = now;
		r->left_us += r->baud != 0 ? FIFO_BITS * UINT64_C(1000000) / r->baud : 0;
		enter(r, SETTING_RATE, 0);
	}
	if (r->until_us == 0 && now >= r->left_us) { /* the bytes before it have left */
		vf_telnet_set_baud(r->telnet, r->ask);
		flush(p);
		r->until_us = now + RATE_US;
	} else if (r->until_us != 0 &&
		   (vf_telnet_said(r->telnet)->answered_baud || now >= r->until_us)) {
		const int status = rate_answered(r);
		flush(p);
		return status;
	}
	*again_us = r->until_us == 0 ? r->left_us : now + LOOK_US;
	return VF_IO_LATER;
}

bool vf_rfc2217_drained(const vf_pipe *p)
{
	size_t len;
	(void)vf_telnet_out(p->remote->telnet, &len);
	return len == 0 || broken(p);
}
