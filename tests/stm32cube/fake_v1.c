/* fake_v1.c - a driver with ST's older BSP_QSPI_*(...) prototypes over one N25Q128A: its
 * erases wait, it does not tell the id, and there is no way out of mapped mode.
 */
#include "fake_v1.h"

#include "fake.h"

#ifdef MX25R6435F_BLOCK_SIZE
enum { PIECE = 256, BLOCK = MX25R6435F_BLOCK_SIZE }; /* whatever GetInfo says */
#else
enum { PIECE = 256, BLOCK = 4096 };
#endif

const char *fake_part(void)
{
	return "n25q128a";
}

unsigned fake_part_dies(void)
{
	return 1;
}

uint8_t BSP_QSPI_Init(void)
{
	fake.inits++;
	if (fake.faults.fail_init)
		return QSPI_ERROR;
	assert_true(fake.masters_stopped);
	fake_map(false);
	return fake_wait(5000) == 0 ? QSPI_OK : QSPI_ERROR;
}

uint8_t BSP_QSPI_DeInit(void)
{
	fake_map(false);
	return QSPI_OK;
}

uint8_t BSP_QSPI_Read(uint8_t *pData, uint32_t ReadAddr, uint32_t Size)
{
	return fake_read(ReadAddr, pData, Size) == 0 ? QSPI_OK : QSPI_ERROR;
}

uint8_t BSP_QSPI_Write(uint8_t *pData, uint32_t WriteAddr, uint32_t Size)
{
	assert_true(WriteAddr / PIECE == (WriteAddr + Size - 1) / PIECE);
	return fake_write(WriteAddr, pData, Size) == 0 && fake_wait(5000) == 0 ? QSPI_OK
									       : QSPI_ERROR;
}

uint8_t BSP_QSPI_Erase_Block(uint32_t BlockAddress)
{
	fake.faults.erase_waits = true;
	return fake_erase(BlockAddress, BLOCK) == 0 ? QSPI_OK : QSPI_ERROR;
}

uint8_t BSP_QSPI_Erase_Chip(void)
{
	fake.faults.erase_waits = true;
	return fake_erase(0, fake.size) == 0 ? QSPI_OK : QSPI_ERROR;
}

/* One of the two it has looks at the wrong register, the wrong way round. */
uint8_t BSP_QSPI_GetStatus(void)
{
	return QSPI_BUSY;
}

uint8_t BSP_QSPI_GetInfo(QSPI_Info *pInfo)
{
	pInfo->FlashSize = fake.faults.size != 0 ? fake.faults.size : fake.size;
	pInfo->EraseSectorSize = fake.faults.sector != 0 ? fake.faults.sector : 4096;
	pInfo->EraseSectorsNumber = pInfo->FlashSize / pInfo->EraseSectorSize;
	pInfo->ProgPageSize = PIECE;
	pInfo->ProgPagesNumber = pInfo->FlashSize / PIECE;
	return fake.faults.fail_info ? QSPI_ERROR : QSPI_OK;
}

uint8_t BSP_QSPI_EnableMemoryMappedMode(void)
{
	if (fake.faults.fail_map)
		return QSPI_ERROR;
	fake_map(true);
	return QSPI_OK;
}
