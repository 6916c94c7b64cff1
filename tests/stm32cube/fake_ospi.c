/* fake_ospi.c - a driver with ST's BSP_OSPI_NOR_* prototypes over one chip with the octal
 * part's id, which comes with each byte twice as on both edges of the clock; the chip
 * erase does not wait.
 */
#include "fake_ospi.h"

#include "fake.h"

enum { PIECE = 256 };

static bool up, double_rate;

const char *fake_part(void)
{
	up = false;
	return "mx25l51245g";
}

unsigned fake_part_dies(void)
{
	return 1;
}

static void check_instance(uint32_t instance)
{
	assert_int_equal(instance, 0);
	assert_true(up);
}

int32_t BSP_OSPI_NOR_Init(uint32_t Instance, BSP_OSPI_NOR_Init_t *Init)
{
	assert_int_equal(Instance, 0);
	if (up)
		return BSP_ERROR_NONE; /* nothing is done, whatever is asked for */
	fake.inits++;
	if (fake.faults.fail_init)
		return BSP_ERROR_COMPONENT_FAILURE;
	up = true;
	double_rate = Init->TransferRate == BSP_OSPI_NOR_DTR_TRANSFER;
	return fake_wait(5000) == 0 ? BSP_ERROR_NONE : BSP_ERROR_COMPONENT_FAILURE;
}

int32_t BSP_OSPI_NOR_DeInit(uint32_t Instance)
{
	assert_int_equal(Instance, 0);
	up = false;
	fake_map(false);
	return BSP_ERROR_NONE;
}

int32_t BSP_OSPI_NOR_Read(uint32_t Instance, uint8_t *pData, uint32_t ReadAddr, uint32_t Size)
{
	check_instance(Instance);
	return fake_read(ReadAddr, pData, Size) == 0 ? BSP_ERROR_NONE : BSP_ERROR_COMPONENT_FAILURE;
}

int32_t BSP_OSPI_NOR_Write(uint32_t Instance, uint8_t *pData, uint32_t WriteAddr, uint32_t Size)
{
	check_instance(Instance);
	assert_true(WriteAddr / PIECE == (WriteAddr + Size - 1) / PIECE);
	return fake_write(WriteAddr, pData, Size) == 0 && fake_wait(5000) == 0
		       ? BSP_ERROR_NONE
		       : BSP_ERROR_COMPONENT_FAILURE;
}

int32_t BSP_OSPI_NOR_Erase_Block(uint32_t Instance, uint32_t BlockAddress,
				 BSP_OSPI_NOR_Erase_t BlockSize)
{
	check_instance(Instance);
	assert_true((unsigned)BlockSize < 2);
	fake.faults.erase_waits = true;
	return fake_erase(BlockAddress, BlockSize == MX25LM51245G_ERASE_4K ? 4096 : 65536) == 0
		       ? BSP_ERROR_NONE
		       : BSP_ERROR_COMPONENT_FAILURE;
}

int32_t BSP_OSPI_NOR_Erase_Chip(uint32_t Instance)
{
	check_instance(Instance);
	fake.faults.erase_waits = false;
	return fake_erase(0, fake.size) == 0 ? BSP_ERROR_NONE : BSP_ERROR_COMPONENT_FAILURE;
}

int32_t BSP_OSPI_NOR_GetStatus(uint32_t Instance)
{
	uint8_t status;
	check_instance(Instance);
	if (fake.faults.fail_status)
		return BSP_ERROR_COMPONENT_FAILURE;
	fake_status(&status);
	return (status & 1) != 0 ? BSP_ERROR_BUSY : BSP_ERROR_NONE;
}

int32_t BSP_OSPI_NOR_GetInfo(uint32_t Instance, BSP_OSPI_NOR_Info_t *pInfo)
{
	check_instance(Instance);
	*pInfo = (BSP_OSPI_NOR_Info_t){
		.FlashSize = fake.faults.size != 0 ? fake.faults.size : fake.size,
		.EraseSectorSize = 65536,
		.EraseSubSectorSize = fake.faults.sector != 0 ? fake.faults.sector : 4096,
		.ProgPageSize = PIECE};
	return fake.faults.fail_info ? BSP_ERROR_WRONG_PARAM : BSP_ERROR_NONE;
}

int32_t BSP_OSPI_NOR_EnableMemoryMappedMode(uint32_t Instance)
{
	check_instance(Instance);
	if (fake.faults.fail_map)
		return BSP_ERROR_COMPONENT_FAILURE;
	fake_map(true);
	return BSP_ERROR_NONE;
}

int32_t BSP_OSPI_NOR_DisableMemoryMappedMode(uint32_t Instance)
{
	check_instance(Instance);
	assert_true(fake.masters_stopped);
	if (!fake.mapped)
		return BSP_ERROR_WRONG_PARAM;
	fake_map(false);
	return BSP_ERROR_NONE;
}

int32_t BSP_OSPI_NOR_ReadID(uint32_t Instance, uint8_t *Id)
{
	static const uint8_t once[3] = {0xC2, 0x85, 0x3A}, twice[3] = {0xC2, 0xC2, 0x85};
	check_instance(Instance);
	fake_command();
	for (unsigned i = 0; i < 3; i++)
		Id[i] = fake.faults.constant >= 0 ? (uint8_t)fake.faults.constant
			: double_rate             ? twice[i]
						  : once[i];
	return BSP_ERROR_NONE;
}
