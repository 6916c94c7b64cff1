/* chip_array.c - the cells: what programming, erasing and losing power in the
 * middle do to them. Cells whose erase was cut are *weak*: a page of them reads
 * as something else now and then until an erase of it ends properly.
 */
#include "chip.h"

#include <assert.h>
#include <string.h>

uint32_t vf_sim_array_pages(const vf_sim_part *part)
{
	assert(part->page != 0);
	return part->size / part->page;
}

static size_t place(const vf_sim_chip *chip, const vf_sim_die *die, uint32_t at)
{
	return (size_t)at * chip->config.dies + die->index;
}

static uint32_t weak_index(const vf_sim_chip *chip, const vf_sim_die *die, uint32_t at)
{
	return die->index * vf_sim_array_pages(chip->part) + at / chip->part->page;
}

static bool is_weak(const vf_sim_chip *chip, const vf_sim_die *die, uint32_t at)
{
	const uint32_t i = weak_index(chip, die, at);

	return (chip->weak[i / 8] >> (i % 8) & 1) != 0;
}

static void set_weak(vf_sim_chip *chip, const vf_sim_die *die, uint32_t at, bool weak)
{
	const uint32_t i = weak_index(chip, die, at);
	const uint8_t bit = (uint8_t)(1u << (i % 8));

	if (is_weak(chip, die, at) == weak)
		return;
	chip->weak[i / 8] ^= bit;
	chip->weak_pages += weak ? 1u : UINT32_MAX;
}

uint8_t vf_sim_array_get(const vf_sim_chip *chip, const vf_sim_die *die, uint32_t at)
{
	return chip->config.array[place(chip, die, at)];
}

/* One weak page in eight shows a wrong bit each time it is read. */
static void disturb(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	const uint32_t page = chip->part->page, len = op->len;
	uint32_t span;

	for (uint32_t i = 0; i < len; i += span) {
		const uint64_t r = vf_sim_random(chip);
		const uint32_t left = page - (op->addr + i) % page;
		uint32_t hit;

		span = left < len - i ? left : len - i;
		assert(span != 0);
		hit = i + (uint32_t)(r >> 32) % span;
		if (is_weak(chip, die, op->addr + i) && (r & 7) == 0)
			vf_sim_put(chip, die, op->bus, hit,
				   (uint8_t)(vf_sim_array_get(chip, die, op->addr + hit) ^
					     1u << (r >> 8 & 7)));
	}
}

void vf_sim_array_read(vf_sim_chip *chip, vf_sim_die *die, const vf_sim_op *op)
{
	const uint32_t len = op->len;

	if (chip->config.dies == 1) {
		memcpy(op->bus->rx, chip->config.array + op->addr, len);
	} else {
		const uint8_t *restrict from = chip->config.array + place(chip, die, op->addr);
		uint8_t *restrict to = op->bus->rx + die->index;

		for (size_t i = 0; i < len; i++)
			to[2 * i] = from[2 * i];
	}
	if (chip->weak_pages != 0)
		disturb(chip, die, op);
}

/* The same for a read of combined bytes [offset, offset + len) of one page. */
static void disturb_mapped(vf_sim_chip *chip, uint32_t offset, uint8_t *out, uint32_t len)
{
	const uint64_t r = vf_sim_random(chip);
	const uint32_t hit = (uint32_t)(r >> 32) % len;
	const uint32_t dies = chip->config.dies;
	const vf_sim_die *die = &chip->die[(offset + hit) % dies];

	if ((r & 7) == 0 && is_weak(chip, die, (offset + hit) / dies))
		out[hit] ^= (uint8_t)(1u << (r >> 8 & 7));
}

void vf_sim_array_mapped(vf_sim_chip *chip, uint32_t offset, uint8_t *out, uint32_t len)
{
	const uint32_t page = (uint32_t)chip->part->page * chip->config.dies;

	memcpy(out, chip->config.array + offset, len);
	for (uint32_t i = 0; chip->weak_pages != 0 && i < len;) {
		const uint32_t left = page - (offset + i) % page;
		const uint32_t span = left < len - i ? left : len - i;

		disturb_mapped(chip, offset + i, out + i, span);
		i += span;
	}
}

static uint8_t stuck_bits(const vf_sim_chip *chip, size_t offset)
{
	uint8_t mask = 0;

	for (unsigned i = 0; i < chip->bad_bits; i++)
		if (chip->bad_bit[i].offset == offset)
			mask |= chip->bad_bit[i].mask;
	return mask;
}

/* Clears the bits of `*cell` that `data` has clear, save those in `keep`. */
static void clear_bits(vf_sim_chip *chip, const vf_sim_die *die, uint32_t at, uint8_t data,
		       uint8_t keep)
{
	const size_t offset = place(chip, die, at);
	uint8_t *cell = &chip->config.array[offset];

	if (chip->bad_bits != 0)
		keep |= (uint8_t)(stuck_bits(chip, offset) & *cell);
	*cell = (uint8_t)(*cell & (data | keep));
}

void vf_sim_array_program(vf_sim_chip *chip, vf_sim_die *die)
{
	const size_t step = chip->config.dies, size = die->size;
	uint8_t *restrict cell = chip->config.array + place(chip, die, die->at);

	if (chip->bad_bits == 0)
		for (size_t i = 0; i < size; i++)
			cell[step * i] &= die->data[i];
	else
		for (uint32_t i = 0; i < size; i++)
			clear_bits(chip, die, die->at + i, die->data[i], 0);
}

void vf_sim_array_tear_program(vf_sim_chip *chip, vf_sim_die *die)
{
	for (uint32_t i = 0; i < die->size; i++)
		clear_bits(chip, die, die->at + i, die->data[i], (uint8_t)vf_sim_random(chip));
}

/* Sets one die's bytes of two interleaved ones, eight at a time. */
static void set_alternate(uint8_t *cells, size_t len, unsigned die)
{
	static const uint8_t pattern[2][8] = {{0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0},
					      {0, 0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF}};
	uint64_t mask, eight;

	memcpy(&mask, pattern[die], 8);
	for (size_t i = 0; i < len; i += 8) {
		memcpy(&eight, cells + i, 8);
		eight |= mask;
		memcpy(cells + i, &eight, 8);
	}
}

void vf_sim_array_erase(vf_sim_chip *chip, vf_sim_die *die)
{
	if (chip->config.dies == 1)
		memset(chip->config.array + die->at, 0xFF, die->size);
	else
		set_alternate(chip->config.array + (size_t)die->at * 2, (size_t)die->size * 2,
			      die->index);
	if (chip->weak_pages != 0)
		for (uint32_t i = 0; i < die->size; i += chip->part->page)
			set_weak(chip, die, die->at + i, false);
}

/* What a cut erase left of a page: nothing changed yet, all of it reads as
 * erased, cells part-way from old to erased, or part-way to the all-zero state
 * that some chips bring a sector to before they erase it. */
static void tear_page(vf_sim_chip *chip, vf_sim_die *die, uint32_t at)
{
	const unsigned how = (unsigned)(vf_sim_random(chip) & 3);

	for (uint32_t i = 0; how != 0 && i < chip->part->page; i++) {
		uint8_t *cell = &chip->config.array[place(chip, die, at + i)];

		if (how == 1)
			*cell = 0xFF;
		else if (how == 2)
			*cell |= (uint8_t)vf_sim_random(chip);
		else
			*cell &= (uint8_t)vf_sim_random(chip);
	}
	set_weak(chip, die, at, true);
}

/* A cut erase is all of one kind at times: a sector that reads as erased and is
 * not reliable is what fools a blank check. */
void vf_sim_array_tear_erase(vf_sim_chip *chip, vf_sim_die *die)
{
	const bool looks_erased = (vf_sim_random(chip) & 3) == 0;
	const uint32_t at = die->at, size = die->size;

	if (looks_erased)
		vf_sim_array_erase(chip, die);
	for (uint32_t i = 0; i < size; i += chip->part->page) {
		if (looks_erased)
			set_weak(chip, die, at + i, true);
		else
			tear_page(chip, die, at + i);
	}
}

bool vf_sim_chip_weak(const vf_sim_chip *chip, uint32_t offset, uint32_t len)
{
	const uint32_t dies = chip->config.dies;

	if (chip->weak_pages == 0 || len == 0)
		return false;
	for (uint32_t d = 0; d < dies; d++)
		for (uint32_t at = offset / dies; at <= (offset + len - 1) / dies;
		     at += chip->part->page - at % chip->part->page)
			if (is_weak(chip, &chip->die[d], at))
				return true;
	return false;
}
