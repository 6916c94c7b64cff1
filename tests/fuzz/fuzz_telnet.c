/* fuzz_telnet.c - a server that says anything to the RFC 2217 end of telnet. Whatever that
 * is, buffers stay within their bounds, what goes out is telnet whose data are those that
 * were put in, and what comes without a command in it comes through as it is.
 */
#include "fuzz.h"
#include "telnet.h"

enum { SE = 240, SB = 250, WILL = 251, DONT = 254, IAC = 255 };
enum { DATA, COMMAND, OPTION, INSIDE, INSIDE_COMMAND }; /* where the stream going out is */
enum { MOST_WAITING = 256 * 1024, PUT_MOST = 4096 };

typedef struct talk {
	vf_telnet *t;
	uint8_t state;
	uint8_t put[PUT_MOST]; /* data that have not gone out */
	size_t put_at, put_len;
	bool commands; /* came in */
} talk;

static void went_out(talk *k, uint8_t b)
{
	switch (k->state) {
	case DATA:
		if (b == IAC)
			k->state = COMMAND;
		else
			FUZZ_CHECK(k->put_at < k->put_len && k->put[k->put_at++] == b);
		break;
	case COMMAND:
		FUZZ_CHECK(b == IAC || b == SB || (b >= WILL && b <= DONT));
		FUZZ_CHECK(b != IAC || (k->put_at < k->put_len && k->put[k->put_at++] == IAC));
		k->state = b == IAC ? DATA : b == SB ? INSIDE : OPTION;
		break;
	case OPTION:
		k->state = DATA;
		break;
	case INSIDE:
		k->state = b == IAC ? INSIDE_COMMAND : INSIDE;
		break;
	default:
		FUZZ_CHECK(b == IAC || b == SE);
		k->state = b == SE ? DATA : INSIDE;
		break;
	}
}

static void send(talk *k, size_t most)
{
	size_t len;
	const uint8_t *out = vf_telnet_out(k->t, &len);
	len = len < most ? len : most;
	for (size_t i = 0; i < len; i++)
		went_out(k, out[i]);
	vf_telnet_sent(k->t, len);
}

static void put(talk *k, const uint8_t *bytes, size_t len)
{
	const size_t room = PUT_MOST - k->put_len;
	const size_t taken = vf_telnet_put(k->t, bytes, len < room ? len : room);
	FUZZ_CHECK(taken <= len && taken <= room);
	if (taken > 0)
		memcpy(k->put + k->put_len, bytes, taken);
	k->put_len += taken;
}

static void feed(talk *k, const uint8_t *bytes, size_t len)
{
	uint8_t back[256];
	const size_t before = vf_telnet_waiting(k->t);
	for (size_t i = 0; i < len; i++)
		k->commands = k->commands || bytes[i] == IAC;
	vf_telnet_feed(k->t, bytes, len);
	FUZZ_CHECK(vf_telnet_waiting(k->t) <= MOST_WAITING);
	if (k->commands || vf_telnet_said(k->t)->fault != NULL)
		return;
	FUZZ_CHECK(vf_telnet_waiting(k->t) == before + len);
	while (vf_telnet_waiting(k->t) > len)
		(void)vf_telnet_take(k->t, back, 1);
	FUZZ_CHECK(vf_telnet_take(k->t, back, sizeof back) == len);
	FUZZ_CHECK(len == 0 || memcmp(back, bytes, len) == 0);
}

static void step(talk *k, fuzz_input *in)
{
	uint8_t back[64];
	const uint8_t what = fuzz_byte(in), *bytes;
	const size_t n = fuzz_bytes(in, &bytes, 255);
	switch (what % 8) {
	case 0:
		vf_telnet_negotiate(k->t);
		break;
	case 1:
		vf_telnet_set_up(k->t, 115200);
		break;
	case 2:
		vf_telnet_set_baud(k->t, n >= 4 ? bytes[0] * 0x01010101u ^ bytes[3] : 0xFFFFFFFF);
		break;
	case 3:
		put(k, bytes, n);
		break;
	case 4:
		FUZZ_CHECK(vf_telnet_take(k->t, back, sizeof back) <= sizeof back);
		break;
	case 5:
		send(k, n + 1);
		break;
	default:
		feed(k, bytes, n);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_input in = {data, data + len};
	talk k = {.t = vf_telnet_new()};
	if (k.t == NULL)
		return 0;
	while (fuzz_more(&in))
		step(&k, &in);
	send(&k, SIZE_MAX);
	FUZZ_CHECK(k.state == DATA && k.put_at == k.put_len);
	vf_telnet_free(k.t);
	return 0;
}
