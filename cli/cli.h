/* What the parts of the vcpflash command share: the options as typed, and the
 * ways of speaking to the person and to a script. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/client.h>
#include <vcpflash/image.h>

enum { CLI_PORTS_MAX = 64 /* times --ports */ };

typedef struct cli_options {
	const char *command;
	char **args; /* what follows the command, options taken out */
	int arg_count;
	vf_client_options client;
	bool json, quiet, verbose;
	const char *trace;
	const char *key_file; /* NULL or empty: none */
	bool full, dry_run, discard, verify_full, run, yes, chip, whole_chip;
	uint8_t compress; /* enum vf_job_compress */
	const char *out;
	const char *format;
	const char *ports[CLI_PORTS_MAX]; /* of --ports, each a list */
	unsigned port_lists;
	bool all, loop, no_log, csv, failed;
	const char *log; /* --log FILE */
	const char *since, *board;
	bool fill_given;
	uint8_t fill;
	uint32_t family;
} cli_options;

enum { CLI_EXIT_INTERRUPTED = 130 };

/* --- args.c --------------------------------------------------------------- */

/* Reads the command line. Returns -1 to go on, or an exit code (after --help,
 * --version or a usage error, which it has printed). */
int cli_parse(cli_options *o, int argc, char **argv);

/* --- say.c: people and scripts -------------------------------------------- */

/* A status's exit code, as commands.md lists them. */
int cli_exit_code(int status);

/* "12.5 KB", "64 MB"; K and M are 1024 based. `out` has 16 bytes. */
const char *cli_size(char out[16], uint64_t bytes);
/* "850 us", "48 ms", "2.1 s", "3 min 20 s". `out` has 24 bytes. */
const char *cli_time(char out[24], uint64_t us);

/* A line for the person on standard error; nothing with --quiet. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void cli_say(const cli_options *o, const char *fmt, ...);

/* The same on standard output: what the command was asked for (info, ports …);
 * nothing with --json. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void cli_print(const cli_options *o, const char *fmt, ...);

/* Either of the two. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
typedef void (*cli_line)(const cli_options *o, const char *fmt, ...);

/* With --json, something that happened on the way: {"event":…,"text":…}. */
void cli_event(const cli_options *o, const char *event, const char *text);

/* Any object, as one line on standard output; frees it. */
struct cJSON;
void cli_emit(struct cJSON *json);

/* Ends a command: prints the error line (or the JSON result) and returns the
 * exit code. `json` (may be NULL) is the rest of the result object, and is
 * freed. */
int cli_finish(const cli_options *o, const vf_error *err, struct cJSON *json);

/* Asks on the terminal; true without asking with --yes or where there is no
 * terminal to ask at. */
bool cli_confirm(const cli_options *o, const char *question);

/* --- progress.c ------------------------------------------------------------ */

typedef struct cli_progress {
	const cli_options *options;
	bool terminal; /* one line, redrawn */
	bool drawn;
	bool complete; /* the phase's last bytes were shown */
	uint8_t phase;
	uint64_t phase_start_us;
	uint64_t drawn_us;
} cli_progress;

void cli_progress_begin(cli_progress *p, const cli_options *o);
void cli_progress_show(cli_progress *p, const vf_progress *now);
/* The parts of it, for many lines at once: takes note of the phase, and tells whether it
 * is time to show it; a line of at most `wide` characters; what the terminal can do. */
bool cli_progress_due(cli_progress *p, const vf_progress *now);
void cli_progress_text(const cli_progress *p, const vf_progress *now, unsigned wide, char *out,
		       size_t room);
bool cli_can_redraw(void);
void cli_terminal_size(unsigned *columns, unsigned *rows);
/* Wipes the line, so that something else can be said. */
void cli_progress_clear(cli_progress *p);

/* --- images.c -------------------------------------------------------------- */

/* Reads and merges every FILE[@ADDR] of the arguments. */
int cli_load(vf_image *img, const cli_options *o, vf_error *err);

int cli_merge(const cli_options *o);
int cli_inspect(const cli_options *o);

/* Says what looks wrong with the image; returns how many findings. */
size_t cli_warn(const cli_options *o, const vf_image *img);

/* --- board.c, read.c: commands that speak to a board ------------------------------- */

int cli_info(const cli_options *o);
int cli_program(const cli_options *o);
int cli_verify(const cli_options *o);
int cli_read(const cli_options *o);
int cli_erase(const cli_options *o);
int cli_digest(const cli_options *o);
int cli_start(const cli_options *o);
int cli_doctor(const cli_options *o);

/* --- describe.c: boards, memories and plans in words and in JSON ------------ */

void cli_print_board(const cli_options *o, const char *port, const vf_board *b,
		     const vf_job_result *r);
struct cJSON *cli_board_json(const char *port, const vf_board *b, const vf_job_result *r);
/* `line` is cli_print or cli_say. */
void cli_print_plan(const cli_options *o, cli_line line, const vf_job_plan *plan,
		    const vf_board *b);
struct cJSON *cli_plan_json(const vf_job_plan *plan, const vf_board *b);

/* --- gang.c, log.c: many boards, and what became of them ------------------------ */

int cli_gang(const cli_options *o);
int cli_log(const cli_options *o);

/* SHA-256 over the merged image, as docs/GANG.md defines it, as hexadecimal digits. */
void cli_image_digest(const vf_image *img, char out[2 * VF_SHA256_SIZE + 1]);

/* The log's path: --log, or the one in the user's state directory. */
int cli_log_path(const cli_options *o, char *path, size_t room, vf_error *err);

/* --- ports.c --------------------------------------------------------------- */

int cli_ports(const cli_options *o);

#endif
