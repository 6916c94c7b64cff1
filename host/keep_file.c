/* keep_file.c - the form in which kept bytes outlive this program: what
 * docs/RELIABILITY.md calls the file of kept bytes, packed and unpacked. Whole or
 * not at all: a file that was cut short or changed has another SHA-256. */
#include "keep.h"

enum {
	HEAD = 56,
	RECORD = 12,
	SESSION_AT = 32,
	BEFORE_AT = 40,
	COUNT_AT = 48,
	WANTED_BLANK = 1u << 0, /* no bytes follow: all of it 0xFF */
	SEEN_BLANK = 1u << 1,
	SEEN_NONE = 1u << 2,
};

static const uint8_t magic[8] = "vcpkept1";

static void put64(uint8_t *p, uint64_t v)
{
	vf_put32(p, (uint32_t)v);
	vf_put32(p + 4, (uint32_t)(v >> 32));
}

static uint64_t get64(const uint8_t *p)
{
	return vf_get32(p) | (uint64_t)vf_get32(p + 4) << 32;
}

static bool blank(const uint8_t *bytes, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		if (bytes[i] != 0xFF)
			return false;
	return true;
}

/* --- records ---------------------------------------------------------------- */

void vf_keep_free(vf_keep *k, const vf_alloc *alloc)
{
	for (size_t i = 0; i < k->count; i++) {
		vf_free(alloc, k->records[i].wanted);
		vf_free(alloc, k->records[i].seen);
	}
	vf_free(alloc, k->records);
	*k = (vf_keep){0};
}

vf_keep_record *vf_keep_add(vf_keep *k, const vf_alloc *alloc)
{
	if (k->count == k->room) {
		const size_t room = k->room == 0 ? 16 : k->room * 2;
		void *records = vf_resize(alloc, k->records, room * sizeof *k->records);
		if (records == NULL)
			return NULL;
		k->records = records;
		k->room = room;
	}
	k->records[k->count] = (vf_keep_record){.seen_known = false};
	return &k->records[k->count++];
}

int vf_keep_set(uint8_t **field, const uint8_t *bytes, uint32_t size, const vf_alloc *alloc)
{
	if (bytes == NULL || blank(bytes, size)) {
		vf_free(alloc, *field);
		*field = NULL;
		return VF_OK;
	}
	if (*field == NULL)
		*field = vf_resize(alloc, NULL, size);
	if (*field == NULL)
		return VF_E_NOMEM;
	memcpy(*field, bytes, size);
	return VF_OK;
}

/* --- packing ------------------------------------------------------------------ */

static uint32_t live(const vf_keep *k)
{
	uint32_t count = 0;
	for (size_t i = 0; i < k->count; i++)
		count += !k->records[i].moot;
	return count;
}

static size_t packed_size(const vf_keep *k)
{
	size_t size = HEAD + VF_SHA256_SIZE;
	for (size_t i = 0; i < k->count; i++) {
		const vf_keep_record *r = &k->records[i];
		if (r->moot)
			continue;
		size += RECORD + (r->wanted != NULL ? r->size : 0u);
		size += r->seen_known && r->seen != NULL ? r->size : 0u;
	}
	return size;
}

static uint8_t *put_bytes(uint8_t *p, const uint8_t *bytes, uint32_t size)
{
	if (bytes == NULL)
		return p;
	memcpy(p, bytes, size);
	return p + size;
}

static uint8_t *put_record(uint8_t *p, const vf_keep_record *r)
{
	memset(p, 0, RECORD);
	p[0] = r->memory;
	p[1] = (uint8_t)((r->wanted == NULL ? WANTED_BLANK : 0) | (!r->seen_known    ? SEEN_NONE
								   : r->seen == NULL ? SEEN_BLANK
										     : 0));
	vf_put32(p + 4, r->address);
	vf_put32(p + 8, r->size);
	p = put_bytes(p + RECORD, r->wanted, r->size);
	return r->seen_known ? put_bytes(p, r->seen, r->size) : p;
}

uint8_t *vf_keep_pack(const vf_keep *k, const vf_alloc *alloc, size_t *len)
{
	vf_sha256 h;
	*len = packed_size(k);
	uint8_t *out = vf_resize(alloc, NULL, *len);
	if (out == NULL)
		return NULL;
	memset(out, 0, HEAD);
	memcpy(out, magic, sizeof magic);
	out[8] = k->id_len;
	memcpy(out + 16, k->id, sizeof k->id);
	put64(out + SESSION_AT, k->session);
	put64(out + BEFORE_AT, k->before);
	vf_put32(out + COUNT_AT, live(k));
	uint8_t *p = out + HEAD;
	for (size_t i = 0; i < k->count; i++)
		if (!k->records[i].moot)
			p = put_record(p, &k->records[i]);
	vf_sha256_init(&h);
	vf_sha256_update(&h, out, (size_t)(p - out));
	vf_sha256_final(&h, p);
	return out;
}

/* --- unpacking ------------------------------------------------------------------ */

typedef struct reader {
	const uint8_t *at, *end;
} reader;

static const uint8_t *take(reader *in, size_t len)
{
	const uint8_t *p = in->at;
	if ((size_t)(in->end - p) < len)
		return NULL;
	in->at += len;
	return p;
}

static int read_field(reader *in, uint8_t **field, uint32_t size, const vf_alloc *alloc)
{
	const uint8_t *bytes = take(in, size);
	return bytes == NULL ? VF_E_FILE : vf_keep_set(field, bytes, size, alloc);
}

static int read_record(reader *in, vf_keep *k, const vf_alloc *alloc)
{
	const uint8_t *p = take(in, RECORD);
	vf_keep_record *r = p != NULL ? vf_keep_add(k, alloc) : NULL;
	int status = VF_OK;
	if (r == NULL)
		return p == NULL ? VF_E_FILE : VF_E_NOMEM;
	r->memory = p[0];
	r->address = vf_get32(p + 4);
	r->size = vf_get32(p + 8);
	r->seen_known = (p[1] & SEEN_NONE) == 0;
	if ((p[1] & WANTED_BLANK) == 0)
		status = read_field(in, &r->wanted, r->size, alloc);
	if (status == VF_OK && (p[1] & (SEEN_BLANK | SEEN_NONE)) == 0)
		status = read_field(in, &r->seen, r->size, alloc);
	return status;
}

static bool intact(const uint8_t *bytes, size_t len)
{
	uint8_t hash[VF_SHA256_SIZE];
	vf_sha256 h;
	if (len < HEAD + VF_SHA256_SIZE || memcmp(bytes, magic, sizeof magic) != 0 ||
	    bytes[8] > VF_WIRE_ID_MAX)
		return false;
	vf_sha256_init(&h);
	vf_sha256_update(&h, bytes, len - VF_SHA256_SIZE);
	vf_sha256_final(&h, hash);
	return memcmp(hash, bytes + len - VF_SHA256_SIZE, sizeof hash) == 0;
}

int vf_keep_unpack(vf_keep *k, const vf_alloc *alloc, const uint8_t *bytes, size_t len)
{
	*k = (vf_keep){0};
	if (!intact(bytes, len))
		return VF_E_FILE;
	reader in = {bytes + HEAD, bytes + len - VF_SHA256_SIZE};
	int status = VF_OK;
	k->id_len = bytes[8];
	memcpy(k->id, bytes + 16, sizeof k->id);
	k->session = get64(bytes + SESSION_AT);
	k->before = get64(bytes + BEFORE_AT);
	for (uint32_t i = vf_get32(bytes + COUNT_AT); i > 0 && status == VF_OK; i--)
		status = read_record(&in, k, alloc);
	if (status == VF_OK && in.at != in.end)
		status = VF_E_FILE;
	if (status != VF_OK)
		vf_keep_free(k, alloc);
	return status;
}
