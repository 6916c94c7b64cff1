/* fake_v2.h - the prototypes of BSP_QSPI_*(Instance, ...), as the STM32H747I-DISCO's
 * board support package has them; FAKE_OLD_NAMES gives the erase constants the names
 * that some releases of STM32CubeH7 had.
 */
#ifndef FAKE_V2_H
#define FAKE_V2_H

#include "fake_hal.h"

#define MT25TL01G_FLASH_SIZE 0x8000000
#ifndef MT25TL01G_DUMMY_CYCLES_READ_QUAD
#define MT25TL01G_DUMMY_CYCLES_READ_QUAD     8U
#define MT25TL01G_DUMMY_CYCLES_READ          8U
#define MT25TL01G_DUMMY_CYCLES_READ_QUAD_DTR 8U
#endif

typedef enum {
	MT25TL01G_SPI_MODE = 0,
	MT25TL01G_SPI_2IO_MODE,
	MT25TL01G_SPI_4IO_MODE,
	MT25TL01G_QPI_MODE
} MT25TL01G_Interface_t;
typedef enum { MT25TL01G_STR_TRANSFER = 0, MT25TL01G_DTR_TRANSFER } MT25TL01G_Transfer_t;
typedef enum {
	MT25TL01G_DUALFLASH_DISABLE = QSPI_DUALFLASH_DISABLE,
	MT25TL01G_DUALFLASH_ENABLE = QSPI_DUALFLASH_ENABLE
} MT25TL01G_DualFlash_t;
typedef enum {
	MT25TL01G_ERASE_4K = 0,
	MT25TL01G_ERASE_32K,
	MT25TL01G_ERASE_64K,
	MT25TL01G_ERASE_CHIP
} MT25TL01G_Erase_t;
typedef struct {
	uint32_t FlashSize, EraseSectorSize, EraseSectorsNumber, ProgPageSize, ProgPagesNumber;
} MT25TL01G_Info_t;

int32_t MT25TL01G_ReadStatusRegister(QSPI_HandleTypeDef *handle, MT25TL01G_Interface_t mode,
				     uint8_t *value);

#define BSP_QSPI_Info_t      MT25TL01G_Info_t
#define BSP_QSPI_Interface_t MT25TL01G_Interface_t
#define BSP_QSPI_Transfer_t  MT25TL01G_Transfer_t
#define BSP_QSPI_DualFlash_t MT25TL01G_DualFlash_t

#ifdef FAKE_OLD_NAMES
typedef enum {
	BSP_QSPI_ERASE_4K = MT25TL01G_ERASE_4K,
	BSP_QSPI_ERASE_32K = MT25TL01G_ERASE_32K,
	BSP_QSPI_ERASE_64K = MT25TL01G_ERASE_64K,
	BSP_QSPI_ERASE_CHIP = MT25TL01G_ERASE_CHIP
} BSP_QSPI_Erase_t;
#else
typedef enum {
	BSP_QSPI_ERASE_8K = MT25TL01G_ERASE_4K,
	BSP_QSPI_ERASE_64K = MT25TL01G_ERASE_32K,
	BSP_QSPI_ERASE_128K = MT25TL01G_ERASE_64K,
	BSP_QSPI_ERASE_CHIP = MT25TL01G_ERASE_CHIP
} BSP_QSPI_Erase_t;
#define BSP_QSPI_BLOCK_8K 0
#endif

typedef enum { QSPI_ACCESS_NONE = 0, QSPI_ACCESS_INDIRECT, QSPI_ACCESS_MMP } BSP_QSPI_Access_t;

typedef struct {
	BSP_QSPI_Access_t IsInitialized;
	BSP_QSPI_Interface_t InterfaceMode;
	BSP_QSPI_Transfer_t TransferRate;
	uint32_t DualFlashMode;
	uint32_t IsMspCallbacksValid;
} BSP_QSPI_Ctx_t;

typedef struct {
	BSP_QSPI_Interface_t InterfaceMode;
	BSP_QSPI_Transfer_t TransferRate;
	BSP_QSPI_DualFlash_t DualFlashMode;
} BSP_QSPI_Init_t;

#define BSP_QSPI_SPI_MODE     (BSP_QSPI_Interface_t) MT25TL01G_SPI_MODE
#define BSP_QSPI_QPI_MODE     (BSP_QSPI_Interface_t) MT25TL01G_QPI_MODE
#define BSP_QSPI_STR_TRANSFER (BSP_QSPI_Transfer_t) MT25TL01G_STR_TRANSFER
#define BSP_QSPI_DTR_TRANSFER (BSP_QSPI_Transfer_t) MT25TL01G_DTR_TRANSFER

extern QSPI_HandleTypeDef hqspi;
extern BSP_QSPI_Ctx_t QSPI_Ctx[];

int32_t BSP_QSPI_Init(uint32_t Instance, BSP_QSPI_Init_t *Init);
int32_t BSP_QSPI_DeInit(uint32_t Instance);
int32_t BSP_QSPI_Read(uint32_t Instance, uint8_t *pData, uint32_t ReadAddr, uint32_t Size);
int32_t BSP_QSPI_Write(uint32_t Instance, uint8_t *pData, uint32_t WriteAddr, uint32_t Size);
int32_t BSP_QSPI_EraseBlock(uint32_t Instance, uint32_t BlockAddress, BSP_QSPI_Erase_t BlockSize);
int32_t BSP_QSPI_EraseChip(uint32_t Instance);
int32_t BSP_QSPI_GetStatus(uint32_t Instance);
int32_t BSP_QSPI_GetInfo(uint32_t Instance, BSP_QSPI_Info_t *pInfo);
int32_t BSP_QSPI_EnableMemoryMappedMode(uint32_t Instance);
int32_t BSP_QSPI_DisableMemoryMappedMode(uint32_t Instance);
int32_t BSP_QSPI_ReadID(uint32_t Instance, uint8_t *Id);
int32_t BSP_QSPI_ConfigFlash(uint32_t Instance, BSP_QSPI_Interface_t Mode,
			     BSP_QSPI_Transfer_t Rate);

#endif
