/* Bodies of the two kinds by which a host proves that it holds a board's key: PROVE, PROVED
 * (§3.8).
 */
#include <string.h>

#include <vcpflash/wire.h>

enum {
	NONCE_AT = VF_WIRE_HEADER,
	HOST_PROOF_AT = NONCE_AT + VF_NONCE_SIZE,
	PROVE_SIZE = HOST_PROOF_AT + VF_SHA256_SIZE,
	RESULT_AT = VF_WIRE_HEADER,
	WAIT_AT = RESULT_AT + 4,
	BOARD_PROOF_AT = WAIT_AT + 4,
	PROVED_SIZE = BOARD_PROOF_AT + VF_SHA256_SIZE,
};

size_t vf_pack_prove(uint8_t *out, uint16_t number, uint32_t tag, const vf_prove *p)
{
	vf_put_header(out, VF_KIND_PROVE, number, tag);
	memcpy(out + NONCE_AT, p->nonce, sizeof p->nonce);
	memcpy(out + HOST_PROOF_AT, p->proof, sizeof p->proof);
	return PROVE_SIZE;
}

int vf_unpack_prove(vf_prove *p, const uint8_t *body, size_t len)
{
	if (len < PROVE_SIZE)
		return -1;
	memcpy(p->nonce, body + NONCE_AT, sizeof p->nonce);
	memcpy(p->proof, body + HOST_PROOF_AT, sizeof p->proof);
	return 0;
}

size_t vf_pack_proved(uint8_t *out, uint16_t number, uint32_t tag, const vf_proved *p)
{
	vf_put_header(out, VF_KIND_PROVED, number, tag);
	memset(out + RESULT_AT, 0, WAIT_AT - RESULT_AT);
	out[RESULT_AT] = p->result;
	vf_put32(out + WAIT_AT, p->wait_ms);
	memcpy(out + BOARD_PROOF_AT, p->proof, sizeof p->proof);
	return PROVED_SIZE;
}

int vf_unpack_proved(vf_proved *p, const uint8_t *body, size_t len)
{
	if (len < PROVED_SIZE || body[RESULT_AT] > VF_PROVED_LATER)
		return -1;
	p->result = body[RESULT_AT];
	p->wait_ms = vf_get32(body + WAIT_AT);
	memcpy(p->proof, body + BOARD_PROOF_AT, sizeof p->proof);
	return 0;
}
