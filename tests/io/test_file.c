/* test_file.c - files are read whole, and written whole or not at all. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vcpflash/io.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct scratch {
	char dir[64];
	char path[128];
} scratch;

static int set_up(void **state)
{
	scratch *s = calloc(1, sizeof *s);
	strcpy(s->dir, "/tmp/vf-io-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->path, sizeof s->path, "%s/file", s->dir);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	scratch *s = *state;
	(void)unlink(s->path);
	int rc = rmdir(s->dir); /* fails if something was left behind */
	free(s);
	return rc;
}

static unsigned files_in(const char *dir)
{
	unsigned n = 0;
	DIR *d = opendir(dir);
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static void put_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	(void)fclose(f);
}

static void expect_text(const char *path, const char *text)
{
	uint8_t *bytes;
	size_t len;
	assert_int_equal(vf_file_read(path, 1000, &bytes, &len, NULL), VF_OK);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(bytes, text, len);
	vf_free(&vf_io_alloc, bytes);
}

static void round_trip(void **state)
{
	scratch *s = *state;
	vf_error err;
	static uint8_t big[300001];
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (uint8_t)(i * 31 >> 3);
	vf_file_out *f = vf_file_create(s->path, &err);
	assert_non_null(f);
	for (size_t at = 0, n; at < sizeof big; at += n) { /* crossing every buffer */
		n = (at * 7 + 1) % 100003;
		if (n > sizeof big - at)
			n = sizeof big - at;
		assert_int_equal(vf_file_put(f, big + at, n), VF_OK);
	}
	assert_int_not_equal(access(s->path, F_OK), 0); /* not there before the commit */
	assert_int_equal(files_in(s->dir), 1);
	assert_int_equal(vf_file_commit(f, &err), VF_OK);
	assert_int_equal(files_in(s->dir), 1);
	uint8_t *bytes;
	size_t len;
	assert_int_equal(vf_file_read(s->path, sizeof big, &bytes, &len, &err), VF_OK);
	assert_int_equal(len, sizeof big);
	assert_memory_equal(bytes, big, len);
	vf_free(&vf_io_alloc, bytes);
	assert_int_equal(vf_file_read(s->path, sizeof big - 1, &bytes, &len, &err), VF_E_FILE);
	assert_non_null(strstr(err.text, "larger than"));
	assert_null(bytes);
}

static void discard_leaves_the_old(void **state)
{
	scratch *s = *state;
	put_text(s->path, "old");
	vf_file_out *f = vf_file_create(s->path, NULL);
	assert_non_null(f);
	assert_int_equal(vf_file_put(f, (const uint8_t *)"new and longer", 14), VF_OK);
	expect_text(s->path, "old");
	vf_file_discard(f);
	expect_text(s->path, "old");
	assert_int_equal(files_in(s->dir), 1);
	vf_file_discard(NULL);
}

static void commit_replaces_and_keeps_the_mode(void **state)
{
	scratch *s = *state;
	struct stat st;
	put_text(s->path, "old");
	assert_int_equal(chmod(s->path, 0640), 0);
	vf_file_out *f = vf_file_create(s->path, NULL);
	assert_int_equal(vf_file_put(f, (const uint8_t *)"new", 3), VF_OK);
	assert_int_equal(vf_file_commit(f, NULL), VF_OK);
	expect_text(s->path, "new");
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void new_files_obey_the_umask(void **state)
{
	scratch *s = *state;
	struct stat st;
	mode_t before = umask(027);
	vf_file_out *f = vf_file_create(s->path, NULL);
	assert_int_equal(vf_file_commit(f, NULL), VF_OK);
	(void)umask(before);
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(st.st_size, 0);
	expect_text(s->path, "");
}

static void a_link_stays_a_link(void **state)
{
	scratch *s = *state;
	char link[160];
	struct stat st;
	(void)snprintf(link, sizeof link, "%s/link", s->dir);
	put_text(s->path, "old");
	assert_int_equal(symlink("file", link), 0);
	vf_file_out *f = vf_file_create(link, NULL);
	assert_int_equal(vf_file_put(f, (const uint8_t *)"new", 3), VF_OK);
	assert_int_equal(vf_file_commit(f, NULL), VF_OK);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	expect_text(s->path, "new");
	assert_int_equal(unlink(link), 0);
}

static void expect_create_error(const char *path, const char *says)
{
	vf_error err = {.code = VF_OK};
	assert_null(vf_file_create(path, &err));
	assert_int_equal(err.code, VF_E_FILE);
	if (strstr(err.text, says) == NULL)
		fail_msg("%s", err.text);
}

static void create_says_what_is_wrong(void **state)
{
	scratch *s = *state;
	char path[160];
	expect_create_error(s->dir, "is a directory");
	(void)snprintf(path, sizeof path, "%s/nowhere/file", s->dir);
	expect_create_error(path, "directory is not there");
	put_text(s->path, "x");
	(void)snprintf(path, sizeof path, "%s/file", s->path);
	expect_create_error(path, "cannot write it");
}

static void devices_are_written_to(void **state)
{
	(void)state;
	vf_error err;
	vf_file_out *f = vf_file_create("/dev/null", &err);
	assert_non_null(f);
	assert_int_equal(vf_file_put(f, (const uint8_t *)"x", 1), VF_OK);
	assert_int_equal(vf_file_commit(f, &err), VF_OK);
	f = vf_file_create("/dev/full", &err);
	assert_non_null(f);
	assert_int_equal(vf_file_put(f, (const uint8_t *)"x", 1), VF_OK);
	assert_int_equal(vf_file_commit(f, &err), VF_E_FILE);
	assert_non_null(strstr(err.text, "No space left"));
}

static void read_says_what_is_wrong(void **state)
{
	scratch *s = *state;
	uint8_t *bytes;
	size_t len;
	vf_error err;
	assert_int_equal(vf_file_read(s->dir, 10, &bytes, &len, &err), VF_E_FILE);
	assert_non_null(strstr(err.text, "is a directory"));
	assert_int_equal(vf_file_read(s->path, 10, &bytes, &len, &err), VF_E_FILE);
	assert_non_null(strstr(err.text, "no such file"));
	assert_int_equal(vf_file_read("/dev/zero", 100000, &bytes, &len, &err), VF_E_FILE);
	assert_non_null(strstr(err.text, "larger than"));
	put_text(s->path, "");
	assert_int_equal(vf_file_read(s->path, 10, &bytes, &len, &err), VF_OK);
	assert_int_equal(len, 0);
	vf_free(&vf_io_alloc, bytes);
}

/* Standard input and output by their dash. */
static void dash_is_standard(void **state)
{
	scratch *s = *state;
	int ends[2], in = dup(STDIN_FILENO), out = dup(STDOUT_FILENO);
	assert_int_equal(pipe(ends), 0);
	(void)fflush(stdout);
	assert_true(dup2(ends[0], STDIN_FILENO) >= 0 && dup2(ends[1], STDOUT_FILENO) >= 0);
	vf_file_out *f = vf_file_create("-", NULL);
	int put = vf_file_put(f, (const uint8_t *)"through", 7);
	int commit = vf_file_commit(f, NULL);
	assert_true(dup2(out, STDOUT_FILENO) >= 0);
	(void)close(ends[1]);
	uint8_t *bytes;
	size_t len;
	int got = vf_file_read("-", 100, &bytes, &len, NULL);
	assert_true(dup2(in, STDIN_FILENO) >= 0);
	(void)close(ends[0]);
	(void)close(in);
	(void)close(out);
	assert_int_equal(put, VF_OK);
	assert_int_equal(commit, VF_OK);
	assert_int_equal(got, VF_OK);
	assert_int_equal(len, 7);
	assert_memory_equal(bytes, "through", 7);
	vf_free(&vf_io_alloc, bytes);
	assert_int_equal(files_in(s->dir), 0);
}

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCRATCH(round_trip),
		WITH_SCRATCH(discard_leaves_the_old),
		WITH_SCRATCH(commit_replaces_and_keeps_the_mode),
		WITH_SCRATCH(new_files_obey_the_umask),
		WITH_SCRATCH(a_link_stays_a_link),
		WITH_SCRATCH(create_says_what_is_wrong),
		cmocka_unit_test(devices_are_written_to),
		WITH_SCRATCH(read_says_what_is_wrong),
		WITH_SCRATCH(dash_is_standard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
