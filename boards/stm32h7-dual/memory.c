/* The memory protection unit and the caches.
 *
 * The Cortex-M7 reads ahead wherever memory is cacheable or executable, and the QUADSPI
 * answers a read outside memory-mapped mode, or past the end of the chip, with a bus
 * that hangs. So external memory is out of reach altogether, but for the flash while it
 * is mapped, exactly as large as it is.
 */
#include "memory.h"

#include "cortexm.h"
#include "layout.h"
#include "stm32h747.h"

enum { REGION_EXTERNAL, REGION_INTERNAL, REGION_D2, REGION_SRAM4, REGION_NOR };

/* Of MPU_RASR (ARMv7-M, B3.5.9). */
enum {
	ENABLE = 1 << 0,
	NEVER_EXECUTE = 1 << 28,
	NO_ACCESS = 0 << 24,
	FULL_ACCESS = 3 << 24,
	READ_ONLY = 6 << 24,
	UNCACHED = 1 << 19,      /* TEX 1: normal memory that no cache keeps */
	WRITE_THROUGH = 1 << 17, /* C */
	SHARED = 1 << 18,
	/* Of eight parts of 4 GB those from 0x60000000 to 0xDFFFFFFF count. */
	ONLY_EXTERNAL = 0x87 << 8,
};

static uint32_t size_field(uint32_t size)
{
	return (uint32_t)(30 - __builtin_clz(size)) << 1;
}

static void region(uint32_t number, uint32_t address, uint32_t attributes)
{
	MPU_RBAR = address | MPU_RBAR_VALID | number;
	MPU_RASR = attributes;
	vf_barrier();
}

static void unregion(uint32_t number)
{
	region(number, 0, 0);
}

/* What each set and way of the data cache needs is done by a write to `reg`. */
static void each_line(volatile uint32_t *reg)
{
	SCB_CSSELR = 0;
	vf_barrier();
	uint32_t shape = SCB_CCSIDR; /* sets - 1 at 13, ways - 1 at 3; lines of 32 bytes */
	uint32_t sets = (shape >> 13 & 0x7FFF) + 1, ways = (shape >> 3 & 0x3FF) + 1;
	uint32_t shift = ways > 1 ? (uint32_t)__builtin_clz(ways - 1) : 0;

	for (uint32_t way = 0; way < ways; way++) {
		for (uint32_t set = 0; set < sets; set++)
			*reg = way << shift | set << 5;
	}
	vf_barrier();
}

void memory_forget(const void *from, uint32_t len)
{
	for (uint32_t at = (uint32_t)(uintptr_t)from, end = at + len; at < end; at += 32)
		SCB_DCIMVAC = at;
	vf_barrier();
}

void memory_init(void)
{
	MPU_CTRL = 0;
	region(REGION_EXTERNAL, 0, NEVER_EXECUTE | NO_ACCESS | ONLY_EXTERNAL | 31 << 1 | ENABLE);
	/* Nothing executes there any more, and what is read there may just have been
	 * programmed. */
	region(REGION_INTERNAL, H747_FLASH_ADDRESS,
	       NEVER_EXECUTE | FULL_ACCESS | UNCACHED | size_field(H747_FLASH_SIZE) | ENABLE);
	/* DMA buffers, and what the Cortex-M4 reads. */
	region(REGION_D2, 0x30000000,
	       NEVER_EXECUTE | FULL_ACCESS | UNCACHED | SHARED | size_field(0x80000) | ENABLE);
	region(REGION_SRAM4, 0x38000000,
	       NEVER_EXECUTE | FULL_ACCESS | UNCACHED | SHARED | size_field(0x10000) | ENABLE);
	unregion(REGION_NOR);
	MPU_CTRL = MPU_CTRL_ENABLE | MPU_CTRL_PRIVDEFENA;
	vf_barrier();
	SCB_ICIALLU = 0;
	each_line(&SCB_DCISW);
	SCB_CCR |= SCB_CCR_IC | SCB_CCR_DC;
	vf_barrier();
}

void memory_show_flash(uint32_t size)
{
	each_line(&SCB_DCCISW);
	region(REGION_NOR, H747_NOR_ADDRESS,
	       NEVER_EXECUTE | READ_ONLY | WRITE_THROUGH | size_field(size) | ENABLE);
}

void memory_hide_flash(void)
{
	unregion(REGION_NOR);
}

/* The stack is in DTCM, which no cache keeps, so nothing is lost between the two steps. */
void memory_leave(uint32_t size)
{
	SCB_CCR &= ~(uint32_t)SCB_CCR_DC;
	vf_barrier();
	each_line(&SCB_DCCISW);
	SCB_CCR &= ~(uint32_t)SCB_CCR_IC;
	vf_barrier();
	SCB_ICIALLU = 0;
	vf_barrier();
	if (size != 0)
		region(REGION_NOR, H747_NOR_ADDRESS,
		       READ_ONLY | WRITE_THROUGH | size_field(size) | ENABLE);
	unregion(REGION_INTERNAL);
	unregion(REGION_D2);
	unregion(REGION_SRAM4);
}
