/* Reads the records of tests/wire/golden (golden.py says how they look). Fails
 * the test that asks for a field which is not there.
 */
#ifndef VCPFLASH_TESTS_GOLDEN_FILE_H
#define VCPFLASH_TESTS_GOLDEN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GOLDEN_FIELDS_MAX = 64 };

struct golden_file {
	char *text;
	char *at;
};

struct golden_record {
	size_t fields;
	const char *name[GOLDEN_FIELDS_MAX];
	const char *value[GOLDEN_FIELDS_MAX];
};

/* A whole file at once. */
struct golden_script {
	struct golden_file file;
	struct golden_record *record;
	size_t count;
};

void golden_open(struct golden_file *f, const char *path);
bool golden_next(struct golden_file *f, struct golden_record *r);
void golden_close(struct golden_file *f);

void golden_script_open(struct golden_script *s, const char *path);
void golden_script_close(struct golden_script *s);

bool golden_has(const struct golden_record *r, const char *name);
const char *golden_text(const struct golden_record *r, const char *name);
uint64_t golden_number(const struct golden_record *r, const char *name);

/* Is its first field `name`? Has it a field `name` that is `value`? */
bool golden_is(const struct golden_record *r, const char *name);
bool golden_says(const struct golden_record *r, const char *name, const char *value);

/* Bytes of a field in hex; the caller frees them. */
uint8_t *golden_bytes(const struct golden_record *r, const char *name, size_t *len);

/* Is `word` among the words of a field? False also where there is no such field. */
bool golden_lists(const struct golden_record *r, const char *name, const char *word);

/* The data of records with `seed` and `length`; the caller frees it. */
uint8_t *golden_pattern(const struct golden_record *r, size_t *len);

#endif
