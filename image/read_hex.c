/* read_hex.c - Intel HEX: record types 00 to 05, segment and linear addresses.
 *
 * A data record in segment mode wraps inside its 64 KB segment, as the format
 * defines; in linear mode it may not pass 4 GB. Type 0xFE, the symbol names that
 * AltOS keeps behind its end record, is checked and skipped; every other type is
 * refused, because what was silently left out would be missing in the flash.
 */
#include "text.h"

enum {
	HEX_DATA = 0,
	HEX_END = 1,
	HEX_SEGMENT = 2,
	HEX_START_SEGMENT = 3,
	HEX_LINEAR = 4,
	HEX_START_LINEAR = 5,
	HEX_UNIVERSAL_FIRST = 0x0A, /* micro:bit Universal Hex */
	HEX_UNIVERSAL_LAST = 0x0E,
	HEX_ALTOS_SYMBOL = 0xFE,

	HEX_SHORTEST = 11, /* characters: colon, length, address, type, checksum */
};

typedef struct hex_state {
	uint32_t base;
	bool segmented;
	bool ended;
} hex_state;

static const vf_record_shape hex_shape = {.prefix = 1, .beside = 5, .minimum = 5, .total = 0};

static uint32_t be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static int add_data(vf_load *ld, const vf_text *t, const hex_state *s, uint32_t offset, uint32_t n)
{
	if (s->segmented && offset + n > 0x10000) {
		uint32_t fit = 0x10000 - offset;
		int status = vf_load_run(ld, s->base + offset, fit, t->line);
		return status != VF_OK ? status : vf_load_run(ld, s->base, n - fit, t->line);
	}
	if ((uint64_t)s->base + offset + n > VF_ADDRESS_SPACE)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: line %zu: %u bytes at 0x%08x pass the end of the 4 GB address "
			       "space: the file was linked for a wrong address",
			       vf_short_name(ld->name), t->line, (unsigned)n,
			       (unsigned)(s->base + offset));
	return vf_load_run(ld, s->base + offset, n, t->line);
}

static int bad_type(const vf_load *ld, const vf_text *t, unsigned type)
{
	const char *name = vf_short_name(ld->name);
	if (type >= HEX_UNIVERSAL_FIRST && type <= HEX_UNIVERSAL_LAST)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: line %zu: record type 0x%02x: a micro:bit Universal Hex holds "
			       "images for several boards: extract the one for yours first",
			       name, t->line, type);
	return vf_fail(ld->err, VF_E_FILE,
		       "%s: line %zu: record type 0x%02x is none of Intel HEX (00 to 05): convert "
		       "the file, for instance with objcopy",
		       name, t->line, type);
}

static int bad_length(const vf_load *ld, const vf_text *t, unsigned type, uint32_t n)
{
	return vf_fail(ld->err, VF_E_FILE,
		       "%s: line %zu: a record of type %02X cannot hold %u bytes: damaged, get the "
		       "file again",
		       vf_short_name(ld->name), t->line, type, (unsigned)n);
}

/* Everything but data: `n` bytes at `data`. */
static int control(vf_load *ld, const vf_text *t, hex_state *s, unsigned type, const uint8_t *data,
		   uint32_t n)
{
	static const uint8_t lengths[] = {0, 0, 2, 4, 2, 4};
	if (type == HEX_ALTOS_SYMBOL)
		return VF_OK;
	if (type > HEX_START_LINEAR)
		return bad_type(ld, t, type);
	if (n != lengths[type])
		return bad_length(ld, t, type, n);
	switch (type) {
	case HEX_END:
		s->ended = true;
		break;
	case HEX_SEGMENT:
		s->base = be16(data) << 4;
		s->segmented = true;
		break;
	case HEX_LINEAR:
		s->base = be16(data) << 16;
		s->segmented = false;
		break;
	case HEX_START_SEGMENT:
		ld->has_entry = true;
		ld->entry = (be16(data) << 4) + be16(data + 2);
		break;
	default:
		ld->has_entry = true;
		ld->entry = be16(data) << 16 | be16(data + 2);
		break;
	}
	return VF_OK;
}

/* The symbol table of AltOS, with the upper halves of its addresses. */
static bool may_follow_end(unsigned type)
{
	return type == HEX_ALTOS_SYMBOL || type == HEX_LINEAR;
}

/* Decodes the record at t->at straight into the arena: it has room, because a
 * record has more than two characters for each byte it holds. */
static int record(vf_load *ld, vf_text *t, hex_state *s)
{
	size_t left = (size_t)(t->end - t->at);
	if (*t->at != ':')
		return vf_text_bad_start(ld, t, "Intel HEX", "':'");
	if (left < HEX_SHORTEST)
		return vf_text_bad_record(ld, t, &hex_shape);
	uint8_t head[4];
	unsigned sum = 0;
	int bad = vf_hex_decode(t->at + 1, head, sizeof head, &sum);
	uint32_t n = head[0];
	size_t characters = HEX_SHORTEST + 2 * (size_t)n;
	if (bad < 0 || left < characters)
		return vf_text_bad_record(ld, t, &hex_shape);
	uint8_t *data = ld->arena + ld->used;
	vf_text rest = *t;
	rest.at += characters;
	bad = vf_hex_decode(t->at + 9, data, n + 1, &sum);
	if (bad < 0 || (sum & 0xFF) != hex_shape.total || !vf_text_line_done(&rest))
		return vf_text_bad_record(ld, t, &hex_shape);
	int status = s->ended && !may_follow_end(head[3]) ? vf_text_after_end(ld, t)
		     : head[3] == HEX_DATA                ? add_data(ld, t, s, be16(head + 1), n)
							  : control(ld, t, s, head[3], data, n);
	*t = rest;
	return status;
}

int vf_read_hex(vf_load *ld)
{
	vf_text t;
	hex_state s = {.base = 0};
	ld->place = VF_PLACE_LINE;
	int status = vf_load_reserve(ld, ld->len / 2 + 1);
	vf_text_start(&t, ld);
	while (status == VF_OK && vf_text_next(&t))
		status = s.ended && *t.at != ':' ? vf_text_after_end(ld, &t) : record(ld, &t, &s);
	if (status == VF_OK && !s.ended)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: no end record (:00000001FF) after line %zu: the file is cut "
			       "off, get it again",
			       vf_short_name(ld->name), t.line);
	return status;
}
