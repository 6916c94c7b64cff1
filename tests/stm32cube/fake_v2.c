/* fake_v2.c - a driver with ST's BSP_QSPI_*(Instance, ...) prototypes over two dies in
 * parallel, with its habits: writes in pieces of 256, erases that do not wait, line
 * modes that do not work, a status and a way out of mapped mode that overwrite the
 * stack where there are two dies.
 */
#include "fake_v2.h"

#include <string.h>

#include "fake.h"

QSPI_HandleTypeDef hqspi;
BSP_QSPI_Ctx_t QSPI_Ctx[1];

enum { PIECE = 256, SHIFT_NONE = 0, SHIFT_HALF = 16 };

const char *fake_part(void)
{
	hqspi = (QSPI_HandleTypeDef){0};
	QSPI_Ctx[0] = (BSP_QSPI_Ctx_t){0};
	return "mt25ql512ab";
}

unsigned fake_part_dies(void)
{
	return 2;
}

static void check_instance(uint32_t instance)
{
	assert_int_equal(instance, 0);
	assert_true(QSPI_Ctx[0].IsInitialized != QSPI_ACCESS_NONE);
	/* double rate and a shifted sample exclude each other */
	if (QSPI_Ctx[0].TransferRate == MT25TL01G_DTR_TRANSFER)
		assert_int_equal(hqspi.Init.SampleShifting, SHIFT_NONE);
}

/* On four lines whatever the mode. */
static int wait_ready(void)
{
	fake.faults.blind = QSPI_Ctx[0].InterfaceMode != MT25TL01G_QPI_MODE;
	return fake.faults.blind && !fake.faults.lines_high ? 0 : fake_wait(5000);
}

int32_t BSP_QSPI_ConfigFlash(uint32_t Instance, BSP_QSPI_Interface_t Mode, BSP_QSPI_Transfer_t Rate)
{
	assert_int_equal(Instance, 0);
	if (QSPI_Ctx[0].IsInitialized == QSPI_ACCESS_MMP)
		return BSP_ERROR_WRONG_PARAM;
	hqspi.Init.SampleShifting = Rate == MT25TL01G_STR_TRANSFER ? SHIFT_HALF : SHIFT_NONE;
	QSPI_Ctx[0].IsInitialized = QSPI_ACCESS_INDIRECT;
	QSPI_Ctx[0].InterfaceMode = Mode;
	QSPI_Ctx[0].TransferRate = Rate;
	return BSP_ERROR_NONE;
}

int32_t BSP_QSPI_Init(uint32_t Instance, BSP_QSPI_Init_t *Init)
{
	assert_int_equal(Instance, 0);
	if (QSPI_Ctx[0].IsInitialized != QSPI_ACCESS_NONE)
		return BSP_ERROR_NONE; /* nothing is done, whatever is asked for */
	fake.inits++;
	if (fake.faults.fail_init)
		return BSP_ERROR_COMPONENT_FAILURE;
	hqspi.Init.DualFlash = QSPI_DUALFLASH_ENABLE;
	hqspi.Init.FlashSize = 26;
	if (fake_wait(5000) != 0)
		return BSP_ERROR_COMPONENT_FAILURE;
	return BSP_QSPI_ConfigFlash(0, Init->InterfaceMode, Init->TransferRate);
}

int32_t BSP_QSPI_DeInit(uint32_t Instance)
{
	assert_int_equal(Instance, 0);
	if (QSPI_Ctx[0].IsInitialized == QSPI_ACCESS_MMP)
		(void)BSP_QSPI_DisableMemoryMappedMode(0);
	QSPI_Ctx[0] = (BSP_QSPI_Ctx_t){0};
	return BSP_ERROR_NONE;
}

int32_t BSP_QSPI_Read(uint32_t Instance, uint8_t *pData, uint32_t ReadAddr, uint32_t Size)
{
	check_instance(Instance);
	assert_true(ReadAddr % 2 == 0 && Size % 2 == 0);
	return fake_read(ReadAddr, pData, Size) == 0 ? BSP_ERROR_NONE : BSP_ERROR_COMPONENT_FAILURE;
}

int32_t BSP_QSPI_Write(uint32_t Instance, uint8_t *pData, uint32_t WriteAddr, uint32_t Size)
{
	check_instance(Instance);
	while (Size > 0) {
		uint32_t n = PIECE - WriteAddr % PIECE;
		n = n < Size ? n : Size;
		if (wait_ready() != 0 || fake_write(WriteAddr, pData, n) != 0 || wait_ready() != 0)
			return BSP_ERROR_COMPONENT_FAILURE;
		WriteAddr += n;
		pData += n;
		Size -= n;
	}
	return BSP_ERROR_NONE;
}

int32_t BSP_QSPI_EraseBlock(uint32_t Instance, uint32_t BlockAddress, BSP_QSPI_Erase_t BlockSize)
{
	static const uint32_t sizes[] = {8192, 65536, 131072};
	check_instance(Instance);
	assert_true((unsigned)BlockSize < 3);
	if (wait_ready() != 0 || fake_erase(BlockAddress, sizes[BlockSize]) != 0)
		return BSP_ERROR_COMPONENT_FAILURE;
	return BSP_ERROR_NONE;
}

int32_t BSP_QSPI_EraseChip(uint32_t Instance)
{
	check_instance(Instance);
	return fake_erase(0, fake.size) == 0 ? BSP_ERROR_NONE : BSP_ERROR_COMPONENT_FAILURE;
}

int32_t BSP_QSPI_GetStatus(uint32_t Instance)
{
	check_instance(Instance);
	fail_msg("two bytes arrive where there is room for one");
	return BSP_ERROR_NONE;
}

int32_t MT25TL01G_ReadStatusRegister(QSPI_HandleTypeDef *handle, MT25TL01G_Interface_t mode,
				     uint8_t *value)
{
	assert_ptr_equal(handle, &hqspi);
	assert_int_equal(mode, QSPI_Ctx[0].InterfaceMode);
	if (fake.faults.fail_status)
		return -4;
	fake_status(value);
	return 0;
}

int32_t BSP_QSPI_GetInfo(uint32_t Instance, BSP_QSPI_Info_t *pInfo)
{
	assert_int_equal(Instance, 0);
	if (fake.faults.fail_info)
		return BSP_ERROR_WRONG_PARAM;
	pInfo->FlashSize = fake.faults.size != 0 ? fake.faults.size : fake.size;
	pInfo->EraseSectorSize = fake.faults.sector != 0 ? fake.faults.sector : 8192;
	pInfo->EraseSectorsNumber = pInfo->FlashSize / pInfo->EraseSectorSize;
	pInfo->ProgPageSize = PIECE;
	pInfo->ProgPagesNumber = pInfo->FlashSize / PIECE;
	return BSP_ERROR_NONE;
}

int32_t BSP_QSPI_EnableMemoryMappedMode(uint32_t Instance)
{
	check_instance(Instance);
	if (fake.faults.fail_map)
		return BSP_ERROR_COMPONENT_FAILURE;
	fake_map(true);
	QSPI_Ctx[0].IsInitialized = QSPI_ACCESS_MMP;
	return BSP_ERROR_NONE;
}

int32_t BSP_QSPI_DisableMemoryMappedMode(uint32_t Instance)
{
	assert_int_equal(Instance, 0);
	fail_msg("two bytes arrive where there is room for one");
	return BSP_ERROR_NONE;
}

HAL_StatusTypeDef HAL_QSPI_Abort(QSPI_HandleTypeDef *handle)
{
	assert_ptr_equal(handle, &hqspi);
	assert_true(fake.masters_stopped);
	fake_map(false);
	return HAL_OK;
}

int32_t BSP_QSPI_ReadID(uint32_t Instance, uint8_t *Id)
{
	check_instance(Instance);
	fake_id(Id, 4); /* three were asked for */
	return BSP_ERROR_NONE;
}
