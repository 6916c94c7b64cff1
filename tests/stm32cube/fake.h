/* fake.h - a CubeMX project around vcpflash_cube.c, faked under virtual time: ST's
 * flash drivers over the simulated chips, with the faults they have and worse ones; a
 * CDC that is busy; the processor's cache and the window that the flash is mapped at.
 */
#ifndef FAKE_H
#define FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vcpflash/job.h>
#include <vcpflash/sim_chip.h>

#include "fake_hal.h"

#define FAKE_BASE 0x90000000u

/* How the driver, its chip or its wires go wrong. */
typedef struct fake_faults {
	bool fail_init;
	int constant;     /* reads and ids deliver this alone; -1: they do not */
	bool one_bank;    /* the second die is not connected */
	unsigned shift;   /* bytes that reads come late */
	unsigned fail;    /* writes and erases that return an error */
	unsigned hang;    /* writes that wait in vain, and return an error */
	bool fail_read;   /* returns an error */
	bool no_write;    /* returns success */
	bool no_erase;    /* returns success */
	bool one_die;     /* writes and erases reach the first alone */
	bool erase_waits; /* the driver waits until the chip has finished */
	bool fail_status;
	bool fail_map;
	bool fail_info;
	bool blind;      /* status is asked for on lines that the chip does not drive, */
	bool lines_high; /* where they float high; else they read as ready */
	uint32_t erases; /* bytes that an erase of the smallest size erases; 0: those */
	uint32_t size;   /* what GetInfo says; 0: right */
	uint32_t sector; /* the same */
} fake_faults;

typedef struct fake_project {
	uint64_t now;
	vf_sim_chip *chip;
	uint8_t *array;
	uint32_t size;
	unsigned dies;
	fake_faults faults;
	bool mapped;
	unsigned maps, inits;
	/* the data cache over the window */
	uint8_t *cached;
	uint8_t *valid; /* a byte a line */
	bool icache_stale;
	/* the processor */
	uintptr_t code_at; /* where all code seems to lie; 0: where it does */
	bool masked;
	uint64_t in_interrupt; /* since when; SysTick waits meanwhile */
	bool dead;             /* it will never leave it */
	bool reckless;         /* what the chip objects to is counted, no more */
	unsigned objections;   /* of the chip */
	/* other masters */
	bool masters_stopped;
	int quiesce_fails;
	const char *name; /* of the board; NULL: a good one */
	unsigned quiesces, resumes, resumes_changed;
	uint32_t started;
	char log[4096];
	/* the CDC */
	uint16_t packet;
	uint32_t random;
	bool any_size;  /* packets of any size, not just full ones */
	uint32_t pace;  /* us a packet */
	uint32_t busy;  /* us a transfer to the host, and as much again now and then */
	bool unplugged; /* what ST's class has in memory is gone, and not to be touched */
	bool armed;
	uint64_t next_packet;
	uint8_t packet_bytes[512];
	uint8_t *sending;
	uint8_t sending_copy[2048];
	size_t sending_len;
	uint64_t sending_until;
	uint8_t to_host[16384];
	size_t to_host_len;
	vf_job *job;
	unsigned packets, refused;
	char text[4096]; /* what the host showed of the board's lines */
} fake_project;

extern fake_project fake;

int fake_set_up(void **state);
int fake_set_up_uneven(void **state); /* each die takes its own time */
int fake_tear_down(void **state);
void fake_pass(uint64_t until); /* time passes, interrupts happen */

/* What ST's drivers are made of here. 0 is good. */
int fake_read(uint32_t offset, uint8_t *to, uint32_t len);
int fake_write(uint32_t offset, const uint8_t *from, uint32_t len);
int fake_erase(uint32_t offset, uint32_t len);
int fake_wait(uint32_t limit_ms);
void fake_status(uint8_t *each); /* a byte a die */
void fake_id(uint8_t *id, unsigned len);
void fake_command(void); /* the controller must be free for one */
void fake_map(bool mapped);
const char *fake_part(void); /* each driver has its chip */
unsigned fake_part_dies(void);

/* The host. */
int fake_program(uint32_t address, const uint8_t *bytes, size_t len);
/* The same, but the host is gone when it has sent so many packets. */
void fake_program_cut(uint32_t address, const uint8_t *bytes, size_t len, unsigned packets);
int fake_job(vf_job_config c, vf_job_result *result);
int fake_begin(void); /* vf_cube_init */
void fake_idle(uint32_t ms);

#endif
