/* vcpflash_cube.c - see vcpflash_cube.h. From top to bottom: ST's flash drivers
 * brought to one form with their faults worked around, the chip's description,
 * what a driver that lies is found out by, the flash door, the link, the life of
 * the loader. What is said here of ST's drivers was read in them: BSP of the
 * STM32H747I-DISCO 3.6.3, STM32H745I-DISCO 3.3.3, STM32F746G-DISCO, STM32F769I-DISCO,
 * STM32L476G-DISCO, STM32L496G-DISCO, B-L475E-IOT01A and STM32H735G-DK, component MT25TL01G 2.3.0.
 */
#include "vcpflash_cube.h"

#include <stdatomic.h>
#include <string.h>

#include <vcpflash/target.h>

#ifndef VF_CUBE_BSP_HEADER
#error "define VF_CUBE_BSP_HEADER, in quotes: the header of the board's flash driver"
#endif
#include VF_CUBE_BSP_HEADER

#ifndef VF_CUBE_INSTANCE
#define VF_CUBE_INSTANCE 0u /* of the flash, where the driver counts them */
#endif
#ifndef VF_CUBE_COPY_MAPPED
#define VF_CUBE_COPY_MAPPED(to, address, len) memcpy(to, (const void *)(uintptr_t)(address), len)
#endif
#ifndef VF_CUBE_CODE_AT
#define VF_CUBE_CODE_AT(function) ((uintptr_t)(function))
#endif
#ifndef VF_CUBE_USB
#define VF_CUBE_USB /* an attribute: places what USB sends where its DMA can read it */
#endif

enum {
	DIES_MAX = 2,
	PAGE_MAX = 512,
	PIECE = 256,      /* given to CDC_Transmit at a time */
	LINE = 200,       /* a line of text */
	SAMPLE = 32,      /* bytes looked at in one place, a line of the cache */
	SAMPLES = 32,     /* places looked at in what was erased */
	SAY_AGAIN = 5000, /* the same line not sooner than this, ms */
};

/* What a complaint is about: each kind is said again only after a while. */
enum kind { SAY_NOTHING, SAY_DRIVER, SAY_ERASE, SAY_READ_BACK, SAY_QUIESCE, SAY_MAP };

/* The last MPU region as the project has it, while it closes the flash's window. */
typedef struct region {
	bool saved;
	uint32_t base, attributes;
} region;

static struct {
	vf_cube_config config;
	vf_target target;
	vf_memory chip;
	bool serving;
	bool mapped;
	bool stopped;                  /* the other masters are: resume owes them */
	bool changed;                  /* erased or programmed since the others were stopped */
	uint32_t stale_from, stale_to; /* the same since it was mapped last, in the cache */
	uint32_t used_at;

	const vf_flash_op *erasing;
	uint32_t erasing_since;
	uint8_t before[SAMPLE], after[SAMPLE]; /* the neighbours of what is being erased */

	uint32_t page_at; /* what was programmed last, to know a read-back by */
	uint32_t page_len;
	uint8_t page[PAGE_MAX];

	bool inside;     /* a frame is sent by half */
	unsigned piece;  /* which buffer is free */
	bool leaving;    /* for the application, when the last piece has left */
	uint32_t run_at; /* its address */
	uint32_t run_since;

	char problem[LINE]; /* why it does not serve */
	char line[LINE];    /* waits to be sent */
	uint8_t said;       /* enum kind */
	uint32_t said_at;

	region region;
} cube;

static atomic_bool held;  /* the endpoint is not armed: no packet fits */
static atomic_bool asked; /* somebody speaks to a loader that does not serve */
static atomic_bool here;  /* USB is configured, as far as is known */

static uint8_t ring[VF_CUBE_RING], window[VF_CUBE_WINDOW], frame[VF_CUBE_FRAME];
static uint8_t transmit[VF_CUBE_TX];
static uint8_t work[VF_CUBE_WORK] __attribute__((aligned(32)));
static uint8_t pieces[2][PIECE] VF_CUBE_USB __attribute__((aligned(32)));
#if VF_CUBE_BLOCK > 0
static uint8_t block[VF_CUBE_BLOCK] __attribute__((aligned(32)));
static vf_inflate inflate;
#endif
#if VF_CUBE_JOURNAL
static vf_target_journal journal;
#endif

/* --- lines for the person -------------------------------------------------------- */

static size_t add(char *line, size_t at, const char *text)
{
	while (*text != '\0' && at < LINE - 1)
		line[at++] = *text++;
	line[at] = '\0';
	return at;
}

static size_t add_hex(char *line, size_t at, uint32_t value, unsigned digits)
{
	char text[9] = {0};
	for (unsigned i = 0; i < digits; i++)
		text[i] = "0123456789abcdef"[value >> (4 * (digits - 1 - i)) & 15];
	return add(line, at, text);
}

static size_t add_number(char *line, size_t at, int32_t value)
{
	char text[12];
	size_t i = sizeof text - 1;
	uint32_t rest = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
	text[i] = '\0';
	do {
		text[--i] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest != 0);
	return add(line, value < 0 ? add(line, at, "-") : at, text + i);
}

/* To the host and the log; the same kind not over and over. */
static void say(enum kind kind, const char *line)
{
	uint32_t now = HAL_GetTick();
	if (kind == cube.said && now - cube.said_at < SAY_AGAIN)
		return;
	cube.said = (uint8_t)kind;
	cube.said_at = now;
	(void)add(cube.line, 0, line);
	if (cube.config.log != NULL)
		cube.config.log(line);
}

static int refuse(int status, const char *what)
{
	(void)add(cube.problem, 0, what);
	if (cube.config.log != NULL)
		cube.config.log(cube.problem);
	return status;
}

/* "BSP_QSPI_Write(0x00001000) returned -5", and what to do about it. */
static void say_failed(const char *function, uint32_t offset, int32_t result, const char *advice)
{
	char line[LINE];
	size_t n = add(line, 0, function);
	n = add_hex(line, add(line, n, "(0x"), offset, 8);
	n = add_number(line, add(line, n, ") returned "), result);
	(void)add(line, add(line, n, ": "), advice);
	say(SAY_DRIVER, line);
}

/* --- the flash driver: BSP_QSPI_*(Instance, ...) ------------------------------------ */

typedef struct geometry {
	uint32_t size, sector, page;
} geometry;

typedef struct erase {
	uint32_t size; /* of a die; 0: all of it */
	uint8_t name;  /* for the driver */
} erase;

#if VF_CUBE_BSP == VF_CUBE_QSPI_V2

#define PREFIX "BSP_QSPI_"

#ifndef VF_CUBE_INTERFACE
#define VF_CUBE_INTERFACE BSP_QSPI_QPI_MODE
#endif
#ifndef VF_CUBE_RATE
#define VF_CUBE_RATE BSP_QSPI_DTR_TRANSFER
#endif
/* Into four bytes: of two dies in parallel the controller delivers two, whatever was
 * asked for. BSP_QSPI_GetStatus has room for one. */
#if !defined(VF_CUBE_READ_STATUS) && defined(MT25TL01G_FLASH_SIZE)
#define VF_CUBE_READ_STATUS(bytes)                                                                 \
	MT25TL01G_ReadStatusRegister(&hqspi, QSPI_Ctx[VF_CUBE_INSTANCE].InterfaceMode, bytes)
#endif
/* The constants had the die's sizes in their names, later what both erase together. */
#ifndef VF_CUBE_ERASE_NAMES
#ifdef BSP_QSPI_BLOCK_8K
#define VF_CUBE_ERASE_NAMES BSP_QSPI_ERASE_8K, BSP_QSPI_ERASE_64K, BSP_QSPI_ERASE_128K
#else
#define VF_CUBE_ERASE_NAMES BSP_QSPI_ERASE_4K, BSP_QSPI_ERASE_32K, BSP_QSPI_ERASE_64K
#endif
#endif

static const uint8_t erase_names[] = {VF_CUBE_ERASE_NAMES};
static const uint32_t erase_sizes[] = {4096, 32768, 65536};

static unsigned bsp_dies(void)
{
	return hqspi.Init.DualFlash == QSPI_DUALFLASH_ENABLE ? 2 : 1;
}

static int32_t bsp_read(uint32_t offset, uint8_t *to, uint32_t len)
{
	return BSP_QSPI_Read(VF_CUBE_INSTANCE, to, offset, len);
}

static int32_t bsp_write(uint32_t offset, const uint8_t *from, uint32_t len)
{
	return BSP_QSPI_Write(VF_CUBE_INSTANCE, (uint8_t *)(uintptr_t)from, offset, len);
}

static int32_t bsp_erase(uint32_t offset, uint8_t name)
{
	return BSP_QSPI_EraseBlock(VF_CUBE_INSTANCE, offset, (BSP_QSPI_Erase_t)name);
}

static int32_t bsp_erase_chip(void)
{
	return BSP_QSPI_EraseChip(VF_CUBE_INSTANCE);
}

/* 1 while any die is at work, 0 when all are ready, else the driver's error. */
static int32_t bsp_busy(void)
{
#ifdef VF_CUBE_READ_STATUS
	uint8_t status[4] = {0};
	int32_t result = VF_CUBE_READ_STATUS(status);
	return result != 0 ? result : ((status[0] | status[bsp_dies() - 1]) & 1);
#else
	int32_t result = BSP_QSPI_GetStatus(VF_CUBE_INSTANCE);
	return result == BSP_ERROR_BUSY ? 1 : result;
#endif
}

static int32_t bsp_map(void)
{
	return BSP_QSPI_EnableMemoryMappedMode(VF_CUBE_INSTANCE);
}

/* In place of BSP_QSPI_DisableMemoryMappedMode, which reads into a local variable
 * of one byte (of two dies two arrive, and its neighbour on the stack is
 * overwritten), and leaves a sampling shift behind that double transfer rate
 * does not bear. */
static int32_t bsp_unmap(void)
{
	uint8_t bytes[4];
	BSP_QSPI_Ctx_t *c = &QSPI_Ctx[VF_CUBE_INSTANCE];
	if (HAL_QSPI_Abort(&hqspi) != HAL_OK)
		return BSP_ERROR_PERIPH_FAILURE;
	c->IsInitialized = QSPI_ACCESS_INDIRECT;
	int32_t result = BSP_QSPI_ConfigFlash(VF_CUBE_INSTANCE, c->InterfaceMode, c->TransferRate);
	/* What is read here ends continuous reading. */
	return result != BSP_ERROR_NONE ? result : bsp_read(0, bytes, sizeof bytes);
}

/* Modes this driver is known not to work in. */
static const char *bsp_mode_fault(void)
{
#ifdef MT25TL01G_FLASH_SIZE
	if (VF_CUBE_INTERFACE != BSP_QSPI_QPI_MODE)
		return "the driver waits for the chip on four lines whatever its mode: set "
		       "VF_CUBE_INTERFACE to BSP_QSPI_QPI_MODE";
	if (VF_CUBE_RATE == BSP_QSPI_STR_TRANSFER &&
	    (MT25TL01G_DUMMY_CYCLES_READ_QUAD != 10 || MT25TL01G_DUMMY_CYCLES_READ != 10))
		return "reads would arrive shifted: set VF_CUBE_RATE to BSP_QSPI_DTR_TRANSFER, or "
		       "both MT25TL01G_DUMMY_CYCLES_READ and _READ_QUAD to 10";
	if (VF_CUBE_RATE == BSP_QSPI_DTR_TRANSFER &&
	    MT25TL01G_DUMMY_CYCLES_READ_QUAD != MT25TL01G_DUMMY_CYCLES_READ_QUAD_DTR)
		return "reads would arrive shifted: set MT25TL01G_DUMMY_CYCLES_READ_QUAD and "
		       "_READ_QUAD_DTR to the same number";
#endif
	return NULL;
}

/* Always anew: only so is it certain in which mode chip and driver are. */
static int32_t bsp_init(void)
{
	BSP_QSPI_Init_t init = {0};
	init.InterfaceMode = VF_CUBE_INTERFACE;
	init.TransferRate = VF_CUBE_RATE;
#ifdef MT25TL01G_FLASH_SIZE
	init.DualFlashMode = MT25TL01G_DUALFLASH_ENABLE;
#endif
	int32_t result = BSP_ERROR_NONE;
	if (QSPI_Ctx[VF_CUBE_INSTANCE].IsInitialized == QSPI_ACCESS_MMP)
		result = bsp_unmap();
	if (result == BSP_ERROR_NONE &&
	    QSPI_Ctx[VF_CUBE_INSTANCE].IsInitialized != QSPI_ACCESS_NONE)
		result = BSP_QSPI_DeInit(VF_CUBE_INSTANCE);
	return result != BSP_ERROR_NONE ? result : BSP_QSPI_Init(VF_CUBE_INSTANCE, &init);
}

static const char *bsp_state_fault(void)
{
	const BSP_QSPI_Ctx_t *c = &QSPI_Ctx[VF_CUBE_INSTANCE];
	if (c->InterfaceMode != VF_CUBE_INTERFACE || c->TransferRate != VF_CUBE_RATE)
		return "BSP_QSPI_Init did not set the mode it was given: look for a BSP_QSPI_Init "
		       "or "
		       "MX_QSPI_Init of the project's own";
#ifndef VF_CUBE_READ_STATUS
	if (bsp_dies() > 1)
		return "two dies in parallel, of which BSP_QSPI_GetStatus sees one: define "
		       "VF_CUBE_READ_STATUS(bytes)";
#endif
	return NULL;
}

static int32_t bsp_id(uint8_t *id)
{
	return BSP_QSPI_ReadID(VF_CUBE_INSTANCE, id);
}

static int32_t bsp_geometry(geometry *g)
{
	BSP_QSPI_Info_t info;
	int32_t result = BSP_QSPI_GetInfo(VF_CUBE_INSTANCE, &info);
	*g = (geometry){info.FlashSize, info.EraseSectorSize, info.ProgPageSize * bsp_dies()};
	return result;
}

/* --- the flash driver: BSP_OSPI_NOR_* ----------------------------------------------- */

#elif VF_CUBE_BSP == VF_CUBE_OSPI_NOR

#define PREFIX "BSP_OSPI_NOR_"

#ifndef VF_CUBE_INTERFACE
#define VF_CUBE_INTERFACE BSP_OSPI_NOR_OPI_MODE
#endif
#ifndef VF_CUBE_RATE
#define VF_CUBE_RATE BSP_OSPI_NOR_DTR_TRANSFER
#endif

static const uint8_t erase_names[] = {BSP_OSPI_NOR_ERASE_4K, BSP_OSPI_NOR_ERASE_64K};
static const uint32_t erase_sizes[] = {4096, 65536};

static unsigned bsp_dies(void)
{
	return 1;
}

static int32_t bsp_read(uint32_t offset, uint8_t *to, uint32_t len)
{
	return BSP_OSPI_NOR_Read(VF_CUBE_INSTANCE, to, offset, len);
}

static int32_t bsp_write(uint32_t offset, const uint8_t *from, uint32_t len)
{
	return BSP_OSPI_NOR_Write(VF_CUBE_INSTANCE, (uint8_t *)(uintptr_t)from, offset, len);
}

static int32_t bsp_erase(uint32_t offset, uint8_t name)
{
	return BSP_OSPI_NOR_Erase_Block(VF_CUBE_INSTANCE, offset, (BSP_OSPI_NOR_Erase_t)name);
}

static int32_t bsp_erase_chip(void)
{
	return BSP_OSPI_NOR_Erase_Chip(VF_CUBE_INSTANCE);
}

static int32_t bsp_busy(void)
{
	int32_t result = BSP_OSPI_NOR_GetStatus(VF_CUBE_INSTANCE);
	return result == BSP_ERROR_BUSY ? 1 : result;
}

static int32_t bsp_map(void)
{
	return BSP_OSPI_NOR_EnableMemoryMappedMode(VF_CUBE_INSTANCE);
}

static int32_t bsp_unmap(void)
{
	return BSP_OSPI_NOR_DisableMemoryMappedMode(VF_CUBE_INSTANCE);
}

static const char *bsp_mode_fault(void)
{
	if (VF_CUBE_INTERFACE == BSP_OSPI_NOR_SPI_MODE && VF_CUBE_RATE == BSP_OSPI_NOR_DTR_TRANSFER)
		return "the chip has no double rate on one line: set VF_CUBE_RATE to "
		       "BSP_OSPI_NOR_STR_TRANSFER, or VF_CUBE_INTERFACE to BSP_OSPI_NOR_OPI_MODE";
	return NULL;
}

/* Its context cannot be looked at (the header declares it by another name than it
 * has), so it is brought down first, up or not. */
static int32_t bsp_init(void)
{
	BSP_OSPI_NOR_Init_t init = {0};
	init.InterfaceMode = VF_CUBE_INTERFACE;
	init.TransferRate = VF_CUBE_RATE;
	int32_t result = BSP_OSPI_NOR_DeInit(VF_CUBE_INSTANCE);
	return result != BSP_ERROR_NONE ? result : BSP_OSPI_NOR_Init(VF_CUBE_INSTANCE, &init);
}

static const char *bsp_state_fault(void)
{
	return NULL;
}

static int32_t bsp_id(uint8_t *id)
{
	return BSP_OSPI_NOR_ReadID(VF_CUBE_INSTANCE, id);
}

static int32_t bsp_geometry(geometry *g)
{
	BSP_OSPI_NOR_Info_t info;
	int32_t result = BSP_OSPI_NOR_GetInfo(VF_CUBE_INSTANCE, &info);
	*g = (geometry){info.FlashSize, info.EraseSubSectorSize, info.ProgPageSize};
	return result;
}

/* --- the flash driver: BSP_QSPI_*(...), the older form --------------------------------- */

#elif VF_CUBE_BSP == VF_CUBE_QSPI_V1

#define PREFIX "BSP_QSPI_"

/* What BSP_QSPI_Erase_Block erases; 0: what GetInfo says. For the MX25R6435F (on the
 * STM32L496G-DISCO and B-L475E-IOT01A) GetInfo says 4 KB, and it erases 64. */
#ifndef VF_CUBE_ERASE_SIZE
#ifdef MX25R6435F_BLOCK_SIZE
#define VF_CUBE_ERASE_SIZE MX25R6435F_BLOCK_SIZE
#else
#define VF_CUBE_ERASE_SIZE 0
#endif
#endif

static const uint8_t erase_names[] = {0};
static uint32_t erase_sizes[1];

static unsigned bsp_dies(void)
{
	return 1;
}

static int32_t bsp_read(uint32_t offset, uint8_t *to, uint32_t len)
{
	return BSP_QSPI_Read(to, offset, len);
}

static int32_t bsp_write(uint32_t offset, const uint8_t *from, uint32_t len)
{
	return BSP_QSPI_Write((uint8_t *)(uintptr_t)from, offset, len);
}

static int32_t bsp_erase(uint32_t offset, uint8_t name)
{
	(void)name;
	return BSP_QSPI_Erase_Block(offset);
}

static int32_t bsp_erase_chip(void)
{
	return BSP_QSPI_Erase_Chip();
}

/* Its erases wait for their end. (And its GetStatus cannot be asked: for one of the
 * F746's two chips it looks at the wrong register, the wrong way round.) */
static int32_t bsp_busy(void)
{
	return 0;
}

static int32_t bsp_map(void)
{
	return BSP_QSPI_EnableMemoryMappedMode();
}

/* There is no way back to commands but to begin anew. */
static int32_t bsp_unmap(void)
{
	return BSP_QSPI_Init();
}

static const char *bsp_mode_fault(void)
{
	return NULL;
}

static int32_t bsp_init(void)
{
	return BSP_QSPI_Init();
}

static const char *bsp_state_fault(void)
{
	return NULL;
}

/* It does not tell the id. */
static int32_t bsp_id(uint8_t *id)
{
	id[0] = 0;
	return 0;
}

static int32_t bsp_geometry(geometry *g)
{
	QSPI_Info info;
	int32_t result = BSP_QSPI_GetInfo(&info);
	*g = (geometry){info.FlashSize, info.EraseSectorSize, info.ProgPageSize};
	if (VF_CUBE_ERASE_SIZE != 0)
		g->sector = VF_CUBE_ERASE_SIZE;
	erase_sizes[0] = g->sector;
	return result;
}

#else
#error "define VF_CUBE_BSP: VF_CUBE_QSPI_V2, VF_CUBE_QSPI_V1 or VF_CUBE_OSPI_NOR"
#endif

/* --- what the chip is ------------------------------------------------------------------- */

enum { KB = 1024, MB = 1024 * 1024, ERASES = sizeof erase_names };

typedef struct part {
	const char *name;
	uint8_t id[3];
	uint32_t size; /* of a die */
	uint32_t page_typ_us, page_max_us;
	uint32_t typ_ms[3], max_ms[3]; /* 4 KB, 32 KB, 64 KB */
	uint32_t chip_typ_s, chip_max_s;
} part;

/* From the makers' data sheets. */
static const part parts[] = {
	{"MT25QL512AB",
	 {0x20, 0xBA, 0x20},
	 64 * MB,
	 120,
	 1800,
	 {48, 112, 160},
	 {400, 1000, 1000},
	 128,
	 460},
	{"MX25LM51245G",
	 {0xC2, 0x85, 0x3A},
	 64 * MB,
	 150,
	 750,
	 {30, 0, 220},
	 {400, 1000, 1000},
	 150,
	 460},
};

/* What is not known takes as long as the slowest of the parts on ST's boards. */
static const part unknown = {"flash",           {0}, 0,  500, 10000, {250, 400, 700},
			     {800, 3000, 3500}, 250, 600};

static bool all_are(const uint8_t *bytes, size_t len, uint8_t value)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != value)
			return false;
	}
	return true;
}

/* Dies in parallel, and one that answers on both edges of the clock, give each byte
 * of the id twice, and of three or four bytes asked for only two remain. */
static unsigned single(uint8_t *id)
{
	if (bsp_dies() == 1 && id[0] != id[1])
		return 3;
	id[1] = id[2];
	return 2;
}

static const part *find(const uint8_t *id, unsigned len)
{
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (memcmp(parts[i].id, id, len) == 0)
			return &parts[i];
	}
	return &unknown;
}

static unsigned row(uint32_t size)
{
	return size <= 4 * KB ? 0 : size <= 32 * KB ? 1 : 2;
}

static void describe_erases(const geometry *g, const part *p)
{
	vf_memory *m = &cube.chip;
	for (unsigned i = 0; i < ERASES; i++) {
		unsigned r = row(erase_sizes[i]);
		m->erase[m->erase_types++] = (vf_erase_type){
			erase_sizes[i] * bsp_dies(), p->typ_ms[r] * 1000, p->max_ms[r] * 1000};
	}
	m->erase[m->erase_types++] =
		(vf_erase_type){g->size, p->chip_typ_s * 1000000, p->chip_max_s * 1000000};
}

/* The last two sectors are the journal's, and nobody else's. */
static void reserve_journal(vf_memory *m)
{
	uint32_t unit = m->erase[0].size;
	m->protect[0] = (vf_range){m->size - 2 * unit, 2 * unit};
	m->protects = 1;
}

static void describe(const geometry *g, const part *p)
{
	vf_memory *m = &cube.chip;
	*m = (vf_memory){.kind = VF_MEMORY_NOR,
			 .flags = VF_MEMORY_READ | VF_MEMORY_WRITE | VF_MEMORY_BLOCKING,
			 .dies = (uint8_t)bsp_dies(),
			 .base = cube.config.base,
			 .size = g->size,
			 .page = g->page,
			 .unit = bsp_dies(),
			 .page_typ_us = p->page_typ_us * bsp_dies(), /* half pages, one by one */
			 .page_max_us = p->page_max_us * bsp_dies()};
	if (cube.config.start != NULL)
		m->flags |= VF_MEMORY_RUN;
	(void)strncpy(m->name, p->name, sizeof m->name - 1);
	describe_erases(g, p);
	if (VF_CUBE_JOURNAL)
		reserve_journal(m);
}

static bool power_of_two(uint32_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

static bool erasable(uint32_t size)
{
	for (unsigned i = 0; i < ERASES; i++) {
		if (erase_sizes[i] * bsp_dies() == size)
			return true;
	}
	return false;
}

static int refuse_geometry(const geometry *g, const part *p)
{
	char line[LINE];
	size_t n = add(line, 0, PREFIX "GetInfo says 0x");
	n = add(line, add_hex(line, n, g->size, 8), " bytes, sectors of 0x");
	n = add(line, add_hex(line, n, g->sector, 8), ", pages of 0x");
	n = add_hex(line, n, g->page, 4);
	if (p->size != 0 && g->size != p->size * bsp_dies()) {
		n = add(line, n, "; by its id the chip has 0x");
		n = add_hex(line, n, p->size * bsp_dies(), 8);
	}
	(void)add(line, n, ": take the board support package of this very board");
	return refuse(VF_E_CONFLICT, line);
}

/* What GetInfo says against the id, the erase constants and the buffers here. */
static int look_at(uint8_t *id, geometry *g)
{
	int32_t result = bsp_geometry(g);
	if (result != 0)
		return refuse(VF_E_FLASH, PREFIX "GetInfo failed");
	const part *p = &unknown;
	unsigned len = 0;
	if (id[0] != 0) {
		len = single(id);
		p = find(id, len);
	}
	if (!power_of_two(g->size) || !power_of_two(g->page) || g->page > PAGE_MAX ||
	    !power_of_two(g->sector) || g->sector > g->size || !erasable(g->sector) ||
	    (p->size != 0 && g->size != p->size * bsp_dies()))
		return refuse_geometry(g, p);
	describe(g, p);
	memcpy(cube.chip.id, id, len);
	cube.chip.id_len = (uint8_t)len;
	return VF_OK;
}

static int refuse_id(const uint8_t *id, int32_t result)
{
	char line[LINE];
	size_t n = add(line, 0, PREFIX "ReadID ");
	if (result != 0) {
		n = add_number(line, add(line, n, "returned "), result);
	} else {
		n = add(line, n, "read");
		for (unsigned i = 0; i < 4; i++)
			n = add_hex(line, add(line, n, " "), id[i], 2);
	}
	(void)add(line, n,
		  bsp_dies() > 1
			  ? ", no chip or not the same one twice: check the pins of both banks "
			    "and the DualFlash setting"
			  : ", no chip: check pins and clock, and that the board support package "
			    "is this board's");
	return refuse(VF_E_NO_CHIP, line);
}

/* The driver brought up, and what it says of itself and its chip. */
static int bring_up(void)
{
	uint8_t id[20] = {0};
	geometry g;
	const char *fault = bsp_mode_fault();
	if (fault != NULL)
		return refuse(VF_E_USAGE, fault);
	int32_t result = bsp_init();
	if (result != 0) {
		char line[LINE];
		size_t n = add_number(line, add(line, 0, PREFIX "Init returned "), result);
		(void)add(line, n,
			  ": it waits for the chip in vain; check the clock of its controller, the "
			  "pins, and that nothing else of the project sets this controller up");
		return refuse(VF_E_FLASH, line);
	}
	fault = bsp_state_fault();
	if (fault != NULL)
		return refuse(VF_E_USAGE, fault);
	result = bsp_id(id);
	bool constant =
		VF_CUBE_BSP != VF_CUBE_QSPI_V1 && (all_are(id, 3, 0x00) || all_are(id, 3, 0xFF));
	bool differ = bsp_dies() > 1 && (id[0] != id[1] || id[2] != id[3]);
	if (result != 0 || constant || differ)
		return refuse_id(id, result);
	return look_at(id, &g);
}

/* --- mapped or not ------------------------------------------------------------------- */

/* While the flash is not mapped a Cortex-M7 must not come near it, not even
 * speculatively: the last MPU region, which wins over all others, closes it. */
static void close_window(bool closed)
{
#if defined(__CORTEX_M) && (__CORTEX_M == 7U) && defined(__MPU_PRESENT) && (__MPU_PRESENT == 1U)
	uint32_t regions = MPU->TYPE >> 8 & 0xFF, log = 0;
	if (regions == 0 || closed == cube.region.saved)
		return;
	while ((2u << log) < cube.chip.size)
		log++;
	__DMB();
	MPU->RNR = regions - 1;
	if (closed) {
		cube.region.base = MPU->RBAR;
		cube.region.attributes = MPU->RASR;
	}
	MPU->RASR = 0;
	MPU->RBAR = closed ? cube.chip.base : cube.region.base & ~0x1Fu;
	/* not to be executed, no access, of this size, enabled */
	MPU->RASR = closed ? 1u << 28 | log << 1 | 1 : cube.region.attributes;
	if ((MPU->CTRL & 1) == 0)
		MPU->CTRL = 5; /* on, with the usual map behind the regions */
	__DSB();
	__ISB();
	cube.region.saved = closed;
#else
	(void)closed;
#endif
}

/* What was written is forgotten by the caches, which the driver goes past. */
static void forget_cached(void)
{
	if (cube.stale_from >= cube.stale_to)
		return;
#if defined(__DCACHE_PRESENT) && (__DCACHE_PRESENT == 1U)
	uint32_t from = cube.stale_from & ~31u, to = (cube.stale_to + 31) & ~31u;
	SCB_InvalidateDCache_by_Addr((void *)(uintptr_t)(cube.chip.base + from),
				     (int32_t)(to - from));
#endif
#if defined(__ICACHE_PRESENT) && (__ICACHE_PRESENT == 1U)
	SCB_InvalidateICache();
#endif
	cube.stale_from = UINT32_MAX;
	cube.stale_to = 0;
}

static void changes(const vf_flash_op *op)
{
	cube.changed = true;
	if (op->offset < cube.stale_from)
		cube.stale_from = op->offset;
	if (op->offset + op->len > cube.stale_to)
		cube.stale_to = op->offset + op->len;
}

static int stop_masters(void)
{
	if (cube.stopped)
		return VF_OK;
	if (cube.config.quiesce != NULL && cube.config.quiesce() != 0) {
		say(SAY_QUIESCE, "the quiesce hook did not give the flash away: something of the "
				 "application still reads it");
		return VF_E_BUS;
	}
	cube.stopped = true;
	return VF_OK;
}

static int to_commands(void)
{
	if (!cube.mapped)
		return VF_OK;
	if (stop_masters() != VF_OK)
		return VF_E_BUS;
	cube.mapped = false;
	close_window(true);
	int32_t result = bsp_unmap();
	if (result != 0)
		say_failed(PREFIX "DisableMemoryMappedMode", 0, result,
			   "the flash does not leave mapped mode; reset the board");
	return result == 0 ? VF_OK : VF_E_BUS;
}

static int to_mapped(void)
{
	if (cube.mapped)
		return VF_OK;
	if (bsp_busy() == 1) {
		say(SAY_MAP,
		    "the chip is still busy with an erase that took too long; it cannot be "
		    "mapped: reset the board");
		return VF_E_TIMEOUT;
	}
	int32_t result = bsp_map();
	if (result != 0) {
		say_failed(PREFIX "EnableMemoryMappedMode", 0, result,
			   "the flash cannot be mapped; the application would not see it either");
		return VF_E_BUS;
	}
	close_window(false);
	forget_cached();
	cube.mapped = true;
	return VF_OK;
}

/* Back to what the application knows. */
static void give_back(void)
{
	bool changed = cube.changed;
	if (to_mapped() != VF_OK || !cube.stopped)
		return;
	cube.stopped = false;
	cube.changed = false;
	if (cube.config.resume != NULL)
		cube.config.resume(changed);
}

/* --- finding out a driver that lies -------------------------------------------------- */

/* Bytes of one die that are not what they should be. */
static uint32_t wrong_in(const uint8_t *found, const uint8_t *wanted, uint32_t len, unsigned die)
{
	uint32_t wrong = 0;
	for (uint32_t i = die; i < len; i += DIES_MAX)
		wrong += found[i] != (wanted != NULL ? wanted[i] : 0xFF);
	return wrong;
}

static bool one_die_only(const uint8_t *found, const uint8_t *wanted, uint32_t len)
{
	return bsp_dies() == DIES_MAX &&
	       (wrong_in(found, wanted, len, 0) == 0) != (wrong_in(found, wanted, len, 1) == 0);
}

static bool shifted(const uint8_t *found, const uint8_t *wanted, uint32_t len)
{
	enum { MOST = 8 };
	if (len < 4 * MOST || all_are(wanted, len, wanted[0]))
		return false;
	for (uint32_t by = 1; by <= MOST; by++) {
		uint32_t same = len - 2 * MOST;
		if (memcmp(found + MOST, wanted + MOST - by, same) == 0 ||
		    memcmp(found + MOST, wanted + MOST + by, same) == 0)
			return true;
	}
	return false;
}

static bool only_cleared(const uint8_t *found, const uint8_t *wanted, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		if ((found[i] & ~wanted[i]) != 0)
			return false;
	}
	return true;
}

static const char *cause(const uint8_t *found, const uint8_t *wanted, uint32_t len)
{
	if (all_are(found, len, 0xFF))
		return "the driver said that it wrote, but the chip is blank: check for write "
		       "protection (WP pin, block protection bits) and for the driver's line mode";
	if (all_are(found, len, found[0]))
		return "every byte reads the same: the chip or the driver is in another line mode "
		       "than the other; set both the same, and check the data pins";
	if (shifted(found, wanted, len))
		return "reads arrive shifted: the driver's dummy cycles are not those it sets in "
		       "the "
		       "chip; make them equal (10 for QPI without DTR)";
	if (one_die_only(found, wanted, len))
		return "one of the two dies did not take it: check the pins of that bank and that "
		       "the "
		       "driver's DualFlash setting is enabled";
	if (only_cleared(found, wanted, len))
		return "bits are 0 that were to be 1: the sector was not blank; the driver's erase "
		       "did "
		       "not do what it said, or erases less than was set";
	return "the chip holds something else than the driver was given: lower the flash clock "
	       "(ClockPrescaler), check the sampling shift";
}

/* The engine reads each page back and reports a difference; the reason is said here. */
static void explain(uint32_t offset, const uint8_t *found, uint32_t len)
{
	if (offset != cube.page_at || len != cube.page_len || memcmp(found, cube.page, len) == 0)
		return;
	char line[LINE];
	size_t n = add_hex(line, add(line, 0, "0x"), cube.chip.base + offset, 8);
	(void)add(line, add(line, n, ": "), cause(found, cube.page, len));
	say(SAY_READ_BACK, line);
}

/* The lines of the cache before and behind the range; blank past the ends. */
static int neighbours(const vf_flash_op *op, uint8_t *before, uint8_t *after)
{
	int32_t result = 0;
	memset(before, 0xFF, SAMPLE);
	memset(after, 0xFF, SAMPLE);
	if (op->offset >= SAMPLE)
		result = bsp_read(op->offset - SAMPLE, before, SAMPLE);
	if (result == 0 && op->offset + op->len < cube.chip.size)
		result = bsp_read(op->offset + op->len, after, SAMPLE);
	if (result != 0)
		say_failed(PREFIX "Read", op->offset, result, "the driver cannot read the chip");
	return result == 0 ? VF_OK : VF_E_BUS;
}

static bool swallowed(const uint8_t *was, const uint8_t *is)
{
	return !all_are(was, SAMPLE, 0xFF) && all_are(is, SAMPLE, 0xFF);
}

static const char *erase_cause(const uint8_t *found, bool begun)
{
	if (one_die_only(found, NULL, SAMPLE))
		return ": one of the two dies was not erased: check the pins of that bank and the "
		       "driver's DualFlash setting";
	if (begun && VF_CUBE_BSP == VF_CUBE_QSPI_V1)
		return ": erased in part; BSP_QSPI_Erase_Block erases less than GetInfo says: set "
		       "VF_CUBE_ERASE_SIZE to what it erases";
	return ": the driver said that it erased, but it was not: check for write protection (WP "
	       "pin, block protection bits) and the driver's line mode";
}

static int not_erased(uint32_t offset, const uint8_t *found, bool begun)
{
	char line[LINE];
	size_t n = add_hex(line, add(line, 0, "0x"), cube.chip.base + offset, 8);
	(void)add(line, n, erase_cause(found, begun));
	say(SAY_ERASE, line);
	return VF_E_ERASE;
}

/* Samples: all of it is looked at when it has been written. */
static int check_erased(const vf_flash_op *op)
{
	uint8_t now[2][SAMPLE];
	uint32_t step = op->len / SAMPLES;
	for (uint32_t i = 0; i < SAMPLES; i++) {
		int32_t result = bsp_read(op->offset + i * step, now[0], SAMPLE);
		if (result != 0) {
			say_failed(PREFIX "Read", op->offset, result,
				   "the driver cannot read the chip");
			return VF_E_BUS;
		}
		if (!all_are(now[0], SAMPLE, 0xFF))
			return not_erased(op->offset + i * step, now[0], i > 0);
	}
	if (neighbours(op, now[0], now[1]) != VF_OK)
		return VF_E_BUS;
	if (!swallowed(cube.before, now[0]) && !swallowed(cube.after, now[1]))
		return VF_OK;
	say_failed(
		PREFIX "Erase_Block", op->offset, 0,
		"it erased more than GetInfo says: set VF_CUBE_ERASE_SIZE to what it erases, and "
		"program everything again");
	return VF_E_ERASE;
}

/* --- the flash door -------------------------------------------------------------------- */

static int read_commands(uint32_t offset, uint8_t *to, uint32_t len)
{
	if (to_commands() != VF_OK)
		return VF_E_BUS;
	int32_t result = bsp_read(offset, to, len);
	if (result == 0)
		return VF_OK;
	say_failed(PREFIX "Read", offset, result, "the driver cannot read the chip");
	return VF_E_BUS;
}

/* The last bytes cannot be had from a controller that was told the flash's very size:
 * the bus hangs. They are read by command. */
static int read_mapped(const vf_flash_op *op)
{
	uint32_t end = cube.chip.size - SAMPLE, len = op->len;
	if (op->offset + len > end)
		len = op->offset < end ? end - op->offset : 0;
	if (len > 0) {
		if (to_mapped() != VF_OK)
			return VF_E_BUS;
		VF_CUBE_COPY_MAPPED(op->buf, cube.chip.base + op->offset, len);
	}
	return len == op->len ? VF_OK
			      : read_commands(op->offset + len, op->buf + len, op->len - len);
}

static int program(const vf_flash_op *op)
{
	if (to_commands() != VF_OK)
		return VF_E_BUS;
	changes(op);
	cube.page_at = op->offset;
	cube.page_len = op->len;
	memcpy(cube.page, op->data, op->len);
	uint32_t began = HAL_GetTick();
	int32_t result = bsp_write(op->offset, op->data, op->len);
	if (result == 0)
		return VF_OK;
	say_failed(PREFIX "Write", op->offset, result,
		   HAL_GetTick() - began > 1000 ? "it waited for the chip in vain: driver and chip "
						  "are in different line modes"
						: "the driver did not reach the chip");
	return VF_E_PROGRAM;
}

static int begin_erase(const vf_flash_op *op)
{
	if (to_commands() != VF_OK || neighbours(op, cube.before, cube.after) != VF_OK)
		return VF_E_BUS;
	changes(op);
	int32_t result = -1;
	if (op->len == cube.chip.size)
		result = bsp_erase_chip();
	for (unsigned i = 0; i < ERASES && op->len != cube.chip.size; i++) {
		if (erase_sizes[i] * bsp_dies() == op->len)
			result = bsp_erase(op->offset, erase_names[i]);
	}
	if (result != 0) {
		say_failed(PREFIX "Erase", op->offset, result, "the driver did not reach the chip");
		return VF_E_ERASE;
	}
	cube.erasing_since = HAL_GetTick();
	cube.erasing = op;
	return VF_OK;
}

static uint32_t erase_limit_ms(const vf_flash_op *op)
{
	const vf_erase_type *e = cube.chip.erase;
	while (e->size != op->len)
		e++;
	return e->max_us / 1000 * 2;
}

/* Some of ST's erases return before the chip has finished. */
static void watch_erase(void)
{
	const vf_flash_op *op = cube.erasing;
	int32_t busy = bsp_busy();
	int status = VF_OK;
	if (busy == 0) {
		status = check_erased(op);
	} else if (HAL_GetTick() - cube.erasing_since <= erase_limit_ms(op)) {
		return;
	} else if (busy != 1) {
		say_failed(PREFIX "GetStatus", op->offset, busy,
			   "the driver did not reach the chip");
		status = VF_E_BUS;
	} else {
		say_failed(
			PREFIX "GetStatus", op->offset, busy,
			"the erase takes longer than the chip's maximum: one die may be missing");
		status = VF_E_TIMEOUT;
	}
	cube.erasing = NULL;
	vf_target_flash_done(&cube.target, 0, status);
}

static int carry_out(const vf_flash_op *op)
{
	if (op->kind == VF_FLASH_PROGRAM)
		return program(op);
	if (op->kind == VF_FLASH_ERASE)
		return begin_erase(op);
	if (op->kind == VF_FLASH_READ_MAPPED || cube.mapped)
		return read_mapped(op);
	int status = read_commands(op->offset, op->buf, op->len);
	if (status == VF_OK)
		explain(op->offset, op->buf, op->len);
	return status;
}

static bool serve_flash(void)
{
	if (cube.erasing != NULL) {
		cube.used_at = HAL_GetTick();
		watch_erase();
		return true;
	}
	const vf_flash_op *op = vf_target_flash_next(&cube.target, 0);
	if (op == NULL)
		return false;
	int status = carry_out(op);
	cube.used_at = HAL_GetTick();
	if (cube.erasing == NULL)
		vf_target_flash_done(&cube.target, 0, status);
	return true;
}

/* --- the link -------------------------------------------------------------------------- */

/* True when the port took it. It has two buffers in turn: that one is taken says that
 * the other has left. A transfer never ends on a full packet: the host would wait for
 * an empty one after it, which older CDC classes do not send. */
static bool give(size_t len)
{
	uint32_t masked = __get_PRIMASK();
	__disable_irq();
	bool taken =
		atomic_load(&here) && cube.config.transmit(pieces[cube.piece], (uint16_t)len) == 0;
	__set_PRIMASK(masked);
	cube.piece ^= taken;
	return taken;
}

static bool send_line(const char *line)
{
	char *to = (char *)pieces[cube.piece];
	char text[LINE + 16];
	size_t n = strlen(line);
	(void)memcpy(text, "vcpflash: ", 10);
	(void)memcpy(text + 10, line, n);
	(void)memcpy(text + 10 + n, "\r\n\n", 3);
	n += 12;
	n += n % cube.config.packet == 0;
	(void)memcpy(to, text, n);
	return give(n);
}

static bool send(void)
{
	size_t len;
	if (!atomic_load(&here))
		return false;
	if (!cube.inside && cube.line[0] != '\0') {
		if (send_line(cube.line))
			cube.line[0] = '\0';
		return true;
	}
	const uint8_t *data = vf_target_tx(&cube.target, &len);
	if (data == NULL)
		return false;
	size_t n = len < PIECE ? len : PIECE;
	n -= n % cube.config.packet == 0;
	(void)memcpy(pieces[cube.piece], data, n);
	if (give(n)) {
		vf_target_tx_done(&cube.target, n);
		cube.inside = n < len;
	}
	return true;
}

/* Whoever speaks to a loader that cannot serve is told why, once a second. */
static void answer_why(void)
{
	uint32_t now = HAL_GetTick();
	if (!atomic_load(&asked) || !atomic_load(&here) || cube.problem[0] == '\0' ||
	    now - cube.said_at < 1000)
		return;
	if (send_line(cube.problem)) {
		cube.said_at = now;
		atomic_store(&asked, false);
	}
}

static bool fits(void)
{
	return !cube.serving || vf_target_rx_space(&cube.target) >= cube.config.packet;
}

void vf_cube_received(const uint8_t *data, uint32_t len)
{
	atomic_store(&here, true);
	if (cube.serving)
		(void)vf_target_rx(&cube.target, data, len);
	else
		atomic_store(&asked, true);
	if (cube.config.rearm != NULL && fits())
		cube.config.rearm();
	else
		atomic_store(&held, true);
}

void vf_cube_connected(void)
{
	atomic_store(&held, false);
	atomic_store(&here, true);
}

/* Neither is the endpoint to be armed then, nor anything given to CDC_Transmit: ST's
 * class follows a pointer that is NULL by now. */
void vf_cube_disconnected(void)
{
	atomic_store(&held, false);
	atomic_store(&here, false);
}

static void let_in(void)
{
	if (!atomic_load(&held) || !fits())
		return;
	uint32_t masked = __get_PRIMASK();
	__disable_irq();
	if (atomic_exchange(&held, false))
		cube.config.rearm();
	__set_PRIMASK(masked);
}

/* --- its life ---------------------------------------------------------------------------- */

/* An empty transfer is taken when the last one has left. */
static void leave(void)
{
	uint32_t waited = HAL_GetTick() - cube.run_since;
	if (atomic_load(&here) && !give(0) && waited < 500)
		return;
	cube.leaving = false;
	if (stop_masters() == VF_OK && to_mapped() == VF_OK)
		cube.config.start(cube.run_at);
}

bool vf_cube_poll(void)
{
	if (cube.config.rearm == NULL)
		return false;
	let_in();
	if (!cube.serving) {
		answer_why();
		return false;
	}
	vf_target_tick(&cube.target, HAL_GetTick() * 1000u);
	bool sending = send();
	bool working = serve_flash();
	if (vf_target_run(&cube.target, &cube.run_at)) {
		cube.leaving = true;
		cube.run_since = HAL_GetTick();
	}
	if (cube.leaving && !sending)
		leave();
	if ((cube.stopped || !cube.mapped) && !working &&
	    HAL_GetTick() - cube.used_at > VF_CUBE_IDLE_MS) {
		cube.used_at = HAL_GetTick();
		give_back();
	}
	return sending || working || cube.leaving;
}

const char *vf_cube_problem(void)
{
	return cube.problem[0] != '\0' ? cube.problem : NULL;
}

static bool inside(uintptr_t address)
{
	return address - cube.chip.base < cube.chip.size && address >= cube.chip.base;
}

/* What runs while the flash cannot be read must not be in it. */
static int check_place(void)
{
	const uintptr_t code[] = {VF_CUBE_CODE_AT(vf_cube_init), VF_CUBE_CODE_AT(vf_target_tick),
				  VF_CUBE_CODE_AT(bsp_read), VF_CUBE_CODE_AT(HAL_GetTick),
				  VF_CUBE_CODE_AT(cube.config.transmit)};
	if (inside(SCB->VTOR))
		return refuse(
			VF_E_REFUSED,
			"the vector table (SCB->VTOR) lies in the flash that is to be programmed: "
			"the loader belongs into internal flash, linked for 0x08000000");
	for (size_t i = 0; i < sizeof code / sizeof code[0]; i++) {
		if (inside(code[i]))
			return refuse(
				VF_E_REFUSED,
				"this code lies in the flash that is to be programmed: change the "
				"linker script, the loader belongs into internal flash");
	}
	return VF_OK;
}

static int start_engine(void)
{
	const uint32_t uid[3] = {HAL_GetUIDw0(), HAL_GetUIDw1(), HAL_GetUIDw2()};
	vf_target_config t = {
		.name = cube.config.name,
		.id_len = sizeof uid,
		.memories = 1,
		.memory = {{.info = &cube.chip, .work = work, .work_len = sizeof work}},
		.ring = ring,
		.ring_len = sizeof ring,
		.window = window,
		.window_len = sizeof window,
		.frame = frame,
		.frame_len = sizeof frame,
		.tx = transmit,
		.tx_len = sizeof transmit,
		.can_run = cube.config.start != NULL};
	(void)memcpy(t.id, uid, sizeof uid);
	vf_target_features features = {
		.check = vf_target_check, .mend = vf_target_mend, .text = &vf_target_text_feature};
#if VF_CUBE_BLOCK > 0
	features.unpack = &vf_target_unpack_feature;
	t.block = block;
	t.block_len = sizeof block;
	t.inflate = &inflate;
#endif
#if VF_CUBE_JOURNAL
	features.journal = &vf_target_journal_feature;
	t.journal = &journal;
	t.journal_offset = cube.chip.protect[0].offset;
	t.journal_unit = cube.chip.erase[0].size;
#endif
	if (vf_target_init_with(&cube.target, &t, &features) != VF_OK)
		return refuse(VF_E_USAGE,
			      "a name or a size breaks the rules of vcpflash_cube.h: look at "
			      "vf_cube_config and the VF_CUBE_ macros");
	return VF_OK;
}

/* Before the flash is given away: what may be started is known when vf_cube_init
 * returns. A driver that cannot read ends it too. */
static void read_journal(void)
{
	while (vf_target_startable(&cube.target) == VF_STARTABLE_LATER) {
		vf_target_tick(&cube.target, HAL_GetTick() * 1000u);
		(void)serve_flash();
	}
}

bool vf_cube_startable(uint32_t address)
{
	uint8_t table[8];
	uint32_t offset = address - cube.chip.base;
	if (!cube.serving || !cube.mapped || !inside(address) || cube.chip.size - offset < 64)
		return false;
	VF_CUBE_COPY_MAPPED(table, address, sizeof table);
	return vf_target_startable(&cube.target) != VF_STARTABLE_NO &&
	       vf_target_vectors_plausible(table, address, cube.chip.size - offset);
}

int vf_cube_init(const vf_cube_config *config)
{
	cube.serving = false;
	close_window(false); /* gives back the project's region, if this is not the first time */
	memset(&cube, 0, sizeof cube);
	cube.config = *config;
	cube.stale_from = UINT32_MAX;
	if (cube.config.base == 0)
		cube.config.base = 0x90000000;
	if (config->transmit == NULL || config->rearm == NULL || config->packet < 8)
		return refuse(VF_E_USAGE, "vf_cube_config needs transmit, rearm and packet");
	/* Its size is not known yet: the largest window that a controller maps. */
	cube.chip.base = cube.config.base;
	cube.chip.size = 0x10000000;
	int status = check_place();
	if (status == VF_OK && stop_masters() != VF_OK)
		status = refuse(VF_E_REFUSED, "the quiesce hook did not give the flash away");
	if (status != VF_OK)
		return status;
	close_window(true);
	status = bring_up();
	if (status == VF_OK)
		status = start_engine();
	if (status != VF_OK) {
		close_window(false);
		return status;
	}
	read_journal();
	give_back();
	cube.used_at = HAL_GetTick();
	cube.serving = true;
	return VF_OK;
}

#ifdef __arm__
void vf_cube_start(uint32_t address)
{
	const uint32_t *vectors = (const uint32_t *)(uintptr_t)address;
	__disable_irq();
	SysTick->CTRL = 0;
	for (unsigned i = 0; i < sizeof NVIC->ICER / sizeof NVIC->ICER[0]; i++) {
		NVIC->ICER[i] = UINT32_MAX;
		NVIC->ICPR[i] = UINT32_MAX;
	}
	SCB->ICSR = SCB_ICSR_PENDSTCLR_Msk | SCB_ICSR_PENDSVCLR_Msk;
#if defined(__DCACHE_PRESENT) && (__DCACHE_PRESENT == 1U)
	SCB_DisableDCache();
#endif
#if defined(__ICACHE_PRESENT) && (__ICACHE_PRESENT == 1U)
	SCB_DisableICache();
#endif
#if defined(__MPU_PRESENT) && (__MPU_PRESENT == 1U)
	MPU->CTRL = 0;
#endif
	SCB->VTOR = address;
	__DSB();
	__ISB();
	/* No stack between the two; interrupts are enabled as after a reset. */
	__asm volatile("movs r2, #0\n\t"
		       "msr control, r2\n\t"
		       "msr msp, %0\n\t"
		       "isb\n\t"
		       "cpsie i\n\t"
		       "bx %1" ::"r"(vectors[0]),
		       "r"(vectors[1])
		       : "r2", "memory");
	__builtin_unreachable();
}
#endif
