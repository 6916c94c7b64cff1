/* write.c - vf_image_write: choosing a writer, collecting its output, and the
 * raw binary, the one format that cannot leave a gap out. */
#include "internal.h"

#define DEFAULT_MAX_BIN ((uint64_t)1 << 30)

static void flush(vf_out *out)
{
	if (out->status == VF_OK && out->used > 0)
		out->status = out->put(out->ctx, out->buffer, out->used);
	out->used = 0;
}

void vf_out_bytes(vf_out *out, const uint8_t *bytes, size_t len)
{
	while (len > 0 && out->status == VF_OK) {
		size_t n = sizeof out->buffer - out->used;
		if (n > len)
			n = len;
		memcpy(out->buffer + out->used, bytes, n);
		out->used += n;
		bytes += n;
		len -= n;
		if (out->used == sizeof out->buffer)
			flush(out);
	}
}

void vf_out_fill(vf_out *out, uint8_t byte, uint64_t len)
{
	while (len > 0 && out->status == VF_OK) {
		size_t n = sizeof out->buffer - out->used;
		if (n > len)
			n = (size_t)len;
		memset(out->buffer + out->used, byte, n);
		out->used += n;
		len -= n;
		if (out->used == sizeof out->buffer)
			flush(out);
	}
}

int vf_out_finish(vf_out *out)
{
	flush(out);
	return out->status;
}

/* First gap, as its start and end; false if there is none. */
static bool first_gap(const vf_image *img, uint64_t *from, uint64_t *to)
{
	for (size_t i = 1; i < img->segment_count; i++) {
		*from = vf_segment_end(&img->segments[i - 1]);
		*to = img->segments[i].addr;
		if (*from != *to)
			return true;
	}
	return false;
}

static int check_bin(const vf_image *img, const vf_image_write_options *opt, vf_error *err)
{
	uint64_t from = 0;
	uint64_t to = 0;
	uint64_t span =
		vf_segment_end(&img->segments[img->segment_count - 1]) - img->segments[0].addr;
	uint64_t most = opt->max_bin != 0 ? opt->max_bin : DEFAULT_MAX_BIN;
	if (!opt->fill_given && first_gap(img, &from, &to))
		return vf_fail(err, VF_E_USAGE,
			       "a raw binary has no gaps, but the image has one from 0x%08llx to "
			       "0x%08llx (%llu bytes): name the byte to fill gaps with (0xFF is "
			       "what erased flash holds), or write .hex",
			       (unsigned long long)from, (unsigned long long)to - 1,
			       (unsigned long long)(to - from));
	if (span > most)
		return vf_fail(err, VF_E_USAGE,
			       "a raw binary from 0x%08x would have %llu bytes, more than the "
			       "limit of %llu: write .hex, which leaves gaps out",
			       (unsigned)img->segments[0].addr, (unsigned long long)span,
			       (unsigned long long)most);
	return VF_OK;
}

static void write_bin(const vf_image *img, const vf_image_write_options *opt, vf_out *out)
{
	uint64_t at = img->segments[0].addr;
	for (size_t i = 0; i < img->segment_count; i++) {
		const vf_segment *s = &img->segments[i];
		vf_out_fill(out, opt->fill, s->addr - at);
		if (s->data != NULL)
			vf_out_bytes(out, s->data, s->len);
		else
			vf_out_fill(out, 0xFF, s->len);
		at = vf_segment_end(s);
	}
}

int vf_image_write(const vf_image *img, const vf_image_write_options *opt, vf_image_put put,
		   void *ctx, vf_error *err)
{
	vf_out out = {.put = put, .ctx = ctx, .status = VF_OK};
	if (img->segment_count == 0)
		return vf_fail(err, VF_E_USAGE, "there is nothing to write: the image is empty");
	switch (opt->format) {
	case VF_FORMAT_HEX:
		vf_write_hex(img, opt, &out);
		break;
	case VF_FORMAT_SREC:
		vf_write_srec(img, opt, &out);
		break;
	case VF_FORMAT_UF2:
		vf_write_uf2(img, opt, &out);
		break;
	case VF_FORMAT_BIN: {
		int status = check_bin(img, opt, err);
		if (status != VF_OK)
			return status;
		write_bin(img, opt, &out);
		break;
	}
	default:
		return vf_fail(err, VF_E_USAGE,
			       "cannot write the format %s: use .hex, .srec, .uf2 or .bin",
			       vf_image_format_name(opt->format));
	}
	return vf_out_finish(&out);
}
