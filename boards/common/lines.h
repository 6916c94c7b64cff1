/* lines.h - one target behind two lines: a UART and a USB port, both always open.
 *
 * One of them has the session: its bytes go to the target, the target's frames to it. From
 * the other bytes are held, and looked at for a sound HELLO or a line that a person ended
 * with Return. Such a line gets the session where nobody is using it: where its holder
 * said nothing sound for LINES_ALIVE_US, or is gone. So whoever speaks first has it, and
 * keeps it while it speaks.
 *
 *     interrupt:  vf_lines_rx(&lines, 0, bytes, len)
 *     main:       config.port = vf_lines_port(&lines)    // before vf_loader_init
 *
 * Interrupts that call vf_lines_rx and vf_lines_gone have one priority (ring.c says why).
 */
#ifndef LINES_H
#define LINES_H

#include <vcpflash/wire.h>

#include "loader.h"

/* LINES_ALIVE_US: longer than a target keeps a raised baud rate for a silent host (3 s),
 * so a UART is at its home rate before another line takes over. */
enum { LINES = 2, LINES_ALIVE_US = 4000000, LINES_HELLO = 64 };

typedef struct vf_line_config {
	/* `send`, `sending`, and where it has them `drained`, `poll`, `set_rate`. The
	 * others are not used. Baud rates are offered over a line with set_rate only. */
	vf_port port;
	uint8_t *held;      /* what waits while the line has no session */
	uint32_t held_size; /* at least 256, and all that may be under way: see rx_space */
} vf_line_config;

typedef struct vf_lines_config {
	vf_line_config line[LINES]; /* 0 has the session at first, and people's texts */
	/* As in vf_port. */
	void *self;
	uint32_t (*micros)(void *self);
	void (*start)(void *self, uint32_t address);
	/* Is a guest (GUESTS.md) at work with the holder of the session, who says nothing
	 * sound of ours meanwhile? May be NULL: there are none. */
	bool (*visited)(void *self);
	/* Keeps interrupts out that call vf_lines_rx, and lets them in again. Not nested. */
	void (*exclude)(void *self, bool out);
} vf_lines_config;

typedef struct vf_line {
	volatile uint32_t fill; /* bytes held */
	uint32_t looked;        /* at these */
	bool wants;             /* what is held deserves the session */
	vf_decoder decoder;
	uint8_t frame[LINES_HELLO];
} vf_line;

typedef struct vf_lines {
	vf_lines_config config;
	vf_target *target;
	/* private */
	vf_line line[LINES];
	volatile unsigned holder;
	volatile bool gone; /* whoever used it */
	unsigned sender;    /* has the frame under way */
	uint32_t frames, heard_us;
	bool alive;
} vf_lines;

/* `target` may be initialised later, but before a byte comes. */
void vf_lines_init(vf_lines *l, const vf_lines_config *config, vf_target *target);

/* For vf_loader_config. */
vf_port vf_lines_port(vf_lines *l);

/* Interrupt: bytes of a line. What a line has no room for is lost. */
void vf_lines_rx(vf_lines *l, unsigned line, const uint8_t *data, size_t len);

/* Room for that line's bytes. Stays, and grows, until that many came, whoever gets the
 * session meanwhile: a USB endpoint may be armed for as much. For one line only. */
size_t vf_lines_rx_space(const vf_lines *l, unsigned line);

/* Interrupt: nobody is at the line's other end. Its session is for whoever asks. */
void vf_lines_gone(vf_lines *l, unsigned line);

/* Is there something in hand that a round of the main loop moves on? */
bool vf_lines_busy(const vf_lines *l);

#endif
