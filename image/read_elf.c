/* read_elf.c - ELF executables, 32-bit little-endian: loadable segments by their
 * physical address, which is where a linker script's AT> puts them.
 *
 * Only the file header and the program headers are looked at. A static PIE, as
 * U-Boot is one, is executable too; what has no program headers is not.
 */
#include "internal.h"

enum {
	EI_CLASS = 4,
	EI_DATA = 5,
	ELFCLASS32 = 1,
	ELFDATA2LSB = 1,

	ET_REL = 1,
	ET_EXEC = 2,
	ET_DYN = 3,

	EHDR_SIZE = 52, /* offsets in it follow */
	E_TYPE = 16,
	E_ENTRY = 24,
	E_PHOFF = 28,
	E_PHENTSIZE = 42,
	E_PHNUM = 44,

	PHDR_SIZE = 32,
	P_TYPE = 0,
	P_OFFSET = 4,
	P_VADDR = 8,
	P_PADDR = 12,
	P_FILESZ = 16,
	P_MEMSZ = 20,

	PT_LOAD = 1,
};

typedef struct elf_table {
	size_t offset;
	size_t count;
	uint8_t address; /* P_PADDR, or P_VADDR */
} elf_table;

static const uint8_t *header(const vf_load *ld, const elf_table *table, size_t i)
{
	return ld->bytes + table->offset + i * PHDR_SIZE;
}

static bool loadable(const uint8_t *ph)
{
	return vf_le32(ph + P_TYPE) == PT_LOAD && vf_le32(ph + P_FILESZ) > 0;
}

static int check_ident(const vf_load *ld)
{
	const char *name = vf_short_name(ld->name);
	if (ld->len < 4 || memcmp(ld->bytes, "\177ELF", 4) != 0)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: offset 0x0: does not begin with \\x7fELF: no ELF file", name);
	if (ld->len > EI_DATA && ld->bytes[EI_CLASS] != ELFCLASS32)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: offset 0x4: a 64-bit ELF, but microcontrollers' addresses have "
			       "32 bits: build for the board's processor",
			       name);
	if (ld->len > EI_DATA && ld->bytes[EI_DATA] != ELFDATA2LSB)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: offset 0x5: a big-endian ELF, but these boards are "
			       "little-endian: build for the board's processor",
			       name);
	if (ld->len < EHDR_SIZE)
		return vf_fail(
			ld->err, VF_E_FILE,
			"%s: cut off at 0x%zx, inside the ELF file header: get the file again",
			name, ld->len);
	return VF_OK;
}

static int check_type(const vf_load *ld, const elf_table *table)
{
	const char *name = vf_short_name(ld->name);
	unsigned type = vf_le16(ld->bytes + E_TYPE);
	if (type == ET_REL)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: offset 0x10: an object file that was not linked yet: give the "
			       "executable that the linker makes of it",
			       name);
	if (type != ET_EXEC && (type != ET_DYN || table->count == 0))
		return vf_fail(
			ld->err, VF_E_FILE,
			"%s: offset 0x10: no executable (ELF type %u): give the linked firmware",
			name, type);
	return VF_OK;
}

static int find_table(const vf_load *ld, elf_table *table)
{
	const char *name = vf_short_name(ld->name);
	uint64_t offset = vf_le32(ld->bytes + E_PHOFF);
	unsigned entry_size = vf_le16(ld->bytes + E_PHENTSIZE);
	unsigned count = vf_le16(ld->bytes + E_PHNUM);
	*table = (elf_table){.offset = (size_t)offset, .count = count, .address = P_PADDR};
	int status = check_type(ld, table);
	if (status != VF_OK || count == 0)
		return status;
	if (entry_size != PHDR_SIZE)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: offset 0x2a: program headers of %u bytes instead of 32: "
			       "damaged, get the file again",
			       name, entry_size);
	uint64_t end = offset + (uint64_t)count * PHDR_SIZE;
	if (end > ld->len)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: cut off at 0x%zx, before the end of its program headers "
			       "(0x%llx): get the file again",
			       name, ld->len, (unsigned long long)end);
	return VF_OK;
}

/* Some linkers leave every physical address 0. With several segments that
 * cannot be meant: objcopy takes the virtual ones then, and so do we. */
static void choose_address(const vf_load *ld, elf_table *table)
{
	size_t segments = 0;
	for (size_t i = 0; i < table->count; i++) {
		const uint8_t *ph = header(ld, table, i);
		if (vf_le32(ph + P_TYPE) != PT_LOAD)
			continue;
		segments++;
		if (vf_le32(ph + P_PADDR) != 0)
			return;
	}
	if (segments > 1)
		table->address = P_VADDR;
}

static int check_segment(const vf_load *ld, const elf_table *table, size_t i)
{
	const char *name = vf_short_name(ld->name);
	const uint8_t *ph = header(ld, table, i);
	size_t at = table->offset + i * PHDR_SIZE;
	uint64_t offset = vf_le32(ph + P_OFFSET);
	uint64_t addr = vf_le32(ph + table->address);
	uint64_t size = vf_le32(ph + P_FILESZ);
	uint64_t end = offset + size; /* in the file */
	if (addr + size > VF_ADDRESS_SPACE)
		return vf_fail(
			ld->err, VF_E_FILE,
			"%s: offset 0x%zx: program header %zu: 0x%llx bytes at 0x%08llx pass the "
			"end of the 4 GB address space: linked for a wrong address, or damaged",
			name, at, i, (unsigned long long)size, (unsigned long long)addr);
	if (size > vf_le32(ph + P_MEMSZ))
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: offset 0x%zx: program header %zu has more bytes in the file "
			       "than in memory: damaged, get the file again",
			       name, at, i);
	if (end > ld->len)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: cut off at 0x%zx: program header %zu needs bytes up to 0x%llx: "
			       "get the file again",
			       name, ld->len, i, (unsigned long long)end);
	return VF_OK;
}

/* Checks all segments and adds up their bytes. That these do not exceed the
 * file keeps memory in proportion to it, whatever the headers claim. */
static int check_segments(const vf_load *ld, const elf_table *table, uint64_t *total)
{
	*total = 0;
	for (size_t i = 0; i < table->count; i++) {
		if (!loadable(header(ld, table, i)))
			continue;
		int status = check_segment(ld, table, i);
		if (status != VF_OK)
			return status;
		*total += vf_le32(header(ld, table, i) + P_FILESZ);
	}
	if (*total == 0)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: no loadable segment with bytes in it: symbols only, or linked "
			       "without code: give the firmware itself",
			       vf_short_name(ld->name));
	if (*total > ld->len)
		return vf_fail(ld->err, VF_E_FILE,
			       "%s: offset 0x%zx: the program headers share bytes of the file: "
			       "damaged, get the file again",
			       vf_short_name(ld->name), table->offset);
	return VF_OK;
}

int vf_read_elf(vf_load *ld)
{
	elf_table table;
	uint64_t total;
	int status;
	ld->place = VF_PLACE_OFFSET;
	if ((status = check_ident(ld)) != VF_OK || (status = find_table(ld, &table)) != VF_OK)
		return status;
	choose_address(ld, &table);
	if ((status = check_segments(ld, &table, &total)) != VF_OK ||
	    (status = vf_load_reserve(ld, (size_t)total)) != VF_OK)
		return status;
	for (size_t i = 0; i < table.count && status == VF_OK; i++) {
		const uint8_t *ph = header(ld, &table, i);
		if (!loadable(ph))
			continue;
		uint32_t size = vf_le32(ph + P_FILESZ);
		memcpy(ld->arena + ld->used, ld->bytes + vf_le32(ph + P_OFFSET), size);
		status = vf_load_run(ld, vf_le32(ph + table.address), size, vf_le32(ph + P_OFFSET));
	}
	ld->entry = vf_le32(ld->bytes + E_ENTRY);
	ld->has_entry = ld->entry != 0; /* 0 is what linkers write for none */
	return status;
}
