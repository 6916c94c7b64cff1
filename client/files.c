/* files.c - FILE and FILE@ADDR, as a person names them, into an image. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vcpflash/client.h>

/* More than the largest serial NOR in its most verbose text form. */
#define FILE_MAX ((uint64_t)2 << 30)

bool vf_client_number(const char *text, uint64_t max, uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	if (!(hex ? strspn(digits, "0123456789abcdefABCDEF") : strspn(digits, "0123456789")))
		return false;
	char *end;
	errno = 0;
	unsigned long long v = strtoull(digits, &end, hex ? 16 : 10);
	if (errno != 0)
		return false;
	unsigned shift = *end == 'K' || *end == 'k' ? 10 : *end == 'M' || *end == 'm' ? 20 : 0;
	if (end[shift ? 1 : 0] != '\0' || v > (max >> shift))
		return false;
	*value = (uint64_t)v << shift;
	return true;
}

/* Splits FILE@ADDR at the last @ that is followed by a number. */
static char *split_address(const char *arg, vf_image_add_options *opt, vf_error *err)
{
	const size_t size = strlen(arg) + 1;
	char *name = vf_resize(&vf_io_alloc, NULL, size);
	uint64_t value;
	if (name == NULL) {
		(void)vf_fail(err, VF_E_NOMEM, "out of memory");
		return NULL;
	}
	memcpy(name, arg, size);
	char *at = strrchr(name, '@');
	if (at != NULL && at != name && vf_client_number(at + 1, UINT32_MAX, &value)) {
		*at = '\0';
		opt->has_address = true;
		opt->address = (uint32_t)value;
	}
	return name;
}

static int read_and_add(vf_image *img, const char *name, const vf_image_add_options *opt,
			vf_error *err)
{
	uint8_t *bytes = NULL;
	size_t len = 0;
	int status = vf_file_read(name, FILE_MAX, &bytes, &len, err);
	if (status == VF_OK)
		status = vf_image_add(img, strcmp(name, "-") == 0 ? "standard input" : name, bytes,
				      len, opt, err);
	vf_free(&vf_io_alloc, bytes);
	return status;
}

int vf_client_load(vf_image *img, const char *arg, const uint8_t *bytes, size_t len, vf_error *err)
{
	vf_image_add_options opt = {0};
	char *name = split_address(arg, &opt, err);
	if (name == NULL)
		return VF_E_NOMEM;
	const int status = bytes != NULL ? vf_image_add(img, name, bytes, len, &opt, err)
					 : read_and_add(img, name, &opt, err);
	vf_free(&vf_io_alloc, name);
	return status;
}
