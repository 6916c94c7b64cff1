/* add.c - vf_image_add: from one file's bytes to segments in the image. */
#include "internal.h"

static const vf_image_add_options defaults = {.format = VF_FORMAT_AUTO};

/* An image of one stretch of bytes needs no sorting. */
static int read_bin(vf_load *ld, uint32_t addr)
{
	if ((uint64_t)addr + ld->len > VF_ADDRESS_SPACE || ld->len > UINT32_MAX)
		return vf_fail(ld->err, VF_E_USAGE,
			       "%s: %zu bytes at 0x%08x pass the end of the 4 GB address space: "
			       "give a lower address",
			       vf_short_name(ld->name), ld->len, (unsigned)addr);
	int status = vf_load_reserve(ld, ld->len);
	if (status != VF_OK)
		return status;
	memcpy(ld->arena, ld->bytes, ld->len);
	return vf_load_run(ld, addr, (uint32_t)ld->len, 0);
}

static vf_reader reader_of(enum vf_image_format format)
{
	switch (format) {
	case VF_FORMAT_SREC:
		return vf_read_srec;
	case VF_FORMAT_ELF:
		return vf_read_elf;
	case VF_FORMAT_UF2:
		return vf_read_uf2;
	default:
		return vf_read_hex;
	}
}

static int read_file(vf_load *ld, enum vf_image_format format, const vf_image_add_options *opt)
{
	if (format == VF_FORMAT_BIN)
		return read_bin(ld, opt->address);
	vf_reader reader = reader_of(format);
	int status = reader(ld);
	return status == VF_OK ? vf_load_settle(ld, reader) : status;
}

static bool is_page_by_name(const char *name)
{
	return vf_name_ends(name, ".html") || vf_name_ends(name, ".htm");
}

/* Which format to read by, or the reason why there is none. */
static int choose_format(const char *name, const uint8_t *bytes, size_t len,
			 const vf_image_add_options *opt, enum vf_image_format *format,
			 vf_error *err)
{
	const char *shown = vf_short_name(name);
	*format = opt->format;
	if (*format > VF_FORMAT_BIN)
		return vf_fail(err, VF_E_USAGE, "%s: there is no file format %u", shown,
			       (unsigned)opt->format);
	if (len == 0)
		return vf_fail(err, VF_E_FILE, "%s: the file is empty", shown);
	if (*format == VF_FORMAT_BIN)
		return VF_OK;
	if (*format == VF_FORMAT_AUTO)
		*format = vf_image_detect(name, bytes, len);
	/* Who gives an address to a file of no known ending may mean any bytes. */
	bool raw = *format == VF_FORMAT_BIN || (*format == VF_FORMAT_AUTO && opt->has_address);
	const char *what = vf_not_firmware(bytes, len, raw);
	if (what != NULL && !(raw && is_page_by_name(name)))
		return vf_fail(err, VF_E_FILE, "%s: %s", shown, what);
	if (raw)
		*format = VF_FORMAT_BIN;
	if (*format == VF_FORMAT_AUTO)
		return vf_fail(err, VF_E_FILE,
			       "%s: neither Intel HEX, S-records, ELF nor UF2: if it is a raw "
			       "binary, say where it belongs: %s@ADDRESS",
			       shown, shown);
	return VF_OK;
}

static int check_address(const char *name, enum vf_image_format format,
			 const vf_image_add_options *opt, vf_error *err)
{
	const char *shown = vf_short_name(name);
	if (format == VF_FORMAT_BIN && !opt->has_address)
		return vf_fail(err, VF_E_USAGE,
			       "%s: a raw binary does not say where it belongs: give the address, "
			       "as in %s@0x90000000",
			       shown, shown);
	if (format != VF_FORMAT_BIN && opt->has_address)
		return vf_fail(err, VF_E_USAGE,
			       "%s: its %s format has its own addresses: leave @0x%08x out (it "
			       "would move nothing; link it for another address instead)",
			       shown, vf_image_format_name(format), (unsigned)opt->address);
	return VF_OK;
}

/* Merges what was read; the arena belongs to the image from then on. */
static int merge_load(vf_image *img, vf_load *ld, enum vf_image_format format)
{
	char *copy = NULL;
	size_t size = ld->run_count * sizeof(vf_segment);
	vf_segment *fresh = vf_resize(ld->alloc, NULL, size);
	if (fresh == NULL)
		return vf_no_memory(ld->err, ld->name, size);
	for (size_t i = 0; i < ld->run_count; i++) {
		const vf_run *r = &ld->runs[i];
		fresh[i] = (vf_segment){.addr = r->addr,
					.len = r->len,
					.data = ld->arena + r->at,
					.source = (uint16_t)img->source_count};
	}
	uint64_t added;
	int status = vf_image_reserve_source(img, ld->name, &copy, ld->err);
	if (status == VF_OK)
		status = vf_image_splice(img, fresh, ld->run_count, ld->name, VF_OVERLAP_COMPARE,
					 &added, ld->err);
	vf_free(ld->alloc, fresh);
	if (status != VF_OK) {
		vf_free(ld->alloc, copy);
		return status;
	}
	vf_image_add_source(img, copy, format, ld->used);
	img->sources[img->source_count - 1].has_entry = ld->has_entry;
	img->sources[img->source_count - 1].entry = ld->has_entry ? ld->entry : 0;
	img->blocks[img->block_count++] = ld->arena;
	ld->arena = NULL;
	return VF_OK;
}

int vf_image_add(vf_image *img, const char *name, const uint8_t *bytes, size_t len,
		 const vf_image_add_options *opt, vf_error *err)
{
	enum vf_image_format format;
	if (opt == NULL)
		opt = &defaults;
	int status = choose_format(name, bytes, len, opt, &format, err);
	if (status == VF_OK)
		status = check_address(name, format, opt, err);
	if (status != VF_OK)
		return status;
	vf_load ld = {.alloc = &img->alloc, .name = name, .bytes = bytes, .len = len, .err = err};
	status = read_file(&ld, format, opt);
	if (status == VF_OK)
		status = merge_load(img, &ld, format);
	vf_load_free(&ld);
	return status;
}
