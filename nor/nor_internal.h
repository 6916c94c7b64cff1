/* nor_internal.h - what the files of the chip driver share: its states, the
 * helpers that put a transaction on the bus, and the facts about a part that
 * SFDP and the table are both brought into before they are compared.
 *
 * The states. Each is one function, called twice: once to ask (it fills in a
 * transaction, or moves on at once), once when the chip answered.
 *
 *   probe   BEGIN > SCRIPT(wake) > BUSY > SCRIPT(reset) > ID, ID > SCRIPT(3-byte mode)
 *           > SFDP_HEAD > SFDP_HEADER... > SFDP_BASIC... > SFDP_FOUR > IDENTIFY
 *           > QUAD_SR1 > QUAD_SR2 [> WREN > WEL > SEND > POLL > QUAD_SR1 ...]
 *           > ADDR4 [> SCRIPT(enter) > ADDR4_CHECK] > SCRIPT(clear) > READY
 *   read    OPERATE > READ... > IDLE
 *   write   OPERATE > WREN > WEL > SEND > POLL... > IDLE
 *   failed  (any of those) > SCRIPT(clear) > FAILED > IDLE
 *   with the look of look.c, LOOK_FIRST comes behind BEGIN, LOOK_ID
 *           [> LOOK_ADDR4] after BUSY, LOOK_STATUS... before READY
 *   after an error, the next operation: SETTLE... > SCRIPT(clear) > OPERATE
 */
#ifndef VF_NOR_INTERNAL_H
#define VF_NOR_INTERNAL_H

#include <vcpflash/nor.h>

enum nor_state {
	NOR_IDLE,
	NOR_BEGIN,
	NOR_SCRIPT,
	NOR_BUSY,
	NOR_ID,
	NOR_SFDP_HEAD,
	NOR_SFDP_HEADER,
	NOR_SFDP_BASIC,
	NOR_SFDP_FOUR,
	NOR_IDENTIFY,
	NOR_QUAD_SR1,
	NOR_QUAD_SR2,
	NOR_ADDR4,
	NOR_ADDR4_CHECK,
	NOR_READY,
	NOR_SETTLE,
	NOR_OPERATE,
	NOR_READ,
	NOR_WREN,
	NOR_WEL,
	NOR_SEND,
	NOR_POLL,
	NOR_FAILED,
	NOR_LOOK_FIRST,
	NOR_LOOK_ID,
	NOR_LOOK_ADDR4,
	NOR_LOOK_STATUS,
};

/* Commands without an answer that go out one after another (probe.c). */
enum nor_script {
	NOR_SCRIPT_WAKE = 0,
	NOR_SCRIPT_RESET = 2,
	NOR_SCRIPT_EXIT4 = 10,
	NOR_SCRIPT_ENTER4 = 13,
	NOR_SCRIPT_F0 = 16,
	NOR_SCRIPT_CLEAR_FLAGS = 17,
	NOR_SCRIPT_CLEAR_SPANSION = 19,
	NOR_SCRIPT_WRDI = 20,
	NOR_SCRIPT_EXIT4_ISSI = 21,
};

enum nor_opcode {
	OP_WRSR = 0x01,
	OP_PROGRAM = 0x02,
	OP_WRDI = 0x04,
	OP_RDSR = 0x05,
	OP_WREN = 0x06,
	OP_FAST_READ = 0x0B,
	OP_FAST_READ4 = 0x0C,
	OP_PROGRAM4 = 0x12,
	OP_CLSR = 0x30,
	OP_WRSR2 = 0x31,
	OP_RDSR2 = 0x35,
	OP_CLFSR = 0x50,
	OP_SFDP = 0x5A,
	OP_RDFSR = 0x70,
	OP_RDID = 0x9F,
	OP_CHIP_ERASE = 0xC7,
};

enum { SR_WIP = 0x01, SR_WEL = 0x02, FSR_READY = 0x80, FSR_ADDR4 = 0x01 };

enum { NOR_READS = 4, NOR_ERASES = 4 };

/* Fast reads in the order of preference. 1-1-4 goes before 1-4-4 because it has
 * no mode byte that a disturbed transfer could turn into a continuous read, and
 * its eight dummy clocks hold at full speed on every part where 1-4-4's default
 * often does not; it costs some 20 clocks a transaction. */
enum nor_read_kind { NOR_READ_114, NOR_READ_144, NOR_READ_112, NOR_READ_122 };

struct nor_erase_fact {
	uint8_t size_log2;
	uint8_t opcode;  /* with a 3-byte address, or in 4-byte mode */
	uint8_t opcode4; /* with a 4-byte address in any mode; 0 = none */
	uint32_t typ_ms; /* 0 = not known */
	uint32_t max_ms; /* 0 = not known */
};

/* One die's facts, whichever source they came from. */
struct nor_facts {
	uint8_t size_log2;
	uint8_t page_log2; /* 0 = not known */
	uint8_t quad;      /* enum vf_nor_quad */
	uint8_t poll;      /* enum vf_nor_poll */
	uint8_t addr4;     /* enum vf_nor_addr4, how the part wants it */
	uint8_t stacked;   /* dies behind one another; 1 = one */
	uint8_t protect_mask;
	uint8_t program4; /* quad page program with a 4-byte address: 34h, 3Eh (address on
			   * four lanes too), 0 = none; 32h and 38h are the same with 3 */
	bool reprogram;
	uint8_t erases;
	uint16_t read[NOR_READS]; /* by enum nor_read_kind, as in SFDP: opcode, mode
				   * clocks (3 bits), dummy clocks (5); 0 = none */
	uint32_t page_typ_us;
	uint32_t page_max_us;
	uint32_t chip_typ_ms;
	uint32_t chip_max_ms; /* 0 = there is no erase of the whole chip */
	struct nor_erase_fact erase[NOR_ERASES];
};

/* nor.c */
void vf_n_bus(vf_nor *n, uint8_t opcode);
void vf_n_bus_read(vf_nor *n, uint8_t opcode, uint8_t count);
bool vf_n_gather(vf_nor *n, size_t count, size_t matter);
void vf_n_pause(vf_nor *n, uint32_t now_us, uint32_t us);
void vf_n_go(vf_nor *n, enum nor_state state);
void vf_n_run(vf_nor *n, enum nor_script script, enum nor_state then);
void vf_n_finish(vf_nor *n, int status);
uint32_t vf_n_times(uint32_t us, uint8_t factor);

/* probe.c */
void vf_n_probe_state(vf_nor *n, bool answered, uint32_t now_us);
void vf_n_identify_state(vf_nor *n, bool answered, uint32_t now_us);

/* sfdp.c */
struct vf_nor_sfdp_source {
	void (*state)(vf_nor *n, bool answered, uint32_t now_us);
	bool (*facts)(const vf_nor *n, struct nor_facts *facts);
	/* NULL if there is none */
	const char *(*disagreement)(const struct nor_facts *sfdp, const struct nor_facts *table);
};

/* compare.c */
const char *vf_n_disagreement(const struct nor_facts *sfdp, const struct nor_facts *table);

/* parts.c */
struct vf_nor_parts_source {
	/* the name of the part; NULL if it is unknown */
	const char *(*facts)(const uint8_t id[6], struct nor_facts *facts);
};

/* look.c */
struct vf_nor_look_source {
	void (*state)(vf_nor *n, bool answered);
	void (*condition)(const vf_nor *n, vf_condition *out);
};

/* identify.c */
int vf_n_identify(vf_nor *n);
void vf_n_one_lane(vf_nor *n);

/* operate.c */
void vf_n_operate_state(vf_nor *n, bool answered, uint32_t now_us);
void vf_n_clear_then(vf_nor *n, enum nor_state then);

#endif
