/* test_log.c - the record of units: what is written is read again, by its time, its
 * board and its result; a file that somebody holds is waited for or not, as asked; and
 * what is no log, or no place for one, is said in a line and left as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <vcpflash/log.h>

static const vf_log_run run = {
	.time = "2026-03-01T14:00:00Z", .version = "1.2.3", .digest = "00ff", .files = "a.bin"};

/* A folder of its own is where the test works. */
static int set_up(void **state)
{
	static const char form[] = "/tmp/vf_log_XXXXXX";
	char *folder = malloc(sizeof form);
	*state = folder;
	if (folder == NULL)
		return 1;
	memcpy(folder, form, sizeof form);
	return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"log",    "log-wal",     "log-shm", ":memory:",
					    "file:x", "log-journal", "text",    "100%?#&"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		(void)unlink(names[i]);
	const int status = chdir("/") != 0 || rmdir(*state) != 0;
	free(*state);
	return status;
}

static vf_log *begin(const char *path)
{
	vf_error err = {0};
	vf_log *log = vf_log_begin(path, &run, &err);
	if (log == NULL)
		fail_msg("%s", err.text);
	return log;
}

static vf_log_unit unit(const char *time, const char *board, int exit)
{
	return (vf_log_unit){.time = time,
			     .port = "/dev/ttyACM0",
			     .board = board,
			     .name = "BOARD",
			     .exit = exit,
			     .elapsed_us = 1234567,
			     .bytes = UINT64_C(5000000000),
			     .cause = exit != 0 ? "it's \"gone\"; DROP TABLE unit" : ""};
}

static void add(vf_log *log, const char *time, const char *board, int exit)
{
	vf_error err = {0};
	const vf_log_unit u = unit(time, board, exit);
	if (vf_log_add(log, &u, &err) != VF_OK)
		fail_msg("%s", err.text);
}

typedef struct seen {
	unsigned rows, stop_at;
	char boards[64]; /* of all rows, with a blank behind each */
} seen;

static int look(void *ctx, const vf_log_unit *u)
{
	seen *s = ctx;
	const vf_log_unit want = unit(u->time, u->board, u->exit);
	assert_string_equal(u->port, want.port);
	assert_string_equal(u->name, want.name);
	assert_string_equal(u->cause, want.cause);
	assert_true(u->elapsed_us == want.elapsed_us && u->bytes == want.bytes);
	assert_string_equal(u->run.time, run.time);
	assert_string_equal(u->run.version, run.version);
	assert_string_equal(u->run.digest, run.digest);
	assert_string_equal(u->run.files, run.files);
	(void)snprintf(s->boards + strlen(s->boards), sizeof s->boards - strlen(s->boards), "%s ",
		       u->board);
	return ++s->rows == s->stop_at ? 7 : 0;
}

static void expect(vf_log_filter filter, const char *boards)
{
	vf_error err = {0};
	seen s = {0};
	vf_log *log = vf_log_open("log", &err);
	assert_non_null(log);
	assert_int_equal(vf_log_each(log, &filter, look, &s, &err), VF_OK);
	assert_string_equal(s.boards, boards);
	vf_log_close(log);
}

static void what_is_written_is_read(void **state)
{
	vf_error err = {0};
	(void)state;
	vf_log *log = begin("log");
	add(log, "2026-03-01T14:00:01Z", "aa01", 0);
	add(log, "2026-03-01T14:00:02Z", "aa02", 4);
	vf_log_close(log);
	log = begin("log"); /* another gang; rows are read while it is there */
	add(log, "2026-03-02T00:00:00Z", "", 130);
	assert_int_equal(vf_log_sync(log, &err), VF_OK);
	expect((vf_log_filter){0}, "aa01 aa02  ");
	expect((vf_log_filter){.failed = true}, "aa02  ");
	expect((vf_log_filter){.board = "aa"}, "aa01 aa02 ");
	expect((vf_log_filter){.board = "aa02"}, "aa02 ");
	expect((vf_log_filter){.board = "a%"}, ""); /* no pattern */
	expect((vf_log_filter){.since = "2026-03-01T14:00:02Z"}, "aa02  ");
	expect((vf_log_filter){.since = "2026-03-02"}, " ");
	expect((vf_log_filter){.since = "2026-03-01", .board = "aa01", .failed = true}, "");
	vf_log_close(log);
}

static void a_reader_may_stop(void **state)
{
	vf_error err = {0};
	seen s = {.stop_at = 2};
	(void)state;
	vf_log *log = begin("log");
	for (unsigned i = 0; i < 5; i++)
		add(log, "2026-03-01T14:00:01Z", "aa", 0);
	assert_int_equal(vf_log_each(log, &(vf_log_filter){0}, look, &s, &err), 7);
	assert_int_equal(s.rows, 2);
	vf_log_close(log);
}

/* What a command that was killed leaves behind: everything that was added. */
static void a_row_outlives_its_writer(void **state)
{
	(void)state;
	vf_log *log = begin("log");
	add(log, "2026-03-01T14:00:01Z", "aa01", 0);
	assert_int_equal(access("log-wal", F_OK), 0); /* not moved into the file yet */
	expect((vf_log_filter){0}, "aa01 ");
	vf_log_close(log);
}

/* In another process, as somebody who may read the file and write nothing in its folder: what
 * vf_log_open says, or how many rows there are. */
static void as_a_reader(const char *path, char *says, size_t room)
{
	int ends[2];
	assert_int_equal(chmod("log", 0444), 0);
	assert_int_equal(chmod(".", 0555), 0);
	assert_int_equal(pipe(ends), 0);
	const pid_t child = fork();
	if (child == 0) {
		vf_error err = {0};
		seen s = {0};
		if (geteuid() == 0 && setuid(65533) != 0)
			_exit(2);
		vf_log *log = vf_log_open(path, &err);
		if (log != NULL && vf_log_each(log, &(vf_log_filter){0}, look, &s, &err) == VF_OK)
			(void)snprintf(err.text, sizeof err.text, "%u rows", s.rows);
		vf_log_close(log);
		_exit(write(ends[1], err.text, strlen(err.text)) <= 0);
	}
	int status = 1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	const ssize_t len = read(ends[0], says, room - 1);
	assert_true(len > 0);
	says[len] = '\0';
	(void)close(ends[0]);
	(void)close(ends[1]);
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(chmod("log", 0644), 0);
}

static void another_person_reads(void **state)
{
	char says[400], path[200];
	vf_log *log = begin("log");
	add(log, "2026-03-01T14:00:01Z", "aa01", 0);
	as_a_reader("log", says, sizeof says); /* a gang is at work */
	assert_string_equal(says, "1 rows");
	add(log, "2026-03-01T14:00:01Z", "aa02", 0);
	vf_log_close(log);
	as_a_reader("log", says, sizeof says);
	assert_string_equal(says, "2 rows");
	(void)snprintf(path, sizeof path, "/%s/./log", (const char *)*state);
	as_a_reader(path, says, sizeof says);
	assert_string_equal(says, "2 rows");
	assert_int_equal(rename("log", "100%?#&"), 0);
	assert_int_equal(symlink("100%?#&", "log"), 0);
	as_a_reader("100%?#&", says, sizeof says);
	assert_string_equal(says, "2 rows");
	as_a_reader("log", says, sizeof says);
	assert_string_equal(says, "2 rows");
}

/* What a killed gang left is not in the file itself. */
static void another_person_reads_what_is_not_all_there(void **state)
{
	char says[400], bytes[64] = {1};
	(void)state;
	vf_log_close(begin("log"));
	FILE *f = fopen("log-wal", "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, sizeof bytes, f), sizeof bytes);
	assert_int_equal(fclose(f), 0);
	as_a_reader("log", says, sizeof says);
	if (strstr(says, "or was killed, and you may not write beside it") == NULL)
		fail_msg("%s", says);
}

static void refused(const char *path, const char *says)
{
	vf_error err = {0};
	assert_null(vf_log_begin(path, &run, &err));
	assert_int_equal(err.code, VF_E_FILE);
	if (strstr(err.text, says) == NULL || strncmp(err.text, path, strlen(path)) != 0)
		fail_msg("%s", err.text);
}

static void what_is_no_log(void **state)
{
	vf_error err = {0};
	static const char text[] = "something that somebody wrote, and wants to keep";
	char back[sizeof text] = "";
	(void)state;
	refused(".", "that is a directory");
	refused("/dev/null", "the disk failed, or is full");
	refused("/dev/full", "the disk is full");
	refused("no/such/folder", "is its directory there");
	FILE *f = fopen("text", "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, sizeof text, f), sizeof text);
	assert_int_equal(fclose(f), 0);
	refused("text", "no SQLite file");
	f = fopen("text", "r");
	assert_non_null(f);
	assert_int_equal(fread(back, 1, sizeof back, f), sizeof back);
	assert_int_equal(fclose(f), 0);
	assert_memory_equal(back, text, sizeof text);
	assert_null(vf_log_open("log", &err));
	assert_non_null(strstr(err.text, "no gang has run yet"));
	assert_null(vf_log_open(".", &err));
	assert_non_null(strstr(err.text, "that is a directory"));
	assert_int_not_equal(access("log", F_OK), 0); /* looking makes none */
}

/* To SQLite these are no files; to a person they are. */
static void names_are_names(void **state)
{
	struct stat st;
	static const char *const names[] = {":memory:", "file:x"};
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		vf_log *log = begin(names[i]);
		add(log, "2026-03-01T14:00:01Z", "aa01", 0);
		vf_log_close(log);
		assert_int_equal(stat(names[i], &st), 0);
		assert_true(st.st_size > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reader_may_stop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_row_outlives_its_writer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_person_reads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_person_reads_what_is_not_all_there, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_are_names, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
