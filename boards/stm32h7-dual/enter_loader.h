/* enter_loader.h - for applications: back into the loader.
 *
 * Copy this file, with layout.h, into your project. It needs nothing else and works on
 * both cores. Where `vcpflash` should be able to update a running product, call
 * h747_enter_loader() on whatever command your application has for that; the board
 * restarts and the loader stays until a host starts the application again.
 */
#ifndef H747_ENTER_LOADER_H
#define H747_ENTER_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

#define H747_REQUEST_1 0x6C706376u /* "vcpl" */
#define H747_REQUEST_2 0x6564616Fu /* "oade" */

/* Asks for the loader and restarts the whole part, both cores. Does not return. The
 * request is two words and their complements in SRAM4, which a system reset leaves
 * alone; a fifth write pushes the fourth out of the memory's write buffer (ST's AN5342).
 * On a Cortex-M7 with the data cache on, the words are written back first. */
static inline void h747_enter_loader(void)
{
	volatile uint32_t *request = (volatile uint32_t *)H747_REQUEST_ADDRESS;
	volatile uint32_t *cpuid = (volatile uint32_t *)0xE000ED00;
	volatile uint32_t *dccmvac = (volatile uint32_t *)0xE000EF68;
	volatile uint32_t *aircr = (volatile uint32_t *)0xE000ED0C;

	__asm__ volatile("cpsid i" ::: "memory");
	request[0] = H747_REQUEST_1;
	request[1] = H747_REQUEST_2;
	request[2] = ~H747_REQUEST_1;
	request[3] = ~H747_REQUEST_2;
	request[4] = 0;
	__asm__ volatile("dsb" ::: "memory");
	if ((*cpuid >> 4 & 0xFFF) == 0xC27)
		*dccmvac = H747_REQUEST_ADDRESS; /* one line of 32 bytes holds them all */
	__asm__ volatile("dsb" ::: "memory");
	*aircr = 0x05FA0004;
	for (;;)
		__asm__ volatile("dsb" ::: "memory");
}

/* Is this byte the one by which a host calls? Feed it every byte that the port receives,
 * with `*seen` 0 at first: true when they were the beginning of a HELLO frame (00, a code
 * byte, F8, 01), which neither text nor usual binary traffic contains. A host repeats it
 * until somebody answers, so the one that led to a restart is not missed. */
static inline bool h747_hello(uint8_t *seen, uint8_t byte)
{
	bool call = *seen == 3 && byte == 0x01;

	if (byte == 0)
		*seen = 1;
	else if (*seen == 1)
		*seen = 2;
	else
		*seen = *seen == 2 && byte == 0xF8 ? 3 : 0;
	return call;
}

#endif
