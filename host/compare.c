/* compare.c - the kinds of difference, and what each suggests to somebody who brings
 * up a board: noise is rare, a wrong page size or address mode is not. */
#include "compare.h"

#include <string.h>

enum {
	ENOUGH = 16, /* so many equal bytes are no coincidence */
	FEW = 8,     /* bytes that something may be shifted by */
};

void vf_compare_begin(vf_compare *c, uint32_t page)
{
	*c = (vf_compare){.page = page, .constant = true};
}

/* --- looking at bytes ---------------------------------------------------------- */

static bool telling(const uint8_t *bytes)
{
	unsigned distinct = 0;
	for (unsigned i = 0; i < VF_COMPARE_SAMPLE; i++)
		distinct += memchr(bytes, bytes[i], i) == NULL;
	return distinct >= VF_COMPARE_SAMPLE / 2;
}

/* Pages that wrap at `part`: every part of a page was programmed onto the first. */
static bool wraps(const uint8_t *expected, const uint8_t *found, uint32_t page, uint32_t part)
{
	for (uint32_t i = 0; i < page; i++) {
		uint8_t all = 0xFF;
		for (uint32_t k = i; i < part && k < page; k += part)
			all &= expected[k];
		if (found[i] != all)
			return false;
	}
	return true;
}

static void look_at_page(vf_compare *c, uint64_t address, const uint8_t *expected,
			 const uint8_t *found, uint32_t len, uint32_t at)
{
	const uint64_t start = c->page != 0 ? (address + at) / c->page * c->page : 0;
	if (c->page < 2 * ENOUGH || expected == NULL || start < address ||
	    start + c->page > address + len || c->m.cause == VF_CAUSE_PAGE)
		return;
	const uint32_t from = (uint32_t)(start - address);
	for (uint32_t part = c->page / 2; part >= ENOUGH; part /= 2)
		if (wraps(expected + from, found + from, c->page, part)) {
			c->m.cause = VF_CAUSE_PAGE;
			c->m.distance = (int32_t)part;
			return;
		}
}

static void note(vf_compare *c, uint64_t address, const uint8_t *expected, const uint8_t *found,
		 uint32_t len, uint32_t at)
{
	const uint8_t want = expected != NULL ? expected[at] : 0xFF;
	if (c->m.count++ == 0) {
		c->m.address = (uint32_t)(address + at);
		c->m.expected = want;
		c->m.found = found[at];
		look_at_page(c, address, expected, found, len, at);
	}
	c->ones_missing = c->ones_missing || (want & ~found[at]) != 0;
	c->zeros_missing = c->zeros_missing || (found[at] & ~want) != 0;
	/* What is shifted may begin with something else. */
	if (c->sampled || address + at < (uint64_t)c->m.address + FEW ||
	    len - at < VF_COMPARE_SAMPLE || !telling(found + at))
		return;
	memcpy(c->sample, found + at, VF_COMPARE_SAMPLE);
	c->sample_at = (uint32_t)(address + at);
	c->sampled = true;
}

bool vf_compare_bytes(vf_compare *c, uint64_t address, const uint8_t *expected,
		      const uint8_t *found, uint32_t len)
{
	const uint64_t before = c->m.count;
	for (uint32_t i = 0; i < len; i++) {
		if (c->bytes++ == 0)
			c->value = found[i];
		c->constant = c->constant && found[i] == c->value;
		if (found[i] != (expected != NULL ? expected[i] : 0xFF))
			note(c, address, expected, found, len, i);
	}
	return c->m.count > before;
}

/* --- the cause ----------------------------------------------------------------- */

static bool belongs_at(const vf_compare *c, const vf_image *image, uint32_t address)
{
	uint8_t bytes[VF_COMPARE_SAMPLE];
	return vf_image_read(image, address, bytes, sizeof bytes, 0) == sizeof bytes &&
	       memcmp(bytes, c->sample, sizeof bytes) == 0;
}

/* A few bytes further on, or at an address that differs in one bit. What is found in
 * several places is a pattern, and tells nothing. */
static bool find_place(vf_compare *c, const vf_image *image)
{
	enum { LOWEST_BIT = 4, BITS = 32 };
	unsigned places = 0;
	vf_mismatch m = c->m;
	if (!c->sampled || image == NULL)
		return false;
	for (int32_t d = -FEW; d <= FEW; d++)
		if (belongs_at(c, image, c->sample_at + (uint32_t)d)) {
			m.cause = VF_CAUSE_SHIFTED;
			m.distance = d;
			places++;
		}
	for (unsigned bit = LOWEST_BIT; bit < BITS; bit++)
		if (belongs_at(c, image, c->sample_at ^ (uint32_t)1 << bit)) {
			m.cause = VF_CAUSE_ALIAS;
			m.distance = (int32_t)bit;
			places++;
		}
	if (places == 1)
		c->m = m;
	return places == 1;
}

void vf_compare_end(vf_compare *c, const vf_image *image)
{
	if (c->m.count == 0 || c->m.cause == VF_CAUSE_PAGE)
		return;
	if (c->constant && c->value == 0xFF)
		c->m.cause = VF_CAUSE_BLANK;
	else if (c->constant && c->bytes >= ENOUGH)
		c->m.cause = VF_CAUSE_CONSTANT;
	else if (find_place(c, image))
		return;
	else if (c->ones_missing && c->zeros_missing)
		c->m.cause = VF_CAUSE_OTHER_IMAGE;
	else
		c->m.cause = c->ones_missing ? VF_CAUSE_NOT_ERASED : VF_CAUSE_NOT_PROGRAMMED;
}

/* --- in words -------------------------------------------------------------------- */

const char *vf_mismatch_name(const vf_mismatch *m)
{
	static const char *const name[] = {
		[VF_CAUSE_NONE] = "none",         [VF_CAUSE_BLANK] = "blank",
		[VF_CAUSE_NOT_ERASED] = "zeros",  [VF_CAUSE_NOT_PROGRAMMED] = "ones",
		[VF_CAUSE_CONSTANT] = "constant", [VF_CAUSE_OTHER_IMAGE] = "both",
		[VF_CAUSE_SHIFTED] = "shifted",   [VF_CAUSE_PAGE] = "page",
		[VF_CAUSE_ALIAS] = "alias",
	};
	return m->cause < sizeof name / sizeof name[0] ? name[m->cause] : "none";
}

typedef struct words {
	const char *cause, *next;
} words;

/* Something was written there just now, and read back at once. */
static words after_writing(uint8_t cause)
{
	switch (cause) {
	case VF_CAUSE_BLANK:
		return (words){"it is still erased: programming has no effect",
			       "look at write protection, and at the lines that the driver writes "
			       "on"};
	case VF_CAUSE_NOT_ERASED:
		return (words){
			"only zeros where ones should be: it was not erased, or is protected",
			"look at block protection, and for something else that writes"};
	case VF_CAUSE_NOT_PROGRAMMED:
		return (words){"only ones where zeros should be: a worn cell, or programming "
			       "stopped short",
			       "look at the supply; if it is always the same place, replace the "
			       "chip"};
	default:
		return (words){"bits differ both ways: noise on the bus, or something else writes",
			       "try a lower flash clock, and look at supply and wiring"};
	}
}

static words found_so(uint8_t cause)
{
	switch (cause) {
	case VF_CAUSE_BLANK:
		return (words){"all of it reads 0xFF: it was never programmed", "program it"};
	case VF_CAUSE_NOT_ERASED:
		return (words){"only zeros where ones should be: it was not erased before, or is "
			       "protected",
			       "program it; if that fails, ask doctor"};
	case VF_CAUSE_NOT_PROGRAMMED:
		return (words){"only ones where zeros should be: programming did not reach it, or "
			       "stopped short",
			       "program it; if that fails, ask doctor"};
	default:
		return (words){"another image is there", "program it"};
	}
}

static words words_of(const vf_mismatch *m, bool written)
{
	switch (m->cause) {
	case VF_CAUSE_CONSTANT:
		return (words){"one value everywhere: the flash is not mapped, or its lines float",
			       "check pins and memory-mapped mode of the board's loader"};
	case VF_CAUSE_SHIFTED:
		return (words){"all is shifted by a few bytes: wrong dummy cycles, or 3 address "
			       "bytes for 4",
			       "check dummy cycles and address mode of the board's driver"};
	case VF_CAUSE_PAGE:
		return (words){"pages wrap: the chip's page is smaller than the board takes it for",
			       "correct the page size in the board's driver"};
	case VF_CAUSE_ALIAS:
		return m->distance >= 24
			       ? (words){"it belongs at another address: bits from 24 on have no "
					 "effect",
					 "put the chip into 4-byte address mode"}
			       : (words){"it belongs at another address: an address bit has no "
					 "effect",
					 "check the chip's size in the board's setup, and its "
					 "address mode"};
	default:
		return written ? after_writing(m->cause) : found_so(m->cause);
	}
}

const char *vf_mismatch_cause(const vf_mismatch *m)
{
	return words_of(m, m->written).cause;
}

const char *vf_mismatch_next(const vf_mismatch *m)
{
	return words_of(m, m->written).next;
}
