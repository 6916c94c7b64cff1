/* Commands about files alone: loading FILE[@ADDR]..., merge and inspect. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli.h"

/* "-" as a person would call it. */
static const char *stream_name(const char *name, const char *stream)
{
	return strcmp(name, "-") == 0 ? stream : name;
}

int cli_load(vf_image *img, const cli_options *o, vf_error *err)
{
	vf_image_init(img, &vf_io_alloc);
	int status = VF_OK;
	for (int i = 0; i < o->arg_count && status == VF_OK; i++)
		status = vf_client_load(img, o->args[i], NULL, 0, err);
	if (status != VF_OK)
		vf_image_free(img);
	return status;
}

static void say_warning(void *ctx, const char *line)
{
	const cli_options *o = ctx;
	cli_say(o, "warning: %s", line);
	cli_event(o, "warning", line);
}

size_t cli_warn(const cli_options *o, const vf_image *img)
{
	cli_options copy = *o; /* the callback's context is not const */
	return vf_image_warnings(img, say_warning, &copy);
}

/* --- merge ------------------------------------------------------------------ */

static int choose_format(const cli_options *o, vf_error *err)
{
	char by_name[32];
	(void)snprintf(by_name, sizeof by_name, "x.%s", o->format != NULL ? o->format : "");
	enum vf_image_format f = vf_image_format_by_name(o->format != NULL ? by_name : o->out);
	if (f != VF_FORMAT_AUTO && f != VF_FORMAT_ELF)
		return (int)f;
	if (o->format != NULL)
		return vf_fail(err, VF_E_USAGE, "--format wants hex, srec, bin or uf2, not '%s'",
			       o->format);
	return vf_fail(err, VF_E_USAGE,
		       "%s: cannot tell its format: name it .hex .srec .bin or .uf2, or say "
		       "--format",
		       stream_name(o->out, "standard output"));
}

static void choose_entry(const vf_image *img, vf_image_write_options *w)
{
	for (size_t i = 0; i < img->source_count && !w->has_entry; i++) {
		w->has_entry = img->sources[i].has_entry;
		w->entry = img->sources[i].entry;
	}
}

typedef struct output {
	vf_file_out *file;
	bool failed;
} output;

static int put(void *ctx, const uint8_t *bytes, size_t len)
{
	output *out = ctx;
	int status = vf_file_put(out->file, bytes, len);
	out->failed = out->failed || status != VF_OK;
	return status;
}

/* Keeps the file only if all went well; a commit says why a file failed. */
static int write_merged(const cli_options *o, const vf_image *img, vf_error *err)
{
	vf_image_write_options w = {
		.fill = o->fill, .fill_given = o->fill_given, .uf2_family = o->family};
	output out = {NULL, false};
	int format = choose_format(o, err);
	if (format < 0)
		return format;
	w.format = (uint8_t)format;
	choose_entry(img, &w);
	out.file = vf_file_create(o->out, err);
	if (out.file == NULL)
		return err->code;
	int status = vf_image_write(img, &w, put, &out, err);
	if (status == VF_OK || out.failed)
		return vf_file_commit(out.file, err);
	vf_file_discard(out.file);
	return status;
}

int cli_merge(const cli_options *o)
{
	vf_error err = {0};
	vf_image img;
	cJSON *json = cJSON_CreateObject();
	if (cli_load(&img, o, &err) != VF_OK)
		return cli_finish(o, &err, json);
	(void)cli_warn(o, &img);
	if (write_merged(o, &img, &err) == VF_OK) {
		char size[16];
		cli_say(o, "%s: %s in %zu segment%s", stream_name(o->out, "standard output"),
			cli_size(size, vf_image_bytes(&img)), img.segment_count,
			img.segment_count == 1 ? "" : "s");
		cJSON_AddNumberToObject(json, "bytes", (double)vf_image_bytes(&img));
		cJSON_AddNumberToObject(json, "segments", (double)img.segment_count);
		cJSON_AddStringToObject(json, "output", o->out);
	}
	vf_image_free(&img);
	return cli_finish(o, &err, json);
}

/* --- inspect ---------------------------------------------------------------- */

enum { TABLES_MAX = 64 };

static void print_source(const cli_options *o, const vf_image_source *s)
{
	char size[16], entry[40] = "";
	if (s->has_entry)
		(void)snprintf(entry, sizeof entry, ", entry 0x%08" PRIx32, s->entry);
	cli_print(o, "%s: %s, %s%s", s->name, vf_image_format_name(s->format),
		  cli_size(size, s->bytes), entry);
}

static void print_segment(const cli_options *o, const vf_image *img, size_t i)
{
	const vf_segment *s = &img->segments[i];
	char size[16];
	if (i > 0) {
		uint64_t end = (uint64_t)s[-1].addr + s[-1].len;
		if (s->addr > end)
			cli_print(o, "  %-21s  gap of %s", "", cli_size(size, s->addr - end));
	}
	cli_print(o, "  0x%08" PRIx32 "-0x%08" PRIx32 "  %-9s %s", s->addr, s->addr + (s->len - 1),
		  cli_size(size, s->len), img->sources[s->source].name);
}

static void print_table(const cli_options *o, const vf_vector_table *t)
{
	cli_print(o,
		  "  0x%08" PRIx32 "  vector table: stack 0x%08" PRIx32 " (%s), reset 0x%08" PRIx32
		  "%s",
		  t->addr, t->sp, t->ram, t->reset,
		  t->verdict == VF_VECTOR_ELSEWHERE ? ", which is outside these files" : "");
}

static cJSON *hex_json(uint32_t v)
{
	char text[11];
	(void)snprintf(text, sizeof text, "0x%08" PRIx32, v);
	return cJSON_CreateString(text);
}

static void inspect_json(cJSON *json, const vf_image *img, const vf_vector_table *t, size_t tables)
{
	cJSON *list = cJSON_AddArrayToObject(json, "files");
	for (size_t i = 0; i < img->source_count; i++) {
		cJSON *item = cJSON_CreateObject();
		cJSON_AddStringToObject(item, "name", img->sources[i].name);
		cJSON_AddStringToObject(item, "format",
					vf_image_format_name(img->sources[i].format));
		cJSON_AddNumberToObject(item, "bytes", (double)img->sources[i].bytes);
		if (img->sources[i].has_entry)
			cJSON_AddItemToObject(item, "entry", hex_json(img->sources[i].entry));
		cJSON_AddItemToArray(list, item);
	}
	list = cJSON_AddArrayToObject(json, "segments");
	for (size_t i = 0; i < img->segment_count; i++) {
		cJSON *item = cJSON_CreateObject();
		cJSON_AddItemToObject(item, "address", hex_json(img->segments[i].addr));
		cJSON_AddNumberToObject(item, "length", img->segments[i].len);
		cJSON_AddStringToObject(item, "file", img->sources[img->segments[i].source].name);
		cJSON_AddItemToArray(list, item);
	}
	list = cJSON_AddArrayToObject(json, "vector_tables");
	for (size_t i = 0; i < tables; i++) {
		cJSON *item = cJSON_CreateObject();
		cJSON_AddItemToObject(item, "address", hex_json(t[i].addr));
		cJSON_AddItemToObject(item, "stack", hex_json(t[i].sp));
		cJSON_AddStringToObject(item, "stack_in", t[i].ram);
		cJSON_AddItemToObject(item, "reset", hex_json(t[i].reset));
		cJSON_AddBoolToObject(item, "reset_inside", t[i].verdict == VF_VECTOR_GOOD);
		cJSON_AddItemToArray(list, item);
	}
}

static void add_warning(void *ctx, const char *line)
{
	cJSON_AddItemToArray(ctx, cJSON_CreateString(line));
}

static void print_warning(void *ctx, const char *line)
{
	const cli_options *o = ctx;
	cli_print(o, "warning: %s", line);
}

int cli_inspect(const cli_options *o)
{
	vf_error err = {0};
	vf_image img;
	if (cli_load(&img, o, &err) != VF_OK)
		return cli_finish(o, &err, NULL);
	vf_vector_table table[TABLES_MAX];
	size_t tables = vf_image_vectors(&img, table, TABLES_MAX);
	if (tables > TABLES_MAX)
		tables = TABLES_MAX;
	cJSON *json = cJSON_CreateObject();
	for (size_t i = 0; i < img.source_count; i++)
		print_source(o, &img.sources[i]);
	for (size_t i = 0; i < img.segment_count; i++)
		print_segment(o, &img, i);
	for (size_t i = 0; i < tables; i++)
		print_table(o, &table[i]);
	char digest[2 * VF_SHA256_SIZE + 1];
	cli_image_digest(&img, digest);
	cli_print(o, "digest %s", digest);
	cJSON_AddStringToObject(json, "digest", digest);
	cli_options copy = *o;
	(void)vf_image_warnings(&img, print_warning, &copy);
	inspect_json(json, &img, table, tables);
	(void)vf_image_warnings(&img, add_warning, cJSON_AddArrayToObject(json, "warnings"));
	vf_image_free(&img);
	return cli_finish(o, &err, json);
}
