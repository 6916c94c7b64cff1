/* read_srec.c - Motorola S-records: S0 header, S1 to S3 data, S5 and S6 counts,
 * S7 to S9 end and entry point. */
#include "text.h"

typedef struct srec_state {
	uint32_t records; /* data records so far, which S5 and S6 count */
	bool ended;
} srec_state;

enum { SREC_TOTAL = 0xFF }; /* what all bytes of a record add up to */

static int add_data(vf_load *ld, const vf_text *t, srec_state *s, uint32_t addr, uint32_t n)
{
	s->records++;
	if ((uint64_t)addr + n > VF_ADDRESS_SPACE)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: line %zu: %u bytes at 0x%08x pass the end of the 4 GB address "
			       "space: the file was linked for a wrong address",
			       vf_short_name(ld->name), t->line, (unsigned)n, (unsigned)addr);
	return vf_load_run(ld, addr, n, t->line);
}

static int check_count(const vf_load *ld, const vf_text *t, const srec_state *s, uint32_t count)
{
	if (count == s->records)
		return VF_OK;
	return vf_fail(ld->err, VF_E_FILE,
		       "%s: line %zu: counts %u data records, but there are %u: records are "
		       "missing or added, get the file again",
		       vf_short_name(ld->name), t->line, (unsigned)count, (unsigned)s->records);
}

/* One decoded record: `n` bytes at the arena's end, and what stood before. */
static int take(vf_load *ld, const vf_text *t, srec_state *s, unsigned type, uint32_t addr,
		uint32_t n)
{
	switch (type) {
	case 0:
		return VF_OK;
	case 1:
	case 2:
	case 3:
		return add_data(ld, t, s, addr, n);
	case 5:
	case 6:
		return check_count(ld, t, s, addr);
	default:
		s->ended = true;
		/* 0 is what tools write that know of no entry point. */
		ld->has_entry = addr != 0;
		ld->entry = addr;
		return VF_OK;
	}
}

static int bad_type(const vf_load *ld, const vf_text *t)
{
	char shown[8];
	return vf_fail(ld->err, VF_E_FILE,
		       "%s: line %zu: no S-record has the type %s (S0 to S3 and S5 to S9 do): "
		       "damaged, get the file again",
		       vf_short_name(ld->name), t->line, vf_show_char(t->at[1], shown));
}

static int bad_record(const vf_load *ld, const vf_text *t, unsigned wide)
{
	vf_record_shape shape = {
		.prefix = 2, .beside = 1, .minimum = wide + 2, .total = SREC_TOTAL};
	return vf_text_bad_record(ld, t, &shape);
}

static int record(vf_load *ld, vf_text *t, srec_state *s)
{
	static const uint8_t address_bytes[10] = {2, 2, 3, 4, 0, 2, 3, 4, 3, 2};
	size_t left = (size_t)(t->end - t->at);
	if (*t->at != 'S' && *t->at != 's')
		return vf_text_bad_start(ld, t, "Motorola S", "'S'");
	unsigned type = left < 2 ? 0 : t->at[1] - (unsigned)'0';
	unsigned wide = type < sizeof address_bytes ? address_bytes[type] : 0;
	if (wide == 0)
		return bad_type(ld, t);
	if (left < 4)
		return bad_record(ld, t, wide);
	uint8_t head[5]; /* count, then the address */
	unsigned sum = 0;
	int bad = vf_hex_decode(t->at + 2, head, 1, &sum);
	uint32_t count = head[0];
	size_t characters = 4 + 2 * (size_t)count;
	if (bad < 0 || left < characters || count < wide + 1)
		return bad_record(ld, t, wide);
	bad = vf_hex_decode(t->at + 4, head + 1, wide, &sum);
	uint32_t addr = 0;
	for (unsigned i = 1; i <= wide; i++)
		addr = addr << 8 | head[i];
	vf_text rest = *t;
	rest.at += characters;
	bad |= vf_hex_decode(t->at + 4 + (size_t)2 * wide, ld->arena + ld->used, count - wide,
			     &sum);
	if (bad < 0 || (sum & 0xFF) != SREC_TOTAL || !vf_text_line_done(&rest))
		return bad_record(ld, t, wide);
	int status = take(ld, t, s, type, addr, count - wide - 1);
	*t = rest;
	return status;
}

int vf_read_srec(vf_load *ld)
{
	vf_text t;
	srec_state s = {.records = 0};
	ld->place = VF_PLACE_LINE;
	int status = vf_load_reserve(ld, ld->len / 2 + 1);
	vf_text_start(&t, ld);
	while (status == VF_OK && vf_text_next(&t))
		status = s.ended ? vf_text_after_end(ld, &t) : record(ld, &t, &s);
	if (status == VF_OK && !s.ended)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: no end record (S7, S8 or S9) after line %zu: the file is cut "
			       "off, get it again",
			       vf_short_name(ld->name), t.line);
	return status;
}
