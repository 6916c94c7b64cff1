/* internal.h - what the files of the io room share: the pipe behind vf_pipe,
 * the terminal settings that one operating system needs, and the list of ports
 * that were used before.
 *
 * Conventions as in io.h. Nothing here is for other rooms.
 */
#ifndef VF_IO_INTERNAL_H
#define VF_IO_INTERNAL_H

#include <signal.h>

#include <vcpflash/io.h>

/* --- pipes ---------------------------------------------------------------- */

enum vf_pipe_kind { VF_PIPE_TTY, VF_PIPE_PTY, VF_PIPE_SOCKET, VF_PIPE_LISTEN, VF_PIPE_RFC2217 };

struct vf_pipe {
	enum vf_pipe_kind kind;
	int fd;                 /* what is read and written; -1: nobody there (LISTEN) */
	int listen_fd;          /* LISTEN */
	int slave_fd;           /* PTY: kept open so that the master outlives its peers */
	char *slave;            /* PTY: name of the terminal itself */
	char *link;             /* PTY: the symbolic link to it, NULL if none */
	char *name;             /* what vf_pipe_name says */
	uint32_t max_baud;      /* TTY: beyond this its probe loses bytes; 0 unknown */
	unsigned interruptions; /* so many ended a wait already */
	uint64_t leave_us;      /* TTY, a new rate is due: what was written is given up then */
	uint64_t quiet_us;      /* TTY: all of that has left the UART then; 0: not known yet */
	struct vf_connecting *connecting; /* SOCKET: not open yet (net.c) */
	struct vf_rfc2217 *remote;        /* RFC2217 (rfc2217.c) */
	bool heard;                       /* SOCKET: something came */
	const char *fault;                /* why it ended, NULL unknown */
};

/* A pipe with that kind and a copy of the name, all descriptors -1. */
vf_pipe *vf_pipe_make(enum vf_pipe_kind kind, const char *name, vf_error *err);

vf_pipe *vf_pipe_open_serial(const char *name, uint32_t baud, vf_error *err);
/* `scheme`: what stands before :// in its name. */
vf_pipe *vf_pipe_begin_net(const char *scheme, const char *host_port, vf_error *err);
/* SOCKET with `connecting`: as vf_pipe_opened. */
int vf_net_connected(vf_pipe *p, uint64_t *again_us, vf_error *err);
void vf_net_forget(vf_pipe *p); /* frees `connecting` */

/* SOCKET: the first bytes are telnet's; then there is a fault. */
bool vf_net_is_telnet(vf_pipe *p, const uint8_t *bytes, size_t len);

/* RFC2217: what pipe.c and serial.c offer, of such a pipe. */
vf_pipe *vf_pipe_begin_rfc2217(const char *host_port, uint32_t baud, vf_error *err);
int vf_rfc2217_opened(vf_pipe *p, uint64_t *again_us, vf_error *err);
void vf_rfc2217_free(vf_pipe *p); /* also of another kind */
long vf_rfc2217_read(vf_pipe *p, uint8_t *buf, size_t len);
long vf_rfc2217_write(vf_pipe *p, const uint8_t *buf, size_t len);
uint32_t vf_rfc2217_baud(const vf_pipe *p);
int vf_rfc2217_set_baud_soon(vf_pipe *p, uint32_t baud, uint64_t *again_us);
bool vf_rfc2217_drained(const vf_pipe *p);
const char *vf_rfc2217_fault(const vf_pipe *p);
/* Is a wait for room of use, and is there something to read without one? */
void vf_rfc2217_poll(const vf_pipe *p, bool *want_write, bool *readable);

/* The addresses of HOST:PORT into `id`. */
int vf_net_identify(const char *host_port, vf_port_place *id, vf_error *err);
/* LISTEN: takes a peer if none is there, turns further ones away. */
void vf_net_accept(vf_pipe *p);
/* LISTEN: the peer is gone; wait for the next. */
void vf_net_drop(vf_pipe *p);

/* --- terminals (tty_linux.c) ---------------------------------------------- */

/* Raw, 8 data bits, no parity, one stop bit, no flow control, no hang-up at
 * close, and `baud` unless that is 0. 0, or -1 with errno. */
int vf_tty_raw(int fd, uint32_t baud);
/* The speed that the driver made of it. 0 if it cannot be told. */
uint32_t vf_tty_baud(int fd);
void vf_tty_flush_input(int fd);
void vf_tty_flush_output(int fd);
/* Bytes that were written and have not left; 0 if it cannot be told. */
uint32_t vf_tty_unsent(int fd);
/* Nobody else may open it from now on. */
int vf_tty_exclusive(int fd);
bool vf_tty_is_pseudo(int fd);
/* Which link to a pseudo-terminal this is, told from one that was made anew under the same
 * name; UINT64_MAX: a pseudo-terminal by its own name; 0: none. */
uint64_t vf_tty_pseudo_link(const char *name);

/* --- programs that have a port (holder.c) ----------------------------------- */

enum { VF_HOLDER_NAME = 32 };

typedef struct vf_holder {
	long pid;
	char name[VF_HOLDER_NAME];
} vf_holder;

/* Who else has it open; `locked`: whose lock is on it. False: nobody that this user may
 * know of. */
bool vf_port_holder(const char *path, bool locked, vf_holder *out);

/* --- ports that are known (known.c) --------------------------------------- */

/* `maker`: the USB device's string, NULL if it has none. */
bool vf_known_usb(int vid, int pid, const char *maker);
/* The baud rate that is safe with this probe; 0: nothing is known against any. */
uint32_t vf_known_max_baud(int vid, int pid);
/* The text of the state file with `port` as its newest line; the caller frees. */
char *vf_known_add(const char *text, const char *name, int vid, int pid, const char *serial);
/* Is the port in that text? By USB ids and serial number where it has any (so
 * it is known at whatever path it appears), by path otherwise. */
bool vf_known_has(const char *text, const char *name, int vid, int pid, const char *serial);
/* Path of a file in the user's state directory; the caller frees. NULL: no home. */
char *vf_state_path(const char *name);
/* The same of the list of ports. */
char *vf_known_path(void);

/* --- interruption (interrupt.c) --------------------------------------------- */

void vf_interrupt_set(sigset_t *set); /* the signals that are caught */

/* --- odds and ends --------------------------------------------------------- */

char *vf_io_strdup(const char *s);
char *vf_io_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void vf_fd_close(int *fd);

#endif
