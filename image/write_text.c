/* write_text.c - writing Intel HEX and S-records. Records carry 16 bytes and
 * begin at multiples of 16 where they can, as people are used to reading them. */
#include "internal.h"

enum { PER_RECORD = 16 };

/* One record: prefix, `n` bytes as digits, line end. */
static void put_record(vf_out *out, const char *prefix, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";
	uint8_t text[2 + 2 * (PER_RECORD + 6) + 1];
	size_t at = 0;
	while (*prefix != '\0')
		text[at++] = (uint8_t)*prefix++;
	for (size_t i = 0; i < n; i++) {
		text[at++] = (uint8_t)digits[bytes[i] >> 4];
		text[at++] = (uint8_t)digits[bytes[i] & 0xF];
	}
	text[at++] = '\n';
	vf_out_bytes(out, text, at);
}

static uint8_t sum_of(const uint8_t *bytes, size_t n)
{
	unsigned sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += bytes[i];
	return (uint8_t)sum;
}

static void hex_record(vf_out *out, uint8_t type, uint32_t addr, const uint8_t *data, uint32_t n)
{
	uint8_t record[PER_RECORD + 5] = {(uint8_t)n, (uint8_t)(addr >> 8), (uint8_t)addr, type};
	if (n > 0)
		memcpy(record + 4, data, n);
	record[4 + n] = (uint8_t)-sum_of(record, 4 + n);
	put_record(out, ":", record, 5 + n);
}

static void put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

void vf_write_hex(const vf_image *img, const vf_image_write_options *opt, vf_out *out)
{
	vf_walk w = {.img = img};
	uint8_t data[PER_RECORD];
	uint8_t word[4];
	uint32_t upper = 0;
	uint32_t addr;
	uint32_t n;
	while (out->status == VF_OK && (n = vf_walk_next(&w, PER_RECORD, &addr, data)) > 0) {
		if (addr >> 16 != upper) {
			upper = addr >> 16;
			put_be32(word, upper);
			hex_record(out, 4, 0, word + 2, 2);
		}
		hex_record(out, 0, addr, data, n);
	}
	if (opt->has_entry) {
		put_be32(word, opt->entry);
		hex_record(out, 5, 0, word, 4);
	}
	hex_record(out, 1, 0, NULL, 0);
}

/* `wide`: address bytes. */
static void srec_record(vf_out *out, const char *type, unsigned wide, uint32_t addr,
			const uint8_t *data, uint32_t n)
{
	uint8_t word[4];
	uint8_t record[PER_RECORD + 6];
	put_be32(word, addr);
	record[0] = (uint8_t)(wide + n + 1);
	memcpy(record + 1, word + 4 - wide, wide);
	if (n > 0)
		memcpy(record + 1 + wide, data, n);
	record[1 + wide + n] = (uint8_t)~sum_of(record, 1 + wide + n);
	put_record(out, type, record, 2 + wide + n);
}

void vf_write_srec(const vf_image *img, const vf_image_write_options *opt, vf_out *out)
{
	static const uint8_t title[] = {'v', 'c', 'p', 'f', 'l', 'a', 's', 'h'};
	vf_walk w = {.img = img};
	uint8_t data[PER_RECORD];
	uint32_t records = 0;
	uint32_t addr;
	uint32_t n;
	srec_record(out, "S0", 2, 0, title, sizeof title);
	while (out->status == VF_OK && (n = vf_walk_next(&w, PER_RECORD, &addr, data)) > 0) {
		srec_record(out, "S3", 4, addr, data, n);
		records++;
	}
	/* More records than S6 can count go uncounted. */
	if (records <= 0xFFFF)
		srec_record(out, "S5", 2, records, NULL, 0);
	else if (records <= 0xFFFFFF)
		srec_record(out, "S6", 3, records, NULL, 0);
	srec_record(out, "S7", 4, opt->has_entry ? opt->entry : 0, NULL, 0);
}
