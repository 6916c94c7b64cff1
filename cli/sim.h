/* sim.h - vcpflash-sim: what its files share. Private to the program. */
#ifndef VF_CLI_SIM_H
#define VF_CLI_SIM_H

#include <vcpflash/emu.h>
#include <vcpflash/io.h>
#include <vcpflash/sim.h>

enum sim_exit {
	SIM_EXIT_OK = 0,
	SIM_EXIT_USAGE = 2,
	SIM_EXIT_LINK = 3,
	SIM_EXIT_BOARD = 4,
	SIM_EXIT_FILE = 5,
	SIM_EXIT_INTERNAL = 70, /* the chip driver did what no data sheet allows */
};

typedef struct sim_options {
	const vf_sim_part *part;
	bool dual;
	uint32_t base;
	const char *flash; /* file names, NULL if none */
	const char *internal;
	const char *pty;
	const char *tcp;
	const char *name;
	vf_sim_link_model link;
	uint32_t max_baud;
	bool no_time;
	vf_sim_fault fault;
	uint64_t seed;
	bool has_seed;
	uint32_t ring, window;
	uint16_t payload;
	bool blocking;
	bool no_sfdp;
	bool journal;
	uint8_t guests; /* enum vf_sim_guests */
	bool emulated;  /* --board: its firmware is executed */
	enum vf_emu_model model;
	bool has_socket, usb;    /* --port: at the USB socket, not at the ST-LINK */
	const char *firmware;    /* of the Cortex-M7 (or of both cores); NULL: ours */
	const char *firmware_m4; /* of the Cortex-M4 */
	const char *plain;       /* an option that an emulated board has not, NULL if none */
	bool has_key;
	uint8_t key[VF_IO_KEY_SIZE];
} sim_options;

/* What the board's unique id is drawn from: the place of the file that keeps what its memory holds,
 * so that it is the same board each time. 0, for the seed, if one was given or there is no file. */
uint64_t sim_identity(const sim_options *o);

/* -1: go on; otherwise the program ends with this status. */
int sim_parse(sim_options *o, int argc, char **argv);

/* An emulated board, until a signal ends it, or it did what no board can (stopped). */
int sim_emulate(const sim_options *o, bool *stopped, vf_error *err);
/* SIGUSR1, the reset button, was pressed since the last call. */
bool sim_button(void);
/* SIGUSR2, the USB cable, was pulled or plugged in since the last call. */
bool sim_cable(void);

/* Lines of a UART, collected; `log` gets each, without its end. Zero is a good start. */
typedef struct sim_uart {
	size_t len;
	char line[200];
} sim_uart;

void sim_uart_said(sim_uart *u, const uint8_t *bytes, size_t len, void (*log)(const char *line));

/* A memory's contents and the file that keeps them. */
typedef struct sim_store {
	const char *name; /* NULL: forgotten at the end */
	uint8_t *bytes;
	size_t len;
} sim_store;

int sim_store_load(sim_store *s, const char *name, size_t len, const char *what, vf_error *err);
int sim_store_save(const sim_store *s, vf_error *err);
void sim_store_free(sim_store *s);

#endif
