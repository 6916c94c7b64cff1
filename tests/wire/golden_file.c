/* Reads the records of tests/wire/golden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_file.h"

void golden_open(struct golden_file *f, const char *path)
{
	FILE *file = fopen(path, "rb");
	long size;

	if (!file)
		fail_msg("cannot open %s", path);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	assert_true(size > 0);
	rewind(file);
	f->text = malloc((size_t)size + 1);
	assert_non_null(f->text);
	assert_int_equal(fread(f->text, 1, (size_t)size, file), size);
	assert_int_equal(fclose(file), 0);
	f->text[size] = 0;
	f->at = f->text;
}

void golden_close(struct golden_file *f)
{
	free(f->text);
}

bool golden_next(struct golden_file *f, struct golden_record *r)
{
	r->fields = 0;
	while (*f->at) {
		char *line = f->at;
		size_t len = strcspn(line, "\n");
		char *space = memchr(line, ' ', len);

		f->at += len + (line[len] == '\n');
		line[len] = 0;
		if (len == 0 && r->fields > 0)
			return true;
		if (len == 0 || *line == '#')
			continue;
		assert_non_null(space);
		assert_true(r->fields < GOLDEN_FIELDS_MAX);
		*space = 0;
		r->name[r->fields] = line;
		r->value[r->fields++] = space + 1;
	}
	return r->fields > 0;
}

void golden_script_open(struct golden_script *s, const char *path)
{
	struct golden_record r;

	s->record = NULL;
	s->count = 0;
	golden_open(&s->file, path);
	while (golden_next(&s->file, &r)) {
		void *more = realloc(s->record, (s->count + 1) * sizeof r);

		assert_non_null(more);
		s->record = more;
		s->record[s->count++] = r;
	}
}

void golden_script_close(struct golden_script *s)
{
	free(s->record);
	golden_close(&s->file);
}

static const char *find(const struct golden_record *r, const char *name)
{
	for (size_t i = 0; i < r->fields; i++)
		if (strcmp(r->name[i], name) == 0)
			return r->value[i];
	return NULL;
}

bool golden_has(const struct golden_record *r, const char *name)
{
	return find(r, name) != NULL;
}

bool golden_is(const struct golden_record *r, const char *name)
{
	return strcmp(r->name[0], name) == 0;
}

bool golden_says(const struct golden_record *r, const char *name, const char *value)
{
	const char *found = find(r, name);

	return found && strcmp(found, value) == 0;
}

bool golden_lists(const struct golden_record *r, const char *name, const char *word)
{
	const char *at = find(r, name);
	size_t len = strlen(word);

	while (at) {
		size_t n = strcspn(at, " ");

		if (n == len && memcmp(at, word, len) == 0)
			return true;
		at = at[n] ? at + n + 1 : NULL;
	}
	return false;
}

const char *golden_text(const struct golden_record *r, const char *name)
{
	const char *value = find(r, name);

	if (!value)
		fail_msg("%s %s has no field %s", r->name[0], r->value[0], name);
	return value;
}

uint64_t golden_number(const struct golden_record *r, const char *name)
{
	const char *value = golden_text(r, name);
	char *end;
	uint64_t n = strtoull(value, &end, 10);

	if (end == value || *end)
		fail_msg("%s %s: %s is no number", r->name[0], r->value[0], name);
	return n;
}

uint8_t *golden_bytes(const struct golden_record *r, const char *name, size_t *len)
{
	const char *value = golden_text(r, name);
	uint8_t *bytes;

	*len = strcmp(value, "-") == 0 ? 0 : strlen(value) / 2;
	bytes = malloc(*len + 1);
	assert_non_null(bytes);
	for (size_t i = 0; i < *len; i++) {
		char digits[3] = {value[2 * i], value[2 * i + 1], 0};
		char *end;

		bytes[i] = (uint8_t)strtoul(digits, &end, 16);
		assert_true(*end == 0);
	}
	return bytes;
}

uint8_t *golden_pattern(const struct golden_record *r, size_t *len)
{
	uint64_t seed = golden_number(r, "seed");
	uint8_t *bytes;

	*len = golden_number(r, "length");
	bytes = malloc(*len + 1);
	assert_non_null(bytes);
	for (size_t i = 0; i < *len; i++)
		bytes[i] = (uint8_t)(i * 167 + i / 256 * 13 + seed);
	return bytes;
}
