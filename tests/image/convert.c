/* convert.c - turns one firmware file into another by the image room alone, so
 * that independent tools can be asked whether they agree.
 *
 * convert IN[@ADDR] hex|srec|uf2|bin OUT [FILL]; exit code 5 and one line on
 * standard error where the library refuses the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vcpflash/image.h>

static void *resize(void *ctx, void *p, size_t size)
{
	(void)ctx;
	if (size == 0) {
		free(p);
		return NULL;
	}
	return realloc(p, size);
}

static int put(void *ctx, const uint8_t *bytes, size_t len)
{
	return fwrite(bytes, 1, len, ctx) == len ? VF_OK : VF_E_FILE;
}

static uint8_t *load(const char *path, size_t *len)
{
	uint8_t *bytes = NULL;
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		return NULL;
	if (fseek(file, 0, SEEK_END) == 0) {
		long size = ftell(file);
		rewind(file);
		bytes = size < 0 ? NULL : malloc((size_t)size + 1);
		*len = bytes == NULL ? 0 : fread(bytes, 1, (size_t)size, file);
	}
	(void)fclose(file);
	return bytes;
}

static uint8_t format_of(const char *word)
{
	static const struct {
		const char *word;
		uint8_t format;
	} known[] = {{"hex", VF_FORMAT_HEX},
		     {"srec", VF_FORMAT_SREC},
		     {"uf2", VF_FORMAT_UF2},
		     {"bin", VF_FORMAT_BIN}};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strcmp(known[i].word, word) == 0)
			return known[i].format;
	}
	return VF_FORMAT_AUTO;
}

static int convert(const char *name, const vf_image_add_options *add, const uint8_t *bytes,
		   size_t len, vf_image_write_options *write, const char *out)
{
	const vf_alloc door = {.resize = resize};
	vf_error err = {0};
	vf_image img;
	vf_image_init(&img, &door);
	int status = vf_image_add(&img, name, bytes, len, add, &err);
	if (status == VF_OK) {
		FILE *file = fopen(out, "wb");
		write->has_entry = img.sources[0].has_entry;
		write->entry = img.sources[0].entry;
		status = file == NULL ? vf_fail(&err, VF_E_FILE, "cannot write %s", out)
				      : vf_image_write(&img, write, put, file, &err);
		if (file != NULL && fclose(file) != 0)
			status = vf_fail(&err, VF_E_FILE, "cannot write %s", out);
	}
	if (status != VF_OK)
		(void)fprintf(stderr, "%s\n", err.text);
	vf_image_free(&img);
	return status == VF_OK ? 0 : -status;
}

int main(int argc, char **argv)
{
	size_t len = 0;
	if (argc < 4 || format_of(argv[2]) == VF_FORMAT_AUTO) {
		(void)fprintf(stderr, "usage: %s IN[@ADDR] hex|srec|uf2|bin OUT [FILL]\n", argv[0]);
		return 2;
	}
	vf_image_add_options add = {.format = VF_FORMAT_AUTO};
	vf_image_write_options write = {.format = format_of(argv[2])};
	char *at = strrchr(argv[1], '@');
	if (at != NULL) {
		*at = '\0';
		add.has_address = true;
		add.address = (uint32_t)strtoul(at + 1, NULL, 0);
	}
	if (argc > 4) {
		write.fill_given = true;
		write.fill = (uint8_t)strtoul(argv[4], NULL, 0);
	}
	uint8_t *bytes = load(argv[1], &len);
	if (bytes == NULL) {
		(void)fprintf(stderr, "cannot read %s\n", argv[1]);
		return 2;
	}
	int status = convert(argv[1], &add, bytes, len, &write, argv[3]);
	free(bytes);
	return status;
}
