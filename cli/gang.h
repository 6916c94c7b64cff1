/* What the files of `gang` share: posts (a port, and what happens there), rows (what
 * became of a board), and the screen. */
#ifndef CLI_GANG_H
#define CLI_GANG_H

#include <vcpflash/log.h>

#include "run.h"

enum {
	GANG_PORT_MAX = 1024,
	GANG_TIME_MAX = 24,
	GANG_ID_MAX = 2 * VF_WIRE_ID_MAX + 1,
};

/* What became of one board, once it has been at a post. */
typedef struct gang_row {
	struct gang_row *next;
	char time[GANG_TIME_MAX]; /* UTC, when work on it began */
	char port[GANG_PORT_MAX];
	char board[GANG_ID_MAX]; /* empty: not known */
	char name[VF_WIRE_BOARD_NAME_MAX + 1];
	vf_error error;
	uint64_t elapsed_us, bytes;
	bool nothing_to_do;
	bool logged;
} gang_row;

enum gang_state {
	GANG_EMPTY,   /* nothing is plugged in there, or it cannot be opened yet */
	GANG_ASKING,  /* it is being opened, or asked: is a board there, and which? */
	GANG_WORKING, /* a board is being programmed */
	GANG_DONE,    /* it has ended, and is still there */
};

typedef struct gang_post {
	struct gang *g;
	struct gang_post *next;
	char port[GANG_PORT_MAX];
	vf_port_place place;
	vf_unit *unit;    /* NULL: the port is not open */
	vf_error refused; /* why it could not be opened */
	uint8_t state;    /* enum gang_state */
	char board[GANG_ID_MAX];
	char name[VF_WIRE_BOARD_NAME_MAX + 1];
	vf_progress now;
	cli_progress progress;
	char time[GANG_TIME_MAX];
	uint64_t began_us;
	int last; /* how the last one ended, as a status */
	/* --loop */
	bool plugged;      /* the port came while we looked: what is there is a board */
	bool hot;          /* it has come or gone before: it goes when its board is unplugged */
	bool told;         /* that it cannot be opened */
	unsigned address;  /* of the host, to be tried next */
	uint64_t since_us; /* the port is there since; 0: not looked at yet */
	uint64_t again_us; /* then it is opened or asked again */
	char done[GANG_ID_MAX]; /* the board that was done here and was not unplugged since */
	bool nameless;          /* it was one, without an id */
} gang_post;

typedef struct gang {
	cli_run run; /* options, the job that every post gets, image, error, JSON */
	vf_gang *boards;
	gang_post *posts;
	gang_row *rows, **last_row;
	size_t right, wrong; /* of all rows, also those that were forgotten since */
	int worst;           /* exit code */
	vf_error worst_error;
	char worst_port[GANG_PORT_MAX];
	vf_log *log;
	vf_error log_error; /* since it could not be written */
	bool unsynced;      /* rows that a power cut may take */
	char digest[2 * VF_SHA256_SIZE + 1];
	char files[2048];
	bool terminal, dirty;
	unsigned drawn; /* lines of the block on the screen */
	uint64_t drawn_us;
	uint64_t began_us, look_us;
	bool stopping; /* no further board */
} gang;

/* --- gang.c ------------------------------------------------------------------ */

/* Begins to open the port of a post, under whatever name. */
vf_unit *gang_open(gang_post *p, const char *port, vf_error *err);
/* The port is open or being opened: its board is to be programmed, or only asked. */
void gang_begin(gang_post *p);
void gang_ask(gang_post *p);
/* A row for what never became a job. */
void gang_failed(gang_post *p, const vf_error *why);
/* "2026-03-01T14:05:09Z" */
void gang_time(char out[GANG_TIME_MAX]);

/* --- gang_ports.c -------------------------------------------------------------- */

/* The posts that the command line names. VF_OK, or run.error. */
int gang_collect(gang *g);
gang_post *gang_add_post(gang *g, const char *port);
/* Another post whose board has that id, or whose open port is the same; NULL: none. */
const gang_post *gang_same_board(const gang_post *p, const char *board);
const gang_post *gang_same_port(const gang_post *p);

/* --- gang_loop.c ----------------------------------------------------------------- */

/* Looks at all posts of a production line; when that is to be done again. */
uint64_t gang_look(gang *g);
/* The client's callbacks of posts in a production line. */
void gang_loop_opened(gang_post *p);
void gang_loop_gone(gang_post *p);
void gang_loop_asked(gang_post *p, const vf_job_result *r, const char *board);
void gang_loop_done(gang_post *p);

/* --- gang_rows.c ------------------------------------------------------------------- */

gang_row *gang_add_row(gang_post *p, const vf_error *error);
/* Writes what is not in the log yet, without waiting; with `last`, waiting. */
void gang_write_log(gang *g, bool last);
void gang_sync_log(gang *g);
/* The table at the end, and what the whole has come to. */
void gang_summary(gang *g);

/* --- gang_show.c ------------------------------------------------------------------ */

void gang_show_begin(gang *g);
/* A line above the block: `port` may be NULL. As an event: kind, and the text. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
void gang_say(gang *g, const char *port, const char *event, const char *fmt, ...);
void gang_show_row(gang *g, const gang_row *row, const vf_job_result *r,
		   const vf_session_stats *link);
void gang_show_progress(gang_post *p);
/* Draws if something changed and it is time; when it is next. */
uint64_t gang_draw(gang *g);
void gang_wipe(gang *g);

#endif
