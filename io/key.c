/* key.c - a board's key, from a file. */

#include "internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LARGEST = 4096 };

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes hexadecimal digits; how many there are, -1 if there is anything else. */
static long take_digits(uint8_t key[VF_IO_KEY_SIZE], const uint8_t *text, size_t len)
{
	long count = 0;
	while (len > 0 && blank(text[len - 1]))
		len--;
	for (size_t i = 0; i < len; i++) {
		const int v = digit(text[i]);
		if (v < 0)
			return -1;
		uint8_t *byte = &key[count / 2 % VF_IO_KEY_SIZE];
		*byte = (uint8_t)(count % 2 == 0 ? v << 4 : *byte | v);
		count++;
	}
	return count;
}

static bool all_the_same(const uint8_t key[VF_IO_KEY_SIZE])
{
	return memcmp(key, key + 1, VF_IO_KEY_SIZE - 1) == 0;
}

static int parse(const char *name, const uint8_t *bytes, size_t len, uint8_t key[VF_IO_KEY_SIZE],
		 vf_error *err)
{
	static const char want[] = "a key is 32 bytes, raw or as 64 hexadecimal digits";
	const long digits = take_digits(key, bytes, len);
	if (len == 0)
		return vf_fail(err, VF_E_FILE, "%s: is empty: %s", name, want);
	if (digits >= 0 && digits != 2L * VF_IO_KEY_SIZE)
		return vf_fail(err, VF_E_FILE, "%s: has %ld hexadecimal digits: %s", name, digits,
			       want);
	if (digits < 0 && len != VF_IO_KEY_SIZE)
		return vf_fail(err, VF_E_FILE, "%s: has %zu bytes, not all of them digits: %s",
			       name, len, want);
	if (digits < 0)
		memcpy(key, bytes, VF_IO_KEY_SIZE);
	if (all_the_same(key))
		return vf_fail(err, VF_E_FILE,
			       "%s: one byte 32 times is no secret: make a key with "
			       "'openssl rand -hex 32'",
			       name);
	return VF_OK;
}

void vf_wipe(void *secret, size_t len)
{
	explicit_bzero(secret, len);
}

int vf_key_read(const char *name, uint8_t key[VF_IO_KEY_SIZE], bool *exposed, vf_error *err)
{
	uint8_t *bytes;
	size_t len;
	struct stat st;
	int status = vf_file_read(name, LARGEST, &bytes, &len, err);
	if (status != VF_OK)
		return status;
	status = parse(name, bytes, len, key, err);
	vf_wipe(bytes, len);
	free(bytes);
	*exposed = stat(name, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0;
	return status;
}
