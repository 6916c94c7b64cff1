/* A whole port, for a board whose vendor brings a USB virtual COM port and a
 * flash driver that blocks (ST's BSP, say). Connect the six functions below to
 * what your project has, describe your chip, and call the three at the end.
 */
#include "port.h"

#include <vcpflash/target.h>

/* --- what your project has -------------------------------------------------- */

uint32_t my_micros(void);                        /* free-running microseconds */
bool my_send(const uint8_t *data, uint16_t len); /* false: busy; `data` stays valid
						  * until my_sending() is false */
bool my_sending(void);                           /* the last transfer is under way */
/* A transfer that is a multiple of the packet size must be ended by a packet of no
 * bytes: until then the host's driver holds it back. Many CDC classes do that by
 * themselves; look whether yours does. */
int my_flash_read(uint32_t offset, uint8_t *to, uint32_t len); /* 0 is good */
int my_flash_program(uint32_t offset, const uint8_t *from, uint32_t len);
int my_flash_erase(uint32_t offset, uint32_t len); /* returns when it is finished */

/* --- your chip: two MT25QL512AB in parallel, as on the STM32H747I-DISCO ------- */

enum { KB = 1024, MB = 1024 * 1024, PACKET = 64 };

static const vf_memory chip = {
	.name = "MT25QL512AB",
	.kind = VF_MEMORY_NOR,
	.flags = VF_MEMORY_READ | VF_MEMORY_WRITE | VF_MEMORY_RUN | VF_MEMORY_BLOCKING,
	.dies = 2,
	.base = 0x90000000,
	.size = 128 * MB,
	.page = 512,
	.unit = 2, /* two dies: addresses and lengths are even */
	.page_typ_us = 120,
	.page_max_us = 1800,
	.erase_types = 3,
	.erase =
		{
			{8 * KB, 48000, 400000},
			{64 * KB, 112000, 1000000},
			{128 * KB, 160000, 1000000},
		},
};

/* --- the engine and its memory ------------------------------------------------- */

static vf_target target;
static uint8_t ring[32 * KB], window[64 * KB], frame[4 * KB], transmit[1 * KB];
static uint8_t work[2 * 512] __attribute__((aligned(32)));
static size_t sending; /* bytes of the transfer under way */

bool port_init(const uint8_t id[12])
{
	vf_target_config c = {
		.name = "my board",
		.id_len = 12,
		.memories = 1,
		.memory = {{.info = &chip, .work = work, .work_len = sizeof work}},
		.ring = ring,
		.ring_len = sizeof ring,
		.window = window,
		.window_len = sizeof window,
		.frame = frame,
		.frame_len = sizeof frame,
		.tx = transmit,
		.tx_len = sizeof transmit,
	};
	for (unsigned i = 0; i < 12; i++)
		c.id[i] = id[i];
	return vf_target_init(&target, &c) == VF_OK;
}

/* In the receive callback: copies into the ring, nothing else. */
void port_received(const uint8_t *data, size_t len)
{
	(void)vf_target_rx(&target, data, len);
}

/* Re-arm the endpoint only when this is true: until then the USB peripheral
 * answers NAK and the host waits, so nothing is lost. Ask in the callback, and
 * again in the main loop if it was false. */
bool port_can_receive(void)
{
	return vf_target_rx_space(&target) >= PACKET;
}

static int serve(const vf_flash_op *op)
{
	int bad;
	if (op->kind == VF_FLASH_ERASE)
		bad = my_flash_erase(op->offset, op->len);
	else if (op->kind == VF_FLASH_PROGRAM)
		bad = my_flash_program(op->offset, op->data, op->len);
	else
		bad = my_flash_read(op->offset, op->buf, op->len);
	if (!bad)
		return VF_OK;
	return op->kind == VF_FLASH_ERASE     ? VF_E_ERASE
	       : op->kind == VF_FLASH_PROGRAM ? VF_E_PROGRAM
					      : VF_E_BUS;
}

static void send(void)
{
	if (sending != 0 && !my_sending()) {
		vf_target_tx_done(&target, sending);
		sending = 0;
	}
	size_t len;
	const uint8_t *data = sending == 0 ? vf_target_tx(&target, &len) : NULL;
	if (data != NULL && my_send(data, (uint16_t)len))
		sending = len;
}

/* In the main loop, as often as there is nothing else to do. A port that can also
 * start the application (`can_run`) asks vf_target_run here, and before it goes waits
 * until my_sending() is false: the last report has to leave. */
void port_poll(void)
{
	vf_target_tick(&target, my_micros());
	send();
	const vf_flash_op *op = vf_target_flash_next(&target, 0);
	if (op != NULL)
		vf_target_flash_done(&target, 0, serve(op));
}
