/* flatten.c - a firmware file as flat bytes, for the benchmark's corpus.
 *
 *   bench-flatten FILE OUT
 *
 * Whatever lies more than 16 MB above the first byte (a microcontroller's
 * configuration words, say) is left out; gaps are 0xFF.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vcpflash/image.h>
#include <vcpflash/io.h>

enum { SPAN_MAX = 16 << 20 };

static int say(const vf_error *err)
{
	(void)fprintf(stderr, "bench-flatten: %s\n", err->text);
	return 1;
}

static int read_image(vf_image *image, const char *name, vf_error *err)
{
	uint8_t *bytes;
	size_t len;
	int status = vf_file_read(name, SPAN_MAX, &bytes, &len, err);
	if (status != VF_OK)
		return status;
	vf_image_add_options opt = {.format = VF_FORMAT_AUTO};
	if (vf_image_detect(name, bytes, len) == VF_FORMAT_AUTO ||
	    vf_image_detect(name, bytes, len) == VF_FORMAT_BIN)
		opt = (vf_image_add_options){.format = VF_FORMAT_BIN, .has_address = true};
	status = vf_image_add(image, name, bytes, len, &opt, err);
	vf_free(&vf_io_alloc, bytes);
	return status;
}

static int write_flat(const vf_image *image, const char *name, vf_error *err)
{
	const uint32_t first = image->segments[0].addr;
	uint64_t end = first;
	for (size_t i = 0; i < image->segment_count; i++) {
		const uint64_t after = (uint64_t)image->segments[i].addr + image->segments[i].len;
		if (after - first <= SPAN_MAX)
			end = after;
	}
	const uint32_t len = (uint32_t)(end - first);
	uint8_t *flat = malloc(len > 0 ? len : 1);
	vf_file_out *out = vf_file_create(name, err);
	int status = flat != NULL && out != NULL ? VF_OK : VF_E_NOMEM;
	if (status == VF_OK) {
		(void)vf_image_read(image, first, flat, len, 0xFF);
		status = vf_file_put(out, flat, len);
	}
	free(flat);
	if (status == VF_OK)
		return vf_file_commit(out, err);
	if (out != NULL)
		vf_file_discard(out);
	return status;
}

int main(int argc, char **argv)
{
	vf_image image;
	vf_error err = {.text = "out of memory"};
	if (argc != 3) {
		(void)fprintf(stderr, "usage: bench-flatten FILE OUT\n");
		return 2;
	}
	vf_image_init(&image, &vf_io_alloc);
	int status = read_image(&image, argv[1], &err);
	if (status == VF_OK && image.segment_count == 0)
		status = vf_fail(&err, VF_E_FILE, "%s: nothing in it", argv[1]);
	if (status == VF_OK)
		status = write_flat(&image, argv[2], &err);
	vf_image_free(&image);
	return status == VF_OK ? 0 : say(&err);
}
