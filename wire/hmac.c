/* HMAC-SHA-256 (RFC 2104), and what is made with it where a board has a key (§3.8, §5.6): both
 * ends' proofs, the key of the session, the trailers of its messages.
 */
#include <string.h>

#include <vcpflash/wire.h>

enum { INNER = 0x36, OUTER = 0x5C };

static void begin(vf_sha256 *s, const uint8_t pad[VF_HMAC_BLOCK], uint8_t with)
{
	uint8_t block[VF_HMAC_BLOCK];

	for (size_t i = 0; i < sizeof block; i++)
		block[i] = pad[i] ^ with;
	vf_sha256_init(s);
	vf_sha256_update(s, block, sizeof block);
}

void vf_hmac_init(vf_hmac *h, const uint8_t *key, size_t len)
{
	memset(h->pad, 0, sizeof h->pad);
	if (len <= sizeof h->pad) {
		memcpy(h->pad, key, len);
	} else {
		vf_sha256_init(&h->inner);
		vf_sha256_update(&h->inner, key, len);
		vf_sha256_final(&h->inner, h->pad);
	}
	begin(&h->inner, h->pad, INNER);
}

void vf_hmac_update(vf_hmac *h, const uint8_t *data, size_t len)
{
	vf_sha256_update(&h->inner, data, len);
}

void vf_hmac_final(vf_hmac *h, uint8_t out[VF_SHA256_SIZE])
{
	uint8_t inner[VF_SHA256_SIZE];

	vf_sha256_final(&h->inner, inner);
	begin(&h->inner, h->pad, OUTER);
	vf_sha256_update(&h->inner, inner, sizeof inner);
	vf_sha256_final(&h->inner, out);
}

/* Whatever differs, and wherever, it takes the same steps. */
bool vf_same_secret(const uint8_t *a, const uint8_t *b, size_t len)
{
	volatile uint8_t differs = 0;

	for (size_t i = 0; i < len; i++)
		differs = (uint8_t)(differs | (a[i] ^ b[i]));
	return differs == 0;
}

/* --- what is derived (§3.8) ------------------------------------------------------ */

static void put_number(vf_hmac *h, uint64_t v)
{
	uint8_t bytes[8];

	vf_put32(bytes, (uint32_t)v);
	vf_put32(bytes + 4, (uint32_t)(v >> 32));
	vf_hmac_update(h, bytes, sizeof bytes);
}

void vf_guard_derive(uint8_t out[VF_SHA256_SIZE], const uint8_t key[VF_KEY_SIZE],
		     enum vf_guard_use use, const vf_guard_terms *terms)
{
	static const char labels[3][VF_GUARD_LABEL + 1] = {"vcpflash/1 host ", "vcpflash/1 board",
							   "vcpflash/1 keys "};
	vf_hmac h;

	vf_hmac_init(&h, key, VF_KEY_SIZE);
	vf_hmac_update(&h, (const uint8_t *)labels[use], VF_GUARD_LABEL);
	put_number(&h, terms->session);
	vf_hmac_update(&h, terms->board, VF_NONCE_SIZE);
	vf_hmac_update(&h, terms->host, VF_NONCE_SIZE);
	vf_hmac_final(&h, out);
}

void vf_guard_nonce(uint8_t nonce[VF_NONCE_SIZE], const uint8_t key[VF_KEY_SIZE],
		    const uint8_t seed[VF_NONCE_SIZE], uint64_t count)
{
	uint8_t whole[VF_SHA256_SIZE];
	vf_hmac h;

	vf_hmac_init(&h, key, VF_KEY_SIZE);
	vf_hmac_update(&h, (const uint8_t *)"vcpflash/1 nonce", VF_GUARD_LABEL);
	vf_hmac_update(&h, seed, VF_NONCE_SIZE);
	put_number(&h, count);
	vf_hmac_final(&h, whole);
	memcpy(nonce, whole, VF_NONCE_SIZE);
}

/* --- trailers (§5.6) ---------------------------------------------------------------- */

void vf_trailer_begin(vf_hmac *h, const uint8_t session_key[VF_KEY_SIZE], uint64_t number)
{
	vf_hmac_init(h, session_key, VF_KEY_SIZE);
	put_number(h, number);
}

void vf_trailer_end(vf_hmac *h, uint8_t trailer[VF_TRAILER_SIZE])
{
	uint8_t whole[VF_SHA256_SIZE];

	vf_hmac_final(h, whole);
	memcpy(trailer, whole, VF_TRAILER_SIZE);
}
