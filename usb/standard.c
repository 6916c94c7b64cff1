/* standard.c - the standard requests [9.4]. What the specification leaves open, or calls
 * an error, is refused.
 */
#include "engine.h"

/* Recipients. */
enum { DEVICE = 0, INTERFACE = 1, ENDPOINT = 2 };

enum {
	GET_STATUS = 0,
	CLEAR_FEATURE = 1,
	SET_FEATURE = 3,
	SET_ADDRESS = 5,
	GET_DESCRIPTOR = 6,
	GET_CONFIGURATION = 8,
	SET_CONFIGURATION = 9,
	GET_INTERFACE = 10,
	SET_INTERFACE = 11,
};

enum { ENDPOINT_HALT = 0, TEST_MODE = 2, SELF_POWERED = 1, ADDRESS_MAX = 127, TESTS = 4 };

static enum vf_u_outcome set_address(vf_usb *u, const vf_u_request *r)
{
	if (u->state == VF_USB_CONFIGURED || r->value > ADDRESS_MAX || r->index != 0)
		return VF_U_REFUSED;
	u->address = (uint8_t)r->value;
	u->state = r->value != 0 ? VF_USB_ADDRESSED : VF_USB_DEFAULT;
	u->orders |= VF_USB_ORDER_ADDRESS;
	return VF_U_DONE;
}

/* Also to the value that it has: all endpoints begin anew. */
static enum vf_u_outcome set_configuration(vf_usb *u, const vf_u_request *r)
{
	if (u->state == VF_USB_DEFAULT || r->value > VF_U_CONFIGURATION || r->index != 0)
		return VF_U_REFUSED;
	u->halted = 0;
	if (u->state == VF_USB_CONFIGURED)
		u->orders |= VF_USB_ORDER_CLOSE;
	if (r->value != 0)
		u->orders |= VF_USB_ORDER_OPEN;
	if (r->value == 0 && u->lines != 0) {
		u->lines = 0;
		u->orders |= VF_USB_ORDER_LINES;
	}
	u->state = r->value != 0 ? VF_USB_CONFIGURED : VF_USB_ADDRESSED;
	return VF_U_DONE;
}

/* Only where there is high speed are there test modes. */
static enum vf_u_outcome set_test(vf_usb *u, const vf_u_request *r)
{
	uint8_t test = (uint8_t)(r->index >> 8);

	if (!u->high || r->value != TEST_MODE || (r->index & 0xFF) != 0 || test == 0 ||
	    test > TESTS)
		return VF_U_REFUSED;
	u->test = test;
	return VF_U_DONE;
}

static enum vf_u_outcome of_device_in(vf_usb *u, const vf_u_request *r)
{
	const uint8_t status[2] = {SELF_POWERED, 0};
	const uint8_t configuration = u->state == VF_USB_CONFIGURED ? VF_U_CONFIGURATION : 0;

	if (r->code == GET_DESCRIPTOR)
		return vf_u_describe(u, (uint8_t)(r->value >> 8), (uint8_t)r->value, r->index)
			       ? VF_U_DONE
			       : VF_U_REFUSED;
	if (u->state == VF_USB_DEFAULT || r->value != 0 || r->index != 0)
		return VF_U_REFUSED;
	if (r->code == GET_STATUS && r->length == sizeof status)
		return vf_u_answer(u, status, sizeof status);
	if (r->code == GET_CONFIGURATION && r->length == 1)
		return vf_u_answer(u, &configuration, 1);
	return VF_U_REFUSED;
}

static enum vf_u_outcome of_device_out(vf_usb *u, const vf_u_request *r)
{
	switch (r->code) {
	case SET_ADDRESS:
		return set_address(u, r);
	case SET_CONFIGURATION:
		return set_configuration(u, r);
	case SET_FEATURE:
		return set_test(u, r);
	default:
		return VF_U_REFUSED;
	}
}

/* An interface has no other setting than 0; to choose it restarts its endpoints. */
static enum vf_u_outcome of_interface(vf_usb *u, const vf_u_request *r, bool in)
{
	static const uint8_t nothing[2];
	static const uint8_t endpoints[VF_U_INTERFACES] = {VF_USB_SET_NOTIFY,
							   VF_USB_SET_OUT | VF_USB_SET_IN};

	if (u->state != VF_USB_CONFIGURED || r->index >= VF_U_INTERFACES || r->value != 0)
		return VF_U_REFUSED;
	if (in && r->code == GET_STATUS && r->length == 2)
		return vf_u_answer(u, nothing, 2);
	if (in && r->code == GET_INTERFACE && r->length == 1)
		return vf_u_answer(u, nothing, 1);
	if (in || r->code != SET_INTERFACE)
		return VF_U_REFUSED;
	u->resume = endpoints[r->index];
	u->halted &= (uint8_t)~u->resume;
	u->orders |= VF_USB_ORDER_RESUME;
	return VF_U_DONE;
}

static uint8_t endpoint_set(uint16_t address)
{
	switch (address) {
	case VF_USB_OUT:
		return VF_USB_SET_OUT;
	case VF_USB_IN:
		return VF_USB_SET_IN;
	case VF_USB_NOTIFY:
		return VF_USB_SET_NOTIFY;
	default:
		return 0;
	}
}

/* Endpoint 0 is never halted: a setup packet ends its STALL. */
static enum vf_u_outcome of_endpoint_0(vf_usb *u, const vf_u_request *r, bool in)
{
	static const uint8_t nothing[2];

	if (u->state == VF_USB_DEFAULT || r->value != 0)
		return VF_U_REFUSED;
	if (in && r->code == GET_STATUS && r->length == 2)
		return vf_u_answer(u, nothing, 2);
	return !in && r->code == CLEAR_FEATURE ? VF_U_DONE : VF_U_REFUSED;
}

/* Clearing a halt restarts the data toggle, whether it was halted or not [9.4.5]. */
static enum vf_u_outcome of_endpoint(vf_usb *u, const vf_u_request *r, bool in)
{
	uint8_t set = endpoint_set(r->index);

	if ((r->index & 0xFF7F) == 0)
		return of_endpoint_0(u, r, in);
	if (u->state != VF_USB_CONFIGURED || set == 0 || r->value != ENDPOINT_HALT)
		return VF_U_REFUSED;
	if (in) {
		const uint8_t status[2] = {(u->halted & set) != 0, 0};
		return r->code == GET_STATUS && r->length == 2 ? vf_u_answer(u, status, 2)
							       : VF_U_REFUSED;
	}
	if (r->code == SET_FEATURE) {
		u->halted |= set;
		u->halt = set;
		u->orders |= VF_USB_ORDER_HALT;
	} else if (r->code == CLEAR_FEATURE) {
		u->halted &= (uint8_t)~set;
		u->resume = set;
		u->orders |= VF_USB_ORDER_RESUME;
	} else {
		return VF_U_REFUSED;
	}
	return VF_U_DONE;
}

enum vf_u_outcome vf_u_standard(vf_usb *u, const vf_u_request *r)
{
	bool in = (r->type & VF_U_IN) != 0;

	if (!in && r->length != 0) /* there is none with data from the host but
				    * SET_DESCRIPTOR, which is optional */
		return VF_U_REFUSED;
	switch (r->type & 0x1F) {
	case DEVICE:
		return in ? of_device_in(u, r) : of_device_out(u, r);
	case INTERFACE:
		return of_interface(u, r, in);
	case ENDPOINT:
		return of_endpoint(u, r, in);
	default:
		return VF_U_REFUSED;
	}
}
