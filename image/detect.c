/* detect.c - what a file is: by its content, and by its name's ending. */
#include "internal.h"

#include "text.h"
#include "uf2.h"

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* `ending` in lower case. */
bool vf_name_ends(const char *name, const char *ending)
{
	size_t have = strlen(name);
	size_t want = strlen(ending);
	if (have <= want)
		return false;
	for (size_t i = 0; i < want; i++) {
		if (lower(name[have - want + i]) != ending[i])
			return false;
	}
	return true;
}

enum vf_image_format vf_image_format_by_name(const char *name)
{
	static const struct {
		const char *ending;
		enum vf_image_format format;
	} known[] = {
		{".hex", VF_FORMAT_HEX},   {".ihx", VF_FORMAT_HEX},  {".ihex", VF_FORMAT_HEX},
		{".srec", VF_FORMAT_SREC}, {".s19", VF_FORMAT_SREC}, {".s28", VF_FORMAT_SREC},
		{".s37", VF_FORMAT_SREC},  {".mot", VF_FORMAT_SREC}, {".elf", VF_FORMAT_ELF},
		{".axf", VF_FORMAT_ELF},   {".out", VF_FORMAT_ELF},  {".uf2", VF_FORMAT_UF2},
		{".bin", VF_FORMAT_BIN},
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (vf_name_ends(name, known[i].ending))
			return known[i].format;
	}
	return VF_FORMAT_AUTO;
}

const char *vf_image_format_name(enum vf_image_format format)
{
	switch (format) {
	case VF_FORMAT_HEX:
		return "Intel HEX";
	case VF_FORMAT_SREC:
		return "Motorola S-record";
	case VF_FORMAT_ELF:
		return "ELF";
	case VF_FORMAT_UF2:
		return "UF2";
	case VF_FORMAT_BIN:
		return "raw binary";
	default:
		return "unknown";
	}
}

static bool digits_follow(const uint8_t *p, size_t left, size_t want)
{
	if (left < want)
		return false;
	for (size_t i = 0; i < want; i++) {
		if (vf_hex_value[p[i]] < 0)
			return false;
	}
	return true;
}

enum vf_image_format vf_format_by_content(const uint8_t *bytes, size_t len)
{
	if (len >= 4 && memcmp(bytes, "\177ELF", 4) == 0)
		return VF_FORMAT_ELF;
	if (len >= 8 && vf_le32(bytes) == UF2_START0_MAGIC &&
	    vf_le32(bytes + UF2_START1) == UF2_START1_MAGIC)
		return VF_FORMAT_UF2;
	const vf_load whole = {.bytes = bytes, .len = len};
	vf_text t;
	vf_text_start(&t, &whole);
	if (!vf_text_next(&t))
		return VF_FORMAT_AUTO;
	size_t left = (size_t)(t.end - t.at);
	if (*t.at == ':' && digits_follow(t.at + 1, left - 1, 10))
		return VF_FORMAT_HEX;
	if ((*t.at == 'S' || *t.at == 's') && digits_follow(t.at + 1, left - 1, 7) &&
	    t.at[1] <= '9')
		return VF_FORMAT_SREC;
	return VF_FORMAT_AUTO;
}

enum vf_image_format vf_image_detect(const char *name, const uint8_t *bytes, size_t len)
{
	enum vf_image_format format = vf_format_by_content(bytes, len);
	return format != VF_FORMAT_AUTO ? format : vf_image_format_by_name(name);
}

/* Whether `bytes` starts with `text` (lower case) in any case. */
static bool begins(const uint8_t *bytes, size_t len, const char *text)
{
	size_t want = strlen(text);
	if (len < want)
		return false;
	for (size_t i = 0; i < want; i++) {
		if (lower((char)bytes[i]) != text[i])
			return false;
	}
	return true;
}

#define WEB_PAGE                                                                                   \
	"this is a web page, not firmware: download the file itself (the link called \"raw\" or "  \
	"\"download\")"

const char *vf_not_firmware(const uint8_t *bytes, size_t len, bool raw)
{
	static const struct {
		const char *start;
		bool raw; /* nor is it a likely raw binary */
		const char *what;
	} known[] = {
		{"<!doctype", true, WEB_PAGE},
		{"<html", true, WEB_PAGE},
		{"<head", true, WEB_PAGE},
		{"<?xml", false, "this is an XML text, not firmware: get the firmware itself"},
		{"version https://git-lfs", true,
		 "this is a Git LFS pointer, not firmware: fetch the file itself with git lfs "
		 "pull"},
		{"pk\003\004", false, "this is a zip archive, not firmware: unpack it first"},
		{"\x1f\x8b", false, "this is gzip data, not firmware: unpack it first"},
		{"\xff\xfe", false,
		 "this is UTF-16 text, as PowerShell's > makes it: save it as plain ASCII"},
	};
	const vf_load whole = {.bytes = bytes, .len = len};
	vf_text t;
	vf_text_start(&t, &whole);
	if (!vf_text_next(&t))
		return NULL;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if ((known[i].raw || !raw) && begins(t.at, (size_t)(t.end - t.at), known[i].start))
			return known[i].what;
	}
	return NULL;
}
