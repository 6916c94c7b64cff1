/* Bytes that have to survive a power cut of this computer: the file is on the disk before it
 * has its name, and its name is before anybody relies on it. Where the disk says no, the
 * caller hears so, and what was kept before is still there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vcpflash/io.h>

#include "internal.h"

enum { FILE_SYNCED = 'f', DIRECTORY_SYNCED = 'd', RENAMED = 'r' };

typedef struct disk {
	char root[64];
	char said[64]; /* what was done, in order */
	size_t count;
	size_t fails;        /* which of them, from 1; 0: none */
	ino_t file, renamed; /* the last of each */
} disk;

static disk d;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

static bool note(char what)
{
	assert_true(d.count < sizeof d.said - 1);
	d.said[d.count++] = what;
	d.said[d.count] = '\0';
	if (d.count != d.fails)
		return true;
	errno = EIO;
	return false;
}

int __wrap_fsync(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	const bool directory = S_ISDIR(st.st_mode);
	if (!directory)
		d.file = st.st_ino;
	return note(directory ? DIRECTORY_SYNCED : FILE_SYNCED) ? __real_fsync(fd) : -1;
}

int __wrap_rename(const char *from, const char *to)
{
	struct stat st;

	assert_int_equal(stat(from, &st), 0);
	d.renamed = st.st_ino;
	return note(RENAMED) ? __real_rename(from, to) : -1;
}

static void begin(size_t fails)
{
	d.said[0] = '\0';
	d.count = 0;
	d.fails = fails;
}

static int setup(void **state)
{
	(void)state;
	strcpy(d.root, "/tmp/vcpflash-kept-XXXXXX");
	assert_non_null(mkdtemp(d.root));
	assert_int_equal(setenv("XDG_STATE_HOME", d.root, 1), 0);
	return 0;
}

static void remove_one(const char *name)
{
	char path[200];

	(void)snprintf(path, sizeof path, "%s/%s", d.root, name);
	assert_int_equal(remove(path), 0);
}

static int teardown(void **state)
{
	(void)state;
	vf_kept_drop("board");
	remove_one("vcpflash/kept");
	remove_one("vcpflash");
	return rmdir(d.root);
}

static void expect(const char *text)
{
	uint8_t *bytes;
	size_t len;
	vf_error err;

	assert_int_equal(vf_kept_load("board", &bytes, &len, &err), VF_OK);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(bytes, text, len);
	vf_free(&vf_io_alloc, bytes);
}

static int save(const char *text, size_t fails, vf_error *err)
{
	begin(fails);
	return vf_kept_save("board", (const uint8_t *)text, strlen(text), err);
}

static void synced_renamed_synced(void **state)
{
	vf_error err;

	(void)state;
	assert_int_equal(save("first", 0, &err), VF_OK);
	assert_string_equal(d.said, "ddfrd"); /* two directories are new */
	assert_true(d.file == d.renamed);
	assert_int_equal(save("second", 0, &err), VF_OK);
	assert_string_equal(d.said, "frd");
	expect("second");
	begin(0);
	vf_kept_drop("board");
	assert_string_equal(d.said, "d");
}

static void a_disk_that_says_no(void **state)
{
	vf_error err;

	(void)state;
	assert_int_equal(save("first", 0, &err), VF_OK);
	for (size_t fails = 1; fails <= 3; fails++) {
		assert_int_equal(save("second", fails, &err), VF_E_FILE);
		assert_non_null(strstr(err.text, "cannot be kept"));
		begin(0);
		expect(fails < 3 ? "first" : "second"); /* then only its name may get lost */
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(synced_renamed_synced), TEST(a_disk_that_says_no)};
	return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
