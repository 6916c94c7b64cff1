/* console.c - a person with a terminal: lines in, readable lines out. A line counts when
 * nothing has followed it for 20 ms and there was no noise about it, since what looks like
 * one may be a piece of a frame, or what a host sends at a rate that is not the board's.
 */
#include <string.h>

#include <vcpflash/guest.h>

enum {
	QUIET_US = 20000,
	NOISE_US = 500000,
	DOT_BYTES = 4 << 20, /* of a digest, from one dot to the next */
	CTRL_C = 0x03,
	ESCAPE = 0x1B,
	RUBOUT = 0x7F,
};

enum { NONE, DIGEST, RUN }; /* vf_console.command */

/* --- what is typed -------------------------------------------------------------------- */

static bool is_end(char c)
{
	return c == '\r' || c == '\n';
}

static bool may_speak(const vf_console *c)
{
	return c->command == NONE && c->guest->active == c->guest->count;
}

/* What was typed ahead is shown in its turn. */
static void echo(vf_console *c)
{
	while (may_speak(c) && c->echoed < c->len && !is_end(c->line[c->echoed]))
		vf_guest_put(c->guest, (const uint8_t *)&c->line[c->echoed++], 1);
}

static void rub_out(vf_console *c)
{
	if (c->len == 0 || is_end(c->line[c->len - 1]))
		return;
	c->len--;
	if (c->echoed <= c->len)
		return;
	c->echoed = c->len;
	vf_guest_say(c->guest, "\b \b");
}

static void make_noise(vf_console *c)
{
	c->noisy = true;
	c->noise_at = c->guest->now;
	c->len = c->echoed = 0;
	c->escape = 0;
}

/* Arrow keys and the like: ESC, [ and what follows up to a letter, or ESC and one byte. */
static bool in_escape(vf_console *c, uint8_t byte)
{
	if (byte == ESCAPE)
		c->escape = 1;
	else if (c->escape == 1)
		c->escape = byte == '[' || byte == 'O' ? 2 : 0;
	else if (c->escape == 2)
		c->escape = byte < 0x40;
	else
		return false;
	return true;
}

static void type(vf_console *c, char byte)
{
	if (c->len == VF_GUEST_LINE) {
		make_noise(c); /* nobody types that much */
		return;
	}
	c->line[c->len++] = byte;
	echo(c);
}

static void cancel(vf_console *c)
{
	if (c->command == NONE)
		return;
	c->command = NONE;
	vf_guest_release(c->guest);
	vf_guest_say(c->guest, "stopped\r\n> ");
}

static void forget_noise(vf_console *c)
{
	if (c->noisy && c->guest->now - c->noise_at >= NOISE_US)
		c->noisy = false;
}

static void idle(void *self, uint8_t byte)
{
	vf_console *c = self;
	forget_noise(c);
	bool after_cr = c->last == '\r';
	bool text = (byte >= 0x20 && byte <= RUBOUT) || is_end((char)byte) || byte == '\t' ||
		    byte == '\b' || byte == ESCAPE;
	c->last = byte;
	c->last_at = c->guest->now;
	if (!text) {
		make_noise(c);
		if (byte == CTRL_C)
			cancel(c);
	} else if (c->noisy || in_escape(c, byte) || (byte == '\n' && after_cr)) {
		return;
	} else if (byte == '\b' || byte == RUBOUT) {
		rub_out(c);
	} else {
		type(c, byte == '\t' ? ' ' : (char)byte);
	}
}

/* --- words ------------------------------------------------------------------------------ */

/* The next word of a line, which ends there; NULL if there is none. */
static char *next_word(char **rest)
{
	char *s = *rest;
	while (*s == ' ')
		s++;
	char *e = s;
	while (*e != ' ' && *e != '\0')
		e++;
	*rest = *e != '\0' ? e + 1 : e;
	*e = '\0';
	return e != s ? s : NULL;
}

static bool is(const char *word, const char *command)
{
	while (*word != '\0' && *word == *command) {
		word++;
		command++;
	}
	return *word == *command;
}

/* --- commands ----------------------------------------------------------------------------- */

static void prompt(vf_console *c)
{
	vf_guest_say(c->guest, "> ");
	echo(c);
}

static void help(vf_console *c)
{
	vf_guest_say(
		c->guest,
		"help               this\r\n"
		"info               the board, its memories, what they hold\r\n"
		"digest [ADDR LEN]  SHA-256 of a range, or of the first memory; Ctrl-C stops it\r\n"
		"run [ADDR]         starts the application whose vectors are there\r\n");
	if (c->guest->loading.load != NULL)
		vf_guest_say(
			c->guest,
			"load [ADDR]        receives .bin or .hex files by YMODEM and programs "
			"them\r\n");
	vf_guest_say(c->guest, "Numbers as 4096, 4K, 64M or 0x1000.\r\n");
}

static const char *set_text(const vf_console *c)
{
	const vf_guest_loading *l = &c->guest->loading;
	bool broken = l->broken != NULL && l->broken(l->self);
	switch (vf_target_set(c->guest->target)) {
	case VF_SET_INCOMPLETE:
		return "incomplete: a transfer broke off, repeat it";
	case VF_SET_COMPLETE:
		return "complete";
	case VF_SET_UNREADABLE:
		return "unknown, the journal cannot be read";
	default:
		return broken ? "incomplete: a transfer broke off, repeat it" : "not known";
	}
}

static void info_memory(vf_console *c, const vf_memory *m)
{
	vf_guest *g = c->guest;
	vf_guest_say_address(g, m->base);
	vf_guest_say(g, "  ");
	vf_guest_say(g, m->name);
	vf_guest_say(g, ", ");
	vf_guest_say_size(g, m->size);
	vf_guest_say(g, ", sectors of ");
	vf_guest_say_size(g, m->erase[0].size);
	vf_guest_say(g, "\r\n");
	for (unsigned i = 0; i < m->protects; i++) {
		if (m->protect[i].len == 0)
			continue;
		vf_guest_say_address(g, m->base + m->protect[i].offset);
		vf_guest_say(g, "  the board's own, ");
		vf_guest_say_size(g, m->protect[i].len);
		vf_guest_say(g, "\r\n");
	}
}

static void info(vf_console *c)
{
	const vf_target_config *config = vf_target_config_get(c->guest->target);
	vf_guest_say(c->guest, config->name);
	if (config->id_len != 0) {
		vf_guest_say(c->guest, ", id ");
		vf_guest_say_bytes(c->guest, config->id, config->id_len);
	}
	vf_guest_say(c->guest, "\r\n");
	for (unsigned m = 0; m < config->memories; m++)
		info_memory(c, config->memory[m].info);
	vf_guest_say(c->guest, "image: ");
	vf_guest_say(c->guest, set_text(c));
	vf_guest_say(c->guest, "\r\n");
}

static bool bad_number(vf_console *c, const char *text)
{
	vf_guest_say(c->guest, "\"");
	vf_guest_say(c->guest, text);
	vf_guest_say(c->guest, "\" is no number: 4096, 4K, 64M or 0x1000\r\n");
	return false;
}

static bool too_much(vf_console *c, const char *text)
{
	if (text == NULL)
		return false;
	vf_guest_say(c->guest, "\"");
	vf_guest_say(c->guest, text);
	vf_guest_say(c->guest, "\" is too much: help lists the commands\r\n");
	return true;
}

/* An optional number: false where there is none that is one. */
static bool number(vf_console *c, const char *text, uint32_t *out)
{
	return text == NULL || vf_guest_number(text, out) || bad_number(c, text);
}

static void ask(vf_console *c, uint8_t command, uint8_t type, uint8_t memory, uint32_t len)
{
	vf_message m = {.type = type, .memory = memory, .address = c->address, .length = len};
	c->command = command;
	c->length = len;
	c->told = 0;
	vf_guest_ask(c->guest, &m, NULL, c->answer, sizeof c->answer);
}

static void digest(vf_console *c, char *rest)
{
	const vf_memory *first = vf_guest_memory(c->guest, 0);
	const char *address = next_word(&rest), *length = next_word(&rest);
	uint32_t len = first->size;
	c->address = first->base;
	if (too_much(c, next_word(&rest)) || !number(c, address, &c->address) ||
	    !number(c, length, &len))
		return;
	unsigned m = vf_guest_memory_at(c->guest, c->address, len);
	if (m == vf_target_config_get(c->guest->target)->memories ||
	    (address != NULL && length == NULL)) {
		vf_guest_say(c->guest,
			     "digest ADDR LEN: a range of one memory, info lists them\r\n");
		return;
	}
	ask(c, DIGEST, VF_MESSAGE_SHA256, (uint8_t)m, len);
}

/* Where an application is looked for if nobody says: the first memory that can run one,
 * and a NOR before the microcontroller's own. */
static uint32_t usual_start(const vf_console *c)
{
	const vf_target_config *config = vf_target_config_get(c->guest->target);
	const vf_memory *best = vf_guest_memory(c->guest, 0);
	for (unsigned m = config->memories; m-- > 0;) {
		const vf_memory *info = config->memory[m].info;
		if ((info->flags & VF_MEMORY_RUN) != 0 &&
		    (info->kind == VF_MEMORY_NOR || (best->flags & VF_MEMORY_RUN) == 0))
			best = info;
	}
	return best->base;
}

static void run(vf_console *c, char *rest)
{
	const char *address = next_word(&rest);
	c->address = usual_start(c);
	if (too_much(c, next_word(&rest)) || !number(c, address, &c->address))
		return;
	unsigned m = vf_guest_memory_at(c->guest, c->address, 8);
	if (m == vf_target_config_get(c->guest->target)->memories || c->address % 4 != 0) {
		vf_guest_say(c->guest,
			     "run ADDR: a multiple of 4 in a memory, info lists them\r\n");
		return;
	}
	ask(c, RUN, VF_MESSAGE_RUN, (uint8_t)m, 0);
}

static bool no_memory(vf_console *c, const char *text, uint32_t address)
{
	vf_guest *g = c->guest;
	if (vf_guest_memory_at(g, address, 1) != vf_target_config_get(g->target)->memories)
		return false;
	vf_guest_say(g, "\"");
	vf_guest_say(g, text);
	vf_guest_say(g, "\" is in no memory");
	vf_guest_say_memories(g, vf_guest_meant(g, text));
	vf_guest_say(g, "\r\n");
	return true;
}

static void load(vf_console *c, char *rest)
{
	const char *text = next_word(&rest);
	uint32_t address = 0;
	if (c->guest->loading.load == NULL) {
		vf_guest_say(c->guest, "this board does not speak YMODEM\r\n");
		return;
	}
	if (too_much(c, next_word(&rest)) || !number(c, text, &address))
		return;
	if (text != NULL && no_memory(c, text, address))
		return;
	c->guest->loading.load(c->guest->loading.self, text != NULL ? &address : NULL);
}

static void greet(vf_console *c)
{
	uint8_t line[VF_TARGET_TX_MIN];
	vf_guest_put(c->guest, line, vf_target_greeting(c->guest->target, line));
	vf_guest_say(c->guest, "Or stay: help lists what can be typed here.\r\n");
}

static void obey(vf_console *c, char *line)
{
	char *rest = line;
	const char *command = next_word(&rest);
	c->guest->met = true;
	if (command == NULL)
		greet(c);
	else if (is(command, "help") || is(command, "?"))
		help(c);
	else if (is(command, "info"))
		info(c);
	else if (is(command, "digest"))
		digest(c, rest);
	else if (is(command, "run"))
		run(c, rest);
	else if (is(command, "load"))
		load(c, rest);
	else {
		vf_guest_say(c->guest, "\"");
		vf_guest_say(c->guest, command);
		vf_guest_say(c->guest, "\" is no command: help lists them\r\n");
	}
}

/* --- what goes on ----------------------------------------------------------------------- */

/* The length of the first line, its end not counted; `len` where it has none yet. */
static uint32_t first_line(const vf_console *c)
{
	uint32_t n = 0;
	while (n < c->len && !is_end(c->line[n]))
		n++;
	return n;
}

static bool take_line(vf_console *c)
{
	char line[VF_GUEST_LINE];
	uint32_t n = first_line(c);
	if (n == c->len || c->noisy || c->guest->now - c->last_at < QUIET_US ||
	    !vf_guest_said(c->guest)) /* there is room for one answer */
		return false;
	echo(c);
	memcpy(line, c->line, n);
	line[n] = '\0';
	c->len -= n + 1;
	memmove(c->line, c->line + n + 1, c->len);
	c->echoed = 0;
	vf_guest_say(c->guest, "\r\n");
	obey(c, line);
	if (may_speak(c))
		prompt(c);
	return true;
}

static void show_progress(vf_console *c)
{
	vf_target_visit v = vf_target_guest_visit(c->guest->target);
	while (c->command == DIGEST && v.open && v.at < c->length && v.at - c->told >= DOT_BYTES) {
		c->told += DOT_BYTES;
		vf_guest_say(c->guest, ".");
	}
}

static void finished(vf_console *c)
{
	vf_guest *g = c->guest;
	if (c->command == RUN) {
		vf_guest_say(g, "starting ");
		vf_guest_say_address(g, c->address);
		vf_guest_say(g, "\r\n");
		vf_target_guest_leave(g->target);
		c->command = NONE;
		return;
	}
	if (c->told != 0)
		vf_guest_say(g, "\r\n");
	vf_guest_say_bytes(g, c->answer, sizeof c->answer);
	vf_guest_say(g, "  ");
	vf_guest_say_address(g, c->address);
	vf_guest_say(g, " ");
	vf_guest_say_size(g, c->length);
	vf_guest_say(g, "\r\n");
	c->command = NONE;
	vf_guest_release(g);
	prompt(c);
}

static void failed(vf_console *c)
{
	vf_guest *g = c->guest;
	vf_guest_say(g, c->command == RUN ? "not started: " : "no digest: ");
	vf_guest_say_failure(g, vf_guest_failure(g));
	vf_guest_say(g, "\r\n");
	c->command = NONE;
	vf_guest_release(g);
	prompt(c);
}

static bool step(void *self, uint32_t now_us)
{
	vf_console *c = self;
	(void)now_us;
	forget_noise(c);
	if (c->command == NONE)
		return may_speak(c) && take_line(c);
	switch (vf_guest_poll(c->guest)) {
	case VF_GUEST_DONE:
		finished(c);
		return true;
	case VF_GUEST_FAILED:
		failed(c);
		return true;
	default:
		show_progress(c);
		return false;
	}
}

static bool deadline(const void *self, uint32_t *at_us)
{
	const vf_console *c = self;
	*at_us = c->last_at + QUIET_US;
	return may_speak(c) && !c->noisy && first_line(c) != c->len && vf_guest_said(c->guest);
}

static void end(void *self)
{
	vf_console *c = self;
	c->command = NONE;
	c->len = c->echoed = 0;
	c->noisy = false;
	c->escape = 0;
}

void vf_console_init(vf_console *c, vf_guest *g)
{
	static const vf_guest_protocol console = {
		.name = "console", .idle = idle, .step = step, .deadline = deadline, .end = end};
	memset(c, 0, sizeof *c);
	c->guest = g;
	vf_guest_add(g, &console, c);
}
