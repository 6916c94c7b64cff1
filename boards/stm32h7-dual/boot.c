/* Which applications there are, and the way into them.
 *
 * What an application finds is in docs/H747.md: supply, clocks, pins and the mapped flash
 * as the loader had them, everything else as after a reset.
 */
#include "boot.h"

#include <string.h>

#include "cortexm.h"
#include "enter_loader.h"
#include "internal.h"
#include "layout.h"
#include "m4_start.h"
#include "memory.h"
#include "uart.h"
#include "usb.h"
#include "vectors.h"

bool boot_requested(void)
{
	volatile uint32_t *r = vf_reg(H747_REQUEST_ADDRESS);
	bool asked = r[0] == H747_REQUEST_1 && r[1] == H747_REQUEST_2 && r[2] == ~H747_REQUEST_1 &&
		     r[3] == ~H747_REQUEST_2;

	for (unsigned i = 0; i < 5; i++)
		r[i] = 0;
	return asked;
}

bool boot_stub_guards(void)
{
	return m4_begins_by_itself() && m4_begins_at() == H747_STUB_ADDRESS;
}

static uint32_t nor_size(const vf_nor_door *nor)
{
	return nor != NULL ? nor->nor.memory.size : 0;
}

/* The first words at `address`, by the path an application would use. */
static bool table_at(vf_nor_door *nor, uint32_t address, uint8_t table[8])
{
	if (address - H747_FLASH_ADDRESS < H747_FLASH_SIZE - 8) {
		internal_read(address - H747_FLASH_ADDRESS, table, 8);
		return true;
	}
	if (address - H747_NOR_ADDRESS >= nor_size(nor) || !vf_nor_door_map(nor))
		return false;
	memcpy(table, (const void *)(uintptr_t)address, 8);
	return true;
}

static vectors look_cm7(vf_nor_door *nor, uint32_t address)
{
	uint8_t table[8];

	return table_at(nor, address, table) ? vectors_cm7(table, nor_size(nor)) : VECTORS_BLANK;
}

uint32_t boot_application(vf_nor_door *nor)
{
	static const uint32_t places[] = {H747_CM7_ADDRESS, H747_CM7_INTERNAL_ADDRESS};

	for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
		if (look_cm7(nor, places[i]) == VECTORS_GOOD)
			return places[i];
	}
	return 0;
}

/* The first place with a good image counts; if none has, the first that is not blank. */
static vectors look_cm4(vf_nor_door *nor, uint32_t *address)
{
	static const uint32_t places[] = {H747_CM4_ADDRESS, H747_CM4_INTERNAL_ADDRESS,
					  H747_STUB_ADDRESS};
	vectors first = VECTORS_BLANK;

	for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
		uint8_t table[8];

		if (places[i] == H747_STUB_ADDRESS && m4_stub_present())
			continue;
		if (!table_at(nor, places[i], table))
			continue;
		vectors v = vectors_cm4(table, nor_size(nor));
		if (v == VECTORS_GOOD) {
			*address = places[i];
			return v;
		}
		first = first == VECTORS_BLANK ? v : first;
	}
	return first;
}

static m4_way plan_cm4(vf_nor_door *nor, uint32_t *address)
{
	vectors image = look_cm4(nor, address);
	m4_facts f = {
		.image = image,
		.image_at = *address,
		.begins_by_itself = m4_begins_by_itself(),
		.begins_at = m4_begins_at(),
		.stub = m4_stub_present(),
	};
	m4_plan plan = m4_plan_of(&f);

	if (plan.line != NULL)
		uart_print(plan.line);
	return plan.way;
}

void boot_start(vf_nor_door *nor, uint32_t address)
{
	uint32_t cm4 = 0;

	if (look_cm7(nor, address) != VECTORS_GOOD) {
		uart_print("\r\nvcpflash: not started: the vector table there names no RAM or no "
			   "flash "
			   "of the Cortex-M7\r\n");
		return;
	}
	bool mapped = nor != NULL && vf_nor_door_map(nor);
	m4_way way = plan_cm4(nor, &cm4);
	usb_stop();
	uart_stop();
	if (!m4_start(way, cm4)) {
		uart_init();
		uart_print(m4_silent_line());
		uart_stop();
	}
	vf_irq_off();
	memory_leave(mapped ? nor_size(nor) : 0);
	vf_image_start(address);
}
