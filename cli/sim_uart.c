/* sim_uart.c - what an emulated board says at its ST-LINK while the program's port is the
 * board's own USB socket: one line of the log for each of its lines. Without anybody at
 * that end it would be lost, and it is where the applications speak.
 */
#include "sim.h"

#include <string.h>

static void end_line(sim_uart *u, void (*log)(const char *line))
{
	static const char title[] = "ST-LINK: ";
	char text[sizeof title + sizeof u->line];

	if (u->len != 0) {
		memcpy(text, title, sizeof title - 1);
		memcpy(text + sizeof title - 1, u->line, u->len);
		text[sizeof title - 1 + u->len] = '\0';
		log(text);
	}
	u->len = 0;
}

void sim_uart_said(sim_uart *u, const uint8_t *bytes, size_t len, void (*log)(const char *line))
{
	for (size_t i = 0; i < len; i++) {
		const bool ends = bytes[i] == '\r' || bytes[i] == '\n' || bytes[i] == '\0';

		if (ends || u->len == sizeof u->line)
			end_line(u, log);
		if (!ends)
			u->line[u->len++] =
				bytes[i] >= ' ' && bytes[i] < 0x7F ? (char)bytes[i] : '?';
	}
}
