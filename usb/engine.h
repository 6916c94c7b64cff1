/* engine.h - what the files of this room have in common. */
#ifndef VF_USB_ENGINE_H
#define VF_USB_ENGINE_H

#include <string.h>

#include <vcpflash/usb.h>

/* A setup packet [9.3]. */
typedef struct vf_u_request {
	uint8_t type; /* bmRequestType */
	uint8_t code; /* bRequest */
	uint16_t value, index, length;
} vf_u_request;

enum { VF_U_IN = 0x80 };

/* What a request comes to. */
enum vf_u_outcome {
	VF_U_REFUSED, /* stall */
	VF_U_DONE,    /* no data stage, or u->reply[0..u->len) to be sent */
	VF_U_EXPECTS, /* u->len bytes from the host */
};

enum { VF_U_INTERFACES = 2, VF_U_CONTROL = 0, VF_U_DATA = 1, VF_U_CONFIGURATION = 1 };

/* describe.c: the descriptor goes to u->reply. False: there is no such one. */
bool vf_u_describe(vf_usb *u, uint8_t type, uint8_t index, uint16_t language);

/* standard.c, class.c */
enum vf_u_outcome vf_u_standard(vf_usb *u, const vf_u_request *r);
enum vf_u_outcome vf_u_class(vf_usb *u, const vf_u_request *r);
/* The data stage of the class request u->request is complete in u->reply. */
void vf_u_class_data(vf_usb *u);

static inline enum vf_u_outcome vf_u_answer(vf_usb *u, const void *data, uint16_t len)
{
	memcpy(u->reply, data, len);
	u->len = len;
	return VF_U_DONE;
}

#endif
