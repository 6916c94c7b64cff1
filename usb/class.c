/* class.c - the requests of the abstract control model [PSTN 6.3].
 *
 * Nothing of them has a meaning for a pipe without a UART behind it. So a line coding is
 * kept as it came, whatever it says, and a break is accepted; DTR tells that a program has
 * the port open, on hosts that say so.
 */
#include "engine.h"

enum {
	TO_INTERFACE = 0x21,
	FROM_INTERFACE = 0xA1,
	SET_LINE_CODING = 0x20,
	GET_LINE_CODING = 0x21,
	SET_CONTROL_LINE_STATE = 0x22,
	SEND_BREAK = 0x23,
};

static enum vf_u_outcome set_lines(vf_usb *u, uint16_t value)
{
	enum { DTR_AND_RTS = 3 };
	uint8_t lines = (uint8_t)(value & DTR_AND_RTS);

	if (lines != u->lines)
		u->orders |= VF_USB_ORDER_LINES;
	u->lines = lines;
	return VF_U_DONE;
}

static enum vf_u_outcome from_host(vf_usb *u, const vf_u_request *r)
{
	if (r->code == SET_LINE_CODING && r->value == 0 && r->length == VF_USB_CODING) {
		u->len = VF_USB_CODING;
		return VF_U_EXPECTS;
	}
	if (r->length != 0)
		return VF_U_REFUSED;
	if (r->code == SET_CONTROL_LINE_STATE)
		return set_lines(u, r->value);
	return r->code == SEND_BREAK ? VF_U_DONE : VF_U_REFUSED;
}

enum vf_u_outcome vf_u_class(vf_usb *u, const vf_u_request *r)
{
	if (u->state != VF_USB_CONFIGURED || r->index != VF_U_CONTROL)
		return VF_U_REFUSED;
	if (r->type == TO_INTERFACE)
		return from_host(u, r);
	if (r->type == FROM_INTERFACE && r->code == GET_LINE_CODING && r->value == 0 &&
	    r->length != 0)
		return vf_u_answer(u, u->coding, VF_USB_CODING);
	return VF_U_REFUSED;
}

void vf_u_class_data(vf_usb *u)
{
	if (u->request == SET_LINE_CODING)
		memcpy(u->coding, u->reply, VF_USB_CODING);
}

void vf_usb_notice(uint8_t out[VF_USB_NOTICE])
{
	enum { SERIAL_STATE = 0x20, CARRIER_AND_DATA_SET = 3 };
	static const uint8_t notice[VF_USB_NOTICE] = {
		FROM_INTERFACE, SERIAL_STATE, 0, 0, VF_U_CONTROL, 0, 2, 0, CARRIER_AND_DATA_SET, 0};

	memcpy(out, notice, sizeof notice);
}
