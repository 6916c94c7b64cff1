/* loader.h - the main loop of a board: the target engine, the chip driver or a flash
 * driver of the board's own, and a port, joined. A board fills in the structs, calls
 * vf_loader_init once, and vf_loader_poll for ever:
 *
 *     interrupt:  vf_target_rx(&loader.target, bytes, len);
 *     main:       vf_nor_door_init(&door, &controller, my_bus, NULL, &micros)
 *                 vf_loader_init(&loader, &config)
 *                 for (;;) vf_loader_poll(&loader);
 *
 * All structs are the board's and stay where they are. `self` is handed back to each
 * function and may be NULL. Times in microseconds that wrap, sizes in bytes.
 */
#ifndef LOADER_H
#define LOADER_H

#include <vcpflash/nor.h>
#include <vcpflash/target.h>

/* What the link and the processor are to the loader. Functions marked "may be NULL"
 * are for what not every board has. */
typedef struct vf_port {
	void *self;
	uint32_t (*micros)(void *self);
	/* Begins to send. `data` stays valid until `sending` is false; called only then. */
	void (*send)(void *self, const uint8_t *data, size_t len);
	/* The buffer of the last `send` is still needed. Called often: a port without DMA
	 * or interrupt moves its bytes here. */
	bool (*sending)(void *self);
	/* The last bit of all that was sent has left. May be NULL: as !sending. */
	bool (*drained)(void *self);
	/* Called in each round, before anything else. May be NULL. A port whose bytes come
	 * by DMA gives them to vf_target_rx here, if its interrupts do not; one whose
	 * endpoint waits for room looks at vf_target_rx_space and re-arms it. */
	void (*poll)(void *self);
	/* Sets the baud rate, both directions. May be NULL with target.rate_max 0. */
	void (*set_rate)(void *self, uint32_t baud);
	/* Starts the application at `address`; its vectors were found good. Does not come
	 * back. May be NULL: then target.can_run must be false. */
	void (*start)(void *self, uint32_t address);
} vf_port;

/* One memory: what serves its operations (the flash door, flash.h). */
typedef struct vf_door {
	void *self;
	/* Begins `op`, whose buffers stay valid until its end. VF_OK, or a negative
	 * vf_status: then it has ended. */
	int (*begin)(void *self, const vf_flash_op *op);
	/* Moves the operation on; true when it has ended, with its status. A driver that
	 * blocks does all of it here or in `begin`, and has VF_MEMORY_BLOCKING. */
	bool (*poll)(void *self, int *status);
} vf_door;

/* A guest that asks for transactions with a chip (GUESTS.md, serprog), while no operation
 * of that memory is under way. `next` NULL: there is none. */
typedef struct vf_programmer {
	void *self;
	const vf_bus_op *(*next)(void *self); /* vf_serprog_guest_bus */
	void (*done)(void *self, int status); /* vf_serprog_guest_bus_done */
	void *door;
	int (*bus)(void *door, const vf_bus_op *op); /* vf_nor_door_bus */
	uint8_t memory;
} vf_programmer;

typedef struct vf_loader_config {
	vf_target_config target;
	vf_port port;
	vf_door door[VF_TARGET_MEMORIES]; /* beside target.memory[] */
	vf_programmer programmer;
} vf_loader_config;

typedef struct vf_loader {
	vf_target target;
	vf_port port;
	vf_door door[VF_TARGET_MEMORIES];
	vf_programmer programmer;
	/* private */
	bool busy[VF_TARGET_MEMORIES];
	size_t sending; /* bytes of the frame under way */
	uint32_t rate;  /* to be set when the transmitter is empty; 0 none */
	bool leaving;   /* start `address` then */
	uint32_t address;
} vf_loader;

/* VF_OK, or VF_E_USAGE where vf_target_init says so or a function is missing. */
int vf_loader_init(vf_loader *l, const vf_loader_config *config);
/* The same with the features that are named (vf_target_init_with): smaller. */
int vf_loader_init_with(vf_loader *l, const vf_loader_config *config,
			const vf_target_features *features);
void vf_loader_poll(vf_loader *l);

/* --- a chip behind a bare controller ---------------------------------------- */

typedef struct vf_nor_hooks {
	void *self;
	uint32_t (*micros)(void *self);
	/* Carries out one transaction (bus.h). VF_OK or VF_E_BUS. */
	int (*bus)(void *self, const vf_bus_op *op);
	/* Makes the chip readable at its address, as `nor->chip` says (opcode, lanes,
	 * dummy clocks), with nothing stale in a cache; where it can be read, or NULL.
	 * May be NULL: then what should go through the mapped path goes over the bus. */
	const uint8_t *(*map)(void *self, const vf_nor *nor);
	/* Ends that, before the next transaction. May be NULL. */
	void (*unmap)(void *self);
	/* Begins to copy from where the chip is mapped, while the processor does something
	 * else; false: not this one, the processor has to. May be NULL: it always has to. */
	bool (*copy)(void *self, uint8_t *to, const uint8_t *from, uint32_t len);
	/* The copy has ended, with VF_OK or VF_E_BUS, and no cache holds what was there
	 * before. May be NULL with `copy`. */
	bool (*copied)(void *self, int *status);
} vf_nor_hooks;

typedef struct vf_nor_door {
	vf_nor nor;             /* .memory is what vf_target_memory.info points to */
	vf_condition condition; /* and this .condition, since the probe ended */
	vf_nor_hooks hooks;
	/* private */
	bool mapped;
	bool waiting; /* for the chip, until wake_us */
	uint32_t wake_us;
	bool copying;            /* a mapped read, by `hooks.copy` */
	bool ended;              /* a mapped read: nothing is left to do */
	void (*renew)(vf_nor *); /* a guest used the chip: to be called before it is used again */
	bool renewing;           /* and that is being done, for `op` */
	vf_flash_op op;
} vf_nor_door;

/* VF_OK or VF_E_USAGE. The probe is begun: call vf_nor_door_probe until it is true. */
int vf_nor_door_init(vf_nor_door *d, const vf_nor_config *config, const vf_nor_hooks *hooks);
/* The same with the sources that are named (vf_nor_init_with): smaller. */
int vf_nor_door_init_with(vf_nor_door *d, const vf_nor_config *config, const vf_nor_hooks *hooks,
			  const vf_nor_sources *sources);

/* Moves the probe on; true when it has ended, with its status (nor.h). A chip that
 * still erases, begun before a reset, is waited for, minutes if need be. A chip that
 * can be mapped gets VF_MEMORY_RUN. */
bool vf_nor_door_probe(vf_nor_door *d, int *status);

/* After a probe that failed: .memory and .condition stand for the chip, so that the board can be
 * served and a host can be told what was read. False where the configuration was at fault. */
bool vf_nor_door_stand_in(vf_nor_door *d, int status);

/* After the probe: a journal (docs/JOURNAL.md) in the chip's last two sectors, which are
 * protected for it. Fills in what `config` says of it; `memory` is the chip's index there.
 * Who names features names vf_target_journal_feature too. */
void vf_nor_door_keep(vf_nor_door *d, vf_target_config *config, uint8_t memory,
		      vf_target_journal *journal);

/* The door for vf_loader_config.door[]. */
vf_door vf_nor_door_of(vf_nor_door *d);

/* A guest's transaction, for vf_programmer: carried out before this returns. How it left the
 * chip is looked at before the driver's next operation, and before it is mapped. */
int vf_nor_door_bus(void *door, const vf_bus_op *op);

/* How long nothing needs to be done for the chip while it works: 0 where something is to be
 * done now. For ports that sleep. */
uint32_t vf_nor_door_rest_us(const vf_nor_door *d);

/* Makes the chip readable at its address and leaves it so, for an application that is
 * to start; false where there is no `map` or it fails. */
bool vf_nor_door_map(vf_nor_door *d);

/* --- when there is no chip -------------------------------------------------- */

/* The one line to print instead of serving a board whose probe ended with `status`:
 * what is wrong and what to look at, "\r\n" at both ends. */
const char *vf_loader_complaint(int status);

/* The same with what the chip said: its id, and where table and SFDP differ. Returns the
 * length; what does not fit into `room` bytes (VF_COMPLAINT_MAX always do) is cut. */
enum { VF_COMPLAINT_MAX = 256 };
size_t vf_nor_door_complaint(const vf_nor_door *d, int status, char *out, size_t room);

#endif
