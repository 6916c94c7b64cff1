/* Which of two lines has the session, and what becomes of the other one's bytes.
 *
 * Why nothing is lost of a line that holds its sender back: the target's ring has one
 * producer at a time. What a line may send without being asked again (rx_space) is never
 * more than it can hold without the session; and it gets the session only when the ring
 * has room for all it holds and that much more.
 */
#include "lines.h"

#include <string.h>

void vf_lines_init(vf_lines *l, const vf_lines_config *config, vf_target *target)
{
	memset(l, 0, sizeof *l);
	l->config = *config;
	l->target = target;
	for (unsigned i = 0; i < LINES; i++)
		vf_decoder_init(&l->line[i].decoder, l->line[i].frame, sizeof l->line[i].frame);
}

/* --- received ------------------------------------------------------------------------- */

void vf_lines_rx(vf_lines *l, unsigned line, const uint8_t *data, size_t len)
{
	vf_line *v = &l->line[line];
	const vf_line_config *c = &l->config.line[line];

	if (line == l->holder) {
		(void)vf_target_rx(l->target, data, len);
		return;
	}
	if (len > c->held_size - v->fill)
		len = c->held_size - v->fill;
	memcpy(c->held + v->fill, data, len);
	v->fill += (uint32_t)len;
}

size_t vf_lines_rx_space(const vf_lines *l, unsigned line)
{
	size_t held = l->config.line[line].held_size - l->line[line].fill;

	if (line != l->holder)
		return held;
	size_t ring = vf_target_rx_space(l->target);
	return ring < held ? ring : held;
}

void vf_lines_gone(vf_lines *l, unsigned line)
{
	if (line == l->holder)
		l->gone = true;
}

bool vf_lines_busy(const vf_lines *l)
{
	const vf_line *v = &l->line[LINES - 1 - l->holder];

	return v->looked != v->fill;
}

/* --- who has the session ------------------------------------------------------------------ */

static void exclude(vf_lines *l, bool out)
{
	l->config.exclude(l->config.self, out);
}

/* Forgets what was looked at. */
static void forget(vf_lines *l, unsigned line)
{
	vf_line *v = &l->line[line];
	uint8_t *held = l->config.line[line].held;

	exclude(l, true);
	v->fill -= v->looked;
	memmove(held, held + v->looked, v->fill);
	v->looked = 0;
	exclude(l, false);
}

static bool ends_line(const vf_decoder *d)
{
	uint8_t last = d->len != 0 ? d->buf[d->len - 1] : 0;

	return last == '\r' || last == '\n';
}

/* Looks through what came since the last time, up to something that asks for the session.
 * The decoder keeps what a frame began with, so of a long chunk nothing needs to be held:
 * it is no HELLO. */
static void look(vf_lines *l, unsigned line)
{
	vf_line *v = &l->line[line];
	const uint8_t *held = l->config.line[line].held;

	while (!v->wants && v->looked != v->fill) {
		enum vf_decoder_event event;

		v->looked += (uint32_t)vf_decode(&v->decoder, held + v->looked, v->fill - v->looked,
						 &event);
		if (event == VF_DECODE_FRAME)
			v->wants = vf_body_kind(v->decoder.buf) == VF_KIND_HELLO;
		else if (event == VF_DECODE_TEXT)
			v->wants = ends_line(&v->decoder);
		bool over = event != VF_DECODE_MORE || v->looked >= 2 * LINES_HELLO;
		if (over && !v->wants)
			forget(l, line);
	}
	/* A lone Return: nothing may come after it. */
	if (!v->wants && v->fill != 0 && v->looked == v->fill && vf_decoder_has_text(&v->decoder))
		v->wants = held[v->looked - 1] == '\r' || held[v->looked - 1] == '\n';
}

static void give(vf_lines *l, unsigned line)
{
	static const uint8_t apart = 0;
	vf_line *v = &l->line[line];

	exclude(l, true);
	l->holder = line;
	l->gone = false;
	(void)vf_target_rx(l->target, &apart, 1);
	(void)vf_target_rx(l->target, l->config.line[line].held, v->fill);
	v->fill = 0;
	v->looked = 0;
	exclude(l, false);
	v->wants = false;
	l->alive = false;
	vf_target_offer_rates(l->target, l->config.line[line].port.set_rate != NULL);
}

static bool alive(vf_lines *l)
{
	uint32_t frames = vf_target_stats_get(l->target)->frames;
	uint32_t now = l->config.micros(l->config.self);

	bool visited = l->config.visited != NULL && l->config.visited(l->config.self);

	if (frames != l->frames || visited) {
		l->frames = frames;
		l->heard_us = now;
		l->alive = true;
		l->gone = false;
	}
	if (l->gone || now - l->heard_us >= LINES_ALIVE_US)
		l->alive = false;
	return l->alive;
}

/* Whoever asks while another is using the session is not answered, and asks again. */
static void decide(vf_lines *l)
{
	unsigned other = LINES - 1 - l->holder;
	vf_line *v = &l->line[other];
	bool used = alive(l);

	look(l, other);
	if (!v->wants)
		return;
	if (used) {
		v->wants = false;
		forget(l, other);
	} else if (vf_target_rx_space(l->target) > v->fill + l->config.line[other].held_size) {
		give(l, other);
	}
}

/* --- as one port --------------------------------------------------------------------------- */

static const vf_port *port_of(const vf_lines *l, unsigned line)
{
	return &l->config.line[line].port;
}

static uint32_t micros(void *self)
{
	vf_lines *l = self;

	return l->config.micros(l->config.self);
}

static void poll(void *self)
{
	vf_lines *l = self;

	for (unsigned i = 0; i < LINES; i++) {
		if (port_of(l, i)->poll != NULL)
			port_of(l, i)->poll(port_of(l, i)->self);
	}
	decide(l);
}

static void send(void *self, const uint8_t *data, size_t len)
{
	vf_lines *l = self;

	l->sender = l->holder;
	port_of(l, l->sender)->send(port_of(l, l->sender)->self, data, len);
}

static bool sending(void *self)
{
	vf_lines *l = self;
	const vf_port *p = port_of(l, l->sender);

	return p->sending(p->self);
}

static bool drained(void *self)
{
	vf_lines *l = self;
	const vf_port *p = port_of(l, l->sender);

	return p->drained != NULL ? p->drained(p->self) : !p->sending(p->self);
}

/* Home again may come after another line has the session: it is the UART's all the same. */
static void set_rate(void *self, uint32_t baud)
{
	vf_lines *l = self;

	for (unsigned i = 0; i < LINES; i++) {
		if (port_of(l, i)->set_rate != NULL)
			port_of(l, i)->set_rate(port_of(l, i)->self, baud);
	}
}

static void start(void *self, uint32_t address)
{
	vf_lines *l = self;

	l->config.start(l->config.self, address);
}

vf_port vf_lines_port(vf_lines *l)
{
	return (vf_port){l, micros, send, sending, drained, poll, set_rate, start};
}
