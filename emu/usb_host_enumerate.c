/* usb_host_enumerate.c - what the host asks a new device, what it makes of the answers,
 * and how it opens and closes the port of a CDC-ACM function.
 *
 * Order and lengths: Linux's drivers/usb/core/hub.c (64 bytes of the device descriptor
 * at address 0, a second reset, the address, 8 bytes, all of it, the qualifier),
 * config.c (9 bytes, then all), generic.c and message.c (strings with 255 bytes,
 * SET_CONFIGURATION), drivers/usb/class/cdc-acm.c (9600 baud when found, control line
 * state 3 when opened, 0 when closed, a halted endpoint is cleared). Descriptors: Universal
 * Serial Bus Specification 2.0, 9.5 and 9.6; CDC 1.2, 5.2.3. Windows asks a high-speed device
 * for its qualifier too; so does this host.
 */
#include "usb_host.h"

#include <string.h>

enum step {
	DEVICE_64,
	ADDRESS,
	DEVICE_8,
	DEVICE_18,
	QUALIFIER,
	OTHER_SPEED,
	BOS,
	CONFIG_9,
	CONFIG_ALL,
	LANGUAGES,
	PRODUCT,
	MANUFACTURER,
	SERIAL,
	CONFIGURE,
	FOUND_LINE,
	STEPS,
	/* of a configured device */
	OPEN_STATE,
	TELL_LINE,
	CLOSE_STATE,
	UNHALT_OUT,
	UNHALT_IN,
	UNHALT_NOTIFY,
};

enum { T_DEVICE = 1, T_CONFIG = 2, T_STRING = 3, T_INTERFACE = 4, T_ENDPOINT = 5 };
enum { T_QUALIFIER = 6, T_OTHER_SPEED = 7, T_BOS = 15 };
enum { GET_DESCRIPTOR = 6, SET_ADDRESS = 5, SET_CONFIGURATION = 9, CLEAR_FEATURE = 1 };
enum { SET_LINE_CODING = 0x20, SET_CONTROL_LINE_STATE = 0x22 };
enum { FIRST_BAUD = 9600, THE_ADDRESS = 5, ALL = 255 };

static void ask(vf_usb_host *h, uint8_t type, uint8_t request, uint16_t value, uint16_t index,
		uint16_t len, const uint8_t *data)
{
	const uint8_t setup[8] = {type,           request,
				  (uint8_t)value, (uint8_t)(value >> 8),
				  (uint8_t)index, (uint8_t)(index >> 8),
				  (uint8_t)len,   (uint8_t)(len >> 8)};

	vf_usb_control_start(h, setup, data);
}

static void descriptor(vf_usb_host *h, unsigned type, unsigned index, uint16_t language,
		       uint16_t len)
{
	ask(h, 0x80, GET_DESCRIPTOR, (uint16_t)(type << 8 | index), language, len, NULL);
}

static void line_coding(vf_usb_host *h, uint32_t baud)
{
	const uint8_t coding[7] = {(uint8_t)baud,
				   (uint8_t)(baud >> 8),
				   (uint8_t)(baud >> 16),
				   (uint8_t)(baud >> 24),
				   0,
				   0,
				   8};

	h->baud_told = baud;
	ask(h, 0x21, SET_LINE_CODING, 0, h->interface, sizeof coding, coding);
}

static uint16_t word(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

/* --- asking ----------------------------------------------------------------------------- */

static bool skipped(const vf_usb_host *h)
{
	switch (h->step) {
	case QUALIFIER: /* is it one that could be faster, or slower? */
		return h->version < 0x0200;
	case OTHER_SPEED:
		return !h->high;
	case BOS:
		return h->version < 0x0201;
	case LANGUAGES:
		return h->strings[0] == 0 && h->strings[1] == 0 && h->strings[2] == 0;
	case MANUFACTURER:
		return h->strings[0] == 0;
	case PRODUCT:
		return h->strings[1] == 0;
	case SERIAL:
		return h->strings[2] == 0;
	default:
		return false;
	}
}

static void request(vf_usb_host *h)
{
	static const uint8_t string[] = {[PRODUCT] = 1, [MANUFACTURER] = 0, [SERIAL] = 2};

	switch (h->step) {
	case DEVICE_64:
		descriptor(h, T_DEVICE, 0, 0, 64);
		break;
	case ADDRESS:
		ask(h, 0x00, SET_ADDRESS, THE_ADDRESS, 0, 0, NULL);
		break;
	case DEVICE_8:
		descriptor(h, T_DEVICE, 0, 0, 8);
		break;
	case DEVICE_18:
		descriptor(h, T_DEVICE, 0, 0, 18);
		break;
	case QUALIFIER:
		descriptor(h, T_QUALIFIER, 0, 0, 10);
		break;
	case OTHER_SPEED:
		descriptor(h, T_OTHER_SPEED, 0, 0, 9);
		break;
	case BOS:
		descriptor(h, T_BOS, 0, 0, 5);
		break;
	case CONFIG_9:
		descriptor(h, T_CONFIG, 0, 0, 9);
		break;
	case CONFIG_ALL:
		descriptor(h, T_CONFIG, 0, 0, word(h->control.data + 2));
		break;
	case LANGUAGES:
		descriptor(h, T_STRING, 0, 0, ALL);
		break;
	case CONFIGURE:
		ask(h, 0x00, SET_CONFIGURATION, h->configuration, 0, 0, NULL);
		break;
	case FOUND_LINE:
		line_coding(h, FIRST_BAUD);
		break;
	default:
		descriptor(h, T_STRING, h->strings[string[h->step]], 0x0409, ALL);
		break;
	}
}

static void proceed(vf_usb_host *h)
{
	while (h->step < STEPS && skipped(h))
		h->step++;
	if (h->step < STEPS) {
		request(h);
		return;
	}
	h->state = VF_USB_READY;
	h->tries = 0;
	h->counts.enumerations++;
	vf_usb_say(h, "USB: %s at %s speed, serial number %s", h->product,
		   h->high ? "high" : "full", h->serial);
}

void vf_usb_enumerate(vf_usb_host *h)
{
	/* The second reset is over: it goes on with the address. */
	h->step = h->step == ADDRESS ? ADDRESS : DEVICE_64;
	if (h->step == DEVICE_64) {
		h->control.packet = 64;
		h->product[0] = h->serial[0] = '\0';
	}
	h->bulk_in = h->bulk_out = h->notify = (vf_usb_pipe){0};
	proceed(h);
}

/* --- answers ------------------------------------------------------------------------------ */

static bool is(const vf_usb_host *h, const uint8_t *d, unsigned type, unsigned least)
{
	return h->control.result >= (int)least && d[0] >= least && d[1] == type;
}

static bool good_packet0(uint8_t packet, bool high)
{
	return packet == 64 || (!high && (packet == 8 || packet == 16 || packet == 32));
}

static bool got_device(vf_usb_host *h, bool whole)
{
	const uint8_t *d = h->control.data;

	if (!is(h, d, T_DEVICE, whole ? 18 : 8) || d[0] != 18 || !good_packet0(d[7], h->high)) {
		vf_usb_trouble(h, "no device descriptor (%d bytes, type %u, packets of %u)",
			       h->control.result, d[1], d[7]);
		return false;
	}
	h->control.packet = d[7];
	h->version = word(d + 2);
	if (whole)
		memcpy(h->strings, d + 14, 3);
	return true;
}

/* A device that knows one speed only refuses; one at high speed has to know the other. */
static bool got_qualifier(vf_usb_host *h)
{
	const uint8_t *d = h->control.data;

	if (h->control.result == VF_USB_STALLED && !h->high)
		return true;
	if (is(h, d, T_QUALIFIER, 10) && d[8] != 0)
		return true;
	vf_usb_trouble(h, "no device qualifier (%d bytes)", h->control.result);
	return false;
}

/* Of an interrupt endpoint 2^(n-1), n up to 16 [9.6.6]; bulk ones have 0 there. */
static unsigned microframes(uint8_t n)
{
	return n == 0 || n > 16 ? 0 : 1u << (n - 1);
}

static void endpoint(vf_usb_host *h, const uint8_t *d)
{
	vf_usb_pipe *pipe = (d[3] & 3) == 3      ? &h->notify
			    : (d[2] & 0x80) != 0 ? &h->bulk_in
						 : &h->bulk_out;

	*pipe = (vf_usb_pipe){.endpoint = d[2] & 15,
			      .packet = word(d + 4) & 0x7FF,
			      .interval = h->high ? microframes(d[6]) : d[6]};
}

static bool good_endpoint(const vf_usb_host *h, const uint8_t *d)
{
	const uint16_t packet = word(d + 4) & 0x7FF;

	if (d[0] < 7 || (d[2] & 15) == 0)
		return false;
	if ((d[3] & 3) == 3)
		return d[6] != 0 && d[6] <= (h->high ? 16 : 255) && packet != 0 &&
		       packet <= (h->high ? 1024 : 64);
	return (d[3] & 3) == 2 &&
	       (h->high ? packet == 512 : good_packet0((uint8_t)packet, false) && packet <= 64);
}

/* Walks through a configuration: lengths that add up, a function with its parts. */
static const char *configuration(vf_usb_host *h, const uint8_t *all, unsigned total)
{
	unsigned interfaces = 0, ends = 0, wanted = 0;
	bool header = false, joined = false;

	for (unsigned at = 0; at < total; at += all[at]) {
		const uint8_t *d = all + at;

		if (d[0] < 2 || d[0] > total - at)
			return "a descriptor runs over the end";
		if (d[1] == T_INTERFACE && d[0] >= 9) {
			interfaces += d[3] == 0 ? 1 : 0;
			wanted += d[4];
			if (d[5] == 2 && d[6] == 2)
				h->interface = d[2];
		} else if (d[1] == T_ENDPOINT) {
			ends++;
			if (!good_endpoint(h, d))
				return "an endpoint that this speed does not allow";
			endpoint(h, d);
		} else if (d[1] == 0x24 && d[0] >= 5) {
			header = header || d[2] == 0;
			joined = joined || d[2] == 6;
		}
	}
	if (interfaces != all[4] || ends != wanted)
		return "interfaces or endpoints are not as many as it says";
	if (!header || !joined || h->bulk_in.endpoint == 0 || h->bulk_out.endpoint == 0 ||
	    h->notify.endpoint == 0)
		return "no CDC-ACM function with its three endpoints";
	return NULL;
}

static bool got_configuration(vf_usb_host *h, bool whole)
{
	const uint8_t *d = h->control.data;
	const char *wrong = NULL;

	if (!is(h, d, T_CONFIG, 9) || word(d + 2) < 9 || word(d + 2) > VF_USB_CONTROL) {
		vf_usb_trouble(h, "no configuration descriptor (%d bytes)", h->control.result);
		return false;
	}
	h->configuration = d[5];
	if (whole && h->control.result != word(d + 2))
		wrong = "shorter than it says";
	else if (whole)
		wrong = configuration(h, d, word(d + 2));
	if (wrong != NULL)
		vf_usb_trouble(h, "configuration: %s", wrong);
	return wrong == NULL;
}

/* UTF-16 of which the host shows what is ASCII. */
static bool got_string(vf_usb_host *h, char *to, size_t room)
{
	const uint8_t *d = h->control.data;
	size_t n = 0;

	if (!is(h, d, T_STRING, 2) || d[0] != h->control.result || d[0] % 2 != 0) {
		vf_usb_trouble(h, "string descriptor of %d bytes", h->control.result);
		return false;
	}
	for (unsigned i = 2; to != NULL && i + 1 < d[0] && n + 1 < room; i += 2)
		to[n++] = (char)(d[i + 1] == 0 && d[i] >= 32 && d[i] < 127 ? d[i] : '?');
	if (to != NULL)
		to[n] = '\0';
	return true;
}

static bool expected(vf_usb_host *h, const char *what)
{
	if (h->control.result >= 0)
		return true;
	vf_usb_trouble(h, "%s: %s", what,
		       h->control.result == VF_USB_STALLED  ? "refused"
		       : h->control.result == VF_USB_BROKEN ? "no answer"
							    : "not done in five seconds");
	return false;
}

static bool understood(vf_usb_host *h)
{
	switch (h->step) {
	case DEVICE_64:
	case DEVICE_8:
		return got_device(h, false);
	case DEVICE_18:
		return got_device(h, true);
	case QUALIFIER:
		return got_qualifier(h);
	case CONFIG_9:
		return got_configuration(h, false);
	case CONFIG_ALL:
		return got_configuration(h, true);
	case LANGUAGES:
	case MANUFACTURER:
		return got_string(h, NULL, 0);
	case PRODUCT:
		return got_string(h, h->product, sizeof h->product);
	case SERIAL:
		return got_string(h, h->serial, sizeof h->serial);
	case ADDRESS:
		return expected(h, "SET_ADDRESS");
	case OTHER_SPEED:
		return expected(h, "other-speed configuration");
	case BOS:
		return expected(h, "BOS");
	case CONFIGURE:
		return expected(h, "SET_CONFIGURATION");
	default:
		return expected(h, "SET_LINE_CODING");
	}
}

static void unhalted(vf_usb_pipe *pipe)
{
	pipe->halted = false;
	pipe->toggle = 0;
	pipe->ping = false;
}

/* Of a configured device; a refusal changes nothing here. */
static void settled(vf_usb_host *h)
{
	switch (h->step) {
	case OPEN_STATE:
		h->opened = true;
		break;
	case UNHALT_OUT:
		unhalted(&h->bulk_out);
		break;
	case UNHALT_IN:
		unhalted(&h->bulk_in);
		break;
	case UNHALT_NOTIFY:
		unhalted(&h->notify);
		break;
	default:
		break;
	}
}

void vf_usb_enumerate_done(vf_usb_host *h)
{
	if (h->step > STEPS) {
		settled(h);
		return;
	}
	if (!understood(h))
		return;
	if (h->step == ADDRESS) {
		h->address = THE_ADDRESS;
		h->control.retry_ns = 0;
	}
	if (h->step++ == DEVICE_64) {
		vf_usb_again(h);
		return;
	}
	proceed(h);
	if (h->step == DEVICE_8) /* it has 2 ms to take the address; Linux waits for 10 */
		h->control.retry_ns = h->now_ns + 10 * UINT64_C(1000000);
}

void vf_usb_enumerate_idle(vf_usb_host *h)
{
	vf_usb_pipe *const pipe[3] = {&h->bulk_out, &h->bulk_in, &h->notify};

	if (h->control.active)
		return;
	for (unsigned i = 0; i < 3; i++) {
		if (!pipe[i]->halted)
			continue;
		h->step = UNHALT_OUT + i;
		ask(h, 0x02, CLEAR_FEATURE, 0, pipe[i]->endpoint | (i != 0 ? 0x80 : 0), 0, NULL);
		return;
	}
	if (h->wanted && h->baud != h->baud_told) {
		h->step = TELL_LINE;
		line_coding(h, h->baud);
	} else if (h->wanted && !h->opened) {
		h->step = OPEN_STATE;
		ask(h, 0x21, SET_CONTROL_LINE_STATE, 3, h->interface, 0, NULL);
	} else if (!h->wanted && h->opened) {
		h->step = CLOSE_STATE;
		h->opened = false;
		ask(h, 0x21, SET_CONTROL_LINE_STATE, 0, h->interface, 0, NULL);
	}
}
