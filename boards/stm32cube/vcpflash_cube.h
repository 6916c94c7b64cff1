/* vcpflash_cube.h - vcpflash in a CubeMX or CubeIDE project with USB CDC and one
 * of ST's board support packages (docs/CUBEMX.md leads through it).
 *
 * The project adds this file, vcpflash_cube.c, and the folders target/, wire/ and
 * include/ of vcpflash, and defines two macros for the compiler:
 *
 *   VF_CUBE_BSP         which flash driver the board support package brings:
 *                       VF_CUBE_QSPI_V2   BSP_QSPI_*(Instance, ...)    H747I, H745I-DISCO
 *                       VF_CUBE_QSPI_V1   BSP_QSPI_*(...), Erase_Block F7, L4
 *                       VF_CUBE_OSPI_NOR  BSP_OSPI_NOR_*               H735G-DK
 *   VF_CUBE_BSP_HEADER  its header, in quotes: "stm32h747i_discovery_qspi.h"
 *
 * Conventions: vf_cube_received, vf_cube_connected and vf_cube_disconnected may be
 * called in the USB interrupt, everything else from one context, the main loop or one task. Sizes
 * in bytes, times in milliseconds (HAL_GetTick). There is one loader, hence one
 * instance, kept in vcpflash_cube.c.
 */
#ifndef VCPFLASH_CUBE_H
#define VCPFLASH_CUBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpflash/status.h>

#define VF_CUBE_QSPI_V2  1
#define VF_CUBE_QSPI_V1  2
#define VF_CUBE_OSPI_NOR 3

/* Sizes; define others for the compiler where they do not suit. */
#ifndef VF_CUBE_RING
#define VF_CUBE_RING 16384 /* what the callback fills: a power of two, 1 KB to 1 MB */
#endif
#ifndef VF_CUBE_WINDOW
#define VF_CUBE_WINDOW 32768 /* decoded: a power of two, 512 to 1 MB, no less than a page */
#endif
#ifndef VF_CUBE_FRAME
#define VF_CUBE_FRAME 4096 /* one received frame; a quarter of the ring suffices */
#endif
#ifndef VF_CUBE_TX
#define VF_CUBE_TX 2048 /* one frame to send, 512 at the least */
#endif
#ifndef VF_CUBE_WORK
#define VF_CUBE_WORK 8192 /* page and read-back: two pages at the least */
#endif
#ifndef VF_CUBE_BLOCK
#define VF_CUBE_BLOCK 16384 /* unpacked in one piece (and 3 KB more); 0: nothing is packed */
#endif
#ifndef VF_CUBE_JOURNAL
#define VF_CUBE_JOURNAL 0 /* 1: one in the flash's last two sectors (docs/JOURNAL.md) */
#endif
#ifndef VF_CUBE_IDLE_MS
#define VF_CUBE_IDLE_MS 3000 /* so long after the last use the flash is mapped again */
#endif

typedef struct vf_cube_config {
	const char *name; /* of the board, printable ASCII, 1 to 32 characters */
	uint32_t base;    /* where the flash is mapped; 0: 0x90000000 */
	uint16_t packet;  /* the CDC's packet: 64 at full speed, 512 at high speed */

	/* CDC_Transmit_FS or CDC_Transmit_HS: 0 when it took the transfer, anything
	 * else when it is busy. */
	uint8_t (*transmit)(uint8_t *data, uint16_t len);
	/* Arms the OUT endpoint for one packet: USBD_CDC_SetRxBuffer and
	 * USBD_CDC_ReceivePacket. Called with interrupts masked, never while it is
	 * armed. */
	void (*rearm)(void);

	/* The hooks below may be NULL. */

	/* Stop every other master that reads the mapped flash (LTDC, DMA2D, the other
	 * core) before it stops being mapped. Not 0: it cannot be had now, and the
	 * operation fails. May be called when they have stopped already, after a
	 * vf_cube_init that failed. */
	int (*quiesce)(void);
	/* The flash is mapped again and coherent. changed: it was erased or
	 * programmed since; whoever executes from it must start anew. */
	void (*resume)(bool changed);
	/* A line for the person, without an end of line. It goes to the host besides. */
	void (*log)(const char *line);
	/* Enables `vcpflash run`: starts the application whose vector table stands
	 * at `address`; everything was said to the host. vf_cube_start does it for a
	 * Cortex-M; stop USB and whatever else of yours is running before. */
	void (*start)(uint32_t address);
} vf_cube_config;

/* Brings up the flash driver, finds out what is there, and begins. Call it after
 * the USB device was started; BSP_QSPI_Init may have been called or not. `config`
 * is copied, not what it points to. VF_OK, or a negative vf_status, and then
 * vf_cube_problem says in one line what is wrong and which setting to change; so
 * does the port to whoever speaks to it. */
int vf_cube_init(const vf_cube_config *config);

/* In CDC_Receive_FS: takes the packet, and arms the endpoint again if the next one
 * fits. Nothing else belongs there. */
void vf_cube_received(const uint8_t *data, uint32_t len);

/* In CDC_Init_FS: the class has just armed the endpoint itself. */
void vf_cube_connected(void);

/* In CDC_DeInit_FS: the cable was pulled, or the host configures anew. Until it is
 * connected again nothing is given to CDC_Transmit: what that looks at is gone. */
void vf_cube_disconnected(void);

/* In the main loop, as often as there is nothing else to do, or in a task. False:
 * nothing is under way, the task may sleep for a millisecond. */
bool vf_cube_poll(void);

/* What is wrong, or NULL. Stays until vf_cube_init. */
const char *vf_cube_problem(void);

/* For a project that starts its application by itself, when vf_cube_init was called and
 * while no job is under way: is there a plausible vector table at `address`, in the
 * flash, and with VF_CUBE_JOURNAL nothing that a job has begun and not completed? */
bool vf_cube_startable(uint32_t address);

/* Leaves for an application: interrupts, SysTick, caches and MPU off, its vector
 * table, its stack, its reset handler. Does not return. */
void vf_cube_start(uint32_t address);

#endif
