/* packer.c - raw deflate, as small as it gets in reasonable time: optimal parsing
 * is about 1 % smaller than the usual greedy one and still far faster than any
 * line that is worth compressing for. */
#include <libdeflate.h>

#include <vcpflash/client.h>

enum { LEVEL = 12 };

struct vf_packer {
	struct libdeflate_compressor *compressor;
};

vf_packer *vf_packer_new(void)
{
	vf_packer *p = vf_resize(&vf_io_alloc, NULL, sizeof *p);
	if (p == NULL)
		return NULL;
	p->compressor = libdeflate_alloc_compressor(LEVEL);
	if (p->compressor != NULL)
		return p;
	vf_free(&vf_io_alloc, p);
	return NULL;
}

void vf_packer_free(vf_packer *p)
{
	if (p == NULL)
		return;
	libdeflate_free_compressor(p->compressor);
	vf_free(&vf_io_alloc, p);
}

size_t vf_packer_deflate(void *packer, const uint8_t *in, size_t in_len, uint8_t *out, size_t room)
{
	vf_packer *p = packer;
	return libdeflate_deflate_compress(p->compressor, in, in_len, out, room);
}
