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

void golden_open(struct golden_file *f, const char *path);
bool golden_next(struct golden_file *f, struct golden_record *r);
void golden_close(struct golden_file *f);

bool golden_has(const struct golden_record *r, const char *name);
const char *golden_text(const struct golden_record *r, const char *name);
uint64_t golden_number(const struct golden_record *r, const char *name);

/* Bytes of a field in hex; the caller frees them. */
uint8_t *golden_bytes(const struct golden_record *r, const char *name, size_t *len);

/* The data of records with `seed` and `length`; the caller frees it. */
uint8_t *golden_pattern(const struct golden_record *r, size_t *len);

#endif
