/* read_uf2.c - UF2: 512-byte blocks, each with its own address, in any order.
 *
 * All blocks that the file counts must be there, so that a copy that was cut
 * off is noticed. A block that comes twice must be the same twice. Blocks that
 * are not for the main flash count, and their bytes are left out.
 */
#include "internal.h"
#include "uf2.h"

/* What all blocks must agree about. */
typedef struct uf2_file {
	uint32_t count; /* blocks, by its own account */
	bool has_family;
	uint32_t family;
	size_t blocks;     /* in the file */
	uint32_t *seen_at; /* by block number: 1 + index in the file, 0 = missing */
} uf2_file;

static const uint8_t *block(const vf_load *ld, size_t i)
{
	return ld->bytes + i * UF2_BLOCK;
}

static int check_magic(const vf_load *ld, size_t i)
{
	const uint8_t *b = block(ld, i);
	int bad = vf_le32(b + UF2_START0) != UF2_START0_MAGIC   ? UF2_START0
		  : vf_le32(b + UF2_START1) != UF2_START1_MAGIC ? UF2_START1
		  : vf_le32(b + UF2_END) != UF2_END_MAGIC       ? UF2_END
								: -1;
	if (bad < 0)
		return VF_OK;
	return vf_fail(ld->err, VF_E_FILE,
		       "%s: offset 0x%zx: no UF2 magic number there: damaged, get the file again",
		       vf_short_name(ld->name), i * UF2_BLOCK + (size_t)bad);
}

static int check_block(const vf_load *ld, size_t i)
{
	const char *name = vf_short_name(ld->name);
	const uint8_t *b = block(ld, i);
	size_t at = i * UF2_BLOCK;
	uint32_t size = vf_le32(b + UF2_SIZE);
	uint32_t addr = vf_le32(b + UF2_ADDR);
	int status = check_magic(ld, i);
	if (status != VF_OK)
		return status;
	if (vf_le32(b + UF2_FLAGS) & UF2_FILE_CONTAINER)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: offset 0x%zx: this UF2 holds files, not flash contents: give "
			       "the firmware itself",
			       name, at);
	if (size > UF2_ROOM)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: offset 0x%zx: a block with %u bytes, where 476 is the most: "
			       "damaged, get the file again",
			       name, at + UF2_SIZE, (unsigned)size);
	if ((uint64_t)addr + size > VF_ADDRESS_SPACE)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: offset 0x%zx: %u bytes at 0x%08x pass the end of the 4 GB "
			       "address space: the file was made for a wrong address",
			       name, at + UF2_ADDR, (unsigned)size, (unsigned)addr);
	return VF_OK;
}

static int check_family(const vf_load *ld, uf2_file *f, size_t i)
{
	const uint8_t *b = block(ld, i);
	if ((vf_le32(b + UF2_FLAGS) & UF2_HAS_FAMILY) == 0)
		return VF_OK;
	uint32_t family = vf_le32(b + UF2_FAMILY);
	if (f->has_family && family != f->family)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: offset 0x%zx: family 0x%08x after family 0x%08x: it holds "
			       "images for several chips: extract the one for yours first",
			       vf_short_name(ld->name), i * UF2_BLOCK + UF2_FAMILY,
			       (unsigned)family, (unsigned)f->family);
	f->has_family = true;
	f->family = family;
	return VF_OK;
}

/* Enters block `i` of the file under its number. */
static int enter(const vf_load *ld, uf2_file *f, size_t i)
{
	const char *name = vf_short_name(ld->name);
	const uint8_t *b = block(ld, i);
	uint32_t number = vf_le32(b + UF2_NUMBER);
	uint32_t count = vf_le32(b + UF2_COUNT);
	if (count != f->count || number >= count)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: offset 0x%zx: block %u of %u in a file that began as one of "
			       "%u: two files joined, or damaged",
			       name, i * UF2_BLOCK + UF2_NUMBER, (unsigned)number, (unsigned)count,
			       (unsigned)f->count);
	if (number >= f->blocks)
		return VF_OK; /* then others are missing, which is said later */
	uint32_t before = f->seen_at[number];
	if (before != 0 && memcmp(block(ld, before - 1), b, UF2_BLOCK) != 0)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: offset 0x%zx: block %u differs from the block %u at 0x%zx: "
			       "damaged, get the file again",
			       name, i * UF2_BLOCK, (unsigned)number, (unsigned)number,
			       (size_t)(before - 1) * UF2_BLOCK);
	if (before == 0)
		f->seen_at[number] = (uint32_t)i + 1;
	return VF_OK;
}

/* Where all numbers below f->blocks were seen, these are all blocks there are. */
static int check_missing(const vf_load *ld, const uf2_file *f)
{
	uint32_t n = 0;
	while (n < f->blocks && n < f->count && f->seen_at[n] != 0)
		n++;
	if (n == f->count)
		return VF_OK;
	return vf_fail(ld->err, VF_E_FILE,
		       "%s: block %u of %u is missing (they count from 0): the copy was cut off, "
		       "get the file again",
		       vf_short_name(ld->name), (unsigned)n, (unsigned)f->count);
}

static int survey(vf_load *ld, uf2_file *f)
{
	int status = VF_OK;
	for (size_t i = 0; i < f->blocks && status == VF_OK; i++) {
		status = check_block(ld, i);
		if (status == VF_OK && i == 0)
			f->count = vf_le32(block(ld, 0) + UF2_COUNT);
		if (status == VF_OK)
			status = check_family(ld, f, i);
		if (status == VF_OK)
			status = enter(ld, f, i);
	}
	return status == VF_OK ? check_missing(ld, f) : status;
}

/* Takes the blocks in the order of their numbers, usually that of addresses. */
static int take_blocks(vf_load *ld, const uf2_file *f)
{
	int status = vf_load_reserve(ld, f->blocks * UF2_ROOM);
	for (uint32_t n = 0; n < f->count && status == VF_OK; n++) {
		size_t i = f->seen_at[n] - 1;
		const uint8_t *b = block(ld, i);
		if (vf_le32(b + UF2_FLAGS) & UF2_NOT_MAIN_FLASH)
			continue;
		uint32_t size = vf_le32(b + UF2_SIZE);
		memcpy(ld->arena + ld->used, b + UF2_DATA, size);
		status = vf_load_run(ld, vf_le32(b + UF2_ADDR), size, i * UF2_BLOCK + UF2_DATA);
	}
	return status;
}

int vf_read_uf2(vf_load *ld)
{
	ld->place = VF_PLACE_OFFSET;
	if (ld->len % UF2_BLOCK != 0 || ld->len / UF2_BLOCK >= UINT32_MAX)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: %zu bytes, but UF2 is made of blocks of 512: cut off at 0x%zx, "
			       "get the file again",
			       vf_short_name(ld->name), ld->len, ld->len);
	uf2_file f = {.blocks = ld->len / UF2_BLOCK};
	size_t size = f.blocks * sizeof *f.seen_at;
	f.seen_at = vf_resize(ld->alloc, NULL, size);
	if (f.seen_at == NULL)
		return vf_no_memory(ld->err, ld->name, size);
	memset(f.seen_at, 0, size);
	int status = survey(ld, &f);
	if (status == VF_OK)
		status = take_blocks(ld, &f);
	vf_free(ld->alloc, f.seen_at);
	return status;
}
