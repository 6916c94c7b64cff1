/* io.h - the only room that touches the operating system.
 *
 * Conventions: functions return VF_OK or a negative vf_status and fill `err`
 * with one line for the person. Times in microseconds of the monotonic clock.
 * Handles are made and freed here (malloc); NULL is harmless to the closers.
 */
#ifndef VCPFLASH_IO_H
#define VCPFLASH_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/alloc.h>
#include <vcpflash/error.h>

extern const vf_alloc vf_io_alloc; /* realloc and free */

uint64_t vf_io_now_us(void);
void vf_io_sleep(uint64_t until_us); /* or to the next signal that is caught */
uint64_t vf_io_random(void *unused); /* from the system's generator */

/* --- pipes ---------------------------------------------------------------- */

typedef struct vf_pipe vf_pipe;

/* A device path (listed serial port or any tty, a pseudo-terminal included),
 * tcp://HOST:PORT, or rfc2217://HOST:PORT: a serial port of another machine, with
 * its baud rate. `baud` is ignored where there is no such thing. VF_E_LINK:
 * not there, busy, no right to open it — each with what to do. */
vf_pipe *vf_pipe_open(const char *name, uint32_t baud, vf_error *err);
/* The same without waiting, for whoever has other pipes to move meanwhile. Only the
 * name of a host is looked up before it returns; give an address where that matters.
 * Until vf_pipe_opened has returned VF_OK, only waiting, closing and vf_pipe_name. */
vf_pipe *vf_pipe_begin(const char *name, uint32_t baud, vf_error *err);
/* VF_OK: open. VF_IO_LATER: not yet; call again after a wait for it, which is not to
 * last longer than until *again_us. VF_E_LINK: it cannot be opened. */
enum { VF_IO_LATER = 1 };
int vf_pipe_opened(vf_pipe *p, uint64_t *again_us, vf_error *err);
/* For a port that vf_pipe_begin could not open: may that be over in a moment? True of one that
 * another program holds, who may be closing it, and of one that this user has no right to open,
 * which udev may be about to give. False of what is not there, no terminal, or far away. */
bool vf_pipe_may_open_soon(const char *name);
/* A pseudo-terminal whose other end is linked at `path` (NULL: nowhere); its
 * name is vf_pipe_name. Raw; survives peers that come and go. */
vf_pipe *vf_pipe_pty(const char *path, vf_error *err);
/* Listens on HOST:PORT (port 0: any), one peer at a time (a second one is hung
 * up on); survives peers. Its name is tcp://HOST:PORT with the real port. What
 * is written while nobody is there is lost. */
vf_pipe *vf_pipe_listen(const char *host_port, vf_error *err);
void vf_pipe_close(vf_pipe *p);
const char *vf_pipe_name(const vf_pipe *p);

/* The baud rate: what the port has now (of a pseudo-terminal what its peer has
 * set; 0 where there is no such thing), the highest that is worth asking for,
 * and a new one. Setting waits, a second at most, until what was written has
 * left. VF_E_LINK: it cannot, and stays as it was; VF_E_USAGE: no such thing. */
uint32_t vf_pipe_baud(const vf_pipe *p);
uint32_t vf_pipe_max_baud(const vf_pipe *p);
int vf_pipe_set_baud(vf_pipe *p, uint32_t baud);
/* The same without waiting: VF_IO_LATER asks to be called again with the same rate at
 * *again_us; nothing is to be written until it returns something else. */
int vf_pipe_set_baud_soon(vf_pipe *p, uint32_t baud, uint64_t *again_us);

/* Nothing that was written is still here, so closing takes no time: a terminal's last
 * close waits for a device that does not take its bytes, half a minute if need be.
 * `discard` throws them away first, as far as the driver lets us. */
bool vf_pipe_drained(vf_pipe *p, bool discard);

/* Never block. Return bytes, 0 if none now, VF_E_LINK if the pipe is gone. */
long vf_pipe_read(vf_pipe *p, uint8_t *buf, size_t len);
long vf_pipe_write(vf_pipe *p, const uint8_t *buf, size_t len);

/* Why it is gone, where more than that is known; NULL otherwise. Valid until it is closed. */
const char *vf_pipe_fault(const vf_pipe *p);

/* Waits until it is readable, or writable if `want_write`, or `until_us`, or a
 * signal; one that vf_interrupt_catch caught before ends one wait at once.
 * Errors show at the next read or write. */
void vf_pipe_wait(vf_pipe *p, bool want_write, uint64_t until_us);

/* The same for many at once, VF_PIPES_MAX at most; fills `ready` of each: it is worth
 * a read, a write or a vf_pipe_opened. */
enum { VF_PIPES_MAX = 256 };
typedef struct vf_pipe_watch {
	vf_pipe *pipe;
	bool want_write;
	bool ready;
} vf_pipe_watch;
void vf_pipes_wait(vf_pipe_watch *watch, size_t count, uint64_t until_us);

/* --- serial ports --------------------------------------------------------- */

typedef struct vf_port_info {
	const char *name;        /* device path */
	const char *description; /* may be NULL */
	const char *serial;      /* USB serial number; may be NULL */
	int vid, pid;            /* USB ids, -1 if none */
	int interface;           /* which of the USB device's interfaces, -1 if unknown */
	bool known;              /* USB ids of boards and probes that we know, or used before */
} vf_port_info;

/* Calls `each` for every serial port of the system until it returns nonzero;
 * returns that, or 0, or a negative vf_status. */
int vf_ports_list(int (*each)(void *ctx, const vf_port_info *port), void *ctx, vf_error *err);

/* What a port can be told by when it comes back under another name. */
typedef struct vf_port_id {
	int vid, pid;     /* -1: not on USB, or not listed by the system */
	int interface;    /* -1: unknown */
	char serial[128]; /* empty: none, and then it cannot be told */
	uint64_t pseudo;  /* 0: no pseudo-terminal. The number of one is given away at once: only
			   * a link with another value here may lead to one that came back */
} vf_port_id;

/* Of a port that is there now (a link to it will do). */
void vf_port_identify(const char *name, vf_port_id *id);
/* Is the port the one that this was taken of? */
bool vf_port_is(const vf_port_info *port, const vf_port_id *id);

/* What a port's name stands for, so that two names of one port can be told: a device's
 * number, the addresses of a host. `exists` is about devices: hosts are not asked. A
 * host's name is looked up, which may take its time; VF_E_LINK: there is none. */
enum { VF_PORT_ADDRESSES = 4, VF_PORT_ADDRESS_MAX = 80 };
typedef struct vf_port_place {
	bool network, exists;
	uint64_t device; /* number of the device */
	unsigned addresses;
	char address[VF_PORT_ADDRESSES][VF_PORT_ADDRESS_MAX]; /* "[::1]:4444", "127.0.0.1:4444" */
} vf_port_place;
int vf_port_locate(const char *name, vf_port_place *place, vf_error *err);
bool vf_port_same(const vf_port_place *a, const vf_port_place *b);

/* Remembers that a board answered at this port (a file in the user's state
 * directory), so that `auto` may speak to it later. Only ports that the system
 * lists: a pseudo-terminal's name may be anybody's tomorrow. Failure is
 * harmless. */
void vf_ports_remember(const char *name);

/* --- files ---------------------------------------------------------------- */

/* Whole file into memory ("-" is standard input); the caller frees with
 * vf_io_alloc (also when it is empty). VF_E_FILE: not there, a directory,
 * unreadable, larger than `max`. */
int vf_file_read(const char *name, uint64_t max, uint8_t **bytes, size_t *len, vf_error *err);

/* Writes beside and renames at commit; "-" is standard output. */
typedef struct vf_file_out vf_file_out;
vf_file_out *vf_file_create(const char *name, vf_error *err);
int vf_file_put(void *file_out, const uint8_t *bytes, size_t len); /* VF_OK or VF_E_FILE */
int vf_file_commit(vf_file_out *f, vf_error *err);                 /* frees it */
void vf_file_discard(vf_file_out *f); /* removes what was written; frees it */

/* A board's key: 32 bytes, raw or as 64 hexadecimal digits with blanks behind them. VF_E_FILE:
 * it is nothing like that. `exposed`: everybody on this machine can read the file. */
enum { VF_IO_KEY_SIZE = 32 };
int vf_key_read(const char *name, uint8_t key[VF_IO_KEY_SIZE], bool *exposed, vf_error *err);
/* Forgets a copy of it. Unlike memset before memory is given up no compiler leaves it out. */
void vf_wipe(void *secret, size_t len);

/* What has to outlive the process and a power cut of the host, in the user's state
 * directory (XDG_STATE_HOME); `name` is a file name of letters and digits. */

/* In place of what was there; on VF_OK it is on the disk. VF_E_FILE with a line. */
int vf_kept_save(const char *name, const uint8_t *bytes, size_t len, vf_error *err);
/* NULL and 0 if there is none; the caller frees with vf_io_alloc. VF_E_FILE. */
int vf_kept_load(const char *name, uint8_t **bytes, size_t *len, vf_error *err);
/* It is of no use any more; or not now: put aside under a name that nothing has yet, which the
 * caller frees (NULL: it could not be, and stays). */
void vf_kept_drop(const char *name);
char *vf_kept_aside(const char *name);

/* The path of a file in that directory; with `make` the directory is made if it is missing.
 * VF_E_FILE: there is no place, with what to do. */
int vf_state_file(const char *name, bool make, char *path, size_t room, vf_error *err);

/* --- interruption --------------------------------------------------------- */

/* From now on SIGINT, SIGTERM and SIGHUP are only counted: the first of any kind,
 * and one SIGINT after it. The next SIGINT ends the process as usual. SIGINT and
 * SIGHUP stay ignored where the process was started so. */
void vf_interrupt_catch(void);
bool vf_interrupted(void);
unsigned vf_interruptions(void); /* 0, 1, or 2: the person has lost patience */

#endif
