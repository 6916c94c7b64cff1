/* A whole port, for a board with a bare QUADSPI controller and no flash driver:
 * the driver of the library finds out which chip there is, and asks for one bus
 * transaction at a time. Connect the four functions below to what your project
 * has, say what your controller can do, and call the four at the end (port.h).
 */
#include "port.h"

#include <vcpflash/nor.h>
#include <vcpflash/target.h>

/* --- what your project has -------------------------------------------------- */

uint32_t my_micros(void);                        /* free-running microseconds */
bool my_send(const uint8_t *data, uint16_t len); /* false: busy; `data` stays valid
						  * until my_sending() is false */
bool my_sending(void);                           /* the last transfer is under way; one that is
						  * a multiple of the packet size is ended by
						  * a packet of no bytes (see port.c) */
/* Carries out one transaction (bus.h) in indirect mode, as the fields of `op` say:
 * CCR from opcode, lanes, mode and dummy cycles, DLR from len - 1, AR from addr.
 * Chip-select stays high for 100 ns after it. 0, or negative if the controller
 * reports an error or does not end. */
int my_bus(const vf_bus_op *op);

/* --- your controller: two chips in parallel on four lines each ------------------- */

enum { KB = 1024, PACKET = 64 };

static const vf_nor_config controller = {
	.base = 0x90000000, /* where the chip is mapped */
	.dies = 2,
	.lanes = 4,
	.addr_bytes = 4,
	.max_transfer = 4 * KB,
	.bus_hz = 60000000,
};

/* --- the driver, the engine and their memory ------------------------------------- */

static vf_nor nor;
static vf_condition condition; /* of the chip, for `vcpflash doctor` */
static vf_target target;
static uint8_t ring[32 * KB], window[64 * KB], frame[4 * KB], transmit[1 * KB];
static uint8_t work[4 * KB] __attribute__((aligned(32)));
static size_t sending; /* bytes of the transfer under way */
static bool working;   /* the driver is at an operation */

/* Does what the driver has to do on the bus now. True when it has ended; false
 * while the chip is busy: look after the link and come back. */
static bool drive(void)
{
	for (;;) {
		const vf_bus_op *op;
		uint32_t wait_us;
		enum vf_nor_step step = vf_nor_step(&nor, my_micros(), &op, &wait_us);
		if (step != VF_NOR_BUS)
			return step == VF_NOR_DONE;
		vf_nor_bus_done(&nor, my_bus(op) == 0 ? VF_OK : VF_E_BUS, my_micros());
	}
}

/* A chip that still erases, begun before a reset, is waited for. Where none can be made
 * out the link is served all the same: `vcpflash doctor` tells what was read of it. */
bool port_init(const uint8_t id[12])
{
	vf_target_config c = {
		.name = "my board",
		.id_len = 12,
		.memories = 1,
		.memory = {{.info = &nor.memory,
			    .work = work,
			    .work_len = sizeof work,
			    .condition = &condition}},
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
	sending = 0;
	working = false;
	if (vf_nor_init(&nor, &controller) != VF_OK)
		return false;
	vf_nor_probe(&nor);
	while (!drive())
		;
	if (vf_nor_status(&nor) == VF_OK)
		vf_nor_condition(&nor, &condition);
	else
		vf_nor_stand_in(&nor, &condition);
	return vf_target_init(&target, &c) == VF_OK;
}

/* In the receive callback: copies into the ring, nothing else. */
void port_received(const uint8_t *data, size_t len)
{
	(void)vf_target_rx(&target, data, len);
}

/* Re-arm the endpoint only when this is true; ask again in the main loop. */
bool port_can_receive(void)
{
	return vf_target_rx_space(&target) >= PACKET;
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

/* Nothing here waits for the chip: while it erases, the link is served. */
static void serve(void)
{
	const vf_flash_op *op = working ? NULL : vf_target_flash_next(&target, 0);
	if (op != NULL) {
		int status = vf_nor_begin(&nor, op);
		if (status == VF_OK)
			working = true;
		else
			vf_target_flash_done(&target, 0, status);
	}
	if (working && drive()) {
		working = false;
		vf_target_flash_done(&target, 0, vf_nor_status(&nor));
	}
}

/* In the main loop, as often as there is nothing else to do. */
void port_poll(void)
{
	vf_target_tick(&target, my_micros());
	send();
	serve();
}
