/* describe.c - the descriptors [9.6], and those of the abstract control model [CDC 5.2.3,
 * PSTN 5.3]. docs/USB.md explains the choices.
 */
#include "engine.h"

enum {
	TYPE_DEVICE = 1,
	TYPE_CONFIGURATION = 2,
	TYPE_STRING = 3,
	TYPE_INTERFACE = 4,
	TYPE_ENDPOINT = 5,
	TYPE_QUALIFIER = 6,
	TYPE_OTHER_SPEED = 7,
	TYPE_ASSOCIATION = 11,
	TYPE_FUNCTION = 0x24, /* CS_INTERFACE */
};

enum { TEXT_LANGUAGES, TEXT_MAKER, TEXT_NAME, TEXT_SERIAL, ENGLISH = 0x0409 };

enum { USB_2_00 = 0x0200, CDC_1_20 = 0x0120 };

#define LOW(word)  (uint8_t)((word)&0xFF)
#define HIGH(word) (uint8_t)((word) >> 8)

/* Class, subclass and protocol of a device whose interfaces are grouped by associations. */
#define GROUPED 0xEF, 2, 1

static void put16(uint8_t *p, uint16_t value)
{
	p[0] = LOW(value);
	p[1] = HIGH(value);
}

static void device(vf_usb *u)
{
	const vf_usb_config *c = &u->config;
	const uint8_t d[18] = {sizeof d,
			       TYPE_DEVICE,
			       LOW(USB_2_00),
			       HIGH(USB_2_00),
			       GROUPED,
			       VF_USB_PACKET_0,
			       LOW(c->vendor),
			       HIGH(c->vendor),
			       LOW(c->product),
			       HIGH(c->product),
			       LOW(c->release),
			       HIGH(c->release),
			       TEXT_MAKER,
			       TEXT_NAME,
			       c->id_len != 0 ? TEXT_SERIAL : 0,
			       1};

	(void)vf_u_answer(u, d, sizeof d);
}

static void qualifier(vf_usb *u)
{
	static const uint8_t d[10] = {sizeof d,
				      TYPE_QUALIFIER,
				      LOW(USB_2_00),
				      HIGH(USB_2_00),
				      GROUPED,
				      VF_USB_PACKET_0,
				      1,
				      0};

	(void)vf_u_answer(u, d, sizeof d);
}

/* Where the bytes that depend on speed and configuration are. */
enum { AT_TYPE = 1, AT_POWER = 8, AT_INTERVAL = 51, AT_OUT_SIZE = 65, AT_IN_SIZE = 72, TOTAL = 75 };

/* One descriptor a line. */
/* clang-format off */
static const uint8_t whole[TOTAL] = {
	/* configuration: two interfaces, fed by the board */
	9, TYPE_CONFIGURATION, TOTAL, 0, VF_U_INTERFACES, VF_U_CONFIGURATION, 0, 0xC0, 0,
	/* which are one function: communication, abstract control model, V.250 commands. No
	 * modem is there, but it is the protocol that every host has a driver for. */
	8, TYPE_ASSOCIATION, VF_U_CONTROL, VF_U_INTERFACES, 2, 2, 1, 0,
	9, TYPE_INTERFACE, VF_U_CONTROL, 0, 1, 2, 2, 1, 0,
	5, TYPE_FUNCTION, 0, LOW(CDC_1_20), HIGH(CDC_1_20), /* header */
	5, TYPE_FUNCTION, 1, 0, VF_U_DATA,                  /* call management: none */
	4, TYPE_FUNCTION, 2, 6,                             /* line coding, lines, state; break */
	5, TYPE_FUNCTION, 6, VF_U_CONTROL, VF_U_DATA,       /* union */
	7, TYPE_ENDPOINT, VF_USB_NOTIFY, 3, VF_USB_NOTICE_PACKET, 0, 0,
	9, TYPE_INTERFACE, VF_U_DATA, 0, 2, 10, 0, 0, 0,
	7, TYPE_ENDPOINT, VF_USB_OUT, 2, 0, 0, 0,
	7, TYPE_ENDPOINT, VF_USB_IN, 2, 0, 0, 0,
};
/* clang-format on */

/* Notifications are looked for each 16 ms: 16 frames, or 2^(8-1) microframes [9.6.6]. */
static void configuration(vf_usb *u, uint8_t type, bool high)
{
	enum { FRAMES = 16, EXPONENT = 8 };
	uint16_t bulk = high ? VF_USB_BULK_HIGH : VF_USB_BULK_FULL;

	(void)vf_u_answer(u, whole, sizeof whole);
	u->reply[AT_TYPE] = type;
	u->reply[AT_POWER] = u->config.power;
	u->reply[AT_INTERVAL] = high ? EXPONENT : FRAMES;
	put16(u->reply + AT_OUT_SIZE, bulk);
	put16(u->reply + AT_IN_SIZE, bulk);
}

static void put_text(vf_usb *u, const char *text)
{
	size_t n = 0;

	for (; n < VF_USB_TEXT_MAX && text[n] != '\0'; n++)
		put16(u->reply + 2 + 2 * n, (uint8_t)text[n]);
	u->len = (uint16_t)(2 + 2 * n);
}

static void put_serial(vf_usb *u)
{
	static const char digits[] = "0123456789ABCDEF";
	char text[2 * VF_USB_ID_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < u->config.id_len && i < VF_USB_ID_MAX; i++) {
		text[n++] = digits[u->config.id[i] >> 4];
		text[n++] = digits[u->config.id[i] & 15];
	}
	text[n] = '\0';
	put_text(u, text);
}

/* Hosts ask in the language that they read from string 0; some ask before in none. */
static bool string(vf_usb *u, uint8_t index, uint16_t language)
{
	if (index != TEXT_LANGUAGES && language != ENGLISH && language != 0)
		return false;
	if (index == TEXT_LANGUAGES) {
		put16(u->reply + 2, ENGLISH);
		u->len = 4;
	} else if (index == TEXT_MAKER) {
		put_text(u, u->config.maker);
	} else if (index == TEXT_NAME) {
		put_text(u, u->config.name);
	} else if (index == TEXT_SERIAL && u->config.id_len != 0) {
		put_serial(u);
	} else {
		return false;
	}
	u->reply[0] = (uint8_t)u->len;
	u->reply[1] = TYPE_STRING;
	return true;
}

bool vf_u_describe(vf_usb *u, uint8_t type, uint8_t index, uint16_t language)
{
	if (type == TYPE_STRING)
		return string(u, index, language);
	if (index != 0 || language != 0)
		return false;
	if (type == TYPE_DEVICE)
		device(u);
	else if (type == TYPE_CONFIGURATION)
		configuration(u, type, u->high);
	else if (type == TYPE_QUALIFIER && u->config.high)
		qualifier(u);
	else if (type == TYPE_OTHER_SPEED && u->config.high)
		configuration(u, type, !u->high);
	else
		return false;
	return true;
}
